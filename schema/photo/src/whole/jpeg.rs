//! The end of a JPEG: segments by their lengths, scans by their marks, up to the end of image.
//!
//! A thumbnail inside the camera notes has an end of its own; walking by lengths steps over it. What a progressive
//! picture costs a decoder is counted here from the frame's header, before anything is decoded (P01). Segments may stand
//! before, between and behind the scans; wherever one is that no picture needs, the file is not bare (P03).

use super::{Whole, be16, notes, take};
use crate::refusal::Refusal;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const DHT: u8 = 0xc4;
const DQT: u8 = 0xdb;
const DRI: u8 = 0xdd;
/// Content of a JFIF mark without the small picture it may carry.
const JFIF_BYTES: usize = 14;

/// What the frame's header says about a decoder's memory.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    components: usize,
    progressive: bool,
    /// Bytes of all coefficients, two each.
    coefficients: u64,
}

pub(super) fn whole(bytes: &[u8]) -> Result<Whole<'_>, Refusal> {
    let mut at = 2;
    let mut exif = None;
    let mut frame: Option<Frame> = None;
    let (mut scans, mut beside) = (0, 0);
    let mut bare = true;
    loop {
        let (marker, body) = marker(bytes, at)?;
        bare &= body == at + 2;
        at = body;
        match marker {
            EOI if scans > 0 => {
                return Ok(Whole {
                    picture: &bytes[..at],
                    exif,
                    beside,
                    beside_a_pixel: 0,
                    sides: None,
                    scans,
                    bare,
                });
            }
            EOI | SOI => return Err(Refusal::Damaged),
            // Marks without a body: restarts outside a scan, and one for arithmetic coders.
            0xd0..=0xd7 | 0x01 => {
                bare = false;
                continue;
            }
            _ => {}
        }
        let length = usize::from(be16(bytes, at)?);
        let content = take(bytes, at + 2, length.checked_sub(2).ok_or(Refusal::Damaged)?)?;
        at += length;
        bare &= is_needed(marker, content);
        match marker {
            APP1 if content.starts_with(b"Exif\0\0") => exif = exif.or_else(|| notes(content)),
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                if frame.is_some() {
                    return Err(Refusal::Damaged);
                }
                frame = Some(self::frame(marker, content)?);
            }
            SOS => {
                let frame = frame.ok_or(Refusal::Damaged)?;
                let in_scan = usize::from(*content.first().ok_or(Refusal::Damaged)?);
                // A decoder that cannot finish row by row keeps every coefficient until the last scan.
                if frame.progressive || in_scan < frame.components {
                    beside = frame.coefficients;
                }
                scans += 1;
                at = end_of_scan(bytes, at)?;
            }
            _ => {}
        }
    }
}

/// Whether a picture needs this segment, and all of it: tables, frame, restart interval, scan, the bare JFIF mark.
fn is_needed(marker: u8, content: &[u8]) -> bool {
    let counted = |at: usize| content.get(at).map_or(0, |count| usize::from(*count));
    match marker {
        APP0 => content.len() == JFIF_BYTES && content.starts_with(b"JFIF\0"),
        DRI => content.len() == 2,
        0xc0..=0xc2 => content.len() == 6 + 3 * counted(5),
        SOS => content.len() == 4 + 2 * counted(0),
        // Values of one byte or of two.
        DQT => only_tables(content, |head| match head.first()? >> 4 {
            bytes @ 0..=1 => Some(1 + 64 * (1 + usize::from(bytes))),
            _ => None,
        }),
        DHT => only_tables(content, |head| {
            head.get(1..17).map(|counts| 17 + counts.iter().map(|n| usize::from(*n)).sum::<usize>())
        }),
        _ => false,
    }
}

/// Whether bytes are tables one behind the other and nothing else; `length` tells the first one's from its head.
fn only_tables(mut content: &[u8], length: impl Fn(&[u8]) -> Option<usize>) -> bool {
    while !content.is_empty() {
        let Some(rest) = length(content).and_then(|length| content.get(length..)) else { return false };
        content = rest;
    }
    true
}

/// The marker at `at`, stepping over fill bytes, and where its body begins.
fn marker(bytes: &[u8], mut at: usize) -> Result<(u8, usize), Refusal> {
    if *bytes.get(at).ok_or(Refusal::Truncated)? != 0xff {
        return Err(Refusal::Damaged);
    }
    loop {
        at += 1;
        match *bytes.get(at).ok_or(Refusal::Truncated)? {
            0xff => {}
            0 => return Err(Refusal::Damaged),
            marker => return Ok((marker, at + 1)),
        }
    }
}

/// Where the next marker after entropy-coded bytes stands; stuffed zeros and restarts belong to the scan.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Result<usize, Refusal> {
    loop {
        let found = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xff));
        at += found.ok_or(Refusal::Truncated)?;
        match *bytes.get(at + 1).ok_or(Refusal::Truncated)? {
            0 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Ok(at),
        }
    }
}

fn frame(marker: u8, content: &[u8]) -> Result<Frame, Refusal> {
    let damaged = |_| Refusal::Damaged;
    let (height, width) = (be16(content, 1).map_err(damaged)?, be16(content, 3).map_err(damaged)?);
    let components = usize::from(*content.get(5).ok_or(Refusal::Damaged)?);
    let table = take(content, 6, components * 3).map_err(damaged)?;
    let sampling: Vec<(u64, u64)> =
        table.chunks_exact(3).map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15))).collect();
    let most =
        |of: fn(&(u64, u64)) -> u64| sampling.iter().map(of).max().filter(|n| *n > 0).ok_or(Refusal::Damaged);
    let (across, down) = (most(|s| s.0)?, most(|s| s.1)?);
    let units = u64::from(width).div_ceil(8 * across) * u64::from(height).div_ceil(8 * down);
    let blocks: u64 = units * sampling.iter().map(|(h, v)| h * v).sum::<u64>();
    Ok(Frame {
        components,
        progressive: matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce),
        coefficients: blocks * 64 * 2,
    })
}
