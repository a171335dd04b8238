//! A watched folder: every write counted, and let through or not.
//!
//! A *blow* comes at a counted operation: the disk falls silent (a killed process writes
//! nothing more), the process aborts, or the operation fails as a full or broken disk
//! would. What went through is applied to a [`Platter`], so that the folder can also be
//! put into a state that a power cut would have left. No store knows it is watched.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use super::platter::{Fate, Files, Op, Platter, read_folder, write_folder};
use super::shim;
use super::tape::Tape;
use kit::dice::Dice;

/// How a disk fails an operation instead of doing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No room.
    Full,
    /// The disk reports an error.
    Broken,
}

/// What happens at a counted operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// From after this operation on nothing reaches the disk, until it is revived.
    SilentAfter(u64),
    /// The process aborts before this operation.
    AbortBefore(u64),
    /// The process aborts right after this operation.
    AbortAfter(u64),
    /// This operation fails; the next ones do not.
    FailAt(u64, Failure),
}

/// What a store asks of the disk and does not get: the harness must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// `synchronous=FULL` is turned into `NORMAL` on its way in.
    Normal,
    /// `synchronous=FULL` is turned into `OFF` on its way in.
    Off,
    /// `journal_mode=TRUNCATE` is turned into `DELETE`, and the file is not held exclusively
    /// (a journal held exclusively is not deleted, whatever its mode).
    Deleted,
}

impl Weakness {
    /// What stands in the place of a value asked for, if it is weakened.
    fn instead_of(self, pragma: &[u8], asked: &[u8]) -> Option<&'static [u8]> {
        let is = |name: &[u8], values: &[&[u8]]| {
            pragma.eq_ignore_ascii_case(name) && values.iter().any(|value| asked.eq_ignore_ascii_case(value))
        };
        let full = || is(b"synchronous", &[b"full", b"extra", b"2", b"3"]);
        match self {
            Self::Normal => full().then_some(b"1"),
            Self::Off => full().then_some(b"0"),
            Self::Deleted if is(b"journal_mode", &[b"truncate"]) => Some(b"delete"),
            Self::Deleted if is(b"locking_mode", &[b"exclusive"]) => Some(b"normal"),
            Self::Deleted => None,
        }
    }
}

#[derive(Debug)]
struct Watched {
    folder: PathBuf,
    ops: u64,
    /// How many operations failed instead of being done.
    failed: u64,
    blow: Option<Blow>,
    silent: bool,
    weakness: Option<Weakness>,
    /// How often a weakness took hold.
    weakened: u64,
    platter: Platter,
    tape: Option<Tape>,
    names: Option<Vec<String>>,
}

/// A watched folder. Dropping the last handle ends the watch; connections opened meanwhile keep it.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Mutex<Watched>>);

/// Who watches what. Weak, so that the registry keeps no folder watched.
static WATCHED: Mutex<Vec<(PathBuf, std::sync::Weak<Mutex<Watched>>)>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that panicked while holding it left nothing half-done that another test reads.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Watches a folder, which must exist; its files count as safely on the disk. Only
    /// connections opened after this are seen.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn watch(folder: &Path) -> std::io::Result<Self> {
        shim::install();
        let folder = folder.canonicalize()?;
        let platter = Platter::of(read_folder(&folder)?);
        let disk = Self(Arc::new(Mutex::new(Watched {
            folder: folder.clone(),
            ops: 0,
            failed: 0,
            blow: None,
            silent: false,
            weakness: None,
            weakened: 0,
            platter,
            tape: None,
            names: None,
        })));
        let mut watched = locked(&WATCHED);
        watched.retain(|(other, weak)| weak.strong_count() > 0 && *other != folder);
        watched.push((folder, Arc::downgrade(&disk.0)));
        Ok(disk)
    }

    /// The disk on which a file lies, if its folder is watched.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let folder = file.parent()?;
        let watched = locked(&WATCHED);
        let (_, weak) = watched.iter().find(|(watched, _)| watched == folder)?;
        weak.upgrade().map(Self)
    }

    /// How many operations went through.
    #[must_use]
    pub fn ops(&self) -> u64 {
        locked(&self.0).ops
    }

    /// How many operations failed because a blow told them to.
    #[must_use]
    pub fn failed(&self) -> u64 {
        locked(&self.0).failed
    }

    /// Sets what happens at which operation, counted from the beginning of the watch.
    pub fn strike(&self, blow: Option<Blow>) {
        locked(&self.0).blow = blow;
    }

    /// Whether the disk has fallen silent.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        locked(&self.0).silent
    }

    /// Nothing reaches the disk from now on.
    pub fn silence(&self) {
        locked(&self.0).silent = true;
    }

    /// Turns what stores ask for into less, from the next time they ask.
    pub fn weaken(&self, weakness: Weakness) {
        locked(&self.0).weakness = Some(weakness);
    }

    /// How often a store asked for more than it got.
    #[must_use]
    pub fn weakened(&self) -> u64 {
        locked(&self.0).weakened
    }

    /// Begins to keep every operation.
    pub fn record(&self) {
        let mut watched = locked(&self.0);
        watched.tape = Some(Tape::from(watched.platter.clone()));
    }

    /// Begins to keep the name of every operation.
    pub fn list_names(&self) {
        locked(&self.0).names = Some(Vec::new());
    }

    /// The names kept so far.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        locked(&self.0).names.clone().unwrap_or_default()
    }

    /// Notes on the tape that from here on `promise` must hold.
    pub fn promise(&self, promise: u32) {
        if let Some(tape) = &mut locked(&self.0).tape {
            tape.promise(promise);
        }
    }

    /// A turn of the recorded run begins.
    pub fn begin_turn(&self) {
        if let Some(tape) = &mut locked(&self.0).tape {
            tape.begin_turn();
        }
    }

    /// Notes a promise as somebody would make it who does not wait for the first sync of this turn.
    pub fn promise_hastily(&self, promise: u32) {
        if let Some(tape) = &mut locked(&self.0).tape {
            tape.promise_hastily(promise);
        }
    }

    /// Ends the recording.
    ///
    /// # Panics
    /// When none was begun.
    #[must_use]
    pub fn take_tape(&self) -> Tape {
        locked(&self.0).tape.take().expect("a recording was begun")
    }

    /// Puts the folder into a state that a power cut now would leave, and lets writes through
    /// again. Nothing may have a file of it open.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn cut(&self, fate: Fate, dice: &mut Dice) -> std::io::Result<()> {
        let mut watched = locked(&self.0);
        let files = watched.platter.after(fate, dice);
        watched.put(files)
    }

    /// The folder's content as a running process sees it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn files(&self) -> std::io::Result<Files> {
        read_folder(&locked(&self.0).folder)
    }

    /// Makes the folder hold exactly these files, safely, and lets writes through again.
    /// Nothing may have a file of it open.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn put(&self, files: Files) -> std::io::Result<()> {
        locked(&self.0).put(files)
    }

    /// Lets an operation through, or not; `real` performs it and answers SQLite's code.
    pub(super) fn perform(&self, op: Op, real: impl FnOnce() -> i32) -> i32 {
        let mut watched = locked(&self.0);
        if watched.silent {
            return refusal(&op, Failure::Broken);
        }
        let number = watched.ops + 1;
        match watched.blow {
            Some(Blow::SilentAfter(last)) if number > last => {
                watched.silent = true;
                return refusal(&op, Failure::Broken);
            }
            Some(Blow::AbortBefore(at)) if number == at => std::process::abort(),
            Some(Blow::FailAt(at, failure)) if number == at => {
                watched.ops = number;
                watched.failed += 1;
                // What a sync did not bring to the disk a later one will not either: the system holds it for written.
                if let Op::Sync { file } = &op {
                    watched.platter.forget_unsynced(file);
                }
                return refusal(&op, failure);
            }
            _ => {}
        }
        let answer = real();
        if answer != ffi::SQLITE_OK {
            return answer;
        }
        watched.ops = number;
        if watched.blow == Some(Blow::AbortAfter(number)) {
            std::process::abort();
        }
        if let Some(names) = &mut watched.names {
            names.push(op.name());
        }
        watched.platter.apply(&op);
        if let Some(tape) = &mut watched.tape {
            tape.push(op);
        }
        answer
    }

    /// What is to stand in the place of a pragma's value, if anything; never longer than it.
    pub(super) fn weaker(&self, pragma: &[u8], asked: &[u8]) -> Option<&'static [u8]> {
        let mut watched = locked(&self.0);
        let instead = watched.weakness?.instead_of(pragma, asked)?;
        watched.weakened += 1;
        Some(instead)
    }
}

impl Watched {
    fn put(&mut self, files: Files) -> std::io::Result<()> {
        write_folder(&self.folder, &files)?;
        self.platter = Platter::of(files);
        self.silent = false;
        self.blow = None;
        Ok(())
    }
}

const fn refusal(op: &Op, failure: Failure) -> i32 {
    match (failure, op) {
        (Failure::Full, Op::Write { .. } | Op::Create { .. }) => ffi::SQLITE_FULL,
        (_, Op::Create { .. }) => ffi::SQLITE_CANTOPEN,
        (_, Op::Write { .. }) => ffi::SQLITE_IOERR_WRITE,
        (_, Op::Truncate { .. }) => ffi::SQLITE_IOERR_TRUNCATE,
        (_, Op::Sync { .. }) => ffi::SQLITE_IOERR_FSYNC,
        (_, Op::Delete { .. }) => ffi::SQLITE_IOERR_DELETE,
    }
}
