//! The first change of a document: a pure function of its id.
//!
//! Anyone computes it, nobody uploads it, so a phone offline on 1 January can write in
//! a book nobody has opened yet, and two phones that do so start from the same bytes.
//! Its bytes are a golden: they may never change (precise rule 2).

use core::num::NonZeroU64;

use automerge::legacy::{Key, ObjectId, Op, OpType};
use automerge::{Change, ExpandedChange, ScalarValue};

use super::key::LAYOUT;
use crate::id::{ActorId, ChangeHash, DocId, derived};

/// The layout of keys and values this build writes.
pub const LAYOUT_VERSION: u64 = 1;

/// A document's first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// The change's bytes.
    pub raw: Vec<u8>,
    /// Its hash; counts as known in every document of that id.
    pub hash: ChangeHash,
    /// Its highest operation counter.
    pub max_op: u64,
}

/// The first change of the document `doc`: actor derived from the id, seq 1, time 0, no dependencies.
#[must_use]
pub fn first_change(doc: DocId) -> First {
    let change = built(doc);
    First { raw: change.raw_bytes().to_vec(), hash: ChangeHash(change.hash().0), max_op: change.max_op() }
}

/// The actor of a document's first change; no device ever derives the same one.
#[must_use]
pub fn first_actor(doc: DocId) -> ActorId {
    ActorId(derived("louan/first/1", &[doc.as_bytes()]))
}

pub(super) fn built(doc: DocId) -> Change {
    Change::from(ExpandedChange {
        operations: vec![put(LAYOUT, ScalarValue::Uint(LAYOUT_VERSION))],
        actor_id: automerge::ActorId::from(first_actor(doc).as_bytes()),
        hash: None,
        seq: 1,
        start_op: NonZeroU64::MIN,
        time: 0,
        message: None,
        deps: Vec::new(),
        extra_bytes: Vec::new(),
        author: None,
    })
}

/// A put at a fresh key of the root map.
pub(super) fn put(key: &str, value: ScalarValue) -> Op {
    Op {
        action: OpType::Put(value),
        obj: ObjectId::Root,
        key: Key::Map(key.into()),
        pred: Vec::new().into(),
        insert: false,
    }
}
