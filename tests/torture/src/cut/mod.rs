//! Power cuts: a store runs on a recorded disk, then every state that a cut could have left
//! is put before it, and it must open by itself with everything it had promised.
//!
//! What a promise is, and how to see that it is kept, differs between phone and office
//! ([`phone`], [`office`]); counting is the same. Nothing here repairs anything: a state
//! that needs help is a finding.

pub mod office;
pub mod phone;

use std::path::{Path, PathBuf};

use kit::dice::Dice;
use rusqlite::Connection;

use crate::vfs::{Files, State, Tape, Weakness, platter};

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
    /// States examined.
    pub states: usize,
    /// States in which something promised was missing.
    pub losing: usize,
    /// Most promises broken in one state.
    pub worst: usize,
    /// States that did not open by themselves.
    pub damaged: usize,
    /// The first few findings, in words.
    pub examples: Vec<String>,
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
        if self.examples.len() < 5 {
            self.examples.push(format!("after {} operations, unsynced {:?}: {words}", state.ops, state.fate));
        }
    }
}

/// How a trial goes.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// How many states are examined.
    pub states: usize,
    /// Where chance comes from.
    pub seed: u64,
    /// What the store asks for and does not get; nothing in an honest trial.
    pub weakness: Option<Weakness>,
}

impl Trial {
    /// Puts the states of a tape before `examine`, each in an empty folder of its own.
    ///
    /// # Panics
    /// When no folder can be made or filled.
    pub fn judge(&self, tape: &Tape, mut examine: impl FnMut(&Path, &[u32]) -> Finding) -> Tally {
        let mut tally = Tally::default();
        let home = scratch();
        let folder = home.path().join("state");
        tape.states(self.states, &mut Dice::seeded(self.seed), |state| {
            lay_out(&folder, &state.files);
            let finding = examine(&folder, &state.promised);
            tally.count(&state, finding);
        });
        tally
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
