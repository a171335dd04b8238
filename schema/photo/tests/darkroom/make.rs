//! Pictures made for the tests: patterns, files around them, and files taken apart.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};

/// The sample held in one of eight ways; all show the same thing.
pub(crate) fn sample(orientation: u8) -> Vec<u8> {
    let path = format!("{}/tests/samples/orientation_{orientation}.jpg", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("a sample of this repository")
}

/// A picture with soft and hard edges, different for each seed.
pub(crate) fn pattern(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = (x * (3 + seed % 5) / 7 + y * (2 + seed % 3) / 5) % 256;
        let block = if (x / 23 + y / 31 + seed).is_multiple_of(2) { 60 } else { 0 };
        let channel = |add: u32| u8::try_from((wave + block + add) % 256).expect("below 256");
        Rgb([channel(0), channel(seed * 40), channel(120)])
    })
}

pub(crate) fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    write(encoder, picture);
    bytes
}

pub(crate) fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(PngEncoder::new(&mut bytes), picture);
    bytes
}

pub(crate) fn webp(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(WebPEncoder::new_lossless(&mut bytes), picture);
    bytes
}

fn write(encoder: impl ImageEncoder, picture: &RgbImage) {
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8).expect("encodes");
}

/// A JPEG with a segment put behind its start.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a segment's size").to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// A chunk of a PNG with its checksum.
pub(crate) fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("small").to_be_bytes();
    let sum = crc32(&[name, content].concat()).to_be_bytes();
    [&length[..], name, content, &sum].concat()
}

/// A PNG with chunks put behind its header.
pub(crate) fn with_chunks(png: &[u8], chunks: &[u8]) -> Vec<u8> {
    [&png[..33], chunks, &png[33..]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
