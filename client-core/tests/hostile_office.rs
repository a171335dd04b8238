//! What the phone does with bytes that should never have reached it: one document suffers, the phone goes on.

mod support;

use std::path::Path;

use louan_client_core::StorePlace;
use louan_client_core::view::EditState;
use louan_schema::code::Outcome;
use louan_schema::doc::scan::scan;
use louan_schema::doc::write::{Tap, sheet_change};
use louan_schema::doc::{ActorLife, Descriptor, Document, DocumentError};
use louan_schema::id::{DeviceId, Incarnation, RoundId};
use louan_schema::wire::{Code, Item, Verdict};
use sha2::{Digest, Sha256};
use support::gate::Gate;
use support::*;

/// A colleague's change that every check of its bytes passes and on which automerge panics: its writer's fifth,
/// without the four before it (T2).
fn panicking(sheet: Descriptor) -> Vec<u8> {
    let life = ActorLife { device: DeviceId([0xd7; 16]), incarnation: Incarnation([3; 16]), n: 0 };
    let mut document = Document::fresh(sheet.doc_id());
    let header = [Tap::Opened(5)];
    let actor = life.actor(sheet.doc_id());
    let mut raw = sheet_change(&mut document, actor, &header).expect("writes").expect("changed").raw;
    // Behind the frame of ten bytes: one dependency, and the actor with its length.
    let seq = 10 + 1 + 32 + 1 + 16;
    assert_eq!((raw[10], raw[seq - 17], raw[seq]), (1, 16, 1), "laid out as expected");
    raw[seq] = 5;
    let checksum = Sha256::digest(&raw[8..]);
    raw[4..8].copy_from_slice(&checksum[..4]);
    assert_eq!(scan(&raw).expect("scans").seq, 5);
    raw
}

fn opened(desk: &mut Desk) -> (RoundId, Descriptor) {
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    (round, Descriptor::Sheet { site: SITE, org: COMPANY, round })
}

fn answer(desk: &mut Desk, round: RoundId, n: usize) {
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, sixteen(Outcome::Fail, Some(1))[n].clone()).expect("saves");
}

fn rows(path: &Path, sql: &str) -> i64 {
    let db = rusqlite::Connection::open(path).expect("opens");
    db.query_row(sql, [], |row| row.get(0)).expect("counts")
}

fn damage(path: &Path, sheet: Descriptor) {
    let db = rusqlite::Connection::open(path).expect("opens");
    let sql = "UPDATE doc SET snapshot = x'00ff' WHERE id = ?1";
    assert_eq!(db.execute(sql, [sheet.doc_id().as_bytes()]).expect("writes"), 1);
}

#[test]
fn a_change_on_which_automerge_panics_is_set_aside_and_its_sheet_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    let (round, sheet) = opened(&mut desk);
    answer(&mut desk, round, 0);
    desk.sync();
    let raw = panicking(sheet);
    let caught = Document::fresh(sheet.doc_id()).with(&raw);
    assert!(matches!(caught, Err(DocumentError::Panicked)), "it is that kind of change: {caught:?}");
    let change = Item::Change { doc: sheet, raw: raw.clone().into() };
    let absorbed = desk.fetch(vec![change]);
    assert_eq!((absorbed.received, absorbed.unread), (1, 1));
    let hash = "SELECT count(*) FROM tail WHERE length(raw) = 0 OR raw = (SELECT raw FROM unread)";
    assert_eq!((rows(&path, "SELECT count(*) FROM unread"), rows(&path, hash)), (1, 0));
    answer(&mut desk, round, 1);
    let found = desk.hazard(ANNA, "照常");
    assert_eq!(desk.sync().accepted, 2);
    let view = desk.phone.round(round).expect("opens").expect("is there");
    assert_eq!(view.answers.len(), 2);
    assert!(desk.phone.hazard(found, START).expect("reads").is_some());
    // Whole copies are opened as carefully: one that cannot be read is kept, and what is here stays.
    let absorbed = desk.fetch(vec![Item::Snapshot { doc: sheet, bytes: raw.into() }]);
    assert_eq!(absorbed.unread, 1);
    let view = desk.phone.round(round).expect("opens").expect("is there");
    assert_eq!(view.answers.len(), 2);
}

#[test]
fn a_sheet_that_does_not_open_keeps_nothing_else_from_being_sent_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    let (round, sheet) = opened(&mut desk);
    desk.sync();
    answer(&mut desk, round, 0);
    desk.hazard(ANNA, "照常上传");
    damage(&path, sheet);
    let absorbed = desk.sync();
    assert_eq!(absorbed.accepted, 1, "the hazard is at the office: {absorbed:?}");
    let waiting = desk.phone.outbox().expect("reads");
    assert_eq!(
        waiting.iter().map(|edit| (edit.state, edit.code)).collect::<Vec<_>>(),
        [(EditState::Pending, Some(Code::Unreadable))]
    );
    // The office's copy takes the damaged one's place, whose bytes are kept, and the answer goes.
    let copy = Document::fresh(sheet.doc_id()).save();
    desk.fetch(vec![Item::Snapshot { doc: sheet, bytes: copy.into() }]);
    assert_eq!(rows(&path, "SELECT count(*) FROM unread WHERE raw = x'00ff'"), 1);
    let told: Vec<_> = desk.phone.outbox().expect("reads").into_iter().map(|edit| edit.code).collect();
    assert_eq!(told, [None], "waits like any other");
    assert_eq!(desk.sync().accepted, 1);
    assert_eq!(desk.phone.outbox().expect("reads"), []);
}

#[test]
fn an_answer_to_be_written_anew_on_a_sheet_that_does_not_open_is_returned_in_the_end_and_the_rest_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    let (round, sheet) = opened(&mut desk);
    answer(&mut desk, round, 0);
    let mut gate = Gate::default();
    desk.request();
    damage(&path, sheet);
    for trip in 0.. {
        assert!(trip < 20, "it goes on for ever");
        let book = desk.hazard(ANNA, "照常上传");
        let absorbed = desk.sync_with(|request, taken| {
            taken.changes = gate.answer(DEVICE, request, || None);
            for (batch, verdicts) in request.batches.iter().zip(&mut taken.changes) {
                for (change, verdict) in batch.changes.iter().zip(verdicts) {
                    if !batch.docs[usize::try_from(change.doc).expect("small")].is_book() {
                        *verdict = Verdict::NotTaken(Code::CloneDetected);
                    }
                }
            }
        });
        assert!(gate.has_record(book), "trip {trip}");
        if absorbed.returned > 0 {
            break;
        }
        assert_eq!(desk.phone.outbox().expect("reads").len(), 1, "kept, and tried again");
    }
    let returned = desk.phone.returned().expect("reads");
    assert_eq!(returned.iter().map(|edit| edit.code).collect::<Vec<_>>(), [Some(Code::CloneDetected)]);
}
