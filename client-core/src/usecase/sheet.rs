//! A round's sheet as this phone sees it: the document, with taps not yet in it on top.
//!
//! Several values under one key mean that writers disagree; a later tap settles it. What
//! cannot be deleted is cleared: an empty text, an empty list, a measure of
//! [`MEASURE_CLEARED`].

use std::collections::BTreeMap;

use louan_schema::code::Outcome;
use louan_schema::doc::guard::guarded;
use louan_schema::doc::read::{FieldValue, SheetReading};
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document, Field, SheetKey};
use louan_schema::id::{BlobHash, BuildingId};
use louan_schema::policy::ItemCode;
use louan_schema::time::Timestamp;

use crate::error::Error;
use crate::store::{Reader, RoundRow};
use crate::view::AnswerView;

/// A measure that was taken back.
pub(crate) const MEASURE_CLEARED: i64 = i64::MIN;

/// What stands under one key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    /// The values standing, each once; more than one means that writers disagree.
    pub values: Vec<FieldValue>,
    /// It was tapped here and is in no change yet.
    pub unsent: bool,
}

/// A sheet read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sheet {
    /// When the round was opened, once its starter's first change is here.
    pub opened_at: Option<Timestamp>,
    /// Every key that has a value.
    pub cells: BTreeMap<SheetKey, Cell>,
}

/// The document with everything that is not returned; nothing when this phone has none of it.
/// A change that waits for another is left out until that one comes; so is one that automerge fails on.
pub(crate) fn load_document(r: &Reader<'_>, descriptor: &Descriptor) -> Result<Option<Document>, Error> {
    let doc = descriptor.doc_id();
    let Some(row) = r.find_doc(doc)? else { return Ok(None) };
    let mut document = match &row.snapshot {
        Some(bytes) => Document::load_guarded(bytes)?,
        None => Document::fresh(doc),
    };
    for change in r.tail(doc)? {
        if let Ok(longer) = document.with(&change.raw) {
            document = longer;
        }
    }
    Ok(Some(document))
}

/// What stands on a sheet.
pub(crate) fn reading(document: &Document) -> Result<SheetReading, Error> {
    Ok(guarded(|| Ok(document.read_sheet()))?)
}

/// The document a round's sheet is.
pub(crate) const fn descriptor(round: &RoundRow) -> Descriptor {
    Descriptor::Sheet { site: round.site, org: round.org, round: round.id }
}

/// Reads a round's sheet.
pub(crate) fn read(r: &Reader<'_>, round: &RoundRow) -> Result<Sheet, Error> {
    let mut sheet = Sheet::default();
    if let Some(document) = load_document(r, &descriptor(round))? {
        let reading = reading(&document)?;
        sheet.opened_at = reading.opened_at;
        for (key, standing) in reading.fields {
            let mut values = vec![standing.value];
            values.extend(standing.others);
            sheet.cells.insert(key, Cell { values, unsent: false });
        }
    }
    for row in r.list_open_taps(round.id)? {
        if let Some((key, value)) = parts(row.tap) {
            sheet.cells.insert(key, Cell { values: vec![value], unsent: true });
        }
    }
    Ok(sheet)
}

fn parts(tap: Tap) -> Option<(SheetKey, FieldValue)> {
    match tap {
        Tap::Template(_) | Tap::Opened(_) => None,
        Tap::Number(key, n) => Some((key, FieldValue::Number(n))),
        Tap::Signed(key, n) => Some((key, FieldValue::Signed(n))),
        Tap::Text(key, text) => Some((key, FieldValue::Text(text))),
        Tap::Bytes(key, bytes) => Some((key, FieldValue::Bytes(bytes))),
    }
}

/// The tap that puts a value.
pub(crate) fn tap(key: SheetKey, value: FieldValue) -> Tap {
    match value {
        FieldValue::Number(n) => Tap::Number(key, n),
        FieldValue::Signed(n) => Tap::Signed(key, n),
        FieldValue::Text(text) => Tap::Text(key, text),
        FieldValue::Bytes(bytes) => Tap::Bytes(key, bytes),
    }
}

/// The value that means "nothing" under a field.
pub(crate) fn cleared(field: Field) -> FieldValue {
    match field {
        Field::Outcome => FieldValue::Number(0),
        Field::Measure => FieldValue::Signed(MEASURE_CLEARED),
        Field::Reason | Field::Note => FieldValue::Text(String::new()),
        Field::Counts | Field::Photos => FieldValue::Bytes(empty_list()),
    }
}

fn empty_list() -> Vec<u8> {
    minicbor::to_vec(Vec::<u32>::new()).unwrap_or_default()
}

impl Sheet {
    /// The answers, by place, item and floor.
    pub(crate) fn answers(&self) -> Vec<AnswerView> {
        let mut answers: BTreeMap<(Option<BuildingId>, ItemCode, Option<String>), AnswerView> =
            BTreeMap::new();
        for (key, cell) in &self.cells {
            let about = (key.place, key.item, key.floor.clone());
            let answer =
                answers.entry(about).or_insert_with(|| blank(key.place, key.item, key.floor.clone()));
            answer.contested |= cell.values.len() > 1;
            answer.unsent |= cell.unsent;
            fill(answer, key.field, &cell.values);
        }
        answers.into_values().collect()
    }
}

/// An answer with nothing in it.
pub(crate) const fn blank(building: Option<BuildingId>, item: ItemCode, floor: Option<String>) -> AnswerView {
    AnswerView {
        building,
        item,
        floor,
        outcome: None,
        reason: None,
        note: None,
        counts: None,
        measure_milli: None,
        photos: Vec::new(),
        contested: false,
        unsent: false,
    }
}

fn fill(answer: &mut AnswerView, field: Field, values: &[FieldValue]) {
    if field == Field::Outcome {
        // Where writers disagree the worst is shown: the smallest number would hide a hazard.
        let outcomes = values.iter().filter_map(|value| match value {
            FieldValue::Number(n) => u8::try_from(*n).ok().and_then(Outcome::from_number),
            _ => None,
        });
        answer.outcome = outcomes.reduce(worst);
        return;
    }
    match (field, values.first()) {
        (Field::Measure, Some(FieldValue::Signed(n))) => {
            answer.measure_milli = (*n != MEASURE_CLEARED).then_some(*n);
        }
        (Field::Reason, Some(FieldValue::Text(text))) => answer.reason = present(text),
        (Field::Note, Some(FieldValue::Text(text))) => answer.note = present(text),
        (Field::Counts, Some(FieldValue::Bytes(bytes))) => {
            answer.counts = minicbor::decode(bytes).ok().filter(|counts: &Vec<u32>| !counts.is_empty());
        }
        (Field::Photos, Some(FieldValue::Bytes(bytes))) => {
            answer.photos = minicbor::decode::<Vec<BlobHash>>(bytes).unwrap_or_default();
        }
        _ => {}
    }
}

/// The worse of two outcomes, as the fold of a round counts them: a failure outweighs a pass, a pass
/// outweighs "does not apply".
pub(crate) const fn worst(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (Outcome::Fail, _) | (_, Outcome::Fail) => Outcome::Fail,
        (Outcome::Pass, _) | (_, Outcome::Pass) => Outcome::Pass,
        (Outcome::NotApplicable, Outcome::NotApplicable) => Outcome::NotApplicable,
    }
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
