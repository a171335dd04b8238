//! After a restore: what a colleague signed is carried back for him, and what the office no
//! longer confirms goes from this phone.

mod support;

use louan_schema::doc::scan::record_put;
use louan_schema::doc::write::record_change;
use louan_schema::doc::{ActorLife, Descriptor, Document, Kind};
use louan_schema::id::{ChangeHash, DeviceId, Epoch, Incarnation, OrgId, RecordId};
use louan_schema::record::{Body, RECORD_LAYOUT, Record};
use louan_schema::wire::{Code, Item, Proof, Row, Signed, SyncReply, SyncRequest, Verdict};
use support::*;

const LOST: DeviceId = DeviceId([0xd9; 16]);
const LIFE: Incarnation = Incarnation([0x19; 16]);

/// A colleague's signed change, as it came with the feed.
fn colleagues(text: &str) -> (Descriptor, ChangeHash, Vec<u8>, Signed) {
    written_on(LOST, text)
}

fn written_on(device: DeviceId, text: &str) -> (Descriptor, ChangeHash, Vec<u8>, Signed) {
    let book = Descriptor::book_at(SITE, COMPANY, START);
    let body = Body::Hazard(hazard(text, START));
    let record = Record {
        layout: RECORD_LAYOUT,
        author: BERT,
        written_at: START,
        catalogue: louan_schema::policy::Policy::qijiang_2020().catalogue(),
        replaces: None,
        photos: Vec::new(),
        body,
    };
    let actor = ActorLife { device, incarnation: LIFE, n: 3 }.actor(book.doc_id());
    let id = RecordId([0x33; 16]);
    let written = record_change(&book, actor, None, (Kind::Hazard, id), record.to_bytes()).expect("fits");
    let elsewhere = (louan_schema::id::DocId([0xaa; 16]), 0, ChangeHash([0xbb; 32]));
    let list = vec![elsewhere, (book.doc_id(), 3, written.tip.hash)];
    let signed = Signed {
        device,
        incarnation: LIFE,
        person: BERT,
        proof: Proof { list, commands: [5; 32].into() },
        signature: vec![6; 64].into(),
        pos: 40,
    };
    (book, written.tip.hash, written.raw, signed)
}

/// A phone that has received the change and learns that the log was restored; it stands before its bootstrap.
fn restored(desk: &mut Desk) -> (Descriptor, ChangeHash, Vec<u8>, Signed) {
    let (book, hash, raw, signed) = colleagues("同事的");
    desk.fetch(vec![
        Item::Change { doc: book, raw: raw.clone().into() },
        Item::Signed(Box::new(signed.clone())),
    ]);
    learn(desk);
    (book, hash, raw, signed)
}

fn learn(desk: &mut Desk) {
    desk.epoch = Epoch([10; 16]);
    let (prepared, _) = desk.request();
    desk.absorb(prepared, SyncReply::EpochChanged { epoch: desk.epoch, head: 1 });
}

#[test]
fn a_colleagues_lost_change_is_carried_under_his_own_signature_once() {
    let mut desk = Desk::new();
    let (book, hash, raw, signed) = restored(&mut desk);
    let mut asked = Vec::new();
    let absorbed = desk.sync_with(|request, taken| {
        assert!(request.batches.is_empty(), "first it asks");
        asked = request.verify.clone();
        taken.missing = request.verify.clone();
    });
    assert_eq!((asked, absorbed.more), (vec![hash], true));
    let own = desk.hazard(ANNA, "自己的");
    let (prepared, request) = desk.request();
    assert_eq!(prepared.digests().len(), 1, "only its own batch is this device's to sign");
    let [mine, his] = &request.batches[..] else { panic!("{:?}", request.batches) };
    assert_eq!((mine.person, mine.relayed_for), (ANNA, None));
    assert_eq!((his.person, his.relayed_for, his.incarnation), (BERT, Some(LOST), LIFE));
    assert_eq!(his.proof.as_ref(), Some(&signed.proof));
    assert_eq!(his.signature, signed.signature);
    assert_eq!((his.docs[0], his.changes[0].n, his.changes[0].raw.to_vec()), (book, 3, raw));
    let taken = desk.all_taken(&request);
    let absorbed = desk.absorb(prepared, SyncReply::Taken(Box::new(taken)));
    assert_eq!((absorbed.accepted, absorbed.relayed), (1, 1));
    assert!(desk.request().1.batches.is_empty(), "it is not carried again");
    assert!(desk.phone.hazard(own, START).expect("reads").is_some());
}

#[test]
fn a_change_that_came_inside_a_whole_copy_is_carried_as_it_was_written() {
    let mut desk = Desk::new();
    let (book, hash, raw, signed) = colleagues("同事的");
    let mut whole = Document::fresh(book.doc_id());
    whole.add(&raw).expect("an honest change");
    desk.fetch(vec![
        Item::Snapshot { doc: book, bytes: whole.save().into() },
        Item::Signed(Box::new(signed)),
    ]);
    learn(&mut desk);
    desk.sync_with(|request, taken| {
        assert_eq!(request.verify, [hash]);
        taken.missing = request.verify.clone();
    });
    let (_, request) = desk.request();
    assert_eq!(request.batches[0].changes[0].raw.to_vec(), raw);
}

#[test]
fn what_the_log_still_has_or_a_backup_has_is_not_carried() {
    let mut desk = Desk::new();
    restored(&mut desk);
    desk.sync();
    assert!(desk.request().1.batches.is_empty(), "the log still has it");

    let mut desk = Desk::new();
    let (book, _, raw, signed) = colleagues("同事的");
    let items = vec![Item::Change { doc: book, raw: raw.into() }, Item::Signed(Box::new(signed))];
    desk.sync_with(|_, taken| {
        taken.items = items;
        taken.backed_up_pos = 40;
    });
    learn(&mut desk);
    assert!(desk.request().1.verify.is_empty(), "a verified backup has it");
}

/// Where it stands in the log put back, only that log can say; it stood at 40 in the one before.
#[test]
fn what_was_found_or_brought_back_further_on_is_kept_until_a_backup_of_that_log_covers_it() {
    for missing in [false, true] {
        let mut desk = Desk::new();
        let (_, hash, ..) = restored(&mut desk);
        desk.pos = 60;
        desk.sync_with(|request, taken| {
            assert_eq!(request.verify, [hash]);
            taken.missing.extend(missing.then_some(hash));
        });
        let brought = desk.sync_with(|_, taken| taken.backed_up_pos = 45).relayed;
        assert_eq!(brought, usize::from(missing));
        learn(&mut desk);
        assert_eq!(desk.request().1.verify, [hash], "no backup of that log had it; missing: {missing}");
        desk.sync();
        desk.sync_with(|_, taken| taken.backed_up_pos = 61);
        learn(&mut desk);
        assert!(desk.request().1.verify.is_empty(), "a verified backup has it; missing: {missing}");
    }
}

#[test]
fn a_change_that_cannot_be_taken_now_is_carried_until_it_can_and_the_phone_comes_to_rest_in_between() {
    let mut desk = Desk::new();
    restored(&mut desk);
    desk.sync_with(|request, taken| taken.missing = request.verify.clone());
    for code in [Code::SeqGap, Code::Quota, Code::BadSignature, Code::MissingDep].repeat(5) {
        assert_eq!(desk.request().1.batches.len(), 1);
        assert!(!desk.refuse(code).more, "nothing moved: no reason to ask again at once");
    }
    assert_eq!(desk.sync().relayed, 1);
    assert!(desk.request().1.batches.is_empty());
}

/// Two copies of one phone had the same number for two edits, the log put back knows one of them, and whoever wrote the
/// other one is gone.
#[test]
fn what_a_copy_of_this_phone_wrote_and_cannot_be_brought_back_is_written_anew_once() {
    for (device, anew) in [(DEVICE, 1), (LOST, 0)] {
        let mut desk = Desk::new();
        let hash = a_copys(&mut desk, device);
        assert_eq!(desk.refuse(Code::CloneDetected).rewritten, anew);
        let (_, request) = desk.request();
        assert_eq!((desk.counts()[0], request.batches.len()), (anew, anew), "{device}");
        if anew == 0 {
            continue;
        }
        assert_eq!((request.batches[0].person, request.batches[0].relayed_for), (BERT, None));
        let change = &request.batches[0].changes[0];
        assert_eq!(record_put(&change.raw).expect("a record").id, RecordId([0x33; 16]));
        assert!(change.taken_before.is_some(), "it was permitted once");
        desk.sync();
        assert_eq!(desk.counts(), [0, 0, 0, 1]);
        // The log is put back once more: both are asked about, and one is enough.
        learn(&mut desk);
        desk.sync_with(|request, taken| {
            assert_eq!(request.verify.len(), 2);
            taken.missing = vec![hash];
        });
        assert_eq!(desk.refuse(Code::CloneDetected).rewritten, 0);
        assert_eq!(desk.counts(), [0, 0, 0, 1]);
    }
}

/// What stands behind such an edit has a number that nobody will ever reach.
#[test]
fn what_stands_behind_a_copys_lost_edit_is_written_anew_once_it_was_carried_in_vain() {
    for (code, device, anew) in [
        (Code::SeqGap, DEVICE, 1),
        (Code::MissingDep, DEVICE, 1),
        (Code::Quota, DEVICE, 0),
        (Code::SeqGap, LOST, 0),
    ] {
        let mut desk = Desk::new();
        a_copys(&mut desk, device);
        assert_eq!(desk.refuse(code).rewritten, 0, "what it rests on may be under way");
        assert_eq!(desk.refuse(code).rewritten, anew, "{} {device}", code.name());
        let (_, request) = desk.request();
        let relayed = request.batches.iter().filter(|batch| batch.relayed_for.is_some()).count();
        assert_eq!((desk.counts()[0], relayed), (anew, 1 - anew), "one or the other");
    }
}

/// A phone that is to bring back what was written on this device.
fn a_copys(desk: &mut Desk, device: DeviceId) -> ChangeHash {
    let (book, hash, raw, signed) = written_on(device, "副本的");
    desk.fetch(vec![Item::Change { doc: book, raw: raw.into() }, Item::Signed(Box::new(signed))]);
    learn(desk);
    desk.sync_with(|request, taken| taken.missing = request.verify.clone());
    hash
}

#[test]
fn a_colleagues_work_to_be_brought_back_keeps_its_compound_here_until_it_is() {
    let mut desk = Desk::new();
    let (_, hash, ..) = restored(&mut desk);
    // The restored office does not know the compound: it was registered after the backup.
    desk.sync_with(|request, taken| {
        assert_eq!(request.verify, [hash]);
        taken.items.clear();
        taken.missing = request.verify.clone();
    });
    assert_eq!(desk.request().1.batches.len(), 1, "it is still here to be carried");
    desk.sync();
    assert!(desk.phone.site(SITE).expect("reads").is_none(), "then the compound goes");
}

#[test]
fn own_work_older_than_a_backup_that_failed_is_asked_about_with_its_bytes() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "自己的");
    let (book, hash, raw) = changes(&desk.request().1)[0].clone();
    desk.sync();
    desk.sync_with(|_, taken| taken.backed_up_pos = u64::MAX >> 1);
    learn(&mut desk);
    assert!(desk.request().1.verify.is_empty(), "thought to be safe");
    let empty = Document::fresh(book.doc_id()).save();
    desk.sync_with(|_, taken| taken.items.push(Item::Snapshot { doc: book, bytes: empty.into() }));
    desk.sync_with(|request, taken| {
        assert_eq!(request.verify, [hash], "an older backup was put back");
        taken.missing = request.verify.clone();
    });
    assert_eq!(desk.request().1.batches[0].changes[0].raw.to_vec(), raw);
}

#[test]
fn a_copy_that_this_build_cannot_read_empties_nothing() {
    let mut desk = Desk::new();
    let (book, _, raw, signed) = colleagues("同事的");
    desk.fetch(vec![Item::Change { doc: book, raw: raw.into() }, Item::Signed(Box::new(signed))]);
    learn(&mut desk);
    desk.sync_with(|_, taken| taken.items.push(Item::Snapshot { doc: book, bytes: vec![1, 2, 3].into() }));
    assert!(desk.phone.hazard(RecordId([0x33; 16]), START).expect("reads").is_some());
}

#[test]
fn a_phone_that_may_act_again_starts_anew_and_asks_about_what_was_held() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "自己的");
    desk.sync_with(|_, taken| {
        taken.scope = Some(scope(2, true));
        taken.changes = vec![vec![Verdict::NotTaken(Code::Revoked)]];
    });
    desk.sync_with(|_, taken| {
        taken.scope = Some(scope(3, false));
        taken.cursor = None;
        taken.page = Some(vec![7].into());
    });
    let (_, request) = desk.request();
    assert_eq!((request.cursor, request.page.is_none()), (None, true));
    assert_eq!(request.batches.len(), 1, "what was held is asked about");
}

#[test]
fn what_was_taken_before_says_so_when_it_is_sent_again() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "自己的");
    let before = |request: &SyncRequest| request.batches[0].changes[0].taken_before;
    desk.sync_with(|request, _| assert_eq!(before(request), None));
    learn(&mut desk);
    desk.sync_with(|request, taken| taken.missing = request.verify.clone());
    let (_, request) = desk.request();
    assert!(before(&request).is_some_and(|pos| pos > 0), "{request:?}");
}

#[test]
fn what_a_bootstrap_does_not_bring_goes_but_not_before_what_hangs_on_it_is_sent() {
    let mut desk = Desk::new();
    let elsewhere = louan_schema::id::SiteId([0x99; 16]);
    let ghost = building(louan_schema::id::BuildingId([0x77; 16]), SITE, "500110001-000009", "9栋");
    desk.fetch(vec![Item::Row(Row::Site(site(elsewhere, "他处"))), Item::Row(Row::Building(ghost))]);
    let own = desk.hazard(ANNA, "自己的");
    learn(&mut desk);
    // The restored office knows neither the ninth building nor the compound elsewhere.
    desk.sync_with(|_, taken| {
        taken.changes = vec![vec![Verdict::NotTaken(Code::Quota)]; taken.changes.len()]
    });
    let buildings = |desk: &Desk| desk.phone.site(SITE).expect("reads").expect("is there").buildings.len();
    assert_eq!(buildings(&desk), 2);
    assert!(desk.phone.site(elsewhere).expect("reads").is_none());

    // Now the first compound is not confirmed either, while something unsent hangs on it.
    learn(&mut desk);
    let refuse = |request: &SyncRequest, taken: &mut louan_schema::wire::Taken| {
        taken.items.clear();
        taken.changes =
            request.batches.iter().map(|b| vec![Verdict::NotTaken(Code::Quota); b.changes.len()]).collect();
    };
    desk.sync_with(refuse);
    assert_eq!(desk.counts(), [1, 0, 0, 0]);
    assert!(desk.phone.site(SITE).expect("reads").is_some(), "what is unsent can still be seen in its place");
    desk.sync();
    assert!(desk.phone.site(SITE).expect("reads").is_none());
    assert_eq!(desk.counts(), [0, 0, 0, 1], "the edit itself stays in its list");
    assert!(desk.phone.hazard(own, START).expect("reads").is_none());
}

#[test]
fn a_decision_about_a_compound_that_has_left_does_not_bring_its_book_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(louan_client_core::StorePlace::File(path.clone()));
    desk.hazard(ANNA, "自己的");
    let hash = changes(&desk.request().1)[0].1;
    desk.refuse(Code::ScopeLost);
    desk.fetch(vec![Item::Gone(SITE)]);
    desk.fetch(vec![Item::Decided { change: hash, taken: true }]);
    assert_eq!(desk.counts(), [0, 0, 0, 1]);
    let db = rusqlite::Connection::open(&path).expect("opens");
    let left = |table: &str| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("reads")
    };
    assert_eq!((left("doc"), left("tail"), left("record")), (0, 0, 0));
}

#[test]
fn the_books_of_an_organisation_that_is_no_longer_here_go_once_all_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(louan_client_core::StorePlace::File(path.clone()));
    desk.hazard(ANNA, "自己的");
    let books = |path: &std::path::Path| -> i64 {
        let db = rusqlite::Connection::open(path).expect("opens");
        db.query_row("SELECT count(*) FROM doc", [], |row| row.get(0)).expect("reads")
    };
    let narrower = louan_schema::wire::Scope { orgs: vec![OrgId([0xcc; 16])], ..scope(2, false) };
    desk.sync_with(|_, taken| {
        taken.scope = Some(narrower);
        taken.changes = vec![vec![Verdict::NotTaken(Code::Quota)]];
    });
    assert_eq!((books(&path), desk.counts()), (1, [1, 0, 0, 0]), "not before it is sent");
    desk.sync();
    assert_eq!((books(&path), desk.counts()), (0, [0, 0, 0, 1]));
}
