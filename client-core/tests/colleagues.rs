//! One round, several people: on two phones, and on one.

mod support;

use louan_client_core::view::RoundState;
use louan_client_core::{Enrolment, ErrorKind, Phone};
use louan_schema::code::Outcome;
use louan_schema::id::{DeviceId, RoundId};
use louan_schema::record::Answer;
use louan_schema::wire::{Code, Item, Verdict};
use support::gate::Gate;
use support::*;

/// Two phones of one company.
fn pair() -> (Desk, Desk) {
    let first = Desk::new();
    let mut second = Desk::bare(louan_client_core::StorePlace::Memory);
    second.device = DeviceId([0xd1; 16]);
    second.phone.renew_incarnation([2; 16]).expect("a life of its own");
    second.phone.enrol(Enrolment { device: second.device, ..enrolment() }).expect("takes its enrolment");
    second.fetch(rows());
    (first, second)
}

/// One sends, the other fetches; returns how many changes were sent.
fn pass(gate: &mut Gate, from: &mut Desk, to: &mut Desk) -> usize {
    let before = gate.log.len();
    from.meet(gate);
    let sent = gate.log.len() - before;
    to.meet(gate);
    sent
}

fn answer(desk: &mut Desk, by: louan_schema::id::PersonId, round: RoundId, answer: Answer) {
    let a = desk.acting(by);
    desk.phone.answer(&a, round, answer).expect("saves");
}

fn view(phone: &Phone, round: RoundId) -> louan_client_core::view::RoundView {
    phone.round(round).expect("reads").expect("is there")
}

#[test]
fn colleagues_fill_one_round_and_a_disagreement_is_shown_until_somebody_answers_again() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let passes = sixteen(Outcome::Pass, Some(1));
    let fails = sixteen(Outcome::Fail, Some(1));
    assert_eq!(pass(&mut gate, &mut first, &mut second), 1, "an empty round is announced by its header");
    let open = second.phone.open_rounds(SITE).expect("reads");
    assert_eq!(open.iter().map(|r| r.id).collect::<Vec<_>>(), [round]);

    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    for pass in &passes[..9] {
        answer(&mut first, ANNA, round, pass.clone());
    }
    answer(&mut second, BERT, round, fails[8].clone());
    for pass in &passes[9..] {
        answer(&mut second, BERT, round, pass.clone());
    }
    assert_eq!(pass(&mut gate, &mut first, &mut second), 1, "an hour of tapping is one change");
    pass(&mut gate, &mut second, &mut first);
    for desk in [&first, &second] {
        let view = view(&desk.phone, round);
        // Who joined when nothing was answered yet is told of every building he was offered (ADR 0026).
        let missing = view.missing.iter().filter(|lacking| lacking.building == Some(HOUSE)).count();
        assert_eq!((view.answers.len(), missing), (16, 0));
        let contested: Vec<_> = view.contested().map(|a| (a.item, a.outcome)).collect();
        assert_eq!(contested, [(fails[8].item, Some(Outcome::Fail))], "the worst is shown");
        assert_eq!(view.summary.opened_at, a.at);
    }
    let a = first.acting(ANNA);
    let error = first.phone.submit_round(&a, round).expect_err("contested");
    assert!(matches!(error.kind, ErrorKind::FixInput(_)));

    for settled in [&passes[8], &fails[8]] {
        answer(&mut first, ANNA, round, settled.clone());
        pass(&mut gate, &mut first, &mut second);
        let seen = view(&second.phone, round);
        assert_eq!(seen.contested().count(), 0, "whichever of the two values it is");
        assert!(seen.answers.iter().any(|a| a.item == settled.item && a.outcome == Some(settled.outcome)));
    }
    let a = first.acting(ANNA);
    let record = first.phone.submit_round(&a, round).expect("submits");
    pass(&mut gate, &mut first, &mut second);
    let summary = view(&second.phone, round).summary;
    assert_eq!(summary.state, RoundState::SubmittedElsewhere);
    let reading = summary.reading.expect("is read");
    assert!(reading.complete && reading.standing == [record]);
    assert_eq!(reading.failed_count(), 1);
}

#[test]
fn a_late_answer_goes_into_a_submission_that_names_the_one_it_saw() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let fails = sixteen(Outcome::Fail, Some(1));
    answer(&mut first, ANNA, round, fails[0].clone());
    pass(&mut gate, &mut first, &mut second);
    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    let (prepared, request) = second.request();
    answer(&mut second, BERT, round, fails[1].clone());
    let a = first.acting(ANNA);
    let seen = first.phone.submit_round(&a, round).expect("submits");
    let sheet = louan_schema::doc::Descriptor::Sheet { site: SITE, org: COMPANY, round };
    first.meet(&mut gate);
    let mut taken = second.all_taken(&request);
    taken.items = vec![Item::Frozen(sheet)];
    second.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    second.meet(&mut gate);
    let (_, request) = second.request();
    assert!(changes(&request).is_empty(), "a frozen sheet takes nothing more");
    assert_eq!(second.counts(), [1, 0, 0, 0], "the late tap waits in sight");
    assert_eq!(view(&second.phone, round).answers.len(), 2);
    let b = second.acting(BERT);
    let late = second.phone.submit_round(&b, round).expect("submits beside it");
    second.meet(&mut gate);
    let reading = view(&second.phone, round).summary.reading.expect("is read");
    assert_eq!((reading.standing, reading.answers.len()), (vec![late], 2));
    assert_ne!(late, seen);
}

#[test]
fn two_people_on_one_phone_sign_their_own_batches_in_an_order_their_common_book_can_take() {
    let mut desk = Desk::new();
    for by in [ANNA, BERT, ANNA, ANNA, BERT] {
        desk.hazard(by, "堵塞");
    }
    let (prepared, request) = desk.request();
    assert_eq!(prepared.digests().len(), request.batches.len());
    let people: Vec<_> = request.batches.iter().map(|b| (b.person, b.changes.len())).collect();
    assert_eq!(people, [(ANNA, 1), (BERT, 1), (ANNA, 2), (BERT, 1)]);
    let mut gate = Gate::default();
    let verdicts = gate.answer(DEVICE, &request, || None);
    assert!(verdicts.iter().flatten().all(|v| matches!(v, Verdict::Accepted(_))), "{verdicts:?}");
    for (batch, digest) in request.batches.iter().zip(prepared.digests()) {
        let list = batch.changes.iter().map(|c| {
            let doc = batch.docs[usize::try_from(c.doc).expect("small")].doc_id();
            (doc, c.n, louan_schema::doc::scan::scan(&c.raw).expect("plain").hash)
        });
        let expected = louan_schema::wire::Batch::digest(
            DEVICE,
            batch.incarnation,
            batch.person,
            &list.collect(),
            &batch.commands,
        );
        assert_eq!(*digest, expected);
    }
}

#[test]
fn one_persons_refusal_does_not_block_the_colleague_on_the_same_phone() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "甲的");
    desk.hazard(BERT, "乙的");
    let absorbed = desk.sync_with(|_, taken| {
        taken.changes = vec![vec![Verdict::NotTaken(Code::Revoked)], vec![Verdict::NotTaken(Code::Follows)]];
    });
    assert_eq!((absorbed.held, absorbed.rewritten, absorbed.more), (1, 1, true));
    desk.sync();
    assert_eq!(desk.counts(), [0, 1, 0, 1]);
    assert_eq!(desk.phone.held().expect("reads")[0].person, ANNA);
    assert_eq!(desk.phone.receipts().expect("reads")[0].person, BERT);
}

#[test]
fn what_is_held_only_behind_a_revoked_colleagues_work_goes_on_its_own() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "甲的");
    desk.hazard(BERT, "乙的");
    desk.refuse(Code::Revoked);
    assert_eq!(desk.counts(), [1, 1, 0, 0], "the office held both, one only for its place");
    desk.sync();
    let receipts = desk.phone.receipts().expect("reads");
    assert_eq!(receipts.iter().map(|edit| edit.person).collect::<Vec<_>>(), [BERT]);
}

#[test]
fn many_refused_edits_before_a_good_one_do_not_wear_it_out() {
    let mut desk = Desk::new();
    for _ in 0..12 {
        desk.hazard(ANNA, "坏的");
    }
    let good = desk.hazard(ANNA, "好的");
    let mut gate = Gate::default();
    for _ in 0..12 {
        let mut whim = Some(Code::Schema);
        desk.sync_with(|request, taken| taken.changes = gate.answer(DEVICE, request, || whim.take()));
    }
    desk.meet(&mut gate);
    assert_eq!(desk.counts(), [0, 0, 12, 1]);
    assert!(gate.has_record(good));
}

#[test]
fn an_edit_refused_for_its_actor_again_and_again_is_shown_to_its_author() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let mut trips = 0;
    while desk.refuse(Code::ActorMismatch).more {
        trips += 1;
        assert!(trips < 20, "a phone that never comes to rest");
    }
    assert_eq!(desk.counts(), [0, 0, 1, 0]);
}

#[test]
fn two_people_taking_turns_send_no_more_batches_than_the_office_takes() {
    let mut desk = Desk::new();
    for n in 0..150 {
        desk.hazard(if n % 2 == 0 { ANNA } else { BERT }, "堵塞");
    }
    let mut gate = Gate::default();
    let (_, request) = desk.request();
    assert!(request.batches.len() <= 64, "{}", request.batches.len());
    while desk.meet(&mut gate).more {}
    assert_eq!(desk.counts(), [0, 0, 0, 150]);
}

#[test]
fn a_colleague_joins_offline_by_the_rounds_id_and_both_halves_meet() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let b = second.acting(BERT);
    second.phone.join_round_offline(&b, SITE, round, vec![HOUSE]).expect("joins without a network");
    let passes = sixteen(Outcome::Pass, Some(1));
    answer(&mut first, ANNA, round, passes[0].clone());
    answer(&mut second, BERT, round, passes[1].clone());
    pass(&mut gate, &mut first, &mut second);
    pass(&mut gate, &mut second, &mut first);
    for desk in [&first, &second] {
        assert_eq!(view(&desk.phone, round).answers.len(), 2);
    }
}

#[test]
fn a_refused_sheet_change_is_taken_out_and_the_answers_behind_it_are_kept() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let passes = sixteen(Outcome::Pass, Some(1));
    answer(&mut desk, ANNA, round, passes[0].clone());
    desk.request();
    answer(&mut desk, ANNA, round, passes[1].clone());
    let (prepared, request) = desk.request();
    assert_eq!(changes(&request).len(), 2);
    let mut taken = desk.all_taken(&request);
    taken.changes[0] = vec![Verdict::NotTaken(Code::BadPred), Verdict::NotTaken(Code::Follows)];
    let absorbed = desk.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    assert_eq!((absorbed.returned, absorbed.rewritten), (1, 1));
    let mut gate = Gate::default();
    desk.sync_with(|request, taken| taken.changes = gate.answer(DEVICE, request, || None));
    assert_eq!(desk.counts(), [0, 0, 1, 1]);
    let items: Vec<_> = view(&desk.phone, round).answers.iter().map(|a| a.item).collect();
    assert_eq!(items, [passes[1].item]);
    answer(&mut desk, ANNA, round, passes[0].clone());
    desk.sync_with(|request, taken| taken.changes = gate.answer(DEVICE, request, || None));
    assert_eq!(view(&desk.phone, round).answers.len(), 2);
}

/// Who is counted on may lose his phone, or be decided about: what somebody tapped stands by what he wrote.
#[test]
fn an_answer_tapped_before_a_colleagues_equal_one_came_is_written_and_what_is_on_the_screen_is_not() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let (pass_1, fail_1) =
        (sixteen(Outcome::Pass, Some(1))[0].clone(), sixteen(Outcome::Fail, Some(1))[0].clone());
    pass(&mut gate, &mut first, &mut second);
    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    answer(&mut first, ANNA, round, pass_1.clone());
    first.meet(&mut gate);
    let (prepared, request) = second.request();
    answer(&mut second, BERT, round, pass_1.clone());
    let colleagues = gate.log.last().expect("her answer").2.clone();
    let mut taken = second.all_taken(&request);
    let sheet = louan_schema::doc::Descriptor::Sheet { site: SITE, org: COMPANY, round };
    taken.items = vec![Item::Change { doc: sheet, raw: colleagues.into() }];
    second.handed = gate.log.len();
    second.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    assert_eq!(pass(&mut gate, &mut second, &mut first), 1, "he had not seen hers");

    answer(&mut second, BERT, round, pass_1.clone());
    answer(&mut first, ANNA, round, pass_1.clone());
    answer(&mut second, ANNA, round, pass_1.clone());
    assert_eq!((first.counts()[0], second.counts()[0]), (0, 0), "it is on the screen");
    answer(&mut second, BERT, round, fail_1);
    answer(&mut second, BERT, round, pass_1);
    assert_eq!(
        (second.counts()[0], pass(&mut gate, &mut second, &mut first)),
        (1, 0),
        "as he wrote it before"
    );
    for desk in [&first, &second] {
        let view = view(&desk.phone, round);
        assert_eq!((view.answers.len(), view.contested().count(), desk.counts()[0]), (1, 0, 0));
    }
}

/// A remark added to a colleague's answer is not that answer given a second time.
#[test]
fn what_somebody_adds_a_remark_to_may_change_before_the_remark_is_sent() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let pass_1 = sixteen(Outcome::Pass, Some(1))[0].clone();
    answer(&mut first, ANNA, round, pass_1.clone());
    pass(&mut gate, &mut first, &mut second);
    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    let (prepared, request) = second.request();
    answer(&mut second, BERT, round, Answer { note: Some("示例备注".to_owned()), ..pass_1 });
    answer(&mut first, ANNA, round, sixteen(Outcome::Fail, Some(1))[0].clone());
    first.meet(&mut gate);
    let mut taken = second.all_taken(&request);
    let sheet = louan_schema::doc::Descriptor::Sheet { site: SITE, org: COMPANY, round };
    let raw = gate.log.last().expect("her second thought").2.clone();
    taken.items = vec![Item::Change { doc: sheet, raw: raw.into() }];
    second.handed = gate.log.len();
    second.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    pass(&mut gate, &mut second, &mut first);
    for desk in [&first, &second] {
        let answers = view(&desk.phone, round).answers;
        assert_eq!(answers[0].outcome, Some(Outcome::Fail));
        assert_eq!(answers[0].note.as_deref(), Some("示例备注"));
    }
}

#[test]
fn an_answer_written_anew_is_written_though_a_colleague_says_the_same_by_now() {
    let (mut first, mut second) = pair();
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    pass(&mut gate, &mut first, &mut second);
    let pass_1 = sixteen(Outcome::Pass, Some(1))[0].clone();
    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    answer(&mut second, BERT, round, pass_1.clone());
    second.meet(&mut gate);
    answer(&mut first, ANNA, round, pass_1);
    let (prepared, request) = first.request();
    let colleagues = gate.log.last().expect("his answer").2.clone();
    let sheet = louan_schema::doc::Descriptor::Sheet { site: SITE, org: COMPANY, round };
    let mut taken = first.all_taken(&request);
    taken.changes = vec![vec![Verdict::NotTaken(Code::SeqGap)]];
    taken.items = vec![Item::Change { doc: sheet, raw: colleagues.into() }];
    let absorbed = first.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    assert_eq!((absorbed.rewritten, first.counts()[0]), (1, 1), "it waits for the office's word");
    first.meet(&mut gate);
    assert_eq!((first.counts(), gate.log.len()), ([0, 0, 0, 2], 3), "an edit of hers is in the log");
}
