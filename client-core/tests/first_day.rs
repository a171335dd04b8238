//! The first day of a phone: start, answer, submit, send; and all of it there again.

mod support;

use louan_client_core::view::{Edit, RoundState};
use louan_client_core::{ErrorKind, HazardFilter, Phone, StorePlace};
use louan_schema::code::{HazardState, Outcome};
use louan_schema::record::{Body, Fault, Record, Rule};
use support::*;

#[test]
fn a_round_is_started_answered_submitted_and_received() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    for answer in sixteen(Outcome::Pass, Some(1)) {
        let a = desk.acting(ANNA);
        desk.phone.answer(&a, round, answer).expect("saves");
    }
    let view = desk.phone.round(round).expect("reads").expect("is there");
    assert_eq!((view.answers.len(), view.missing.len()), (16, 0));
    let a = desk.acting(ANNA);
    let record = desk.phone.submit_round(&a, round).expect("submits");
    assert_eq!(desk.counts(), [1, 0, 0, 0], "one record, and no tap beside it");

    let (prepared, request) = desk.request();
    let [(doc, _, raw)] = changes(&request).try_into().expect("one change and no sheet");
    assert!(doc.is_book());
    let put = louan_schema::doc::scan::record_put(&raw).expect("a record");
    let sent = Record::from_bytes(&put.bytes).expect("canonical");
    assert!(put.id == record && matches!(&sent.body, Body::Round(r) if r.answers.len() == 16));
    let taken = desk.all_taken(&request);
    let absorbed = desk.absorb(prepared, louan_schema::wire::SyncReply::Taken(Box::new(taken)));
    assert_eq!((absorbed.accepted, absorbed.more), (1, false));
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
    let summary = &desk.phone.rounds_of(SITE).expect("reads")[0];
    assert_eq!(summary.state, RoundState::Submitted(record));
    assert!(summary.reading.as_ref().expect("read").complete);
}

#[test]
fn what_was_saved_is_there_after_the_store_is_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = StorePlace::File(folder.path().join("phone.sqlite"));
    let mut desk = Desk::at(place.clone());
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let answers = sixteen(Outcome::Fail, Some(1));
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, answers[0].clone()).expect("saves");
    let hazard = desk.hazard(ANNA, "楼道堆放杂物");
    let before = desk.phone.outbox().expect("reads");
    drop(desk);

    let phone = Phone::open(place, [2; 16]).expect("opens again");
    assert!(phone.salvage().is_none());
    assert_eq!(phone.enrolment().expect("reads"), Some(enrolment()));
    assert_eq!(phone.outbox().expect("reads"), before);
    assert_eq!(phone.round(round).expect("reads").expect("is there").answers.len(), 1);
    let listed = phone.hazards(HazardFilter::InState(HazardState::Reported), START).expect("reads");
    assert_eq!(listed.iter().map(|view| (view.id, view.unsent)).collect::<Vec<_>>(), [(hazard, 1)]);
}

#[test]
fn every_fault_of_a_record_is_told_at_once_and_nothing_is_saved() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let mut bad = hazard("x", a.at);
    bad.text = "字".repeat(501);
    bad.place.buildings = vec![louan_schema::id::BuildingId([0x99; 16])];
    bad.place.floor = Some("a/b".into());
    bad.fixed_on_the_spot = true;
    let error = desk.phone.report_hazard(&a, SITE, bad, Vec::new()).expect_err("has faults");
    let ErrorKind::FixInput(faults) = error.kind else { panic!("{error}") };
    let fault = |pointer: &str, rule| Fault { pointer: pointer.into(), rule };
    for expected in [
        fault("/place/buildings/0", Rule::Reference),
        fault("/text", Rule::TooMuch),
        fault("/place/floor", Rule::NotPlain),
        fault("/fixed_on_the_spot", Rule::OnTheSpot),
    ] {
        assert!(faults.contains(&expected), "{expected:?} in {faults:?}");
    }
    assert_eq!(desk.counts(), [0; 4]);
}

#[test]
fn what_is_the_brigades_to_find_is_refused_before_it_is_saved() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let lost = louan_schema::record::Hazard { code: "H4.14".parse().expect("a leaf"), ..hazard("x", a.at) };
    let error = desk.phone.report_hazard(&a, SITE, lost, Vec::new()).expect_err("not a manager's to find");
    let reserved =
        |pointer: &str| ErrorKind::FixInput(vec![Fault { pointer: pointer.into(), rule: Rule::Reserved }]);
    assert_eq!(error.kind, reserved("/code"));
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let mut answer = sixteen(Outcome::Fail, Some(1))[0].clone();
    answer.item = "F-15".parse().expect("an item");
    let a = desk.acting(ANNA);
    let error = desk.phone.answer(&a, round, answer).expect_err("nor his to answer");
    assert_eq!(error.kind, reserved("/item"));
}

#[test]
fn an_answer_that_could_never_be_submitted_is_refused_at_the_tap_and_a_missing_reason_only_at_the_end() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let mut answer = sixteen(Outcome::NotApplicable, Some(1))[0].clone();
    let a = desk.acting(ANNA);
    let mut elsewhere = answer.clone();
    elsewhere.place = Some(2);
    elsewhere.note = Some("字".repeat(101));
    let error = desk.phone.answer(&a, round, elsewhere).expect_err("has faults");
    let ErrorKind::FixInput(faults) = error.kind else { panic!("{error}") };
    let pointers: Vec<&str> = faults.iter().map(|f| f.pointer.as_str()).collect();
    assert_eq!(pointers, ["/place", "/note"]);

    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, answer.clone()).expect("the reason may follow");
    let a = desk.acting(ANNA);
    let error = desk.phone.submit_round(&a, round).expect_err("the reason is missing");
    let missing = Fault { pointer: "/answers/0/reason".into(), rule: Rule::Missing };
    assert_eq!(error.kind, ErrorKind::FixInput(vec![missing]));
    answer.reason = Some("无此设施".into());
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, answer).expect("saves");
    let a = desk.acting(ANNA);
    desk.phone.submit_round(&a, round).expect("submits");
}

#[test]
fn who_is_not_enrolled_or_whose_role_does_not_allow_it_is_sent_to_the_office() {
    let mut desk = Desk::new();
    let a = desk.acting(louan_schema::id::PersonId([0x77; 16]));
    let error = desk.phone.report_hazard(&a, SITE, hazard("x", a.at), Vec::new()).expect_err("a stranger");
    assert_eq!(error.kind, ErrorKind::AskAdmin);
    let id = desk.hazard(ANNA, "堵塞");
    let a = desk.acting(ANNA);
    let recheck = louan_schema::record::Recheck {
        hazard: id,
        checked_at: a.at,
        checked_by: ANNA,
        passed: true,
        text: String::new(),
    };
    let error = desk.phone.recheck(&a, recheck, Vec::new()).expect_err("a property manager judges nobody");
    assert_eq!(error.kind, ErrorKind::AskAdmin);
}

#[test]
fn a_correction_counts_and_a_withdrawal_hides_and_both_stay_listed() {
    let mut desk = Desk::new();
    let id = desk.hazard(ANNA, "旧文字");
    let a = desk.acting(BERT);
    let body = Body::Hazard(hazard("新文字", START));
    desk.phone.correct(&a, id, body, Vec::new()).expect("a colleague corrects");
    let view = desk.phone.hazard(id, desk.now).expect("reads").expect("is there");
    assert_eq!((view.text.as_str(), view.state), ("新文字", HazardState::Reported));
    let a = desk.acting(ANNA);
    desk.phone.report_fix(&a, fix(id, ANNA, a.at), Vec::new()).expect("saves");
    let view = desk.phone.hazard(id, desk.now).expect("reads").expect("is there");
    assert_eq!((view.state, view.fixed_by, view.unsent), (HazardState::FixReported, vec![ANNA], 3));
    let a = desk.acting(ANNA);
    desk.phone.withdraw(&a, id, "误报").expect("withdraws the first report");
    let kinds: Vec<bool> = desk
        .phone
        .outbox()
        .expect("reads")
        .iter()
        .map(|edit| matches!(edit.edit, Edit::Record { .. }))
        .collect();
    assert_eq!(kinds, [true; 4]);
}
