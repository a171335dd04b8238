//! The end of a PNG: chunks by their lengths, up to IEND.
//!
//! Texts and colour profiles inside may inflate to a gibibyte (P06); they are stepped over, not read.

use super::{Whole, notes, take};
use crate::refusal::Refusal;

const SIGNATURE: usize = 8;
/// Length, name and checksum of a chunk.
const FRAME: usize = 12;

pub(super) fn whole(bytes: &[u8]) -> Result<Whole<'_>, Refusal> {
    let mut at = SIGNATURE;
    let mut exif = None;
    let mut pixels = false;
    loop {
        let head = take(bytes, at, 8)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = usize::try_from(length).map_err(|_| Refusal::Truncated)?;
        let name = &head[4..8];
        if at == SIGNATURE && name != b"IHDR" {
            return Err(Refusal::Damaged);
        }
        let content = take(bytes, at + 8, length)?;
        take(bytes, at + 8, length.checked_add(4).ok_or(Refusal::Truncated)?)?;
        at += FRAME + length;
        match name {
            b"IEND" if pixels => {
                return Ok(Whole {
                    picture: &bytes[..at],
                    exif,
                    beside: 0,
                    beside_a_pixel: 0,
                    sides: None,
                    scans: 1,
                    bare: false,
                });
            }
            b"IEND" => return Err(Refusal::Damaged),
            b"IDAT" => pixels = true,
            b"eXIf" => exif = exif.or_else(|| notes(content)),
            _ => {}
        }
    }
}
