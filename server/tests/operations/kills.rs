//! Backup and restore killed before every step of theirs: the store and the backups stay usable.
//!
//! A child process aborts before the step it is told; whatever it had not done by then is not done, and nothing of
//! it cleans up. Afterwards the place is looked at by this process.

use std::path::Path;
use std::process::Command;

use louan_server::backup::{self, BackupFolder, PHOTOS, Reread, prove};
use louan_server::restore;
use louan_server::storage::sqlite::examine;

use super::kit::EPOCH;
use super::place::{NEXT_EPOCH, Place};

/// Where the child works, before which step it dies, and what it does.
const FOLDER: &str = "OPERATIONS_CHILD_FOLDER";
const STEP: &str = "OPERATIONS_CHILD_STEP";
const DOES: &str = "OPERATIONS_CHILD_DOES";

/// Dies before the `fatal`th step, counted from 0.
struct Fuse {
    fatal: Option<usize>,
    burnt: usize,
}

impl Fuse {
    fn step(&mut self) {
        if self.fatal == Some(self.burnt) {
            std::process::abort();
        }
        self.burnt += 1;
    }
}

/// The child's work; without a word from a parent it is done undisturbed, in a place of its own.
#[tokio::test]
async fn the_child_does_its_work_step_by_step() {
    let word = |name: &str| std::env::var(name).ok();
    let mut fuse = Fuse { fatal: word(STEP).and_then(|step| step.parse().ok()), burnt: 0 };
    let place = match word(FOLDER) {
        Some(folder) => Place::at(Path::new(&folder)),
        None => {
            let place = Place::new().await;
            place.back_up();
            place
        }
    };
    if word(DOES).as_deref() == Some("restore") {
        let plan = place.restoring(&place.backups());
        restore::restore(&plan, &mut |_| fuse.step()).await.expect("put back");
    } else {
        let plan = backup::Plan { keep: Some(1), ..place.plan() };
        backup::make(&plan, &mut |_| fuse.step()).expect("a backup");
    }
    assert!(fuse.burnt >= 8, "{} steps", fuse.burnt);
}

/// Runs the child; whether it died on the way.
fn dies(place: &Place, does: &str, step: usize) -> bool {
    let own = std::env::current_exe().expect("this program");
    let told = Command::new(own)
        .args(["--exact", "kills::the_child_does_its_work_step_by_step"])
        .env(FOLDER, place.folder())
        .env(STEP, step.to_string())
        .env(DOES, does)
        .output()
        .expect("a child");
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.code().is_none() || told.status.success(), "{does} at {step}: {said}");
    !told.status.success()
}

async fn a_place_with_work() -> Place {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    for content in ["one", "two", "three"] {
        place.photo(content);
    }
    place
}

fn every_backup_proves(place: &Place) -> usize {
    let complete = BackupFolder::complete(&place.backups()).expect("backups");
    for (folder, _) in &complete {
        let proven = prove(folder, &place.backups().join(PHOTOS), place.folder(), &Reread::All);
        assert_eq!(proven.expect("whole").rotten, []);
    }
    complete.len()
}

#[tokio::test]
async fn a_backup_killed_anywhere_leaves_no_backup_or_a_whole_one() {
    let place = a_place_with_work().await;
    place.back_up();
    let head = place.hub().await.head().await.expect("stands");
    let mut deaths = 0;
    for step in 0.. {
        place.photo(&format!("new at {step}"));
        let died = dies(&place, "backup", step);
        assert!((1..=2).contains(&every_backup_proves(&place)), "at {step}");
        assert_eq!(place.hub().await.head().await.expect("stands"), head, "at {step}");
        if !died {
            break;
        }
        deaths += 1;
    }
    // Clear, database, photos, one photo at least, inventory, manifest, proof, name, remove.
    assert!(deaths >= 9, "{deaths} steps");
    let made = place.back_up();
    assert_eq!(made.manifest.photos.count, 3 + deaths + 1);
    let left = super::place::names(&place.backups());
    assert!(!left.iter().any(|name| name.ends_with(".partial") || name.ends_with(".removing")), "{left:?}");
    assert!(!place.names().iter().any(|name| name.contains("proof")), "{:?}", place.names());
}

#[tokio::test]
async fn a_restore_killed_anywhere_leaves_the_old_store_or_the_restored_one() {
    let (mut deaths, mut olds, mut news) = (0, 0, 0);
    for step in 0.. {
        let place = a_place_with_work().await;
        let made = place.back_up();
        let mut phone = place.phone(42).await;
        place.work(&mut phone, 11).await;
        let before = place.hub().await.head().await.expect("stands");
        let died = dies(&place, "restore", step);
        restore::settle(&place.store(), &mut |_| {}).expect("whoever opens it next finishes what was begun");
        let hub = place.hub().await;
        let head = hub.head().await.expect("stands");
        if head.epoch == EPOCH {
            assert_eq!(head, before, "at {step}");
            olds += 1;
        } else {
            assert_eq!((head.epoch, head.pos), (NEXT_EPOCH, made.manifest.pos), "at {step}");
            assert!(place.names().iter().any(|name| name.contains(".set-aside-")), "at {step}");
            news += 1;
        }
        drop(hub);
        assert_eq!(examine(&place.store()).expect("reads").damages, [], "at {step}");
        assert_eq!(every_backup_proves(&place), 1, "at {step}");
        place.restore().await.expect("and it can be done again");
        let left = place.names();
        assert!(
            !left.iter().any(|n| n.contains("restoring") || n.contains("ready") || n.contains("proof")),
            "{left:?}"
        );
        if !died {
            break;
        }
        deaths += 1;
    }
    // Proof, copy, ready, photos, note, at least one file set aside, place, done.
    assert!(deaths >= 8 && olds >= 5 && news >= 3, "{deaths} {olds} {news}");
}
