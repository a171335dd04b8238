//! Stores that are damaged, newer than the app, or somebody else's.

mod support;

use std::path::{Path, PathBuf};

use louan_client_core::{OpenError, Phone, StorePlace};
use louan_schema::code::Outcome;
use support::*;

fn filled(path: &Path) -> (Vec<louan_client_core::view::OutboxView>, Desk) {
    let mut desk = Desk::at(StorePlace::File(path.to_owned()));
    desk.hazard(ANNA, "已上传");
    desk.sync();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, sixteen(Outcome::Fail, Some(1))[0].clone()).expect("saves");
    for n in 0..40 {
        desk.hazard(BERT, &format!("未上传{n}"));
    }
    (desk.phone.outbox().expect("reads"), desk)
}

fn open(path: &Path, seed: u8) -> Result<Phone, OpenError> {
    Phone::open(StorePlace::File(path.to_owned()), [seed; 16])
}

fn sql(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).expect("opens")
}

fn page_of(path: &Path, name: &str) -> (usize, usize) {
    let db = sql(path);
    let size: usize = db
        .query_row("PRAGMA page_size", [], |r| r.get::<_, i64>(0))
        .expect("reads")
        .try_into()
        .expect("small");
    let root: i64 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [name], |r| r.get(0))
        .expect("is there");
    (usize::try_from(root - 1).expect("small") * size, size)
}

fn aside(path: &Path, number: u32) -> PathBuf {
    PathBuf::from(format!("{}.damaged-{number}", path.display()))
}

#[test]
fn a_damaged_store_is_put_aside_whole_and_everything_unsent_is_carried_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let (unsent, desk) = filled(&path);
    drop(desk);
    // An index page of server rows: nothing of the phone's own is on it.
    let (at, size) = page_of(&path, "building_site");
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[at..at + size].fill(0xa5);
    std::fs::write(&path, &bytes).expect("writes");

    let phone = open(&path, 4).expect("opens alone");
    let salvage = phone.salvage().expect("tells so").clone();
    assert_eq!((salvage.aside.clone(), salvage.unreadable_rows), (aside(&path, 1), false));
    assert_eq!(salvage.edits_saved, 41);
    assert_eq!(std::fs::read(&salvage.aside).expect("is kept"), bytes, "not a byte is changed");
    assert_eq!(phone.enrolment().expect("reads"), Some(enrolment()));
    assert_eq!(phone.outbox().expect("reads"), unsent);
    drop(phone);
    assert!(open(&path, 5).expect("opens").salvage().is_none(), "carried over once");

    let mut desk = Desk::bare(StorePlace::Memory);
    desk.phone = open(&path, 6).expect("opens");
    desk.fetch(rows());
    let mut gate = gate::Gate::default();
    for _ in 0..4 {
        let absorbed = desk.sync_with(|request, taken| taken.changes = gate.answer(DEVICE, request, || None));
        if !absorbed.more {
            break;
        }
    }
    assert!(desk.phone.outbox().expect("reads").is_empty());
}

#[test]
fn of_a_store_whose_outbox_is_hurt_the_readable_rows_are_carried_over_and_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let (unsent, desk) = filled(&path);
    drop(desk);
    let leaf: i64 = sql(&path).query_row("SELECT count(*) FROM outbox", [], |r| r.get(0)).expect("reads");
    assert!(leaf > 40);
    // A needle from the middle of the outbox, wherever its page is.
    let needle = "未上传20".as_bytes();
    let mut bytes = std::fs::read(&path).expect("reads");
    let size = page_of(&path, "outbox").1;
    let found: Vec<usize> =
        bytes.windows(needle.len()).enumerate().filter(|(_, w)| *w == needle).map(|(i, _)| i).collect();
    for at in found {
        let page = at / size * size;
        bytes[page..page + size].fill(0xa5);
    }
    std::fs::write(&path, &bytes).expect("writes");
    let phone = open(&path, 4).expect("opens alone");
    let salvage = phone.salvage().expect("tells so");
    assert!(salvage.unreadable_rows);
    assert!(salvage.edits_saved > 0 && salvage.edits_saved < 41, "{}", salvage.edits_saved);
    for edit in phone.outbox().expect("reads") {
        assert!(unsent.iter().any(|before| before.edit == edit.edit), "nothing is made up");
    }
}

#[test]
fn a_carried_over_edit_whose_bytes_have_rotted_is_left_out_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let (unsent, desk) = filled(&path);
    drop(desk);
    let (at, size) = page_of(&path, "building_site");
    let rot = "UPDATE outbox SET raw = zeroblob(length(raw)) WHERE local_seq = 7";
    sql(&path).execute_batch(rot).expect("writes");
    sql(&path).execute_batch("UPDATE outbox SET descriptor = x'ff' WHERE local_seq = 9").expect("writes");
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[at..at + size].fill(0xa5);
    std::fs::write(&path, &bytes).expect("writes");
    let phone = open(&path, 4).expect("opens alone");
    let salvage = phone.salvage().expect("tells so");
    assert_eq!((salvage.edits_saved, salvage.unreadable_rows), (unsent.len() - 2, true));
    assert_eq!(phone.outbox().expect("reads").len(), unsent.len() - 2);
}

#[test]
fn a_store_whose_rows_are_out_of_order_is_salvaged_and_not_read_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path.clone()));
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    for answer in sixteen(Outcome::Fail, Some(1)).into_iter().take(5) {
        let a = desk.acting(ANNA);
        desk.phone.answer(&a, round, answer).expect("saves");
    }
    drop(desk);
    let taps = |path: &Path| -> i64 {
        sql(path).query_row("SELECT count(*) FROM tap", [], |row| row.get(0)).expect("reads")
    };
    let before = taps(&path);
    // On the table's one leaf, the second cell: its payload's length, then its number.
    let (at, _) = page_of(&path, "tap");
    let mut bytes = std::fs::read(&path).expect("reads");
    assert_eq!(bytes[at], 0x0d, "all on one leaf");
    let cell = at + usize::from(u16::from_be_bytes([bytes[at + 10], bytes[at + 11]]));
    let number = cell + if bytes[cell] & 0x80 == 0 { 1 } else { 2 };
    assert_eq!(bytes[number], 2);
    bytes[number] = 100;
    std::fs::write(&path, &bytes).expect("writes");
    let phone = open(&path, 4).expect("opens alone");
    assert!(phone.salvage().expect("tells so").unreadable_rows);
    drop(phone);
    assert_eq!(taps(&path), before, "whatever their order, every one is carried over");
}

#[test]
fn bytes_that_are_no_store_are_put_aside_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    for number in 1..=2 {
        std::fs::write(&path, vec![0x5a; 8_192]).expect("writes");
        let phone = open(&path, 4).expect("opens alone");
        let salvage = phone.salvage().expect("tells so");
        assert_eq!((salvage.aside.clone(), salvage.edits_saved), (aside(&path, number), 0));
        assert!(salvage.unreadable_rows);
        drop(phone);
        assert_eq!(std::fs::read(aside(&path, number)).expect("is kept"), vec![0x5a; 8_192]);
    }
}

#[test]
fn a_store_newer_than_the_app_is_refused_and_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    drop(open(&path, 1).expect("opens"));
    sql(&path).pragma_update(None, "user_version", 99).expect("writes");
    let before = std::fs::read(&path).expect("reads");
    assert!(matches!(open(&path, 2), Err(OpenError::NewerStore { found: 99, .. })));
    assert_eq!(std::fs::read(&path).expect("reads"), before);
    assert!(!aside(&path, 1).exists());
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.sqlite");
    sql(&path).execute_batch("CREATE TABLE theirs (x)").expect("writes");
    assert!(matches!(open(&path, 1), Err(OpenError::Foreign)));
    sql(&path).pragma_update(None, "application_id", 77).expect("writes");
    assert!(matches!(open(&path, 1), Err(OpenError::Foreign)));
}

#[test]
fn the_store_keeps_a_log_and_waits_for_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let desk = Desk::at(StorePlace::File(path.clone()));
    assert!(path.with_extension("sqlite-wal").exists());
    let (journal, synchronous) = desk.phone.durability().expect("reads");
    assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
}

#[test]
fn a_named_store_uses_no_shared_log_and_damage_moves_to_the_next_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().join("phone").display().to_string();
    let place = || StorePlace::Named { vfs: "unix".into(), name: name.clone() };
    let phone = Phone::open(place(), [1; 16]).expect("opens");
    assert_eq!(phone.durability().expect("reads"), ("truncate".to_owned(), 2));
    assert!(matches!(Phone::open(place(), [1; 16]), Err(OpenError::InUse)), "held exclusively");
    drop(phone);
    std::fs::write(&name, vec![0x5a; 8_192]).expect("writes");
    let mut desk = Desk::bare(StorePlace::Memory);
    desk.phone = Phone::open(place(), [1; 16]).expect("opens the next name");
    desk.phone.enrol(enrolment()).expect("takes its enrolment");
    drop(desk);
    let phone = Phone::open(place(), [1; 16]).expect("opens the next name again");
    assert_eq!(phone.people().expect("reads").len(), 2);
    assert_eq!(std::fs::read(&name).expect("is kept"), vec![0x5a; 8_192]);
}
