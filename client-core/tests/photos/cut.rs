//! Power cuts between a photo's file and its row (F04): no row without its bytes.
//!
//! The shelf lies on a disk made of what is durable and what is not yet. The power is cut after every single act of
//! it, and each time everything unsynced is lost, or kept, or half written; the store is a real file, for which
//! "committed" means "there". A disk that lies about syncing shows that the check can fail.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use louan_client_core::StorePlace;
use louan_client_core::shelf::{Disk, FolderShelf};
use louan_schema::id::BlobHash;
use louan_schema::photo::UploadKind;
use sha2::{Digest, Sha256};

use crate::support::*;
use crate::{picture, shot};

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy)]
enum Unsynced {
    Lost,
    Kept,
    /// Names are kept, contents are cut in half: the order a journalling file system may choose.
    HalfWritten,
}

#[derive(Debug, Default)]
struct State {
    /// Contents as written and as durable, by a number each file keeps through renames.
    contents: BTreeMap<u32, (Vec<u8>, Option<Vec<u8>>)>,
    names: BTreeMap<PathBuf, u32>,
    durable_names: BTreeMap<PathBuf, u32>,
    acts: u32,
    /// The power goes after this many acts.
    cut_after: Option<u32>,
    /// Syncing does nothing.
    lies: bool,
}

#[derive(Debug, Clone, Default)]
struct Bench(Arc<Mutex<State>>);

impl Bench {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One act of the disk; after the cut none happens any more.
    fn act(&self, act: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state();
        if state.cut_after.is_some_and(|last| state.acts >= last) {
            return Err(io::Error::other("no power"));
        }
        state.acts += 1;
        act(&mut state)
    }

    /// What the disk holds when the power is back.
    fn after_the_cut(&self, unsynced: Unsynced) -> Self {
        let state = self.state();
        let names = if matches!(unsynced, Unsynced::Lost) { &state.durable_names } else { &state.names };
        let content = |(written, durable): &(Vec<u8>, Option<Vec<u8>>)| match unsynced {
            Unsynced::Kept => written.clone(),
            Unsynced::Lost => durable.clone().unwrap_or_default(),
            Unsynced::HalfWritten => durable.clone().unwrap_or_else(|| written[..written.len() / 2].to_vec()),
        };
        let contents = state.contents.iter().map(|(n, both)| (*n, (content(both), Some(content(both)))));
        Self(Arc::new(Mutex::new(State {
            contents: contents.collect(),
            names: names.clone(),
            durable_names: names.clone(),
            ..State::default()
        })))
    }
}

impl Disk for Bench {
    fn make_folder(&mut self, _: &Path) -> io::Result<()> {
        self.act(|_| Ok(()))
    }
    fn write(&mut self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.act(|state| {
            let number = u32::try_from(state.contents.len()).expect("few");
            state.contents.insert(number, (bytes.to_vec(), None));
            state.names.insert(file.to_owned(), number);
            Ok(())
        })
    }
    fn sync_file(&mut self, file: &Path) -> io::Result<()> {
        self.act(|state| {
            let number = state.names[file];
            if !state.lies {
                let both = state.contents.get_mut(&number).expect("was written");
                both.1 = Some(both.0.clone());
            }
            Ok(())
        })
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.act(|state| {
            let number = state.names.remove(from).expect("was written");
            state.names.insert(to.to_owned(), number);
            Ok(())
        })
    }
    fn sync_folder(&mut self, _: &Path) -> io::Result<()> {
        self.act(|state| {
            if !state.lies {
                state.durable_names = state.names.clone();
            }
            Ok(())
        })
    }
    fn remove(&mut self, file: &Path) -> io::Result<()> {
        self.act(|state| {
            state.names.remove(file);
            Ok(())
        })
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let state = self.state();
        let number = state.names.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.contents[number].0.clone())
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.state().names.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }
}

fn on_bench(place: &StorePlace, bench: &Bench, made: bool) -> Desk {
    let shelf = Box::new(FolderShelf::on(bench.clone(), PathBuf::from("photos")));
    let mut desk = if made { Desk::bare(place.clone()) } else { Desk::at(place.clone()) };
    let phone = std::mem::replace(&mut desk.phone, Desk::bare(StorePlace::Memory).phone);
    desk.phone = phone.with_shelf(shelf);
    desk
}

/// Rows whose bytes are not there or not theirs, after a cut.
fn rows_without_bytes(desk: &Desk) -> usize {
    let listed = desk.phone.photos().expect("reads");
    let is_whole = |hash: BlobHash, file: BlobHash, kind| {
        let bytes = desk.phone.photo_file(hash, kind).expect("reads");
        bytes.is_some_and(|bytes| BlobHash(Sha256::digest(&bytes).into()) == file)
    };
    let whole = |view: &louan_client_core::view::PhotoView| {
        is_whole(view.hash, view.hash, UploadKind::Photo)
            && is_whole(view.hash, view.card.thumbnail.expect("made"), UploadKind::Thumbnail)
    };
    listed.iter().filter(|view| !whole(view)).count()
}

/// Takes three photos and cuts the power after so many acts; how many were saved by word, how many rows there are
/// afterwards, and how many of those have lost their bytes. Nothing when the power never went.
fn cut(after: u32, unsynced: Unsynced, lies: bool) -> (usize, usize, usize, bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = StorePlace::File(folder.path().join("phone.sqlite"));
    let bench = Bench::default();
    {
        let mut state = bench.state();
        (state.cut_after, state.lies) = (Some(after), lies);
    }
    let mut desk = on_bench(&place, &bench, false);
    let saved = (0..3).filter(|seed| desk.take(&picture(*seed, 64)).is_ok()).count();
    let went = bench.state().acts >= after;
    drop(desk);
    let left = bench.after_the_cut(unsynced);
    let mut desk = on_bench(&place, &left, true);
    let (rows, lost) = (desk.phone.photos().expect("reads").len(), rows_without_bytes(&desk));
    if !lies {
        // It goes on: what was cut off is taken again, and what lies about is cleared away.
        desk.fetch(rows_of_the_place());
        let a = desk.acting(ANNA);
        for seed in 0..3 {
            desk.phone.attach_photo(&a, &shot(&picture(seed, 64))).expect("is taken again");
        }
        desk.phone.free_photos().expect("clears");
        assert_eq!((desk.phone.photos().expect("reads").len(), rows_without_bytes(&desk)), (3, 0));
        let named = left.state().names.keys().filter(|path| !path.ends_with("incoming.part")).count();
        assert_eq!(named, 6, "three photos and their thumbnails and nothing else");
    }
    (saved, rows, lost, went)
}

fn rows_of_the_place() -> Vec<louan_schema::wire::Item> {
    crate::support::rows()
}

#[test]
fn no_row_is_without_its_bytes_whenever_the_power_goes() {
    for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::HalfWritten] {
        let mut after = 0;
        loop {
            let (saved, rows, lost, went) = cut(after, unsynced, false);
            assert_eq!((rows, lost), (saved, 0), "{unsynced:?} after {after} acts");
            if !went {
                assert!(after > 20, "{after} acts for six files");
                break;
            }
            after += 1;
        }
    }
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let (saved, rows, lost, _) = cut(1_000, Unsynced::Lost, true);
    assert_eq!((saved, rows, lost), (3, 3, 3), "the check sees rows without bytes");
    let (.., lost, _) = cut(1_000, Unsynced::HalfWritten, true);
    assert_eq!(lost, 3, "and halves");
}
