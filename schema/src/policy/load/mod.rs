//! Reading a plan from its files: everything is checked, every fault is named, nothing is half loaded.
//!
//! [`raw`] reads the tables entry by entry, so that one bad entry does not hide the next; [`check`] holds the
//! rules that entries and files must keep between them.

mod check;
mod raw;

use std::collections::BTreeMap;
use std::fmt;

use super::{CheckItem, HazardType, Policy, WorkItem};
use crate::code::Campaign;
pub(super) use raw::Plan;

/// The texts of a plan's files.
#[derive(Debug, Clone, Copy)]
pub struct PolicyFiles<'a> {
    /// `plan.toml`: name, numbers, catalogue version, cut-off.
    pub plan: &'a str,
    /// `hazards.toml`: the taxonomy.
    pub hazards: &'a str,
    /// `check_items.toml`: the catalogue.
    pub check_items: &'a str,
    /// `dispositions.toml`.
    pub dispositions: &'a str,
    /// `campaigns.toml`: work items.
    pub campaigns: &'a str,
    /// `calendar.toml`: phases, goals, reports.
    pub calendar: &'a str,
    /// `units.toml`.
    pub units: &'a str,
}

impl PolicyFiles<'static> {
    /// The files of the built-in plan, 綦江府办发〔2020〕4号.
    pub const QIJIANG_2020: Self = Self {
        plan: include_str!("../../../policy/qijiang-2020/plan.toml"),
        hazards: include_str!("../../../policy/qijiang-2020/hazards.toml"),
        check_items: include_str!("../../../policy/qijiang-2020/check_items.toml"),
        dispositions: include_str!("../../../policy/qijiang-2020/dispositions.toml"),
        campaigns: include_str!("../../../policy/qijiang-2020/campaigns.toml"),
        calendar: include_str!("../../../policy/qijiang-2020/calendar.toml"),
        units: include_str!("../../../policy/qijiang-2020/units.toml"),
    };
}

/// Something in a plan's files that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The file, without its folder.
    pub file: &'static str,
    /// The entry or key; empty when the whole file is meant.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if !self.key.is_empty() {
            write!(f, " `{}`", self.key)?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// Collects faults; the methods return nothing so that checking always goes on.
struct Faults(Vec<PolicyFault>);

impl Faults {
    fn add(
        &mut self,
        file: &'static str,
        key: impl fmt::Display,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(PolicyFault { file, key: key.to_string(), what: what.into(), remedy: remedy.into() });
    }
}

pub(super) fn policy(files: &PolicyFiles<'_>) -> Result<Policy, Vec<PolicyFault>> {
    let mut faults = Faults(Vec::new());
    let read = raw::read(files, &mut faults);
    check::all(&read, &mut faults);
    let (Some(plan), true) = (read.plan, faults.0.is_empty()) else { return Err(faults.0) };
    let units = read.units;
    let full =
        |name: &str| super::unit::find(&units, name).map_or_else(|| name.to_owned(), |u| u.name.clone());
    let work_items = read
        .work_items
        .into_iter()
        .map(|item| WorkItem {
            campaign: item.code.parse::<Campaign>().ok(),
            lead: full(&item.lead),
            cooperating: item.cooperating.iter().map(|name| full(name)).collect(),
            code: item.code,
            name: item.name,
            all_streets: item.all_streets,
        })
        .collect();
    let mut completing: Vec<_> = read.items.iter().filter(|i| i.completes_round.is_some()).collect();
    completing.sort_by_key(|item| item.completes_round);
    Ok(Policy {
        plan,
        completing: completing.into_iter().map(|item| item.code).collect(),
        hazards: by(read.hazards, |leaf: &HazardType| leaf.code),
        items: by(read.items, |item: &CheckItem| item.code),
        dispositions: by(read.dispositions, |rule| rule.code),
        work_items,
        phases: read.phases,
        goals: read.goals,
        reports: read.reports,
        units,
    })
}

fn by<T, K: Ord>(rows: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, T> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

#[cfg(test)]
mod tests;
