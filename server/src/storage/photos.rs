//! Photos as stored: uploads under way, what is here, what is known about it, who cites it.
//!
//! Rows only: the bytes are the blobs' business. What was said about a photo beside its bytes is
//! personal (where somebody was) and goes with the person; its hash and the records that cite it stay.

use louan_schema::id::{BlobHash, DeviceId, OrgId, RecordId, SiteId};
use louan_schema::photo::UploadKind;
use louan_schema::time::Timestamp;

use super::Reply;

/// An upload's number: random, so that nobody guesses another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(pub [u8; 16]);

impl std::fmt::Display for UploadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an upload's number")]
pub struct NotAnUpload;

impl std::str::FromStr for UploadId {
    type Err = NotAnUpload;

    fn from_str(text: &str) -> Result<Self, NotAnUpload> {
        let digits =
            text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(|number| Self(number.to_be_bytes())).ok_or(NotAnUpload)
    }
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// Bytes are still awaited.
    UnderWay,
    /// All of it is here and on disk, told in the log at this position.
    Stored(u64),
    /// Given up or refused; its bytes are gone.
    Ended,
}

/// An upload (上传).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoUpload {
    /// Its number.
    pub id: UploadId,
    /// Who sends.
    pub device: DeviceId,
    /// What the bytes must hash to.
    pub hash: BlobHash,
    /// What it is to be.
    pub kind: UploadKind,
    /// How many bytes it has in all.
    pub bytes: u64,
    /// What is known about it: the card's bytes.
    pub card: Vec<u8>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// How far it is.
    pub state: UploadState,
}

/// A photo that is here (照片).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Its name.
    pub hash: BlobHash,
    /// What it is.
    pub kind: UploadKind,
    /// Length of the file.
    pub bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it looks like, in 64 bits: pictures alike differ in few of them.
    pub likeness: u64,
    /// The photo an original belongs to.
    pub belongs_to: Option<BlobHash>,
    /// The position at which the log tells of it.
    pub pos: u64,
    /// When it was complete.
    pub received_at: Timestamp,
    /// When its file was found missing or altered.
    pub broken_at: Option<Timestamp>,
}

/// A photo that a record cites, here or still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedPhoto {
    /// The record.
    pub record: RecordId,
    /// Where that record belongs.
    pub site: SiteId,
    /// Whether the record stands; one that was withdrawn or corrected asks for no photo any more.
    pub counts: bool,
    /// The photo's name.
    pub hash: BlobHash,
    /// The photo, once it is here.
    pub photo: Option<Photo>,
    /// What its sender knew about it.
    pub card: Option<Vec<u8>>,
}

/// Whose photos are counted: the facts of a hazard or round on one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The hazard or the round.
    pub id: [u8; 16],
    /// Where; what was written about it elsewhere does not count.
    pub site: SiteId,
    /// Of this organisation's facts only.
    pub org: Option<OrgId>,
}

/// Whether what is cited is here (照片到齐): a record is complete once nothing is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotoTally {
    /// Photos cited, each once a record.
    pub cited: u64,
    /// Those that are not here, or whose file was found missing or altered.
    pub missing: u64,
}

/// A photo used twice, or one that looks like another (疑似重复照片).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The other photo, or the same one where another record cites it.
    pub hash: BlobHash,
    /// It is the same photo, or both were developed from the same file, as their phones said.
    pub same_file: bool,
    /// Bits in which the two differ, of 64.
    pub distance: u32,
    /// The record that cites it.
    pub record: RecordId,
    /// Where that record belongs.
    pub site: SiteId,
}

/// What a device may still begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhotoAllowance {
    /// Which device.
    pub device: DeviceId,
    /// Uploads begun since this instant count.
    pub since: Timestamp,
    /// Most uploads.
    pub photos_max: u64,
    /// Most bytes, the new upload's among them.
    pub bytes_max: u64,
}

/// What is written about photos.
#[derive(Debug, Clone)]
pub enum PhotoWrite {
    /// An upload begins.
    Begin(PhotoUpload),
    /// An upload is complete and its bytes are on disk. The position in the photo given counts for nothing.
    Store(UploadId, Photo),
    /// An upload is given up or refused.
    End(UploadId),
    /// An upload's row is of no use any more.
    Forget(UploadId),
    /// A file was found missing or altered, or is whole again.
    Broken(BlobHash, Option<Timestamp>),
    /// A backup up to this position has no good copy of it: broken, unless it has come again since.
    Lacking(BlobHash, u64, Timestamp),
}

/// Photos.
pub trait PhotoStore: Send + Sync {
    /// An upload.
    fn find_photo_upload(&self, id: UploadId) -> Reply<'_, Option<PhotoUpload>>;
    /// Uploads begun before an instant, oldest first.
    fn list_photo_uploads(&self, before: Timestamp, limit: usize) -> Reply<'_, Vec<PhotoUpload>>;
    /// A photo, or the original of one.
    fn find_photo(&self, hash: BlobHash) -> Reply<'_, Option<Photo>>;
    /// The position at which the log tells of a photo, if this device has sent it and it is whole.
    fn find_sent_photo(&self, hash: BlobHash, device: DeviceId) -> Reply<'_, Option<u64>>;
    /// The thumbnail that a phone sent for a photo, if one of these organisations may see it.
    fn find_thumbnail(&self, photo: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, Option<BlobHash>>;
    /// Whether a record cites it on a site that one of these organisations sees, and it was sent by that record's own
    /// device or organisation (P08); the thumbnail sent for it stands for a photo that is not here yet.
    fn sees_photo(&self, hash: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, bool>;
    /// The photos of a hazard or round, by record and in the order the record gives them, as far as one of these
    /// organisations sees the sites; nothing when it sees none that speaks of it.
    fn list_cited_photos(&self, subject: [u8; 16], orgs: Vec<OrgId>) -> Reply<'_, Option<Vec<CitedPhoto>>>;
    /// How many photos each of these subjects cites, and how many of them are missing; in their order.
    fn tally_photos(&self, subjects: Vec<Subject>) -> Reply<'_, Vec<PhotoTally>>;
    /// Photos of the same file, and those that look like one, cited on sites one of these organisations sees; the
    /// same file first, then the nearest.
    fn list_alike_photos(&self, hash: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, Vec<Alike>>;
    /// Photos by name, after one.
    fn list_photos(&self, after: Option<BlobHash>, limit: usize) -> Reply<'_, Vec<Photo>>;
}
