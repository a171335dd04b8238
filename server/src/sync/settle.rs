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

#[cfg(test)]
mod tests {
    use louan_schema::doc::scan::Scanned;
    use louan_schema::id::ChangeHash;

    use super::*;

    fn candidate(actor: u8, seq: u64) -> Stage1 {
        let actor = ActorId([actor; 16]);
        let (hash, deps) = (ChangeHash([0; 32]), Vec::new());
        let scanned = Scanned { hash, actor, seq, start_op: 1, deps, ops: 1 };
        Stage1::Candidate(Box::new(Candidate { actor, scanned, record: None }))
    }

    fn codes(outcomes: &[Outcome]) -> Vec<Option<Code>> {
        let code = |outcome: &Outcome| match outcome {
            Outcome::NotTaken(refused) => Some(refused.code),
            _ => None,
        };
        outcomes.iter().map(code).collect()
    }

    #[test]
    fn a_refused_change_takes_its_actors_later_ones_with_it_whatever_the_worker_says() {
        let stages = || vec![candidate(1, 1), candidate(2, 1), candidate(1, 2), candidate(1, 3)];
        let verdicts = [Err(Code::Schema), Ok(()), Ok(()), Err(Code::MissingDep)];
        let (outcomes, too_much) = settle(stages(), &verdicts);
        assert_eq!(codes(&outcomes), [Some(Code::Schema), None, Some(Code::Follows), Some(Code::Follows)]);
        assert!(too_much, "the snapshot contains a change that must not stand");
        let (_, too_much) =
            settle(stages(), &[Err(Code::Schema), Ok(()), Err(Code::MissingDep), Err(Code::MissingDep)]);
        assert!(!too_much);
    }

    #[test]
    fn what_the_worker_did_not_speak_of_is_tried_again() {
        let (outcomes, _) = settle(vec![candidate(1, 1), candidate(1, 2)], &[Ok(())]);
        assert_eq!(codes(&outcomes), [None, Some(Code::Unreadable)]);
        let Outcome::NotTaken(refused) = &outcomes[1] else { panic!("not taken") };
        assert!(!refused.keep && !refused.burns);
    }
}
