//! The ledger as read: hazard and round rows, facts and rulings of a hazard, command answers.
//!
//! Rows are folded inside the write transaction; nothing here computes.

use louan_schema::area::StreetCode;
use louan_schema::code::HazardState;
use louan_schema::fold::Fact;
use louan_schema::fold::month::RoundLine;
use louan_schema::id::{BuildingId, CommandId, HazardId, OrgId, PersonId, RoundId, SiteId};
use louan_schema::ruling::Ruling;
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::{CommandVerdict, HazardStatus};

use super::Reply;

/// A fact with the site of the book it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFact {
    /// The fact.
    pub fact: Fact,
    /// The site.
    pub site: SiteId,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all; not counted, 0, for a page that goes on behind a line.
    pub total: u64,
}

/// Which hazards; every filter narrows.
#[derive(Debug, Clone, Default)]
pub struct HazardQuery {
    /// As far as this organisation sees; nothing: the whole district.
    pub seen_by: Option<OrgId>,
    /// In this 街镇.
    pub street: Option<StreetCode>,
    /// On this site.
    pub site: Option<SiteId>,
    /// In this state.
    pub state: Option<HazardState>,
    /// Overdue at 24:00 of this day (逾期).
    pub overdue_on: Option<Day>,
    /// Only what follows this line in the order of the list: pages that a write in between neither repeats nor skips.
    pub after: Option<(Timestamp, HazardId)>,
    /// Rows skipped.
    pub offset: u64,
    /// Most rows, at most 500; 0 stands for 500.
    pub limit: u64,
}

/// Which rounds; every filter narrows.
#[derive(Debug, Clone, Default)]
pub struct RoundQuery {
    /// As far as this organisation sees; nothing: the whole district.
    pub seen_by: Option<OrgId>,
    /// In this 街镇.
    pub street: Option<StreetCode>,
    /// On this site.
    pub site: Option<SiteId>,
    /// Begun before this instant.
    pub before: Option<Timestamp>,
    /// Only what follows this line in the order of the list.
    pub after: Option<(Timestamp, RoundId, OrgId, SiteId)>,
    /// Rows skipped.
    pub offset: u64,
    /// Most rows, at most 500; 0 stands for 500.
    pub limit: u64,
}

/// A line of the inspection ledger (检查台账行).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRow {
    /// The visit.
    pub id: RoundId,
    /// Who made it.
    pub org: OrgId,
    /// Where.
    pub site: SiteId,
    /// When it began.
    pub opened_at: Timestamp,
    /// The buildings gone through.
    pub buildings: Vec<BuildingId>,
    /// Whether all sixteen sub-items are answered.
    pub complete: bool,
    /// Whether concurrent submissions stand beside each other.
    pub contested: bool,
    /// How many answers failed.
    pub failed: u32,
}

/// Everything a decision on a hazard needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HazardCase {
    /// Its row.
    pub status: HazardStatus,
    /// What was said.
    pub facts: Vec<StoredFact>,
    /// What was ruled.
    pub rulings: Vec<Ruling>,
}

/// The ledger's rows as far as a month's figures need them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLines {
    /// Visits, one line each.
    pub rounds: Vec<RoundLine>,
    /// Hazards with the 街镇 of their site.
    pub hazards: Vec<(StreetCode, HazardStatus)>,
}

/// The ledger.
pub trait LedgerStore: Send + Sync {
    /// Hazards, newest found first.
    fn list_hazards(&self, query: HazardQuery) -> Reply<'_, Page<HazardStatus>>;
    /// Rounds, newest first.
    fn list_rounds(&self, query: RoundQuery) -> Reply<'_, Page<RoundRow>>;
    /// Everything a month's figures are folded from.
    fn ledger_lines(&self) -> Reply<'_, LedgerLines>;
    /// A hazard with its facts and rulings.
    fn hazard_case(&self, hazard: HazardId) -> Reply<'_, Option<HazardCase>>;
    /// Whether a command has become a ruling, whoever gave it.
    fn is_ruled(&self, command: CommandId) -> Reply<'_, bool>;
    /// What a command was answered.
    fn find_answer(
        &self,
        command: CommandId,
        person: PersonId,
    ) -> Reply<'_, Option<([u8; 16], CommandVerdict)>>;
}
