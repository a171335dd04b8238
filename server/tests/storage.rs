//! SQLite as the server's memory: opened by one, refused when ahead, durable when answered,
//! many commits in one transaction, each whole or not at all.
//! On files where durability is meant, in memory where it is not.

mod kit;

use std::sync::Arc;

use futures_util::future::join_all;
use kit::{CLERK, COMPANY, EPOCH, MANAGER, Phone, SITE, STREAM, accepted, clocks, round, site};
use louan_schema::id::{DeviceId, Epoch, Incarnation, OrgId, SiteId};
use louan_schema::registry::Org;
use louan_schema::ruling::Act;
use louan_schema::time::Timestamp;
use louan_schema::wire::{CommandVerdict, Verdict};
use louan_server::audit::AuditCheck;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::commit::{Commit, Guard, Upload, Write};
use louan_server::storage::log::LogStore;
use louan_server::storage::registry::RegistryStore;
use louan_server::storage::sqlite::{Mode, Options, Sqlite, migrate::MIGRATIONS};
use louan_server::storage::{Storage, StorageError};
use louan_server::worker::InProcess;

const SERVICE: Options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Service { readers: 2 } };

fn org(n: u8) -> Org {
    let kind = louan_schema::code::OrgKind::PropertyManager;
    Org { id: OrgId([n; 16]), kind, name: format!("示例公司{n}"), street: None }
}

#[test]
fn a_database_of_a_newer_build_is_refused_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("louan.sqlite");
    drop(Sqlite::open(&path, Options { mode: Mode::Inline, ..SERVICE }).expect("a new file opens"));
    let raw = rusqlite::Connection::open(&path).expect("opens");
    let version: u32 = raw.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("reads");
    assert_eq!(usize::try_from(version), Ok(MIGRATIONS.len()));
    raw.pragma_update(None, "user_version", version + 1).expect("writes");
    drop(raw);
    let refused = Sqlite::open(&path, SERVICE);
    assert!(matches!(refused, Err(StorageError::Ahead { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_database_keeps_its_epoch_and_refuses_another_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("louan.sqlite");
    drop(Sqlite::open(&path, SERVICE).expect("a new file opens"));
    let again = Sqlite::open(&path, Options { fresh_epoch: Epoch([1; 16]), ..SERVICE }).expect("opens");
    assert_eq!(again.head().await.expect("reads").epoch, EPOCH);
    assert!(Sqlite::open(&path, Options { stream: 500_222, ..SERVICE }).is_err());
}

#[tokio::test]
async fn what_is_written_durably_is_there_after_reopening_and_the_log_is_append_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("louan.sqlite");
    let raws = {
        let hub = kit::district(Arc::new(Sqlite::open(&path, SERVICE).expect("opens"))).await;
        let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
        let raws = [phone.write(1, round(1)), phone.write(2, round(2))];
        assert!(accepted(&phone.push(&hub, &raws).await));
        raws
    };
    let hub = Hub::open(
        Arc::new(Sqlite::open(&path, SERVICE).expect("opens")),
        Arc::new(InProcess),
        Limits::default(),
    );
    let hub = hub.await.expect("opens");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 2);
    let found = hub.head().await.expect("reads");
    assert!(found.pos >= raws.len() as u64);
    assert!(matches!(hub.verify_audit().await.expect("reads"), AuditCheck::Whole(_)));
    let raw = rusqlite::Connection::open(&path).expect("opens");
    let mode: String = raw.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("reads");
    assert_eq!(mode, "wal");
    for table in ["change", "audit", "upload", "ruling"] {
        assert!(raw.execute(&format!("DELETE FROM {table}"), []).is_err(), "{table} lost rows");
    }
    assert!(raw.execute("UPDATE audit SET bytes = x'00' WHERE seq = 3", []).is_err());
    raw.execute_batch("DROP TRIGGER audit_stays; UPDATE audit SET bytes = x'00' WHERE seq = 3;")
        .expect("by force");
    assert_eq!(hub.verify_audit().await.expect("reads"), AuditCheck::Broken(3), "and the chain tells");
}

#[tokio::test]
async fn commits_that_wait_together_get_positions_without_gaps_and_fail_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Sqlite::open(&folder.path().join("louan.sqlite"), SERVICE).expect("opens"));
    let commits = (0..100_u8).map(|n| {
        // Every tenth rests on something that is not so.
        let guards = if n % 10 == 9 { vec![Guard::Site(SITE, 7)] } else { Vec::new() };
        storage.commit(Commit { guards, writes: vec![Write::Org(org(n))], audit: Vec::new() })
    });
    let done = join_all(commits).await;
    let refused = done.iter().filter(|d| matches!(d, Err(StorageError::Moved))).count();
    assert_eq!(refused, 10);
    let mut heads: Vec<u64> = done.into_iter().flatten().map(|committed| committed.head).collect();
    heads.sort_unstable();
    assert_eq!(heads, (1..=90).collect::<Vec<_>>(), "one position each, none skipped, none given twice");
    let entries = storage.feed_after(0, 1_000).await.expect("reads");
    assert_eq!(entries.iter().map(|e| e.pos).collect::<Vec<_>>(), heads);
    assert_eq!(storage.chain_at(90).await.expect("reads"), Some(storage.head().await.expect("reads").chain));
    assert_eq!(storage.list_orgs().await.expect("reads").len(), 90);
}

#[tokio::test]
async fn a_commit_that_fails_in_the_middle_leaves_nothing() {
    let storage = Sqlite::in_memory(STREAM, EPOCH).expect("opens");
    let device = || Write::Device(DeviceId([1; 16]), vec![4; 65], Timestamp::from_ms(0));
    let writes = vec![Write::Org(org(1)), device(), device()];
    assert!(storage.commit(Commit { writes, ..Commit::default() }).await.is_err(), "the same device twice");
    assert!(storage.list_orgs().await.expect("reads").is_empty());
    assert_eq!(storage.head().await.expect("reads").pos, 0);
    let writes = vec![Write::Org(org(1)), device()];
    assert_eq!(storage.commit(Commit { writes, ..Commit::default() }).await.expect("writes").head, 1);
}

#[tokio::test]
async fn phones_that_send_at_the_same_time_are_all_answered_and_readers_miss_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Sqlite::open(&folder.path().join("louan.sqlite"), SERVICE).expect("opens"));
    let hub = kit::district(storage).await;
    let mut reader = Phone::enrolled(&hub, 99, MANAGER, COMPANY).await;
    reader.pull(&hub, 0).await;
    let mut listening = hub.subscribe();
    listening.mark_unchanged();
    let writers = (0..8_u8).map(|n| {
        let hub = hub.clone();
        async move {
            let mut phone = Phone::enrolled(&hub, 100 + n, MANAGER, COMPANY).await;
            for i in 0..5 {
                let id = n * 5 + i;
                let raw = phone.write(id, round(id));
                assert!(accepted(&phone.push(&hub, &[raw]).await));
            }
        }
    });
    let mut tasks: Vec<_> = writers.map(tokio::spawn).collect();
    let mut seen = 0;
    while !tasks.is_empty() {
        seen += reader.pull(&hub, 0).await.len();
        if let Some(at) = tasks.iter().position(tokio::task::JoinHandle::is_finished) {
            tasks.swap_remove(at).await.expect("a writer does not panic");
        } else {
            tokio::task::yield_now().await;
        }
    }
    seen += reader.pull(&hub, 0).await.len();
    assert_eq!(seen, 40);
    assert!(listening.has_changed().expect("open"), "who listens is told");
    assert_eq!(*listening.borrow_and_update(), hub.head().await.expect("reads").pos);
}

#[tokio::test]
async fn two_requests_with_one_record_id_are_judged_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Arc::new(Sqlite::open(&folder.path().join("louan.sqlite"), SERVICE).expect("opens"));
    let hub = kit::district(storage).await;
    let id = SiteId([60; 16]);
    let (row, buildings) = site(id, COMPANY, 500_110_001);
    let verdict = kit::rule(&hub, CLERK, 0, Act::RegisterSite(row, buildings)).await;
    assert_eq!(verdict, CommandVerdict::Done(1));
    let mut phones = Vec::new();
    for n in 0..8 {
        phones.push(Phone::enrolled(&hub, 100 + n, MANAGER, COMPANY).await);
    }
    // Half of them into one book, half into another: neither lock alone would do.
    // Which two meet between judging and writing is chance: often enough that some do.
    for record in 7..31 {
        let pushes = phones.iter_mut().enumerate().map(|(n, phone)| {
            let site = if n % 2 == 0 { SITE } else { id };
            let book = louan_schema::doc::Descriptor::book_at(site, COMPANY, kit::noon());
            // The change before may not have been taken, and then nothing of its actor's is.
            phone.n += 1;
            let record = (louan_schema::id::RecordId([record; 16]), kit::record(MANAGER, round(record)));
            let raw = phone.write_in(book, record.0, &record.1);
            let request = phone.request(vec![phone.batch(book, &[raw])]);
            hub.sync(phone.device, request, clocks())
        });
        let (mut taken, mut same, mut elsewhere) = (0, 0, 0);
        for reply in join_all(pushes).await {
            let louan_schema::wire::SyncReply::Taken(reply) = reply.expect("answers") else {
                panic!("taken")
            };
            match reply.changes[0][0] {
                Verdict::Accepted(_) => taken += 1,
                Verdict::NotTaken(louan_schema::wire::Code::SameRecord) => same += 1,
                Verdict::NotTaken(louan_schema::wire::Code::KeyExists) => elsewhere += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((taken, same, elsewhere), (1, 3, 4));
    }
}

#[tokio::test]
async fn a_commit_whose_basis_has_moved_is_refused_whole() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("opens"));
    let hub = kit::district(Arc::clone(&storage) as Arc<dyn Storage>).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, round(1));
    assert!(accepted(&phone.push(&hub, &[raw]).await));
    let descriptor = phone.book();
    let head_pos = hub.head().await.expect("reads").pos;
    let record = louan_schema::id::RecordId([1; 16]);
    let sheet = louan_schema::doc::Descriptor::Sheet {
        site: SITE,
        org: COMPANY,
        round: louan_schema::id::RoundId([1; 16]),
    };
    let attempt = async |guard: Guard| {
        let writes = vec![Write::Org(org(77))];
        storage.commit(Commit { guards: vec![guard], writes, ..Commit::default() }).await
    };
    let document = |descriptor, head_pos, frozen| Guard::Document { descriptor, head_pos, frozen };
    for guard in [
        document(descriptor, head_pos - 1, false),
        document(descriptor, head_pos, true),
        document(sheet, 0, false),
        Guard::RecordsFree(vec![record]),
        Guard::Site(SITE, 0),
    ] {
        let name = format!("{guard:?}");
        assert!(matches!(attempt(guard).await, Err(StorageError::Moved)), "{name}");
    }
    assert_eq!(hub.head().await.expect("reads").pos, head_pos, "nothing was written");
    for guard in [document(descriptor, head_pos, false), document(sheet, 0, true), Guard::Site(SITE, 1)] {
        assert!(attempt(guard).await.is_ok());
    }
}

#[tokio::test]
async fn a_document_whose_snapshot_is_damaged_is_made_again_from_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("louan.sqlite");
    let hub = kit::district(Arc::new(Sqlite::open(&path, SERVICE).expect("opens"))).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, round(2))];
    assert!(accepted(&phone.push(&hub, &raws).await));
    let raw = rusqlite::Connection::open(&path).expect("opens");
    assert_eq!(raw.execute("UPDATE doc SET snapshot = x'00'", []).expect("by force"), 1);
    let next = phone.write(3, round(3));
    assert!(accepted(&phone.push(&hub, &[next]).await));
    let snapshot: Vec<u8> = raw.query_row("SELECT snapshot FROM doc", [], |row| row.get(0)).expect("reads");
    let document = louan_schema::doc::Document::load(&snapshot).expect("loads again");
    assert_eq!(document.read_book().len(), 3);
}

#[tokio::test]
async fn of_signed_lists_the_smallest_are_read_as_long_as_there_is_room() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("opens"));
    let hub = kit::district(storage.clone()).await;
    let phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let list = |n: u8, bytes: usize| Upload {
        digest: [n; 32],
        device: phone.device,
        incarnation: Incarnation([1; 16]),
        person: MANAGER,
        list: vec![0; bytes],
        commands_digest: [0; 32],
        commands: None,
        signature: vec![0; 64],
        received_at: kit::noon(),
    };
    let writes = [(1, 300), (2, 100), (3, 200)].map(|(n, bytes)| Write::Upload(Arc::new(list(n, bytes))));
    storage.commit(Commit { writes: writes.into(), ..Commit::default() }).await.expect("commits");
    let asked: Vec<[u8; 32]> = [1, 2, 3, 4].map(|n| [n; 32]).into();
    for (room, expected) in [(600, vec![2, 3, 1]), (599, vec![2, 3]), (300, vec![2, 3]), (99, vec![])] {
        let read = storage.smallest_uploads(asked.clone(), room).await.expect("reads");
        assert_eq!(read.iter().map(|list| list.digest[0]).collect::<Vec<_>>(), expected, "in {room} bytes");
    }
}
