//! What stage 1 says over states that phones rarely bring about: a table of one gate, one
//! state and one change at a time. No hub, no store, no worker.

mod kit;

use kit::{COMPANY, MANAGER, OTHER_COMPANY, Phone, SITE, noon, round};
use louan_schema::code::Role;
use louan_schema::doc::{Descriptor, Kind};
use louan_schema::id::{ActorId, PersonId, RecordId};
use louan_schema::record::Record;
use louan_schema::registry::Person;
use louan_schema::wire::Code;
use louan_server::storage::commit::Sender;
use louan_server::storage::log::{ActorState, DocumentState, HeldVerdict, RecordHead};
use louan_server::storage::registry::{PersonRow, Standing};
use louan_server::sync::batch::{Pushed, measured};
use louan_server::sync::gate::Refused;
use louan_server::sync::{Gate, Rights, Stage1, rights};

fn phone() -> Phone {
    Phone::unknown(41, MANAGER, COMPANY)
}

fn sender(phone: &Phone) -> Sender {
    let (device, incarnation, person) = (phone.device, phone.incarnation, phone.person);
    Sender { device, incarnation, person, upload: [0; 32], received_at: noon() }
}

const MAY: Rights =
    Rights { person: MANAGER, role: Some(Role::PropertyManager), own_book: true, barred: None };

/// The next record of the phone's own book under the actor that holds now.
fn next(phone: &mut Phone, id: u8) -> Pushed {
    let raw = phone.write(id, round(id));
    measured(&phone.book(), phone.n, raw)
}

fn actor(phone: &Phone) -> ActorId {
    phone.life().actor(phone.book().doc_id())
}

/// What the gate says of these changes, and what is left of the quota.
fn judged(
    phone: &Phone,
    rights: Rights,
    state: DocumentState,
    pushed: &[Pushed],
    quota: u32,
) -> (Vec<Stage1>, u32) {
    let sender = sender(phone);
    let mut left = quota;
    let said = Gate::new(phone.book(), &sender, rights, state).judge(pushed, &mut left);
    (said, left)
}

fn refused(said: &Stage1) -> Refused {
    match said {
        Stage1::NotTaken(refused) => *refused,
        other => panic!("{other:?}"),
    }
}

fn is_candidate(said: &Stage1) -> bool {
    matches!(said, Stage1::Candidate(_))
}

#[test]
fn what_is_sent_again_or_comes_under_a_fallen_number_burns_no_actor_and_keeps_no_bytes() {
    let mut phone = phone();
    let (first, second) = (next(&mut phone, 1), next(&mut phone, 2));
    let (gap, left) = judged(&phone, MAY, DocumentState::default(), &[second], 5);
    let gap = refused(&gap[0]);
    assert_eq!((gap.code, gap.keep, gap.burns, left), (Code::SeqGap, false, false, 5));

    let state = DocumentState { n_max: Some(3), ..DocumentState::default() };
    let (fallen, left) = judged(&phone, MAY, state, std::slice::from_ref(&first), 5);
    let fallen = refused(&fallen[0]);
    assert_eq!((fallen.code, fallen.keep, fallen.burns, left), (Code::ActorNumber, true, false, 4));

    let large = measured(&phone.book(), 0, vec![0; 70_000]);
    let (large, left) = judged(&phone, MAY, DocumentState::default(), &[large], 5);
    let large = refused(&large[0]);
    assert_eq!((large.code, large.keep, large.burns, left), (Code::TooLarge, false, false, 5));
}

/// What the phone sends whose life a clone shares can still be asked for again; its place must not be burnt then.
#[test]
fn a_clone_is_evidence_and_burns_nothing_of_the_life_it_shares() {
    let mut phone = phone();
    let mut clone = phone.clone();
    let (ours, theirs) = (next(&mut phone, 1), next(&mut clone, 2));
    let (said, left) = judged(&phone, MAY, DocumentState::default(), &[ours, theirs], 5);
    assert!(is_candidate(&said[0]), "{said:?}");
    let theirs = refused(&said[1]);
    assert_eq!((theirs.code, theirs.keep, theirs.burns, left), (Code::CloneDetected, true, false, 3));
}

#[test]
fn a_day_without_quota_says_so_only_of_what_would_be_kept() {
    let mut phone = phone();
    let (first, second) = (next(&mut phone, 1), next(&mut phone, 2));
    let (said, _) = judged(&phone, MAY, DocumentState::default(), &[first], 0);
    assert_eq!(refused(&said[0]).code, Code::Quota);
    let (said, _) = judged(&phone, MAY, DocumentState::default(), &[second], 0);
    assert_eq!(refused(&said[0]).code, Code::SeqGap, "this is sent again whatever the day");
}

#[test]
fn bytes_under_somebody_elses_actor_break_nothing_of_the_one_they_were_sent_under() {
    let mut phone = phone();
    let mut other = Phone::unknown(42, MANAGER, COMPANY);
    let changes = [next(&mut other, 9), next(&mut phone, 1)];
    let (said, _) = judged(&phone, MAY, DocumentState::default(), &changes, 5);
    assert_eq!(refused(&said[0]).code, Code::ActorMismatch);
    assert!(is_candidate(&said[1]), "{said:?}");
}

#[test]
fn a_burnt_actor_is_burnt_from_there_on_and_what_a_human_refused_is_no_longer_held() {
    let mut phone = phone();
    let (first, second) = (next(&mut phone, 1), next(&mut phone, 2));
    let scanned = first.scanned.clone().expect("scans");
    let tip = Some((scanned.seq, scanned.hash, scanned.max_op()));
    let state = |burnt_at, decided| {
        let burnt = Some((burnt_at, HeldVerdict { code: Code::Revoked, decided }));
        let mut state = DocumentState::default();
        state.actors.insert(actor(&phone), ActorState { tip, burnt });
        let known = louan_server::storage::log::Known { pos: 1, max_op: scanned.max_op() };
        state.known.insert(first.hash, known);
        state
    };
    let say = |state| judged(&phone, MAY, state, std::slice::from_ref(&second), 5).0.remove(0);
    assert!(is_candidate(&say(state(3, None))), "what stands before the refused one is untouched");
    assert_eq!(refused(&say(state(2, None))).code, Code::Revoked, "held behind what is held");
    assert_eq!(refused(&say(state(2, Some(false)))).code, Code::Follows, "that was refused for good");
}

#[test]
fn an_offices_decision_opens_what_was_closed_and_forgets_the_numbers() {
    let mut phone = phone();
    let change = next(&mut phone, 1);
    let sender = sender(&phone);
    let decided = |state| Gate::new(phone.book(), &sender, MAY, state).by_decision(Code::Revoked);
    for state in [
        DocumentState { frozen: true, ..DocumentState::default() },
        DocumentState { n_max: Some(8), ..DocumentState::default() },
    ] {
        let said = decided(state.clone()).judge(std::slice::from_ref(&change), &mut 1);
        assert!(is_candidate(&said[0]), "{state:?}: {said:?}");
        let (said, _) = judged(&phone, MAY, state, std::slice::from_ref(&change), 1);
        assert!(!is_candidate(&said[0]), "only a decision opens it");
    }
}

#[test]
fn a_claim_that_it_was_taken_before_changes_what_rights_alone_refuse_and_nothing_else() {
    let mut phone = phone();
    let change = Pushed { taken_before: Some(7), ..next(&mut phone, 1) };
    for (barred, role, expected) in [
        (Code::OutOfScope, Some(Role::PropertyManager), Code::TakenBefore),
        (Code::NotPermitted, Some(Role::PropertyManager), Code::TakenBefore),
        (Code::NotPermitted, None, Code::Unreadable),
        (Code::Revoked, Some(Role::PropertyManager), Code::Revoked),
        (Code::ScopeLost, Some(Role::PropertyManager), Code::ScopeLost),
        (Code::Erased, Some(Role::PropertyManager), Code::Erased),
    ] {
        let rights = Rights { role, barred: Some(barred), ..MAY };
        let (said, _) = judged(&phone, rights, DocumentState::default(), std::slice::from_ref(&change), 5);
        assert_eq!(refused(&said[0]).code, expected, "{barred:?}");
    }
}

/// Copies of one phone went apart and each wrote anew what both had.
#[test]
fn what_the_book_has_by_another_change_is_not_refused_whatever_rights_are_left() {
    let mut phone = phone();
    let change = next(&mut phone, 1);
    let own = kit::record(MANAGER, round(1));
    let id = RecordId([1; 16]);
    let head = RecordHead { org: COMPANY, site: SITE, kind: Kind::Round, subject: [9; 16] };
    let said = |change: &Pushed, stored: Option<&Record>, barred| {
        let state = DocumentState {
            records: [(id, head)].into(),
            stored: stored.map(|record| (id, record.to_bytes())).into_iter().collect(),
            ..DocumentState::default()
        };
        let (said, _) = judged(&phone, Rights { barred, ..MAY }, state, std::slice::from_ref(change), 5);
        refused(&said[0]).code
    };
    for barred in [None, Some(Code::OutOfScope), Some(Code::ScopeLost), Some(Code::Revoked)] {
        assert_eq!(said(&change, Some(&own), barred), Code::SameRecord, "{barred:?}");
    }
    assert_eq!(said(&change, Some(&own), Some(Code::Erased)), Code::Erased);
    let other = kit::record(MANAGER, round(2));
    assert_eq!(said(&change, Some(&other), None), Code::KeyExists, "its id, and not what it says");
    assert_eq!(said(&change, Some(&other), Some(Code::OutOfScope)), Code::OutOfScope);
    assert_eq!(said(&change, None, None), Code::KeyExists, "in another book, or in this batch");
    let theirs = kit::record(kit::COLLEAGUE, round(1));
    let raw = Phone::unknown(41, MANAGER, COMPANY).write_in(phone.book(), id, &theirs);
    let forged = measured(&phone.book(), phone.n, raw);
    assert_eq!(said(&forged, Some(&theirs), None), Code::AuthorMismatch, "a colleague's, in his own name");
}

#[test]
fn who_decides_about_work_of_an_earlier_log_decides_by_what_right_it_was_done() {
    let mut phone = phone();
    let change = next(&mut phone, 1);
    let sender = sender(&phone);
    let reader = Rights { role: Some(Role::LeadingGroup), ..MAY };
    let decided = |held_for| {
        let gate = Gate::new(phone.book(), &sender, reader, DocumentState::default()).by_decision(held_for);
        { gate }.judge(std::slice::from_ref(&change), &mut 1).remove(0)
    };
    assert!(is_candidate(&decided(Code::TakenBefore)), "the role it was done in may be another today");
    assert_eq!(refused(&decided(Code::Revoked)).code, Code::NotPermitted, "nothing else is waived");
}

#[test]
fn a_right_is_lost_only_by_who_had_it_when_last_in_touch() {
    let person =
        |org| Person { id: MANAGER, org, role: Role::PropertyManager, name: "示例人员12".to_owned() };
    let book = Descriptor::book_at(SITE, COMPANY, noon());
    let barred = |standing: &Standing, revoked| rights(MANAGER, &book, standing, revoked).barred;
    let whole = Standing {
        person: Some(PersonRow { person: person(COMPANY), active: true, erased: false }),
        linked: true,
        was_linked: true,
        org_at_contact: true,
        visible: true,
        visible_at_contact: true,
    };
    assert_eq!(barred(&whole, false), None);
    assert_eq!(barred(&whole, true), Some(Code::Revoked));
    for (visible_at_contact, expected) in [(true, Code::ScopeLost), (false, Code::OutOfScope)] {
        let standing = Standing { visible: false, visible_at_contact, ..whole.clone() };
        assert_eq!(barred(&standing, false), Some(expected));
    }
    let elsewhere = Some(PersonRow { person: person(OTHER_COMPANY), active: true, erased: false });
    for (org_at_contact, visible_at_contact, expected) in [
        (true, true, Code::ScopeLost),
        (true, false, Code::OutOfScope),
        (false, true, Code::OutOfScope),
        (false, false, Code::OutOfScope),
    ] {
        let standing =
            Standing { person: elsewhere.clone(), org_at_contact, visible_at_contact, ..whole.clone() };
        assert_eq!(barred(&standing, false), Some(expected), "{org_at_contact} {visible_at_contact}");
    }
    let nobody = Standing { person: None, ..whole };
    let said = rights(PersonId([99; 16]), &book, &nobody, false);
    assert_eq!((said.barred, said.role, said.own_book), (Some(Code::NotPermitted), None, false));
}
