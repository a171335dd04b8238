//! A sheet → its reading: one value a field, and every concurrent other value beside it.
//!
//! automerge would pick a winner silently; here a disagreement is part of the reading
//! (填报不一致) until a later write settles it. Equal values written by two people are no
//! disagreement.

use std::collections::BTreeMap;

use automerge::{ROOT, ReadDoc, ScalarValue, Value};

use super::key::{SHEET_OPENED, SHEET_TEMPLATE};
use super::{Document, SheetKey};
use crate::time::Timestamp;

/// A value standing under a field of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldValue {
    /// An outcome.
    Number(u64),
    /// A measured value in thousandths.
    Signed(i64),
    /// A reason or remark.
    Text(String),
    /// Counts or photo hashes, CBOR.
    Bytes(Vec<u8>),
}

/// What stands under one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The value shown: the smallest of those standing, so that every reader shows the same.
    pub value: FieldValue,
    /// The other values written concurrently; not empty means 填报不一致.
    pub others: Vec<FieldValue>,
}

/// A sheet read (检查表读数).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SheetReading {
    /// The catalogue the round answers, once its starter's first change is here.
    pub template: Option<u16>,
    /// When the round was opened.
    pub opened_at: Option<Timestamp>,
    /// Every field that has a value.
    pub fields: BTreeMap<SheetKey, Standing>,
}

impl SheetReading {
    /// The fields on which writers disagree, in key order.
    pub fn contested(&self) -> impl Iterator<Item = (&SheetKey, &Standing)> {
        self.fields.iter().filter(|(_, standing)| !standing.others.is_empty())
    }
}

impl Document {
    /// Reads the document as a sheet; keys that are not a sheet's are ignored.
    #[must_use]
    pub fn read_sheet(&self) -> SheetReading {
        let mut reading = SheetReading::default();
        let doc = self.inner();
        for key in doc.keys(ROOT) {
            let Ok(values) = doc.get_all(ROOT, key.as_str()) else { continue };
            let mut values: Vec<FieldValue> = values.iter().filter_map(|(v, _)| field_value(v)).collect();
            values.sort_unstable();
            values.dedup();
            let mut values = values.into_iter();
            let Some(value) = values.next() else { continue };
            match (key.as_str(), &value) {
                (SHEET_TEMPLATE, FieldValue::Number(n)) => reading.template = u16::try_from(*n).ok(),
                (SHEET_OPENED, FieldValue::Signed(ms)) => reading.opened_at = Some(Timestamp::from_ms(*ms)),
                (text, _) => {
                    if let Ok(key) = text.parse() {
                        reading.fields.insert(key, Standing { value, others: values.collect() });
                    }
                }
            }
        }
        reading
    }

    /// The records of a book, by key; what is not a record is ignored.
    #[must_use]
    pub fn read_book(&self) -> Vec<(super::Kind, crate::id::RecordId, Vec<u8>)> {
        let doc = self.inner();
        doc.keys(ROOT)
            .filter_map(|key| {
                let (kind, id) = super::key::parse_record_key(&key)?;
                let (value, _) = doc.get(ROOT, key.as_str()).ok()??;
                match value {
                    Value::Scalar(v) => match v.as_ref() {
                        ScalarValue::Bytes(b) => Some((kind, id, b.clone())),
                        _ => None,
                    },
                    Value::Object(_) => None,
                }
            })
            .collect()
    }
}

fn field_value(value: &Value<'_>) -> Option<FieldValue> {
    let Value::Scalar(value) = value else { return None };
    match value.as_ref() {
        ScalarValue::Uint(n) => Some(FieldValue::Number(*n)),
        ScalarValue::Int(n) => Some(FieldValue::Signed(*n)),
        ScalarValue::Str(s) => Some(FieldValue::Text(s.to_string())),
        ScalarValue::Bytes(b) => Some(FieldValue::Bytes(b.clone())),
        _ => None,
    }
}
