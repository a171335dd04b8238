//! The app as host: clock, chance and the device's key, implemented in its language.
//!
//! The key stays in the platform's key store; only digests go out and signatures come in.

use std::sync::Arc;

use louan_facade::{Host, Signer};

/// What the app provides; called from whatever thread calls the phone.
#[uniffi::export(with_foreign)]
pub trait DeviceHost: Send + Sync {
    /// The business clock, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// That many bytes from the platform's cryptographic source.
    fn random(&self, count: u32) -> Vec<u8>;

    /// Signs with the device's key: ECDSA P-256 with SHA-256, the digest being the message;
    /// 64 bytes, r‖s.
    ///
    /// # Errors
    /// [`HostFailure`] when the key cannot be used now.
    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, HostFailure>;

    /// The key's public half, SEC1 uncompressed, 65 bytes.
    ///
    /// # Errors
    /// [`HostFailure`] when there is no key.
    fn public_key(&self) -> Result<Vec<u8>, HostFailure>;
}

/// The platform could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum HostFailure {
    /// The device's key cannot be used now, as on a locked phone.
    #[error("{detail}")]
    KeyUnavailable {
        /// The platform's words.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostFailure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::KeyUnavailable { detail: error.reason }
    }
}

/// The app's host, as the facade takes it.
#[derive(Clone)]
pub(crate) struct Foreign(pub(crate) Arc<dyn DeviceHost>);

impl Host for Foreign {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn random(&self, count: u32) -> Vec<u8> {
        self.0.random(count)
    }
}

impl Signer for Foreign {
    fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, String> {
        self.0.sign(digest.to_vec()).map_err(|failure| failure.to_string())
    }

    fn public_key(&self) -> Result<Vec<u8>, String> {
        self.0.public_key().map_err(|failure| failure.to_string())
    }
}
