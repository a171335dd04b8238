//! A live store copied by hand, file by file, while it is written to, and put back as if it were a backup.
//!
//! This is what the handbook forbids (M4). Whatever comes of it is either found damaged when it is looked through or
//! opened, or it is an earlier state of the same log, which every phone finds out by the running hash.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use louan_schema::id::Chain;
use louan_schema::wire::{SyncReply, Verdict};
use louan_server::hub::{Hub, Limits};
use louan_server::storage::log::LogStore;
use louan_server::storage::sqlite::{Mode, Options, Sqlite, examine_copy};
use louan_server::worker::InProcess;

use super::kit::{COMPANY, EPOCH, MANAGER, Phone, STREAM, clocks, introduce, round};

/// What a copy turned out to be.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Refused, or looked through and found damaged.
    Damaged,
    /// An earlier state, and the phone found it out.
    Earlier,
    /// As new as the phone's own knowledge.
    Whole,
}

/// Copies in this order, while the store is written to.
const ORDERS: [&[&str]; 2] = [&["louan.sqlite"], &["louan.sqlite", "louan.sqlite-wal"]];
/// Copies of each kind.
const COPIES: usize = 25;

fn copy(from: &Path, to: &Path, parts: &[&str]) {
    std::fs::create_dir(to).expect("a folder");
    for part in parts {
        // Without a log yet there is none to copy.
        let _ = std::fs::copy(from.join(part), to.join(part));
    }
}

async fn judged(copy: &Path, origin: &Sqlite, phone: &Phone) -> Found {
    let store = copy.join("louan.sqlite");
    let twin = copy.join("twin");
    std::fs::create_dir(&twin).expect("a folder");
    for part in ["louan.sqlite", "louan.sqlite-wal"] {
        let _ = std::fs::copy(copy.join(part), twin.join(part));
    }
    let sound = examine_copy(&twin.join("louan.sqlite")).is_ok_and(|examined| examined.damages.is_empty());
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };
    let (true, Ok(storage)) = (sound, Sqlite::open(&store, options)) else { return Found::Damaged };
    let head = storage.head().await.expect("sound");
    let there: Option<Chain> = origin.chain_at(head.pos).await.expect("the origin reads");
    assert_eq!(there, Some(head.chain), "what passes as sound is a state the log once had");
    let hub = Hub::open(Arc::new(storage), Arc::new(InProcess), Limits::default()).await.expect("sound");
    match hub.sync(phone.device, phone.request(Vec::new()), clocks()).await.expect("answers") {
        SyncReply::EpochChanged { .. } => Found::Earlier,
        SyncReply::Taken(_) => {
            assert!(head.pos >= phone.cursor.expect("it has synced").pos, "the phone knows better");
            Found::Whole
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_by_hand_of_a_store_being_written_is_damaged_or_found_out() {
    let home = tempfile::tempdir().expect("a folder");
    let live = home.path().join("live");
    std::fs::create_dir(&live).expect("a folder");
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Service { readers: 2 } };
    let origin = Arc::new(Sqlite::open(&live.join("louan.sqlite"), options).expect("opens"));
    let storage = Arc::clone(&origin);
    let hub = Hub::open(storage, Arc::new(InProcess), Limits::default()).await.expect("opens");
    introduce(&hub).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;

    let copied = Arc::new(AtomicBool::new(false));
    let copying = {
        let (home, live, copied) = (home.path().to_owned(), live.clone(), Arc::clone(&copied));
        std::thread::spawn(move || {
            for n in 0..COPIES {
                for (kind, parts) in ORDERS.iter().enumerate() {
                    copy(&live, &home.join(format!("copy-{kind}-{n}")), parts);
                }
            }
            copied.store(true, Ordering::SeqCst);
        })
    };
    let mut written = 0_u8;
    while !copied.load(Ordering::SeqCst) || written < 20 {
        if written == u8::MAX {
            break;
        }
        written += 1;
        let raw = phone.write(written, round(written));
        let verdicts = phone.push(&hub, &[raw]).await;
        assert!(matches!(verdicts[..], [Verdict::Accepted(_)]), "{verdicts:?}");
        phone.pull(&hub, 0).await;
    }
    copying.join().expect("copied");
    let mut found = Vec::new();
    for n in 0..COPIES {
        for kind in 0..ORDERS.len() {
            let copy = home.path().join(format!("copy-{kind}-{n}"));
            found.push(judged(&copy, &origin, &phone).await);
        }
    }
    assert!(
        found.iter().any(|found| *found != Found::Whole),
        "copies were made while it was written: {found:?}"
    );
    let made = copy_by_the_product(&live, home.path());
    assert_eq!(judged(&made, &origin, &phone).await, Found::Whole, "a backup of the same store is whole");
}

fn copy_by_the_product(live: &Path, home: &Path) -> std::path::PathBuf {
    let folder = home.join("product");
    std::fs::create_dir(&folder).expect("a folder");
    let made = louan_server::storage::sqlite::copy_database(
        &live.join("louan.sqlite"),
        &folder.join("louan.sqlite"),
    );
    made.expect("a copy");
    folder
}
