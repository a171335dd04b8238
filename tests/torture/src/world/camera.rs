//! Photos in the world: taken with a hazard, sent piece by piece over a bad link, and looked for at the end.
//!
//! It has dice of its own: the world's are not touched. What the office answers is
//! what its routes would: the same service, the same numbers. Whether all came out well is [`super::drill`]'s to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use kit::dice::Dice;
use louan_client_core::shelf::{FolderShelf, Shelf};
use louan_client_core::view::PhotoState;
use louan_client_core::{Acting, Error, Method, PhotoReply, PhotoRequest, PhotoStep, Shot};
use louan_schema::id::{BlobHash, BuildingId, DeviceId, RecordId, SiteId};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::time::Timestamp;
use louan_server::blob::{Blobs, Condition, Folder};
use louan_server::photo::{Ground, NewUpload, PhotoError, PhotoLimits, Photos, Progress, UploadId};
use louan_server::worker::InProcess;
use sha2::{Digest, Sha256};

use super::World;
use super::office::Office;
use crate::oracle::{LifeId, Step};

/// Pixels of a side: enough for a picture, little to develop.
const SIDE: u32 = 40;
/// Most requests of one call while the story runs: a link that ends in the middle.
const REQUESTS_MAX: u64 = 12;

/// A photo that was taken.
#[derive(Debug, Clone)]
pub(super) struct TakenPhoto {
    /// On which phone.
    pub(super) life: LifeId,
    /// The record that cites it, once there is one.
    pub(super) record: Option<RecordId>,
    /// The step at which the phone took in for the first time that the office has it.
    pub(super) confirmed_at: Option<Step>,
}

/// Who takes photos.
#[derive(Debug)]
pub(super) struct Camera {
    dice: Dice,
    taken: BTreeMap<BlobHash, TakenPhoto>,
    shots: u64,
}

impl World {
    /// From here on photos are taken.
    pub(super) fn bring_a_camera(&mut self, seed: u64) {
        self.camera = Some(Camera { dice: Dice::seeded(!seed), taken: BTreeMap::new(), shots: 0 });
        (0..self.lives.len()).for_each(|life| self.put_up_a_shelf(life));
    }

    /// A phone keeps photos, if any are taken in this world.
    pub(super) fn put_up_a_shelf(&mut self, life: LifeId) {
        if self.camera.is_none() {
            return;
        }
        let life = &mut self.lives[life];
        life.close();
        life.shelf = Some(self.home.path().join(format!("photos-{}", life.id)));
        life.open().expect("its own store opens again");
    }

    /// Photos for a hazard: none, one or two.
    pub(super) fn take_photos(
        &mut self,
        life: LifeId,
        a: &Acting,
        (site, building): (SiteId, BuildingId),
    ) -> Result<Vec<BlobHash>, Error> {
        let step = self.step;
        let Some(camera) = &mut self.camera else { return Ok(Vec::new()) };
        let mut hashes = Vec::new();
        for _ in 0..camera.dice.below(3) {
            camera.shots += 1;
            let file = picture(camera.shots);
            let shot = Shot {
                file: &file,
                site,
                building: Some(building),
                position: None,
                signed: "",
                lettering: None,
            };
            let acting = Acting { random: camera.dice.bytes(), ..*a };
            let hash = self.lives[life].phone().attach_photo(&acting, &shot)?.hash;
            let taken = TakenPhoto { life, record: None, confirmed_at: None };
            assert!(camera.taken.insert(hash, taken).is_none(), "the same photo twice at step {step}");
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// A record cites photos, and is saved.
    pub(super) fn cited(&mut self, photos: &[BlobHash], record: RecordId) {
        let Some(camera) = &mut self.camera else { return };
        for photo in photos {
            if let Some(taken) = camera.taken.get_mut(photo) {
                taken.record = Some(record);
            }
        }
    }

    /// Every photo taken.
    pub(super) fn photos_taken(&self) -> impl Iterator<Item = (BlobHash, &TakenPhoto)> {
        self.camera.iter().flat_map(|camera| camera.taken.iter().map(|(hash, taken)| (*hash, taken)))
    }

    /// A phone sends photos for a while, over a link that loses requests and replies.
    pub(super) fn send_photos(&mut self, life: LifeId) {
        let Some(camera) = &mut self.camera else { return };
        for _ in 0..camera.dice.below(REQUESTS_MAX) {
            let trouble = self.camera.as_mut().map_or(0, |camera| camera.dice.below(8));
            if !self.send_one(life, trouble) {
                break;
            }
        }
        if !self.office.disk.is_silent() {
            self.give_room_back(life);
        }
    }

    /// A phone sends every photo it has to send; whether there was one.
    pub(super) fn send_all_photos(&mut self, life: LifeId) -> bool {
        if self.camera.is_none() {
            return false;
        }
        let mut moved = false;
        for _ in 0..2_000 {
            if !self.send_one(life, u64::MAX) {
                self.give_room_back(life);
                return moved;
            }
            moved = true;
        }
        self.breach(format!("{} never ends sending photos", self.lives[life].name));
        false
    }

    /// One request, whose way there is lost at 0 and whose way back at 1; whether the phone may go on.
    fn send_one(&mut self, life: LifeId, trouble: u64) -> bool {
        let now = self.now;
        let (name, device) = (self.lives[life].name.clone(), self.lives[life].device);
        let planned = self.lives[life].phone().next_photo(true);
        let request = match planned {
            Ok(Some(request)) => request,
            Ok(None) => return false,
            Err(error) => {
                self.breach(format!("{name}: next photo: {error}"));
                return false;
            }
        };
        let upload = UploadId(self.camera.as_mut().expect("a camera").dice.bytes());
        let reply = if trouble == 0 { None } else { Some(self.office.takes(device, &request, upload, now)) };
        let taken_in = match reply.filter(|_| trouble != 1) {
            None => self.lives[life].phone().photo_lost(&request).map(|()| None),
            Some(reply) => self.lives[life].phone().photo_answered(&request, &reply).map(Some),
        };
        self.tell(format!("{name}: {:?} {}: {taken_in:?}", request.method, request.path));
        match taken_in {
            Ok(Some(PhotoStep::Refused(_))) => self.breach(format!("{name}: a photo is refused")),
            Ok(Some(PhotoStep::Confirmed(UploadKind::Photo))) => self.note_confirmed(life),
            Ok(_) => {}
            Err(_) if self.office.disk.is_silent() => return false,
            Err(error) => {
                self.breach(format!("{name}: sending a photo: {error}"));
                return false;
            }
        }
        true
    }

    fn note_confirmed(&mut self, life: LifeId) {
        let step = self.step;
        let shown = self.lives[life].phone().photos().unwrap_or_default();
        let camera = self.camera.as_mut().expect("a camera");
        for photo in shown.iter().filter(|photo| matches!(photo.state, PhotoState::Confirmed(_))) {
            if let Some(taken) = camera.taken.get_mut(&photo.hash) {
                taken.confirmed_at.get_or_insert(step);
            }
        }
    }

    fn give_room_back(&mut self, life: LifeId) {
        if let Err(error) = self.lives[life].phone().free_photos() {
            self.breach(format!("{}: giving room back: {error}", self.lives[life].name));
        }
    }

    /// Whether a phone has the bytes of a photo, whatever it says of it.
    pub(super) fn lies_on(&self, life: LifeId, photo: BlobHash) -> bool {
        let Some(folder) = &self.lives[life].shelf else { return false };
        let bytes = FolderShelf::new(folder.clone()).get(photo).expect("the folder reads");
        bytes.is_some_and(|bytes| BlobHash(Sha256::digest(&bytes).into()) == photo)
    }

    /// Whether a phone shows that the office has a photo; one that shows nothing any more does not.
    pub(super) fn says_confirmed(&mut self, life: LifeId, photo: BlobHash) -> bool {
        let shown = self.lives[life].phone().photos().unwrap_or_default();
        shown.iter().any(|one| one.hash == photo && matches!(one.state, PhotoState::Confirmed(_)))
    }
}

impl Office {
    /// The service that takes photos, over the store as it is now.
    ///
    /// # Panics
    /// When the office is closed or has no room for a folder.
    #[must_use]
    pub fn photos(&self) -> Photos {
        let storage = self.storage.clone().expect("an open office");
        let blobs = Folder::open(self.photo_folder()).expect("room for a folder");
        let limits = PhotoLimits { photos_per_day: u64::MAX >> 1, bytes_per_day: u64::MAX >> 1 };
        Photos::new(Ground {
            hub: self.hub(),
            storage,
            blobs: Arc::new(blobs),
            examine: Arc::new(InProcess),
            limits,
        })
    }

    /// Where it keeps photos.
    #[must_use]
    pub fn photo_folder(&self) -> PathBuf {
        self.folder.join("photos")
    }

    /// What the routes for photos answer.
    fn takes(&self, device: DeviceId, request: &PhotoRequest, id: UploadId, now: Timestamp) -> PhotoReply {
        let photos = self.photos();
        let status = |status| PhotoReply { status, ..PhotoReply::default() };
        let field = |name: &str| {
            let found = request.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str()).expect("a header field")
        };
        let last = request.path.rsplit('/').next().expect("a path");
        let far = |progress: Result<Progress, PhotoError>| match progress {
            Ok(far) => PhotoReply { upload_offset: Some(far.offset), position: far.pos, ..status(204) },
            Err(error) => status(number(&error)),
        };
        match request.method {
            Method::Head if request.path.starts_with("/api/v1/blobs/") => {
                let hash = last.parse().expect("a hash");
                match self.run(photos.sent(hash, device)) {
                    Ok(Some(pos)) => PhotoReply { position: Some(pos), ..status(204) },
                    Ok(None) => status(404),
                    Err(error) => status(number(&error)),
                }
            }
            Method::Head => far(self.run(photos.progress(device, last.parse().expect("a number"), now))),
            Method::Post => {
                let new = announced(field("Upload-Metadata"), field("Upload-Length"), id);
                match self.run(photos.begin(device, new, now)) {
                    Ok(()) => PhotoReply { location: Some(format!("/api/v1/uploads/{id}")), ..status(201) },
                    Err(error) => status(number(&error)),
                }
            }
            Method::Patch => {
                let sum = field("Upload-Checksum").strip_prefix("sha256 ").expect("its kind");
                let sum = Base64::decode_vec(sum).ok().and_then(|sum| sum.try_into().ok());
                let from = field("Upload-Offset").parse().expect("a number");
                let piece = (from, Bytes::from(request.body.clone()));
                let upload = last.parse().expect("a number");
                far(self.run(photos.append(device, upload, piece, Some(sum.expect("base64")), now)))
            }
        }
    }

    /// Whether the office has a photo from this device: row and bytes.
    pub(super) fn has_photo(&self, device: DeviceId, photo: BlobHash) -> bool {
        let row = self.run(self.photos().sent(photo, device)).expect("the rows read").is_some();
        let blobs = Folder::open(self.photo_folder()).expect("room for a folder");
        row && self.run(blobs.condition(photo)).expect("the folder reads") == Condition::Whole
    }
}

fn announced(metadata: &str, length: &str, id: UploadId) -> NewUpload {
    let entries: BTreeMap<&str, Vec<u8>> = metadata
        .split(',')
        .filter_map(|pair| pair.split_once(' '))
        .map(|(name, value)| (name, Base64::decode_vec(value).expect("base64")))
        .collect();
    let text = |name: &str| String::from_utf8(entries[name].clone()).expect("text");
    NewUpload {
        id,
        hash: text("sha256").parse().expect("a hash"),
        kind: text("kind").parse().expect("a kind"),
        bytes: length.parse().expect("a number"),
        card: PhotoCard::from_bytes(&entries["card"]).expect("a card"),
    }
}

/// The number of the status line as the routes have it, as far as a phone tells numbers apart.
fn number(error: &PhotoError) -> u16 {
    match error {
        PhotoError::Unknown => 404,
        PhotoError::Ended => 410,
        PhotoError::Offset(_) => 409,
        PhotoError::Checksum => 460,
        PhotoError::TooLong => 413,
        PhotoError::Card | PhotoError::OtherBytes | PhotoError::Refused(_) => 422,
        PhotoError::Quota => 507,
        PhotoError::Later | PhotoError::Blob(_) | PhotoError::Storage(_) => 503,
    }
}

/// A picture like no other.
fn picture(shot: u64) -> Vec<u8> {
    let shot = u32::try_from(shot % 100_000).expect("small");
    let noise =
        |x: u32, y: u32| (x.wrapping_mul(31) ^ y.wrapping_mul(17) ^ shot.wrapping_mul(2_654_435)) >> 3;
    let pixels = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        Rgb([noise(x, y), noise(y, x), noise(x + y, shot)].map(|c| u8::try_from(c % 256).expect("a byte")))
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .write_image(pixels.as_raw(), SIDE, SIDE, ExtendedColorType::Rgb8)
        .expect("encodes");
    bytes
}

/// Empties the folder in which an office keeps photos.
pub(super) fn empty(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).expect("a folder goes");
    }
}
