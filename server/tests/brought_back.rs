//! What phones bring back after an older backup was put back: their own work, a lost
//! colleague's, and what the log no longer knows by what right it was written.
//! Only what the author signed counts; the carrier's word is worth nothing.

mod kit;

use kit::{
    COLLEAGUE, COMPANY, EPOCH, MANAGER, OFFICER, OTHER_COMPANY, Phone, SITE, STRANGER, accepted, clocks, hub,
    noon, round, sheet, tap,
};
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::Chain;
use louan_schema::wire::{Batch, Code, Item, Proof, SyncReply, SyncRequest, Verdict};
use louan_server::sync::batch::{hash_of, signed_list};
use louan_server::sync::bootstrap::{Part, Token};

/// The part of a batch that a colleague's phone has received, as it would carry it.
fn carried(author: &Phone, batch: &Batch, places: &[usize]) -> Batch {
    Batch {
        relayed_for: Some(author.device),
        changes: places.iter().map(|place| batch.changes[*place].clone()).collect(),
        commands: Vec::new(),
        proof: Some(Proof {
            list: signed_list(batch),
            commands: Batch::digest_of_commands(&batch.commands).into(),
        }),
        ..batch.clone()
    }
}

#[tokio::test]
async fn a_colleague_brings_back_one_change_of_a_signed_batch_and_nothing_else_under_it() {
    let hub = hub().await;
    let mut author = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut carrier = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let raws = [author.write(1, round(1)), author.write(2, round(2)), author.write(3, round(3))];
    let whole = author.batch(author.book(), &raws[..2]);
    let bad = [Verdict::NotTaken(Code::BadSignature)];

    let mut smuggled = carried(&author, &whole, &[0]);
    smuggled.changes[0].raw = raws[2].clone().into();
    assert_eq!(carrier.send(&hub, vec![smuggled]).await.changes[0], bad, "not on the list");
    let mut shortened = carried(&author, &whole, &[0]);
    shortened.proof.as_mut().expect("one").list.pop();
    assert_eq!(carrier.send(&hub, vec![shortened]).await.changes[0], bad, "another list");
    let mut others = carried(&author, &whole, &[0]);
    others.proof.as_mut().expect("one").commands = [1; 32].into();
    assert_eq!(carrier.send(&hub, vec![others]).await.changes[0], bad, "other commands");
    let mut commanding = carried(&author, &whole, &[0]);
    let (row, _) = kit::site(SITE, OTHER_COMPANY, 500_110_001);
    let act = louan_schema::ruling::Act::RegisterSite(row, Vec::new());
    let id = louan_schema::id::CommandId([1; 16]);
    commanding.commands.push(louan_schema::ruling::Command { id, expected_version: 1, at: kit::noon(), act });
    assert_eq!(carrier.send(&hub, vec![commanding]).await.changes[0], bad, "with a command nobody signed");
    let own = Batch { relayed_for: None, ..carried(&author, &whole, &[0]) };
    assert_eq!(carrier.send(&hub, vec![own.clone()]).await.changes[0], bad, "as the carrier's own");
    assert_eq!(author.send(&hub, vec![own]).await.changes[0], bad, "its author shows all of it, not a proof");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 0);

    let first = carried(&author, &whole, &[0]);
    assert!(accepted(&carrier.send(&hub, vec![first]).await.changes[0]));
    let second = carried(&author, &whole, &[1]);
    assert!(accepted(&carrier.send(&hub, vec![second]).await.changes[0]));
    let again = author.push(&hub, &raws[..2]).await;
    assert!(again.iter().all(|verdict| matches!(verdict, Verdict::Duplicate(_))), "{again:?}");
    assert!(accepted(&author.push(&hub, &raws[2..]).await), "its author goes on behind it");
}

#[tokio::test]
async fn who_brings_a_change_back_gets_it_like_everybody_else() {
    let hub = hub().await;
    let mut author = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut carrier = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    carrier.pull(&hub, 0).await;
    let raw = author.write(1, round(1));
    let batch = carried(&author, &author.batch(author.book(), std::slice::from_ref(&raw)), &[0]);
    let taken = carrier.send(&hub, vec![batch]).await;
    let came = |item: &Item| matches!(item, Item::Change { raw: came, .. } if came.as_slice() == raw);
    assert!(taken.items.iter().any(came), "{:?}", taken.items);
}

#[tokio::test]
async fn signed_lists_go_with_changes_that_no_verified_backup_has() {
    let hub = hub().await;
    let mut author = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    reader.pull(&hub, 0).await;
    let lists = |items: &[Item]| items.iter().filter(|item| matches!(item, Item::Signed(_))).count();
    let first = author.write(1, round(1));
    author.push(&hub, &[first]).await;
    assert_eq!(lists(&reader.pull(&hub, 0).await), 0, "nothing can be put back yet");
    let head = hub.head().await.expect("stands");
    hub.set_backed_up(head.epoch, head.pos, [], noon()).await.expect("notes it");
    let raws = [author.write(2, round(2)), author.write(3, round(3))];
    let batch = author.batch(author.book(), &raws);
    author.send(&hub, vec![batch.clone()]).await;
    let items = reader.pull(&hub, 0).await;
    assert_eq!(lists(&items), 1, "one list for both changes");
    let Some(Item::Signed(list)) = items.iter().find(|item| matches!(item, Item::Signed(_))) else {
        panic!("{items:?}")
    };
    assert_eq!((list.device, list.person), (author.device, MANAGER));
    assert_eq!(
        list.proof.list.iter().map(|entry| entry.2).collect::<Vec<_>>(),
        raws.map(|raw| hash_of(&raw))
    );
    assert_eq!(list.signature, batch.signature);
    let mut newcomer = Phone::enrolled(&hub, 43, COLLEAGUE, COMPANY).await;
    assert_eq!(lists(&newcomer.pull(&hub, 0).await), 1, "of the three changes two have no backup");
    let head = hub.head().await.expect("stands");
    hub.set_backed_up(head.epoch, head.pos, [], noon()).await.expect("notes it");
    let mut late = Phone::enrolled(&hub, 44, COLLEAGUE, COMPANY).await;
    assert_eq!(lists(&late.pull(&hub, 0).await), 0);
}

#[tokio::test]
async fn what_a_log_once_had_is_decided_by_a_human_where_rights_are_not_known_any_more() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 51, STRANGER, OTHER_COMPANY).await;
    phone.pull(&hub, 0).await;
    let raw = phone.write(1, round(1));
    let mut batch = phone.batch(phone.book(), std::slice::from_ref(&raw));
    batch.changes[0].taken_before = Some(7);
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::TakenBefore)], "held");
    hub.decide_held(OFFICER, (hash_of(&raw), phone.device), true, clocks()).await.expect("taken");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 1);

    phone.n = 1;
    let fresh = phone.write(2, round(2));
    assert_eq!(
        phone.push(&hub, &[fresh]).await,
        [Verdict::NotTaken(Code::OutOfScope)],
        "what no log ever had is refused"
    );
}

#[tokio::test]
async fn what_a_log_once_had_waits_where_the_restored_one_lacks_a_role_a_colleague_or_gave_the_id_away() {
    let hub = hub().await;
    let again = |phone: &Phone, raw: &Vec<u8>| {
        let mut batch = phone.batch(phone.book(), std::slice::from_ref(raw));
        batch.changes[0].taken_before = Some(7);
        batch
    };
    let mut phone = Phone::enrolled(&hub, 51, MANAGER, COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 52, OFFICER, kit::POLICE).await;
    phone.pull(&hub, 0).await;
    let hazard = phone.write(1, louan_schema::record::Body::Hazard(kit::hazard("杂物堆放")));
    assert!(accepted(&phone.push(&hub, &[hazard]).await));

    // Who checked was entered after the backup: his name means nothing to this log.
    let newcomer = louan_schema::id::PersonId([77; 16]);
    let recheck = officer.write(2, kit::recheck(louan_schema::id::RecordId([1; 16]), newcomer, true));
    let batch = again(&officer, &recheck);
    assert_eq!(officer.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::TakenBefore)]);
    let person = louan_schema::registry::Person {
        id: newcomer,
        org: kit::POLICE,
        role: louan_schema::code::Role::Police,
        name: "示例人员77".to_owned(),
    };
    hub.add_person(person, None, clocks()).await.expect("entered again");
    let brigade = kit::BRIGADIER;
    let decided = hub.decide_held(brigade, (hash_of(&recheck), officer.device), true, clocks()).await;
    assert!(decided.is_ok(), "{decided:?}");

    // Whoever saw a record's id has put it into a book of his own meanwhile.
    let mut other = Phone::enrolled(&hub, 53, STRANGER, OTHER_COMPANY).await;
    let there = Descriptor::book_at(kit::ELSEWHERE, OTHER_COMPANY, noon());
    let id = louan_schema::id::RecordId([3; 16]);
    let taken = other.write_in(there, id, &kit::record(STRANGER, round(31)));
    let batch = other.batch(there, &[taken]);
    assert!(accepted(&other.send(&hub, vec![batch]).await.changes[0]));
    let mine = phone.write(3, round(32));
    let batch = again(&phone, &mine);
    assert_eq!(phone.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::TakenBefore)]);

    // Nothing of it for work that no log ever had, nor for an id taken in one's own book.
    let mut fresh = Phone::enrolled(&hub, 54, MANAGER, COMPANY).await;
    let taken = fresh.write(3, round(33));
    assert_eq!(fresh.push(&hub, &[taken]).await, [Verdict::NotTaken(Code::KeyExists)]);
    let mut twice = Phone::enrolled(&hub, 55, MANAGER, COMPANY).await;
    let own = twice.write(1, round(34));
    let batch = again(&twice, &own);
    assert_eq!(twice.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::KeyExists)]);
}

#[tokio::test]
async fn a_carrier_who_leaves_the_claim_out_spoils_nothing_for_the_author() {
    let hub = hub().await;
    let author = &mut Phone::enrolled(&hub, 51, STRANGER, OTHER_COMPANY).await;
    let mut carrier = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    author.pull(&hub, 0).await;
    let raw = author.write(1, round(1));
    let batch = carried(author, &author.batch(author.book(), std::slice::from_ref(&raw)), &[0]);
    assert_eq!(batch.changes[0].taken_before, None);
    let verdicts = carrier.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::TakenBefore)], "held, not refused");
    hub.decide_held(OFFICER, (hash_of(&raw), author.device), true, clocks()).await.expect("taken");
}

#[tokio::test]
async fn a_claim_opens_no_other_organisations_book() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 51, STRANGER, OTHER_COMPANY).await;
    let theirs = Descriptor::book_at(SITE, COMPANY, kit::noon());
    let raw = phone.write_in(theirs, louan_schema::id::RecordId([1; 16]), &kit::record(STRANGER, round(1)));
    let mut batch = phone.batch(theirs, &[raw]);
    batch.changes[0].taken_before = Some(7);
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::OutOfScope)]);
}

#[tokio::test]
async fn carriers_bring_a_lifes_actors_back_in_any_order() {
    let hub = hub().await;
    let mut author = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut carrier = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let first = author.write(1, round(1));
    let early = author.batch(author.book(), &[first]);
    author.n = 1;
    let second = author.write(2, round(2));
    let late = author.batch(author.book(), &[second]);
    for batch in [&late, &early] {
        let batch = carried(&author, batch, &[0]);
        assert!(accepted(&carrier.send(&hub, vec![batch]).await.changes[0]));
    }
}

#[tokio::test]
async fn a_closed_sheet_says_that_it_is_closed_whatever_it_has_lost() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let mut document = Document::fresh(sheet().doc_id());
    // What the answer rests on was lost with the colleague's phone.
    colleague.tap(&sheet(), &mut document, &[tap("1", 0)]);
    let resting = phone.tap(&sheet(), &mut document, &[tap("1", 1)]);
    let batch = phone.batch(sheet(), std::slice::from_ref(&resting));
    let waits = phone.send(&hub, vec![batch.clone()]).await.changes.remove(0);
    assert_eq!(waits, [Verdict::NotTaken(Code::MissingDep)], "open: it may still come");
    let submission = phone.write(9, round(1));
    assert!(accepted(&phone.push(&hub, &[submission]).await));
    let closed = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(closed, [Verdict::NotTaken(Code::Frozen)], "closed: it never will, so a human looks at it");
}

#[tokio::test]
async fn answers_and_the_submission_that_closes_their_sheet_may_come_together() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut document = Document::fresh(sheet().doc_id());
    let answers: Vec<_> =
        (1..6).map(|n| phone.tap(&sheet(), &mut document, &[tap(&n.to_string(), 1)])).collect();
    let submission = phone.write(9, round(1));
    let book = phone.book();
    let mut changes = vec![(1, 0, submission)];
    changes.extend(answers.into_iter().map(|raw| (0, 0, raw)));
    let batch = phone.batch_of(vec![sheet(), book], changes, Vec::new());
    let taken = phone.send(&hub, vec![batch]).await;
    assert!(accepted(&taken.changes[0]), "{:?}", taken.changes[0]);
}

#[tokio::test]
async fn pages_begun_in_another_log_are_not_gone_on_with() {
    let hub = hub().await;
    let phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let head = hub.head().await.expect("stands");
    let good = (head.pos, head.chain);
    let other = louan_schema::id::Epoch([9; 16]);
    let tokens = [
        (Token::start(EPOCH, good, Part::All), true),
        (Token::start(other, good, Part::All), false),
        (Token::start(EPOCH, (head.pos, Chain([1; 16])), Part::All), false),
        (Token::start(EPOCH, (head.pos + 1, head.chain), Part::All), false),
    ];
    for (token, goes_on) in tokens {
        let request = SyncRequest { page: Some(token.to_bytes().into()), ..phone.request(Vec::new()) };
        let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
        assert_eq!(matches!(reply, SyncReply::Taken(_)), goes_on, "{token:?}: {reply:?}");
    }
}

#[tokio::test]
async fn a_copys_record_is_called_the_same_only_where_the_log_has_it() {
    let hub = kit::hub().await;
    let (mut phone, mut copy) = (
        Phone::enrolled(&hub, 41, MANAGER, COMPANY).await,
        Phone::enrolled(&hub, 42, MANAGER, COMPANY).await,
    );
    let (id, record) = (louan_schema::id::RecordId([7; 16]), kit::record(MANAGER, round(7)));
    // Twice in one batch: what comes first may still be refused, and then the log has neither.
    let twice = [phone.write_in(phone.book(), id, &record), phone.write_in(phone.book(), id, &record)];
    let verdicts = phone.push(&hub, &twice).await;
    assert!(accepted(&verdicts[..1]), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::NotTaken(Code::KeyExists));

    let there = Descriptor::book_at(kit::ELSEWHERE, COMPANY, noon());
    let raw = copy.write_in(there, id, &record);
    let batch = copy.batch(there, &[raw]);
    assert_ne!(copy.send(&hub, vec![batch]).await.changes[0], [Verdict::NotTaken(Code::SameRecord)]);
    let raw = copy.write_in(copy.book(), id, &record);
    assert_eq!(copy.push(&hub, &[raw]).await, [Verdict::NotTaken(Code::SameRecord)]);
    let behind = copy.write(8, round(8));
    assert_eq!(copy.push(&hub, &[behind]).await, [Verdict::NotTaken(Code::Follows)], "not in the log itself");
}
