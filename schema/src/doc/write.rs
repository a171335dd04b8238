//! Records and taps → the smallest change.
//!
//! A record's change needs no open document: it depends on the same actor's previous
//! change or on the first change only (precise rule 4), so the writer's tip is enough.
//! Header time is always 0 and there is no message: the only clock a record carries is
//! the one inside it, and equal content gives equal bytes.

use core::num::NonZeroU64;

use automerge::transaction::Transactable;
use automerge::{Automerge, Change, ExpandedChange, PatchLog, ROOT, ScalarValue};

use super::first::{first_change, put};
use super::key::{SheetKey, record_key};
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

/// Folds taps into one change on the open sheet `document`, which then contains it.
/// Taps that repeat what stands there make no operation; `None` when nothing is left.
///
/// # Errors
/// [`DocumentError::TooLarge`] above 64 KiB, [`DocumentError::Automerge`] when automerge refuses.
pub fn sheet_change(
    document: &mut Document,
    actor: ActorId,
    taps: &[Tap],
) -> Result<Option<Written>, DocumentError> {
    let inner = document.inner_mut();
    inner.set_actor(automerge::ActorId::from(actor.as_bytes()));
    let mut tx = match too_many_to_merge(inner) {
        None => inner.transaction(),
        Some(deps) => inner
            .transaction_at(PatchLog::inactive(), &deps)
            .map_err(|_| DocumentError::Broken("a sheet refused to be written at some of its heads"))?,
    };
    for tap in taps {
        let (key, value) = tap.parts();
        if let Err(e) = tx.put(ROOT, key, value) {
            tx.rollback();
            return Err(e.into());
        }
    }
    if tx.pending_ops() == 0 {
        tx.rollback();
        return Ok(None);
    }
    let options = automerge::transaction::CommitOptions::default().with_time(0);
    tx.commit_with(options);
    let change = inner.get_last_local_change().ok_or(DocumentError::Broken("a commit left no change"))?;
    written(&change).map(Some)
}

/// What a change depends on when the sheet has more heads than a change may name: its writer's own last
/// change and the heads that count furthest. However many contradict each other, an honest tap gets in;
/// what it has not merged stays beside it until a later one does.
fn too_many_to_merge(inner: &Automerge) -> Option<Vec<automerge::ChangeHash>> {
    let mut deps = inner.get_heads();
    let own = inner.get_last_local_change().map(|change| change.hash()).filter(|own| !deps.contains(own));
    if deps.len() + usize::from(own.is_some()) <= CHANGE_DEPS_MAX {
        return None;
    }
    // The furthest must be among them, because the next operation is counted from it.
    let max_op = |hash: &automerge::ChangeHash| inner.get_change_meta_by_hash(hash).map(|meta| meta.max_op);
    let mine = |hash: &automerge::ChangeHash| {
        inner.get_change_meta_by_hash(hash).is_some_and(|meta| *meta.actor == *inner.get_actor())
    };
    deps.sort_by_key(|hash| std::cmp::Reverse((mine(hash), max_op(hash))));
    deps.truncate(CHANGE_DEPS_MAX - usize::from(own.is_some()));
    deps.extend(own);
    Some(deps)
}

fn written(change: &Change) -> Result<Written, DocumentError> {
    let raw = change.raw_bytes().to_vec();
    if raw.len() > CHANGE_BYTES_MAX {
        return Err(DocumentError::TooLarge(raw.len()));
    }
    let tip = Tip { seq: change.seq(), hash: ChangeHash(change.hash().0), max_op: change.max_op() };
    Ok(Written { raw, tip })
}
