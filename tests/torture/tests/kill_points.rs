//! Kill points: two hundred a side, each in a child process that really dies (F01, F02).
//!
//! Started again, the child finishes its story and ends where an undisturbed one ends.

use std::path::Path;

use torture::kill::{Side, toll};

const POINTS: usize = 200;

#[track_caller]
fn survives(side: Side) {
    let toll = toll(Path::new(env!("CARGO_BIN_EXE_victim")), side, POINTS);
    assert!(
        toll.wrong.is_empty(),
        "{} of {} points:\n{}",
        toll.wrong.len(),
        toll.points,
        toll.wrong.join("\n")
    );
    assert_eq!(toll.points, POINTS);
    assert!(toll.writes >= POINTS / 2, "the story has only {} writes", toll.writes);
}

#[test]
fn a_phone_killed_at_any_write_ends_where_an_undisturbed_one_ends() {
    survives(Side::Phone);
}

#[test]
fn an_office_killed_at_any_write_ends_where_an_undisturbed_one_ends() {
    survives(Side::Office);
}
