//! The gate, stage 1: every change against the state of the log, without automerge.
//!
//! Pure. It decides what can be decided from a change's measured header, the log and the
//! sender's rights; what is left goes to a worker. A change that is not taken takes the
//! later ones of its actor with it, and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;

use louan_schema::code::{Action, Role, may};
use louan_schema::doc::first::First;
use louan_schema::doc::scan::{ScanFault, Scanned};
use louan_schema::doc::{
    ActorLife, DOCUMENT_BYTES_DECIDED_MAX, DOCUMENT_BYTES_MAX, Descriptor, first_change,
};
use louan_schema::id::{ActorId, ChangeHash, PersonId, RecordId};
use louan_schema::record::Record;
use louan_schema::wire::{Code, Disposition, Verdict};

use super::batch::Pushed;
use super::fact;
use crate::storage::commit::Sender;
use crate::storage::log::{ActorState, DocumentState, HeldVerdict, Known};
use crate::storage::registry::Standing;

/// What stage 1 says of one change.
#[derive(Debug, Clone)]
pub enum Stage1 {
    /// Nothing more is to be done.
    Done(Verdict),
    /// The same bytes as the change at this place of the group: the same verdict.
    Repeat(usize),
    /// Not taken.
    NotTaken(Refused),
    /// A worker must judge it.
    Candidate(Box<Candidate>),
}

/// A change not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub code: Code,
    /// The sequence number it claims, 0 when unreadable.
    pub seq: u64,
    /// The actor its envelope gives.
    pub actor: ActorId,
    /// Whether its bytes are kept as evidence or for the office.
    pub keep: bool,
    /// Whether the actor's later changes depend on it.
    pub burns: bool,
}

/// A change that fits the log.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its actor, recomputed.
    pub actor: ActorId,
    /// What it claims about itself, found true.
    pub scanned: Scanned,
    /// The record it puts, in a book.
    pub record: Option<(RecordId, Arc<Record>)>,
}

/// Who may do what here, told before the first change is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Whose batch it is.
    pub person: PersonId,
    /// What he may do, if he is known at all.
    pub role: Option<Role>,
    /// Whether the document is his organisation's.
    pub own_book: bool,
    /// Why nothing of his is taken into this document now, if so.
    pub barred: Option<Code>,
}

/// A person's rights in a document, from his standing and the device's.
#[must_use]
pub fn rights(person: PersonId, descriptor: &Descriptor, standing: &Standing, revoked: bool) -> Rights {
    let Some(row) = &standing.person else {
        return Rights { person, role: None, own_book: false, barred: Some(Code::NotPermitted) };
    };
    let barred = if row.erased {
        Some(Code::Erased)
    } else if !standing.was_linked {
        Some(Code::NotPermitted)
    } else if revoked || !row.active || !standing.linked {
        Some(Code::Revoked)
    } else if row.person.org != descriptor.org() {
        Some(if standing.org_at_contact && standing.visible_at_contact {
            Code::ScopeLost
        } else {
            Code::OutOfScope
        })
    } else if !standing.visible {
        Some(if standing.visible_at_contact { Code::ScopeLost } else { Code::OutOfScope })
    } else {
        None
    };
    let own_book = row.person.org == descriptor.org();
    Rights { person, role: Some(row.person.role), own_book, barred }
}

/// The gate of one document for one batch.
#[derive(Debug)]
pub struct Gate<'a> {
    descriptor: Descriptor,
    sender: &'a Sender,
    rights: Rights,
    state: DocumentState,
    first: First,
    /// Actors with a change not taken in this batch.
    broken: BTreeMap<ActorId, Code>,
    /// Candidates of this batch by hash, with their place in the group.
    fresh: BTreeMap<ChangeHash, usize>,
    /// The office has decided: neither rights nor freezing nor an earlier verdict stand in the way.
    decided: bool,
    /// And it was all that was to be decided by what right the work was done.
    waived: bool,
}

impl<'a> Gate<'a> {
    /// The gate for a batch's changes to a document.
    #[must_use]
    pub fn new(descriptor: Descriptor, sender: &'a Sender, rights: Rights, state: DocumentState) -> Self {
        Self {
            first: first_change(descriptor.doc_id()),
            descriptor,
            sender,
            rights,
            state,
            broken: BTreeMap::new(),
            fresh: BTreeMap::new(),
            decided: false,
            waived: false,
        }
    }

    /// The gate for a change that was held for this reason and that the office wants taken. Of what an earlier life
    /// of the log had taken it has decided by what right that was: no role is asked for again (P9).
    #[must_use]
    pub fn by_decision(mut self, held_for: Code) -> Self {
        self.decided = true;
        self.waived = held_for == Code::TakenBefore;
        self.state.frozen = false;
        self.state.held.clear();
        self.state.n_max = None;
        self.state.actors.values_mut().for_each(|actor| actor.burnt = None);
        self
    }

    /// Judges the changes in order. `quota` is how many more the device may send today.
    pub fn judge(&mut self, pushed: &[Pushed], quota: &mut u32) -> Vec<Stage1> {
        pushed.iter().enumerate().map(|(place, p)| self.next(place, p, quota)).collect()
    }

    fn next(&mut self, place: usize, p: &Pushed, quota: &mut u32) -> Stage1 {
        let life = ActorLife { device: self.sender.device, incarnation: self.sender.incarnation, n: p.n };
        let actor = life.actor(self.descriptor.doc_id());
        if let Some(done) = self.seen_before(p) {
            return done;
        }
        let seq = p.scanned.as_ref().map_or(0, |s| s.seq);
        let mut verdict = self.fresh_change(actor, p).map_err(|code| self.refused(code, actor, seq, p));
        if *quota == 0 && verdict.as_ref().map_or_else(|r| r.keep, |_| true) {
            verdict = Err(self.refused(Code::Quota, actor, seq, p));
        }
        match verdict {
            Err(refused) => {
                *quota = quota.saturating_sub(u32::from(refused.keep));
                if refused.code != Code::ActorMismatch && refused.code.disposition() != Disposition::Retry {
                    self.broken.entry(actor).or_insert(refused.code);
                }
                Stage1::NotTaken(refused)
            }
            Ok(candidate) => {
                *quota -= 1;
                let s = &candidate.scanned;
                self.fresh.insert(p.hash, place);
                self.state.known.insert(p.hash, Known { pos: 0, max_op: s.max_op() });
                let tip = Some((s.seq, p.hash, s.max_op()));
                self.state.actors.insert(actor, ActorState { tip, burnt: None });
                self.state.n_max = self.state.n_max.max(Some(p.n));
                self.state.bytes = self.state.bytes.saturating_add(p.raw.len() as u64);
                Stage1::Candidate(candidate)
            }
        }
    }

    /// What was said of the same bytes before.
    fn seen_before(&self, p: &Pushed) -> Option<Stage1> {
        if p.hash == self.first.hash {
            return Some(Stage1::Done(Verdict::Duplicate(0)));
        }
        if let Some(place) = self.fresh.get(&p.hash) {
            return Some(Stage1::Repeat(*place));
        }
        if let Some(known) = self.state.known.get(&p.hash) {
            return Some(Stage1::Done(Verdict::Duplicate(known.pos)));
        }
        let held = self.state.held.get(&p.hash)?;
        let code = if held.decided == Some(false) { Code::NotPermitted } else { held.code };
        Some(Stage1::Done(Verdict::NotTaken(code)))
    }

    fn refused(&self, code: Code, actor: ActorId, seq: u64, p: &Pushed) -> Refused {
        let own = p.scanned.as_ref().is_ok_and(|s| s.actor == actor);
        let keep = code.disposition() != Disposition::Retry && code != Code::TooLarge;
        // A clone burns nothing of the phone whose life it shares, nor does what follows it;
        // behind a refused change the actor is burnt already.
        let burns = keep && own && !matches!(code, Code::CloneDetected | Code::ActorNumber | Code::Follows);
        Refused { code, seq, actor, keep, burns }
    }

    fn fresh_change(&mut self, actor: ActorId, p: &Pushed) -> Result<Box<Candidate>, Code> {
        let scanned = p.scanned.as_ref().map_err(|fault| code_of(*fault))?;
        if scanned.actor != actor {
            return Err(Code::ActorMismatch);
        }
        // Before anything that is answered with "send it again": it will never be taken (C25).
        if self.rights.barred == Some(Code::Erased) {
            return Err(Code::Erased);
        }
        // Carriers bring a life's actors back in any order; that numbers rise is their author's promise.
        if !p.relayed && self.state.n_max.is_some_and(|n_max| p.n < n_max) {
            return Err(Code::ActorNumber);
        }
        let standing = self.state.actors.get(&actor).copied().unwrap_or_default();
        self.follows(actor, standing.burnt, scanned.seq)?;
        self.fits_actor(standing, scanned)?;
        // Before rights are asked: whoever lost them since shall not be told that it is not here.
        if self.is_stored(p) {
            return Err(Code::SameRecord);
        }
        if let Some(code) = self.rights.barred {
            return Err(self.barred(code, p));
        }
        // Before the document is asked whether it has what the change rests on: a closed one that lost it in a
        // restored log will never get it back, and whoever waits for that waits for ever.
        if self.state.frozen {
            return Err(Code::Frozen);
        }
        self.has_room(p)?;
        self.fits_document(standing, scanned)?;
        let role = self.rights.role.ok_or(Code::NotPermitted)?;
        let role = (!self.waived).then_some(role);
        let record = match &p.record {
            None if role.is_none_or(|role| may(role, Action::SubmitRound)) => None,
            None => return Err(self.refused_before(Code::NotPermitted, p)),
            Some(Err(code)) => return Err(*code),
            Some(Ok((id, record))) => {
                let who = (self.rights.person, role);
                fact::admit(&mut self.state, &self.descriptor, who, (*id, record))
                    .map_err(|code| self.refused_before(code, p))?;
                Some((*id, Arc::clone(record)))
            }
        };
        Ok(Box::new(Candidate { actor, scanned: scanned.clone(), record }))
    }

    /// Whether the document may become so much larger. One that may not be loaded any more, by a worker or by a
    /// phone, is lost to everybody; what is too much for it is held, and a human decides.
    fn has_room(&self, p: &Pushed) -> Result<(), Code> {
        let most = if self.decided { DOCUMENT_BYTES_DECIDED_MAX } else { DOCUMENT_BYTES_MAX };
        let then = self.state.bytes.saturating_add(p.raw.len() as u64);
        if then <= most { Ok(()) } else { Err(Code::DocumentFull) }
    }

    /// What is said of a record that may not stand. What an earlier life of the log had taken was permitted
    /// once: the restored log may lack a role, a colleague, a right given since its backup, or have given the
    /// record's id to somebody who saw it. That is nothing to send back for; a human decides (P9).
    fn refused_before(&self, code: Code, p: &Pushed) -> Code {
        let taken_from_him = code == Code::KeyExists && self.is_anothers(p);
        let doubtful = code == Code::NotPermitted || taken_from_him;
        if doubtful && p.taken_before.is_some() { Code::TakenBefore } else { code }
    }

    /// Whether the id of the record stands in a book of another organisation.
    fn is_anothers(&self, p: &Pushed) -> bool {
        let Some(Ok((id, _))) = &p.record else { return false };
        self.state.records.get(id).is_some_and(|head| head.org != self.descriptor.org())
    }

    /// Whether the log has this very record of this person in this book, by another change: copies of one phone that
    /// went apart write what both have anew, each under an actor of its own.
    fn is_stored(&self, p: &Pushed) -> bool {
        let Some(Ok((id, record))) = &p.record else { return false };
        let stored = self.state.stored.get(id);
        record.author == self.rights.person && stored.is_some_and(|bytes| *bytes == record.to_bytes())
    }

    /// What bars a person here. Work that an earlier life of the log had taken was permitted once; if the
    /// restored log does not know by what right, a human decides (P9).
    fn barred(&self, code: Code, p: &Pushed) -> Code {
        if p.taken_before.is_none() || !matches!(code, Code::OutOfScope | Code::NotPermitted) {
            return code;
        }
        match self.rights.role {
            // The restored log does not know him yet; he will be entered again.
            None => Code::Unreadable,
            Some(_) if self.rights.own_book => Code::TakenBefore,
            Some(_) => code,
        }
    }

    /// A change behind one that was not taken: held with it, or refused because of it.
    fn follows(&self, actor: ActorId, burnt: Option<(u64, HeldVerdict)>, seq: u64) -> Result<(), Code> {
        let earlier = match (self.broken.get(&actor), burnt) {
            (Some(code), _) => *code,
            (None, Some((at, verdict))) if seq >= at => {
                if verdict.decided == Some(false) {
                    return Err(Code::Follows);
                }
                verdict.code
            }
            _ => return Ok(()),
        };
        Err(if earlier.disposition() == Disposition::Held { earlier } else { Code::Follows })
    }

    fn fits_actor(&self, standing: ActorState, scanned: &Scanned) -> Result<(), Code> {
        let next = standing.tip.map_or(1, |(seq, ..)| seq + 1);
        match scanned.seq {
            0 => Err(Code::Malformed),
            seq if seq < next => Err(Code::CloneDetected),
            seq if seq > next => Err(Code::SeqGap),
            _ => Ok(()),
        }
    }

    fn fits_document(&self, standing: ActorState, scanned: &Scanned) -> Result<(), Code> {
        let max_op_of = |hash: &ChangeHash| {
            let known = self.state.known.get(hash).map(|known| known.max_op);
            known.or((*hash == self.first.hash).then_some(self.first.max_op))
        };
        let max_ops: Option<Vec<u64>> = scanned.deps.iter().map(max_op_of).collect();
        let max_op = max_ops.ok_or(Code::MissingDep)?.into_iter().max().ok_or(Code::NotCanonical)?;
        let (before, own_max_op) =
            standing.tip.map_or((self.first.hash, 0), |(_, hash, max_op)| (hash, max_op));
        // A book's changes form one chain an actor; a sheet's name whatever their writer saw.
        if self.descriptor.is_book() && scanned.deps != [before] {
            return Err(Code::NotCanonical);
        }
        // Counters neither jump nor fall, nor name an operation of one's own twice (C03).
        if scanned.start_op != max_op + 1 || scanned.start_op <= own_max_op {
            return Err(Code::BadStartOp);
        }
        Ok(())
    }
}

/// The verdict for bytes that did not even scan.
#[must_use]
pub const fn code_of(fault: ScanFault) -> Code {
    match fault {
        ScanFault::TooLarge => Code::TooLarge,
        ScanFault::Malformed => Code::Malformed,
        ScanFault::ChunkType => Code::ChunkType,
        ScanFault::Checksum => Code::Checksum,
        ScanFault::Actor => Code::ActorMismatch,
        ScanFault::TooManyDeps => Code::TooManyDeps,
        ScanFault::TooManyOps => Code::TooManyOps,
        ScanFault::BadStartOp => Code::BadStartOp,
        ScanFault::Extra | ScanFault::Column => Code::NotCanonical,
    }
}
