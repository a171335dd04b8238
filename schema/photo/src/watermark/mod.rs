//! The watermark: when, where, who and of which file, written over the foot of the picture.
//!
//! A translucent dark band with white letters: behind it one still sees whether there was something, and the letters
//! read on snow and in a cellar alike. It never takes more than [`FOOT_PERCENT_MAX`] of the height. Letters come
//! from whoever can draw them ([`Lettering`]); no font is carried here. It is for readers and proves nothing.

#[cfg(feature = "font")]
mod font;

use image::RgbImage;
use louan_schema::id::BlobHash;
use louan_schema::photo::Taken;

#[cfg(feature = "font")]
pub use font::{FontError, FontFile};

/// Most of the picture's height that the band takes, in hundredths: what hangs on walls and stands on floors is
/// seldom in the lowest eighth.
pub const FOOT_PERCENT_MAX: u32 = 12;
/// Smallest letters, in pixels: strokes of Chinese characters run together below.
pub const LETTER_PX_MIN: u32 = 12;
/// The shorter side has so many letters' heights: at 2,048 × 1,536 letters of 38 pixels, readable on a phone.
const LETTERS_A_SIDE: u32 = 40;
/// Height of a line in hundredths of its letters'.
const LINE_PERCENT: u32 = 125;
/// What is left of the picture's light behind the band, in fifths: white letters on snow keep a contrast of 5.7 to
/// 1, where 4.5 is asked of readable text.
const LIGHT_BEHIND: u32 = 2;

/// Draws letters (字形绘制): a browser, or a font file.
pub trait Lettering {
    /// One line of text with letters `px` pixels high, black on nothing. What it cannot draw it leaves out.
    fn letter(&self, text: &str, px: u32) -> Letters;
}

/// A line of text drawn (字形位图).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letters {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How much ink, row by row, a byte a pixel.
    pub ink: Vec<u8>,
}

/// What a watermark says (水印内容), in the words of whoever takes the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// When, and by whose clock.
    pub taken: Taken,
    /// Where, in words: the street and the compound.
    pub place: String,
    /// Which building; empty for a shared place.
    pub building: String,
    /// Who, by name or by number.
    pub person: String,
}

impl Caption {
    /// The lines, the most important first: a small picture has room for fewer.
    #[must_use]
    pub fn lines(&self, original: BlobHash) -> [String; 3] {
        let taken = self.taken.at.to_string();
        // RFC 3339 in Shanghai without its letters and offset.
        let (day, time) = (taken.get(..10).unwrap_or_default(), taken.get(11..19).unwrap_or_default());
        let prefix: String = original.to_string().chars().take(8).collect();
        [
            format!("{day} {time} {}", self.taken.by.label()),
            format!("{} {}", self.place, self.building).trim().to_owned(),
            format!("{} 原片 {prefix}", self.person),
        ]
    }
}

/// A watermark about to be drawn.
#[derive(Clone, Copy)]
pub struct Watermark<'a> {
    /// What it says.
    pub caption: &'a Caption,
    /// Who draws its letters.
    pub lettering: &'a dyn Lettering,
}

impl std::fmt::Debug for Watermark<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A caption names a person and a place.
        f.write_str("Watermark")
    }
}

impl Watermark<'_> {
    /// Draws it over the foot of the picture; a picture too small for one readable line gets none.
    pub(crate) fn draw(&self, picture: &mut RgbImage, original: BlobHash) {
        let lines = self.caption.lines(original);
        let foot = picture.height() * FOOT_PERCENT_MAX / 100;
        let room = usize::try_from(foot * 100 / (LETTER_PX_MIN * LINE_PERCENT)).unwrap_or(0);
        let lines = &lines[..lines.len().min(room)];
        let Some(count) = u32::try_from(lines.len()).ok().filter(|n| *n > 0) else { return };
        let fits = foot * 100 / (count * LINE_PERCENT);
        let px = fits.min(picture.width().min(picture.height()) / LETTERS_A_SIDE).max(LETTER_PX_MIN);
        let margin = px / 2;
        let width = picture.width().saturating_sub(2 * margin);
        let drawn: Vec<Letters> = self.within(lines, px, width);
        let line = px * LINE_PERCENT / 100;
        let band = (count * line + px / 4).min(foot);
        let top = picture.height() - band;
        darken(picture, top);
        for (letters, row) in drawn.iter().zip(0..) {
            ink(picture, letters, margin, top + px / 8 + row * line);
        }
    }

    /// The lines drawn within a width: smaller letters for all while they stay readable, then shorter lines.
    fn within(&self, lines: &[String], px: u32, width: u32) -> Vec<Letters> {
        let mut px = px;
        loop {
            let drawn: Vec<Letters> = lines.iter().map(|text| self.lettering.letter(text, px)).collect();
            let widest = drawn.iter().map(|letters| letters.width).max().unwrap_or(0);
            if widest <= width {
                return drawn;
            }
            if px == LETTER_PX_MIN {
                return lines.iter().map(|text| self.cut(text, px, width)).collect();
            }
            let scaled = u64::from(px) * u64::from(width) / u64::from(widest);
            px = u32::try_from(scaled).unwrap_or(px).min(px - 1).max(LETTER_PX_MIN);
        }
    }

    fn cut(&self, text: &str, px: u32, width: u32) -> Letters {
        let mut kept: Vec<char> = text.chars().collect();
        let mut letters = self.lettering.letter(text, px);
        while letters.width > width && !kept.is_empty() {
            kept.pop();
            letters = self.lettering.letter(&kept.iter().chain(&['…']).collect::<String>(), px);
        }
        letters
    }
}

fn darken(picture: &mut RgbImage, top: u32) {
    for y in top..picture.height() {
        for x in 0..picture.width() {
            let pixel = picture.get_pixel_mut(x, y);
            pixel.0 = pixel.0.map(|c| u8::try_from(u32::from(c) * LIGHT_BEHIND / 5).unwrap_or(c));
        }
    }
}

/// Lays white letters over the picture; what sticks out of it, or was never drawn, is left out.
fn ink(picture: &mut RgbImage, letters: &Letters, left: u32, top: u32) {
    for (row, y) in (0..letters.height).zip(top..picture.height()) {
        for (column, x) in (0..letters.width).zip(left..picture.width()) {
            let at = u64::from(row) * u64::from(letters.width) + u64::from(column);
            let covered = usize::try_from(at).ok().and_then(|at| letters.ink.get(at).copied()).unwrap_or(0);
            let pixel = picture.get_pixel_mut(x, y);
            pixel.0 = pixel.0.map(|c| {
                let mixed = u32::from(c) + (255 - u32::from(c)) * u32::from(covered) / 255;
                u8::try_from(mixed).unwrap_or(u8::MAX)
            });
        }
    }
}

#[cfg(test)]
mod tests;
