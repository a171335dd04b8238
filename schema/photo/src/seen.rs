//! What is to be seen of a picture that somebody sent: its sides, what it looks like, a small one for lists.
//!
//! For whoever keeps photos and did not take them. Nothing of the file is passed on but what its pixels show; the foot,
//! where the watermark is written, does not count for what it looks like: two copies of one picture differ there in
//! the minute.

use image::imageops::crop_imm;

use crate::develop::{THUMBNAIL_QUALITY, THUMBNAIL_SIDE_MAX, jpeg, upright};
use crate::exif::read;
use crate::inspect::Source;
use crate::likeness::likeness;
use crate::refusal::Refusal;
use crate::scale::{fit, resized};

/// Part of the height at the foot in which a watermark may stand, in percent.
const FOOT_PERCENT: u32 = 12;

/// What is to be seen of a picture (所见).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// The perceptual hash of the picture above its foot.
    pub likeness: u64,
    /// A small JPEG.
    pub thumbnail: Vec<u8>,
}

/// Looks at a picture.
///
/// # Errors
/// [`Refusal::Damaged`] when its pixels cannot be read.
pub fn seen(source: &Source<'_>) -> Result<Seen, Refusal> {
    let orientation = source.camera_notes().map(read).unwrap_or_default().orientation;
    let picture = upright(source.decode()?, orientation);
    let (width, height) = picture.dimensions();
    let above = (height - height * FOOT_PERCENT / 100).max(1);
    let likeness = likeness(&crop_imm(&picture, 0, 0, width, above).to_image());
    let small = resized(&picture, fit(width, height, THUMBNAIL_SIDE_MAX));
    Ok(Seen { width, height, likeness, thumbnail: jpeg(&small, THUMBNAIL_QUALITY)?.0 })
}
