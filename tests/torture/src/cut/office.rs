//! Power cuts of the office: everything it acknowledged is in its log, a ledger made again
//! from that log is the ledger it has, and its audit verifies.
//!
//! The run is a world with no fault in it; only the office's disk is recorded. The store is
//! closed and opened now and then, so that checkpoints and a vanishing log are part of it; used
//! as in service, the writer's thread commits and answers.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use kit::DISTRICT_STREAM;
use louan_schema::id::{ChangeHash, Epoch};
use louan_server::audit::AuditCheck;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;
use tokio::runtime::Runtime;

use super::promise::Promise;
use super::{Finding, Tally, Trial, content, integrity};
use crate::check::sqlite;
use crate::oracle::Edit;
use crate::vfs::Tape;
use crate::world::World;
use crate::world::link::Trouble;
use crate::world::office::FILE;

/// Turns in the recorded run.
const TURNS: usize = 200;

/// Runs a trial.
///
/// # Panics
/// When no runtime can be made.
#[must_use]
pub fn trial(trial: &Trial, mode: Mode) -> Tally {
    let (tape, promises) = record(trial, mode);
    let mut examiner = Examiner::new();
    let tally = trial.judge(&tape, |folder, promised| {
        let promised: Vec<Promise> = promised.iter().map(|n| promises[*n as usize]).collect();
        examiner.examine(folder, &promised)
    });
    Tally { contents: examiner.known.len(), ..tally }
}

/// Records the run.
///
/// # Panics
/// When it does not run as it must.
#[must_use]
pub fn record(trial: &Trial, mode: Mode) -> (Tape, Vec<Promise>) {
    let mut world = World::new(trial.seed);
    let disk = world.office.disk.clone();
    world.office.close();
    // What was made so far is history: it lies safely on the disk.
    disk.put(disk.files().expect("its own files")).expect("the folder takes files");
    world.office.mode = mode;
    trial.begin(&disk);
    world.office.open().expect("a closed store opens");
    let mut promises = Vec::new();
    for turn in 0..TURNS {
        if turn % 40 == 39 {
            world.office.close();
            world.office.open().expect("a closed store opens");
        }
        world.step += 1;
        world.now = world.now.plus_ms(60_000);
        // Who acts and who exchanges go round by counts of their own: in a world of any size each does both.
        let (round, lives) = (turn / 5, world.lives.len());
        match turn % 5 {
            act @ 0..3 => world.act((3 * round + act) % lives),
            3 => world.rule(),
            _ => {
                world.exchange(round % lives, Trouble::None);
            }
        }
        trial.promise(&disk, &mut promises, made(&world));
    }
    (trial.end(&disk, &promises, TURNS / 10), promises)
}

fn made(world: &World) -> Vec<Promise> {
    let acknowledged = world.oracle.edits().filter(|(_, saved)| saved.acknowledged_at.is_some());
    let mut made: Vec<_> = acknowledged.map(|(edit, _)| Promise::Received(edit)).collect();
    made.extend(world.oracle.sheets().map(Promise::Sheet));
    made
}

/// What an office has, whatever the file it came from looks like.
#[derive(Debug)]
struct Had {
    edits: BTreeSet<Edit>,
    changes: BTreeSet<ChangeHash>,
}

/// Opens offices from what was left of them and holds them against what had been promised.
#[derive(Debug)]
pub struct Examiner {
    runtime: Runtime,
    /// What follows from each content that was seen.
    known: HashMap<u64, Result<Had, String>>,
}

impl Examiner {
    /// Nothing is known yet.
    ///
    /// # Panics
    /// When no runtime can be made.
    #[must_use]
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { runtime, known: HashMap::new() }
    }

    /// Opens an office and holds it against its promises. The files are changed by it: the ledger
    /// in them is made again.
    pub fn examine(&mut self, folder: &Path, promised: &[Promise]) -> Finding {
        match self.had(folder) {
            Err(why) => Finding::Damaged(why),
            Ok(had) => match promised.iter().filter(|promise| !had.keeps(promise)).count() {
                0 => Finding::Whole,
                lost => Finding::Lost(lost),
            },
        }
    }

    fn had(&mut self, folder: &Path) -> Result<&Had, String> {
        let file = folder.join(FILE);
        drop(self.runtime.block_on(open(&file))?);
        integrity(&file)?;
        let Self { runtime, known } = self;
        let had = known.entry(content(&file)?).or_insert_with(|| {
            runtime.block_on(go_over(&file))?;
            // Read after the rebuild: what is in the ledger now came out of the log.
            let picture = sqlite::office::read(&file);
            Ok(Had { edits: picture.edits, changes: picture.changes })
        });
        had.as_ref().map_err(Clone::clone)
    }
}

impl Default for Examiner {
    fn default() -> Self {
        Self::new()
    }
}

impl Had {
    fn keeps(&self, promise: &Promise) -> bool {
        match promise {
            Promise::Received(edit) => self.edits.contains(edit),
            Promise::Sheet(hash) => self.changes.contains(hash),
            // The phone's to keep.
            Promise::Saved(_) | Promise::Answered(..) => true,
        }
    }
}

async fn open(file: &Path) -> Result<Hub, String> {
    let options = Options { stream: DISTRICT_STREAM, fresh_epoch: Epoch([9; 16]), mode: Mode::Inline };
    let storage = Sqlite::open(file, options).map_err(|e| format!("does not open: {e:?}"))?;
    let hub = Hub::open(Arc::new(storage), Arc::new(InProcess), Limits::default()).await;
    hub.map_err(|e| format!("does not open: {e:?}"))
}

/// The audit verifies, and the ledger made again from the log is the ledger that was there.
async fn go_over(file: &Path) -> Result<(), String> {
    let hub = open(file).await?;
    match hub.verify_audit().await {
        Ok(AuditCheck::Whole(_)) => {}
        other => return Err(format!("the audit: {other:?}")),
    }
    let incremental = sqlite::office::derived(file);
    hub.rebuild().await.map_err(|e| format!("the ledger cannot be made again: {e:?}"))?;
    let rebuilt = sqlite::office::derived(file);
    match incremental.symmetric_difference(&rebuilt).next() {
        None => Ok(()),
        Some(line) => Err(format!("rebuilt, the ledger differs: {line}")),
    }
}
