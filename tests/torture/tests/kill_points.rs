//! Kill points: two hundred a side, each in a child process that really dies (F01, F02).
//!
//! What it had promised by then is in its files; started again, the child finishes its story
//! and ends where an undisturbed one ends.

use torture::kill::{Manner, Side, Toll, Victim, toll};

const POINTS: usize = 200;
/// Points at which a child dies that promises too early.
const HASTY_POINTS: usize = 40;

fn told(side: Side, points: usize, manner: Manner) -> Toll {
    let victim = Victim { program: env!("CARGO_BIN_EXE_soak").into(), words: vec!["victim".to_owned()] };
    let toll = toll(victim, side, points, manner, |_, _| ());
    assert_eq!(toll.points, points);
    toll
}

#[track_caller]
fn survives(side: Side) {
    let toll = told(side, POINTS, Manner::Honest);
    assert!(toll.wrong.is_empty(), "{} of {} points: {:#?}", toll.wrong.len(), toll.points, toll.wrong);
    assert!(toll.writes >= POINTS, "the story has only {} writes", toll.writes);
    assert!(toll.promised > toll.points, "children that promised only {}", toll.promised);
}

#[track_caller]
fn is_seen(side: Side) {
    let toll = told(side, HASTY_POINTS, Manner::Hasty);
    let seen = toll.wrong.iter().filter(|(_, why)| why.contains("promises of the")).count();
    assert!(seen > 0 && seen == toll.wrong.len(), "{:#?}", toll.wrong);
    assert!(seen < toll.points, "between two promises even a hasty child has nothing to lose");
}

#[test]
fn a_phone_killed_at_any_write_has_what_it_promised_and_ends_where_an_undisturbed_one_ends() {
    survives(Side::Phone);
}

#[test]
fn an_office_killed_at_any_write_has_what_it_promised_and_ends_where_an_undisturbed_one_ends() {
    survives(Side::Office);
}

#[test]
fn a_phone_that_says_saved_before_it_has_saved_is_seen() {
    is_seen(Side::Phone);
}

#[test]
fn an_office_whose_phone_says_received_before_it_was_is_seen() {
    is_seen(Side::Office);
}
