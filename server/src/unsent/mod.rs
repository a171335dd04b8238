//! Reading in what a phone could not send (未上传数据包导入): part by part, as if the phone itself had come.
//!
//! A part is worth what its device signed: changes are judged by the rights of who wrote them, a photo is taken as the
//! device's own. Who brings the file adds nothing, gets nothing of it to see, and is named in the audit. The same file
//! again changes nothing; what the phone sends later, it hears, is known.

use bytes::Bytes;
use louan_schema::id::{BlobHash, DeviceId, PersonId};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::unsent::{UnsentFault, UnsentPart, photo_digest};
use louan_schema::wire::Verdict;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::audit::Entry;
use crate::hub::{Clocks, Hub, StorageError, SyncError};
use crate::photo::{NewUpload, PIECE_BYTES_MAX, PhotoError, Photos, UploadId};

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadIn {
    /// Changes and commands taken now.
    pub taken: usize,
    /// Changes, commands and photos the office has already.
    pub known: usize,
    /// Changes held for a human.
    pub held: usize,
    /// Changes and commands refused; the phone tells who wrote them, once it speaks to the office again.
    pub returned: usize,
    /// Changes that cannot be taken yet: what comes before them is missing.
    pub waiting: usize,
    /// Photos taken now.
    pub photos: usize,
}

impl ReadIn {
    /// Adds what became of another part.
    pub const fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.known += other.known;
        self.held += other.held;
        self.returned += other.returned;
        self.waiting += other.waiting;
        self.photos += other.photos;
    }
}

/// Why a part was not read in. Nothing of it was taken, except where storage failed; it may be read in again.
#[derive(Debug, thiserror::Error)]
pub enum UnsentError {
    /// It is no part of such a file.
    #[error(transparent)]
    Fault(#[from] UnsentFault),
    /// No such device was ever enrolled here.
    #[error("the device is not known here")]
    UnknownDevice,
    /// The device did not sign it.
    #[error("the device did not sign it")]
    Signature,
    /// Changes were refused as a whole.
    #[error(transparent)]
    Sync(SyncError),
    /// The photo was refused.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// Storage refused.
    #[error("could not read or write")]
    Storage(#[from] StorageError),
}

impl From<SyncError> for UnsentError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::UnknownDevice => Self::UnknownDevice,
            SyncError::Storage(error) => Self::Storage(error),
            other => Self::Sync(other),
        }
    }
}

/// Reads parts in.
#[derive(Clone)]
pub struct Unsent {
    hub: Hub,
    photos: Photos,
}

impl Unsent {
    /// Over the core and its photos.
    #[must_use]
    pub const fn new(hub: Hub, photos: Photos) -> Self {
        Self { hub, photos }
    }

    /// Reads one part in, without its length. `upload` is random.
    ///
    /// # Errors
    /// [`UnsentError`].
    pub async fn read_in(
        &self,
        by: PersonId,
        part: &[u8],
        upload: UploadId,
        now: Clocks,
    ) -> Result<ReadIn, UnsentError> {
        let (device, read) = match UnsentPart::read(part)? {
            UnsentPart::Changes { device, protocol, batches } => {
                (device, self.changes(device, protocol, &batches, now).await?)
            }
            UnsentPart::Photo { device, card, bytes, signature } => {
                let photo = Bytes::from(Vec::from(bytes));
                (device, self.photo(device, (&card, photo), &signature, upload, now).await?)
            }
        };
        let ReadIn { taken, known, held, returned, waiting, photos } = read;
        let outcome = format!(
            "taken={taken} known={known} held={held} returned={returned} waiting={waiting} photos={photos}"
        );
        let (at, act) = (now.system, "read_unsent".to_owned());
        let subject = device.to_string();
        self.hub.note(Entry { at, person: Some(by), device: Some(device), act, subject, outcome }).await?;
        Ok(read)
    }

    async fn changes(
        &self,
        device: DeviceId,
        protocol: u16,
        batches: &[louan_schema::wire::Batch],
        now: Clocks,
    ) -> Result<ReadIn, UnsentError> {
        let (changes, commands) = self.hub.take_carried(device, protocol, batches, now).await?;
        let mut read = ReadIn::default();
        for verdict in changes.into_iter().flatten() {
            use louan_schema::wire::Disposition;
            let count = match verdict {
                Verdict::Accepted(_) => &mut read.taken,
                Verdict::Duplicate(_) => &mut read.known,
                Verdict::NotTaken(code) => match code.disposition() {
                    Disposition::Held => &mut read.held,
                    Disposition::Returned => &mut read.returned,
                    Disposition::Retry => &mut read.waiting,
                    Disposition::Stored => &mut read.known,
                },
            };
            *count += 1;
        }
        for verdict in commands.into_iter().flatten() {
            use louan_schema::wire::CommandVerdict;
            let count = match verdict {
                CommandVerdict::Done(_) => &mut read.taken,
                CommandVerdict::Duplicate(_) => &mut read.known,
                CommandVerdict::Refused(..) => &mut read.returned,
            };
            *count += 1;
        }
        Ok(read)
    }

    async fn photo(
        &self,
        device: DeviceId,
        (card, photo): (&[u8], Bytes),
        signature: &[u8],
        upload: UploadId,
        now: Clocks,
    ) -> Result<ReadIn, UnsentError> {
        let state = self.hub.find_device(device).await?.ok_or(UnsentError::UnknownDevice)?;
        let hash = BlobHash(Sha256::digest(&photo).into());
        let signed = VerifyingKey::from_sec1_bytes(&state.public_key).is_ok_and(|key| {
            let signature = Signature::from_slice(signature);
            signature.is_ok_and(|signature| key.verify(&photo_digest(device, card, hash), &signature).is_ok())
        });
        if !signed {
            return Err(UnsentError::Signature);
        }
        if self.photos.sent(hash, device).await?.is_some() {
            return Ok(ReadIn { known: 1, ..ReadIn::default() });
        }
        let card = PhotoCard::from_bytes(card).map_err(|_| UnsentFault::Damaged)?;
        let (kind, bytes) = (UploadKind::Photo, photo.len() as u64);
        let new = NewUpload { id: upload, hash, kind, bytes, card };
        self.photos.begin(device, new, now.system).await?;
        let mut offset = 0;
        while offset < bytes {
            let end = bytes.min(offset + PIECE_BYTES_MAX);
            let place =
                usize::try_from(offset).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
            let piece = photo.slice(place);
            offset = self.photos.append(device, upload, (offset, piece), None, now.system).await?.offset;
        }
        Ok(ReadIn { photos: 1, ..ReadIn::default() })
    }
}
