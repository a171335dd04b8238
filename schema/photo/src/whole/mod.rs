//! Is all of the file there, and where does the picture in it end?
//!
//! Decoders forgive: a JPEG cut in half decodes (M14), and whatever follows the end is passed on by whoever copies
//! files (P03). Here each format is walked by its own lengths up to its own end; only that part is decoded. Nothing
//! is decoded here, nothing is allocated, and a walk looks at each byte once.

mod jpeg;
mod png;
mod webp;

use crate::refusal::Refusal;
use crate::sniff::Format;

/// A picture that has its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<'a> {
    /// The picture, without what follows it in the file.
    pub(crate) picture: &'a [u8],
    /// What the camera wrote down, as a TIFF structure, when there is one of believable size.
    pub(crate) exif: Option<&'a [u8]>,
    /// Bytes the decoder needs beside the pixels it hands out.
    pub(crate) beside: u64,
    /// The same, for each pixel.
    pub(crate) beside_a_pixel: u64,
    /// Width and height of the coded picture itself, where an outer header could claim others.
    pub(crate) sides: Option<(u32, u32)>,
    /// Scans a decoder goes through.
    pub(crate) scans: u32,
    /// Whether there is nothing in it but what a decoder needs; told of JPEGs only.
    pub(crate) bare: bool,
}

/// Most bytes of camera notes that are read: what fits into a JPEG's segment.
pub(crate) const EXIF_BYTES_MAX: usize = 65_533;

/// Finds the end of a picture.
pub(crate) fn whole(format: Format, bytes: &[u8]) -> Result<Whole<'_>, Refusal> {
    match format {
        Format::Jpeg => jpeg::whole(bytes),
        Format::Png => png::whole(bytes),
        Format::WebP => webp::whole(bytes),
        other => Err(Refusal::Unsupported(other)),
    }
}

/// The camera notes in a block, without the mark that some writers put before them.
fn notes(block: &[u8]) -> Option<&[u8]> {
    let notes = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    (notes.len() <= EXIF_BYTES_MAX).then_some(notes)
}

/// `len` bytes from `at`, or the file is cut off.
fn take(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], Refusal> {
    let end = at.checked_add(len).ok_or(Refusal::Truncated)?;
    bytes.get(at..end).ok_or(Refusal::Truncated)
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, Refusal> {
    take(bytes, at, 2).map(|b| u16::from_be_bytes([b[0], b[1]]))
}
