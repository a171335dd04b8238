//! Developing: the picture that leaves, upright, small and clean.
//!
//! Everything is written anew from the pixels, so nothing of the file but its pixels can leave: no position, no
//! serial number, no uncropped thumbnail, no page or program behind the end (P03, P06). The same file gives the
//! same bytes. What the picture shows is judged before the watermark is drawn over it.

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use louan_schema::id::BlobHash;
use louan_schema::photo::{OriginalFile, PHOTO_SIDE_MAX};
use sha2::{Digest, Sha256};

use crate::exif::{CameraNotes, read};
use crate::inspect::inspect;
use crate::light::{Light, judge_light};
use crate::likeness::likeness;
use crate::refusal::Refusal;
use crate::scale::{fit, resized};
use crate::watermark::Watermark;

/// Longest side of the thumbnail, in pixels: a list on a phone shows it at 100 points, three pixels each.
pub const THUMBNAIL_SIDE_MAX: u32 = 320;
/// JPEG quality. On phones' photos of 2,048 px 80 gives 350 to 630 kB; 75 saves a seventh and costs 0.8 dB, which
/// shows on gauges and labels; 85 costs a sixth more and gains 1.1 dB that nobody sees. (ADR 0017)
pub const QUALITY: u8 = 80;
/// JPEG quality of the thumbnail: it is looked at small.
pub const THUMBNAIL_QUALITY: u8 = 70;

/// A photo developed (冲印后的照片).
#[derive(Debug, Clone, PartialEq)]
pub struct Developed {
    /// The JPEG that leaves.
    pub jpeg: Vec<u8>,
    /// SHA-256 of [`Self::jpeg`]: the photo's name.
    pub hash: BlobHash,
    /// Width in pixels, upright.
    pub width: u16,
    /// Height in pixels, upright.
    pub height: u16,
    /// A small one for lists.
    pub thumbnail: Thumbnail,
    /// The file it was made from.
    pub original: OriginalFile,
    /// What the camera claims.
    pub camera: CameraNotes,
    /// Whether it is sharp and bright enough to show anything.
    pub light: Light,
    /// The perceptual hash of the picture without its watermark.
    pub likeness: u64,
}

/// A small picture for lists (缩略图), without watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// The JPEG.
    pub jpeg: Vec<u8>,
    /// SHA-256 of it.
    pub hash: BlobHash,
}

/// Develops a file (冲印): upright, at most [`PHOTO_SIDE_MAX`] pixels, stripped, with the watermark when one is given.
///
/// # Errors
/// [`Refusal`] when the file is no photo or not whole; nothing is made of it then.
pub fn develop(file: &[u8], watermark: Option<Watermark<'_>>) -> Result<Developed, Refusal> {
    let source = inspect(file)?;
    let camera = source.camera_notes().map(read).unwrap_or_default();
    let picture = {
        let pixels = source.decode()?;
        let size = fit(pixels.width(), pixels.height(), u32::from(PHOTO_SIDE_MAX));
        // The large picture is gone before the next one is made: two of them would not fit a cheap phone.
        if pixels.dimensions() == size { pixels } else { resized(&pixels, size) }
    };
    let mut picture = upright(picture, camera.orientation);
    let original = OriginalFile {
        hash: BlobHash(Sha256::digest(file).into()),
        bytes: u32::try_from(file.len()).map_err(|_| Refusal::FileTooLarge)?,
    };
    let light = judge_light(&picture);
    let likeness = likeness(&picture);
    let small = resized(&picture, fit(picture.width(), picture.height(), THUMBNAIL_SIDE_MAX));
    let (thumbnail, thumbnail_hash) = jpeg(&small, THUMBNAIL_QUALITY)?;
    if let Some(watermark) = watermark {
        watermark.draw(&mut picture, original.hash);
    }
    let (bytes, hash) = jpeg(&picture, QUALITY)?;
    let side = |n: u32| u16::try_from(n).map_err(|_| Refusal::ImageTooLarge);
    Ok(Developed {
        hash,
        width: side(picture.width())?,
        height: side(picture.height())?,
        jpeg: bytes,
        thumbnail: Thumbnail { jpeg: thumbnail, hash: thumbnail_hash },
        original,
        camera,
        light,
        likeness,
    })
}

/// Turns and mirrors a stored picture so that it stands upright; `orientation` is EXIF's, 1 to 8.
pub(crate) fn upright(picture: RgbImage, orientation: u8) -> RgbImage {
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms));
    picture.into_rgb8()
}

pub(crate) fn jpeg(picture: &RgbImage, quality: u8) -> Result<(Vec<u8>, BlobHash), Refusal> {
    let mut bytes = Vec::new();
    // Writing to memory fails for no picture that has pixels and sides below 65,536.
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|_| Refusal::Damaged)?;
    let hash = BlobHash(Sha256::digest(&bytes).into());
    Ok((bytes, hash))
}
