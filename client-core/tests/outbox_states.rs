//! What becomes of an edit, by the office's answer: one table, and the paths around it.

mod support;

use louan_client_core::view::{Edit, EditState, OutboxView};
use louan_client_core::{ErrorKind, HazardFilter};
use louan_schema::code::HazardState;
use louan_schema::id::Epoch;
use louan_schema::record::Body;
use louan_schema::ruling::Act;
use louan_schema::wire::{Code, CommandVerdict, Disposition, Item, SyncReply, Verdict};
use support::*;

fn state_of(desk: &Desk) -> OutboxView {
    let p = &desk.phone;
    let lists = [p.outbox(), p.held(), p.returned(), p.receipts()];
    let mut all: Vec<OutboxView> = lists.into_iter().flat_map(|list| list.expect("reads")).collect();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn every_code_leaves_an_edit_in_the_state_the_contract_says_or_writes_it_anew() {
    let only_the_actor = [
        Code::Follows,
        Code::CloneDetected,
        Code::ActorMismatch,
        Code::ActorNumber,
        Code::SeqGap,
        Code::MissingDep,
        Code::ConflictFlood,
    ];
    for code in Code::ALL.iter().copied() {
        let mut desk = Desk::new();
        desk.hazard(ANNA, "堵塞");
        let (_, before) = desk.request();
        let absorbed = desk.refuse(code);
        let edit = state_of(&desk);
        let (_, after) = desk.request();
        if only_the_actor.contains(&code) {
            assert_eq!((edit.state, absorbed.rewritten), (EditState::Pending, 1), "{code:?}");
            let [(_, old, _)] = changes(&before).try_into().expect("one");
            let [(_, new, _)] = changes(&after).try_into().expect("one");
            assert_ne!(old, new, "{code:?}: the same edit in a new change");
            continue;
        }
        let expected = match code.disposition() {
            Disposition::Retry => (EditState::Pending, None),
            Disposition::Held => (EditState::Held, Some(code)),
            Disposition::Returned => (EditState::Returned, Some(code)),
            Disposition::Stored => (EditState::Acknowledged, None),
        };
        assert_eq!((edit.state, edit.code, absorbed.more), (expected.0, expected.1, false), "{code:?}");
        if edit.state == EditState::Pending {
            assert_eq!(changes(&before), changes(&after), "{code:?}: sent again unchanged");
        } else {
            assert!(changes(&after).is_empty(), "{code:?}: not sent again");
        }
    }
}

#[test]
fn a_reply_absorbed_twice_changes_nothing() {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "堵塞");
    desk.hazard(ANNA, "锁闭");
    let (prepared, request) = desk.request();
    let mut taken = desk.all_taken(&request);
    taken.changes[0][1] = Verdict::NotTaken(Code::Schema);
    taken.items = vec![Item::Row(louan_schema::wire::Row::Site(site(SITE, "改名苑")))];
    let reply = SyncReply::Taken(Box::new(taken));
    desk.absorb(prepared.clone(), reply.clone());
    let picture = |desk: &Desk| {
        let lists = [desk.phone.outbox(), desk.phone.held(), desk.phone.returned(), desk.phone.receipts()];
        (lists.map(|l| l.expect("reads")), desk.phone.hazards(HazardFilter::All, START).expect("reads"))
    };
    let before = picture(&desk);
    assert_eq!(desk.counts(), [0, 0, 1, 1]);
    desk.fetch(vec![Item::Row(louan_schema::wire::Row::Site(site(SITE, "再改名苑")))]);
    let again = desk.absorb(prepared, reply);
    assert_eq!((again.accepted, again.returned, again.received), (0, 0, 0));
    assert_eq!(picture(&desk), before);
    assert_eq!(desk.phone.site(SITE).expect("reads").expect("is there").site.name, "再改名苑");
    assert!(desk.phone.hazard(id, START).expect("reads").is_some());
}

#[test]
fn a_lost_reply_costs_nothing_because_the_office_says_duplicate() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    desk.request();
    let absorbed = desk.sync_with(|_, taken| taken.changes[0][0] = Verdict::Duplicate(7));
    assert_eq!(absorbed.accepted, 1);
    let edit = state_of(&desk);
    assert_eq!((edit.state, edit.pos), (EditState::Acknowledged, Some(7)));
}

#[test]
fn what_stood_behind_a_refused_change_is_written_anew_and_the_refused_one_can_be_entered_again() {
    let mut desk = Desk::new();
    let bad = desk.hazard(ANNA, "坏的");
    let good = desk.hazard(ANNA, "好的");
    let absorbed = desk.sync_with(|_, taken| {
        taken.changes[0] = vec![Verdict::NotTaken(Code::Schema), Verdict::NotTaken(Code::Follows)];
    });
    assert_eq!((absorbed.returned, absorbed.rewritten, absorbed.more), (1, 1, true));
    let later = desk.hazard(BERT, "后来的");
    let (_, request) = desk.request();
    assert!(
        request.batches.iter().flat_map(|b| &b.changes).all(|c| c.n == 1),
        "a burnt actor is not used again"
    );
    desk.sync();
    assert_eq!(desk.counts(), [0, 0, 1, 2]);
    let hazards = desk.phone.hazards(HazardFilter::All, START).expect("reads");
    assert_eq!(
        hazards.iter().map(|h| h.id).collect::<Vec<_>>(),
        [good, later],
        "what was returned is in no list"
    );

    let returned = desk.phone.returned().expect("reads").remove(0);
    let Edit::Record { id, record: Some(record) } = returned.edit else { panic!("a readable copy") };
    assert!(id == bad && matches!(&record.body, Body::Hazard(h) if h.text == "坏的"));
    let a = desk.acting(ANNA);
    let seq = returned.seq.expect("a record");
    let again = desk.phone.reissue(&a, seq, None).expect("entered again");
    assert_ne!(again, bad);
    let error = desk.phone.reissue(&a, seq, None).expect_err("only once");
    assert!(matches!(error.kind, ErrorKind::FixInput(_)));
    assert_eq!(desk.phone.returned().expect("reads")[0].reissued, Some(again));
    desk.sync();
    assert_eq!(desk.counts(), [0, 0, 1, 3]);
}

#[test]
fn what_waits_behind_a_waiting_change_waits_and_is_not_written_anew() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "一");
    desk.hazard(ANNA, "二");
    let (_, before) = desk.request();
    let absorbed = desk.sync_with(|_, taken| {
        taken.changes[0] = vec![Verdict::NotTaken(Code::Quota), Verdict::NotTaken(Code::Follows)];
    });
    assert_eq!((absorbed.rewritten, absorbed.more), (0, false));
    let (_, after) = desk.request();
    assert_eq!(changes(&before), changes(&after));
}

#[test]
fn a_held_edit_is_decided_by_the_office_either_way() {
    for taken in [true, false] {
        let mut desk = Desk::new();
        let id = desk.hazard(ANNA, "堵塞");
        let (_, request) = desk.request();
        let change = changes(&request)[0].1;
        desk.refuse(Code::Revoked);
        assert_eq!(desk.counts(), [0, 1, 0, 0]);
        assert!(desk.phone.hazard(id, START).expect("reads").is_some(), "it waits, it is not gone");
        desk.fetch(vec![Item::Decided { change, taken }]);
        assert_eq!(desk.counts(), if taken { [0, 0, 0, 1] } else { [0, 0, 1, 0] });
        assert_eq!(desk.phone.hazard(id, START).expect("reads").is_some(), taken);
    }
}

#[test]
fn an_edit_refused_and_then_taken_in_a_log_put_back_is_taken() {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "堵塞");
    let (_, request) = desk.request();
    let change = changes(&request)[0].1;
    desk.refuse(Code::ScopeLost);
    for (taken, counts) in [(false, [0, 0, 1, 0]), (false, [0, 0, 1, 0]), (true, [0, 0, 0, 1])] {
        desk.fetch(vec![Item::Decided { change, taken }]);
        assert_eq!(desk.counts(), counts);
        assert_eq!(desk.phone.hazard(id, START).expect("reads").is_some(), taken);
    }
    desk.fetch(vec![Item::Decided { change, taken: false }]);
    assert_eq!(desk.counts(), [0, 0, 0, 1], "what is in the log is in the log");
}

#[test]
fn what_was_refused_is_asked_about_in_a_log_put_back_and_not_sent_again() {
    for has in [true, false] {
        let mut desk = Desk::new();
        let id = desk.hazard(ANNA, "堵塞");
        let (_, request) = desk.request();
        let change = changes(&request)[0].1;
        desk.refuse(Code::ScopeLost);
        desk.fetch(vec![Item::Decided { change, taken: false }]);
        assert_eq!(desk.counts(), [0, 0, 1, 0]);
        let (prepared, _) = desk.request();
        desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
        desk.epoch = Epoch([10; 16]);
        assert!(!desk.phone.returned().expect("reads")[0].unverified, "it was never certain");
        let mut asked = 0;
        desk.sync_with(|request, taken| {
            asked = request.verify.len();
            taken.missing = if has { Vec::new() } else { request.verify.clone() };
        });
        let counts = if has { [0, 0, 0, 1] } else { [0, 0, 1, 0] };
        assert_eq!((asked, desk.counts()), (1, counts));
        assert_eq!(desk.phone.hazard(id, START).expect("reads").is_some(), has);
        let (_, request) = desk.request();
        assert!(request.verify.is_empty() && request.batches.is_empty());
    }
}

#[test]
fn a_command_is_requested_until_it_is_done_or_refused_with_the_present_version() {
    let mut desk = Desk::new();
    let mut clerk = person(ANNA, "经办");
    clerk.role = louan_schema::code::Role::Street;
    desk.fetch(vec![Item::Row(louan_schema::wire::Row::Person(clerk))]);
    let id = desk.hazard(ANNA, "堵塞");
    desk.sync();
    let a = desk.acting(ANNA);
    let command = desk.phone.request(&a, Act::CloseHazard { hazard: id }).expect("asks");
    let view = desk.phone.hazard(id, START).expect("reads").expect("is there");
    assert_eq!((view.requested.len(), view.state), (1, HazardState::Reported), "requested, not done");
    desk.sync_with(|request, taken| {
        assert_eq!(request.batches[0].commands[0].id, command);
        taken.commands[0][0] = CommandVerdict::Refused(Code::Quota, 0);
    });
    assert_eq!(desk.counts(), [1, 0, 0, 1], "told to wait");
    desk.sync_with(|_, taken| taken.commands[0][0] = CommandVerdict::Refused(Code::VersionMoved, 5));
    let returned = desk.phone.returned().expect("reads").remove(0);
    assert_eq!(returned.code, Some(Code::VersionMoved));
    assert!(matches!(returned.edit, Edit::Command { version: Some(5), .. }));
    assert!(desk.phone.hazard(id, START).expect("reads").expect("is there").requested.is_empty());
}

#[test]
fn raw_changes_and_signed_lists_stay_until_they_are_in_a_verified_backup() {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "堵塞");
    desk.sync();
    assert_eq!(desk.phone.signed_lists_kept().expect("reads"), 1);
    let pos = desk.pos;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos - 1);
    assert_eq!(desk.phone.signed_lists_kept().expect("reads"), 1);
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    assert_eq!(desk.phone.signed_lists_kept().expect("reads"), 0);
    let receipt = state_of(&desk);
    assert_eq!(
        (receipt.state, receipt.pos),
        (EditState::Acknowledged, Some(pos)),
        "the receipt stays for ever"
    );
    assert!(matches!(receipt.edit, Edit::Record { id: r, record: Some(_) } if r == id));
}

#[test]
fn a_reply_that_is_not_ours_or_does_not_fit_takes_nothing() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let (prepared, request) = desk.request();
    let error =
        desk.phone.absorb(prepared.clone(), b"<html>sign in</html>", START, [0; 16]).expect_err("a portal");
    assert_eq!(error.kind, ErrorKind::Offline);
    let mut taken = desk.all_taken(&request);
    taken.changes[0].clear();
    let reply = louan_schema::wire::frame::encode(SyncReply::Taken(Box::new(taken))).expect("encodes");
    let error = desk.phone.absorb(prepared, &reply, START, [0; 16]).expect_err("no verdict for the change");
    assert_eq!(error.kind, ErrorKind::Bug);
    assert_eq!(desk.counts(), [1, 0, 0, 0]);
}
