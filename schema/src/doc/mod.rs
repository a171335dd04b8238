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
//! * [`read`]: a sheet → its reading, concurrent values kept

#[cfg(test)]
mod claims;
pub mod descriptor;
pub mod first;
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
/// Most dependencies of one change: a sheet whose writers are all offline has one head each.
pub const CHANGE_DEPS_MAX: usize = 16;
/// Most values standing side by side under one key of a sheet before a further one is refused (C19).
pub const LIVE_CONFLICTS_MAX: usize = 64;
/// Highest operation counter; far above what a year of honest work reaches, far below where
/// automerge's 32-bit counter wraps and every later edit panics (trap T6b).
pub const OP_COUNTER_MAX: u64 = 1 << 31;
