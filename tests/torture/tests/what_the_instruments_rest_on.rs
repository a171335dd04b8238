//! What the instruments rest on: the model of a disk, the tape of a run, the words of a child.
//!
//! Were a torn write not torn, a state counted twice or a promise misread, the trials above
//! them would pass and prove nothing.

use std::collections::BTreeSet;

use kit::dice::Dice;
use louan_schema::id::{ChangeHash, CommandId, RecordId, RoundId, SiteId};
use torture::cut::promise::Promise;
use torture::oracle::Edit;
use torture::vfs::{Fate, Files, Op, Platter, State, Tape};

const FATES: [Fate; 3] = [Fate::Dropped, Fate::Kept, Fate::Torn];

fn write(at: usize, bytes: &[u8]) -> Op {
    Op::Write { file: "a".into(), at, bytes: bytes.to_vec() }
}

fn after(ops: &[Op], fate: Fate, seed: u64) -> Files {
    let mut platter = Platter::of([("a".into(), vec![0; 2_048])].into());
    ops.iter().for_each(|op| platter.apply(op));
    platter.after(fate, &mut Dice::seeded(seed))
}

#[test]
fn what_a_sync_covered_is_there_whatever_happens_later() {
    let ops = [write(0, &[1; 2_048]), Op::Sync { file: "a".into() }, write(512, &[2; 512])];
    for fate in FATES {
        for seed in 0..50 {
            let content = &after(&ops, fate, seed)["a"];
            assert!(content[..512].iter().chain(&content[1_024..]).all(|byte| *byte == 1), "{fate:?}");
        }
    }
}

#[test]
fn a_torn_write_comes_out_sector_by_sector_old_new_or_as_garbage_and_damages_nothing_beside_it() {
    let mut seen = [false; 3];
    for seed in 0..200 {
        let content = &after(&[write(500, &[1; 1_000])], Fate::Torn, seed)["a"];
        assert!(content[..500].iter().chain(&content[1_500..]).all(|byte| *byte == 0));
        for sector in [&content[500..512], &content[512..1_024], &content[1_024..1_500]] {
            let kind = match sector[0] {
                0 if sector.iter().all(|byte| *byte == 0) => 0,
                1 if sector.iter().all(|byte| *byte == 1) => 1,
                _ => 2,
            };
            seen[kind] = true;
        }
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn a_file_deleted_without_its_folder_may_be_back_and_one_deleted_with_it_is_gone() {
    let deleted = |durable, fate| after(&[Op::Delete { file: "a".into(), durable }], fate, 1).is_empty();
    assert!(!deleted(false, Fate::Dropped) && deleted(false, Fate::Kept));
    assert!(FATES.into_iter().all(|fate| deleted(true, fate)));
}

#[test]
fn a_new_file_is_there_for_sure_once_a_journals_sync_took_the_folder_along() {
    let create = |file: &str, journal| Op::Create { file: file.into(), journal };
    let sync = |file: &str| Op::Sync { file: file.into() };
    let there = |ops: &[Op]| after(ops, Fate::Dropped, 1).contains_key("b");
    assert!(!there(&[create("b", false), sync("b")]));
    assert!(there(&[create("b", false), create("b-wal", true), sync("b-wal")]));
}

/// A file of four synced sectors, written over twice and synced between.
fn tape() -> Tape {
    let mut tape = Tape::from(Platter::of([("a".into(), vec![0; 2_048])].into()));
    tape.push(write(0, &[1; 2_048]));
    tape.push(Op::Sync { file: "a".into() });
    tape.promise(1);
    tape.push(write(1_024, &[2; 2_048]));
    tape
}

fn states(tape: &Tape, count: usize) -> Vec<State> {
    let mut states = Vec::new();
    tape.states(count, &mut Dice::seeded(1), |state| states.push(state));
    states
}

#[test]
fn as_many_states_as_asked_for_come_no_two_the_same_and_the_same_again() {
    let states = [states(&tape(), 60), states(&tape(), 60)];
    let seen = |of: &[State]| of.iter().map(|s| (s.files.clone(), s.promised.clone())).collect::<Vec<_>>();
    assert_eq!(seen(&states[0]), seen(&states[1]));
    assert_eq!(seen(&states[0]).into_iter().collect::<BTreeSet<_>>().len(), 60);
    assert_eq!(states[0].iter().map(|state| state.nth).collect::<Vec<_>>(), (0..60).collect::<Vec<_>>());
}

#[test]
fn a_run_with_nothing_open_has_one_state_a_prefix_however_many_are_asked_for() {
    let mut tape = Tape::from(Platter::of([("a".into(), vec![7])].into()));
    assert_eq!(states(&tape, 50).len(), 1);
    tape.promise(1);
    tape.push(Op::Sync { file: "a".into() });
    assert_eq!(states(&tape, 50).len(), 1, "nothing changed");
}

#[test]
fn a_promise_holds_from_where_it_was_made_and_a_hasty_one_from_before_the_sync_of_its_turn() {
    let mut tape = tape();
    tape.promise_hastily(2);
    for state in states(&tape, 60) {
        assert_eq!(state.promised.contains(&1), state.ops >= 2, "{state:?}");
        assert_eq!(state.promised.contains(&2), state.ops >= 1, "{state:?}");
    }
    tape.begin_turn();
    tape.push(Op::Sync { file: "a".into() });
    tape.push(Op::Sync { file: "a".into() });
    tape.promise_hastily(3);
    for state in states(&tape, 60) {
        assert_eq!(
            state.promised.contains(&3),
            state.ops >= 3,
            "before the first sync of its turn: {state:?}"
        );
    }
}

#[test]
fn every_promise_is_read_as_it_was_told() {
    let item = "Q1-01".parse().expect("an item's code");
    let promises = [
        Promise::Saved(Edit::Record(RecordId([1; 16]))),
        Promise::Received(Edit::Command(CommandId([2; 16]))),
        Promise::Sheet(ChangeHash([3; 32])),
        Promise::Answered(SiteId([4; 16]), RoundId([5; 16]), item),
    ];
    for promise in promises {
        assert_eq!(promise.to_string().parse(), Ok(promise));
    }
    for line in ["", "saved", "saved record", "saved record x", "sheet", "said record x"] {
        line.parse::<Promise>().expect_err(line);
    }
}
