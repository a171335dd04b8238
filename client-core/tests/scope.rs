//! What a phone may see, and what happens when that ends.

mod support;

use louan_client_core::view::Edit;
use louan_client_core::{ErrorKind, HazardFilter};
use louan_schema::code::{HazardState, Outcome, Severity};
use louan_schema::fold::hazard::{Event, HazardReading, Step};
use louan_schema::id::{OrgId, PersonId, RecordId};
use louan_schema::record::{Body, Fault, Recheck, Rule};
use louan_schema::registry::{Org, Person};
use louan_schema::wire::{Code, HazardStatus, Item, Row, SyncReply};
use support::*;

fn status(id: RecordId, version: u64, events: Vec<Event>, fixed_by: Vec<PersonId>) -> HazardStatus {
    let found = hazard("他人上报", START);
    HazardStatus {
        site: SITE,
        reading: HazardReading {
            id,
            org: OrgId([0xee; 16]),
            code: found.code,
            place: found.place,
            text: found.text,
            severity: Severity::Serious,
            events,
            void: false,
            stops: Vec::new(),
        },
        version,
        state: HazardState::Rectifying,
        due_on: Some(START.day()),
        fixed_by,
    }
}

#[test]
fn the_offices_row_is_shown_with_this_phones_own_facts_on_top() {
    let mut desk = Desk::new();
    let id = RecordId([0x71; 16]);
    let found = Event { at: START, step: Step::Found };
    let confirmed = Event { at: START.plus_ms(1), step: Step::Confirmed(START.day()) };
    desk.fetch(vec![Item::Row(Row::Hazard(Box::new(status(id, 3, vec![found, confirmed], vec![]))))]);
    let tomorrow = START.plus_ms(86_400_000);
    let view = desk.phone.hazard(id, tomorrow).expect("reads").expect("is there");
    assert_eq!((view.state, view.version, view.overdue), (HazardState::Rectifying, 3, true));

    let a = desk.acting(ANNA);
    let first = desk.phone.report_fix(&a, fix(id, ANNA, a.at), Vec::new()).expect("saves");
    let view = desk.phone.hazard(id, tomorrow).expect("reads").expect("is there");
    assert_eq!((view.state, view.overdue, view.unsent), (HazardState::FixReported, false, 1));

    // The office folds the fix in: the same step, once.
    let fixed = Event { at: a.at, step: Step::Fixed };
    let row = status(id, 4, vec![found, confirmed, fixed], vec![ANNA]);
    desk.fetch(vec![Item::Row(Row::Hazard(Box::new(row)))]);
    let view = desk.phone.hazard(id, tomorrow).expect("reads").expect("is there");
    assert_eq!((view.reading.events.len(), view.unsent), (3, 0));

    // A correction moves the step, a withdrawal of the correction brings the first one back.
    let b = desk.acting(BERT);
    let later = Body::Fix(fix(id, BERT, b.at));
    let second = desk.phone.correct(&b, first, later, Vec::new()).expect("corrects");
    let view = desk.phone.hazard(id, tomorrow).expect("reads").expect("is there");
    assert_eq!((view.disposed_at, view.reading.events.len()), (Some(b.at), 3));
    let b = desk.acting(BERT);
    desk.phone.withdraw(&b, second, "记错").expect("withdraws");
    let view = desk.phone.hazard(id, tomorrow).expect("reads").expect("is there");
    assert_eq!((view.disposed_at, view.reading.events.len()), (Some(a.at), 3));
}

#[test]
fn who_removed_the_danger_may_not_recheck_whoever_types() {
    let mut desk = Desk::new();
    let mut officer = person(BERT, "民警");
    officer.role = louan_schema::code::Role::Police;
    let id = RecordId([0x71; 16]);
    let found = Event { at: START, step: Step::Found };
    let row = status(id, 3, vec![found], vec![ANNA]);
    desk.fetch(vec![Item::Row(Row::Person(officer)), Item::Row(Row::Hazard(Box::new(row)))]);
    for (by, fits) in [(ANNA, false), (BERT, true)] {
        let b = desk.acting(BERT);
        let recheck =
            Recheck { hazard: id, checked_at: b.at, checked_by: by, passed: true, text: String::new() };
        assert_eq!(desk.phone.recheck(&b, recheck, Vec::new()).is_ok(), fits, "{by}");
    }
}

#[test]
fn on_a_shared_phone_each_writes_only_where_his_own_organisation_may() {
    let mut desk = Desk::new();
    let other = OrgId([0xc1; 16]);
    let kind = louan_schema::code::OrgKind::PropertyManager;
    let company = Org { id: other, kind, name: "另一示例物业".to_owned(), street: None };
    let visitor = Person { org: other, ..person(BERT, "巡查员乙") };
    desk.fetch(vec![Item::Row(Row::Org(company)), Item::Row(Row::Person(visitor))]);
    let b = desk.acting(BERT);
    let refused = desk.phone.start_round(&b, SITE, vec![HOUSE]).expect_err("the other company's site");
    let fault = || Fault { pointer: "/site".into(), rule: Rule::NotOurs };
    assert_eq!(refused.kind, ErrorKind::FixInput(vec![fault()]));
    let b = desk.acting(BERT);
    let refused = desk.phone.report_hazard(&b, SITE, hazard("堵塞", b.at), Vec::new()).expect_err("nor that");
    assert_eq!(refused.kind, ErrorKind::FixInput(vec![fault()]));
    assert_eq!(desk.counts(), [0; 4], "nothing is saved that the office would return");
    let a = desk.acting(ANNA);
    desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("her own company's");
}

#[test]
fn a_compound_out_of_scope_goes_once_nothing_unsent_hangs_on_it() {
    let mut desk = Desk::new();
    let (prepared, request) = desk.request();
    let id = desk.hazard(ANNA, "堵塞");
    let mut taken = desk.all_taken(&request);
    taken.items = vec![Item::Gone(SITE)];
    desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert!(desk.phone.hazard(id, START).expect("reads").is_some(), "its work is not sent yet");
    assert!(desk.phone.search_buildings("1栋", 9).expect("reads").is_empty(), "it is no longer offered");
    desk.refuse(Code::ScopeLost);
    assert!(desk.phone.hazard(id, START).expect("reads").is_none());
    assert!(desk.phone.site(SITE).expect("reads").is_none());
    let held = desk.phone.held().expect("reads");
    assert!(matches!(&held[0].edit, Edit::Record { record: Some(_), .. }), "its own words stay readable");

    desk.fetch(rows());
    let again = desk.hazard(ANNA, "回来以后");
    let (_, request) = desk.request();
    assert_eq!(request.batches[0].changes[0].n, 1, "numbers go on rising");
    assert!(desk.phone.hazard(again, START).expect("reads").is_some());
}

#[test]
fn a_phone_told_to_do_nothing_but_send_seals_itself_when_all_is_sent_and_sends_on() {
    let mut desk = Desk::new();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let (prepared, request) = desk.request();
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, sixteen(Outcome::Pass, Some(1))[0].clone()).expect("saves");
    desk.hazard(ANNA, "堵塞");
    let mut taken = desk.all_taken(&request);
    taken.scope = Some(scope(1, true));
    let absorbed = desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert!(!absorbed.sealed);
    assert_eq!(desk.counts(), [2, 0, 0, 1], "what is unsent stays in sight");
    let a = desk.acting(ANNA);
    let error =
        desk.phone.report_hazard(&a, SITE, hazard("x", a.at), Vec::new()).expect_err("only sending is left");
    assert_eq!(error.kind, ErrorKind::AskAdmin);

    let absorbed = desk.refuse(Code::Revoked);
    assert_eq!((absorbed.held, absorbed.sealed), (2, true));
    for error in [
        desk.phone.search_buildings("", 9).map(|_| ()),
        desk.phone.hazards(HazardFilter::All, START).map(|_| ()),
        desk.phone.round(round).map(|_| ()),
        desk.phone.outbox().map(|_| ()),
    ] {
        assert_eq!(error.expect_err("sealed").kind, ErrorKind::AskAdmin);
    }
    let absorbed = desk.sync_with(|_, taken| taken.scope = Some(scope(2, false)));
    assert!(!absorbed.sealed);
    assert_eq!(
        desk.counts(),
        [2, 0, 0, 1],
        "what was decided meanwhile did not come down: it is asked about"
    );
    desk.refuse(Code::Revoked);
    assert_eq!(desk.counts(), [0, 2, 0, 1]);
}

#[test]
fn a_person_who_may_no_longer_write_is_refused_and_the_colleague_goes_on() {
    let mut desk = Desk::new();
    let mut without = scope(1, false);
    without.people = vec![BERT];
    desk.sync_with(|_, taken| taken.scope = Some(without));
    let a = desk.acting(ANNA);
    assert!(desk.phone.report_hazard(&a, SITE, hazard("x", a.at), Vec::new()).is_err());
    desk.hazard(BERT, "堵塞");
}

#[test]
fn an_app_too_old_keeps_what_it_holds() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let (prepared, _) = desk.request();
    let absorbed = desk.absorb(prepared, SyncReply::UpdateApp { min_build: 9 });
    assert_eq!((absorbed.update_app, absorbed.more), (Some(9), false));
    assert_eq!(desk.counts(), [1, 0, 0, 0]);
}

#[test]
fn a_bootstrap_goes_on_page_by_page_and_its_snapshots_are_read() {
    let mut desk = Desk::bare(louan_client_core::StorePlace::Memory);
    desk.phone.enrol(enrolment()).expect("takes its enrolment");
    let mut author = Desk::new();
    let id = author.hazard(BERT, "同事的");
    let (_, request) = author.request();
    let (doc, _, raw) = changes(&request).remove(0);
    let mut document = louan_schema::doc::Document::fresh(doc.doc_id());
    document.add(&raw).expect("our own change");
    let absorbed = desk.sync_with(|_, taken| {
        (taken.cursor, taken.page, taken.items) = (None, Some(vec![1].into()), rows());
    });
    assert!(absorbed.more);
    let absorbed = desk.sync_with(|request, taken| {
        assert_eq!(request.page.as_ref().map(|p| p.to_vec()), Some(vec![1]));
        taken.items = vec![Item::Snapshot { doc, bytes: document.save().into() }];
    });
    assert!(!absorbed.more);
    assert_eq!(desk.phone.hazard(id, START).expect("reads").expect("is there").text, "同事的");
    let (_, request) = desk.request();
    assert!(request.page.is_none() && request.cursor.is_some());
}
