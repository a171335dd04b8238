//! What becomes of each edit after the office's verdicts: a pure function.
//!
//! An actor's changes are a chain. The first one refused breaks it: the actor is burnt,
//! and what stood behind was refused only for that and is written anew. A change told to
//! wait breaks nothing; what stands behind it waits too. A gap or a missing dependency
//! with nothing waiting before it means that the office lacks what this phone thought it
//! had: no waiting cures that, so the chain counts as broken there.

use std::collections::BTreeMap;

use louan_schema::id::{DocId, PersonId};
use louan_schema::wire::{Code, Disposition, Verdict};

use crate::store::{EditState, OutboxRow};

/// How often one and the same edit may be refused and written anew before its author is asked.
const ACTOR_REFUSALS_MAX: u32 = 8;

/// What becomes of one edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// In the log, at this position.
    Acknowledge(u64),
    /// Stays pending.
    Wait,
    /// The office holds it.
    Hold(Code),
    /// Shown to its author with the reason.
    Return(Code),
    /// The office has it by another change.
    Stored,
    /// The same edit in a new change.
    Rewrite,
}

/// An actor whose chain broke, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Burnt {
    pub doc: DocId,
    pub n: u32,
    /// Everything of the actor behind this edit was written behind a refused one.
    pub from: i64,
}

/// What the verdicts of one reply come to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// By edit, in order.
    pub fates: Vec<(OutboxRow, Fate)>,
    pub burnt: Vec<Burnt>,
    /// Edits that were themselves refused, for nothing that is wrong with them.
    pub refused_for_actor: Vec<i64>,
    /// Another device writes under this store's life.
    pub cloned: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Link {
    Whole,
    Waiting,
    Broken,
}

/// How an actor's chain stands so far.
#[derive(Clone, Copy)]
struct Chain {
    link: Link,
    /// Whose revocation broke it.
    revoked: Option<PersonId>,
}

/// Judges edits with their verdicts; the rows need not be in order.
pub(crate) fn judge(mut rows: Vec<(OutboxRow, Verdict)>) -> Outcome {
    rows.sort_by_key(|(row, _)| row.local_seq);
    let mut outcome = Outcome::default();
    let mut chains: BTreeMap<(DocId, u32), Chain> = BTreeMap::new();
    for (row, verdict) in rows {
        let start = Chain { link: Link::Whole, revoked: None };
        let chain = chains.entry((row.doc, row.n)).or_insert(start);
        let before = chain.link;
        let (mut fate, after) = step(*chain, &row, verdict);
        chain.link = after;
        if let Verdict::NotTaken(code) = verdict {
            outcome.cloned |= code == Code::CloneDetected;
            if before != Link::Broken && fate == Fate::Rewrite {
                outcome.refused_for_actor.push(row.local_seq);
                if row.actor_refusals >= ACTOR_REFUSALS_MAX {
                    fate = Fate::Return(code);
                }
            }
        }
        if before != Link::Broken && after == Link::Broken {
            outcome.burnt.push(Burnt { doc: row.doc, n: row.n, from: row.local_seq });
            chain.revoked = (fate == Fate::Hold(Code::Revoked)).then_some(row.person);
        }
        outcome.fates.push((row, fate));
    }
    outcome
}

fn step(chain: Chain, row: &OutboxRow, verdict: Verdict) -> (Fate, Link) {
    let link = chain.link;
    let code = match verdict {
        Verdict::Accepted(pos) | Verdict::Duplicate(pos) => return (Fate::Acknowledge(pos), link),
        Verdict::NotTaken(code) => code,
    };
    // Settled earlier: the same reply came twice, or another one overtook it.
    if row.state != EditState::Pending {
        return (Fate::Wait, link);
    }
    let lacking = code == Code::SeqGap || (code == Code::MissingDep && row.descriptor.is_book());
    match (link, kind(code)) {
        (Link::Whole, Kind::Anew) | (Link::Broken, Kind::Anew | Kind::Later) => (Fate::Rewrite, Link::Broken),
        (Link::Whole, Kind::Later) if lacking => (Fate::Rewrite, Link::Broken),
        (Link::Whole | Link::Waiting, Kind::Later) => (Fate::Wait, Link::Waiting),
        (Link::Waiting, Kind::Anew) if code == Code::Follows => (Fate::Wait, Link::Waiting),
        (Link::Waiting, Kind::Anew) => (Fate::Rewrite, Link::Broken),
        // Held only with a colleague's revoked work before it on the same phone: it stands on its own feet.
        (Link::Broken, Kind::Held) if chain.revoked.is_some_and(|person| person != row.person) => {
            (Fate::Rewrite, Link::Broken)
        }
        (_, Kind::Held) => (Fate::Hold(code), Link::Broken),
        (_, Kind::Returned) => (Fate::Return(code), Link::Broken),
        // What stands behind this change cannot follow it: it is not in the log itself.
        (_, Kind::Stored) => (Fate::Stored, Link::Broken),
    }
}

enum Kind {
    /// Nothing is wrong with the edit itself: only its actor is used up, or more stood there than its author had seen.
    Anew,
    Later,
    Held,
    Returned,
    Stored,
}

const fn kind(code: Code) -> Kind {
    if code.is_written_anew() {
        return Kind::Anew;
    }
    match code.disposition() {
        Disposition::Retry => Kind::Later,
        Disposition::Held => Kind::Held,
        Disposition::Returned => Kind::Returned,
        Disposition::Stored => Kind::Stored,
    }
}
