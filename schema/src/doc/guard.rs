//! Opening what came from elsewhere without going down with it.
//!
//! A phone has no worker to die in its stead. What comes from the office has passed the gate there, but a fault of
//! the gate must cost one document, not the phone: here a panic of automerge becomes an error about that document.
//! It is caught by unwinding. Where a panic aborts, as in WebAssembly, nothing catches it, and there the gate alone
//! protects; nor is anything caught here that exhausts memory or the stack.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Document, DocumentError};

/// Runs what may panic inside automerge; what it was changing must be a copy, dropped if this fails.
///
/// # Errors
/// [`DocumentError::Panicked`], or what `act` says.
pub fn guarded<T>(act: impl FnOnce() -> Result<T, DocumentError>) -> Result<T, DocumentError> {
    caught(DocumentError::Panicked, act)
}

/// Runs what may panic inside automerge; `panicked` is what is said then.
pub(super) fn caught<T, E>(panicked: E, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(Err(panicked))
}

impl Document {
    /// [`Document::load`] for bytes of others.
    ///
    /// # Errors
    /// [`DocumentError::Automerge`] or [`DocumentError::Panicked`] when they are not a whole document.
    pub fn load_guarded(bytes: &[u8]) -> Result<Self, DocumentError> {
        guarded(|| Self::load(bytes))
    }

    /// The document with one change more; this one stays as it is, whatever the change does.
    ///
    /// # Errors
    /// As [`Document::add`], and [`DocumentError::Panicked`].
    pub fn with(&self, raw: &[u8]) -> Result<Self, DocumentError> {
        guarded(|| {
            let mut copy = self.clone();
            copy.add(raw)?;
            Ok(copy)
        })
    }

    /// The bytes to keep, proven to load again as the same document: some changes are taken by automerge and make
    /// what it then saves unreadable.
    ///
    /// # Errors
    /// [`DocumentError`] when they do not; the changes are then to be kept one by one.
    pub fn save_proven(&self) -> Result<Vec<u8>, DocumentError> {
        guarded(|| {
            let bytes = self.save();
            let again = Self::load(&bytes)?;
            let same = again.heads() == self.heads();
            if same {
                Ok(bytes)
            } else {
                Err(DocumentError::Broken("a document saved is another when loaded"))
            }
        })
    }
}
