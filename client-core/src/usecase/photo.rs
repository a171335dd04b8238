//! Photos: taking one, listing them, giving their room back.
//!
//! A photo is developed, its files are put on the shelf and are durable there, and only then its row is written
//! (F04). It belongs to no record until one cites its hash; the shutter never waits for the network. What a record
//! cites is given up only once a verified backup covers it (P3); what none cites, when its taker says so.

use louan_photo::watermark::{Caption, Lettering, Watermark};
use louan_photo::{Developed, Refusal, develop};
use louan_schema::area::street;
use louan_schema::id::{BlobHash, BuildingId, SiteId};
use louan_schema::photo::{
    CARD_LAYOUT, Ground, PhotoCard, PhotoPosition, Taken, TakenBy, UploadKind, on_site,
};
use louan_schema::record::text::fault_of;
use louan_schema::record::{Fault, Rule};
use louan_schema::time::{Day, Timestamp};

use super::hazard::strangers;
use super::record::site_fault;
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::shelf::Shelf;
use crate::store::{FileState, Meta, PhotoFileRow, PhotoRow, Reader};
use crate::view::{PhotoCount, PhotoState, PhotoView};

/// How far a camera's clock may be ahead of the phone's before it is taken for set wrong, in milliseconds: a day
/// covers every mistaken zone.
const CAMERA_AHEAD_MAX_MS: i64 = 86_400_000;

/// Longest name or number on a picture, in characters: a long name of a minority takes twenty, a unit before it as many.
const SIGNED_CHARS_MAX: usize = 40;

/// A picture as the camera or the gallery handed it over (拍摄内容).
#[derive(Clone, Copy)]
pub struct Shot<'a> {
    /// The file.
    pub file: &'a [u8],
    /// The compound it is about.
    pub site: SiteId,
    /// The building; nothing for a shared place.
    pub building: Option<BuildingId>,
    /// Where the sensor said the phone is, with accuracy, time and whether it is made up.
    pub position: Option<PhotoPosition>,
    /// Who is named on the picture, by name or number; empty for nobody.
    pub signed: &'a str,
    /// Who draws the watermark's letters; without it the photo gets none.
    pub lettering: Option<&'a dyn Lettering>,
}

/// What is done with the files photos are developed from (原始照片设置). Neither is done unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotoSettings {
    /// They are kept on the phone.
    pub keep_originals: bool,
    /// Those kept are sent as well, where sending costs nothing.
    pub send_originals: bool,
}

impl Phone {
    /// Takes a photo (拍照取证); saved, bytes and row, when the call returns. The same again is the same photo.
    ///
    /// # Errors
    /// [`Error`] of kind `FixInput` when the file is no photo or the place a strange one, `StorageFull` when there
    /// is no room; nothing is saved then.
    pub fn attach_photo(&mut self, a: &Acting, shot: &Shot<'_>) -> Result<PhotoView, Error> {
        let doing = "taking a photo";
        let (caption, ground, keep_original) = self.asked(a, shot, doing)?;
        let caption_of = |taken| Caption { taken, ..caption.clone() };
        let source = louan_photo::inspect(shot.file).map_err(|refusal| no_photo(doing, refusal))?;
        let camera = source.camera_notes().map(louan_photo::exif::read).unwrap_or_default();
        let taken = taken(camera.taken, a.at);
        let caption = caption_of(taken);
        let watermark = shot.lettering.map(|lettering| Watermark { caption: &caption, lettering });
        let developed = develop(shot.file, watermark).map_err(|refusal| no_photo(doing, refusal))?;
        let position = shot.position.filter(PhotoPosition::is_somewhere).or(camera.position);
        let place = Place { site: shot.site, building: shot.building, ground: ground.borrowed() };
        let card = card(&developed, taken, position, &place)?;
        let hash = developed.hash;
        if self.store.read().find_photo(hash)?.is_none() {
            let files = files(&developed, keep_original)?;
            let shelf = shelf(&mut self.shelf, doing)?;
            shelf.put(developed.thumbnail.hash, &developed.thumbnail.jpeg)?;
            if keep_original {
                shelf.put(developed.original.hash, shot.file)?;
            }
            shelf.put(hash, &developed.jpeg)?;
            let row = PhotoRow { hash, card, person: a.person, attached_at: a.at };
            self.store.write(|w| w.insert_photo(&row, &files).map_err(Error::from))?;
        }
        let view = view(&self.store.read(), hash)?;
        view.ok_or_else(|| Error::bug(doing, "a photo just saved has no row"))
    }

    /// What an attached photo needs to know, asked before anything is developed.
    fn asked(
        &self,
        a: &Acting,
        shot: &Shot<'_>,
        doing: &'static str,
    ) -> Result<(Caption, OwnedGround, bool), Error> {
        let r = self.store.read();
        let person = a.enrolled(&r, doing)?;
        let mut faults: Vec<Fault> = site_fault(&r, &person, shot.site)?.into_iter().collect();
        let building: Vec<BuildingId> = shot.building.into_iter().collect();
        faults.extend(strangers(&r, shot.site, &building, "/buildings")?);
        if fault_of(shot.signed, SIGNED_CHARS_MAX).is_some() {
            faults.push(Fault { pointer: "/signed".into(), rule: Rule::NotPlain });
        }
        Error::unless_faulty(doing, faults)?;
        let site = r.find_site(shot.site)?;
        let name = shot.building.map(|id| r.find_building(id)).transpose()?.flatten();
        let place = site.as_ref().map_or_else(String::new, |site| {
            let street = street(site.street).map_or("", |street| street.name);
            format!("{street} {}", site.name)
        });
        let caption = Caption {
            taken: Taken { at: a.at, by: TakenBy::Phone },
            place,
            building: name.map(|building| building.name).unwrap_or_default(),
            person: shot.signed.to_owned(),
        };
        let ground = OwnedGround(site.and_then(|site| site.position));
        Ok((caption, ground, r.meta(Meta::KeepOriginals)?.unwrap_or(false)))
    }

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

    /// Gives back the room of photos that a verified backup covers (P3); thumbnails stay. Bytes that no row speaks of,
    /// left by a power cut between file and row, go as well, unless a damaged store may have spoken of them.
    ///
    /// # Errors
    /// [`Error`] when the store or the shelf refuses; what was given back stays given back.
    pub fn free_photos(&mut self) -> Result<usize, Error> {
        let freed = self.store.write(|w| {
            let covered = w.list_covered(w.meta(Meta::BackedUp)?.unwrap_or(0))?;
            for file in &covered {
                w.set_file(&PhotoFileRow { here: false, ..file.clone() })?;
            }
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

/// The shelf, or why there is none.
pub(crate) fn shelf<'a>(
    shelf: &'a mut Option<Box<dyn Shelf>>,
    doing: &'static str,
) -> Result<&'a mut (dyn Shelf + 'static), Error> {
    let shelf = shelf.as_deref_mut();
    shelf.ok_or_else(|| Error::bug(doing, "this host gave no place for photos"))
}

struct OwnedGround(Option<louan_schema::registry::Position>);

impl OwnedGround {
    const fn borrowed(&self) -> Ground<'_> {
        Ground::of(self.0.as_ref())
    }
}

struct Place<'a> {
    site: SiteId,
    building: Option<BuildingId>,
    ground: Ground<'a>,
}

fn no_photo(doing: &'static str, refusal: Refusal) -> Error {
    let rule = match refusal {
        Refusal::Unsupported(_) => Rule::PhotoFormat,
        Refusal::FileTooLarge | Refusal::ImageTooLarge => Rule::PhotoSize,
        Refusal::Truncated | Refusal::Damaged => Rule::PhotoDamaged,
    };
    Error::faulty(doing, vec![Fault { pointer: "/photo".into(), rule }]).because(refusal)
}

/// The camera's clock where it can be right, the phone's otherwise: a camera that lost its battery begins again at
/// the turn of a decade.
fn taken(camera: Option<Taken>, now: Timestamp) -> Taken {
    let possible = |taken: &Taken| {
        let begun = Day::new(2001, 1, 1).map_or(now, Day::start);
        taken.at >= begun && taken.at <= now.plus_ms(CAMERA_AHEAD_MAX_MS)
    };
    camera.filter(possible).unwrap_or(Taken { at: now, by: TakenBy::Phone })
}

fn card(
    developed: &Developed,
    taken: Taken,
    position: Option<PhotoPosition>,
    place: &Place<'_>,
) -> Result<PhotoCard, Error> {
    let card = PhotoCard {
        layout: CARD_LAYOUT,
        hash: developed.hash,
        bytes: size(&developed.jpeg)?,
        width: developed.width,
        height: developed.height,
        thumbnail: Some(developed.thumbnail.hash),
        original: developed.original,
        taken,
        position,
        site: place.site,
        building: place.building,
        record: None,
        on_site: on_site(position.as_ref(), taken.at, place.ground),
        blurred: developed.light.is_blurred(),
        dark: developed.light.is_dark(),
        likeness: developed.likeness,
    };
    // What the office would refuse is not kept either.
    match PhotoCard::from_bytes(&card.to_bytes()) {
        Ok(card) => Ok(card),
        Err(error) => Err(Error::bug("taking a photo", error.to_string()).because(error)),
    }
}

fn files(developed: &Developed, keep_original: bool) -> Result<Vec<PhotoFileRow>, Error> {
    let photo = developed.hash;
    let mut files = vec![
        PhotoFileRow::fresh(photo, UploadKind::Photo, photo, size(&developed.jpeg)?),
        PhotoFileRow::fresh(
            photo,
            UploadKind::Thumbnail,
            developed.thumbnail.hash,
            size(&developed.thumbnail.jpeg)?,
        ),
    ];
    if keep_original {
        let original = developed.original;
        files.push(PhotoFileRow::fresh(photo, UploadKind::Original, original.hash, original.bytes));
    }
    Ok(files)
}

fn size(bytes: &[u8]) -> Result<u32, Error> {
    u32::try_from(bytes.len()).map_err(|_| Error::bug("taking a photo", "a photo of 4 GiB"))
}

fn view(r: &Reader<'_>, hash: BlobHash) -> Result<Option<PhotoView>, Error> {
    r.find_photo(hash)?.map(|row| view_of(r, row)).transpose()
}

fn view_of(r: &Reader<'_>, row: PhotoRow) -> Result<PhotoView, Error> {
    let files = r.files_of(row.hash)?;
    let (records, wanted) = r.citing(row.hash)?;
    let find = |kind| files.iter().find(|file| file.kind == kind);
    let photo = find(UploadKind::Photo);
    let refused = files.iter().find(|file| file.state == FileState::Refused);
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
