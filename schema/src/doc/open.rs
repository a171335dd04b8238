//! An open document: opaque outside this folder.
//!
//! It is only ever fed changes that passed the gate, or that this device wrote itself.

use automerge::{Automerge, AutomergeError, Change, ReadDoc};

use super::first;
use crate::id::{ChangeHash, DocId};

/// What can go wrong with an open document; the bytes it came from are untouched.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The change would exceed the limit that the office accepts.
    #[error("the change has `{0}` bytes, more than a change may have")]
    TooLarge(usize),
    /// The change would write more values, or replace more, than the office accepts.
    #[error("the change has more operations or predecessors than a change may have")]
    TooMany,
    /// automerge panicked; what it was working on is not to be used any more.
    #[error("automerge failed on the document")]
    Panicked,
    /// automerge refused.
    #[error("the document could not be read or changed")]
    Automerge(#[from] AutomergeError),
    /// The bytes are not a change.
    #[error("the bytes are not a change")]
    NotAChange,
    /// A change did not become part of the document (a dependency is missing).
    #[error("a change waits for another that is not here")]
    Waiting,
    /// Something that cannot be, was.
    #[error("broken: {0}")]
    Broken(&'static str),
}

impl DocumentError {
    /// Whether the same content fits when it is written as several changes.
    #[must_use]
    pub const fn is_too_much(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::TooMany)
    }
}

/// A document held open in memory.
#[derive(Debug, Clone)]
pub struct Document(Automerge);

impl Document {
    /// The document `doc` with nothing in it but its first change.
    #[must_use]
    pub fn fresh(doc: DocId) -> Self {
        let mut inner = Automerge::new();
        let applied = inner.apply_changes([first::built(doc)]);
        debug_assert!(applied.is_ok(), "the first change depends on nothing");
        Self(inner)
    }

    /// Opens saved bytes.
    ///
    /// # Errors
    /// [`DocumentError::Automerge`] when they are not a whole document.
    pub fn load(bytes: &[u8]) -> Result<Self, DocumentError> {
        Ok(Self(Automerge::load(bytes)?))
    }

    /// The bytes to keep; uncompressed, because whole batches are compressed together.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.0.save_nocompress()
    }

    /// Adds one gated change. A change already there changes nothing.
    ///
    /// # Errors
    /// [`DocumentError::NotAChange`], [`DocumentError::Waiting`] when a dependency is missing
    /// (the document is then to be dropped), [`DocumentError::Automerge`].
    pub fn add(&mut self, raw: &[u8]) -> Result<(), DocumentError> {
        let change = Change::from_bytes(raw.to_vec()).map_err(|_| DocumentError::NotAChange)?;
        let hash = change.hash();
        self.0.apply_changes([change])?;
        // automerge answers Ok and queues the change when a dependency is missing (trap T7).
        self.0.get_change_meta_by_hash(&hash).map(|_| ()).ok_or(DocumentError::Waiting)
    }

    /// The bytes of a change, as they once came.
    #[must_use]
    pub fn raw(&self, hash: ChangeHash) -> Option<Vec<u8>> {
        let change = self.0.get_change_by_hash(&automerge::ChangeHash(hash.0))?;
        Some(change.raw_bytes().to_vec())
    }

    /// The changes this document has and `other` has not, in an order in which they can be applied.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Vec<(ChangeHash, Vec<u8>)> {
        if self.0.get_heads().iter().all(|head| other.contains(ChangeHash(head.0))) {
            return Vec::new();
        }
        let changes = self.0.get_changes(&[]).into_iter();
        let changes = changes.map(|change| (ChangeHash(change.hash().0), change.raw_bytes().to_vec()));
        changes.filter(|(hash, _)| !other.contains(*hash)).collect()
    }

    /// The hashes nothing depends on yet, in order.
    #[must_use]
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads: Vec<_> = self.0.get_heads().into_iter().map(|h| ChangeHash(h.0)).collect();
        heads.sort_unstable();
        heads
    }

    /// Whether the document contains this change.
    #[must_use]
    pub fn contains(&self, hash: ChangeHash) -> bool {
        self.0.get_change_meta_by_hash(&automerge::ChangeHash(hash.0)).is_some()
    }

    pub(super) const fn inner(&self) -> &Automerge {
        &self.0
    }

    pub(super) const fn inner_mut(&mut self) -> &mut Automerge {
        &mut self.0
    }
}
