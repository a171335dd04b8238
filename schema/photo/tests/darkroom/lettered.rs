//! Letters out of a real font: they are there, they stay inside, and Chinese is not a row of boxes.
//!
//! Debian's package of it is used where it lies; `make test` installs it.

use image::RgbImage;
use louan_photo::develop;
use louan_photo::watermark::{Caption, FOOT_PERCENT_MAX, FontFile, Lettering, Watermark};
use louan_schema::photo::{Taken, TakenBy};

use crate::honest::{decoded, fits};
use crate::make::{jpeg, pattern};

const FONT: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

fn font() -> FontFile {
    let bytes = std::fs::read(FONT).expect("fonts-noto-cjk is installed: tests/setup/setup.sh test");
    FontFile::open(bytes, 2).expect("a collection with a simplified Chinese font")
}

#[test]
fn chinese_letters_differ_from_each_other_and_have_the_height_asked_for() {
    let font = font();
    let lines: Vec<_> = ["綦", "江", "口", "8"].map(|text| font.letter(text, 40)).into();
    for (i, line) in lines.iter().enumerate() {
        assert_eq!((line.height, line.ink.len()), (40, (line.width * 40) as usize));
        let inked = line.ink.iter().filter(|dot| **dot > 127).count();
        assert!(inked > 30 && inked < line.ink.len() / 2, "letter {i}: {inked} of {}", line.ink.len());
        assert!(lines[..i].iter().all(|other| other.ink != line.ink));
    }
    assert!(FontFile::open(b"no font".to_vec(), 0).is_err());
}

#[test]
fn a_photo_carries_its_watermark_at_the_foot_and_nowhere_else() {
    let font = font();
    let caption = Caption {
        taken: Taken { at: "2020-03-01T12:00:05+08:00".parse().expect("an instant"), by: TakenBy::Camera },
        place: "古南街道 翠屏示例苑".into(),
        building: "3栋".into(),
        person: "网格员 0012".into(),
    };
    for (name, picture) in [
        ("pattern", pattern(2_400, 1_800, 4)),
        ("snow", RgbImage::from_pixel(1_500, 2_000, image::Rgb([250; 3]))),
        ("cellar", RgbImage::from_pixel(1_000, 750, image::Rgb([6; 3]))),
    ] {
        let file = jpeg(&picture, 92);
        let plain = develop(&file, None).expect("developed");
        let marked =
            develop(&file, Some(Watermark { caption: &caption, lettering: &font })).expect("developed");
        fits(&marked);
        let same = (&marked.thumbnail, marked.likeness, marked.original);
        assert_eq!(same, (&plain.thumbnail, plain.likeness, plain.original), "judged without the watermark");
        let (before, after) = (decoded(&plain.jpeg).to_rgb8(), decoded(&marked.jpeg).to_rgb8());
        // A JPEG's blocks of eight may carry the band's edge a little upwards.
        let clear = before.height() - before.height() * FOOT_PERCENT_MAX / 100 - 8;
        let above = |p: &RgbImage| image::imageops::crop_imm(p, 0, 0, p.width(), clear).to_image();
        assert_eq!(above(&before), above(&after), "{name}");
        // For the eye: a folder named here gets the pictures.
        if let Some(folder) = std::env::var_os("LOUAN_LOOK") {
            after.save(std::path::Path::new(&folder).join(name).with_extension("png")).expect("writes");
        }
    }
}
