//! Records and taps → the smallest change.
//!
//! A record's change needs no open document: it depends on the same actor's previous
//! change or on the first change only (precise rule 4), so the writer's tip is enough.
//! Header time is always 0 and there is no message: the only clock a record carries is
//! the one inside it, and equal content gives equal bytes.

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use automerge::legacy::{Op, OpId};
use automerge::{Automerge, Change, ExpandedChange, ROOT, ReadDoc, ScalarValue};

use super::first::{first_change, put};
use super::guard::guarded;
use super::key::{SheetKey, record_key};
use super::scan::{ScanFault, scan};
use super::{CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, Descriptor, Document, DocumentError, Kind};
use crate::id::{ActorId, ChangeHash, RecordId};

/// The last change of one actor in one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Sequence number, from 1.
    pub seq: u64,
    /// The change's hash.
    pub hash: ChangeHash,
    /// The change's highest operation counter.
    pub max_op: u64,
}

/// A change just written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The bytes to keep and to send.
    pub raw: Vec<u8>,
    /// Where the actor stands now.
    pub tip: Tip,
}

/// Writes the change that puts a record's bytes at its fresh key.
///
/// `tip` is the actor's previous change in this document, `None` before its first.
///
/// # Errors
/// [`DocumentError::TooLarge`] when the change would exceed 64 KiB; nothing is written then.
pub fn record_change(
    doc: &Descriptor,
    actor: ActorId,
    tip: Option<Tip>,
    (kind, id): (Kind, RecordId),
    bytes: Vec<u8>,
) -> Result<Written, DocumentError> {
    let (seq, dep, max_op) = tip.map_or_else(
        || {
            let first = first_change(doc.doc_id());
            (0, first.hash, first.max_op)
        },
        |tip| (tip.seq, tip.hash, tip.max_op),
    );
    let change = Change::from(ExpandedChange {
        operations: vec![put(&record_key(kind, id), ScalarValue::Bytes(bytes))],
        actor_id: automerge::ActorId::from(actor.as_bytes()),
        hash: None,
        seq: seq + 1,
        start_op: NonZeroU64::MIN.saturating_add(max_op),
        time: 0,
        message: None,
        deps: vec![automerge::ChangeHash(dep.0)],
        extra_bytes: Vec::new(),
        author: None,
    });
    written(&change)
}

/// One value to put on a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tap {
    /// The catalogue the round answers; only the starter's first change carries it.
    Template(u16),
    /// When the round was opened, milliseconds since 1970.
    Opened(i64),
    /// A number under an answer's key (outcome).
    Number(SheetKey, u64),
    /// A signed number under an answer's key (measure).
    Signed(SheetKey, i64),
    /// Text under an answer's key (reason, note).
    Text(SheetKey, String),
    /// CBOR under an answer's key (counts, photos).
    Bytes(SheetKey, Vec<u8>),
}

impl Tap {
    fn parts(&self) -> (String, ScalarValue) {
        match self {
            Self::Template(v) => (super::key::SHEET_TEMPLATE.to_owned(), ScalarValue::Uint(u64::from(*v))),
            Self::Opened(at) => (super::key::SHEET_OPENED.to_owned(), ScalarValue::Int(*at)),
            Self::Number(key, v) => (key.to_string(), ScalarValue::Uint(*v)),
            Self::Signed(key, v) => (key.to_string(), ScalarValue::Int(*v)),
            Self::Text(key, v) => (key.to_string(), ScalarValue::Str(v.as_str().into())),
            Self::Bytes(key, v) => (key.to_string(), ScalarValue::Bytes(v.clone())),
        }
    }
}

/// Folds taps into one change on the open sheet `document`, which then contains it; `None` when there are none.
/// Whether a tap is worth writing that repeats what stands there is the caller's to say: see [`Document::stands_by`].
///
/// How large the change becomes is not the writer's to say alone: it names every value that it replaces, and those
/// are others'. It is measured as the office will measure it ([`scan`]).
///
/// # Errors
/// One of which [`DocumentError::is_too_much`] is true when the office would not take it for its size: in smaller
/// parts it fits, a single tap always does. [`DocumentError::Automerge`] or [`DocumentError::Panicked`] when automerge
/// refuses. The document is untouched then.
pub fn sheet_change(
    document: &mut Document,
    actor: ActorId,
    taps: &[Tap],
) -> Result<Option<Written>, DocumentError> {
    let mut copy = document.clone();
    let written = guarded(|| folded(copy.inner_mut(), actor, taps))?;
    if written.is_some() {
        *document = copy;
    }
    Ok(written)
}

/// The change is laid out here and not by a transaction of automerge: where several values stand and the one put is the
/// one automerge would show, a transaction writes no value but deletes the others, and the office takes no deletion.
fn folded(inner: &mut Automerge, actor: ActorId, taps: &[Tap]) -> Result<Option<Written>, DocumentError> {
    let actor = automerge::ActorId::from(actor.as_bytes());
    inner.set_actor(actor.clone());
    let own = inner.get_last_local_change().map(|change| (change.seq(), change.hash()));
    let deps = dependencies(inner, own.map(|(_, hash)| hash));
    let parts: Vec<(String, ScalarValue)> = taps.iter().map(Tap::parts).collect();
    // Of two taps under one key the later is meant: a change puts one value under a key.
    let latest: BTreeMap<&str, usize> =
        parts.iter().enumerate().map(|(i, (key, _))| (key.as_str(), i)).collect();
    let mut operations: Vec<Op> = Vec::with_capacity(latest.len());
    for (i, (key, value)) in parts.iter().enumerate() {
        if latest.get(key.as_str()) != Some(&i) {
            continue;
        }
        let standing = inner.get_all_at(ROOT, key.as_str(), &deps)?;
        let replaced = standing.iter().filter_map(|(_, id)| match id {
            automerge::ObjId::Id(counter, actor, _) => Some(OpId::new(*counter, actor)),
            automerge::ObjId::Root => None,
        });
        operations.push(Op { pred: replaced.collect(), ..put(key, value.clone()) });
    }
    if operations.is_empty() {
        return Ok(None);
    }
    let max_ops = deps.iter().filter_map(|dep| inner.get_change_meta_by_hash(dep)).map(|meta| meta.max_op);
    let change = Change::from(ExpandedChange {
        operations,
        actor_id: actor,
        hash: None,
        seq: own.map_or(0, |(seq, _)| seq) + 1,
        start_op: NonZeroU64::MIN.saturating_add(max_ops.max().unwrap_or(0)),
        time: 0,
        message: None,
        deps,
        extra_bytes: Vec::new(),
        author: None,
    });
    let written = written(&change)?;
    match scan(&written.raw) {
        Ok(_) => {}
        Err(ScanFault::TooManyOps) => return Err(DocumentError::TooMany),
        Err(_) => return Err(DocumentError::Broken("a change just written is none that the office takes")),
    }
    inner.apply_changes([change])?;
    Ok(Some(written))
}

impl Document {
    /// The change by which just what this tap says stands on the sheet; `None` when something else stands there,
    /// or beside it.
    #[must_use]
    pub fn stands_by(&self, tap: &Tap) -> Option<ChangeHash> {
        let (key, value) = tap.parts();
        let standing = self.inner().get_all(ROOT, key.as_str()).ok()?;
        let [(automerge::Value::Scalar(only), id)] = standing.as_slice() else { return None };
        let by = self.inner().hash_for_opid(id).filter(|_| **only == value)?;
        Some(ChangeHash(by.0))
    }
}

/// What a change depends on: every head, and its writer's own last change. When those are more than a change may name:
/// that one and the heads that count furthest. However many contradict each other, an honest tap gets in; what it has
/// not merged stays beside it until a later one does.
fn dependencies(inner: &Automerge, own: Option<automerge::ChangeHash>) -> Vec<automerge::ChangeHash> {
    let mut deps = inner.get_heads();
    let own = own.filter(|own| !deps.contains(own));
    if deps.len() + usize::from(own.is_some()) > CHANGE_DEPS_MAX {
        // The furthest must be among them, because the next operation is counted from it.
        let max_op =
            |hash: &automerge::ChangeHash| inner.get_change_meta_by_hash(hash).map(|meta| meta.max_op);
        let mine = |hash: &automerge::ChangeHash| {
            inner.get_change_meta_by_hash(hash).is_some_and(|meta| *meta.actor == *inner.get_actor())
        };
        deps.sort_by_key(|hash| std::cmp::Reverse((mine(hash), max_op(hash))));
        deps.truncate(CHANGE_DEPS_MAX - usize::from(own.is_some()));
    }
    deps.extend(own);
    deps.sort_unstable();
    deps
}

fn written(change: &Change) -> Result<Written, DocumentError> {
    let raw = change.raw_bytes().to_vec();
    if raw.len() > CHANGE_BYTES_MAX {
        return Err(DocumentError::TooLarge(raw.len()));
    }
    let tip = Tip { seq: change.seq(), hash: ChangeHash(change.hash().0), max_op: change.max_op() };
    Ok(Written { raw, tip })
}
