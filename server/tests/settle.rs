//! Stage 1 and the worker's word put together, without any document.
//!
//! Scanned headers are made up here; nothing is judged.

mod kit;

use kit::{COMPANY, SITE, record, round};
use louan_schema::doc::scan::Scanned;
use louan_schema::doc::write::record_change;
use louan_schema::doc::{Descriptor, Kind};
use louan_schema::id::{ActorId, ChangeHash, RecordId};
use louan_schema::wire::Code;
use louan_server::sync::batch::measured;
use louan_server::sync::settle::{Outcome, settle};
use louan_server::sync::{Candidate, Stage1};

#[test]
fn a_record_under_another_kinds_key_is_none() {
    let book = Descriptor::Book { site: SITE, org: COMPANY, year: 2020 };
    let bytes = record(kit::MANAGER, round(1)).to_bytes();
    let under = |kind| {
        let key = (kind, RecordId([1; 16]));
        let written = record_change(&book, ActorId([1; 16]), None, key, bytes.clone()).expect("fits");
        measured(&book, 0, written.raw).record.expect("a book's change puts a record")
    };
    assert!(under(Kind::Round).is_ok());
    assert_eq!(under(Kind::Fix), Err(Code::Schema));
}

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
    let (outcomes, _) =
        settle(vec![candidate(1, 1), candidate(1, 2)], &[Err(Code::Schema), Err(Code::Unreadable)]);
    assert_eq!(codes(&outcomes)[1], Some(Code::Unreadable), "nothing is known about it: it comes again");
}

#[test]
fn what_the_worker_did_not_speak_of_is_tried_again() {
    let (outcomes, _) = settle(vec![candidate(1, 1), candidate(1, 2)], &[Ok(())]);
    assert_eq!(codes(&outcomes), [None, Some(Code::Unreadable)]);
    let Outcome::NotTaken(refused) = &outcomes[1] else { panic!("not taken") };
    assert!(!refused.keep && !refused.burns);
}
