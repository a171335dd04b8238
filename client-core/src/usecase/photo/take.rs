//! Taking a photo: developed, on the shelf, and only then a row.
//!
//! Everything that can be refused is refused before anything is developed. The files are durable on the shelf
//! before the row is written (F04): a power cut between the two leaves bytes that nobody speaks of, never a row
//! without them. The shutter never waits for the network.

use louan_photo::watermark::{Caption, Lettering, Watermark};
use louan_photo::{Developed, Refusal, develop};
use louan_schema::area::street;
use louan_schema::id::{BuildingId, SiteId};
use louan_schema::photo::{
    CARD_LAYOUT, Ground, PhotoCard, PhotoPosition, Taken, TakenBy, UploadKind, on_site,
};
use louan_schema::record::text::fault_of;
use louan_schema::record::{Fault, Rule};
use louan_schema::registry::{Footprint, Position};
use louan_schema::time::{Day, Timestamp};

use super::super::hazard::strangers;
use super::super::record::site_fault;
use super::view;
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::shelf::Shelf;
use crate::store::{Meta, PhotoFileRow, PhotoRow};
use crate::view::PhotoView;

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
        // Where the camera was at some other time says nothing about this picture.
        let by_camera = camera.position.filter(|_| !camera.fix_is_stale());
        let position = shot.position.filter(PhotoPosition::is_somewhere).or(by_camera);
        let place = Place { site: shot.site, building: shot.building, grounds: ground.borrowed() };
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
        let building = shot.building.map(|id| r.find_building(id)).transpose()?.flatten();
        let place = site.as_ref().map_or_else(String::new, |site| {
            let street = street(site.street).map_or("", |street| street.name);
            format!("{street} {}", site.name)
        });
        let ground = match building.as_ref().and_then(|building| building.footprint.clone()) {
            Some(outline) => OwnedGround { outlines: vec![outline], point: None },
            None => OwnedGround {
                // A place its buildings share is near any of them.
                outlines: match shot.building {
                    None => r.list_buildings_of(shot.site)?.into_iter().filter_map(|b| b.footprint).collect(),
                    Some(_) => Vec::new(),
                },
                point: site.and_then(|site| site.position),
            },
        };
        let caption = Caption {
            taken: Taken { at: a.at, by: TakenBy::Phone },
            place,
            building: building.map(|building| building.name).unwrap_or_default(),
            person: shot.signed.to_owned(),
        };
        Ok((caption, ground, r.meta(Meta::KeepOriginals)?.unwrap_or(false)))
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

/// Where a photo should have been taken: at a building's outline, or, where that is not known or the place is shared,
/// anywhere at the compound.
struct OwnedGround {
    outlines: Vec<Footprint>,
    point: Option<Position>,
}

impl OwnedGround {
    fn borrowed(&self) -> Vec<Ground<'_>> {
        let outlines = self.outlines.iter().map(Ground::Footprint);
        outlines.chain(self.point.and_then(Ground::of)).collect()
    }
}

struct Place<'a> {
    site: SiteId,
    building: Option<BuildingId>,
    grounds: Vec<Ground<'a>>,
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
        on_site: on_site(position.as_ref(), taken.at, &place.grounds),
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
