//! A hazard, and what is later said about it.
//!
//! Hazards are recorded, never inferred from answers. Who may say what about whose
//! hazard is the gate's business; what the sayings add up to is [`crate::fold::hazard`]'s.

use minicbor::{Decode, Encode};

use crate::code::{DiscoveryMethod, Severity};
use crate::id::{BuildingId, OrgId, PersonId, RecordId, RoundId};
use crate::policy::HazardCode;
use crate::time::Timestamp;

/// Where in a compound something is (部位).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Place {
    /// The building; for a shared place every building it affects, and the hazard still counts once.
    #[n(0)]
    pub buildings: Vec<BuildingId>,
    /// Whether the place belongs to the compound rather than to one building.
    #[n(1)]
    pub shared: bool,
    /// The floor's local name.
    #[n(2)]
    pub floor: Option<String>,
    /// The spot in words.
    #[n(3)]
    pub spot: Option<String>,
}

/// A hazard (火灾隐患): what is wrong, where, found when and how (A-032, `domain.md` §3.2).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hazard {
    /// Leaf of the taxonomy.
    #[n(0)]
    pub code: HazardCode,
    /// Where.
    #[n(1)]
    pub place: Place,
    /// In words; mandatory for an 其他 leaf.
    #[n(2)]
    pub text: String,
    /// When it was found: the hazard counts in figures at this instant, D1–D5 fall due on its day.
    #[n(3)]
    pub found_at: Timestamp,
    /// How it was found.
    #[n(4)]
    pub method: DiscoveryMethod,
    /// How bad its finder thinks it is; the supervisor's grade wins.
    #[n(5)]
    pub severity: Severity,
    /// The round in which it was found.
    #[n(6)]
    pub round: Option<RoundId>,
    /// How many, where the leaf counts things.
    #[n(7)]
    pub count: Option<u32>,
    /// Put right before the finder left (当场改正): only up to severity 2, with a photo before and one after.
    #[n(8)]
    pub fixed_on_the_spot: bool,
    /// Made up from real inspections of another city.
    #[n(9)]
    pub synthetic: bool,
}

/// Work stopped and reported (立即制止并报告): two instants, either may come first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StopReport {
    /// The hazard it belongs to.
    #[n(0)]
    pub hazard: RecordId,
    /// When the work was stopped.
    #[n(1)]
    pub stopped_at: Option<Timestamp>,
    /// When it was reported.
    #[n(2)]
    pub reported_at: Option<Timestamp>,
    /// To which department.
    #[n(3)]
    pub reported_to: Option<OrgId>,
    /// What was said or handed over.
    #[n(4)]
    pub text: String,
}

/// A fix (整改完成): the danger is gone, the clock stops, somebody else has yet to look.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fix {
    /// The hazard.
    #[n(0)]
    pub hazard: RecordId,
    /// When the danger was gone.
    #[n(1)]
    pub fixed_at: Timestamp,
    /// Who removed it; compared with who checks, not with who types.
    #[n(2)]
    pub fixed_by: PersonId,
    /// What was done.
    #[n(3)]
    pub measures: String,
    /// What it cost, in fen (分).
    #[n(4)]
    pub cost_fen: Option<u64>,
}

/// A recheck (复查): someone else looked; the one after the latest fix decides.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recheck {
    /// The hazard.
    #[n(0)]
    pub hazard: RecordId,
    /// When.
    #[n(1)]
    pub checked_at: Timestamp,
    /// Who looked.
    #[n(2)]
    pub checked_by: PersonId,
    /// Whether the danger is gone.
    #[n(3)]
    pub passed: bool,
    /// What was seen; mandatory when it did not pass.
    #[n(4)]
    pub text: String,
}

/// A withdrawal (撤回): hides exactly the record it names, of the same organisation, of any year.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Withdrawal {
    /// The record taken back.
    #[n(0)]
    pub target: RecordId,
    /// Why.
    #[n(1)]
    pub reason: String,
}
