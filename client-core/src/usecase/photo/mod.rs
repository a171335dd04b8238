//! Photos: listing them, giving their room back; taking one stands in `take`.
//!
//! A photo belongs to no record until one cites its hash. What a record cites is given up only once a verified
//! backup covers it (P3); what none cites, when its taker says so.

mod take;

use louan_schema::id::BlobHash;
use louan_schema::photo::UploadKind;

use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::{FileState, Meta, PhotoFileRow, PhotoRow, Reader, Writer};
use crate::sync::photo::Later;
use crate::view::{PhotoCount, PhotoState, PhotoView};

pub use take::Shot;

/// What is done with the files photos are developed from (原始照片设置). Neither is done unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotoSettings {
    /// They are kept on the phone.
    pub keep_originals: bool,
    /// Those kept are sent as well, where sending costs nothing.
    pub send_originals: bool,
}

impl Phone {
    /// Every photo of this phone, the first taken first, with what became of it.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn photos(&self) -> Result<Vec<PhotoView>, Error> {
        let r = self.showing("listing photos")?;
        let mut list = Vec::new();
        for row in r.list_photos()? {
            list.push(view_of(&r, row)?);
        }
        Ok(list)
    }

    /// Photos no record and no answer cites: those of a draft (草稿照片).
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn draft_photos(&self) -> Result<Vec<PhotoView>, Error> {
        let r = self.showing("listing photos")?;
        let mut list = Vec::new();
        for row in r.list_photos()? {
            if !r.is_cited(row.hash)? {
                list.push(view_of(&r, row)?);
            }
        }
        Ok(list)
    }

    /// The bytes of a photo, its thumbnail or its original; nothing when they do not lie here.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or they cannot be read.
    pub fn photo_file(&self, photo: BlobHash, kind: UploadKind) -> Result<Option<Vec<u8>>, Error> {
        let r = self.showing("showing a photo")?;
        let Some(file) = r.find_file(photo, kind)?.filter(|file| file.here) else { return Ok(None) };
        let Some(shelf) = &self.shelf else { return Ok(None) };
        Ok(shelf.get(file.hash)?)
    }

    /// Takes a photo out of a draft (删除草稿照片) and gives its room back; `false` when a record or an answer cites
    /// it: then it stays.
    ///
    /// # Errors
    /// [`Error`] when the store or the shelf refuses; the photo is whole or gone.
    pub fn discard_photo(&mut self, a: &Acting, photo: BlobHash) -> Result<bool, Error> {
        let doing = "taking a photo out of a draft";
        let (gone, files) = self.store.write(|w| {
            a.enrolled(w, doing)?;
            if w.is_cited(photo)? {
                return Ok::<_, Error>((false, Vec::new()));
            }
            let files = w.files_of(photo)?;
            w.delete_photo(photo)?;
            Ok((true, files))
        })?;
        self.clear(files.iter().map(|file| file.hash))?;
        Ok(gone)
    }

    /// Queues a photo again that the office refused.
    ///
    /// # Errors
    /// [`Error`] when the store refuses.
    pub fn retry_photo(&mut self, photo: BlobHash) -> Result<(), Error> {
        self.store.write(|w| {
            for file in w.files_of(photo)?.into_iter().filter(|file| file.state == FileState::Refused) {
                let again =
                    PhotoFileRow { state: FileState::Kept, upload: None, reached: None, code: None, ..file };
                w.set_file(&again)?;
            }
            Ok(())
        })
    }

    /// Gives back the room of photos that a verified backup covers (P3); thumbnails stay while their compound does.
    /// Bytes that no row speaks of, left by a power cut between file and row, go as well, unless a damaged store may
    /// have spoken of them.
    ///
    /// # Errors
    /// [`Error`] when the store or the shelf refuses; what was given back stays given back.
    pub fn free_photos(&mut self) -> Result<usize, Error> {
        // This ends a driver's call, whatever ended it: the next one asks for every kind again.
        self.later = Later::default();
        let freed = self.store.write(|w| {
            let backed_up = w.meta(Meta::BackedUp)?.unwrap_or(0);
            let covered = w.list_covered(backed_up)?;
            for file in &covered {
                w.set_file(&PhotoFileRow { here: false, ..file.clone() })?;
            }
            forget_gone(w, backed_up)?;
            Ok::<_, Error>(covered)
        })?;
        let count = freed.len();
        self.clear(freed.iter().map(|file| file.hash))?;
        if self.store.read().salvaged()? == 0
            && let Some(shelf) = &self.shelf
        {
            let lying = shelf.list()?;
            self.clear(lying.into_iter())?;
        }
        Ok(count)
    }

    /// How many photos wait to be sent, with their bytes, and how many the office refused.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn photo_count(&self) -> Result<PhotoCount, Error> {
        let r = self.store.read();
        let (waiting, bytes) = r.photos_waiting()?;
        Ok(PhotoCount { waiting, bytes, refused: r.photos_refused()? })
    }

    /// What is done with originals.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn photo_settings(&self) -> Result<PhotoSettings, Error> {
        let r = self.store.read();
        Ok(PhotoSettings {
            keep_originals: r.meta(Meta::KeepOriginals)?.unwrap_or(false),
            send_originals: r.meta(Meta::SendOriginals)?.unwrap_or(false),
        })
    }

    /// Says what is done with originals from now on.
    ///
    /// # Errors
    /// [`Error`] when the store refuses.
    pub fn set_photo_settings(&mut self, settings: PhotoSettings) -> Result<(), Error> {
        self.store.write(|w| {
            w.set_meta(Meta::KeepOriginals, &settings.keep_originals)?;
            Ok(w.set_meta(Meta::SendOriginals, &settings.send_originals)?)
        })
    }

    /// Removes files from the shelf of which no row speaks any more.
    fn clear(&mut self, files: impl Iterator<Item = BlobHash>) -> Result<(), Error> {
        let Some(shelf) = &mut self.shelf else { return Ok(()) };
        for file in files {
            if !self.store.read().is_on_shelf(file)? {
                shelf.remove(file)?;
            }
        }
        Ok(())
    }
}

/// What is known of photos goes with a compound that left the phone, thumbnails too, once the verified backup covers
/// all that was sent of them: it says where a person was.
fn forget_gone(w: &Writer<'_>, backed_up: u64) -> Result<(), Error> {
    for row in w.list_photos()? {
        if w.find_site(row.card.site)?.is_some() {
            continue;
        }
        let settled = |file: &PhotoFileRow| {
            let vouched = file.state == FileState::Confirmed && !file.ask;
            let covered = vouched && file.pos.is_some_and(|pos| pos <= backed_up);
            covered || file.kind == UploadKind::Original
        };
        if w.files_of(row.hash)?.iter().all(settled) {
            w.delete_photo(row.hash)?;
        }
    }
    Ok(())
}

fn view(r: &Reader<'_>, hash: BlobHash) -> Result<Option<PhotoView>, Error> {
    r.find_photo(hash)?.map(|row| view_of(r, row)).transpose()
}

fn view_of(r: &Reader<'_>, row: PhotoRow) -> Result<PhotoView, Error> {
    let files = r.files_of(row.hash)?;
    let (records, wanted) = r.citing(row.hash)?;
    let find = |kind| files.iter().find(|file| file.kind == kind);
    let photo = find(UploadKind::Photo);
    // A refused original is the office's loss of a luxury: the photo itself stands.
    let refused =
        files.iter().find(|file| file.state == FileState::Refused && file.kind != UploadKind::Original);
    let state = match (photo, refused) {
        (_, Some(file)) => PhotoState::Refused(file.code.clone().unwrap_or_default()),
        (Some(file), _) if file.state == FileState::Confirmed => PhotoState::Confirmed(file.pos),
        (Some(PhotoFileRow { upload: Some(_), reached, bytes, .. }), _) => {
            PhotoState::Uploading { reached: reached.unwrap_or(0), of: *bytes }
        }
        _ if wanted => PhotoState::Queued,
        _ => PhotoState::Kept,
    };
    Ok(PhotoView {
        hash: row.hash,
        here: photo.is_some_and(|file| file.here),
        original_here: find(UploadKind::Original).is_some_and(|file| file.here),
        card: row.card,
        person: row.person,
        attached_at: row.attached_at,
        records,
        state,
    })
}
