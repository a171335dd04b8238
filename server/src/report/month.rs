//! A month's figures for the 21 街镇, in the order of the annexes, as of a cut-off.
//!
//! Refuses nothing and rounds nothing: a street without a visit is a row of zeros.

use louan_schema::area::{self, StreetCode};
use louan_schema::fold::month::{MonthFigures, month_figures};
use louan_schema::time::Timestamp;

use crate::storage::ledger::LedgerLines;

/// The figures of what happened before `cut_off`.
#[must_use]
pub fn month(lines: &LedgerLines, cut_off: Timestamp) -> MonthFigures {
    let streets: Vec<StreetCode> = area::streets().iter().map(|street| street.code).collect();
    let hazards = lines.hazards.iter().map(|(street, status)| (*street, &status.reading));
    month_figures(&streets, lines.rounds.iter().copied(), hazards, cut_off)
}
