//! The way to the office, as foreign code holds it.
//!
//! It keeps the tokens while it lives; the app reads them after every call, a failed one
//! too, and keeps them in its key store.

use std::sync::{Mutex, MutexGuard, PoisonError};

use louan_facade::{Failure, SessionRow};

/// The way to one office.
#[derive(uniffi::Object)]
pub struct Office(Mutex<louan_facade::Office>);

impl Office {
    pub(crate) fn link(&self) -> MutexGuard<'_, louan_facade::Office> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[uniffi::export]
#[allow(clippy::needless_pass_by_value, reason = "foreign values come owned")]
impl Office {
    /// A way to `https://…`, trusting these root certificates (PEM), or the platform's when there are none.
    ///
    /// # Errors
    /// [`Failure`] when a certificate cannot be read.
    #[uniffi::constructor]
    pub fn open(url: String, roots: Vec<Vec<u8>>, session: Option<SessionRow>) -> Result<Self, Failure> {
        Ok(Self(Mutex::new(louan_facade::Office::open(&url, &roots, session)?)))
    }

    /// The session as it is now, for the app to keep.
    pub fn session(&self) -> Option<SessionRow> {
        self.link().session()
    }
}
