//! Honest pictures: upright, small, clean, and the same bytes every time.

use image::{DynamicImage, GenericImageView};
use louan_photo::{Developed, Format, develop, inspect, sniff};
use louan_schema::id::BlobHash;
use louan_schema::photo::{PHOTO_BYTES_MAX, THUMBNAIL_BYTES_MAX};
use sha2::{Digest, Sha256};

use crate::make::{chunk, jpeg, pattern, png, sample, webp, with_chunks, with_segment};

pub(crate) fn decoded(jpeg: &[u8]) -> DynamicImage {
    image::load_from_memory(jpeg).expect("what was developed is a picture")
}

/// What every photo that leaves must be.
pub(crate) fn fits(photo: &Developed) {
    let (width, height) = decoded(&photo.jpeg).dimensions();
    assert_eq!((width, height), (u32::from(photo.width), u32::from(photo.height)));
    assert!(width.max(height) <= 2_048);
    assert!(photo.jpeg.len() <= PHOTO_BYTES_MAX as usize, "{} bytes", photo.jpeg.len());
    assert_eq!(photo.hash, BlobHash(Sha256::digest(&photo.jpeg).into()));
    assert_eq!(sniff(&photo.jpeg), Format::Jpeg);
    let small = decoded(&photo.thumbnail.jpeg);
    assert!(small.width().max(small.height()) <= 320);
    assert!(photo.thumbnail.jpeg.len() <= THUMBNAIL_BYTES_MAX as usize);
    assert_eq!(photo.thumbnail.hash, BlobHash(Sha256::digest(&photo.thumbnail.jpeg).into()));
    for bytes in [&photo.jpeg, &photo.thumbnail.jpeg] {
        assert_clean(bytes);
    }
}

/// No segment but what a decoder needs, and nothing behind the end.
fn assert_clean(jpeg: &[u8]) {
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let marker = jpeg[at + 1];
        assert!(matches!(marker, 0xe0 | 0xdb | 0xc0 | 0xc4), "segment {marker:02x} left with the picture");
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    assert_eq!(inspect(jpeg).expect("whole").picture().len(), jpeg.len());
}

/// Mean difference of two pictures' channels.
fn difference(a: &DynamicImage, b: &DynamicImage) -> f64 {
    let (a, b) = (a.to_rgb8(), b.to_rgb8());
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[allow(clippy::cast_precision_loss, reason = "small")]
    {
        sum as f64 / a.as_raw().len() as f64
    }
}

#[test]
fn however_a_camera_is_held_the_photo_stands_upright() {
    let first = develop(&sample(1), None).expect("developed");
    for orientation in 1..=8 {
        let file = sample(orientation);
        let photo = develop(&file, None).expect("developed");
        fits(&photo);
        assert_eq!(photo.camera.orientation, orientation);
        assert_eq!((photo.width, photo.height), (225, 150), "orientation {orientation}");
        let off = difference(&decoded(&photo.jpeg), &decoded(&first.jpeg));
        assert!(off < 8.0, "orientation {orientation}: {off}");
        let thumbnail = difference(&decoded(&photo.thumbnail.jpeg), &decoded(&first.thumbnail.jpeg));
        assert!(thumbnail < 8.0, "orientation {orientation}: the thumbnail is turned");
        // The measure tells: stored as it is, a turned one is not the same picture.
        let stored = decoded(&file);
        if stored.dimensions() == (225, 150) && orientation != 1 {
            assert!(difference(&stored, &decoded(&first.jpeg)) > 20.0, "orientation {orientation}");
        }
    }
}

#[test]
fn three_formats_and_every_size_become_a_photo_that_fits() {
    for (width, height) in
        [(1, 1), (3, 2), (640, 480), (2_048, 2_048), (2_049, 1), (4_032, 3_024), (900, 4_000)]
    {
        let picture = pattern(width, height, 1);
        for file in [jpeg(&picture, 90), png(&picture), webp(&picture)] {
            let photo = develop(&file, None).expect("developed");
            fits(&photo);
            assert_eq!(photo.original.bytes as usize, file.len());
            assert_eq!(photo.original.hash, BlobHash(Sha256::digest(&file).into()));
        }
    }
}

#[test]
fn nothing_a_camera_wrote_leaves_with_the_picture() {
    let secret = b"SECRET-SERIAL-0012345";
    let plain = pattern(300, 200, 2);
    let mut notes = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x15\0\0\0\x1a\0\0\0\0".to_vec();
    notes.extend(secret);
    let jpeg_file = jpeg(&plain, 90);
    let texts = [chunk(b"tEXt", &[b"Author\0", &secret[..]].concat()), chunk(b"eXIf", &notes[6..])].concat();
    let files = [
        with_segment(&jpeg_file, 0xe1, &notes),
        with_segment(&jpeg_file, 0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", &secret[..]].concat()),
        with_segment(&jpeg_file, 0xfe, secret),
        with_segment(&jpeg_file, 0xed, secret),
        [&jpeg_file[..], secret].concat(),
        with_chunks(&png(&plain), &texts),
        [&png(&plain)[..], secret].concat(),
        [&webp(&plain)[..], secret].concat(),
    ];
    for (i, file) in files.iter().enumerate() {
        let has = |bytes: &[u8]| bytes.windows(secret.len()).any(|w| w == secret);
        assert!(has(file), "file {i} has something to lose");
        let photo = develop(file, None).expect("developed");
        fits(&photo);
        assert!(!has(&photo.jpeg) && !has(&photo.thumbnail.jpeg), "file {i}");
    }
}

#[test]
fn what_is_see_through_hides_nothing_afterwards() {
    let hidden =
        image::RgbaImage::from_fn(64, 64, |x, _| image::Rgba([if x < 32 { 0 } else { 255 }, 0, 0, 0]));
    let mut bytes = Vec::new();
    image::ImageEncoder::write_image(
        image::codecs::png::PngEncoder::new(&mut bytes),
        hidden.as_raw(),
        64,
        64,
        image::ExtendedColorType::Rgba8,
    )
    .expect("encodes");
    let photo = develop(&bytes, None).expect("developed");
    assert!(decoded(&photo.jpeg).to_rgb8().pixels().all(|p| p.0.iter().all(|c| *c > 250)));
}

/// With and without vector instructions the codec and the scaler give the same bytes, so one golden holds for all.
#[test]
fn the_same_file_gives_the_same_bytes_for_ever() {
    let files = [
        ("sample 6", sample(6)),
        ("jpeg", jpeg(&pattern(3_000, 2_200, 3), 92)),
        ("png", png(&pattern(700, 500, 4))),
    ];
    let mut found = String::new();
    for (name, file) in files {
        let photo = develop(&file, None).expect("developed");
        assert_eq!(develop(&file, None).expect("developed"), photo);
        found += &format!("{name} {} {} {:016x}\n", photo.hash, photo.thumbnail.hash, photo.likeness);
    }
    assert_eq!(
        found,
        include_str!("../samples/developed.txt"),
        "photos are named by these bytes: a change gives every photo taken again a second name"
    );
}
