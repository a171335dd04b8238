//! Photos on a phone: taken, kept, sent and given up, over lost answers, power cuts and a restored office.

#[path = "../support/mod.rs"]
mod support;

mod camera_notes;
mod cut;
mod giving_up;
mod office;
mod sending;
mod taking;
mod unsent;

use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use louan_client_core::view::PhotoView;
use louan_client_core::{Error, Shot};
use louan_schema::id::BlobHash;
use support::*;

/// A picture's file, another for each seed; `side` pixels wide and high.
pub(crate) fn picture(seed: u32, side: u32) -> Vec<u8> {
    let noise = |x: u32, y: u32| (x.wrapping_mul(31) ^ y.wrapping_mul(17) ^ seed.wrapping_mul(101)) % 256;
    let pixels = RgbImage::from_fn(side, side, |x, y| {
        Rgb([noise(x, y), noise(y, x), noise(x + y, seed)].map(|c| u8::try_from(c).expect("below 256")))
    });
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .write_image(pixels.as_raw(), side, side, ExtendedColorType::Rgb8)
        .expect("encodes");
    bytes
}

pub(crate) fn shot(file: &[u8]) -> Shot<'_> {
    Shot { file, site: SITE, building: Some(HOUSE), position: None, signed: "0012", lettering: None }
}

impl Desk {
    pub(crate) fn take(&mut self, file: &[u8]) -> Result<PhotoView, Error> {
        let a = self.acting(ANNA);
        self.phone.attach_photo(&a, &shot(file))
    }

    /// A small photo, by seed.
    pub(crate) fn photo(&mut self, seed: u32) -> BlobHash {
        self.take(&picture(seed, 96)).expect("is taken").hash
    }

    pub(crate) fn hazard_with(&mut self, photos: &[BlobHash]) -> louan_schema::id::HazardId {
        let a = self.acting(ANNA);
        self.phone.report_hazard(&a, SITE, hazard("堵塞", a.at), photos.to_vec()).expect("saves")
    }

    pub(crate) fn view(&self, photo: BlobHash) -> PhotoView {
        let found = self.phone.photos().expect("reads").into_iter().find(|view| view.hash == photo);
        found.expect("is listed")
    }
}
