//! An answer is worth as much as the log that gave it: positions beyond the cursor are shown until the cursor vouches.

mod support;

use louan_schema::id::Chain;
use louan_schema::wire::{Cursor, SyncReply};
use support::{ANNA, Desk};

fn beyond(desk: &Desk, by: u64) -> Cursor {
    Cursor { pos: desk.pos + by, chain: Chain([7; 16]), ..desk.cursor() }
}

/// The office says that its log is not the phone's. A file copied over the store keeps the log's name.
fn put_back(desk: &mut Desk) {
    let (prepared, _) = desk.request();
    let absorbed = desk.absorb(prepared, SyncReply::EpochChanged { epoch: desk.epoch, head: 1 });
    assert!(absorbed.epoch_changed);
}

/// A phone in the middle of a bootstrap, with an edit answered for beyond the page's position.
fn amid_a_bootstrap() -> (Desk, Cursor) {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let at = beyond(&desk, 5);
    put_back(&mut desk);
    desk.sync_with(|_, taken| {
        (taken.cursor, taken.page, taken.more) = (None, Some(vec![1].into()), true);
        taken.answered_at = Some(at);
    });
    (desk, at)
}

#[test]
fn where_the_log_stood_is_shown_until_the_cursor_has_come_as_far() {
    let (mut desk, at) = amid_a_bootstrap();
    let (_, request) = desk.request();
    assert_eq!((request.cursor, request.answered_at), (None, vec![at]));
    desk.sync_with(|_, taken| (taken.cursor, taken.page) = (None, Some(vec![2].into())));
    assert_eq!(desk.request().1.answered_at, [at], "a page is no cursor");
    desk.sync_with(|_, taken| taken.cursor = Some(Cursor { pos: at.pos - 1, ..at }));
    assert_eq!(desk.request().1.answered_at, [at], "one short of it");
    desk.sync_with(|_, taken| taken.cursor = Some(at));
    assert!(desk.request().1.answered_at.is_empty());
}

#[test]
fn a_log_that_does_not_know_it_has_lost_what_it_answered_for() {
    let (mut desk, _) = amid_a_bootstrap();
    assert_eq!(desk.counts(), [0, 0, 0, 1], "acknowledged");
    put_back(&mut desk);
    let (_, request) = desk.request();
    assert_eq!(
        (request.verify.len(), request.answered_at.len()),
        (1, 0),
        "asked about, and vouched for by nobody"
    );
    desk.sync_with(|request, taken| taken.missing = request.verify.clone());
    assert_eq!(desk.request().1.batches[0].changes.len(), 1, "and sent again");
}

#[test]
fn what_a_late_reply_answers_for_is_vouched_for_by_its_own_log() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let (prepared, request) = desk.request();
    let mut late = desk.all_taken(&request);
    let there = Cursor { chain: Chain([9; 16]), ..beyond(&desk, 2) };
    late.cursor = Some(there);
    desk.fetch(Vec::new());
    // The reply before it was taken in the meantime; this one changes no cursor, but acknowledges.
    desk.absorb(prepared, SyncReply::Taken(Box::new(late)));
    let (_, request) = desk.request();
    assert_eq!((request.cursor, request.answered_at), (Some(desk.cursor()), vec![there]));
}
