//! An office that keeps the rules of the log and refuses on top whatever a test whims.
//!
//! It checks what the real gate checks first: the actor, its number, its sequence, known
//! dependencies, fresh keys. What the operations do is none of its business.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::{ActorLife, Descriptor, Document, first_change};
use louan_schema::id::{ActorId, ChangeHash, DeviceId, DocId, Incarnation, RecordId};
use louan_schema::wire::{Batch, Code, Disposition, Item, SyncRequest, Verdict};

/// A log with the rules every change must fit.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Position, document and bytes of every change taken, in order.
    pub log: Vec<(ChangeHash, Descriptor, Vec<u8>)>,
    actors: BTreeMap<ActorId, Vec<ChangeHash>>,
    numbers: BTreeMap<(Incarnation, DocId), u32>,
    keys: BTreeMap<(DocId, RecordId), Vec<u8>>,
    held: BTreeMap<ChangeHash, Held>,
}

#[derive(Debug, Clone)]
struct Held {
    code: Code,
    actor: ActorId,
    number: ((Incarnation, DocId), u32),
    descriptor: Descriptor,
    record: Option<(RecordId, Vec<u8>)>,
    raw: Vec<u8>,
}

impl Gate {
    /// Answers a request; `whim` may refuse a change that fits.
    pub fn answer(
        &mut self,
        device: DeviceId,
        request: &SyncRequest,
        mut whim: impl FnMut() -> Option<Code>,
    ) -> Vec<Vec<Verdict>> {
        let mut broken = BTreeSet::new();
        let mut answers = Vec::new();
        for batch in &request.batches {
            let mut verdicts = Vec::new();
            for at in 0..batch.changes.len() {
                verdicts.push(self.judge(device, batch, at, &mut broken, &mut whim));
            }
            answers.push(verdicts);
        }
        answers
    }

    pub fn position(&self, hash: ChangeHash) -> Option<u64> {
        self.log.iter().position(|(h, ..)| *h == hash).and_then(|at| u64::try_from(at + 1).ok())
    }

    /// Every document whole, as a bootstrap brings it.
    pub fn snapshots(&self) -> Vec<Item> {
        let mut documents: BTreeMap<Descriptor, Document> = BTreeMap::new();
        for (_, descriptor, raw) in &self.log {
            let fresh = || Document::fresh(descriptor.doc_id());
            let document = documents.entry(*descriptor).or_insert_with(fresh);
            document.add(raw).expect("the log's changes fit");
        }
        let item =
            |(doc, document): (Descriptor, Document)| Item::Snapshot { doc, bytes: document.save().into() };
        documents.into_iter().map(item).collect()
    }

    /// Decides the first change held; tells which, and whether it could still be taken.
    pub fn decide(&mut self, take: bool) -> Option<(ChangeHash, bool)> {
        let (hash, held) = self.held.pop_first()?;
        let key = held.record.as_ref().map(|(id, _)| (held.descriptor.doc_id(), *id));
        let taken = take && !key.is_some_and(|key| self.keys.contains_key(&key));
        if taken {
            self.take(hash, &held);
        }
        Some((hash, taken))
    }

    fn take(&mut self, hash: ChangeHash, held: &Held) {
        self.keys.extend(held.record.clone().map(|(id, bytes)| ((held.descriptor.doc_id(), id), bytes)));
        self.actors.entry(held.actor).or_default().push(hash);
        let number = self.numbers.entry(held.number.0).or_default();
        *number = (*number).max(held.number.1);
        self.log.push((hash, held.descriptor, held.raw.clone()));
    }

    pub fn has_record(&self, record: RecordId) -> bool {
        self.keys.keys().any(|(_, id)| *id == record)
    }

    fn judge(
        &mut self,
        device: DeviceId,
        batch: &Batch,
        at: usize,
        broken: &mut BTreeSet<ActorId>,
        whim: &mut impl FnMut() -> Option<Code>,
    ) -> Verdict {
        let change = &batch.changes[at];
        let descriptor = batch.docs[usize::try_from(change.doc).expect("small")];
        let doc = descriptor.doc_id();
        let scanned = scan(&change.raw).expect("a phone writes plain changes");
        if let Some(pos) = self.position(scanned.hash) {
            return Verdict::Duplicate(pos);
        }
        if let Some(held) = self.held.get(&scanned.hash) {
            broken.insert(scanned.actor);
            return Verdict::NotTaken(held.code);
        }
        let life = ActorLife { device, incarnation: batch.incarnation, n: change.n };
        let number = self.numbers.get(&(batch.incarnation, doc)).copied().unwrap_or(0);
        let chain = self.actors.get(&scanned.actor).cloned().unwrap_or_default();
        let next = u64::try_from(chain.len()).expect("small") + 1;
        let first = first_change(doc).hash;
        let known =
            |dep: &ChangeHash| *dep == first || self.log.iter().any(|(h, d, _)| h == dep && *d == descriptor);
        let put = descriptor.is_book().then(|| record_put(&change.raw).expect("a record"));
        let last = chain.last().copied().unwrap_or(first);
        let code = if life.actor(doc) != scanned.actor {
            Some(Code::ActorMismatch)
        } else if change.n < number {
            Some(Code::ActorNumber)
        } else if broken.contains(&scanned.actor) {
            Some(Code::Follows)
        } else if scanned.seq < next {
            Some(Code::CloneDetected)
        } else if scanned.seq > next {
            Some(Code::SeqGap)
        } else if !scanned.deps.iter().all(known) || (descriptor.is_book() && scanned.deps != [last]) {
            Some(Code::MissingDep)
        } else if let Some((put, there)) =
            put.as_ref().and_then(|put| Some((put, self.keys.get(&(doc, put.id))?)))
        {
            Some(if put.bytes == *there { Code::SameRecord } else { Code::KeyExists })
        } else {
            whim()
        };
        let held = Held {
            code: code.unwrap_or(Code::Revoked),
            actor: scanned.actor,
            number: ((batch.incarnation, doc), change.n),
            descriptor,
            record: put.map(|put| (put.id, put.bytes)),
            raw: change.raw.to_vec(),
        };
        if let Some(code) = code {
            broken.insert(scanned.actor);
            if code.disposition() == Disposition::Held {
                self.held.insert(scanned.hash, held);
            }
            return Verdict::NotTaken(code);
        }
        self.take(scanned.hash, &held);
        Verdict::Accepted(u64::try_from(self.log.len()).expect("small"))
    }
}
