//! The darkroom: bytes of a picture in, a small upright clean JPEG and what it shows out.
//!
//! Whatever a camera, a gallery or a stranger hands over is looked at by its own bytes, bounded before it is
//! decoded, and leaves only as a picture written anew: metadata, trailing bytes and anything hidden behind the
//! pixels stay behind. It does no I/O, has no clock, and compiles to wasm32.
//!
//! Reading order: [`sniff`] (what it is) → `whole` (is all of it there) → [`inspect`] (may it be decoded) →
//! [`exif`] (what the camera claims) → [`develop`] (the picture that leaves) → [`watermark`], [`light`],
//! [`likeness`]. Whoever keeps a photo that others took looks at it with [`seen()`].
#![deny(missing_docs)]

mod develop;
pub mod exif;
mod inspect;
pub mod light;
pub mod likeness;
mod refusal;
mod scale;
mod seen;
mod sniff;
pub mod watermark;
mod whole;

pub use develop::{Developed, QUALITY, THUMBNAIL_QUALITY, THUMBNAIL_SIDE_MAX, Thumbnail, develop};
pub use inspect::{DECODER_BYTES_MAX, FILE_BYTES_MAX, PIXELS_MAX, SCANS_MAX, SIDE_MAX, Source, inspect};
pub use refusal::Refusal;
pub use seen::{Seen, seen};
pub use sniff::{Format, sniff};
