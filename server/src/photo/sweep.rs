//! The nightly look: uploads nobody finishes are cleared away, every photo's bytes are compared with its name.
//!
//! A disk alters bytes without telling. A photo found broken is marked, never removed: a phone that still has it
//! is asked for it by nobody, but takes its place when it comes again; an operator can put it back from a backup.

use louan_schema::time::Timestamp;

use super::{PhotoError, Photos};
use crate::blob::Condition;
use crate::storage::photos::{PhotoWrite, UploadState};

/// Bytes of an upload are kept so long after it was begun, its row twice as long (P12).
const UPLOAD_MS: i64 = 24 * 3_600_000;
/// Rows read at once.
const ROWS: usize = 500;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads cleared away.
    pub uploads: u64,
    /// Photos looked at.
    pub photos: u64,
    /// Photos whose file is missing or altered.
    pub broken: u64,
    /// Photos that were broken and are whole again.
    pub mended: u64,
}

impl Photos {
    /// Looks at everything once.
    ///
    /// # Errors
    /// [`PhotoError`] when something cannot be read; what was found until then is marked.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, PhotoError> {
        let mut swept = Swept::default();
        self.clear_uploads(now, &mut swept).await?;
        let mut after = None;
        loop {
            let photos = self.ground().storage.list_photos(after, ROWS).await?;
            let Some(last) = photos.last() else { return Ok(swept) };
            after = Some(last.hash);
            for photo in photos {
                swept.photos += 1;
                let whole = self.ground().blobs.condition(photo.hash).await? == Condition::Whole;
                swept.broken += u64::from(!whole);
                match (whole, photo.broken_at) {
                    (false, None) => self.write(PhotoWrite::Broken(photo.hash, Some(now))).await?,
                    (true, Some(_)) => {
                        swept.mended += 1;
                        self.write(PhotoWrite::Broken(photo.hash, None)).await?;
                    }
                    (true, None) | (false, Some(_)) => {}
                }
            }
        }
    }

    async fn clear_uploads(&self, now: Timestamp, swept: &mut Swept) -> Result<(), PhotoError> {
        let ground = self.ground();
        let earlier = |ms| Timestamp::from_ms(now.ms() - ms);
        loop {
            let old = ground.storage.list_photo_uploads(earlier(2 * UPLOAD_MS), ROWS).await?;
            if old.is_empty() {
                break;
            }
            for upload in old {
                let _turn = self.inner.uploads.hold(upload.id).await;
                ground.blobs.discard(upload.id).await?;
                self.write(PhotoWrite::Forget(upload.id)).await?;
                swept.uploads += 1;
            }
        }
        // Bytes of uploads that are over, too old, or that no row knows: their announcement was lost with the power.
        for id in ground.blobs.list_staged().await? {
            let _turn = self.inner.uploads.hold(id).await;
            let upload = ground.storage.find_photo_upload(id).await?;
            let alive = upload.as_ref().is_some_and(|upload| {
                upload.state == UploadState::UnderWay && upload.begun_at >= earlier(UPLOAD_MS)
            });
            if !alive {
                if upload.is_some() {
                    self.write(PhotoWrite::End(id)).await?;
                }
                ground.blobs.discard(id).await?;
                swept.uploads += 1;
            }
        }
        Ok(())
    }
}
