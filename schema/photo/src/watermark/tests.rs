//! What a watermark may do to a picture, with letters that are plain blocks.

use image::Rgb;
use louan_schema::photo::TakenBy;

use super::*;

/// Every character a block, as wide as high for Chinese and half as wide otherwise.
struct Blocks;

impl Lettering for Blocks {
    fn letter(&self, text: &str, px: u32) -> Letters {
        let width = text.chars().map(|c| if c.is_ascii() { px / 2 } else { px }).sum();
        Letters { width, height: px, ink: vec![255; (width * px) as usize] }
    }
}

fn caption() -> Caption {
    Caption {
        taken: Taken { at: "2020-03-01T12:00:05+08:00".parse().expect("an instant"), by: TakenBy::Camera },
        place: "古南街道 示例小区".into(),
        building: "3栋".into(),
        person: "网格员 0012".into(),
    }
}

fn marked(width: u32, height: u32, shade: u8, caption: &Caption) -> RgbImage {
    let mut picture = RgbImage::from_pixel(width, height, Rgb([shade; 3]));
    Watermark { caption, lettering: &Blocks }.draw(&mut picture, BlobHash([0xab; 32]));
    picture
}

#[test]
fn a_caption_says_when_where_who_and_of_which_file() {
    assert_eq!(
        caption().lines(BlobHash([0xab; 32])),
        ["2020-03-01 12:00:05 相机时间", "古南街道 示例小区 3栋", "网格员 0012 原片 abababab"]
    );
    let shared = Caption { building: String::new(), ..caption() };
    assert_eq!(shared.lines(BlobHash([0; 32]))[1], "古南街道 示例小区");
}

#[test]
fn it_stands_at_the_foot_and_nowhere_else() {
    for (width, height) in [(2_048, 1_536), (1_536, 2_048), (640, 480), (2_048, 700), (300, 2_048)] {
        let picture = marked(width, height, 100, &caption());
        let touched: Vec<u32> =
            (0..height).filter(|y| (0..width).any(|x| picture.get_pixel(x, *y).0 != [100; 3])).collect();
        let top = *touched.first().expect("a band");
        assert!(height - top <= height * FOOT_PERCENT_MAX / 100, "{width}×{height}: {}", height - top);
        assert_eq!(touched.last(), Some(&(height - 1)));
        assert!(picture.pixels().any(|p| p.0 == [255; 3]), "{width}×{height}: letters");
    }
}

#[test]
fn letters_keep_their_contrast_on_white_and_on_black() {
    let luminance = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    for shade in [0, 128, 255] {
        let picture = marked(2_048, 1_536, shade, &caption());
        let behind = picture.get_pixel(2_040, 1_530).0[0];
        let contrast = (luminance(255) + 0.05) / (luminance(behind) + 0.05);
        assert!(contrast >= 4.5, "{shade}: {contrast}");
    }
}

#[test]
fn a_long_line_becomes_smaller_and_then_shorter_and_never_sticks_out() {
    let long = Caption { place: "很长的地名".repeat(60), ..caption() };
    for width in [2_048, 640, 200] {
        let picture = marked(width, 1_536, 100, &long);
        let right = (0..1_536).any(|y| picture.get_pixel(width - 1, y).0 == [255; 3]);
        assert!(!right, "{width}");
        assert!(picture.pixels().any(|p| p.0 == [255; 3]), "{width}");
    }
}

#[test]
fn a_picture_too_small_for_letters_is_left_alone_and_a_small_one_says_when() {
    assert!(marked(120, 90, 100, &caption()).pixels().all(|p| p.0 == [100; 3]));
    assert!(marked(400, 160, 100, &caption()).pixels().any(|p| p.0 == [255; 3]));
}

#[test]
fn letters_that_were_never_drawn_are_left_out() {
    struct Liar;
    impl Lettering for Liar {
        fn letter(&self, _: &str, px: u32) -> Letters {
            Letters { width: 50, height: px * 100, ink: vec![255; 7] }
        }
    }
    let mut picture = RgbImage::new(640, 480);
    Watermark { caption: &caption(), lettering: &Liar }.draw(&mut picture, BlobHash([0; 32]));
    assert_eq!(picture.pixels().filter(|p| p.0 == [255; 3]).count(), 3 * 7);
}
