//! What the thresholds rest on: blur, darkness and likeness, measured on pictures and on what becomes of them.
//!
//! Pictures of a folder named by `LOUAN_PHOTOS` are measured too, and tell nobody more than figures; without one
//! only the sample and made-up scenes are, and a line says so.

use image::{DynamicImage, Rgb, RgbImage, imageops};
use louan_photo::light::judge_light;
use louan_photo::likeness::{ALIKE_BITS_MAX, distance, likeness};

use crate::honest::{decoded, fits};
use crate::make::{jpeg, sample};

/// Every file of the folder, or nothing and a line that says so.
pub(crate) fn photos() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("LOUAN_PHOTOS") else {
        println!("skipped: LOUAN_PHOTOS names no folder of photos");
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                found.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_photo_of_the_folder_leaves_upright_small_and_clean() {
    for (name, bytes) in photos() {
        match louan_photo::develop(&bytes, None) {
            Ok(photo) => {
                fits(&photo);
                let camera = photo.camera;
                println!(
                    "{}×{} from {} kB: {} kB, orientation {}, time {}, position {}, stale {}",
                    photo.width,
                    photo.height,
                    bytes.len() / 1000,
                    photo.jpeg.len() / 1000,
                    camera.orientation,
                    camera.taken.is_some(),
                    camera.position.is_some(),
                    camera.fix_is_stale()
                );
            }
            Err(refusal) => {
                assert_eq!(refusal.code(), "unsupported_image", "{name}");
                println!("no photo: {refusal}");
            }
        }
    }
}

/// The photos of the folder, one of those that show the same.
fn one_of_each() -> impl Iterator<Item = (String, Vec<u8>)> {
    photos().into_iter().filter(|(name, _)| !name.starts_with("Landscape_"))
}

/// Made-up scenes, each of its own light and things.
const MADE_UP: u32 = 40;

/// Distinct scenes: the sample and the photos with their ninths, which are pictures of their own, and made-up ones.
fn scenes() -> Vec<RgbImage> {
    let mut whole = vec![decoded(&sample(1)).to_rgb8()];
    for (_, bytes) in one_of_each() {
        whole.extend(louan_photo::develop(&bytes, None).ok().map(|photo| decoded(&photo.jpeg).to_rgb8()));
    }
    let mut scenes: Vec<RgbImage> = (1..=MADE_UP).map(made_up).collect();
    for picture in whole {
        let (w, h) = (picture.width() / 3, picture.height() / 3);
        for (x, y) in (0..3).flat_map(|x| (0..3).map(move |y| (x, y))) {
            scenes.push(imageops::crop_imm(&picture, x * w, y * h, w, h).to_image());
        }
        scenes.push(picture);
    }
    scenes
}

/// A room lit from one side with a dozen flat things in it.
fn made_up(seed: u32) -> RgbImage {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = |below: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % below
    };
    let (w, h) = (640, 480);
    let (from, to, tilt) = (next(160), 60 + next(160), next(h));
    let mut room = RgbImage::from_fn(w, h, |x, y| {
        let along = (x + tilt * y / h) * 256 / (w + tilt);
        let light = (from * (256 - along) + to * along) / 256;
        Rgb([u8::try_from(light.min(255)).expect("a byte"); 3])
    });
    for _ in 0..12 {
        let (left, top, wide, high) = (next(w - 40), next(h - 40), 40 + next(w / 3), 40 + next(h / 3));
        let shade = Rgb([0; 3].map(|_| u8::try_from(next(256)).expect("a byte")));
        for (x, y) in (left..w.min(left + wide)).flat_map(|x| (top..h.min(top + high)).map(move |y| (x, y))) {
            room.put_pixel(x, y, shade);
        }
    }
    room
}

/// Every pixel with a share of its light.
fn darkened(scene: &RgbImage, of_eight: u16) -> RgbImage {
    let dim = |c: u8| u8::try_from(u16::from(c) * of_eight / 8).expect("at most what it was");
    RgbImage::from_fn(scene.width(), scene.height(), |x, y| Rgb(scene.get_pixel(x, y).0.map(dim)))
}

/// Shaken by eight of 2,048 pixels; a picture of few pixels by three, for below that nothing is lost.
fn shaken(scene: &RgbImage) -> RgbImage {
    let side = u16::try_from(scene.width().max(scene.height())).expect("a photo's side");
    imageops::blur(scene, (8.0 * f32::from(side) / 2_048.0).max(3.0))
}

#[test]
fn a_shaken_or_dark_photo_is_told_from_an_honest_one() {
    let mut whole = vec![decoded(&sample(1)).to_rgb8()];
    for (_, bytes) in one_of_each() {
        whole.extend(louan_photo::develop(&bytes, None).ok().map(|photo| decoded(&photo.jpeg).to_rgb8()));
    }
    for photo in &whole {
        let honest = judge_light(photo);
        println!("sharp {:.0}, black {:.0} %", honest.sharpness, honest.black_percent);
        assert!(!honest.is_blurred() && !honest.is_dark(), "{honest:?}");
        let shaken = judge_light(&shaken(photo));
        assert!(shaken.is_blurred(), "{shaken:?}");
        let dark = judge_light(&darkened(photo, 1));
        assert!(dark.is_dark(), "{dark:?}");
        assert!(!judge_light(&darkened(photo, 6)).is_dark());
    }
}

#[test]
fn the_same_picture_is_found_again_and_others_are_not() {
    let scenes = scenes();
    let mut found = (0, 0);
    for scene in &scenes {
        let (w, h) = scene.dimensions();
        let brighter = |by| DynamicImage::ImageRgb8(scene.clone()).brighten(by).to_rgb8();
        let again = [
            decoded(&jpeg(scene, 40)).to_rgb8(),
            imageops::resize(scene, w / 2, h / 2, imageops::FilterType::Triangle),
            imageops::crop_imm(scene, w / 40, h / 40, w - w / 20, h - h / 20).to_image(),
            brighter(30),
            brighter(-30),
        ];
        let alike = |other: &RgbImage| distance(likeness(scene), likeness(other)) <= ALIKE_BITS_MAX;
        found.0 += again.iter().filter(|other| alike(other)).count();
        found.1 += again.len();
    }
    let likenesses: Vec<u64> = scenes.iter().map(likeness).collect();
    let pairs = || {
        likenesses.iter().enumerate().flat_map(|(i, a)| likenesses[..i].iter().map(move |b| distance(*a, *b)))
    };
    let wrong = pairs().filter(|bits| *bits <= ALIKE_BITS_MAX).count();
    println!("found {} of {}; taken for another {wrong} of {}", found.0, found.1, pairs().count());
    assert!(found.1 + pairs().count() >= 500, "too few pairs to tell");
    assert!(found.0 * 100 >= found.1 * 97, "recall");
    assert!(wrong * 100 <= 2 * (found.0 + wrong), "precision");
}
