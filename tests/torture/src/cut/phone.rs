//! Power cuts of a phone: everything it called saved is there, everything it took in as
//! received still says so, every answer is on the screen, and it can go on.
//!
//! The run is a world with no fault in it; only the phone's disk is recorded. The store is
//! closed and opened now and then, so that checkpoints and a vanishing log are part of it.
//! Kept as in a browser, the same store runs with a rollback journal and holds its file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use louan_client_core::view::RoundState;
use louan_client_core::{Phone, StorePlace};
use louan_schema::id::RoundId;
use louan_schema::policy::ItemCode;
use louan_schema::time::Timestamp;
use rusqlite::Connection;

use super::promise::Promise;
use super::{Finding, Tally, Trial, content, integrity};
use crate::check::{Fate, sqlite};
use crate::oracle::Edit;
use crate::vfs::{Tape, WATCHED};
use crate::world::World;
use crate::world::life::FILE;
use crate::world::link::Trouble;

/// Acts in the recorded run.
const ACTS: usize = 150;

/// How a phone keeps its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A file with a write-ahead log beside it, as an app does.
    InAFile,
    /// A rollback journal and no shared memory, as in a browser's private file system.
    InABrowser,
}

/// Runs a trial.
#[must_use]
pub fn trial(trial: &Trial, kept: Kept) -> Tally {
    let (tape, promises) = record(trial, kept);
    let mut examiner = Examiner::new(kept);
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
pub fn record(trial: &Trial, kept: Kept) -> (Tape, Vec<Promise>) {
    let mut world = World::new(trial.seed);
    let disk = world.lives[0].disk.clone();
    if kept == Kept::InABrowser {
        world.lives[0].close();
        world.lives[0].browser = true;
        world.lives[0].open().expect("a closed store opens");
    }
    world.lives[0].close();
    // What was made so far is history: it lies safely on the disk.
    disk.put(disk.files().expect("its own files")).expect("the folder takes files");
    trial.begin(&disk);
    let mut promises = Vec::new();
    for act in 0..ACTS {
        if act % 25 == 0 {
            world.lives[0].close();
            world.lives[0].open().expect("a closed store opens");
        }
        world.step += 1;
        world.now = world.now.plus_ms(60_000);
        if act % 9 == 8 {
            world.exchange(0, Trouble::None);
        } else {
            world.act(0);
        }
        trial.promise(&disk, &mut promises, made(&world));
    }
    (trial.end(&disk, &promises, ACTS / 2), promises)
}

fn made(world: &World) -> Vec<Promise> {
    let mut made = Vec::new();
    for (edit, saved) in world.oracle.edits().filter(|(_, saved)| saved.life == 0) {
        made.push(Promise::Saved(edit));
        if saved.acknowledged_at.is_some() {
            made.push(Promise::Received(edit));
        }
    }
    for (site, round, items) in world.oracle.taps_of(0) {
        made.extend(items.into_iter().map(|item| Promise::Answered(site, round, item)));
    }
    made
}

/// What a phone has to show, whatever the file it came from looks like.
#[derive(Debug)]
struct Shown {
    edits: BTreeMap<Edit, Fate>,
    answers: BTreeSet<(RoundId, ItemCode)>,
    /// Rounds that are submitted: their answers are in the submission.
    closed: BTreeSet<RoundId>,
}

/// Opens phones from what was left of them and holds them against what had been promised.
#[derive(Debug)]
pub struct Examiner {
    kept: Kept,
    /// What follows from each content that was seen.
    known: HashMap<u64, Result<Shown, String>>,
}

impl Examiner {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(kept: Kept) -> Self {
        Self { kept, known: HashMap::new() }
    }

    /// Opens a phone and holds it against its promises. The files are changed by it, as by every
    /// start of the app.
    pub fn examine(&mut self, folder: &Path, promised: &[Promise]) -> Finding {
        match self.shown(folder) {
            Err(why) => Finding::Damaged(why),
            Ok(shown) => match promised.iter().filter(|promise| !shown.keeps(promise)).count() {
                0 => Finding::Whole,
                lost => Finding::Lost(lost),
            },
        }
    }

    fn shown(&mut self, folder: &Path) -> Result<&Shown, String> {
        let phone = open(folder, self.kept)?;
        // A browser's store holds its file: it is looked into when the phone is closed.
        drop(phone);
        let file = folder.join(FILE);
        integrity(&file)?;
        let kept = self.kept;
        let shown = self.known.entry(content(&file)?).or_insert_with(|| look(folder, kept));
        shown.as_ref().map_err(Clone::clone)
    }
}

fn open(folder: &Path, kept: Kept) -> Result<Phone, String> {
    let file = folder.join(FILE);
    let place = match kept {
        Kept::InAFile => StorePlace::File(file),
        Kept::InABrowser => StorePlace::Named { vfs: WATCHED.into(), name: file.display().to_string() },
    };
    let phone = Phone::open(place, [9; 16]).map_err(|error| format!("does not open: {error}"))?;
    if let Some(salvage) = phone.salvage() {
        return Err(format!("was put aside: {salvage:?}"));
    }
    // Where nothing can be renamed, a damaged store stays and the next name is taken.
    if folder.join(format!("{FILE}.1")).exists() {
        return Err("was left for the next name".to_owned());
    }
    Ok(phone)
}

/// What a phone that opened has to show; at the end it must be able to go on.
fn look(folder: &Path, kept: Kept) -> Result<Shown, String> {
    let connection = Connection::open(folder.join(FILE)).map_err(|e| format!("does not open: {e}"))?;
    let (edits, _) = sqlite::phone::edits(&connection);
    let rounds = rounds(&connection).map_err(|e| format!("cannot be read: {e}"))?;
    drop(connection);
    let mut phone = open(folder, kept)?;
    let (mut answers, mut closed) = (BTreeSet::new(), BTreeSet::new());
    for round in rounds {
        let view = phone.round(round).map_err(|error| format!("cannot show {round}: {error}"))?;
        let view = view.ok_or_else(|| format!("lists {round} and has it not"))?;
        answers.extend(view.answers.iter().map(|answer| (round, answer.item)));
        if view.summary.state != RoundState::Open {
            closed.insert(round);
        }
    }
    phone.prepare(later()).map_err(|error| format!("cannot go on: {error}"))?;
    Ok(Shown { edits, answers, closed })
}

fn rounds(connection: &Connection) -> rusqlite::Result<Vec<RoundId>> {
    let mut rounds = connection.prepare("SELECT id FROM round")?;
    let rounds = rounds.query_map([], |row| row.get(0).map(RoundId))?;
    rounds.collect()
}

impl Shown {
    fn keeps(&self, promise: &Promise) -> bool {
        match promise {
            Promise::Saved(edit) => self.edits.contains_key(edit),
            Promise::Received(edit) => matches!(self.edits.get(edit), Some(Fate::Acknowledged)),
            Promise::Answered(_, round, item) => {
                self.closed.contains(round) || self.answers.contains(&(*round, *item))
            }
            // The office's to keep.
            Promise::Sheet(_) => true,
        }
    }
}

/// Some instant after every run.
fn later() -> Timestamp {
    "2020-02-01T08:00:00+08:00".parse().expect("an instant")
}
