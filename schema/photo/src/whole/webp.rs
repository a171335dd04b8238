//! The end of a WebP: what its RIFF header says, and chunks by their lengths inside.
//!
//! A header that promises more than is there is a file cut off; what follows the promised length is not the
//! picture's.

use super::{Whole, notes, take};
use crate::refusal::Refusal;

/// RIFF, its length, WEBP.
const HEAD: usize = 12;
/// Name and length of a chunk.
const FRAME: usize = 8;
/// Bytes a pixel that a decoder holds beside what it hands out: brightness and two quarter planes of colour.
const LOSSY_BESIDE: u64 = 2;
/// The same where transparency comes apart or nothing is lost: the pixels once more with all four channels, and
/// the transparency by itself.
const OTHER_BESIDE: u64 = 7;

pub(super) fn whole(bytes: &[u8]) -> Result<Whole<'_>, Refusal> {
    let end = length(bytes, 4)?.checked_add(8).ok_or(Refusal::Truncated)?;
    let picture = take(bytes, 0, end)?;
    let mut at = HEAD;
    let mut exif = None;
    let (mut pixels, mut a_pixel) = (false, LOSSY_BESIDE);
    while at < end {
        let size = length(picture, at + 4).map_err(|_| Refusal::Damaged)?;
        let content = take(picture, at + FRAME, size).map_err(|_| Refusal::Damaged)?;
        match &picture[at..at + 4] {
            b"VP8 " => pixels = true,
            b"VP8L" => (pixels, a_pixel) = (true, OTHER_BESIDE),
            b"ALPH" => a_pixel = OTHER_BESIDE,
            b"EXIF" => exif = exif.or_else(|| notes(content)),
            _ => {}
        }
        // Chunks begin at even places.
        at += FRAME + size + size % 2;
    }
    if pixels {
        Ok(Whole { picture, exif, beside: 0, beside_a_pixel: a_pixel, scans: 1 })
    } else {
        Err(Refusal::Damaged)
    }
}

fn length(bytes: &[u8], at: usize) -> Result<usize, Refusal> {
    let b = take(bytes, at, 4)?;
    usize::try_from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])).map_err(|_| Refusal::Truncated)
}
