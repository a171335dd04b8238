//! Units the plan names, and the work items they lead.
//!
//! The text spells one unit in several ways; names here are the full ones, other spellings are aliases for search
//! and import. Stored originals are never altered (AMB-16).

use serde::{Deserialize, Serialize};

use crate::code::Campaign;

/// A unit named by the plan (责任部门).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its full name.
    pub name: String,
    /// Other spellings seen.
    pub aliases: Vec<String>,
}

/// A work item (工作任务): a campaign C1–C6 or a system S1–S3, with its one lead unit and those that cooperate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkItem {
    /// `C1` … `S3`; systems are an open list.
    pub code: String,
    /// The campaign, when it is one.
    pub campaign: Option<Campaign>,
    /// Its name.
    pub name: String,
    /// The lead unit (牵头单位), by full name.
    pub lead: String,
    /// The cooperating units, by full name.
    pub cooperating: Vec<String>,
    /// Whether every 街镇 cooperates.
    pub all_streets: bool,
}

/// The unit named by `text`, blanks and line breaks ignored: the gazette breaks names across lines.
pub(super) fn find<'a>(units: &'a [Unit], text: &str) -> Option<&'a Unit> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    units.iter().find(|unit| unit.name == text || unit.aliases.contains(&text))
}
