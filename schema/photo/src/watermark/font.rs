//! Letters out of a font file, for hosts that have one.
//!
//! The bytes come in: where a machine keeps its fonts is the host's business. Characters the font lacks are drawn
//! as it draws the unknown.

use ab_glyph::{Font, FontVec, Glyph, PxScale, ScaleFont, point};

use super::{Lettering, Letters};

/// Bytes that are no font, or a collection without that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a font file, or not so many fonts in it")]
pub struct FontError;

/// A font file opened (字体文件).
#[derive(Debug)]
pub struct FontFile(FontVec);

impl FontFile {
    /// Opens font number `index` of a file; 0 for a file with one font. In `NotoSansCJK-Regular.ttc` number 2 is
    /// the simplified Chinese one.
    ///
    /// # Errors
    /// [`FontError`] when there is none.
    pub fn open(bytes: Vec<u8>, index: u32) -> Result<Self, FontError> {
        FontVec::try_from_vec_and_index(bytes, index).map(Self).map_err(|_| FontError)
    }
}

impl Lettering for FontFile {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "letters and lines of a few thousand pixels"
    )]
    fn letter(&self, text: &str, px: u32) -> Letters {
        let font = self.0.as_scaled(PxScale::from(px as f32));
        let mut pen = 0.0;
        let mut glyphs: Vec<Glyph> = Vec::new();
        for c in text.chars() {
            let id = font.glyph_id(c);
            if let Some(before) = glyphs.last() {
                pen += font.kern(before.id, id);
            }
            glyphs.push(id.with_scale_and_position(font.scale(), point(pen, font.ascent())));
            pen += font.h_advance(id);
        }
        let (width, height) = (pen.ceil().max(0.0) as u32, px);
        let mut ink = vec![0; width as usize * height as usize];
        for outline in glyphs.into_iter().filter_map(|glyph| self.0.outline_glyph(glyph)) {
            let bounds = outline.px_bounds();
            outline.draw(|x, y, covered| {
                let (x, y) = (x as i64 + bounds.min.x as i64, y as i64 + bounds.min.y as i64);
                let inside = (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y);
                if inside && let Some(dot) = ink.get_mut(y as usize * width as usize + x as usize) {
                    *dot = (*dot).max((covered * 255.0).round() as u8);
                }
            });
        }
        Letters { width, height, ink }
    }
}
