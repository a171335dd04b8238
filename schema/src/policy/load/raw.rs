//! The files as they are written: one struct an entry, read one by one.
//!
//! Here an entry either becomes its type or becomes a fault with its own key. What entries must keep between
//! them is [`super::check`]'s business.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Faults, PolicyFiles};
use crate::code::{Campaign, Disposition, Goal, Role, Severity};
use crate::policy::hazard_type::DueRule;
use crate::policy::{
    AnswerForm, AnswerKind, CheckItem, DispositionRule, Evidence, GoalDay, HazardCode, HazardType, ItemCode,
    Phase, Report, Unit,
};
use crate::time::Day;

/// `plan.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) issuing_no: String,
    pub(crate) parent_doc: String,
    pub(crate) issued_on: Day,
    pub(crate) district: u32,
    pub(crate) catalogue: u16,
    pub(crate) cut_off_day: i8,
    pub(crate) filing_day: i8,
}

/// Everything that could be read.
pub(super) struct Read {
    pub(super) plan: Option<Plan>,
    pub(super) hazards: Vec<HazardType>,
    pub(super) items: Vec<CheckItem>,
    pub(super) dispositions: Vec<DispositionRule>,
    pub(super) work_items: Vec<RawWorkItem>,
    pub(super) phases: Vec<Phase>,
    pub(super) goals: Vec<GoalDay>,
    pub(super) reports: Vec<Report>,
    pub(super) units: Vec<Unit>,
}

/// An entry of `campaigns.toml`, units as they are spelt there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWorkItem {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) lead: String,
    pub(super) cooperating: Vec<String>,
    pub(super) all_streets: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHazard {
    code: HazardCode,
    name_zh: String,
    name_en: String,
    basis: String,
    direct: bool,
    severity: u8,
    disposition: Disposition,
    is_key: bool,
    lead: Option<Campaign>,
    #[serde(default)]
    transfer_to: Vec<String>,
    goal: Goal,
    reserved_for: Option<Role>,
    valid_from: Option<Day>,
    valid_to: Option<Day>,
    #[serde(default)]
    text_required: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    code: ItemCode,
    name_zh: String,
    gloss: String,
    guide: String,
    answer: Vec<AnswerKind>,
    evidence: Evidence,
    evidence_note: Option<String>,
    hazards: Vec<HazardCode>,
    severity: u8,
    disposition: Disposition,
    #[serde(default)]
    further_dispositions: Vec<Disposition>,
    applies: String,
    source: String,
    note: Option<String>,
    completes_round: Option<u8>,
    reserved_for: Option<Role>,
    valid_from: Option<Day>,
    valid_to: Option<Day>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDisposition {
    code: Disposition,
    name_zh: String,
    name_en: String,
    due: DueRule,
}

/// Reads every entry of every file that can be read.
pub(super) fn read(files: &PolicyFiles<'_>, faults: &mut Faults) -> Read {
    let mut calendar = Source::open("calendar.toml", files.calendar, faults);
    let read = Read {
        plan: plan(files.plan, faults),
        hazards: entries("hazards.toml", files.hazards, "hazard", faults, hazard),
        items: entries("check_items.toml", files.check_items, "item", faults, item),
        dispositions: entries(
            "dispositions.toml",
            files.dispositions,
            "disposition",
            faults,
            |raw: RawDisposition, _| {
                Some(DispositionRule {
                    code: raw.code,
                    name_zh: raw.name_zh,
                    name_en: raw.name_en,
                    due: raw.due,
                })
            },
        ),
        work_items: entries("campaigns.toml", files.campaigns, "work_item", faults, |raw, _| Some(raw)),
        phases: calendar.entries("phase", faults, |raw, _| Some(raw)),
        goals: calendar.entries("goal", faults, |raw, _| Some(raw)),
        reports: calendar.entries("report", faults, |raw, _| Some(raw)),
        units: entries("units.toml", files.units, "unit", faults, |raw, _| Some(raw)),
    };
    calendar.close(faults);
    read
}

fn plan(text: &str, faults: &mut Faults) -> Option<Plan> {
    toml::from_str(text)
        .map_err(|e| faults.add("plan.toml", "", reason(&e), "give every key of the plan once, as its type"))
        .ok()
}

fn hazard(raw: RawHazard, faults: &mut Faults) -> Option<HazardType> {
    Some(HazardType {
        severity: severity("hazards.toml", raw.code, raw.severity, faults)?,
        code: raw.code,
        name_zh: raw.name_zh,
        name_en: raw.name_en,
        basis: raw.basis,
        direct: raw.direct,
        disposition: raw.disposition,
        is_key: raw.is_key,
        lead: raw.lead,
        transfer_to: raw.transfer_to,
        goal: raw.goal,
        reserved_for: raw.reserved_for,
        valid_from: raw.valid_from,
        valid_to: raw.valid_to,
        text_required: raw.text_required,
    })
}

fn item(raw: RawItem, faults: &mut Faults) -> Option<CheckItem> {
    Some(CheckItem {
        severity: severity("check_items.toml", raw.code, raw.severity, faults)?,
        code: raw.code,
        name_zh: raw.name_zh,
        gloss: raw.gloss,
        guide: raw.guide,
        answer: AnswerForm(raw.answer),
        evidence: raw.evidence,
        evidence_note: raw.evidence_note,
        hazards: raw.hazards,
        disposition: raw.disposition,
        further_dispositions: raw.further_dispositions,
        applies: raw.applies,
        source: raw.source,
        note: raw.note,
        completes_round: raw.completes_round,
        reserved_for: raw.reserved_for,
        valid_from: raw.valid_from,
        valid_to: raw.valid_to,
    })
}

fn severity(
    file: &'static str,
    key: impl std::fmt::Display,
    number: u8,
    faults: &mut Faults,
) -> Option<Severity> {
    let severity = Severity::from_number(number);
    if severity.is_none() {
        faults.add(file, key, format!("there is no severity {number}"), "write 1, 2, 3 or 4");
    }
    severity
}

fn entries<R: DeserializeOwned, T>(
    file: &'static str,
    text: &str,
    list: &'static str,
    faults: &mut Faults,
    make: impl Fn(R, &mut Faults) -> Option<T>,
) -> Vec<T> {
    let mut source = Source::open(file, text, faults);
    let rows = source.entries(list, faults, make);
    source.close(faults);
    rows
}

/// One file, its lists taken out one after the other; what is left at the end is a fault.
struct Source {
    file: &'static str,
    table: Option<Table>,
}

impl Source {
    fn open(file: &'static str, text: &str, faults: &mut Faults) -> Self {
        let table = text
            .parse::<Table>()
            .map_err(|e| faults.add(file, "", reason(&e), "mend the file until it is TOML"))
            .ok();
        Self { file, table }
    }

    fn entries<R: DeserializeOwned, T>(
        &mut self,
        list: &'static str,
        faults: &mut Faults,
        make: impl Fn(R, &mut Faults) -> Option<T>,
    ) -> Vec<T> {
        let Some(table) = &mut self.table else { return Vec::new() };
        let Some(Value::Array(rows)) = table.remove(list) else {
            faults.add(self.file, list, "the list is missing", format!("write its entries as `[[{list}]]`"));
            return Vec::new();
        };
        let mut made = Vec::with_capacity(rows.len());
        for (i, row) in rows.into_iter().enumerate() {
            let key = name_of(&row).unwrap_or_else(|| format!("{list} {}", i + 1));
            match row.try_into::<R>() {
                Ok(raw) => made.extend(make(raw, faults)),
                Err(e) => {
                    faults.add(self.file, key, reason(&e), "mend this entry; its neighbours show the form")
                }
            }
        }
        made
    }

    fn close(self, faults: &mut Faults) {
        for key in self.table.iter().flat_map(Table::keys) {
            faults.add(self.file, key, "nobody reads this key", "take it out or correct its spelling");
        }
    }
}

fn name_of(row: &Value) -> Option<String> {
    ["code", "name"].iter().find_map(|key| row.get(key)?.as_str()).map(str::to_owned)
}

fn reason(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', " ")
}
