//! Stage 1 and the worker's word together: what becomes of each change.
//!
//! Pure. A change that the worker refuses takes the later ones of its actor with it, even
//! if the worker let them pass: then the rest must be judged once more without them.

use std::collections::BTreeSet;

use louan_schema::id::ActorId;
use louan_schema::wire::{Code, Disposition, Verdict};

use super::gate::{Candidate, Refused, Stage1};

/// What becomes of a change.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Nothing is to be written for it.
    Said(Verdict),
    /// The same as the change at this place.
    Repeat(usize),
    /// Not taken.
    NotTaken(Refused),
    /// To be written into the log.
    Accepted(Box<Candidate>),
}

/// Puts the worker's verdicts, one a candidate in order, to the candidates of stage 1.
/// The flag tells that the worker accepted a change which must not stand: the snapshot it
/// gave contains too much, and the accepted ones are to be judged again.
#[must_use]
pub fn settle(stage1: Vec<Stage1>, verdicts: &[Result<(), Code>]) -> (Vec<Outcome>, bool) {
    let mut verdicts = verdicts.iter();
    let mut broken: BTreeSet<ActorId> = BTreeSet::new();
    let mut too_much = false;
    let mut settled = |stage: Stage1| match stage {
        Stage1::Done(verdict) => Outcome::Said(verdict),
        Stage1::Repeat(place) => Outcome::Repeat(place),
        Stage1::NotTaken(refused) => Outcome::NotTaken(refused),
        Stage1::Candidate(candidate) => {
            // A worker that answers for fewer changes than it got has said nothing about the rest.
            let verdict = *verdicts.next().unwrap_or(&Err(Code::Unreadable));
            let follows = broken.contains(&candidate.actor);
            let code = match verdict {
                Ok(()) if follows => {
                    too_much = true;
                    Code::Follows
                }
                Ok(()) => return Outcome::Accepted(candidate),
                Err(code) if follows && code != Code::Unreadable => Code::Follows,
                Err(code) => code,
            };
            let keep = code.disposition() != Disposition::Retry;
            if keep {
                broken.insert(candidate.actor);
            }
            let seq = candidate.scanned.seq;
            Outcome::NotTaken(Refused { code, seq, actor: candidate.actor, keep, burns: keep })
        }
    };
    let outcomes = stage1.into_iter().map(&mut settled).collect();
    (outcomes, too_much)
}
