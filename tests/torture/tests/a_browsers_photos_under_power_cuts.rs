//! Power cuts of a browser's photos: whatever was put is there, byte for byte, also while others are taken away and the
//! database shrinks (F04). A disk that never syncs shows that a loss would be seen.

use std::path::Path;

use louan_client_core::shelf::{DatabaseShelf, Shelf};
use louan_schema::id::BlobHash;
use torture::cut::{Finding, Flaw, Tally, Trial, integrity, scratch};
use torture::vfs::{Disk, WATCHED, Weakness};

const FILE: &str = "phone.photos";
const PHOTOS: u32 = 40;
const STATES: usize = 1_000;

fn shelf(folder: &Path) -> DatabaseShelf {
    DatabaseShelf::new(WATCHED.to_owned(), folder.join(FILE).display().to_string())
}

fn name(photo: u32) -> BlobHash {
    BlobHash([u8::try_from(photo).expect("few"); 32])
}

/// Some fill one page, some many.
fn bytes(photo: u32) -> Vec<u8> {
    (0..100 + photo * photo * 20).map(|at| u8::try_from((at ^ photo) % 251).expect("a byte")).collect()
}

/// Every third is taken away again, as the photo of a draft that is given up.
const fn stays(photo: u32) -> bool {
    photo % 3 != 2
}

fn examine(folder: &Path, promised: &[u32]) -> Finding {
    let shelf = shelf(folder);
    let found = match shelf.list() {
        Ok(found) => found,
        Err(error) => return Finding::Damaged(format!("does not open: {error:?}")),
    };
    let is = |photo: u32| shelf.get(name(photo)).is_ok_and(|found| found == Some(bytes(photo)));
    let lost = promised.iter().filter(|photo| !is(**photo)).count();
    let torn = (0..PHOTOS).filter(|photo| found.contains(&name(*photo)) && !is(*photo)).count();
    drop(shelf);
    let file = folder.join(FILE);
    match integrity(&file) {
        Err(why) => Finding::Damaged(why),
        Ok(()) if folder.join(format!("{FILE}.1")).exists() => {
            Finding::Damaged("was left for the next name".into())
        }
        Ok(()) if torn > 0 => Finding::Damaged(format!("{torn} photos are there and are not what they were")),
        Ok(()) if lost > 0 => Finding::Lost(lost),
        Ok(()) => Finding::Whole,
    }
}

fn trial(flaw: Option<Flaw>) -> Tally {
    let home = scratch();
    let disk = Disk::watch(home.path()).expect("a folder");
    if let Some(Flaw::Weak(weakness)) = flaw {
        disk.weaken(weakness);
    }
    disk.record();
    let mut kept = shelf(home.path());
    for photo in 0..PHOTOS {
        kept.put(name(photo), &bytes(photo)).expect("is kept");
        if stays(photo) {
            disk.promise(photo);
        } else {
            kept.remove(name(photo)).expect("goes");
        }
        if photo % 10 == 9 {
            // Closed and opened, as a page is.
            drop(kept);
            kept = shelf(home.path());
        }
    }
    assert_eq!(disk.weakened() > 0, flaw.is_some(), "the weakness took hold exactly when asked for");
    let tape = disk.take_tape();
    drop(kept);
    let tally = Trial { states: STATES, seed: 11, flaw, only: None }.judge(&tape, examine);
    assert_eq!(tally.states, STATES, "as many different states as asked for");
    tally
}

#[test]
fn what_was_put_is_there_after_every_cut() {
    let tally = trial(None);
    assert!(tally.is_clean(), "{tally:#?}");
}

#[test]
fn a_disk_that_never_syncs_is_seen_to_lose_photos() {
    let tally = trial(Some(Flaw::Weak(Weakness::Off)));
    assert!(tally.losing + tally.damaged > 0, "{tally:#?}");
}

#[test]
fn room_given_back_goes_back_to_the_device() {
    let home = scratch();
    let disk = Disk::watch(home.path()).expect("a folder");
    let mut kept = shelf(home.path());
    let length = || disk.files().expect("its files").values().map(Vec::len).sum::<usize>();
    for photo in 0..PHOTOS {
        kept.put(name(photo), &bytes(photo)).expect("is kept");
    }
    let full = length();
    for photo in 0..PHOTOS {
        kept.remove(name(photo)).expect("goes");
    }
    assert!(length() * 20 < full, "{} of {full} bytes are still taken", length());
    assert_eq!(kept.list().expect("reads"), []);
}
