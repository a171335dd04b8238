//! Power cuts of phone and office: nothing saved and nothing acknowledged is lost (F03).
//!
//! Beside each honest trial stand some in which the store gets less than it asks for, or
//! promises before its commit is on the disk: those must be seen to lose something, or the
//! harness is blind.

use louan_server::storage::sqlite::Mode;
use torture::cut::phone::Kept;
use torture::cut::promise::Promise;
use torture::cut::{Flaw, Tally, Trial, office, phone};
use torture::vfs::{Tape, Weakness};

/// Different states of every store that ships; of the office as the simulator uses it a fifth.
const STATES: usize = 5_000;
/// Different states of a store with something wrong on purpose.
const FLAWED_STATES: usize = 400;
const SEED: u64 = 3;
/// How a served office uses its store.
const SERVICE: Mode = Mode::Service { readers: 1 };

#[track_caller]
fn is_clean(tally: &Tally, states: usize) {
    assert!(tally.is_clean(), "{tally:#?}");
    assert_eq!(tally.states, states, "as many different states as asked for");
    assert!(tally.ops > 1_000, "a run of only {} writes and syncs", tally.ops);
}

fn flawed(flaw: Flaw) -> Trial {
    Trial::flawed(FLAWED_STATES, SEED, flaw)
}

#[test]
fn a_phone_keeps_everything_it_called_saved_and_received() {
    is_clean(&phone::trial(&Trial::honest(STATES, SEED), Kept::InAFile), STATES);
}

#[test]
fn a_phone_in_a_browser_keeps_everything_it_called_saved_and_received() {
    is_clean(&phone::trial(&Trial::honest(STATES, SEED), Kept::InABrowser), STATES);
}

#[test]
fn an_office_as_simulated_keeps_everything_it_acknowledged() {
    is_clean(&office::trial(&Trial::honest(STATES / 5, SEED), Mode::Inline), STATES / 5);
}

#[test]
fn an_office_in_service_keeps_everything_it_acknowledged() {
    is_clean(&office::trial(&Trial::honest(STATES, SEED), SERVICE), STATES);
}

#[test]
fn a_phone_that_syncs_less_is_seen_to_lose_what_it_called_saved() {
    let tally = phone::trial(&flawed(Flaw::Weak(Weakness::Normal)), Kept::InAFile);
    assert!(tally.losing > 0 && tally.damaged == 0, "{tally:#?}");
    let tally = phone::trial(&flawed(Flaw::Weak(Weakness::Off)), Kept::InAFile);
    assert!(tally.losing > 0 && tally.damaged > 0, "{tally:#?}");
}

#[test]
fn a_phone_in_a_browser_that_deletes_its_journal_is_seen_to_lose_what_it_called_saved() {
    let tally = phone::trial(&flawed(Flaw::Weak(Weakness::Deleted)), Kept::InABrowser);
    assert!(tally.losing > 0 && tally.damaged == 0, "{tally:#?}");
    let tally = phone::trial(&flawed(Flaw::Weak(Weakness::Normal)), Kept::InABrowser);
    assert!(tally.losing > 0, "{tally:#?}");
}

#[test]
fn an_office_that_syncs_less_is_seen_to_lose_what_it_acknowledged() {
    for mode in [Mode::Inline, SERVICE] {
        let tally = office::trial(&flawed(Flaw::Weak(Weakness::Normal)), mode);
        assert!(tally.losing > 0 && tally.damaged == 0, "{tally:#?}");
    }
    let tally = office::trial(&flawed(Flaw::Weak(Weakness::Off)), Mode::Inline);
    assert!(tally.losing > 0 && tally.damaged > 0, "{tally:#?}");
}

#[test]
fn a_promise_made_before_its_commit_is_synced_is_seen_on_either_side() {
    for kept in [Kept::InAFile, Kept::InABrowser] {
        let tally = phone::trial(&flawed(Flaw::Hasty), kept);
        assert!(tally.losing > 0 && tally.damaged == 0, "{tally:#?}");
    }
    for mode in [Mode::Inline, SERVICE] {
        let tally = office::trial(&flawed(Flaw::Hasty), mode);
        assert!(tally.losing > 0 && tally.damaged == 0, "{tally:#?}");
    }
}

#[track_caller]
fn is_the_same_run(what: &str, [(a, promised_a), (b, promised_b)]: [(Tape, Vec<Promise>); 2]) {
    let (a, b): (Vec<_>, Vec<_>) = (a.names().collect(), b.names().collect());
    let first = a.iter().zip(&b).position(|(a, b)| a != b);
    assert_eq!(first, None, "{what}: {:?}", first.map(|at| (&a[at], &b[at])));
    assert_eq!((a.len(), promised_a), (b.len(), promised_b), "{what}");
}

#[test]
fn a_run_is_recorded_the_same_twice_so_that_a_state_can_be_looked_at_again() {
    let trial = Trial::honest(0, SEED);
    for kept in [Kept::InAFile, Kept::InABrowser] {
        is_the_same_run(&format!("{kept:?}"), [(); 2].map(|()| phone::record(&trial, kept)));
    }
    // In service it is up to the threads which commits share a transaction.
    is_the_same_run("inline", [(); 2].map(|()| office::record(&trial, Mode::Inline)));
}
