//! Is a record acceptable? One answer, given on the phone before saving and by the gate.
//!
//! All faults at once, each with a pointer to the field, so that a form can show them
//! together. What depends on other records or on who asks is not decided here.

use super::text::{NOTE_CHARS_MAX, TEXT_CHARS_MAX, TextFault, fault_of, fault_of_required};
use super::{
    Answer, Body, Fix, Hazard, Place, RECORD_BYTES_MAX, RECORD_LAYOUT, Recheck, Record, Round, StopReport,
    Withdrawal,
};
use crate::code::{Outcome, Role, Severity};
use crate::doc::key::is_floor_label;
use crate::policy::Policy;
use crate::time::Day;

/// Most photos of one answer, and of one hazard, fix or recheck on each side of before and after.
pub const PHOTOS_PER_ITEM_MAX: usize = 3;
/// Most buildings in one round or affected by one hazard.
pub const BUILDINGS_MAX: usize = 200;
/// Most answers in one submission: 93 items on 33 floors would be 3,069, and they must fit 60 KiB.
pub const ANSWERS_MAX: usize = 4_000;

/// Something in a record that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the record's body, `/answers/3/reason`.
    pub pointer: String,
    /// Which rule.
    pub rule: Rule,
}

/// Why a field cannot stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Must be filled.
    Missing,
    /// Longer or more than allowed.
    TooMuch,
    /// Carries characters that deceive a reader.
    NotPlain,
    /// Not in the taxonomy or catalogue, or not in force on that day.
    UnknownCode,
    /// Parts exceed the total, or the labels do not match.
    Counts,
    /// Two answers about the same.
    Twice,
    /// Not in the order that makes equal content equal bytes.
    Order,
    /// Refers to a building or photo the record does not list.
    Reference,
    /// Not allowed together, as a reason where the item applies.
    Contradiction,
    /// Corrected on the spot, but too severe or without a photo before and after.
    OnTheSpot,
    /// A layout this build does not know.
    Layout,
    /// Another role's to say, as 不具备防灭火功能 is the brigade's.
    Reserved,
    /// A place that the author's organisation neither manages nor supervises.
    NotOurs,
    /// A file that is no photo, or of a format that is not taken (P04).
    PhotoFormat,
    /// A photo's file of too many bytes or pixels (P01).
    PhotoSize,
    /// A photo's file that is cut off or contradicts itself (P02).
    PhotoDamaged,
}

/// Every fault of a record; empty when it may be saved.
#[must_use]
pub fn check(record: &Record, policy: &Policy) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    if record.layout != RECORD_LAYOUT {
        faults.add("/layout", Rule::Layout);
    }
    if record.catalogue != policy.catalogue() {
        faults.add("/catalogue", Rule::UnknownCode);
    }
    if record.to_bytes().len() > RECORD_BYTES_MAX {
        faults.add("", Rule::TooMuch);
    }
    let photos = record.photos.len();
    match &record.body {
        Body::Round(b) => round(b, photos, policy, &mut faults),
        Body::Hazard(b) => hazard(b, photos, policy, &mut faults),
        Body::StopReport(b) => stop_report(b, &mut faults),
        Body::Fix(b) => fix(b, photos, &mut faults),
        Body::Recheck(b) => recheck(b, photos, &mut faults),
        Body::Withdrawal(b) => withdrawal(b, &mut faults),
    }
    faults.0
}

/// What in a record is another role's to say; empty when its author may say all of it.
/// Apart from [`check`], because it depends on who asks.
#[must_use]
pub fn reserved(body: &Body, role: Role, policy: &Policy) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    let open = |to: Option<Role>| to.is_none_or(|only| only == role);
    match body {
        Body::Hazard(b) => {
            let leaf = policy.hazard_type(b.code);
            faults.unless(leaf.is_none_or(|leaf| open(leaf.reserved_for)), "/code", Rule::Reserved);
        }
        Body::Round(b) => {
            for (i, a) in b.answers.iter().enumerate() {
                let item = policy.check_item(a.item);
                if !item.is_none_or(|item| open(item.reserved_for)) {
                    faults.add(format!("/answers/{i}/item"), Rule::Reserved);
                }
            }
        }
        Body::StopReport(_) | Body::Fix(_) | Body::Recheck(_) | Body::Withdrawal(_) => {}
    }
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, rule: Rule) {
        self.0.push(Fault { pointer: pointer.into(), rule });
    }

    fn unless(&mut self, holds: bool, pointer: &str, rule: Rule) {
        if !holds {
            self.add(pointer, rule);
        }
    }

    fn text(&mut self, pointer: impl Into<String>, fault: Option<TextFault>) {
        if let Some(fault) = fault {
            self.add(
                pointer,
                match fault {
                    TextFault::TooLong => Rule::TooMuch,
                    TextFault::NotPlain => Rule::NotPlain,
                    TextFault::Empty => Rule::Missing,
                },
            );
        }
    }
}

fn round(b: &Round, photos: usize, policy: &Policy, faults: &mut Faults) {
    let day = b.opened_at.day();
    faults.unless(b.buildings.len() <= BUILDINGS_MAX, "/buildings", Rule::TooMuch);
    faults.unless(b.answers.len() <= ANSWERS_MAX, "/answers", Rule::TooMuch);
    faults.unless(!b.answers.is_empty(), "/answers", Rule::Missing);
    faults.unless(strictly_rising(&b.seen), "/seen", Rule::Order);
    let mut buildings = b.buildings.clone();
    buildings.sort_unstable();
    buildings.dedup();
    faults.unless(buildings.len() == b.buildings.len(), "/buildings", Rule::Twice);
    for (i, pair) in b.answers.windows(2).enumerate() {
        if pair[0].about() == pair[1].about() {
            faults.add(format!("/answers/{}", i + 1), Rule::Twice);
        } else if pair[0].about() > pair[1].about() {
            faults.add(format!("/answers/{}", i + 1), Rule::Order);
        }
    }
    for (i, a) in b.answers.iter().enumerate() {
        answer(a, (b.buildings.len(), photos, day), policy, &format!("/answers/{i}"), faults);
    }
}

fn answer(
    a: &Answer,
    (buildings, photos, day): (usize, usize, Day),
    policy: &Policy,
    at: &str,
    faults: &mut Faults,
) {
    let Some(item) = policy.check_item(a.item).filter(|item| item.is_in_force(day)) else {
        faults.add(format!("{at}/item"), Rule::UnknownCode);
        return;
    };
    if a.place.is_some_and(|p| p == 0 || usize::from(p) > buildings) {
        faults.add(format!("{at}/place"), Rule::Reference);
    }
    if a.floor.as_deref().is_some_and(|f| !is_floor_label(f)) {
        faults.add(format!("{at}/floor"), Rule::NotPlain);
    }
    match (a.outcome, &a.reason) {
        (Outcome::NotApplicable, None) => faults.add(format!("{at}/reason"), Rule::Missing),
        (Outcome::NotApplicable, Some(text)) => {
            faults.text(format!("{at}/reason"), fault_of_required(text, NOTE_CHARS_MAX));
        }
        (_, Some(_)) => faults.add(format!("{at}/reason"), Rule::Contradiction),
        (_, None) => {}
    }
    if let Some(note) = &a.note {
        faults.text(format!("{at}/note"), fault_of_required(note, NOTE_CHARS_MAX));
    }
    if a.counts.as_deref().is_some_and(|c| !item.answer.accepts_counts(c)) {
        faults.add(format!("{at}/counts"), Rule::Counts);
    }
    if let Some(list) = &a.photos {
        let fits = list.iter().all(|p| usize::from(*p) < photos) && strictly_rising(list);
        if list.is_empty() || list.len() > PHOTOS_PER_ITEM_MAX || !fits {
            faults.add(format!("{at}/photos"), Rule::Reference);
        }
    }
}

fn place(b: &Place, faults: &mut Faults) {
    faults.unless(!b.buildings.is_empty() || b.shared, "/place/buildings", Rule::Missing);
    faults.unless(b.buildings.len() <= BUILDINGS_MAX, "/place/buildings", Rule::TooMuch);
    faults.unless(b.shared || b.buildings.len() <= 1, "/place/buildings", Rule::Contradiction);
    faults.unless(strictly_rising(&b.buildings), "/place/buildings", Rule::Order);
    if b.floor.as_deref().is_some_and(|f| !is_floor_label(f)) {
        faults.add("/place/floor", Rule::NotPlain);
    }
    if let Some(spot) = &b.spot {
        faults.text("/place/spot", fault_of_required(spot, NOTE_CHARS_MAX));
    }
}

fn hazard(b: &Hazard, photos: usize, policy: &Policy, faults: &mut Faults) {
    place(&b.place, faults);
    match policy.hazard_type(b.code).filter(|leaf| leaf.is_in_force(b.found_at.day())) {
        None => faults.add("/code", Rule::UnknownCode),
        Some(leaf) if leaf.text_required => {
            faults.text("/text", fault_of_required(&b.text, TEXT_CHARS_MAX));
        }
        Some(_) => faults.text("/text", fault_of(&b.text, TEXT_CHARS_MAX)),
    }
    // 疑似重大 is a finding of the brigade's, never of a finder's.
    faults.unless(b.severity != Severity::SuspectedMajor, "/severity", Rule::Contradiction);
    faults.unless(photos <= 2 * PHOTOS_PER_ITEM_MAX, "/photos", Rule::TooMuch);
    if b.fixed_on_the_spot {
        let mild = matches!(b.severity, Severity::General | Severity::Serious);
        faults.unless(mild && photos >= 2, "/fixed_on_the_spot", Rule::OnTheSpot);
    }
}

fn stop_report(b: &StopReport, faults: &mut Faults) {
    faults.unless(b.stopped_at.is_some() || b.reported_at.is_some(), "/stopped_at", Rule::Missing);
    faults.unless(b.reported_at.is_some() == b.reported_to.is_some(), "/reported_to", Rule::Contradiction);
    faults.text("/text", fault_of(&b.text, TEXT_CHARS_MAX));
}

fn fix(b: &Fix, photos: usize, faults: &mut Faults) {
    faults.text("/measures", fault_of_required(&b.measures, TEXT_CHARS_MAX));
    faults.unless(photos <= 2 * PHOTOS_PER_ITEM_MAX, "/photos", Rule::TooMuch);
}

fn recheck(b: &Recheck, photos: usize, faults: &mut Faults) {
    let text =
        if b.passed { fault_of(&b.text, TEXT_CHARS_MAX) } else { fault_of_required(&b.text, TEXT_CHARS_MAX) };
    faults.text("/text", text);
    faults.unless(photos <= 2 * PHOTOS_PER_ITEM_MAX, "/photos", Rule::TooMuch);
}

fn withdrawal(b: &Withdrawal, faults: &mut Faults) {
    faults.text("/reason", fault_of_required(&b.reason, TEXT_CHARS_MAX));
}

fn strictly_rising<T: Ord>(list: &[T]) -> bool {
    list.windows(2).all(|pair| pair[0] < pair[1])
}
