//! The harness itself: with one plain table it must find nothing where SQLite promises
//! durability, and must find losses where it does not.
//!
//! Measured before on another harness (WAL+FULL: nothing lost; WAL+NORMAL: acknowledged
//! rows lost, nothing corrupt; OFF: corrupt files); a harness that disagreed would be wrong.

use std::path::Path;

use rusqlite::Connection;
use torture::cut::{Finding, Flaw, Tally, Trial, integrity, scratch};
use torture::vfs::{Blow, Disk, Failure, Weakness};

const ROWS: u32 = 60;
const STATES: usize = 2_000;

fn examine(folder: &Path, promised: &[u32]) -> Finding {
    let file = folder.join("plain.db");
    if promised.is_empty() {
        return Finding::Whole;
    }
    if let Err(why) = integrity(&file) {
        return Finding::Damaged(why);
    }
    let connection = Connection::open(&file).expect("opened a moment ago");
    let have = |row: &u32| {
        connection
            .query_row("SELECT count(*) FROM t WHERE a = ?1", [*row], |r| r.get::<_, u32>(0))
            .is_ok_and(|n| n == 1)
    };
    match promised.iter().filter(|row| !have(row)).count() {
        0 => Finding::Whole,
        lost => Finding::Lost(lost),
    }
}

/// What one file is opened with.
#[derive(Clone, Copy)]
struct Way {
    journal: &'static str,
    locking: &'static str,
    weakness: Option<Weakness>,
}

const fn shared(journal: &'static str) -> Way {
    Way { journal, locking: "normal", weakness: None }
}

fn trial(way: Way) -> Tally {
    let Way { journal, locking, weakness } = way;
    let home = scratch();
    let disk = Disk::watch(home.path()).expect("a folder");
    if let Some(weakness) = weakness {
        disk.weaken(weakness);
    }
    disk.record();
    let mut connection = Connection::open(home.path().join("plain.db")).expect("opens");
    connection.pragma_update_and_check(None, "locking_mode", locking, |_| Ok(())).expect("a lock");
    connection.pragma_update(None, "journal_mode", journal).expect("a journal");
    connection.pragma_update(None, "synchronous", "FULL").expect("a level");
    connection.pragma_update(None, "wal_autocheckpoint", 20).expect("checkpoints now and then");
    connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)").expect("a table");
    for row in 0..ROWS {
        let tx = connection.transaction().expect("begins");
        tx.execute("INSERT INTO t VALUES (?1, randomblob(700))", [row]).expect("a row");
        tx.commit().expect("commits");
        disk.promise(row);
    }
    assert_eq!(disk.weakened() > 0, weakness.is_some(), "the weakness took hold exactly when asked for");
    let tape = disk.take_tape();
    drop(connection);
    let trial = Trial { states: STATES, seed: 7, flaw: weakness.map(Flaw::Weak), only: None };
    let tally = trial.judge(&tape, examine);
    assert_eq!(tally.states, STATES, "as many different states as asked for");
    tally
}

#[test]
fn a_write_ahead_log_synced_at_every_commit_loses_nothing() {
    let tally = trial(shared("WAL"));
    assert!(tally.is_clean(), "{tally:?}");
}

#[test]
fn a_journal_that_is_truncated_and_synced_to_commit_loses_nothing() {
    for locking in ["normal", "exclusive"] {
        let tally = trial(Way { locking, ..shared("TRUNCATE") });
        assert!(tally.is_clean(), "{locking}: {tally:?}");
    }
}

#[test]
fn a_journal_deleted_to_commit_is_seen_to_lose_the_last_promise_because_nobody_syncs_the_folder() {
    let tally = trial(shared("DELETE"));
    assert!(tally.losing > 0, "{tally:?}");
    assert_eq!((tally.worst, tally.damaged), (1, 0), "{tally:?}");
}

#[test]
fn a_journal_to_be_deleted_of_a_file_held_exclusively_is_not_deleted_and_loses_nothing() {
    let tally = trial(Way { locking: "exclusive", ..shared("DELETE") });
    assert!(tally.is_clean(), "{tally:?}");
}

#[test]
fn a_log_synced_only_at_checkpoints_is_seen_to_lose_what_was_promised_and_to_stay_whole() {
    let tally = trial(Way { weakness: Some(Weakness::Normal), ..shared("WAL") });
    assert!(tally.losing > 0 && tally.worst > 1, "{tally:?}");
    assert_eq!(tally.damaged, 0, "{tally:?}");
}

#[test]
fn a_journal_never_synced_is_seen_to_damage_the_file() {
    let tally = trial(Way { weakness: Some(Weakness::Off), ..shared("TRUNCATE") });
    assert!(tally.damaged > 0 && tally.losing > 0, "{tally:?}");
}

#[test]
fn a_disk_that_fell_silent_takes_nothing_more_and_gives_back_what_it_had() {
    let home = scratch();
    let disk = Disk::watch(home.path()).expect("a folder");
    let file = home.path().join("plain.db");
    let connection = Connection::open(&file).expect("opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a journal");
    connection.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").expect("a row");
    disk.strike(Some(Blow::SilentAfter(disk.ops())));
    connection.execute_batch("INSERT INTO t VALUES (2)").expect_err("nothing is written any more");
    assert!(disk.is_silent());
    drop(connection);
    let files = disk.files().expect("reads");
    disk.put(files).expect("writes");
    let connection = Connection::open(&file).expect("opens again");
    let rows: u32 = connection.query_row("SELECT count(*) FROM t", [], |r| r.get(0)).expect("reads");
    assert_eq!(rows, 1);
}

#[test]
fn a_full_disk_refuses_one_write_and_the_next_attempt_succeeds() {
    let home = scratch();
    let disk = Disk::watch(home.path()).expect("a folder");
    let connection = Connection::open(home.path().join("plain.db")).expect("opens");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a journal");
    connection.execute_batch("CREATE TABLE t (a)").expect("a table");
    disk.strike(Some(Blow::FailAt(disk.ops() + 1, Failure::Full)));
    let refused = connection.execute_batch("INSERT INTO t VALUES (1)").expect_err("no room");
    assert_eq!(refused.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    connection.execute_batch("INSERT INTO t VALUES (1)").expect("room again");
}
