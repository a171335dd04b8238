//! What the phone keeps of documents: tails that are folded, copies that are added up.

mod support;

use std::path::Path;

use louan_client_core::{Enrolment, Phone, StorePlace};
use louan_schema::code::Outcome;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{DeviceId, Epoch};
use louan_schema::wire::{Code, Item, SyncReply, Verdict};
use support::gate::Gate;
use support::*;

/// Rows of the tail that could be folded, and whether there is a snapshot.
fn kept(path: &Path, doc: Descriptor) -> (i64, Option<Vec<u8>>) {
    let db = rusqlite::Connection::open(path).expect("opens");
    let id = doc.doc_id();
    let tail = "SELECT count(*) FROM tail WHERE doc = ?1";
    let tail = db.query_row(tail, [id.as_bytes()], |row| row.get(0)).expect("reads");
    let snapshot = "SELECT snapshot FROM doc WHERE id = ?1";
    (tail, db.query_row(snapshot, [id.as_bytes()], |row| row.get(0)).expect("is there"))
}

/// A colleague on another phone.
fn colleague() -> Desk {
    let mut desk = Desk::bare(StorePlace::Memory);
    desk.device = DeviceId([0xd1; 16]);
    desk.phone.renew_incarnation([2; 16]).expect("a life of its own");
    desk.phone.enrol(Enrolment { device: desk.device, ..enrolment() }).expect("takes its enrolment");
    // Chance of its own.
    for _ in 0..1_000 {
        desk.chance::<8>();
    }
    desk.fetch(rows());
    desk
}

#[test]
fn a_long_sheet_is_folded_but_for_own_answers_that_may_have_to_be_taken_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one.sqlite"), folder.path().join("two.sqlite"));
    let mut writer = Desk::at(StorePlace::File(one.clone()));
    let mut watcher = Desk::at(StorePlace::File(two.clone()));
    let mut second = colleague();
    let mut gate = Gate::default();
    let b = second.acting(BERT);
    let round = second.phone.start_round(&b, SITE, vec![HOUSE]).expect("starts");
    let sheet = Descriptor::Sheet { site: SITE, org: COMPANY, round };
    second.meet(&mut gate);
    writer.meet(&mut gate);
    let a = writer.acting(ANNA);
    writer.phone.join_round(&a, round).expect("joins");
    let a = writer.acting(ANNA);
    writer.phone.answer(&a, round, sixteen(Outcome::Fail, Some(1))[15].clone()).expect("saves");
    writer.refuse(Code::Unreadable);
    for n in 0..20 {
        let b = second.acting(BERT);
        let mut answer = sixteen(Outcome::Pass, Some(1))[n % 15].clone();
        answer.note = Some(format!("第{n}次"));
        second.phone.answer(&b, round, answer).expect("saves");
        second.meet(&mut gate);
    }
    let (handed, log) = (writer.handed, gate.log.clone());
    let items = log[handed..].iter().map(|(_, doc, raw)| Item::Change { doc: *doc, raw: raw.clone().into() });
    let items: Vec<Item> = items.collect();
    writer.sync_with(|_, taken| {
        taken.items = items;
        taken.changes = vec![vec![Verdict::NotTaken(Code::Unreadable)]];
    });
    watcher.meet(&mut gate);

    let (tail, snapshot) = kept(&two, sheet);
    assert_eq!(tail, 0);
    let folded = Document::load(&snapshot.expect("is folded")).expect("loads");
    assert_eq!(folded.read_sheet().fields.len(), 30);
    let answers = |desk: &Desk| desk.phone.round(round).expect("reads").expect("is there").answers.len();
    // Of the writer's only the answer that the office has not taken yet is left outside the folded copy.
    assert_eq!((kept(&one, sheet).0, answers(&writer), answers(&watcher)), (1, 16, 15));

    writer.refuse(Code::BadPred);
    assert_eq!(answers(&writer), 15, "what was returned is in no document");
}

#[test]
fn a_book_is_folded_when_long_without_what_the_office_has_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    for n in 0..40 {
        desk.hazard(ANNA, &format!("第{n}处"));
    }
    desk.sync_with(|_, taken| taken.changes[0][30..].fill(Verdict::NotTaken(Code::Quota)));
    let book = Descriptor::book_at(SITE, COMPANY, START);
    let records = |snapshot: Option<Vec<u8>>| {
        Document::load(&snapshot.expect("is folded")).expect("loads").read_book().len()
    };
    let (tail, snapshot) = kept(&path, book);
    assert_eq!((tail, records(snapshot)), (10, 30));
    let mut second = colleague();
    for _ in 0..20 {
        second.hazard(BERT, "同事的");
    }
    let mut gate = Gate::default();
    second.meet(&mut gate);
    let items = gate.log.iter().map(|(_, doc, raw)| Item::Change { doc: *doc, raw: raw.clone().into() });
    desk.fetch(items.collect());
    let (tail, snapshot) = kept(&path, book);
    assert_eq!((tail, records(snapshot)), (0, 60));
    let all = desk.phone.hazards(louan_client_core::HazardFilter::All, START).expect("reads");
    assert_eq!(all.len(), 60);
}

#[test]
fn what_a_restored_office_lacks_goes_from_a_colleagues_lists_and_comes_again_with_the_feed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    let mut second = colleague();
    let mut gate = Gate::default();
    let kept_by_office = second.hazard(BERT, "备份之前");
    second.meet(&mut gate);
    let backup = gate.clone();
    let lost_by_office = second.hazard(BERT, "备份之后");
    second.meet(&mut gate);
    desk.meet(&mut gate);
    let (_, book, lost) = gate.log[1].clone();
    let own = desk.hazard(ANNA, "自己的");
    desk.meet(&mut gate);
    desk.epoch = Epoch([10; 16]);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: Epoch([10; 16]), head: 1 });
    let mut restored = backup;
    desk.handed = restored.log.len();
    // The first trip brings the restored book and asks about what was acknowledged; nothing is sent yet.
    desk.sync_with(|request, taken| {
        assert!(request.batches.is_empty());
        taken.items.extend(restored.snapshots());
        taken.missing = request.verify.clone();
    });
    let shown = |desk: &Desk, id| desk.phone.hazard(id, START).expect("reads").is_some();
    assert!(shown(&desk, kept_by_office) && shown(&desk, own), "what is there, and what is one's own");
    assert!(!shown(&desk, lost_by_office), "what the office lacks is nobody's to show");
    let db = rusqlite::Connection::open(&path).expect("opens");
    let bytes: Vec<u8> = db
        .query_row("SELECT raw FROM colleague_change WHERE batch IS NULL", [], |row| row.get(0))
        .expect("without a signed list its bytes are kept all the same");
    assert_eq!(bytes, lost);
    desk.meet(&mut restored);
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
    desk.fetch(vec![Item::Change { doc: book, raw: lost.into() }]);
    assert!(shown(&desk, lost_by_office));
}

#[test]
fn answers_resting_on_what_a_restored_office_has_lost_are_written_anew() {
    let (mut first, mut second) = (Desk::new(), colleague());
    let mut gate = Gate::default();
    let a = first.acting(ANNA);
    let round = first.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let sheet = Descriptor::Sheet { site: SITE, org: COMPANY, round };
    first.meet(&mut gate);
    second.meet(&mut gate);
    let mut restored = gate.clone();
    let (header, snapshot) = (gate.log[0].2.clone(), Document::fresh(sheet.doc_id()));
    let b = second.acting(BERT);
    second.phone.join_round(&b, round).expect("joins");
    let answers = sixteen(Outcome::Pass, Some(1));
    let b = second.acting(BERT);
    second.phone.answer(&b, round, answers[0].clone()).expect("saves");
    second.meet(&mut gate);
    first.meet(&mut gate);
    // The first phone answers on top of what the office is about to forget.
    let a = first.acting(ANNA);
    first.phone.answer(&a, round, answers[1].clone()).expect("saves");
    let (prepared, _) = first.request();
    first.epoch = Epoch([10; 16]);
    first.absorb(prepared, SyncReply::EpochChanged { epoch: first.epoch, head: 1 });
    let mut copy = snapshot;
    copy.add(&header).expect("an honest change");
    first.sync_with(|_, taken| taken.items.push(Item::Snapshot { doc: sheet, bytes: copy.save().into() }));
    first.handed = restored.log.len();
    while first.meet(&mut restored).more {}
    assert_eq!(first.counts(), [0, 0, 0, 2]);
    assert_eq!(restored.log.len(), 2);
    let view = first.phone.round(round).expect("reads").expect("is there");
    assert_eq!(view.answers.iter().map(|a| a.item).collect::<Vec<_>>(), [answers[1].item]);
}

#[test]
fn what_this_build_cannot_read_is_kept_and_the_rest_goes_on() {
    let mut desk = Desk::new();
    let book = Descriptor::book_at(SITE, COMPANY, START);
    let absorbed = desk.fetch(vec![
        Item::Change { doc: book, raw: vec![1, 2, 3].into() },
        Item::Snapshot { doc: book, bytes: vec![4, 5, 6].into() },
        Item::Row(louan_schema::wire::Row::Site(site(SITE, "改名苑"))),
    ]);
    assert_eq!((absorbed.received, absorbed.unread), (3, 2));
    assert_eq!(desk.phone.site(SITE).expect("reads").expect("is there").site.name, "改名苑");
}

#[test]
fn a_phone_may_be_handed_to_another_thread() {
    const fn may<T: Send>() {}
    may::<Phone>();
}
