//! The hostile table over the whole server: a hub over real worker processes takes every known way to
//! harm automerge or the log, sent by an enrolled phone with a true signature.
//!
//! Each row gets its one verdict. In the same request stand good changes of the same phone, before
//! and behind it, and of a colleague whose phone it carries: they are stored. The victim's next
//! honest edit works, and the document is loaded again after each row.

mod kit;
mod traps;

use std::path::PathBuf;
use std::sync::Arc;

use kit::craft::{Parts, run};
use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, Phone, SITE, STREAM, accepted, record, round, tap};
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document, first_change};
use louan_schema::id::{PersonId, RecordId, RoundId};
use louan_schema::wire::{Code, Verdict};
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::Sqlite;
use louan_server::sync::batch::hash_of;
use louan_server::worker::Pool;
use traps::header::HEADERS;
use traps::operation::OPERATIONS;
use traps::sheet::{SHEETS, TAKEN};
use traps::{Row, Stuff};

/// A hub over worker processes, a victim and a colleague in one organisation, and ids that are never used twice.
struct Court {
    hub: Hub,
    storage: Arc<Sqlite>,
    victim: Phone,
    carried: Phone,
    ids: u32,
    phones: u8,
    wrong: Vec<String>,
}

impl Court {
    async fn open() -> Self {
        let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
        let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 2);
        let hub = Hub::open(storage.clone(), Arc::new(pool), Limits::default()).await.expect("opens");
        kit::introduce(&hub).await;
        let victim = Phone::enrolled(&hub, 1, MANAGER, COMPANY).await;
        let carried = Phone::enrolled(&hub, 2, COLLEAGUE, COMPANY).await;
        Self { hub, storage, victim, carried, ids: 0, phones: 2, wrong: Vec::new() }
    }

    /// Notes a verdict that is not the row's, so that a run tells of all of them.
    fn hold(&mut self, name: &str, expected: Code, verdict: Verdict) {
        if verdict != Verdict::NotTaken(expected) {
            self.wrong.push(format!("{name}: {verdict:?}, not {expected:?}"));
        }
    }

    fn closed(self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
    }

    fn id(&mut self) -> [u8; 16] {
        self.ids += 1;
        let mut id = [0x77; 16];
        id[..4].copy_from_slice(&self.ids.to_be_bytes());
        id
    }

    async fn stranger(&mut self) -> Phone {
        self.phones += 1;
        Phone::enrolled(&self.hub, self.phones, COLLEAGUE, COMPANY).await
    }

    /// A record of a round nobody else speaks of.
    fn write(&mut self, phone: &mut Phone) -> Vec<u8> {
        let id = self.id();
        let mut body = round(1);
        let louan_schema::record::Body::Round(visit) = &mut body else { panic!("a round") };
        visit.round = RoundId(id);
        let author: PersonId = phone.person;
        phone.write_in(phone.book(), RecordId(id), &record(author, body))
    }

    /// The document as stored, loaded.
    async fn reloaded(&self, doc: Descriptor) -> Document {
        use louan_server::storage::log::LogStore;
        let bytes = self.storage.snapshot(doc.doc_id()).await.expect("reads").expect("stored");
        Document::load(&bytes).expect("what is stored loads")
    }

    /// Sends one request: the stranger's batch, and a colleague's that his phone carries.
    async fn send(
        &mut self,
        hostile: &mut Phone,
        own: louan_schema::wire::Batch,
        relayed: &[Vec<u8>],
    ) -> Vec<Vec<Verdict>> {
        let mut batch = self.carried.batch(self.carried.book(), relayed);
        batch.relayed_for = Some(self.carried.device);
        hostile.send(&self.hub, vec![own, batch]).await.changes
    }

    /// One row against a book.
    async fn book(&mut self, (name, code, make): &Row) {
        let (mut victim, mut carried) = (self.victim.clone(), self.carried.clone());
        let mut hostile = self.stranger().await;
        let book = hostile.book();
        let before = match self.ids {
            0 => 0,
            _ => self.reloaded(book).await.read_book().len(),
        };
        let mark = self.write(&mut victim);
        assert!(accepted(&victim.push(&self.hub, std::slice::from_ref(&mark)).await), "{name}");
        let good = self.write(&mut hostile);
        let raw = self.write(&mut hostile);
        let parts = Parts::of(&mark);
        let victim_op = u8::try_from(parts.start_op % 128).expect("small");
        let bad = make(Stuff {
            honest: Parts::of(&raw),
            raw,
            victim_actor: parts.actor,
            victim_hash: hash_of(&mark).0,
            victim_op,
            first: first_change(book.doc_id()).raw,
        });
        // The next actor of the same phone is not touched by what the one before did.
        hostile.n = 1;
        let other = self.write(&mut hostile);
        let relayed = self.write(&mut carried);
        let own =
            hostile.batch_of(vec![book], vec![(0, 0, good), (0, 0, bad.clone()), (0, 1, other)], Vec::new());
        let verdicts = self.send(&mut hostile, own, &[relayed]).await;
        self.hold(name, *code, verdicts[0][1]);
        assert!(accepted(&verdicts[0][..1]) && accepted(&verdicts[0][2..]), "{name}: {verdicts:?}");
        assert!(accepted(&verdicts[1]), "{name}: {verdicts:?}, a colleague's beside it");
        let next = self.write(&mut victim);
        assert!(accepted(&victim.push(&self.hub, &[next]).await), "{name}: the victim's next edit");
        let again = hostile.batch_of(vec![book], vec![(0, 0, bad)], Vec::new());
        let again = hostile.send(&self.hub, vec![again]).await.changes.remove(0);
        assert!(matches!(again[..], [Verdict::NotTaken(_)]), "{name}: {again:?} at the second try");
        assert_eq!(
            self.reloaded(book).await.read_book().len(),
            before + 5,
            "{name}: five good ones, nothing else"
        );
        (self.victim, self.carried) = (victim, carried);
    }

    /// One row against a sheet of its own.
    async fn sheet(&mut self, (name, code, make): &Row) {
        let sheet = Descriptor::Sheet { site: SITE, org: COMPANY, round: RoundId(self.id()) };
        let mut hostile = self.stranger().await;
        let mut ours = Document::fresh(sheet.doc_id());
        let mark = self.victim.tap(&sheet, &mut ours, &[Tap::Template(1), tap("1", 1)]);
        let batch = self.victim.batch(sheet, std::slice::from_ref(&mark));
        assert!(accepted(&self.victim.send(&self.hub, vec![batch]).await.changes[0]), "{name}");
        let mut theirs = Document::fresh(sheet.doc_id());
        theirs.add(&mark).expect("the victim's change applies");
        let good = hostile.tap(&sheet, &mut theirs, &[tap("2", 1)]);
        let mut aside = theirs.clone();
        let raw = hostile.tap(&sheet, &mut theirs, &[tap("3", 1)]);
        let parts = Parts::of(&mark);
        let bad = make(Stuff {
            honest: Parts::of(&raw),
            raw,
            // The second of the victim's operations: an outcome.
            victim_op: u8::try_from(parts.start_op + 1).expect("small"),
            victim_actor: parts.actor,
            victim_hash: hash_of(&mark).0,
            first: first_change(sheet.doc_id()).raw,
        });
        hostile.n = 1;
        let other = hostile.tap(&sheet, &mut aside, &[tap("4", 1)]);
        let mut carried = self.carried.clone();
        let relayed = self.write(&mut carried);
        let own = hostile.batch_of(vec![sheet], vec![(0, 0, good), (0, 0, bad), (0, 1, other)], Vec::new());
        let verdicts = self.send(&mut hostile, own, &[relayed]).await;
        self.hold(name, *code, verdicts[0][1]);
        assert!(accepted(&verdicts[0][..1]) && accepted(&verdicts[0][2..]), "{name}: {verdicts:?}");
        assert!(accepted(&verdicts[1]), "{name}: {verdicts:?}, a colleague's beside it");
        self.carried = carried;
        let next = self.victim.tap(&sheet, &mut ours, &[tap("1", 2)]);
        let batch = self.victim.batch(sheet, &[next]);
        let verdicts = self.victim.send(&self.hub, vec![batch]).await.changes.remove(0);
        assert!(accepted(&verdicts), "{name}: the victim's next edit: {verdicts:?}");
        let reading = self.reloaded(sheet).await.read_sheet();
        let floors: Vec<_> = reading.fields.keys().filter_map(|key| key.floor.as_deref()).collect();
        assert_eq!(floors, ["1", "2", "4"], "{name}");
        assert!(
            reading.fields.values().all(|standing| standing.others.is_empty()),
            "{name}: no contradiction"
        );
    }
}

#[tokio::test]
async fn every_hostile_header_gets_its_verdict_and_harms_nobody() {
    let mut court = Court::open().await;
    for row in HEADERS {
        court.book(row).await;
    }
    court.closed();
}

#[tokio::test]
async fn every_hostile_operation_gets_its_verdict_and_harms_nobody() {
    let mut court = Court::open().await;
    for row in OPERATIONS {
        court.book(row).await;
    }
    court.closed();
}

#[tokio::test]
async fn every_hostile_change_of_a_sheet_gets_its_verdict_and_harms_nobody() {
    let mut court = Court::open().await;
    for row in SHEETS {
        court.sheet(row).await;
    }
    court.closed();
}

/// C13 what stands exactly at a bound is honest: the rows next to it are refused for what they are.
#[tokio::test]
async fn what_stands_exactly_at_a_bound_of_a_sheet_is_taken() {
    let hub = kit::hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    for (n, (name, make)) in (100_u8..).zip(TAKEN) {
        let sheet = Descriptor::Sheet { site: SITE, org: COMPANY, round: RoundId([n; 16]) };
        let raw = phone.tap(&sheet, &mut Document::fresh(sheet.doc_id()), &[tap("3", 1)]);
        let honest = Parts::of(&raw);
        let at_the_bound = make(Stuff {
            victim_actor: honest.actor.clone(),
            victim_hash: hash_of(&raw).0,
            victim_op: 1,
            first: first_change(sheet.doc_id()).raw,
            honest,
            raw,
        });
        let batch = phone.batch(sheet, &[at_the_bound]);
        let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
        assert!(accepted(&verdicts), "{name}: {verdicts:?}");
    }
}

#[tokio::test]
async fn the_first_change_of_a_document_is_known_and_nobody_can_upload_it() {
    let hub = kit::hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let first = first_change(phone.book().doc_id());
    let verdicts = phone.push(&hub, &[first.raw]).await;
    assert_eq!(verdicts, [Verdict::Duplicate(0)]);
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 0);
}

#[tokio::test]
async fn what_stands_behind_a_refused_change_of_the_same_actor_follows_it() {
    let hub = kit::hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let bad = {
        let mut copy = phone.clone();
        Parts { message: b"x".to_vec(), ..Parts::of(&copy.write(1, round(1))) }.raw()
    };
    let mut stranger = record(COLLEAGUE, round(1));
    stranger.written_at = kit::noon();
    let refused = phone.write_in(phone.book(), RecordId([2; 16]), &stranger);
    let behind = phone.write(3, round(3));
    let verdicts = phone.push(&hub, &[bad, refused, behind.clone()]).await;
    let expected = [Code::NotCanonical, Code::Follows, Code::Follows].map(Verdict::NotTaken);
    assert_eq!(verdicts, expected);
    assert_eq!(phone.push(&hub, &[behind]).await, [Verdict::NotTaken(Code::Follows)], "asked again alone");
    phone.n = 1;
    let anew = phone.write(3, round(3));
    assert!(accepted(&phone.push(&hub, &[anew]).await), "a new actor goes on");
    phone.n = 0;
    let old = phone.write(4, round(4));
    assert_eq!(phone.push(&hub, &[old]).await, [Verdict::NotTaken(Code::ActorNumber)]);
}

/// C18 a poisoned batch.
#[tokio::test]
async fn ninety_nine_good_changes_are_stored_beside_a_poisoned_one() {
    let hub = kit::hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut raws: Vec<Vec<u8>> = (1..=99).map(|id| phone.write(id, round(id))).collect();
    raws.push(Parts::of(&phone.write(100, round(100))).column(0x42, run(10_000_000, &[1])).raw());
    let verdicts = phone.push(&hub, &raws).await;
    assert!(accepted(&verdicts[..99]));
    assert_eq!(verdicts[99], Verdict::NotTaken(Code::TooManyOps));
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 99);
}
