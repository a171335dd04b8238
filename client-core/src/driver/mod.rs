//! The native driver: performs what the core plans, over HTTPS.
//!
//! The only part of this crate that waits for anything. It decides nothing: what to send
//! and what a reply means is the core's, when to try again is the host's
//! ([`crate::wait_ms`]). The key and the tokens are the host's to keep; a key never comes
//! in here, only signatures do.

mod http;
mod photo;
mod problem;

pub use http::{Link, Tokens};
pub use photo::PhotosSent;

use louan_schema::time::Timestamp;

use crate::phone::Phone;

/// What the host of a phone lends the driver (宿主): the clock, chance and the device's key.
pub trait Host: Send + Sync {
    /// The business clock.
    fn now(&self) -> Timestamp;

    /// Sixteen bytes from the platform's cryptographic source.
    fn random(&self) -> [u8; 16];

    /// The device key's public half, SEC1.
    fn public_key(&self) -> Vec<u8>;

    /// Signs a message of 32 bytes: ECDSA P-256 with SHA-256, fixed-size r‖s.
    ///
    /// # Errors
    /// The platform's words when the key cannot be used now, as on a locked phone.
    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], String>;
}

/// A phone within the driver's reach (手边): lent for one step at a time, never while a request is under way,
/// so that whoever shares it can act in between.
pub trait AtHand {
    /// Does one step with the phone.
    fn with<T>(&mut self, step: impl FnOnce(&mut Phone) -> T) -> T;
}

impl AtHand for Phone {
    fn with<T>(&mut self, step: impl FnOnce(&mut Phone) -> T) -> T {
        step(self)
    }
}
