//! The card of a photo: a small canonical map that travels and is stored beside the bytes.
//!
//! It is encoded in one spelling only, bounded, and refused when a number in it cannot be: a server reads it from
//! strangers. It refuses to hold a name, a telephone number or anything the camera wrote about its owner.

use minicbor::{Decode, Encode};

use super::on_site::{OnSite, PositionSource};
use crate::code::code_list;
use crate::id::{BlobHash, BuildingId, RecordId, SiteId};
use crate::time::Timestamp;

/// Largest encoded card, in bytes: the fullest one is below 400, and base64 of 1 KiB fits a header line of 2 KiB.
pub const CARD_BYTES_MAX: usize = 1024;
/// The layout of cards this build writes and reads.
pub const CARD_LAYOUT: u8 = 1;
/// Longest side of a developed photo, in pixels (ADR 0017).
pub const PHOTO_SIDE_MAX: u16 = 2_048;
/// Most bytes of a developed photo: 2,048 × 2,048 pixels at a byte each, twice what noise costs at its quality.
pub const PHOTO_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Most bytes of a file as the camera made it, taken by the phone and kept by the office alike.
pub const ORIGINAL_BYTES_MAX: u32 = 32 * 1024 * 1024;
/// Most bytes of a thumbnail: 320 × 320 pixels at a byte each, rounded up.
pub const THUMBNAIL_BYTES_MAX: u32 = 128 * 1024;

code_list! {
    /// How it is known when a photo was taken (拍摄时间来源).
    TakenBy {
        Camera = 1, "camera", "相机时间";
        CameraZoneAssumed = 2, "camera_zone_assumed", "相机时间（时区按东八区推定）";
        Phone = 3, "phone", "手机时间";
    }
}

code_list! {
    /// Which bytes an upload carries (上传内容); all three come with the photo's one card.
    UploadKind {
        Photo = 1, "photo", "照片";
        Thumbnail = 2, "thumbnail", "缩略图";
        Original = 3, "original", "原始照片";
    }
}

/// When a photo was taken (拍摄时间), and by whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Taken {
    /// The instant; a claim, flagged when odd, never refused.
    #[n(0)]
    pub at: Timestamp,
    /// Whose clock says so.
    #[n(1)]
    pub by: TakenBy,
}

/// Where a photo was taken (拍摄位置), in WGS-84, as the device said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PhotoPosition {
    /// Longitude in ten-millionths of a degree.
    #[n(0)]
    pub lon_e7: i32,
    /// Latitude in ten-millionths of a degree.
    #[n(1)]
    pub lat_e7: i32,
    /// Radius in metres within which the device believes to be; nothing when it did not say.
    #[n(2)]
    pub accuracy_m: Option<u32>,
    /// When the position was fixed; nothing when unknown.
    #[n(3)]
    pub fixed_at: Option<Timestamp>,
    /// The device says that the position is made up (P05).
    #[n(4)]
    pub mock: bool,
    /// Where it comes from.
    #[n(5)]
    pub source: PositionSource,
}

impl PhotoPosition {
    /// Whether the two numbers name a place on Earth; (0, 0) is what broken receivers write.
    #[must_use]
    pub const fn is_somewhere(&self) -> bool {
        let (lon, lat) = (self.lon_e7, self.lat_e7);
        let on_earth =
            lon >= -1_800_000_000 && lon <= 1_800_000_000 && lat >= -900_000_000 && lat <= 900_000_000;
        on_earth && (lon != 0 || lat != 0)
    }
}

/// The file a photo was developed from (原始文件).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OriginalFile {
    /// SHA-256 of its bytes.
    #[n(0)]
    pub hash: BlobHash,
    /// Its size in bytes.
    #[n(1)]
    pub bytes: u32,
}

/// What is known about one photo besides its bytes (照片卡). Personal data: never part of a document.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PhotoCard {
    /// Layout version, [`CARD_LAYOUT`].
    #[n(0)]
    pub layout: u8,
    /// The developed photo's name: SHA-256 of its bytes, as records cite it.
    #[n(1)]
    pub hash: BlobHash,
    /// Size of the developed photo in bytes.
    #[n(2)]
    pub bytes: u32,
    /// Its width in pixels, upright.
    #[n(3)]
    pub width: u16,
    /// Its height in pixels, upright.
    #[n(4)]
    pub height: u16,
    /// SHA-256 of its thumbnail's bytes, when one was made.
    #[n(5)]
    pub thumbnail: Option<BlobHash>,
    /// The file it was developed from, whether or not that is kept.
    #[n(6)]
    pub original: OriginalFile,
    /// When it was taken.
    #[n(7)]
    pub taken: Taken,
    /// Where it was taken, when known.
    #[n(8)]
    pub position: Option<PhotoPosition>,
    /// The compound it is about.
    #[n(9)]
    pub site: SiteId,
    /// The building it is about; nothing for a shared place.
    #[n(10)]
    pub building: Option<BuildingId>,
    /// The record that cites it, when that stood already.
    #[n(11)]
    pub record: Option<RecordId>,
    /// Whether it was taken there: a flag for reviewers, never a refusal.
    #[n(12)]
    pub on_site: OnSite,
    /// It looks out of focus or shaken.
    #[n(13)]
    pub blurred: bool,
    /// It looks too dark to show anything.
    #[n(14)]
    pub dark: bool,
    /// The 64-bit perceptual hash: pictures that look alike differ in few bits (P07).
    #[n(15)]
    pub likeness: u64,
}

/// Bytes that are not a card in its one spelling, or a card that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a photo's card: {0}")]
pub struct CardError(pub String);

impl PhotoCard {
    /// The card's bytes, its only spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to a Vec cannot fail, and no field's encoder refuses a value.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads a card; any other spelling of the same content is refused, and so is a number that cannot be.
    ///
    /// # Errors
    /// [`CardError`] with what did not fit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CardError> {
        if bytes.len() > CARD_BYTES_MAX {
            return Err(CardError(format!("{} bytes", bytes.len())));
        }
        let card: Self = minicbor::decode(bytes).map_err(|e| CardError(e.to_string()))?;
        if card.to_bytes() != bytes {
            return Err(CardError("not in canonical form".into()));
        }
        card.fault().map_or(Ok(card), |fault| Err(CardError(fault.into())))
    }

    /// What the bytes under this hash are, said by this card; nothing when the card does not speak of them.
    #[must_use]
    pub fn kind_of(&self, hash: BlobHash) -> Option<UploadKind> {
        if hash == self.hash {
            Some(UploadKind::Photo)
        } else if self.thumbnail == Some(hash) {
            Some(UploadKind::Thumbnail)
        } else {
            (hash == self.original.hash).then_some(UploadKind::Original)
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let side = |n: u16| n > 0 && n <= PHOTO_SIDE_MAX;
        if self.layout != CARD_LAYOUT {
            Some("a layout this build does not know")
        } else if self.bytes == 0 || self.bytes > PHOTO_BYTES_MAX {
            Some("a size no developed photo has")
        } else if !side(self.width) || !side(self.height) {
            Some("sides no developed photo has")
        } else if self.original.bytes == 0 {
            Some("an original without bytes")
        } else if self.position.is_some_and(|at| !at.is_somewhere()) {
            Some("a position that is nowhere")
        } else if self.thumbnail == Some(self.hash) {
            Some("a thumbnail that is the photo itself")
        } else {
            None
        }
    }
}
