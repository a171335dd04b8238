//! Documents: what two people may write without asking each other.
//!
//! Two kinds, both one flat root map (`architecture.md` §2): a **book** takes immutable
//! records at fresh keys, a **sheet** takes scalars of one open round. This is the only
//! room that names automerge; elsewhere a document is an opaque [`Document`], a change is
//! bytes. It does no I/O and mints no id.
//!
//! * [`descriptor`]: what a document is about, and its id; who may write it under which actor
//! * [`first`]: the change every document starts from, computed by everyone, sent by nobody
//! * [`mod@write`]: records and taps → the smallest change
//! * [`scan`]: a stranger's bytes, measured without automerge
//! * [`judge`]: what those bytes do, judged with automerge, only ever inside a worker
//! * [`guard`]: what a phone does with bytes that no worker of its own has judged
//! * [`read`]: a sheet → its reading, concurrent values kept

#[cfg(test)]
mod claims;
pub mod descriptor;
pub mod first;
pub mod guard;
#[cfg(test)]
mod hostile;
pub mod judge;
pub mod key;
mod open;
pub mod read;
pub mod scan;
pub mod write;

pub use descriptor::{ActorLife, Descriptor};
pub use first::first_change;
pub use key::{Field, Kind, SheetKey};
pub use open::{Document, DocumentError};
pub use write::{Tip, Written};

/// Largest change accepted, in bytes. `schema` refuses drafts above 60 KiB, so an honest
/// change, with about a hundred bytes around its record, always fits.
pub const CHANGE_BYTES_MAX: usize = 64 * 1024;
/// Most operations in one change; a sheet fold splits at 2,000 (`architecture.md` precise rule 5).
pub const CHANGE_OPS_MAX: u64 = 4_096;
/// Most values that the operations of one change replace, counted together. A key has [`LIVE_CONFLICTS_MAX`] at most,
/// so a change of up to 128 answers always fits, whatever stands there; a larger one may have to be split.
pub const CHANGE_PREDS_MAX: u64 = 2 * CHANGE_OPS_MAX;
/// Most dependencies of one change: a sheet whose writers are all offline has one head each.
pub const CHANGE_DEPS_MAX: usize = 16;
/// Most bytes of changes in one document. Thirty high buildings gone through every day of a year are a quarter of it;
/// a phone takes a document whole, in one reply ([`crate::wire::REPLY_BYTES_MAX`]), and a worker must be able to
/// load, save and load it again (C17).
pub const DOCUMENT_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// The same for what a supervisor has decided to take into a document that is full: a phone still takes it whole.
pub const DOCUMENT_BYTES_DECIDED_MAX: u64 = 6 * 1024 * 1024;
/// Most values standing side by side under one key of a sheet before a further one is refused (C19).
pub const LIVE_CONFLICTS_MAX: usize = 64;
/// Highest operation counter; far above what a year of honest work reaches, far below where
/// automerge's 32-bit counter wraps and every later edit panics (trap T6b).
pub const OP_COUNTER_MAX: u64 = 1 << 31;
