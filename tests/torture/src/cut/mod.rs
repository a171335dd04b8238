//! Power cuts: a store runs on a recorded disk, then every state that a cut could have left
//! is put before it, and it must open by itself with everything it had promised.
//!
//! What is promised ([`promise`]) and how to see that it is kept differs between phone and
//! office ([`phone`], [`office`]); counting is the same. Nothing here repairs anything: a
//! state that needs help is a finding.

pub mod office;
pub mod phone;
pub mod promise;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use kit::dice::Dice;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::vfs::{Disk, Files, State, Tape, Weakness, platter};
use promise::Promise;

/// Findings told in words; the rest is counted.
const EXAMPLES: usize = 5;

/// What one state looked like to its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Whole, and every promise kept.
    Whole,
    /// Whole, but this many promises are broken.
    Lost(usize),
    /// It does not open, or not as it was.
    Damaged(String),
}

/// What a trial came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Different states examined.
    pub states: usize,
    /// Different contents of the store among them.
    pub contents: usize,
    /// Operations in the recorded run.
    pub ops: usize,
    /// Promises made in it.
    pub promises: usize,
    /// States in which something promised was missing.
    pub losing: usize,
    /// Most promises broken in one state.
    pub worst: usize,
    /// States that did not open by themselves.
    pub damaged: usize,
    /// The first few findings: which state, and what in words.
    pub examples: Vec<(usize, String)>,
}

impl Tally {
    /// Whether nothing was found.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.losing == 0 && self.damaged == 0
    }

    fn count(&mut self, state: &State, finding: Finding) {
        self.states += 1;
        let words = match finding {
            Finding::Whole => return,
            Finding::Lost(promises) => {
                self.losing += 1;
                self.worst = self.worst.max(promises);
                format!("{promises} promises broken")
            }
            Finding::Damaged(why) => {
                self.damaged += 1;
                why
            }
        };
        if self.examples.len() < EXAMPLES {
            let when = format!("after {} operations, unsynced {:?}", state.ops, state.fate);
            self.examples.push((state.nth, format!("{when}: {words}")));
        }
    }
}

/// What is wrong on purpose, to see that it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The store gets less from the disk than it asks for.
    Weak(Weakness),
    /// Promises are made before the first sync of the turn that makes them true, not after it.
    Hasty,
}

/// How a trial goes.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// How many states are examined.
    pub states: usize,
    /// Where chance comes from.
    pub seed: u64,
    /// What is wrong on purpose; nothing in an honest trial.
    pub flaw: Option<Flaw>,
    /// Only this state of them, to look at it again.
    pub only: Option<usize>,
}

impl Trial {
    /// Everything as in production.
    #[must_use]
    pub const fn honest(states: usize, seed: u64) -> Self {
        Self { states, seed, flaw: None, only: None }
    }

    /// Something wrong on purpose.
    #[must_use]
    pub const fn flawed(states: usize, seed: u64, flaw: Flaw) -> Self {
        Self { states, seed, flaw: Some(flaw), only: None }
    }

    /// Puts the states of a tape before `examine`, each in an empty folder of its own.
    ///
    /// # Panics
    /// When no folder can be made or filled.
    pub fn judge(&self, tape: &Tape, mut examine: impl FnMut(&Path, &[u32]) -> Finding) -> Tally {
        let mut tally = Tally { ops: tape.len(), promises: tape.promises(), ..Tally::default() };
        let home = scratch();
        let folder = home.path().join("state");
        tape.states(self.states, &mut Dice::seeded(self.seed), |state| {
            if self.only.is_some_and(|only| only != state.nth) {
                return;
            }
            lay_out(&folder, &state.files);
            let finding = examine(&folder, &state.promised);
            tally.count(&state, finding);
        });
        tally
    }

    /// Begins to record a disk on which nothing is open.
    fn begin(&self, disk: &Disk) {
        if let Some(Flaw::Weak(weakness)) = self.flaw {
            disk.weaken(weakness);
        }
        disk.record();
    }

    /// Notes what of these was not promised before; the next turn begins.
    fn promise(&self, disk: &Disk, promises: &mut Vec<Promise>, made: Vec<Promise>) {
        for promise in made {
            if promises.contains(&promise) {
                continue;
            }
            let number = u32::try_from(promises.len()).expect("few promises");
            if self.flaw == Some(Flaw::Hasty) {
                disk.promise_hastily(number);
            } else {
                disk.promise(number);
            }
            promises.push(promise);
        }
        disk.begin_turn();
    }

    /// Ends the recording. A run that shows little proves little.
    fn end(&self, disk: &Disk, promises: &[Promise], least: usize) -> Tape {
        let weak = matches!(self.flaw, Some(Flaw::Weak(_)));
        assert_eq!(disk.weakened() > 0, weak, "the weakness took hold exactly when asked for");
        assert!(promises.len() >= least, "only {} promises", promises.len());
        disk.take_tape()
    }
}

fn lay_out(folder: &Path, files: &Files) {
    platter::write_folder(folder, files).expect("a scratch folder takes files");
}

/// A folder that goes when it is dropped: in memory where the machine has such a place.
///
/// # Panics
/// When there is no room for a folder.
#[must_use]
pub fn scratch() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let home = if memory.is_dir() { memory } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("louan-torture-").tempdir_in(home).expect("room for a folder")
}

/// What SQLite itself finds wrong with a database.
///
/// # Errors
/// The first thing wrong, in words.
pub fn integrity(file: &Path) -> Result<(), String> {
    let connection = Connection::open(file).map_err(|e| format!("does not open: {e}"))?;
    let found: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| format!("cannot be checked: {e}"))?;
    if found == "ok" { Ok(()) } else { Err(found) }
}

/// Everything a database holds, as one number: rows, not pages. What follows from the rows alone
/// needs to be asked once of each content, however many files hold it.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn content(file: &Path) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    let mut hash = || -> rusqlite::Result<()> {
        let connection = Connection::open(file)?;
        let mut tables = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
        let tables = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let tables: Vec<(String, Option<String>)> = tables.collect::<Result<_, _>>()?;
        for (name, sql) in tables {
            (&name, &sql).hash(&mut hasher);
            if !sql.is_some_and(|sql| sql.starts_with("CREATE TABLE")) {
                continue;
            }
            let mut all = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
            let columns = all.column_count();
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    match row.get_ref(column)? {
                        ValueRef::Null => 0.hash(&mut hasher),
                        ValueRef::Integer(n) => (1, n).hash(&mut hasher),
                        ValueRef::Real(n) => (2, n.to_bits()).hash(&mut hasher),
                        ValueRef::Text(bytes) => (3, bytes).hash(&mut hasher),
                        ValueRef::Blob(bytes) => (4, bytes).hash(&mut hasher),
                    }
                }
            }
        }
        Ok(())
    };
    hash().map_err(|e| format!("cannot be read: {e}"))?;
    Ok(hasher.finish())
}
