//! What a change does, judged with automerge — only ever inside a worker.
//!
//! automerge may panic, exhaust memory or overflow the stack on hostile input; this room
//! assumes that it does, and leaves surviving it to the process that calls it. It demands
//! more than automerge does: a book change must be, byte for byte, what [`super::write`]
//! would have written for its content; a sheet change may only put scalars at known keys
//! over what its writer saw there. Whatever passes is applied to a copy, saved and loaded
//! again before anybody may call it accepted.

use std::collections::BTreeSet;

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{Automerge, Change, ExpandedChange, ROOT, ReadDoc, ScalarValue};

use super::guard::caught;
use super::key::{Field, SHEET_OPENED, SHEET_TEMPLATE, SheetKey, parse_record_key};
use super::scan::RecordPut;
use super::write::{Tip, record_change};
use super::{Descriptor, Document, LIVE_CONFLICTS_MAX};
use crate::id::{ActorId, ChangeHash};
use crate::policy::Policy;
use crate::record::{Record, check};
use crate::wire::Code;

/// A document's changes to be judged together.
#[derive(Debug)]
pub struct Case<'a> {
    /// What the document is about.
    pub descriptor: Descriptor,
    /// The document as last saved; nothing for one that has only its first change.
    pub snapshot: Option<&'a [u8]>,
    /// Changes that passed [`super::scan`] and fit the log, in order of arrival.
    pub changes: &'a [Vec<u8>],
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// One verdict a change, in the order given.
    pub verdicts: Vec<Result<(), Code>>,
    /// The document with every accepted change, saved, and proven to load.
    pub snapshot: Vec<u8>,
}

/// Judges a case.
///
/// # Errors
/// [`Code::Unreadable`] when the saved document itself does not load: it must then be
/// rebuilt from the log before anything can be judged.
pub fn judge(case: &Case<'_>) -> Result<Judged, Code> {
    let doc_id = case.descriptor.doc_id();
    let mut document = match case.snapshot {
        Some(bytes) => guarded(|| Document::load(bytes).map_err(|_| Code::Unreadable))?,
        None => Document::fresh(doc_id),
    };
    let mut verdicts: Vec<Result<(), Code>> = Vec::with_capacity(case.changes.len());
    let before = document.clone();
    let mut passed = Vec::new();
    for (i, raw) in case.changes.iter().enumerate() {
        let verdict = guarded(|| {
            admissible(&case.descriptor, document.inner(), raw)?;
            // A change that breaks a document breaks the copy, never the original.
            let mut copy = document.clone();
            copy.add(raw).map_err(|_| Code::Unreadable)?;
            Ok(copy)
        });
        match verdict {
            Ok(copy) => {
                document = copy;
                passed.push(i);
                verdicts.push(Ok(()));
            }
            Err(code) => verdicts.push(Err(code)),
        }
    }
    if let Some(snapshot) = survives(&document) {
        return Ok(Judged { verdicts, snapshot });
    }
    // Somebody among those that passed makes the document unloadable: find out who.
    let mut document = before;
    let mut snapshot = survives(&document).ok_or(Code::Unreadable)?;
    for i in passed {
        let mut copy = document.clone();
        let kept = guarded(|| {
            copy.add(&case.changes[i]).map_err(|_| Code::Unreadable)?;
            survives(&copy).ok_or(Code::ReloadFailed)
        });
        match kept {
            Ok(bytes) => {
                snapshot = bytes;
                document = copy;
            }
            Err(code) => verdicts[i] = Err(code),
        }
    }
    Ok(Judged { verdicts, snapshot })
}

/// The document saved, if it comes back when loaded.
pub(super) fn survives(document: &Document) -> Option<Vec<u8>> {
    document.save_proven().ok()
}

pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, Code>) -> Result<T, Code> {
    caught(Code::Panicked, act)
}

fn admissible(descriptor: &Descriptor, document: &Automerge, raw: &[u8]) -> Result<(), Code> {
    let change = Change::from_bytes(raw.to_vec()).map_err(|_| Code::Malformed)?;
    for dep in change.deps() {
        document.get_change_meta_by_hash(dep).ok_or(Code::MissingDep)?;
    }
    let expanded = change.decode();
    match descriptor {
        Descriptor::Book { .. } => {
            let put = record_put(&expanded)?;
            let record = Record::from_bytes(&put.bytes).map_err(|_| Code::Schema)?;
            if record.body.kind() != put.kind || !check(&record, Policy::qijiang_2020()).is_empty() {
                return Err(Code::Schema);
            }
            canonical(descriptor, &expanded, &put, raw)
        }
        Descriptor::Sheet { .. } => sheet(document, &expanded),
    }
}

/// Takes a book change apart.
///
/// # Errors
/// [`Code::Schema`] for anything but one put of bytes at a record's key of the root map,
/// [`Code::UnknownObject`] and [`Code::BadPred`] where it reaches further.
fn record_put(change: &ExpandedChange) -> Result<RecordPut, Code> {
    let [op] = change.operations.as_slice() else { return Err(Code::Schema) };
    if op.obj != ObjectId::Root {
        return Err(Code::UnknownObject);
    }
    if !op.pred.is_empty() {
        return Err(Code::BadPred);
    }
    let (Key::Map(key), OpType::Put(ScalarValue::Bytes(bytes)), false) = (&op.key, &op.action, op.insert)
    else {
        return Err(Code::Schema);
    };
    let (kind, id) = parse_record_key(key).ok_or(Code::Schema)?;
    Ok(RecordPut { kind, id, bytes: bytes.clone() })
}

/// Refuses every spelling of a book change but the one [`record_change`] writes.
fn canonical(
    descriptor: &Descriptor,
    change: &ExpandedChange,
    put: &RecordPut,
    raw: &[u8],
) -> Result<(), Code> {
    let actor = ActorId::from_slice(change.actor_id.to_bytes()).map_err(|_| Code::ActorMismatch)?;
    let [dep] = change.deps.as_slice() else { return Err(Code::MissingDep) };
    let tip = (change.seq > 1).then(|| Tip {
        seq: change.seq - 1,
        hash: ChangeHash(dep.0),
        max_op: change.start_op.get() - 1,
    });
    let again = record_change(descriptor, actor, tip, (put.kind, put.id), put.bytes.clone());
    match again {
        Ok(written) if written.raw == raw => Ok(()),
        _ => Err(Code::NotCanonical),
    }
}

fn sheet(document: &Automerge, change: &ExpandedChange) -> Result<(), Code> {
    let mut keys = BTreeSet::new();
    for op in &change.operations {
        if op.obj != ObjectId::Root {
            return Err(Code::UnknownObject);
        }
        let (Key::Map(key), OpType::Put(value), false) = (&op.key, &op.action, op.insert) else {
            return Err(Code::Schema);
        };
        if !may_stand(key, value) {
            return Err(Code::Schema);
        }
        // The second put of one change would have to replace the first, and a fold writes a key once:
        // thousands of values side by side must not come out of a single change (C19).
        if !keys.insert(key) {
            return Err(Code::BadPred);
        }
        let standing = document.get_all_at(ROOT, key.as_str(), &change.deps).map_err(|_| Code::BadPred)?;
        let mut seen: Vec<_> = standing.iter().map(|(_, id)| id.to_string()).collect();
        let mut named: Vec<_> = op.pred.iter().map(|p| format!("{}@{}", p.0, p.1)).collect();
        seen.sort_unstable();
        named.sort_unstable();
        // An honest writer replaces exactly what he saw under this key: neither less nor something else.
        if seen != named {
            return Err(Code::BadPred);
        }
        let now = document.get_all(ROOT, key.as_str()).map_err(|_| Code::BadPred)?;
        // What others have meanwhile put there stays; what was seen and still stands is replaced.
        let beside = now.iter().filter(|(_, id)| !seen.contains(&id.to_string())).count();
        if beside >= LIVE_CONFLICTS_MAX {
            return Err(Code::ConflictFlood);
        }
    }
    Ok(())
}

/// Whether a value may stand under a key of a sheet.
fn may_stand(key: &str, value: &ScalarValue) -> bool {
    use crate::record::text::{NOTE_CHARS_MAX, fault_of};
    match (key, value) {
        (SHEET_TEMPLATE, ScalarValue::Uint(v)) => *v == u64::from(Policy::qijiang_2020().catalogue()),
        (SHEET_OPENED, ScalarValue::Int(_)) => true,
        (SHEET_TEMPLATE | SHEET_OPENED, _) => false,
        _ => {
            let Ok(key) = key.parse::<SheetKey>() else { return false };
            let known = Policy::qijiang_2020().check_item(key.item).is_some();
            known
                && match (key.field, value) {
                    (Field::Outcome, ScalarValue::Uint(v)) => *v <= 2,
                    (Field::Measure, ScalarValue::Int(_)) => true,
                    (Field::Reason | Field::Note, ScalarValue::Str(s)) => {
                        fault_of(s, NOTE_CHARS_MAX).is_none()
                    }
                    (Field::Counts, ScalarValue::Bytes(b)) => b.len() <= 256,
                    (Field::Photos, ScalarValue::Bytes(b)) => b.len() <= 256,
                    _ => false,
                }
        }
    }
}
