//! What the plan says about time: phases, goals, reports, the statistical month.
//!
//! Days are civil days in Asia/Shanghai and include themselves (“X日前”, AMB-11). What is overdue is computed from
//! these by others, never stored. A non-working day moves nothing here: that is a switch of the installation.

use serde::{Deserialize, Serialize};

use crate::time::Day;

/// A phase of the plan (阶段, clause 六).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// `P1` … `P4`.
    pub code: String,
    /// First day.
    pub starts_on: Day,
    /// Last day.
    pub ends_on: Day,
    /// Its name.
    pub title: String,
    /// Clause of the plan.
    pub clause: String,
}

impl Phase {
    /// Whether `day` belongs to the phase.
    #[must_use]
    pub fn contains(&self, day: Day) -> bool {
        self.starts_on <= day && day <= self.ends_on
    }
}

/// A stage goal with its last day (阶段目标节点, clause 三).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalDay {
    /// `G1` … `G3`.
    pub code: String,
    /// Last day on which it can be met.
    pub due_on: Day,
    /// What is to be reached.
    pub title: String,
    /// Clause of the plan.
    pub clause: String,
}

/// A report due to the office of the leading group (报送事项, clause 七).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `R1`, `R2-02` … `R4`.
    pub code: String,
    /// Last day on which it is in time.
    pub due_on: Day,
    /// What is to be filed.
    pub title: String,
    /// Clause of the plan.
    pub clause: String,
    /// Who files it.
    pub filed_by: Filer,
}

/// Who files a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filer {
    /// The 21 街镇 and the member units of the leading group.
    StreetsAndMembers,
    /// The lead units of the work items.
    LeadUnits,
}
