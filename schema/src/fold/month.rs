//! A month's figures, by 街镇, as of a cut-off.
//!
//! One fold for console, spreadsheet, document and phone: the same ledger rows and the
//! same cut-off give the same figures. What happened before the cut-off counts, whenever
//! it arrived.

use std::collections::BTreeMap;

use super::hazard::HazardReading;
use crate::area::StreetCode;
use crate::time::Timestamp;

/// A round's line of the ledger, as far as figures need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundLine {
    /// Where.
    pub street: StreetCode,
    /// When the visit began.
    pub opened_at: Timestamp,
}

/// The figures of one 街镇, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Figures {
    /// Visits (检查次数): distinct rounds with a standing submission.
    pub rounds: u64,
    /// Hazards found (发现隐患): confirmed and not void, by the instant they were found.
    pub hazards_found: u64,
    /// Hazards whose danger is gone (处置完成).
    pub disposed: u64,
    /// Hazards closed (复查销号).
    pub closed: u64,
    /// Hazards due and not disposed of (逾期未改).
    pub overdue: u64,
    /// Hazards reported that no supervisor has confirmed yet (待核实); in no other figure.
    pub unconfirmed: u64,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.hazards_found += other.hazards_found;
        self.disposed += other.disposed;
        self.closed += other.closed;
        self.overdue += other.overdue;
        self.unconfirmed += other.unconfirmed;
    }
}

/// The month's figures (月度数据): a row for every 街镇 asked for, and the total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthFigures {
    /// What happened before this instant counts.
    pub cut_off: Timestamp,
    /// By 街镇, in the order given.
    pub rows: Vec<(StreetCode, Figures)>,
    /// The sum of the rows.
    pub total: Figures,
}

/// Folds ledger rows into figures as of `cut_off` (24:00 of a day is its [`crate::time::Day::end`]).
pub fn month_figures<'a>(
    streets: &[StreetCode],
    rounds: impl IntoIterator<Item = RoundLine>,
    hazards: impl IntoIterator<Item = (StreetCode, &'a HazardReading)>,
    cut_off: Timestamp,
) -> MonthFigures {
    let mut by_street: BTreeMap<StreetCode, Figures> =
        streets.iter().map(|street| (*street, Figures::default())).collect();
    for round in rounds.into_iter().filter(|r| r.opened_at < cut_off) {
        by_street.entry(round.street).or_default().rounds += 1;
    }
    for (street, hazard) in hazards {
        if !hazard.void && hazard.found_at() < cut_off {
            count(by_street.entry(street).or_default(), hazard, cut_off);
        }
    }
    let rows: Vec<_> = streets.iter().map(|s| (*s, by_street.get(s).copied().unwrap_or_default())).collect();
    let mut total = Figures::default();
    rows.iter().for_each(|(_, figures)| total.add(figures));
    MonthFigures { cut_off, rows, total }
}

fn count(figures: &mut Figures, hazard: &HazardReading, cut_off: Timestamp) {
    // Confirmation is a judgement about the finding, not an event of the month: a hazard
    // found on the last evening and confirmed the next morning was found that month, and
    // what had to go at once was overdue that night.
    let Some(due_on) = hazard.due_on_at(cut_off) else {
        figures.unconfirmed += 1;
        return;
    };
    let standing = hazard.standing_at(cut_off);
    figures.hazards_found += 1;
    figures.disposed += u64::from(standing.disposed_at.is_some());
    figures.closed += u64::from(standing.closed_at.is_some());
    figures.overdue += u64::from(standing.disposed_at.is_none() && due_on.end() <= cut_off);
}
