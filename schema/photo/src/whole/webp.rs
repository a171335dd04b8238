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
    let (mut sides, mut a_pixel) = (None, LOSSY_BESIDE);
    while at < end {
        let size = length(picture, at + 4).map_err(|_| Refusal::Damaged)?;
        let content = take(picture, at + FRAME, size).map_err(|_| Refusal::Damaged)?;
        match &picture[at..at + 4] {
            // A decoder takes the first and finds out only afterwards that it is larger than the canvas.
            b"VP8 " | b"VP8L" if sides.is_some() => return Err(Refusal::Damaged),
            b"VP8 " => sides = Some(lossy_sides(content)?),
            b"VP8L" => (sides, a_pixel) = (Some(lossless_sides(content)?), OTHER_BESIDE),
            b"ALPH" => a_pixel = OTHER_BESIDE,
            b"EXIF" => exif = exif.or_else(|| notes(content)),
            _ => {}
        }
        // Chunks begin at even places.
        at += FRAME + size + size % 2;
    }
    if sides.is_none() {
        return Err(Refusal::Damaged);
    }
    Ok(Whole { picture, exif, beside: 0, beside_a_pixel: a_pixel, sides, scans: 1, bare: false })
}

/// Sides of a lossy frame: fourteen bits each behind a tag and a start code.
fn lossy_sides(content: &[u8]) -> Result<(u32, u32), Refusal> {
    let [_, _, _, _, _, _, w0, w1, h0, h1, ..] = content else { return Err(Refusal::Damaged) };
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((side(*w0, *w1), side(*h0, *h1)))
}

/// Sides of a lossless frame: fourteen bits each behind its mark, one less than they are.
fn lossless_sides(content: &[u8]) -> Result<(u32, u32), Refusal> {
    let [0x2f, a, b, c, d, ..] = content else { return Err(Refusal::Damaged) };
    let bits = u32::from_le_bytes([*a, *b, *c, *d]);
    Ok(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}

fn length(bytes: &[u8], at: usize) -> Result<usize, Refusal> {
    let b = take(bytes, at, 4)?;
    usize::try_from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])).map_err(|_| Refusal::Truncated)
}
