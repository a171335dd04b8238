//! What the host lends the core: the time, chance, the device's key.
//!
//! The core reads no clock and rolls no dice; neither does this crate. A key never comes
//! in here, only signatures do.

use louan_client_core::Acting;
use louan_client_core::schema::id::PersonId;
use louan_client_core::schema::time::Timestamp;

use crate::failure::Failure;

/// What the host of an app provides (宿主).
pub trait Host {
    /// The business clock, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// That many bytes from the platform's cryptographic source.
    fn random(&self, count: u32) -> Vec<u8>;
}

/// Where signatures come from: ECDSA P-256 with SHA-256 over the digest's 32 bytes as the
/// message, 64 bytes r‖s. A key store that hashes by itself (WebCrypto, Keystore) fits.
pub trait Signer {
    /// Signs one digest.
    ///
    /// # Errors
    /// The platform's words when the key cannot be used now, as on a locked phone.
    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, String>;

    /// The key's public half, SEC1 uncompressed, 65 bytes.
    ///
    /// # Errors
    /// The platform's words when there is no key.
    fn public_key(&self) -> Result<Vec<u8>, String>;
}

/// The instant of an act.
pub(crate) fn now(host: &(impl Host + ?Sized)) -> Timestamp {
    Timestamp::from_ms(host.now_ms())
}

/// `N` bytes of the host's chance.
pub(crate) fn chance<const N: usize>(host: &(impl Host + ?Sized)) -> Result<[u8; N], Failure> {
    let count = u32::try_from(N).unwrap_or(u32::MAX);
    let bytes = host.random(count);
    let found = bytes.len();
    bytes
        .try_into()
        .map_err(|_| Failure::misused(format!("the host gave {found} random bytes instead of {N}")))
}

/// Who acts, now.
pub(crate) fn acting(host: &(impl Host + ?Sized), person: PersonId) -> Result<Acting, Failure> {
    Ok(Acting { person, at: now(host), random: chance(host)? })
}
