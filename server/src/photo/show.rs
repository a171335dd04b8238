//! Showing photos to those who see the compound: the picture, its thumbnail, what stands beside a hazard or round.
//!
//! Whoever asks for what he does not see learns nothing, not even whether it is there.

use bytes::Bytes;
use louan_schema::fold::before_after::{BeforeAfter, before_after};
use louan_schema::id::{BlobHash, HazardId, OrgId, RoundId};
use louan_schema::photo::UploadKind;

use super::{Alike, CitedPhoto, PhotoError, PhotoTally, Photos, Subject};
use crate::ledger::facts_of;
use crate::worker::{Look, PictureKind};

/// How large a photo is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As it was sent.
    Full,
    /// Small, for lists.
    Thumbnail,
}

/// A photo to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is.
    pub kind: UploadKind,
    /// Its bytes.
    pub bytes: Bytes,
}

/// What stands beside a hazard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HazardPhotos {
    /// Those that its records cite, here or still to come.
    pub cited: Vec<CitedPhoto>,
    /// Which of them show the danger, and which show it gone.
    pub sides: BeforeAfter,
}

impl Photos {
    /// A photo's bytes, for a caller of these organisations.
    ///
    /// # Errors
    /// [`PhotoError::Unknown`] when it is not here or not theirs to see; [`PhotoError::Later`].
    pub async fn show(&self, hash: BlobHash, orgs: Vec<OrgId>, size: Size) -> Result<Shown, PhotoError> {
        let storage = &self.ground().storage;
        if !storage.sees_photo(hash, orgs.clone()).await? {
            return Err(PhotoError::Unknown);
        }
        let kept = async |hash| self.ground().blobs.read(hash).await?.ok_or(PhotoError::Unknown);
        match (storage.find_photo(hash).await?, size) {
            (Some(photo), Size::Full) => Ok(Shown { kind: photo.kind, bytes: kept(hash).await? }),
            (Some(photo), Size::Thumbnail) => {
                Ok(Shown { kind: photo.kind, bytes: self.thumbnail(hash, photo.bytes).await? })
            }
            (None, Size::Full) => Err(PhotoError::Unknown),
            // A phone on a weak link sends the small one first: until the photo is here it is all there is.
            (None, Size::Thumbnail) => {
                let sent = storage.find_thumbnail(hash, orgs).await?.ok_or(PhotoError::Unknown)?;
                Ok(Shown { kind: UploadKind::Thumbnail, bytes: kept(sent).await? })
            }
        }
    }

    async fn thumbnail(&self, hash: BlobHash, bytes: u64) -> Result<Bytes, PhotoError> {
        let blobs = &self.ground().blobs;
        if let Some(kept) = blobs.thumbnail(hash).await? {
            return Ok(kept);
        }
        // Thumbnails are in no backup: one that is missing is made again, whatever its photo's kind.
        let look = Look { path: blobs.path(hash), bytes, kind: PictureKind::Original };
        let made = Bytes::from(Vec::from(self.look(look).await?.thumbnail));
        // Made again the next time when there is no room to keep it.
        drop(blobs.keep_thumbnail(hash, made.clone()).await);
        Ok(made)
    }

    /// The photos that the records of a hazard cite, for a caller of these organisations: those written on its own
    /// site, as in the ledger.
    ///
    /// # Errors
    /// [`PhotoError::Unknown`] when there is no such hazard, or none that is theirs to see.
    pub async fn of_hazard(&self, hazard: HazardId, orgs: Vec<OrgId>) -> Result<HazardPhotos, PhotoError> {
        let storage = &self.ground().storage;
        let case = storage.hazard_case(hazard).await?.ok_or(PhotoError::Unknown)?;
        let site = case.status.site;
        // What stands under its name on a site that they do see opens nothing of this one.
        if !storage.sight(orgs.clone()).await?.has(site) {
            return Err(PhotoError::Unknown);
        }
        let mut cited = storage.list_cited_photos(hazard.0, orgs).await?.ok_or(PhotoError::Unknown)?;
        cited.retain(|photo| photo.site == site);
        let facts = facts_of(hazard, &case.facts).map(|(_, facts)| facts).unwrap_or_default();
        Ok(HazardPhotos { cited, sides: before_after(hazard, &facts).unwrap_or_default() })
    }

    /// The photos that the records of a round cite, on the sites that a caller of these organisations sees.
    ///
    /// # Errors
    /// [`PhotoError::Unknown`] when there is no such round, or none that is theirs to see.
    pub async fn of_round(&self, round: RoundId, orgs: Vec<OrgId>) -> Result<Vec<CitedPhoto>, PhotoError> {
        self.ground().storage.list_cited_photos(round.0, orgs).await?.ok_or(PhotoError::Unknown)
    }

    /// How many photos each of these cites, and how many of them are missing: a record is complete once all its
    /// photos are here.
    ///
    /// # Errors
    /// [`PhotoError::Storage`].
    pub async fn tally(&self, subjects: Vec<Subject>) -> Result<Vec<PhotoTally>, PhotoError> {
        Ok(self.ground().storage.tally_photos(subjects).await?)
    }

    /// Other records that cite this photo, one of the same file or one that looks like it, as far as these organisations see them: a
    /// hint for who reviews, never a verdict (P07).
    ///
    /// # Errors
    /// [`PhotoError::Unknown`] when the photo is not theirs to see.
    pub async fn alike(&self, hash: BlobHash, orgs: Vec<OrgId>) -> Result<Vec<Alike>, PhotoError> {
        let storage = &self.ground().storage;
        if !storage.sees_photo(hash, orgs.clone()).await? {
            return Err(PhotoError::Unknown);
        }
        Ok(storage.list_alike_photos(hash, orgs).await?)
    }
}
