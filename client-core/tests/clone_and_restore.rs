//! A phone's store that exists twice, and an office that forgot.

mod support;

use louan_client_core::view::Edit;
use louan_client_core::{Phone, StorePlace};
use louan_schema::doc::Descriptor;
use louan_schema::doc::scan::record_put;
use louan_schema::id::{DeviceId, Epoch, RecordId};
use louan_schema::wire::{Code, Item, Scope, SyncReply, SyncRequest, Verdict};
use support::gate::Gate;
use support::*;

fn desk_on(phone: Phone, drawn: u64) -> Desk {
    let mut desk = Desk::bare(StorePlace::Memory);
    desk.phone = phone;
    for _ in 0..drawn {
        desk.chance::<8>();
    }
    desk
}

fn talk(desk: &mut Desk, gate: &mut Gate, device: DeviceId) -> bool {
    desk.sync_with(|request, taken| taken.changes = gate.answer(device, request, || None)).more
}

fn ids(list: Vec<louan_client_core::view::OutboxView>) -> Vec<RecordId> {
    list.into_iter()
        .filter_map(|edit| match edit.edit {
            Edit::Record { id, .. } => Some(id),
            _ => None,
        })
        .collect()
}

#[test]
fn two_copies_of_one_store_both_keep_all_their_edits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one.sqlite"), folder.path().join("two.sqlite"));
    let mut desk = Desk::at(StorePlace::File(one.clone()));
    let shared = desk.hazard(ANNA, "复制之前");
    drop(desk);
    std::fs::copy(&one, &two).expect("the phone is cloned");

    let mut gate = Gate::default();
    let mut original = desk_on(Phone::open(StorePlace::File(one), [5; 16]).expect("opens"), 100);
    let mut copy = desk_on(Phone::open(StorePlace::File(two), [6; 16]).expect("opens"), 200);
    let mine = original.hazard(ANNA, "原机");
    let theirs = [copy.hazard(ANNA, "副本一"), copy.hazard(BERT, "副本二")];
    for _ in 0..4 {
        talk(&mut original, &mut gate, DEVICE);
        talk(&mut copy, &mut gate, DEVICE);
    }
    let more = original.hazard(BERT, "原机继续");
    assert!(!talk(&mut original, &mut gate, DEVICE));
    for id in [shared, mine, theirs[0], theirs[1], more] {
        assert!(gate.has_record(id));
    }
    assert_eq!(ids(copy.phone.receipts().expect("reads")), [shared, theirs[0], theirs[1]]);
    assert_eq!((original.counts(), copy.counts()), ([0, 0, 0, 3], [0, 0, 0, 3]));
}

#[test]
fn a_clone_refused_for_one_book_starts_a_new_life_once() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "一");
    let (early, before) = desk.request();
    let mut refusal = desk.all_taken(&before);
    refusal.changes = vec![vec![Verdict::NotTaken(Code::CloneDetected)]];
    let refusal = SyncReply::Taken(Box::new(refusal));
    assert_eq!(desk.absorb(early.clone(), refusal.clone()).rewritten, 1);
    let (_, after) = desk.request();
    assert_ne!(before.batches[0].incarnation, after.batches[0].incarnation);
    // The same refusal about the earlier life arrives again: no third life.
    assert_eq!(desk.absorb(early, refusal).rewritten, 0);
    let (_, again) = desk.request();
    assert_eq!(after.batches[0].incarnation, again.batches[0].incarnation);
    assert_eq!(changes(&after), changes(&again));
}

#[test]
fn a_phone_enrolled_as_another_device_writes_its_unsent_work_under_that_device() {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "未上传");
    desk.request();
    let mut other = enrolment();
    other.device = DeviceId([0xd9; 16]);
    desk.phone.enrol(other.clone()).expect("enrols again");
    let mut gate = Gate::default();
    let (_, request) = desk.request();
    let verdicts = gate.answer(other.device, &request, || None);
    assert!(matches!(verdicts[0][0], Verdict::Accepted(1)), "{verdicts:?}");
    assert!(gate.has_record(id));
}

/// A hazard that its phone has written anew as another device, with the change it was before, which a copy may have sent.
fn written_anew() -> (Desk, RecordId, Descriptor, Vec<u8>) {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "堵塞");
    let (_, request) = desk.request();
    let (doc, _, raw) = changes(&request).remove(0);
    desk.phone.renew_incarnation([8; 16]).expect("a new life");
    desk.device = DeviceId([0xd9; 16]);
    let other = louan_client_core::Enrolment { device: desk.device, ..enrolment() };
    desk.phone.enrol(other).expect("writes it anew");
    (desk, id, doc, raw)
}

#[test]
fn a_returned_record_that_comes_down_was_taken_from_a_copy_since() {
    for code in [Code::KeyExists, Code::NotPermitted] {
        let (mut desk, _, doc, raw) = written_anew();
        desk.refuse(code);
        assert_eq!(desk.counts(), [0, 0, 1, 0]);
        desk.fetch(vec![Item::Change { doc, raw: raw.into() }]);
        assert_eq!(desk.counts(), [0, 0, 0, 1], "{code:?}");
    }
}

#[test]
fn a_record_that_the_office_has_by_a_copys_change_is_taken_and_shown_and_stands_in_its_book_once() {
    let (mut desk, id, doc, raw) = written_anew();
    let behind = desk.hazard(ANNA, "其后");
    desk.sync_with(|_, taken| {
        taken.changes = vec![vec![Verdict::NotTaken(Code::SameRecord), Verdict::NotTaken(Code::Follows)]];
    });
    assert_eq!(desk.counts(), [1, 0, 0, 1], "what stood behind it is written anew");
    let shown = |desk: &Desk| desk.phone.hazard(id, START).expect("reads").is_some();
    assert!(shown(&desk));
    desk.fetch(vec![Item::Change { doc, raw: raw.into() }]);
    desk.sync();
    assert!(shown(&desk));
    assert_eq!((ids(desk.phone.receipts().expect("reads")), desk.counts()), (vec![id, behind], [0, 0, 0, 2]));

    // No backup covers this very change: a log put back without the copy's is told of it like of anything else.
    desk.sync_with(|_, taken| taken.backed_up_pos = u64::MAX);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
    desk.epoch = Epoch([10; 16]);
    desk.sync_with(|request, taken| taken.missing = request.verify.clone());
    desk.sync();
    let (_, request) = desk.request();
    let again: Vec<_> =
        changes(&request).iter().map(|(.., raw)| record_put(raw).expect("a record").id).collect();
    assert_eq!(again, [id], "the other one is in a backup");
}

#[test]
fn after_a_restore_what_the_office_lost_is_found_out_and_sent_again_in_order() {
    let mut gate = Gate::default();
    let mut desk = Desk::new();
    let mut kept = Vec::new();
    for text in ["一", "二", "三"] {
        kept.push(desk.hazard(ANNA, text));
    }
    talk(&mut desk, &mut gate, DEVICE);
    let backup = gate.clone();
    for text in ["四", "五"] {
        kept.push(desk.hazard(BERT, text));
    }
    talk(&mut desk, &mut gate, DEVICE);
    let late = desk.hazard(ANNA, "六");
    assert_eq!(desk.counts(), [1, 0, 0, 5]);

    let mut gate = backup;
    desk.epoch = Epoch([10; 16]);
    let (prepared, request) = desk.request();
    assert!(request.cursor.is_some());
    let changed = SyncReply::EpochChanged { epoch: desk.epoch, head: 3 };
    let absorbed = desk.absorb(prepared.clone(), changed.clone());
    assert!(absorbed.epoch_changed && absorbed.more);
    assert_eq!(desk.phone.receipts().expect("reads").iter().filter(|r| r.unverified).count(), 5);
    desk.absorb(prepared, changed);

    let (prepared, request) = desk.request();
    assert_eq!((request.cursor, request.verify.len(), changes(&request).len()), (None, 5, 0));
    let mut taken = desk.all_taken(&request);
    taken.missing = request.verify.iter().copied().filter(|hash| gate.position(*hash).is_none()).collect();
    let absorbed = desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert_eq!((absorbed.missing, absorbed.more), (2, true));
    assert_eq!(desk.counts(), [3, 0, 0, 3]);
    assert!(desk.phone.receipts().expect("reads").iter().all(|r| !r.unverified));

    while talk(&mut desk, &mut gate, DEVICE) {}
    assert_eq!(desk.counts(), [0, 0, 0, 6]);
    for id in kept.into_iter().chain([late]) {
        assert!(gate.has_record(id));
    }
}

#[test]
fn a_restore_while_the_phone_had_no_cursor_is_found_out_by_the_next_one() {
    let mut desk = Desk::new();
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
    desk.hazard(ANNA, "堵塞");
    desk.sync_with(|_, taken| (taken.cursor, taken.page) = (None, Some(vec![1].into())));
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
    desk.epoch = Epoch([11; 16]);
    assert!(desk.sync().more);
    let (prepared, request) = desk.request();
    let mut taken = desk.all_taken(&request);
    taken.missing = request.verify.clone();
    assert_eq!(taken.missing.len(), 1);
    desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert_eq!(desk.counts(), [1, 0, 0, 0]);
}

/// A position is a place in one log: a backup of the log put back covers what stands in it, not what stood so far on
/// in the one before.
#[test]
fn what_a_restored_log_has_further_on_is_in_doubt_at_the_next_restore_until_a_backup_of_it_covers_it() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    desk.sync();
    let told = desk.pos;
    let restore = |desk: &mut Desk, epoch: u8| {
        desk.epoch = Epoch([epoch; 16]);
        let (prepared, _) = desk.request();
        desk.absorb(prepared, SyncReply::EpochChanged { epoch: desk.epoch, head: desk.pos });
    };
    restore(&mut desk, 10);
    // A colleague's phone has brought it back by now, behind much else.
    desk.pos = told + 20;
    let covers = |desk: &mut Desk, pos: u64| {
        let asked = desk.sync_with(|_, taken| taken.backed_up_pos = pos);
        assert_eq!((asked.missing, desk.counts()), (0, [0, 0, 0, 1]));
    };
    covers(&mut desk, told + 5);
    restore(&mut desk, 11);
    assert_eq!(desk.request().1.verify.len(), 1, "no backup of that log had it");
    covers(&mut desk, told + 5);
    covers(&mut desk, told + 20);
    restore(&mut desk, 12);
    assert_eq!(desk.request().1.verify.len(), 0, "a verified backup has it");
}

#[test]
fn a_late_word_of_the_log_before_on_its_backups_covers_nothing_of_the_log_put_back() {
    let mut desk = Desk::new();
    let (asked_before, request) = desk.request();
    let mut late = desk.all_taken(&request);
    late.backed_up_pos = desk.pos + 50;
    desk.epoch = Epoch([10; 16]);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: desk.epoch, head: 0 });
    desk.hazard(ANNA, "堵塞");
    desk.sync();
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
    desk.absorb(asked_before, SyncReply::Taken(Box::new(late)));
    desk.epoch = Epoch([11; 16]);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: desk.epoch, head: 0 });
    assert_eq!(desk.request().1.verify.len(), 1, "no backup of that log had it");
}

/// An answer that comes together with the news that the log is another one is that log's own.
#[test]
fn what_the_log_that_was_put_back_holds_is_held_at_once_and_what_another_held_is_sent_in_the_same_call() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "先前暂存");
    desk.refuse(Code::Frozen);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
    assert_eq!(desk.counts(), [1, 0, 0, 0]);
    // Put back once more, before the phone heard another word of the first one.
    desk.epoch = Epoch([11; 16]);
    let held = |taken: &mut louan_schema::wire::Taken| {
        taken.changes.iter_mut().flatten().for_each(|verdict| *verdict = Verdict::NotTaken(Code::Revoked));
    };
    let (prepared, request) = desk.request();
    let mut taken = desk.all_taken(&request);
    held(&mut taken);
    taken.answered_at = taken.cursor.take();
    taken.page = Some(vec![1].into());
    desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert_eq!(desk.counts(), [0, 1, 0, 0]);
    assert!(!desk.sync().more);
    assert_eq!(desk.counts(), [0, 1, 0, 0], "the end of the bootstrap does not ask a second time");

    // Without a cursor, and nothing to send: only the last page tells that the log is another one.
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([12; 16]), head: 0 });
    desk.epoch = Epoch([13; 16]);
    let absorbed = desk.sync_with(|_, taken| held(taken));
    assert_eq!((absorbed.held, desk.counts()), (1, [0, 1, 0, 0]));
}

#[test]
fn a_scope_of_a_restored_office_counts_though_its_number_is_lower() {
    let mut desk = Desk::new();
    desk.sync_with(|_, taken| taken.scope = Some(scope(9, false)));
    desk.sync_with(|request, taken| {
        assert_eq!(request.scope_version, 9);
        taken.scope = Some(scope(3, false));
    });
    assert_eq!(desk.phone.scope().expect("reads").expect("told").version, 3);
}

#[test]
fn what_was_held_before_a_restore_is_sent_again() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    desk.refuse(Code::Frozen);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
    desk.sync();
    desk.sync();
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
}

#[test]
fn an_answer_held_before_a_restore_is_on_its_sheet_again_until_the_office_answers_for_it() {
    for sends_only in [false, true] {
        let mut desk = Desk::new();
        let a = desk.acting(ANNA);
        let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
        desk.sync();
        let a = desk.acting(ANNA);
        let answer = sixteen(louan_schema::code::Outcome::Pass, Some(1))[0].clone();
        desk.phone.answer(&a, round, answer).expect("saves");
        let hold = |_: &SyncRequest, taken: &mut louan_schema::wire::Taken| {
            let told = scope(2, sends_only);
            taken.scope = Some(if sends_only { Scope { orgs: Vec::new(), ..told } } else { told });
            taken.changes = vec![vec![Verdict::NotTaken(Code::ScopeLost)]];
        };
        desk.sync_with(hold);
        // Nothing more of a phone that may only send and has sent all; of any other, what the office has.
        let shown = |desk: &Desk| desk.phone.round(round).ok().flatten().map(|round| round.answers.len());
        assert_eq!(shown(&desk), (!sends_only).then_some(0), "what is held is in a list of its own");

        let (prepared, _) = desk.request();
        desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
        desk.epoch = Epoch([10; 16]);
        assert_eq!(shown(&desk), (!sends_only).then_some(1));
        desk.sync();
        assert_eq!(desk.counts(), [1, 0, 0, 1], "all is asked about first");
        assert_eq!(shown(&desk), Some(1), "sends only: {sends_only}");
        desk.sync_with(hold);
        assert_eq!(shown(&desk), (!sends_only).then_some(0));
    }
}

#[test]
fn what_is_held_of_a_compound_that_left_is_sent_again_and_does_not_bring_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(file.clone()));
    desk.hazard(ANNA, "堵塞");
    desk.refuse(Code::ScopeLost);
    desk.fetch(vec![Item::Gone(SITE)]);
    let documents = || {
        let store = rusqlite::Connection::open(&file).expect("opens");
        store.query_row("SELECT count(*) FROM doc", [], |row| row.get::<_, i64>(0)).expect("counts")
    };
    assert_eq!((desk.counts(), documents()), ([0, 1, 0, 0], 0));
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 0 });
    assert_eq!((desk.counts(), documents()), ([1, 0, 0, 0], 0));
}

#[test]
fn a_copy_whose_next_numbers_are_all_spent_takes_the_first_that_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one.sqlite"), folder.path().join("two.sqlite"));
    let mut gate = Gate::default();
    let mut desk = Desk::at(StorePlace::File(one.clone()));
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    desk.meet(&mut gate);
    drop(desk);
    std::fs::copy(&one, &two).expect("the phone is cloned");
    let mut original = desk_on(Phone::open(StorePlace::File(one), [5; 16]).expect("opens"), 100);
    let mut copy = desk_on(Phone::open(StorePlace::File(two), [6; 16]).expect("opens"), 200);
    (original.handed, copy.handed) = (gate.log.len(), gate.log.len());
    let answers = sixteen(louan_schema::code::Outcome::Pass, Some(1));
    // Every refusal spends the original's number: the changes in the log end up under three of them.
    for n in 0..3 {
        let a = original.acting(ANNA);
        original.phone.answer(&a, round, answers[2 * n].clone()).expect("saves");
        original.refuse(Code::Schema);
        let a = original.acting(ANNA);
        original.phone.answer(&a, round, answers[2 * n + 1].clone()).expect("saves");
        original.meet(&mut gate);
    }
    copy.meet(&mut gate);
    let a = copy.acting(ANNA);
    copy.phone.answer(&a, round, answers[10].clone()).expect("saves");
    while copy.meet(&mut gate).more {}
    let view = copy.phone.round(round).expect("reads").expect("is there");
    assert_eq!(view.answers.len(), 4, "three of the original's and its own");
    assert_eq!((copy.counts()[0], copy.phone.returned().expect("reads").len()), (0, 0));
}
