//! The replay: 9,648 real inspections go through phones, server, rulings and figures.
//!
//! Real phones with real stores, offline for a week at a time; two inspectors of a
//! company take turns on the same buildings and fill some rounds together; the police
//! confirm, recheck and close. What comes out is compared with a script that reads only
//! the file. Rules of the mapping: `tests/replay/MAPPING.md`.

pub mod compare;
mod drive;
pub(crate) mod mapping;
pub mod source;

pub use drive::{Options, Outcome, replay, unsent};
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
