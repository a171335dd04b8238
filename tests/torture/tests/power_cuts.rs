//! Power cuts of phone and office: nothing saved and nothing acknowledged is lost (F03).
//!
//! Beside each honest trial stands one in which the store asks for full syncing and gets
//! less: that one must be seen to lose something, or the harness is blind.

use torture::cut::{Trial, office, phone};
use torture::vfs::Weakness;

const STATES: usize = 5_000;

fn honest() -> Trial {
    Trial { states: STATES, seed: 3, weakness: None }
}

fn weak(weakness: Weakness) -> Trial {
    Trial { states: 1_000, seed: 3, weakness: Some(weakness) }
}

#[test]
fn a_phone_keeps_everything_it_called_saved_and_received() {
    let tally = phone::trial(&honest());
    assert!(tally.is_clean(), "{tally:#?}");
    assert_eq!(tally.states, STATES);
}

#[test]
fn an_office_keeps_everything_it_acknowledged() {
    let tally = office::trial(&honest());
    assert!(tally.is_clean(), "{tally:#?}");
    assert_eq!(tally.states, STATES);
}

#[test]
fn a_phone_that_syncs_less_is_seen_to_lose_what_it_called_saved() {
    let tally = phone::trial(&weak(Weakness::Normal));
    assert!(tally.losing > 0, "{tally:#?}");
    let tally = phone::trial(&weak(Weakness::Off));
    assert!(tally.losing + tally.damaged > 0, "{tally:#?}");
}

#[test]
fn an_office_that_syncs_less_is_seen_to_lose_what_it_acknowledged() {
    let tally = office::trial(&weak(Weakness::Normal));
    assert!(tally.losing > 0, "{tally:#?}");
    let tally = office::trial(&weak(Weakness::Off));
    assert!(tally.losing + tally.damaged > 0, "{tally:#?}");
}
