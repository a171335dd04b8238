//! Is it sharp and bright enough to show anything? A warning at the scene, never a refusal.
//!
//! Sharpness is the variance of the Laplacian at one scale, so that cameras compare; darkness is how much of the
//! picture lies in the blacks. A white wall has no edges and a stairwell at night is dark: the person decides.

use image::RgbImage;

use crate::scale::{brightness, fit};

/// Longest side at which light is judged, in pixels: fine enough for shake, coarse enough that noise is not sharpness.
const JUDGED_SIDE: u32 = 512;
/// Below this variance of the Laplacian a picture is called blurred. Measured on seven photos of six cameras: sharp
/// they have 181 to 2,157; shaken by 8 of 2,048 pixels, which no label survives, 3 to 10; by 4 pixels 8 to 85.
pub const SHARPNESS_MIN: f64 = 30.0;
/// Brightness up to which a pixel counts as black.
const BLACK: u8 = 31;
/// From so many blacks in a hundred pixels on a picture is called dark. The darkest honest photo measured has 57,
/// the darkest ninth of one 85; at an eighth of their light all have 100, at a quarter 32 to 94.
pub const BLACK_PERCENT_MAX: f64 = 90.0;

/// What the light did (清晰度与亮度).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Variance of the Laplacian; higher is sharper.
    pub sharpness: f64,
    /// Blacks in a hundred pixels.
    pub black_percent: f64,
}

impl Light {
    /// It looks out of focus or shaken.
    #[must_use]
    pub fn is_blurred(&self) -> bool {
        self.sharpness < SHARPNESS_MIN
    }

    /// It looks too dark to show anything.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.black_percent >= BLACK_PERCENT_MAX
    }
}

/// Judges a picture's sharpness and brightness.
#[must_use]
pub fn judge_light(picture: &RgbImage) -> Light {
    let (width, height) = fit(picture.width(), picture.height(), JUDGED_SIDE);
    let grey = brightness(picture, (width, height));
    let blacks = grey.iter().filter(|b| **b <= BLACK).count();
    Light { sharpness: variance_of_laplacian(&grey, width), black_percent: share(blacks, grey.len()) * 100.0 }
}

#[allow(clippy::cast_precision_loss, reason = "at most 512 × 512 pixels")]
fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// How much the second derivative of brightness varies, over all pixels that have four neighbours.
#[allow(clippy::cast_precision_loss, reason = "at most 512 × 512 pixels")]
fn variance_of_laplacian(grey: &[u8], width: u32) -> f64 {
    let width = width as usize;
    let at = |i: usize| i64::from(grey[i]);
    let (mut sum, mut squares, mut count) = (0_i64, 0_i64, 0_i64);
    for row in 1..(grey.len() / width.max(1)).saturating_sub(1) {
        for i in row * width + 1..(row + 1) * width - 1 {
            let second = at(i - 1) + at(i + 1) + at(i - width) + at(i + width) - 4 * at(i);
            sum += second;
            squares += second * second;
            count += 1;
        }
    }
    if count == 0 {
        return 0.0;
    }
    let mean = sum as f64 / count as f64;
    squares as f64 / count as f64 - mean * mean
}
