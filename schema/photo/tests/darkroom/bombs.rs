//! Bombs: small files that claim to be large, and small texts that become large (P01, P06, M14).

use image::RgbImage;

use crate::hostile::Case;
use crate::make::{chunk, jpeg, pattern, png, with_chunks};

const TOO_LARGE: Option<&str> = Some("image_too_large");
const DAMAGED: Option<&str> = Some("damaged_image");

/// A JPEG whose frame claims another size; `scans` scans with nothing in them follow.
pub(crate) fn jpeg_claiming(
    frame: u8,
    (width, height): (u16, u16),
    sampling: u8,
    in_scan: u8,
    scans: usize,
) -> Vec<u8> {
    let honest = jpeg(&pattern(16, 16, 1), 90);
    let at = honest.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
    let tables_end = honest.windows(2).position(|w| w == [0xff, 0xda]).expect("a scan");
    let mut file = honest[..at].to_vec();
    file.extend([0xff, frame, 0, 17, 8]);
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend([3, 1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]);
    file.extend(&honest[at + 19..tables_end]);
    for _ in 0..scans {
        file.extend([0xff, 0xda, 0, 6 + 2 * in_scan, in_scan]);
        file.extend([1_u8, 2, 3].iter().take(in_scan.into()).flat_map(|id| [*id, 0]));
        file.extend([0, 0x3f, 0, 0x55]);
    }
    file.extend([0xff, 0xd9]);
    file
}

/// A PNG whose header claims a size; `depth` bits a channel, `colour` as the format counts them.
fn png_claiming(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let honest = png(&pattern(16, 16, 1));
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat();
    [&honest[..8], &chunk(b"IHDR", &header), &honest[33..]].concat()
}

/// A WebP that claims a size and holds a few bytes.
fn webp_claiming(name: &[u8; 4], width: u32, height: u32) -> Vec<u8> {
    let body = if name == b"VP8L" {
        let bits = (width - 1) | (height - 1) << 14;
        [&[0x2f][..], &bits.to_le_bytes(), &[0x55; 20]].concat()
    } else {
        let side = |n: u32| u16::try_from(n).expect("14 bits").to_le_bytes();
        [&[0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a][..], &side(width), &side(height), &[0x55; 41]].concat()
    };
    let size = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
    let padding = vec![0; body.len() % 2];
    let chunk = [&name[..], &size(body.len()), &body, &padding].concat();
    [b"RIFF".as_slice(), &size(4 + chunk.len()), b"WEBP", &chunk].concat()
}

/// The same behind a header that claims sixteen pixels: whoever trusts it decodes first and notices afterwards.
fn on_a_small_canvas(simple: Vec<u8>) -> Vec<u8> {
    let chunks = [b"VP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0".as_slice(), &simple[12..]].concat();
    let size = u32::try_from(4 + chunks.len()).expect("small").to_le_bytes();
    [b"RIFF".as_slice(), &size, b"WEBP", &chunks].concat()
}

/// What a hundred megabytes of zeros are packed into: the stream a PNG of them carries.
fn packed_zeros() -> Vec<u8> {
    let file = png(&RgbImage::new(6_000, 6_000));
    let mut packed = Vec::new();
    let mut at = 33;
    while at + 12 <= file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
        if &file[at + 4..at + 8] == b"IDAT" {
            packed.extend(&file[at + 8..at + 8 + length]);
        }
        at += 12 + length;
    }
    packed
}

/// Texts and profiles that become a hundred megabytes, in a small honest picture.
fn inflating() -> Vec<Case> {
    let honest = png(&pattern(60, 40, 2));
    let zeros = packed_zeros();
    assert!(zeros.len() < 1_000_000, "{}", zeros.len());
    let with = |name: &[u8; 4], head: &[u8]| with_chunks(&honest, &chunk(name, &[head, &zeros].concat()));
    vec![
        ("zTXt of 108 MB".into(), with(b"zTXt", b"Comment\0\0"), None),
        ("iTXt of 108 MB".into(), with(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0"), None),
        ("iCCP of 108 MB".into(), with(b"iCCP", b"profile\0\0"), None),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let table = [
        ("webp, lossless, 16,383²", webp_claiming(b"VP8L", 16_383, 16_383), TOO_LARGE),
        ("webp, lossy, 16,383²", webp_claiming(b"VP8 ", 16_383, 16_383), TOO_LARGE),
        (
            "webp, a small canvas over 16,383²",
            on_a_small_canvas(webp_claiming(b"VP8 ", 16_383, 16_383)),
            TOO_LARGE,
        ),
        (
            "webp, a small canvas over a larger picture",
            on_a_small_canvas(webp_claiming(b"VP8 ", 900, 900)),
            DAMAGED,
        ),
        ("webp, lossless, 49 megapixels", webp_claiming(b"VP8L", 7_000, 7_000), TOO_LARGE),
        ("png, 100,000²", png_claiming(100_000, 100_000, 8, 2), TOO_LARGE),
        ("png, 12,000²", png_claiming(12_000, 12_000, 1, 0), TOO_LARGE),
        ("png, 12,001 × 1", png_claiming(12_001, 1, 8, 2), TOO_LARGE),
        ("png, 49 megapixels of eight bytes", png_claiming(7_000, 7_000, 16, 6), TOO_LARGE),
        ("jpeg, 65,535²", jpeg_claiming(0xc0, (65_535, 65_535), 0x11, 3, 1), TOO_LARGE),
        ("jpeg, 1 × 65,535", jpeg_claiming(0xc0, (1, 65_535), 0x11, 3, 1), TOO_LARGE),
        ("progressive, 60,000²", jpeg_claiming(0xc2, (60_000, 60_000), 0x22, 3, 1), TOO_LARGE),
        ("progressive, 48 megapixels", jpeg_claiming(0xc2, (8_000, 6_000), 0x22, 3, 1), TOO_LARGE),
        ("a scan a channel, 48 megapixels", jpeg_claiming(0xc0, (8_000, 6_000), 0x11, 1, 3), TOO_LARGE),
        ("33 scans", jpeg_claiming(0xc2, (640, 480), 0x22, 3, 33), TOO_LARGE),
    ];
    let mut cases: Vec<Case> =
        table.into_iter().map(|(name, file, code)| (name.into(), file, code)).collect();
    cases.extend(inflating());
    cases
}
