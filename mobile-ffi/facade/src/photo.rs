//! Photos over the facade: taking one, those of a draft, what is still to be sent.
//!
//! Bytes and plain texts in, plain rows out. Which letters a watermark gets is the host's: it may hand in a font
//! file, or draw them itself; otherwise photos carry no watermark.

use louan_client_core::darkroom::watermark::Lettering;
use louan_client_core::schema::id::BlobHash;
use louan_client_core::schema::photo::{OnSite, PhotoPosition, PositionSource, UploadKind};
use louan_client_core::view::{PhotoCount, PhotoState, PhotoView};
use louan_client_core::{PhotoSettings, Shot};

use crate::desk::Desk;
use crate::failure::Failure;
use crate::host::{Host, acting};
use crate::read::{id, instant, maybe_id};

/// What the position sensor said when the picture was taken, in WGS-84.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SensorDraft {
    /// Longitude in degrees.
    pub longitude: f64,
    /// Latitude in degrees.
    pub latitude: f64,
    /// Radius in metres within which the device believes to be.
    pub accuracy_m: f64,
    /// When the position was fixed.
    pub fixed_at_ms: i64,
    /// The device says that the position is made up.
    pub mock: bool,
}

/// A picture as the camera handed it over.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ShotDraft {
    /// The file; where it is handed over beside the rest, empty here.
    #[serde(default)]
    pub file: Vec<u8>,
    /// The compound.
    pub site: String,
    /// The building; nothing for a shared place.
    pub building: Option<String>,
    /// What the sensor said; nothing when it said nothing.
    pub sensor: Option<SensorDraft>,
    /// Who is named on the picture, by name or number; empty for nobody.
    pub signed: String,
}

/// A photo of this phone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PhotoRow {
    /// Its name, to be cited by drafts.
    pub hash: String,
    /// The compound.
    pub site: String,
    /// The building.
    pub building: Option<String>,
    /// When it was taken.
    pub taken_at_ms: i64,
    /// Whose clock says so, `camera`, `camera_zone_assumed` or `phone`.
    pub taken_by: String,
    /// `kept`, `queued`, `uploading`, `confirmed` or `refused`.
    pub state: String,
    /// Bytes the office has while it is uploading.
    pub reached: Option<u32>,
    /// Bytes of the photo.
    pub bytes: u32,
    /// Why the office refused it.
    pub code: Option<String>,
    /// It looks shaken or out of focus.
    pub blurred: bool,
    /// It looks too dark to show anything.
    pub dark: bool,
    /// Why it is not proven to be taken on site; nothing when it is.
    pub unproven: Option<String>,
    /// Metres between the phone and the place, when both are known.
    pub distance_m: Option<u32>,
    /// Its bytes lie on this phone; the thumbnail always does.
    pub here: bool,
}

/// What there is still to do for photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PhotoCountRow {
    /// Photos cited by a record and not yet at the office.
    pub waiting: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Photos the office refused.
    pub refused: u64,
}

/// What is done with files as the camera made them, which have no watermark and may say where somebody was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PhotoSettingsRow {
    /// They stay on the phone beside the photo.
    pub keep_originals: bool,
    /// They go to the office, where the network costs nothing.
    pub send_originals: bool,
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each call answers a Failure, whose variants say what to do next"
)]
impl<H: Host> Desk<H> {
    /// Takes a photo; saved when the call returns.
    pub fn attach_photo(&mut self, person: &str, shot: &ShotDraft) -> Result<PhotoRow, Failure> {
        let font = self.lettering.take();
        let row =
            self.attach_lettered(person, &shot.file, shot, font.as_deref().map(|f| f as &dyn Lettering));
        self.lettering = font;
        row
    }

    /// Takes a photo whose file comes beside the rest, with letters of the host's own; saved when the call returns.
    pub fn attach_lettered(
        &mut self,
        person: &str,
        file: &[u8],
        shot: &ShotDraft,
        lettering: Option<&dyn Lettering>,
    ) -> Result<PhotoRow, Failure> {
        let a = acting(&self.host, id(person)?)?;
        let shot = Shot {
            file,
            site: id(&shot.site)?,
            building: maybe_id(shot.building.as_deref())?,
            position: shot.sensor.as_ref().and_then(SensorDraft::read),
            signed: &shot.signed,
            lettering,
        };
        Ok(self.phone.attach_photo(&a, &shot)?.into())
    }

    /// Photos that no record and no answer cites.
    pub fn draft_photos(&self) -> Result<Vec<PhotoRow>, Failure> {
        Ok(self.phone.draft_photos()?.into_iter().map(PhotoRow::from).collect())
    }

    /// Every photo of this phone, with what became of it.
    pub fn photos(&self) -> Result<Vec<PhotoRow>, Failure> {
        Ok(self.phone.photos()?.into_iter().map(PhotoRow::from).collect())
    }

    /// The bytes of a photo or its thumbnail; nothing when they do not lie here.
    pub fn photo_file(&self, photo: &str, thumbnail: bool) -> Result<Option<Vec<u8>>, Failure> {
        let kind = if thumbnail { UploadKind::Thumbnail } else { UploadKind::Photo };
        Ok(self.phone.photo_file(id::<BlobHash>(photo)?, kind)?)
    }

    /// Takes a photo out of a draft; `false` when something cites it and it stays.
    pub fn discard_photo(&mut self, person: &str, photo: &str) -> Result<bool, Failure> {
        let a = acting(&self.host, id(person)?)?;
        Ok(self.phone.discard_photo(&a, id::<BlobHash>(photo)?)?)
    }

    /// How many photos wait to be sent, and how many were refused.
    pub fn photo_count(&self) -> Result<PhotoCountRow, Failure> {
        Ok(self.phone.photo_count()?.into())
    }

    /// Sends a photo again that the office refused; after it was told why, and that it may be otherwise now.
    pub fn retry_photo(&mut self, photo: &str) -> Result<(), Failure> {
        Ok(self.phone.retry_photo(id::<BlobHash>(photo)?)?)
    }

    /// What is done with originals; nothing is kept or sent unless somebody says so.
    pub fn photo_settings(&self) -> Result<PhotoSettingsRow, Failure> {
        let PhotoSettings { keep_originals, send_originals } = self.phone.photo_settings()?;
        Ok(PhotoSettingsRow { keep_originals, send_originals })
    }

    /// Says what is done with originals from now on.
    pub fn set_photo_settings(&mut self, settings: PhotoSettingsRow) -> Result<(), Failure> {
        let PhotoSettingsRow { keep_originals, send_originals } = settings;
        Ok(self.phone.set_photo_settings(PhotoSettings { keep_originals, send_originals })?)
    }
}

impl SensorDraft {
    /// Nothing when the numbers name no place: a sensor without a fix says NaN or zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    fn read(&self) -> Option<PhotoPosition> {
        let on_earth = self.longitude.abs() <= 180.0 && self.latitude.abs() <= 90.0;
        let accuracy = Some(self.accuracy_m.ceil()).filter(|m| *m >= 0.0 && *m <= f64::from(u32::MAX));
        on_earth.then(|| PhotoPosition {
            lon_e7: (self.longitude * 1e7).round() as i32,
            lat_e7: (self.latitude * 1e7).round() as i32,
            accuracy_m: accuracy.map(|metres| metres as u32),
            fixed_at: Some(instant(self.fixed_at_ms)),
            mock: self.mock,
            source: PositionSource::Sensor,
        })
    }
}

impl From<PhotoView> for PhotoRow {
    fn from(view: PhotoView) -> Self {
        let (state, reached, code) = match view.state {
            PhotoState::Kept => ("kept", None, None),
            PhotoState::Queued => ("queued", None, None),
            PhotoState::Uploading { reached, .. } => ("uploading", Some(reached), None),
            PhotoState::Confirmed(_) => ("confirmed", None, None),
            PhotoState::Refused(code) => ("refused", None, Some(code)),
        };
        let (unproven, distance_m) = match view.card.on_site {
            OnSite::Proven { distance_m } => (None, Some(distance_m)),
            OnSite::Unproven { reason, distance_m } => (Some(reason.as_str().to_owned()), distance_m),
        };
        Self {
            hash: view.hash.to_string(),
            site: view.card.site.to_string(),
            building: view.card.building.map(|id| id.to_string()),
            taken_at_ms: view.card.taken.at.ms(),
            taken_by: view.card.taken.by.as_str().to_owned(),
            state: state.to_owned(),
            reached,
            bytes: view.card.bytes,
            code,
            blurred: view.card.blurred,
            dark: view.card.dark,
            unproven,
            distance_m,
            here: view.here,
        }
    }
}

impl From<PhotoCount> for PhotoCountRow {
    fn from(count: PhotoCount) -> Self {
        Self { waiting: count.waiting, bytes: count.bytes, refused: count.refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_without_a_fix_says_nothing() {
        let sensor = |longitude, latitude| SensorDraft {
            longitude,
            latitude,
            accuracy_m: 9.2,
            fixed_at_ms: 5,
            mock: false,
        };
        let read = sensor(106.651, 29.028).read().expect("a place");
        assert_eq!((read.lon_e7, read.lat_e7, read.accuracy_m), (1_066_510_000, 290_280_000, Some(10)));
        for (longitude, latitude) in [(f64::NAN, 29.0), (106.0, f64::NAN), (f64::INFINITY, 0.0), (181.0, 0.0)]
        {
            assert_eq!(sensor(longitude, latitude).read(), None);
        }
        let vague = SensorDraft { accuracy_m: f64::NAN, ..sensor(106.651, 29.028) };
        assert_eq!(vague.read().expect("a place").accuracy_m, None);
    }
}
