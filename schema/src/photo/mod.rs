//! What is known about a photo besides its bytes: when, where, and whether that is near the building.
//!
//! A [`PhotoCard`] says where a person was and is personal data: it goes up beside the bytes and becomes an
//! erasable row of the server, never part of a document; a record names its photos by hash and nothing else.
//! Pixels are the crate `louan-photo`'s; this room sees none and judges by what it is told.

mod card;
mod on_site;
#[cfg(test)]
mod tests;

pub use card::{
    CARD_BYTES_MAX, CARD_LAYOUT, CardError, ORIGINAL_BYTES_MAX, OriginalFile, PHOTO_BYTES_MAX,
    PHOTO_SIDE_MAX, PhotoCard, PhotoPosition, THUMBNAIL_BYTES_MAX, Taken, TakenBy, UploadKind,
};
pub use on_site::{
    ACCURACY_MAX_M, FIX_AGE_MAX_MS, Ground, NEAR_M, OnSite, PositionSource, UnprovenReason, on_site,
};
