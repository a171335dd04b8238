//! Power cuts of the office: everything it acknowledged is in its log and its ledger, its
//! audit verifies, and its log goes on where it stood.
//!
//! The run is a world with no fault in it; only the office's disk is recorded.

use std::path::Path;
use std::sync::Arc;

use kit::DISTRICT_STREAM;
use louan_schema::id::{ChangeHash, Epoch};
use louan_server::audit::AuditCheck;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;

use super::{Finding, Tally, Trial, integrity};
use crate::check::sqlite;
use crate::oracle::Edit;
use crate::vfs::Tape;
use crate::world::World;
use crate::world::link::Trouble;
use crate::world::office::FILE;

/// Turns in the recorded run.
const TURNS: usize = 200;

/// Something the office must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    Acknowledged(Edit),
    Sheet(ChangeHash),
}

/// Runs a trial.
#[must_use]
pub fn trial(trial: &Trial) -> Tally {
    let (tape, promises) = record(trial);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    trial.judge(&tape, |folder, promised| {
        let promised: Vec<Promise> = promised.iter().map(|n| promises[*n as usize]).collect();
        runtime.block_on(examine(folder, &promised))
    })
}

fn record(trial: &Trial) -> (Tape, Vec<Promise>) {
    let mut world = World::new(trial.seed);
    let disk = world.office.disk.clone();
    world.office.close();
    if let Some(weakness) = trial.weakness {
        disk.weaken(weakness);
    }
    disk.record();
    let mut promises: Vec<Promise> = Vec::new();
    for turn in 0..TURNS {
        if turn % 40 == 0 {
            world.office.close();
            world.office.open().expect("a closed store opens");
        }
        world.step += 1;
        world.now = world.now.plus_ms(60_000);
        let life = turn % world.lives.len();
        match turn % 5 {
            0..3 => world.act(life),
            3 => world.rule(),
            _ => {
                world.exchange(life, Trouble::None);
            }
        }
        for promise in made(&world) {
            if !promises.contains(&promise) {
                disk.promise(u32::try_from(promises.len()).expect("few promises"));
                promises.push(promise);
            }
        }
    }
    assert_eq!(
        disk.weakened() > 0,
        trial.weakness.is_some(),
        "the weakness took hold exactly when asked for"
    );
    assert!(promises.len() > TURNS / 10, "a run that promises little proves little: {}", promises.len());
    (disk.take_tape(), promises)
}

fn made(world: &World) -> Vec<Promise> {
    let acknowledged = world.oracle.edits().filter(|(_, saved)| saved.acknowledged_at.is_some());
    let mut made: Vec<_> = acknowledged.map(|(edit, _)| Promise::Acknowledged(edit)).collect();
    made.extend(world.oracle.sheets().map(Promise::Sheet));
    made
}

async fn examine(folder: &Path, promised: &[Promise]) -> Finding {
    let file = folder.join(FILE);
    let options = Options { stream: DISTRICT_STREAM, fresh_epoch: Epoch([9; 16]), mode: Mode::Inline };
    let storage = match Sqlite::open(&file, options) {
        Ok(storage) => storage,
        Err(error) => return Finding::Damaged(format!("does not open: {error:?}")),
    };
    let hub = match Hub::open(Arc::new(storage), Arc::new(InProcess), Limits::default()).await {
        Ok(hub) => hub,
        Err(error) => return Finding::Damaged(format!("does not open: {error:?}")),
    };
    match hub.verify_audit().await {
        Ok(AuditCheck::Whole(_)) => {}
        other => return Finding::Damaged(format!("the audit: {other:?}")),
    }
    drop(hub);
    if let Err(why) = integrity(&file) {
        return Finding::Damaged(why);
    }
    let picture = sqlite::office::read(&file);
    let lost = promised.iter().filter(|promise| match promise {
        Promise::Acknowledged(edit) => !picture.edits.contains(edit),
        Promise::Sheet(hash) => !picture.changes.contains(hash),
    });
    match lost.count() {
        0 => Finding::Whole,
        lost => Finding::Lost(lost),
    }
}
