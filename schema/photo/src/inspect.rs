//! May a picture be decoded? Asked of its headers, answered before any pixel exists (P01, M14).
//!
//! Six kilobytes can claim to be a gigabyte. Sides, pixels, scans and the memory a decoder would take are bounded
//! here; a [`Source`] is the proof that they are, and only a source can be decoded.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, Rgb, RgbImage};

use crate::refusal::Refusal;
use crate::sniff::{Format, sniff};
use crate::whole::{Whole, whole};

/// Most bytes of a file: 50 megapixels at four bits each are 25 MB, and no phone's camera writes more. What is taken here
/// can be kept by the office.
pub const FILE_BYTES_MAX: usize = louan_schema::photo::ORIGINAL_BYTES_MAX as usize;
/// Longest side, in pixels: the widest panorama that is still a photo of something (P01).
pub const SIDE_MAX: u32 = 12_000;
/// Most pixels: what the largest sensors of telephones write in their full mode (P01).
pub const PIXELS_MAX: u64 = 50_000_000;
/// Most bytes a decoder may take, its pixels included: 50 megapixels at three bytes are 143 MiB (P01).
pub const DECODER_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// Most scans: usual progressive encoders write ten, optimisers about twenty; each goes over the whole picture.
pub const SCANS_MAX: u32 = 32;

/// A picture that is whole, of a format that is taken, and within all bounds (待冲印照片).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    format: Format,
    whole: Whole<'a>,
    width: u32,
    height: u32,
}

/// Looks at a file without decoding it.
///
/// # Errors
/// [`Refusal`], in the order of the cheapest question first.
pub fn inspect(file: &[u8]) -> Result<Source<'_>, Refusal> {
    if file.len() > FILE_BYTES_MAX {
        return Err(Refusal::FileTooLarge);
    }
    let format = sniff(file);
    if !format.is_taken() {
        return Err(Refusal::Unsupported(format));
    }
    let whole = whole(format, file)?;
    let decoder = decoder(format, whole.picture)?;
    let (width, height) = decoder.dimensions();
    let (inner_width, inner_height) = whole.sides.unwrap_or((width, height));
    if inner_width.max(inner_height) > SIDE_MAX {
        return Err(Refusal::ImageTooLarge);
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || (inner_width, inner_height) != (width, height) {
        return Err(Refusal::Damaged);
    }
    let memory = decoder.total_bytes() + whole.beside + pixels * whole.beside_a_pixel;
    let too_large = width.max(height) > SIDE_MAX
        || pixels > PIXELS_MAX
        || memory > DECODER_BYTES_MAX
        || whole.scans > SCANS_MAX;
    if too_large { Err(Refusal::ImageTooLarge) } else { Ok(Source { format, whole, width, height }) }
}

impl<'a> Source<'a> {
    /// What it is.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Width in pixels, as stored, not upright.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, as stored, not upright.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// The picture without whatever follows its end in the file (P03).
    #[must_use]
    pub const fn picture(&self) -> &'a [u8] {
        self.whole.picture
    }

    /// Whether it is a bare JPEG: tables, frame and scans, and no note, text or profile before, between or behind them
    /// (P03, P06). What follows the end in the file is not looked at: see [`Self::picture`].
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.whole.bare
    }

    /// What the camera wrote down, as a TIFF structure of bounded size.
    #[must_use]
    pub const fn camera_notes(&self) -> Option<&'a [u8]> {
        self.whole.exif
    }

    /// The pixels as stored, without transparency: what is see-through is white, so nothing hidden comes to light.
    ///
    /// # Errors
    /// [`Refusal::Damaged`] when they cannot be read.
    pub fn decode(&self) -> Result<RgbImage, Refusal> {
        let decoder = decoder(self.format, self.whole.picture)?;
        let image = DynamicImage::from_decoder(decoder).map_err(|e| refusal(&e))?;
        Ok(opaque(image))
    }
}

fn decoder(format: Format, picture: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, Refusal> {
    let bytes = Cursor::new(picture);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    let mut decoder: Box<dyn ImageDecoder + '_> = match format {
        Format::Jpeg => Box::new(JpegDecoder::new(bytes).map_err(|e| refusal(&e))?),
        Format::Png => Box::new(PngDecoder::with_limits(bytes, limits.clone()).map_err(|e| refusal(&e))?),
        Format::WebP => Box::new(WebPDecoder::new(bytes).map_err(|e| refusal(&e))?),
        other => return Err(Refusal::Unsupported(other)),
    };
    decoder.set_limits(limits).map_err(|e| refusal(&e))?;
    Ok(decoder)
}

fn refusal(error: &ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::ImageTooLarge,
        _ => Refusal::Damaged,
    }
}

fn opaque(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let on_white = |c: u8, alpha: u8| {
        let mixed = u32::from(c) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
        // At most 255 × 255, so at most 255.
        u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
    };
    let mut out = RgbImage::new(image.width(), image.height());
    for (to, from) in out.pixels_mut().zip(image.pixels()) {
        let [r, g, b, alpha] = from.0;
        *to = Rgb([on_white(r, alpha), on_white(g, alpha), on_white(b, alpha)]);
    }
    out
}
