//! Taking a photo up: announced, piece by piece, examined, kept, told.
//!
//! Every step may be repeated: a reply that was lost is asked for again and finds what the first one found. Two
//! requests about one upload follow each other.

use bytes::Bytes;
use louan_schema::id::{BlobHash, DeviceId};
use louan_schema::photo::{ORIGINAL_BYTES_MAX, PHOTO_BYTES_MAX, PhotoCard, THUMBNAIL_BYTES_MAX, UploadKind};
use louan_schema::time::Timestamp;
use sha2::{Digest, Sha256};

use super::{NewUpload, PhotoError, Photos, Progress};
use crate::blob::Condition;
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Guard, Write};
use crate::storage::photos::{Photo, PhotoAllowance, PhotoUpload, PhotoWrite, UploadId, UploadState};
use crate::worker::{Look, Picture, PictureFault, PictureKind, Unfit};

impl Photos {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`PhotoError::Card`], [`PhotoError::TooLong`], [`PhotoError::Refused`] when there is nothing to send,
    /// [`PhotoError::Quota`].
    pub async fn begin(&self, device: DeviceId, new: NewUpload, now: Timestamp) -> Result<(), PhotoError> {
        let bytes_max = match new.kind {
            UploadKind::Photo => u64::from(PHOTO_BYTES_MAX),
            UploadKind::Original => u64::from(ORIGINAL_BYTES_MAX),
            UploadKind::Thumbnail => u64::from(THUMBNAIL_BYTES_MAX),
        };
        if new.bytes == 0 {
            return Err(PhotoError::Refused(Unfit::Unsupported));
        }
        if new.bytes > bytes_max {
            return Err(PhotoError::TooLong);
        }
        let announced = match new.kind {
            UploadKind::Original => Some(u64::from(new.card.original.bytes)),
            UploadKind::Photo => Some(u64::from(new.card.bytes)),
            // The card names it and says nothing of its size.
            UploadKind::Thumbnail => None,
        };
        let fits = announced.is_none_or(|bytes| bytes == new.bytes);
        if new.card.kind_of(new.hash) != Some(new.kind) || !fits {
            return Err(PhotoError::Card);
        }
        let limits = self.ground().limits;
        let allowance = PhotoAllowance {
            device,
            since: now.day().start(),
            photos_max: limits.photos_per_day,
            bytes_max: limits.bytes_per_day.saturating_sub(new.bytes),
        };
        let upload = PhotoUpload {
            id: new.id,
            device,
            hash: new.hash,
            kind: new.kind,
            bytes: new.bytes,
            card: new.card.to_bytes(),
            begun_at: now,
            state: UploadState::UnderWay,
        };
        let commit = Commit {
            guards: vec![Guard::Photos(allowance)],
            writes: vec![Write::Photo(PhotoWrite::Begin(upload))],
            ..Commit::default()
        };
        match self.ground().hub.commit(commit).await {
            Err(StorageError::Moved) => Err(PhotoError::Quota),
            written => Ok(written.map(drop)?),
        }
    }

    /// How far an upload is. One that has all its bytes is brought to its end first.
    ///
    /// # Errors
    /// [`PhotoError::Unknown`], [`PhotoError::Ended`], and whatever its end may bring.
    pub async fn progress(
        &self,
        device: DeviceId,
        id: UploadId,
        now: Timestamp,
    ) -> Result<Progress, PhotoError> {
        let _turn = self.inner.uploads.hold(id).await;
        let upload = self.own(device, id).await?;
        if let Some(done) = finished(&upload) {
            return Ok(done);
        }
        let offset = self.ground().blobs.staged_bytes(id).await?;
        if offset == upload.bytes {
            return self.finish(&upload, now).await;
        }
        // The power may have failed between the file's name and its row: then nothing is staged any more. Where there is
        // a row, somebody has sent the photo before, which is nobody else's to know (P09): it has to be sent.
        if offset == 0
            && self.ground().storage.find_photo(upload.hash).await?.is_none()
            && self.ground().blobs.condition(upload.hash).await? == Condition::Whole
        {
            return self.take(&upload, now).await;
        }
        Ok(Progress { offset, bytes: upload.bytes, pos: None })
    }

    /// Takes a piece that begins at `offset`; the last one is answered when the photo is kept for good.
    ///
    /// # Errors
    /// [`PhotoError::Offset`] with the true offset, [`PhotoError::Checksum`], [`PhotoError::TooLong`],
    /// [`PhotoError::OtherBytes`] and [`PhotoError::Refused`], which end the upload.
    pub async fn append(
        &self,
        device: DeviceId,
        id: UploadId,
        (offset, piece): (u64, Bytes),
        checksum: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Result<Progress, PhotoError> {
        if checksum.is_some_and(|wanted| <[u8; 32]>::from(Sha256::digest(&piece)) != wanted) {
            return Err(PhotoError::Checksum);
        }
        let _turn = self.inner.uploads.hold(id).await;
        let upload = self.own(device, id).await?;
        if let Some(done) = finished(&upload) {
            // The reply to the last piece was lost, and the piece is sent again.
            return if offset == upload.bytes { Ok(done) } else { Err(PhotoError::Offset(upload.bytes)) };
        }
        if offset.saturating_add(piece.len() as u64) > upload.bytes {
            return Err(PhotoError::TooLong);
        }
        let offset = self.ground().blobs.append(id, offset, piece).await?;
        if offset < upload.bytes {
            return Ok(Progress { offset, bytes: upload.bytes, pos: None });
        }
        self.finish(&upload, now).await
    }

    /// Gives an upload up. One that is kept stays kept.
    ///
    /// # Errors
    /// [`PhotoError::Unknown`], [`PhotoError::Ended`].
    pub async fn give_up(&self, device: DeviceId, id: UploadId) -> Result<(), PhotoError> {
        let _turn = self.inner.uploads.hold(id).await;
        let upload = self.own(device, id).await?;
        if finished(&upload).is_some() { Ok(()) } else { self.end(id).await }
    }

    /// An upload of this device, as far as it is not over.
    async fn own(&self, device: DeviceId, id: UploadId) -> Result<PhotoUpload, PhotoError> {
        let upload = self.ground().storage.find_photo_upload(id).await?;
        let upload = upload.filter(|upload| upload.device == device).ok_or(PhotoError::Unknown)?;
        if upload.state == UploadState::Ended { Err(PhotoError::Ended) } else { Ok(upload) }
    }

    async fn end(&self, id: UploadId) -> Result<(), PhotoError> {
        self.write(PhotoWrite::End(id)).await?;
        Ok(self.ground().blobs.discard(id).await?)
    }

    pub(super) async fn write(&self, write: PhotoWrite) -> Result<(), PhotoError> {
        let commit = Commit { writes: vec![Write::Photo(write)], ..Commit::default() };
        Ok(self.ground().hub.commit(commit).await.map(drop)?)
    }

    /// All bytes are here: whether they are the photo they were announced as.
    async fn finish(&self, upload: &PhotoUpload, now: Timestamp) -> Result<Progress, PhotoError> {
        if self.ground().blobs.staged_hash(upload.id).await? != upload.hash {
            self.end(upload.id).await?;
            return Err(PhotoError::OtherBytes);
        }
        self.take(upload, now).await
    }

    /// Looks at a photo whose bytes are known to be right, keeps it, and tells the log.
    async fn take(&self, upload: &PhotoUpload, now: Timestamp) -> Result<Progress, PhotoError> {
        let blobs = &self.ground().blobs;
        let staged = blobs.staged_bytes(upload.id).await? > 0;
        let path = if staged { blobs.staged_path(upload.id) } else { blobs.path(upload.hash) };
        let kind = match upload.kind {
            UploadKind::Original => PictureKind::Original,
            UploadKind::Photo | UploadKind::Thumbnail => PictureKind::Photo,
        };
        let picture = match self.look(Look { path, bytes: upload.bytes, kind }).await {
            Err(PhotoError::Refused(refusal)) => {
                self.end(upload.id).await?;
                return Err(PhotoError::Refused(refusal));
            }
            looked => looked?,
        };
        if staged {
            blobs.keep(upload.id, upload.hash).await?;
        }
        let photo = photo(upload, &picture, now);
        if upload.kind == UploadKind::Photo {
            // Made again when it is asked for and not there: no reason to refuse the photo.
            let thumbnail = Bytes::from(Vec::from(picture.thumbnail));
            drop(blobs.keep_thumbnail(upload.hash, thumbnail).await);
        }
        self.write(PhotoWrite::Store(upload.id, photo)).await?;
        let stored = self.ground().storage.find_photo_upload(upload.id).await?;
        stored.as_ref().and_then(finished).ok_or(PhotoError::Unknown)
    }

    /// Has a picture looked at, few at a time.
    pub(super) async fn look(&self, look: Look) -> Result<Picture, PhotoError> {
        let _turn = self.inner.examined.acquire().await.map_err(|_| PhotoError::Later)?;
        match self.ground().examine.examine(look).await {
            Ok(Ok(picture)) => Ok(picture),
            Ok(Err(refusal)) => Err(PhotoError::Refused(refusal)),
            Err(PictureFault::TooMuch) => Err(PhotoError::Refused(Unfit::ImageTooLarge)),
            Err(PictureFault::Later) => Err(PhotoError::Later),
        }
    }
}

/// Where a kept upload stands.
fn finished(upload: &PhotoUpload) -> Option<Progress> {
    match upload.state {
        UploadState::Stored(pos) => {
            Some(Progress { offset: upload.bytes, bytes: upload.bytes, pos: Some(pos) })
        }
        UploadState::UnderWay | UploadState::Ended => None,
    }
}

fn photo(upload: &PhotoUpload, picture: &Picture, now: Timestamp) -> Photo {
    // What cannot be read any more was erased meanwhile; the photo itself is still what it is.
    let of = PhotoCard::from_bytes(&upload.card).ok().map(|card| card.hash);
    let belongs_to: Option<BlobHash> = of.filter(|_| upload.kind != UploadKind::Photo);
    Photo {
        hash: upload.hash,
        kind: upload.kind,
        bytes: upload.bytes,
        width: picture.width,
        height: picture.height,
        likeness: picture.likeness,
        belongs_to,
        pos: 0,
        received_at: now,
        broken_at: None,
    }
}
