//! Photos: taken up piece by piece, examined apart, kept by hash, shown to those who see their compound.
//!
//! A photo is here once its bytes hash to its name, a worker has looked at it, its file is on disk and its row is
//! committed, in that order; only then is it acknowledged. A hash opens nothing: who asks must see a compound on
//! which a record cites the photo (P08), and what one phone has sent is no other phone's to ask about (P09). What a
//! photo proves is for reviewers to say. Nothing here speaks HTTP.

mod receive;
mod show;
mod sweep;

use std::sync::Arc;

use louan_schema::id::{BlobHash, DeviceId};
use louan_schema::photo::{PhotoCard, UploadKind};
use tokio::sync::Semaphore;

use crate::blob::Blobs;
use crate::hub::Hub;
use crate::lock::Locks;
use crate::storage::{Storage, StorageError};
use crate::worker::Examine;

pub use crate::blob::BlobError;
pub use crate::storage::photos::{Alike, CitedPhoto, Photo, PhotoTally, Subject, UploadId};
pub use crate::worker::Unfit;
pub use show::{HazardPhotos, Shown, Size};
pub use sweep::Swept;

/// Most bytes of a piece.
pub const PIECE_BYTES_MAX: u64 = 1024 * 1024;
/// Pictures looked at at once: each costs a worker half a second, and records go before photos.
const EXAMINED_AT_ONCE: usize = 1;

/// What a device may send on one day (P12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhotoLimits {
    /// Uploads begun.
    pub photos_per_day: u64,
    /// Their bytes.
    pub bytes_per_day: u64,
}

impl Default for PhotoLimits {
    fn default() -> Self {
        // Fifty rounds of ten photos; with originals about four mebibytes each.
        Self { photos_per_day: 500, bytes_per_day: 2 * 1024 * 1024 * 1024 }
    }
}

/// Why a photo is not taken or not shown. What was acknowledged before is safe.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// No such upload or photo, or not this caller's to know of.
    #[error("there is no such photo here")]
    Unknown,
    /// The upload was given up, refused, or is too old.
    #[error("the upload has ended")]
    Ended,
    /// The upload has so many bytes, not as many as the sender thinks.
    #[error("the upload has `{0}` bytes")]
    Offset(u64),
    /// The piece is not what its checksum says: it is to be sent again.
    #[error("the piece does not fit its checksum")]
    Checksum,
    /// The piece goes beyond the length announced, or the length beyond what is taken.
    #[error("longer than announced or allowed")]
    TooLong,
    /// The card cannot be read, or does not speak of this upload.
    #[error("the card does not fit the upload")]
    Card,
    /// The bytes do not hash to the name announced (P10).
    #[error("the bytes are not what their name says")]
    OtherBytes,
    /// The picture is not taken.
    #[error("the picture is refused: `{}`", .0.code())]
    Refused(Unfit),
    /// The device has sent its share of the day.
    #[error("the device has sent its share of the day")]
    Quota,
    /// Nobody can look at it now.
    #[error("no worker can look at the picture now")]
    Later,
    /// The blobs refused.
    #[error(transparent)]
    Blob(BlobError),
    /// Storage refused.
    #[error("could not read or write what is known about photos")]
    Storage(#[from] StorageError),
}

impl From<BlobError> for PhotoError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Offset(offset) => Self::Offset(offset),
            other => Self::Blob(other),
        }
    }
}

/// What a phone announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// Its number, random.
    pub id: UploadId,
    /// What the bytes hash to.
    pub hash: BlobHash,
    /// What they are.
    pub kind: UploadKind,
    /// How many.
    pub bytes: u64,
    /// What is known about the photo.
    pub card: PhotoCard,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here.
    pub offset: u64,
    /// Bytes there will be.
    pub bytes: u64,
    /// Once the photo is kept: the position of the log that has it. A backup up to there has the photo too.
    pub pos: Option<u64>,
}

/// What photos need from outside.
pub struct Ground {
    /// The core, whose log tells of them.
    pub hub: Hub,
    /// Where their rows are.
    pub storage: Arc<dyn Storage>,
    /// Where their bytes are.
    pub blobs: Arc<dyn Blobs>,
    /// Who looks at them.
    pub examine: Arc<dyn Examine>,
    /// What a device may send.
    pub limits: PhotoLimits,
}

/// The service of this room (照片服务). Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Photos {
    inner: Arc<Inner>,
}

struct Inner {
    ground: Ground,
    /// One request at a time works on an upload.
    uploads: Locks<UploadId>,
    examined: Semaphore,
}

impl std::fmt::Debug for Photos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Photos").field("limits", &self.inner.ground.limits).finish_non_exhaustive()
    }
}

impl Photos {
    /// The service over its ground.
    #[must_use]
    pub fn new(ground: Ground) -> Self {
        let examined = Semaphore::new(EXAMINED_AT_ONCE);
        Self { inner: Arc::new(Inner { ground, uploads: Locks::default(), examined }) }
    }

    /// The position of the log that has a photo, if this device has sent it and it is whole: nobody learns here what
    /// others have sent (P09).
    ///
    /// # Errors
    /// [`PhotoError::Storage`].
    pub async fn sent(&self, hash: BlobHash, device: DeviceId) -> Result<Option<u64>, PhotoError> {
        Ok(self.ground().storage.find_sent_photo(hash, device).await?)
    }

    fn ground(&self) -> &Ground {
        &self.inner.ground
    }
}
