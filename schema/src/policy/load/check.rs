//! What the entries of a plan must keep between them. Each rule adds a fault for every entry that breaks it.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::Faults;
use super::raw::{Plan, Read};
use crate::code::{Campaign, Disposition, Goal, Severity};
use crate::policy::hazard_type::DueRule;
use crate::policy::{AnswerKind, COMPLETING_ITEMS, CheckItem, HazardType, unit};
use crate::time::Day;

const PLAN: &str = "plan.toml";
const HAZARDS: &str = "hazards.toml";
const ITEMS: &str = "check_items.toml";
const DISPOSITIONS: &str = "dispositions.toml";
const CAMPAIGNS: &str = "campaigns.toml";
const CALENDAR: &str = "calendar.toml";
const UNITS: &str = "units.toml";

/// Every rule over everything that could be read.
pub(super) fn all(read: &Read, faults: &mut Faults) {
    if let Some(plan) = &read.plan {
        check_plan(plan, faults);
    }
    hazards(read, faults);
    items(read, faults);
    completing(read, faults);
    dispositions(read, faults);
    work_items(read, faults);
    calendar(read, faults);
    units(read, faults);
}

fn check_plan(plan: &Plan, faults: &mut Faults) {
    for (key, day) in [("cut_off_day", plan.cut_off_day), ("filing_day", plan.filing_day)] {
        // Every month has a 28th; a later day would give some months no cut-off.
        if !(1..=28).contains(&day) {
            faults.add(
                PLAN,
                key,
                format!("day {day} does not exist in every month"),
                "write a day from 1 to 28",
            );
        }
    }
    if plan.cut_off_day > plan.filing_day {
        faults.add(
            PLAN,
            "cut_off_day",
            "figures would be filed before they are cut off",
            "file after the cut-off",
        );
    }
    if plan.catalogue == 0 {
        faults.add(PLAN, "catalogue", "the catalogue has no version", "start at 1 and rise");
    }
    if !plan.issuing_no.contains('〔') || !plan.issuing_no.contains('〕') {
        faults.add(
            PLAN,
            "issuing_no",
            "the year stands in other brackets",
            "write 〔2020〕, U+3014 and U+3015 (A-002)",
        );
    }
    if !(100_000..=999_999).contains(&plan.district) {
        faults.add(
            PLAN,
            "district",
            format!("`{}` is no district code", plan.district),
            "write six digits (GB/T 2260)",
        );
    }
}

fn hazards(read: &Read, faults: &mut Faults) {
    once(HAZARDS, read.hazards.iter().map(|leaf| leaf.code), faults);
    for leaf in &read.hazards {
        let days = (leaf.valid_from, leaf.valid_to);
        validity(HAZARDS, leaf.code, &leaf.basis, days, read.plan.as_ref(), faults);
        one_hazard(leaf, read, faults);
    }
}

fn one_hazard(leaf: &HazardType, read: &Read, faults: &mut Faults) {
    if leaf.is_key && leaf.goal != Goal::First {
        faults.add(
            HAZARDS,
            leaf.code,
            "a key hazard is not due with the first goal",
            "set goal = \"G1\" (A-033)",
        );
    }
    if leaf.code.is_other() && !leaf.text_required {
        faults.add(
            HAZARDS,
            leaf.code,
            "其他 without a text says nothing",
            "set text_required = true (A-060)",
        );
    }
    if leaf.code.is_other() == leaf.lead.is_some() {
        faults.add(
            HAZARDS,
            leaf.code,
            "only 其他 has no lead",
            "name the campaign in lead, or take it out of 其他",
        );
    }
    for name in &leaf.transfer_to {
        known_unit(HAZARDS, leaf.code, name, read, faults);
    }
    major_or_not(HAZARDS, leaf.code, leaf.severity, leaf.disposition, faults);
}

fn items(read: &Read, faults: &mut Faults) {
    once(ITEMS, read.items.iter().map(|item| item.code), faults);
    for item in &read.items {
        let days = (item.valid_from, item.valid_to);
        validity(ITEMS, item.code, &item.source, days, read.plan.as_ref(), faults);
        major_or_not(ITEMS, item.code, item.severity, item.disposition, faults);
        referred_hazards(item, read, faults);
        answers(item, faults);
    }
}

fn referred_hazards(item: &CheckItem, read: &Read, faults: &mut Faults) {
    if item.hazards.is_empty() {
        faults.add(
            ITEMS,
            item.code,
            "no leaf says what a failing answer means",
            "name one or more in hazards",
        );
    }
    for code in &item.hazards {
        match read.hazards.iter().find(|leaf| leaf.code == *code) {
            None => {
                faults.add(ITEMS, item.code, format!("`{code}` is no leaf"), "name leaves of hazards.toml")
            }
            Some(leaf) if leaf.valid_from > item.valid_from => faults.add(
                ITEMS,
                item.code,
                format!("is asked before its leaf `{code}` is in force"),
                "give the item the leaf's valid_from or a later day",
            ),
            Some(leaf) if leaf.reserved_for.is_some() && leaf.reserved_for != item.reserved_for => faults
                .add(
                    ITEMS,
                    item.code,
                    format!("is open to all although its leaf `{code}` is one role's to assert"),
                    "give the item the leaf's reserved_for",
                ),
            Some(_) => {}
        }
    }
}

fn answers(item: &CheckItem, faults: &mut Faults) {
    if item.answer.0.is_empty() {
        faults.add(ITEMS, item.code, "nothing can be answered", "give one part or more in answer");
    }
    for part in &item.answer.0 {
        let labels: Vec<&String> = match part {
            AnswerKind::Status { values } => values.iter().map(|value| &value.label).collect(),
            AnswerKind::Bool { labels, .. } | AnswerKind::Counts { labels, .. } => labels.iter().collect(),
            AnswerKind::Text { labels } | AnswerKind::File { labels } => labels.iter().collect(),
            AnswerKind::Measure { quantities } => quantities.iter().map(|q| &q.label).collect(),
            AnswerKind::Date { label } => vec![label],
            AnswerKind::Rows { columns } => columns.iter().collect(),
        };
        let distinct: BTreeSet<_> = labels.iter().filter(|label| !label.is_empty()).collect();
        if labels.is_empty() || distinct.len() != labels.len() {
            faults.add(
                ITEMS,
                item.code,
                "labels of an answer are missing, empty or twice",
                "name each part once",
            );
        }
        if let AnswerKind::Counts { labels, total, outside } = part {
            for label in total.iter().chain(outside).filter(|label| !labels.contains(label)) {
                faults.add(
                    ITEMS,
                    item.code,
                    format!("`{label}` is not counted"),
                    "take total and outside from labels",
                );
            }
        }
    }
}

fn completing(read: &Read, faults: &mut Faults) {
    let mut places: Vec<u8> = Vec::new();
    for item in &read.items {
        let Some(place) = item.completes_round else { continue };
        places.push(place);
        if item.valid_from.is_some() {
            faults.add(
                ITEMS,
                item.code,
                "completes a round although no clause of the plan carries it",
                "complete rounds by seed items only (A-140)",
            );
        }
    }
    places.sort_unstable();
    if !places.iter().copied().map(usize::from).eq(1..=COMPLETING_ITEMS) {
        faults.add(
            ITEMS,
            "completes_round",
            format!("{} items complete a round, numbered {places:?}", places.len()),
            format!("number exactly {COMPLETING_ITEMS} items 1 to {COMPLETING_ITEMS} (A-140)"),
        );
    }
}

fn dispositions(read: &Read, faults: &mut Faults) {
    once(DISPOSITIONS, read.dispositions.iter().map(|rule| rule.code), faults);
    for code in
        Disposition::ALL.iter().filter(|code| !read.dispositions.iter().any(|rule| rule.code == **code))
    {
        faults.add(DISPOSITIONS, code, "the disposition is missing", "describe each of D1 to D9");
    }
    for rule in &read.dispositions {
        if rule.code.is_immediate() != (rule.due == DueRule::SameDay) {
            faults.add(
                DISPOSITIONS,
                rule.code,
                "the due day contradicts 立即",
                "D1–D5 same_day, others entered (AMB-05)",
            );
        }
    }
}

fn work_items(read: &Read, faults: &mut Faults) {
    once(CAMPAIGNS, read.work_items.iter().map(|item| &item.code), faults);
    for campaign in
        Campaign::ALL.iter().filter(|c| !read.work_items.iter().any(|item| item.code == c.as_str()))
    {
        faults.add(CAMPAIGNS, campaign, "the campaign is missing", "describe each of C1 to C6 (A-036)");
    }
    for item in &read.work_items {
        for name in item.cooperating.iter().chain([&item.lead]) {
            known_unit(CAMPAIGNS, &item.code, name, read, faults);
        }
        if item.cooperating.contains(&item.lead) {
            faults.add(CAMPAIGNS, &item.code, "the lead unit also cooperates", "name it once (A-108)");
        }
    }
}

fn calendar(read: &Read, faults: &mut Faults) {
    let codes = read.phases.iter().map(|p| &p.code).chain(read.goals.iter().map(|g| &g.code));
    once(CALENDAR, codes.chain(read.reports.iter().map(|r| &r.code)), faults);
    for phase in &read.phases {
        if phase.ends_on < phase.starts_on {
            faults.add(CALENDAR, &phase.code, "ends before it starts", "exchange starts_on and ends_on");
        }
    }
    for pair in read.phases.windows(2) {
        if pair[1].starts_on != pair[0].ends_on.plus_days(1) {
            faults.add(
                CALENDAR,
                &pair[1].code,
                "does not follow the phase before",
                "start it on the day after",
            );
        }
    }
    for pair in read.goals.windows(2) {
        if pair[1].due_on <= pair[0].due_on {
            faults.add(
                CALENDAR,
                &pair[1].code,
                "is due before the goal before it",
                "put the goals in order of time",
            );
        }
    }
    for code in ["G1", "G2", "G3"] {
        if !read.goals.iter().any(|goal| goal.code == code) {
            faults.add(CALENDAR, code, "the goal is missing", "hazards are due by G1, G2 and G3: date each");
        }
    }
    let Some(plan) = &read.plan else { return };
    let due = read
        .goals
        .iter()
        .map(|g| (&g.code, g.due_on))
        .chain(read.reports.iter().map(|r| (&r.code, r.due_on)));
    for (code, day) in due.chain(read.phases.iter().map(|p| (&p.code, p.starts_on))) {
        if day < plan.issued_on {
            faults.add(
                CALENDAR,
                code,
                "lies before the plan was issued",
                "correct the date here or in plan.toml",
            );
        }
    }
}

fn units(read: &Read, faults: &mut Faults) {
    once(UNITS, read.units.iter().flat_map(|unit| unit.aliases.iter().chain([&unit.name])), faults);
}

/// No key twice.
fn once<K: Display>(file: &'static str, keys: impl Iterator<Item = K>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for key in keys.map(|key| key.to_string()) {
        if seen.contains(&key) {
            faults.add(file, &key, "stands twice", "keep one; codes are never reused");
        }
        seen.insert(key);
    }
}

/// Bounds in order, and a first day for whatever no clause of the plan carries.
fn validity(
    file: &'static str,
    key: impl Display,
    basis: &str,
    (from, to): (Option<Day>, Option<Day>),
    plan: Option<&Plan>,
    faults: &mut Faults,
) {
    if let (Some(from), Some(plan)) = (from, plan)
        && from < plan.issued_on
    {
        faults.add(
            file,
            &key,
            "is in force before the plan is",
            "set valid_from to the plan's day or a later one that a source names",
        );
    }
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        faults.add(file, &key, "is retired before it is in force", "exchange valid_from and valid_to");
    }
    let seed = basis.split(';').any(is_clause_of_plan);
    if !seed && from.is_none() {
        faults.add(
            file,
            &key,
            "only another rule carries it, and no day says since when",
            "set valid_from to its first day",
        );
    }
    if seed && from.is_some() {
        faults.add(
            file,
            &key,
            "a clause of the plan carries it, yet it has a first day",
            "take out valid_from",
        );
    }
}

/// Whether a basis names a clause of the plan: 三(一) … 七, not a law or a standard.
fn is_clause_of_plan(basis: &str) -> bool {
    let mut chars = basis.trim().chars();
    let clause = chars.next().is_some_and(|c| "三四五六七".contains(c));
    clause && chars.next().is_none_or(|c| c == '(')
}

/// 疑似重大 and D9 go together: only what may be a major hazard is put forward for listing.
fn major_or_not(
    file: &'static str,
    key: impl Display,
    severity: Severity,
    disposition: Disposition,
    faults: &mut Faults,
) {
    if (severity == Severity::SuspectedMajor) != (disposition == Disposition::RequestListing) {
        faults.add(file, key, "severity 4 and D9 do not go together", "give both or neither (A-166)");
    }
}

fn known_unit(file: &'static str, key: impl Display, name: &str, read: &Read, faults: &mut Faults) {
    if unit::find(&read.units, name).is_none() {
        faults.add(
            file,
            key,
            format!("`{name}` is no unit"),
            "add the unit or this spelling of it to units.toml",
        );
    }
}
