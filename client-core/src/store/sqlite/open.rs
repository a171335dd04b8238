//! Opening, checking, and putting a damaged store aside.
//!
//! A store is checked whole before it is used. A damaged one is renamed aside with its
//! log, never deleted, and a new one is opened in its place, into which everything
//! readable of the outbox is carried over ([`super::salvage`]). In a virtual file system,
//! where nothing can be renamed, the damaged one stays and the next name is taken; what can
//! be read of it is carried over just so.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{Store, migrate, salvage};
use crate::error::OpenError;
use crate::store::{StoreError, StorePlace};

/// Most damaged stores kept beside a good one; a device that damages more is itself broken.
const ASIDE_MAX: u32 = 99;

/// The journal of a store in a file: a commit is one synced append.
const IN_A_FILE: &str = "wal";
/// The journal of a store in a browser, where there is no shared memory and so no write-ahead log. A
/// rollback journal ends a transaction by ceasing to count. Deleting it is an act on the folder, which
/// SQLite does not sync at `synchronous=FULL`: after a power cut the journal may be back and roll back
/// what was called saved. Cutting it to nothing is an act on the file, and that SQLite syncs.
const IN_A_BROWSER: &str = "truncate";

enum Attempt {
    Damaged,
    Refused(OpenError),
}

impl From<StoreError> for Attempt {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged => Self::Damaged,
            StoreError::Full => Self::Refused(OpenError::StorageFull),
            StoreError::Busy => Self::Refused(OpenError::InUse),
            other => Self::Refused(OpenError::Store(other)),
        }
    }
}

impl From<OpenError> for Attempt {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(inner) => Self::from(inner),
            other => Self::Refused(other),
        }
    }
}

impl Store {
    /// Opens the store at `place`, checked and at the newest layout.
    pub(crate) fn open(place: &StorePlace) -> Result<Self, OpenError> {
        match place {
            StorePlace::Memory => {
                let connection = Connection::open_in_memory().map_err(StoreError::from);
                connection
                    .map_err(Attempt::from)
                    .and_then(|c| ready(c, "memory"))
                    .map(|connection| Self { connection, salvage: None })
                    .map_err(|attempt| refused(attempt, Path::new("")))
            }
            StorePlace::File(path) => open_file(path),
            StorePlace::Named { vfs, name } => open_named(vfs, name),
        }
    }
}

fn refused(attempt: Attempt, path: &Path) -> OpenError {
    match attempt {
        Attempt::Refused(error) => error,
        Attempt::Damaged => OpenError::Damaged {
            aside: path.to_owned(),
            source: std::io::Error::other("a store just made does not pass its check"),
        },
    }
}

fn open_file(path: &Path) -> Result<Store, OpenError> {
    finish_putting_aside(path)?;
    let connection = match attempt(path) {
        Ok(connection) => connection,
        Err(Attempt::Damaged) => {
            put_aside(path)?;
            attempt(path).map_err(|a| refused(a, path))?
        }
        Err(Attempt::Refused(error)) => return Err(error),
    };
    let mut store = Store { connection, salvage: None };
    if let Some(number) = last_aside(path) {
        store.salvage =
            salvage::from_aside(&mut store, number, &aside(path, number)).map_err(OpenError::Store)?;
    }
    Ok(store)
}

fn attempt(path: &Path) -> Result<Connection, Attempt> {
    let connection = Connection::open(path).map_err(StoreError::from)?;
    ready(connection, IN_A_FILE)
}

fn open_named(vfs: &str, name: &str) -> Result<Store, OpenError> {
    let numbered = |number: u32| if number == 0 { name.to_owned() } else { format!("{name}.{number}") };
    for number in 0..=ASIDE_MAX {
        let file = numbered(number);
        let opened = Connection::open_with_flags_and_vfs(&file, OpenFlags::default(), vfs);
        let connection = opened.map_err(|e| Attempt::from(StoreError::from(e)));
        match connection.and_then(|c| ready(c, IN_A_BROWSER)) {
            Ok(connection) => {
                let mut store = Store { connection, salvage: None };
                if let Some(damaged) = number.checked_sub(1).map(numbered) {
                    store.salvage =
                        salvage::from_name(&mut store, number, vfs, &damaged).map_err(OpenError::Store)?;
                }
                return Ok(store);
            }
            Err(Attempt::Damaged) => {}
            Err(Attempt::Refused(error)) => return Err(error),
        }
    }
    Err(refused(Attempt::Damaged, Path::new(name)))
}

/// Sets a connection up, checks the whole file and brings it to the newest layout.
fn ready(mut connection: Connection, journal: &str) -> Result<Connection, Attempt> {
    // Waiting for somebody else's lock would be sleeping; there is nobody else.
    connection.busy_timeout(std::time::Duration::ZERO).map_err(StoreError::from)?;
    let set = |pragma: &str, value: &str| -> Result<(), StoreError> {
        connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).map_err(StoreError::from)
    };
    if journal == IN_A_BROWSER {
        // No shared memory there, and nobody to share it with.
        set("locking_mode", "exclusive")?;
    }
    set("journal_mode", journal)?;
    connection.pragma_update(None, "synchronous", "full").map_err(StoreError::from)?;
    connection.pragma_update(None, "foreign_keys", "on").map_err(StoreError::from)?;
    connection.pragma_update(None, "trusted_schema", "off").map_err(StoreError::from)?;
    connection.pragma_update(None, "cell_size_check", "on").map_err(StoreError::from)?;
    // What a savepoint may have to undo is kept in memory, not in one more file.
    connection.pragma_update(None, "temp_store", "memory").map_err(StoreError::from)?;
    // A plan is made once a statement, not again for every value bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(StoreError::from)?;
    connection.set_prepared_statement_cache_capacity(128);
    let version = migrate::admit(&connection)?;
    check(&connection)?;
    migrate::migrate(&mut connection, version)?;
    Ok(connection)
}

/// Reads every page of the file.
fn check(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged) }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn aside(path: &Path, number: u32) -> PathBuf {
    with_suffix(path, &format!(".damaged-{number}"))
}

fn last_aside(path: &Path) -> Option<u32> {
    (1..=ASIDE_MAX).rev().find(|number| aside(path, *number).exists())
}

/// Renames the store aside. The main file goes first: a log without its file is completed by
/// [`finish_putting_aside`], a file without its log would look whole and be older than it was.
fn put_aside(path: &Path) -> Result<(), OpenError> {
    let target = aside(path, last_aside(path).map_or(1, |number| number + 1));
    fs::rename(path, &target).map_err(|source| OpenError::Damaged { aside: target.clone(), source })?;
    move_logs(path, &target)
}

fn move_logs(path: &Path, target: &Path) -> Result<(), OpenError> {
    for suffix in ["-wal", "-shm"] {
        let log = with_suffix(path, suffix);
        if log.exists() {
            fs::rename(&log, with_suffix(target, suffix))
                .map_err(|source| OpenError::Damaged { aside: target.to_owned(), source })?;
        }
    }
    Ok(())
}

/// Completes a putting-aside that was cut short between the file and its log.
fn finish_putting_aside(path: &Path) -> Result<(), OpenError> {
    match last_aside(path) {
        Some(number) if !path.exists() => move_logs(path, &aside(path, number)),
        _ => Ok(()),
    }
}

/// A copy of a store put aside, opened for reading what can be read. The copy may be changed by
/// SQLite as it likes; the original stays as it was found.
pub(super) fn open_copy(original: &Path) -> Result<(Connection, CopyOfDamaged), std::io::Error> {
    let copy = CopyOfDamaged(with_suffix(original, ".copy"));
    fs::copy(original, &copy.0)?;
    let log = with_suffix(original, "-wal");
    if log.exists() {
        fs::copy(&log, with_suffix(&copy.0, "-wal"))?;
    }
    let connection = Connection::open(&copy.0).map_err(std::io::Error::other)?;
    Ok((connection, copy))
}

/// Removes the working copy when it is no longer needed.
pub(super) struct CopyOfDamaged(PathBuf);

impl Drop for CopyOfDamaged {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            // A copy left behind costs room, not data.
            let _ = fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}
