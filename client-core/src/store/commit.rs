//! What one local change writes, as one value.
//!
//! The change goes to its document's tail, the actor moves on and the outbox gets a row,
//! all in the caller's transaction together with the view rows. A change that is not in
//! the outbox does not exist; one that is stays there for ever, in exactly one state.

use louan_schema::doc::{ActorLife, Descriptor, Tip, Written};
use louan_schema::id::{ActorId, DeviceId, DocId, Incarnation, PersonId, RecordId};
use louan_schema::time::Timestamp;

use super::{Meta, Reader, StoreError, Writer};

/// The actor a change was written under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    pub device: DeviceId,
    pub incarnation: Incarnation,
    pub n: u32,
    /// Where it stands; nothing before its first change.
    pub tip: Option<Tip>,
}

/// A change just written, with all that must be kept of it.
#[derive(Debug)]
pub(crate) struct LocalChange<'a> {
    pub person: PersonId,
    pub descriptor: Descriptor,
    pub actor: Actor,
    pub written: &'a Written,
    /// The record it puts; nothing for a fold of taps.
    pub record: Option<RecordId>,
    pub written_at: Timestamp,
}

impl LocalChange<'_> {
    /// Writes the change; returns its row in the outbox.
    pub(crate) fn commit(&self, w: &Writer<'_>) -> Result<i64, StoreError> {
        let doc = self.descriptor.doc_id();
        w.ensure_doc(&self.descriptor)?;
        w.insert_tail(doc, self.written.tip.hash, &self.written.raw)?;
        w.set_actor(doc, &self.actor, self.written.tip)?;
        w.insert_outbox(self)
    }

    /// Puts the change in the place of one that was refused only for its actor.
    pub(crate) fn rewrite(&self, w: &Writer<'_>, local_seq: i64) -> Result<(), StoreError> {
        let doc = self.descriptor.doc_id();
        w.insert_tail(doc, self.written.tip.hash, &self.written.raw)?;
        w.set_actor(doc, &self.actor, self.written.tip)?;
        w.rewrite_outbox(local_seq, self)
    }
}

impl Actor {
    /// The actor under which this phone writes a document now: the last one, or the next number
    /// when that one is burnt or of another life of this store.
    pub(crate) fn current(r: &Reader<'_>, doc: DocId) -> Result<Self, StoreError> {
        let missing = |what: &str| StoreError::Unreadable(format!("the phone has no {what}"));
        let device: DeviceId = r.meta(Meta::Device)?.ok_or_else(|| missing("device"))?;
        let incarnation: Incarnation = r.meta(Meta::Incarnation)?.ok_or_else(|| missing("incarnation"))?;
        Ok(match r.last_actor(doc)? {
            None => Self { device, incarnation, n: 0, tip: None },
            Some((last, burnt)) if !burnt && last.device == device && last.incarnation == incarnation => last,
            Some((last, _)) => Self { device, incarnation, n: last.n + 1, tip: None },
        })
    }

    /// The actor's id in a document.
    pub(crate) fn id(&self, doc: DocId) -> ActorId {
        ActorLife { device: self.device, incarnation: self.incarnation, n: self.n }.actor(doc)
    }
}
