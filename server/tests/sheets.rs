//! Sheets: colleagues fill one round together, a submission closes it, a flood of
//! contradictions is stopped.
//! The documents are real; only the phones are stand-ins.

mod kit;

use kit::craft::Parts;
use kit::{
    COLLEAGUE, COMPANY, MANAGER, OTHER_COMPANY, Phone, SITE, STRANGER, accepted, clocks, hub, round, sheet,
    tap,
};
use louan_schema::code::{OrgKind, Role};
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{OrgId, PersonId, RoundId};
use louan_schema::registry::{Org, Person};
use louan_schema::wire::{Code, Item, Verdict};

#[tokio::test]
async fn two_colleagues_fill_one_sheet_and_a_submission_closes_it() {
    let hub = hub().await;
    let mut first = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut second = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    second.pull(&hub, 0).await;
    let mut ours = Document::fresh(sheet().doc_id());
    let opened = first.tap(&sheet(), &mut ours, &[Tap::Template(1), Tap::Opened(5), tap("1", 0)]);
    let batch = first.batch(sheet(), &[opened]);
    assert!(accepted(&first.send(&hub, vec![batch]).await.changes[0]));
    let items = second.pull(&hub, 0).await;
    let [Item::Change { doc, raw }] = &items[..] else { panic!("{items:?}") };
    assert_eq!(*doc, sheet());
    let mut theirs = Document::fresh(sheet().doc_id());
    theirs.add(raw).expect("applies");
    let more = [
        second.tap(&sheet(), &mut theirs, &[tap("2", 1)]),
        second.tap(&sheet(), &mut theirs, &[tap("1", 1)]),
    ];
    let batch = second.batch(sheet(), &more);
    assert!(accepted(&second.send(&hub, vec![batch]).await.changes[0]));
    let mut third = Phone::enrolled(&hub, 43, COLLEAGUE, COMPANY).await;
    let open = third.pull(&hub, 0).await;
    assert!(
        open.iter().any(|i| matches!(i, Item::Snapshot { doc, .. } if *doc == sheet())),
        "open: in the bootstrap"
    );

    let submission = first.write(9, round(1));
    assert!(accepted(&first.push(&hub, &[submission]).await));
    assert!(second.pull(&hub, 0).await.contains(&Item::Frozen(sheet())));
    let late = second.tap(&sheet(), &mut theirs, &[tap("3", 1)]);
    let batch = second.batch(sheet(), &[late]);
    let verdicts = second.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::Frozen)], "held, never rejected");
    let mut fourth = Phone::enrolled(&hub, 44, COLLEAGUE, COMPANY).await;
    let closed = fourth.pull(&hub, 0).await;
    assert!(
        !closed.iter().any(|i| matches!(i, Item::Snapshot { doc, .. } if *doc == sheet())),
        "closed: history"
    );
}

#[tokio::test]
async fn a_sheet_that_comes_after_its_round_was_submitted_is_held() {
    let hub = hub().await;
    let mut first = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let submission = first.write(9, round(1));
    assert!(accepted(&first.push(&hub, &[submission]).await));
    let mut sheet_document = Document::fresh(sheet().doc_id());
    let late = first.tap(&sheet(), &mut sheet_document, &[tap("1", 1)]);
    let batch = first.batch(sheet(), &[late]);
    assert_eq!(first.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::Frozen)]);
}

#[tokio::test]
async fn an_actor_whose_sheet_change_is_refused_takes_only_its_own_later_changes_with_it() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut document = Document::fresh(sheet().doc_id());
    let good = phone.tap(&sheet(), &mut document, &[tap("1", 1)]);
    let mut elsewhere = document.clone();
    let bad = phone.tap(&sheet(), &mut document, &[tap("1", 7)]);
    let behind = phone.tap(&sheet(), &mut document, &[tap("2", 1)]);
    let batch = phone.batch(sheet(), &[good, bad, behind]);
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert!(accepted(&verdicts[..1]));
    assert_eq!(verdicts[1..], [Code::Schema, Code::Follows].map(Verdict::NotTaken));
    phone.n = 1;
    let anew = phone.tap(&sheet(), &mut elsewhere, &[tap("2", 1)]);
    let batch = phone.batch(sheet(), &[anew]);
    assert!(accepted(&phone.send(&hub, vec![batch]).await.changes[0]));
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let mut theirs = Document::fresh(sheet().doc_id());
    let foreign = stranger.tap(&sheet(), &mut theirs, &[tap("5", 1)]);
    let batch = stranger.batch(sheet(), &[foreign]);
    assert_eq!(stranger.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::OutOfScope)]);
}

/// C11 on a sheet: an office that submits no rounds fills none either.
#[tokio::test]
async fn who_submits_no_rounds_fills_no_sheet() {
    let hub = hub().await;
    let office = OrgId([50; 16]);
    let row = Org { id: office, kind: OrgKind::Office, name: "示例办公室".to_owned(), street: None };
    hub.add_org(row, None, clocks()).await.expect("added");
    let clerk = PersonId([51; 16]);
    let row = Person { id: clerk, org: office, role: Role::Office, name: "示例干事".to_owned() };
    hub.add_person(row, None, clocks()).await.expect("added");
    let phone = Phone::enrolled(&hub, 41, clerk, office).await;
    let theirs = Descriptor::Sheet { site: SITE, org: office, round: RoundId([1; 16]) };
    let raw = phone.tap(&theirs, &mut Document::fresh(theirs.doc_id()), &[tap("1", 1)]);
    let batch = phone.batch(theirs, &[raw]);
    let verdicts = phone.clone().send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::NotPermitted)]);
}

#[tokio::test]
async fn contradictions_under_one_field_are_kept_up_to_a_bound() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut changes = Vec::new();
    for n in 0..66 {
        phone.n = n;
        let mut alone = Document::fresh(sheet().doc_id());
        changes.push((0, n, phone.tap(&sheet(), &mut alone, &[tap("1", u64::from(n % 3))])));
    }
    let batch = phone.batch_of(vec![sheet()], changes, Vec::new());
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert!(accepted(&verdicts[..64]), "{verdicts:?}");
    assert_eq!(verdicts[64..], [Verdict::NotTaken(Code::ConflictFlood); 2]);
}

#[tokio::test]
async fn a_change_that_forgets_its_writers_own_last_one_is_refused() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut document = Document::fresh(sheet().doc_id());
    let good = phone.tap(&sheet(), &mut document, &[tap("1", 1)]);
    let next = Parts::of(&phone.tap(&sheet(), &mut document, &[tap("2", 1)]));
    // Its operation would have the number that the first one has (T6c, M8).
    let first = Parts::of(&good);
    let bad = Parts { deps: first.deps, start_op: first.start_op, ..next }.raw();
    let batch = phone.batch(sheet(), &[good, bad]);
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert!(accepted(&verdicts[..1]));
    assert_eq!(verdicts[1], Verdict::NotTaken(Code::BadStartOp));
}
