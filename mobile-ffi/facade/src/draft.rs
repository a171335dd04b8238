//! What a screen hands in: plain texts and numbers, field by field.
//!
//! Each turns into the rulebook's type of the same name; nothing is filled in, defaulted
//! or checked on the way, that is the core's. Instants are milliseconds since 1970, codes
//! are their strings, photos their SHA-256 in hexadecimal.

use louan_client_core::schema::id::BlobHash;
use louan_client_core::schema::record::{Answer, Body, Fix, Hazard, Place, Recheck, StopReport};
use louan_client_core::view;

use crate::failure::Failure;
use crate::read::{code, id, ids, instant, maybe_id, photos};

/// An answer to one check item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AnswerDraft {
    /// The check item, `Q1-01`.
    pub item: String,
    /// `pass`, `fail` or `not_applicable`.
    pub outcome: String,
    /// Position of the building in the round, from 1; nothing for a shared place.
    pub place: Option<u8>,
    /// The floor's local name, when the answer is for one floor only.
    pub floor: Option<String>,
    /// Counts in the order of the item's labels.
    pub counts: Option<Vec<u32>>,
    /// Why the item does not apply.
    pub reason: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// A measured value in thousandths of the item's unit.
    pub measure_milli: Option<i64>,
    /// Photos by hash.
    pub photos: Vec<String>,
}

/// Which hazards to list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "which", rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum HazardFilter {
    /// All the phone knows.
    All,
    /// Those not closed and not void.
    Open,
    /// Those due and not disposed of.
    Overdue,
    /// Those in one state.
    InState {
        /// The state, `fix_reported`.
        state: String,
    },
    /// Those of one compound.
    AtSite {
        /// The compound.
        site: String,
    },
    /// Those of one building, also through a shared place that affects it.
    AtBuilding {
        /// The building.
        building: String,
    },
}

/// A hazard as a screen has it; see the rulebook's `Hazard` for what each field means.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct HazardDraft {
    /// Leaf of the taxonomy, `H1.03`.
    pub code: String,
    /// The building, or every building a shared place affects.
    pub buildings: Vec<String>,
    /// Whether the place belongs to the compound.
    pub shared: bool,
    /// The floor's local name.
    pub floor: Option<String>,
    /// The spot in words.
    pub spot: Option<String>,
    /// In words.
    pub text: String,
    /// When it was found.
    pub found_at_ms: i64,
    /// How it was found, `three_checks`.
    pub method: String,
    /// How bad the finder thinks it is, `general`.
    pub severity: String,
    /// The round in which it was found.
    pub round: Option<String>,
    /// How many, where the leaf counts things.
    pub count: Option<u32>,
    /// Put right before the finder left.
    pub fixed_on_the_spot: bool,
    /// Photos by hash.
    pub photos: Vec<String>,
}

/// Work stopped and reported.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct StopDraft {
    /// The hazard it belongs to.
    pub hazard: String,
    /// When the work was stopped.
    pub stopped_at_ms: Option<i64>,
    /// When it was reported.
    pub reported_at_ms: Option<i64>,
    /// To which department.
    pub reported_to: Option<String>,
    /// What was said or handed over.
    pub text: String,
    /// Photos by hash.
    pub photos: Vec<String>,
}

/// A fix.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct FixDraft {
    /// The hazard.
    pub hazard: String,
    /// When the danger was gone.
    pub fixed_at_ms: i64,
    /// Who removed it.
    pub fixed_by: String,
    /// What was done.
    pub measures: String,
    /// What it cost, in fen.
    pub cost_fen: Option<u64>,
    /// Photos by hash.
    pub photos: Vec<String>,
}

/// A recheck.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RecheckDraft {
    /// The hazard.
    pub hazard: String,
    /// When.
    pub checked_at_ms: i64,
    /// Who looked.
    pub checked_by: String,
    /// Whether the danger is gone.
    pub passed: bool,
    /// What was seen.
    pub text: String,
    /// Photos by hash.
    pub photos: Vec<String>,
}

/// What a correction says instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum CorrectionDraft {
    /// Of a hazard.
    Hazard {
        /// The whole hazard as it should have been.
        draft: HazardDraft,
    },
    /// Of a report of stopped work.
    StopReport {
        /// The whole report.
        draft: StopDraft,
    },
    /// Of a fix.
    Fix {
        /// The whole fix.
        draft: FixDraft,
    },
    /// Of a recheck.
    Recheck {
        /// The whole recheck.
        draft: RecheckDraft,
    },
}

impl AnswerDraft {
    pub(crate) fn read(self) -> Result<louan_client_core::AnswerDraft, Failure> {
        let answer = Answer {
            item: code(&self.item, "/item")?,
            outcome: code(&self.outcome, "/outcome")?,
            place: self.place,
            floor: self.floor,
            counts: self.counts,
            reason: self.reason,
            note: self.note,
            measure_milli: self.measure_milli,
            photos: None,
        };
        Ok(louan_client_core::AnswerDraft { answer, photos: photos(&self.photos)? })
    }
}

impl HazardFilter {
    pub(crate) fn read(self) -> Result<view::HazardFilter, Failure> {
        Ok(match self {
            Self::All => view::HazardFilter::All,
            Self::Open => view::HazardFilter::Open,
            Self::Overdue => view::HazardFilter::Overdue,
            Self::InState { state } => view::HazardFilter::InState(code(&state, "/state")?),
            Self::AtSite { site } => view::HazardFilter::AtSite(id(&site)?),
            Self::AtBuilding { building } => view::HazardFilter::AtBuilding(id(&building)?),
        })
    }
}

impl HazardDraft {
    pub(crate) fn read(self) -> Result<(Hazard, Vec<BlobHash>), Failure> {
        let place = Place {
            buildings: ids(&self.buildings)?,
            shared: self.shared,
            floor: self.floor,
            spot: self.spot,
        };
        let hazard = Hazard {
            code: code(&self.code, "/code")?,
            place,
            text: self.text,
            found_at: instant(self.found_at_ms),
            method: code(&self.method, "/method")?,
            severity: code(&self.severity, "/severity")?,
            round: maybe_id(self.round.as_deref())?,
            count: self.count,
            fixed_on_the_spot: self.fixed_on_the_spot,
            synthetic: false,
        };
        Ok((hazard, photos(&self.photos)?))
    }
}

impl StopDraft {
    pub(crate) fn read(self) -> Result<(StopReport, Vec<BlobHash>), Failure> {
        let report = StopReport {
            hazard: id(&self.hazard)?,
            stopped_at: self.stopped_at_ms.map(instant),
            reported_at: self.reported_at_ms.map(instant),
            reported_to: maybe_id(self.reported_to.as_deref())?,
            text: self.text,
        };
        Ok((report, photos(&self.photos)?))
    }
}

impl FixDraft {
    pub(crate) fn read(self) -> Result<(Fix, Vec<BlobHash>), Failure> {
        let fix = Fix {
            hazard: id(&self.hazard)?,
            fixed_at: instant(self.fixed_at_ms),
            fixed_by: id(&self.fixed_by)?,
            measures: self.measures,
            cost_fen: self.cost_fen,
        };
        Ok((fix, photos(&self.photos)?))
    }
}

impl RecheckDraft {
    pub(crate) fn read(self) -> Result<(Recheck, Vec<BlobHash>), Failure> {
        let recheck = Recheck {
            hazard: id(&self.hazard)?,
            checked_at: instant(self.checked_at_ms),
            checked_by: id(&self.checked_by)?,
            passed: self.passed,
            text: self.text,
        };
        Ok((recheck, photos(&self.photos)?))
    }
}

impl CorrectionDraft {
    pub(crate) fn read(self) -> Result<(Body, Vec<BlobHash>), Failure> {
        Ok(match self {
            Self::Hazard { draft } => {
                let (body, photos) = draft.read()?;
                (Body::Hazard(body), photos)
            }
            Self::StopReport { draft } => {
                let (body, photos) = draft.read()?;
                (Body::StopReport(body), photos)
            }
            Self::Fix { draft } => {
                let (body, photos) = draft.read()?;
                (Body::Fix(body), photos)
            }
            Self::Recheck { draft } => {
                let (body, photos) = draft.read()?;
                (Body::Recheck(body), photos)
            }
        })
    }
}
