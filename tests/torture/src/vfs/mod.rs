//! A disk that can be watched, killed and cut from power, below the real SQLite stores.
//!
//! A shim stands between SQLite and its own file layer, for the whole process and as the
//! default, so that the stores under test need no change and no switch. It touches only
//! folders somebody watches ([`Disk::watch`]); everything else passes through. Shared
//! memory passes through as well: it is no file that survives a power cut, SQLite makes it
//! anew from the log, and therefore no store has to run with `locking_mode=EXCLUSIVE` here.
//!
//! * `shim`: the C side, the only unsafe code of the workspace
//! * [`disk`]: what is allowed through, counted and remembered
//! * [`platter`]: what would be on the disk if the power went now
//! * [`tape`]: every state that a recorded run could have left behind

pub mod disk;
pub mod platter;
#[allow(unsafe_code, reason = "SQLite's file interface is C")]
mod shim;
pub mod tape;

pub use disk::{Blow, Disk, Failure, Weakness};
pub use platter::{Fate, Files, Op, Platter};
pub use tape::{State, Tape};

/// The name under which SQLite knows the shim.
pub const WATCHED: &str = "watched";
