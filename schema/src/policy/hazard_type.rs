//! A leaf of the hazard taxonomy, and what a disposition means for the due day.
//!
//! A leaf classifies; the hazard found at a place is a record. Codes are never renumbered, a leaf is retired by
//! its last day.

use serde::{Deserialize, Serialize};

use super::HazardCode;
use crate::code::{Campaign, Disposition, Goal, HazardArea, Role, Severity};
use crate::time::Day;

/// A leaf of the taxonomy (隐患分类): one kind of hazard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HazardType {
    /// Its code, `H1.01`.
    pub code: HazardCode,
    /// Its name.
    pub name_zh: String,
    /// Its name in English, for developers.
    pub name_en: String,
    /// The clauses it rests on, separated by semicolons.
    pub basis: String,
    /// Whether it stands literally in clause 四, or is derived from another clause or a later rule.
    pub direct: bool,
    /// The usual severity.
    pub severity: Severity,
    /// What the plan orders.
    pub disposition: Disposition,
    /// Whether it is a key hazard (重点隐患) of clause 三(一), due with the first goal.
    pub is_key: bool,
    /// The campaign whose lead unit leads; nothing for 其他.
    pub lead: Option<Campaign>,
    /// Units that take the case over, by name.
    pub transfer_to: Vec<String>,
    /// By which goal it must be gone.
    pub goal: Goal,
    /// The only role that may assert it; nothing: whoever reports hazards.
    pub reserved_for: Option<Role>,
    /// First day in force, when a later rule is its only basis.
    pub valid_from: Option<Day>,
    /// Last day in force, when it was retired.
    pub valid_to: Option<Day>,
    /// Whether a hazard of this kind needs a description.
    pub text_required: bool,
}

impl HazardType {
    /// The area the leaf belongs to.
    #[must_use]
    pub const fn area(&self) -> HazardArea {
        self.code.group()
    }

    /// Whether a hazard found on `day` may be classified so: January 2020 is not judged by a rule of 2021.
    #[must_use]
    pub fn is_in_force(&self, day: Day) -> bool {
        super::in_force(self.valid_from, self.valid_to, day)
    }
}

/// What the plan's words for a disposition are, and how its due day comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DispositionRule {
    /// Which disposition.
    pub code: Disposition,
    /// The words of the plan.
    pub name_zh: String,
    /// The words in English, for developers.
    pub name_en: String,
    /// How the due day comes about.
    pub due: DueRule,
}

/// How the due day of a hazard comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueRule {
    /// The day on which it was found.
    SameDay,
    /// A person enters it.
    Entered,
}
