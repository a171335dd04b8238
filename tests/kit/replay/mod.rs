//! The replay: 9,648 real inspections go through phones, server, rulings and figures.
//!
//! Real phones with real stores, offline for a week at a time; two inspectors of a
//! company take turns on the same buildings and fill some rounds together; the police
//! confirm, recheck and close. What comes out is compared with a script that shares no line
//! with the product. Rules of the mapping, and what that script reads: `tests/replay/MAPPING.md`.

pub mod compare;
mod drive;
pub mod ledger;
pub(crate) mod mapping;
mod rest;
pub mod source;
#[cfg(test)]
mod story;

pub use drive::{Options, Outcome, replay};
pub use rest::at_rest;
pub use source::Source;

use louan_schema::time::Day;

/// The days at whose 24:00 the figures are compared.
///
/// # Panics
/// Never: the four days are in the calendar.
#[must_use]
pub fn cut_off_days() -> [Day; 4] {
    ["2020-03-31", "2020-06-30", "2020-09-23", "2020-12-31"].map(|d| d.parse().expect("in the calendar"))
}

/// A folder in memory where there is one: what is compared here is figures, not durability.
///
/// # Errors
/// When none can be made.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}
