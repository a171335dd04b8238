//! A shelf in SQLite, for hosts where files are SQLite's business: a browser's private file system.
//!
//! A database of its own beside the store, so that the store stays small and is checked in a moment; journalled and
//! synced as the store is there, so that what was put is durable when the call returns (F04). It is opened when the
//! first photo is asked for: a shelf that cannot be opened costs photos and never a record. Bytes are not checked
//! here: whoever reads them knows their hash. A damaged database is left where it is, what can be read of it is
//! read, and what comes from then on goes to the next name.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;

use louan_schema::id::BlobHash;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Shelf, ShelfError};
use crate::store::StoreError;

/// Most damaged databases that are left beside a good one.
const ASIDE_MAX: usize = 9;
/// Set before the first page is written: room that is given back goes back to the device.
const SHRINKS: &str = "PRAGMA auto_vacuum = incremental";
/// Cut to nothing and synced, as the store's journal is: see `store::sqlite::open`.
const JOURNAL: &str = "truncate";
const LAYOUT: &str =
    "CREATE TABLE IF NOT EXISTS file (hash BLOB NOT NULL PRIMARY KEY, bytes BLOB NOT NULL) STRICT";

/// Photos in a database (照片数据库) of a virtual file system.
#[derive(Debug)]
pub struct DatabaseShelf {
    vfs: String,
    name: String,
    /// Those of which anything could be read, by number, the one that is written to last; none before the first use.
    files: RefCell<Vec<(usize, Connection)>>,
}

impl DatabaseShelf {
    /// A shelf under that name, which is made when the first photo comes.
    #[must_use]
    pub const fn new(vfs: String, name: String) -> Self {
        Self { vfs, name, files: RefCell::new(Vec::new()) }
    }

    fn opened(&self) -> Result<RefMut<'_, Vec<(usize, Connection)>>, StoreError> {
        let mut files = self.files.borrow_mut();
        if files.is_empty() {
            for number in 0..=ASIDE_MAX {
                // What is there from before is read; only the first, or the one behind a damaged one, is made.
                match self.open(number, files.is_empty()) {
                    Ok(Some(file)) => files.push((number, file)),
                    Ok(None) => break,
                    Err(StoreError::Damaged) => {}
                    Err(error) => {
                        files.clear();
                        return Err(error);
                    }
                }
            }
            if files.is_empty() {
                return Err(StoreError::Damaged);
            }
        }
        Ok(files)
    }

    /// Opens a database; nothing when there is none and none is to be made.
    fn open(&self, number: usize, make: bool) -> Result<Option<Connection>, StoreError> {
        let name = if number == 0 { self.name.clone() } else { format!("{}.{number}", self.name) };
        let flags = OpenFlags::default();
        let flags = if make { flags } else { flags - OpenFlags::SQLITE_OPEN_CREATE };
        let connection = match Connection::open_with_flags_and_vfs(&name, flags, self.vfs.as_str()) {
            Ok(connection) => connection,
            Err(error) if !make && error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.execute_batch(SHRINKS)?;
        for (pragma, value) in [("locking_mode", "exclusive"), ("journal_mode", JOURNAL)] {
            connection.pragma_update_and_check(None, pragma, value, |_| Ok(()))?;
        }
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "trusted_schema", "off")?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.execute_batch(LAYOUT)?;
        Ok(Some(connection))
    }

    fn put(&self, hash: BlobHash, bytes: &[u8]) -> Result<(), StoreError> {
        let mut files = self.opened()?;
        let Some((last, file)) = files.last() else { return Err(StoreError::Damaged) };
        match insert(file, hash, bytes) {
            Err(StoreError::Damaged) => {}
            done => return done,
        }
        // Behind those that are open: whoever opens them again finds the same order. What is damaged there is passed by.
        for number in last + 1..=ASIDE_MAX {
            let next = match self.open(number, true) {
                Ok(Some(next)) => next,
                Ok(None) | Err(StoreError::Damaged) => continue,
                Err(error) => return Err(error),
            };
            insert(&next, hash, bytes)?;
            files.push((number, next));
            return Ok(());
        }
        Err(StoreError::Damaged)
    }

    fn remove(&self, hash: BlobHash) -> Result<(), StoreError> {
        for (_, file) in self.opened()?.iter() {
            let gone = file.execute("DELETE FROM file WHERE hash = ?1", [hash.as_bytes()]);
            match gone.map_err(StoreError::from) {
                Ok(0) | Err(StoreError::Damaged) => {}
                Ok(_) => shrink(file)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Shelf for DatabaseShelf {
    fn put(&mut self, hash: BlobHash, bytes: &[u8]) -> Result<(), ShelfError> {
        Ok(Self::put(self, hash, bytes)?)
    }

    fn get(&self, hash: BlobHash) -> Result<Option<Vec<u8>>, ShelfError> {
        for (_, file) in self.opened()?.iter().rev() {
            match read(file, hash) {
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                Ok(None) | Err(StoreError::Damaged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn remove(&mut self, hash: BlobHash) -> Result<(), ShelfError> {
        Ok(Self::remove(self, hash)?)
    }

    fn list(&self) -> Result<Vec<BlobHash>, ShelfError> {
        let mut hashes = BTreeSet::new();
        for (_, file) in self.opened()?.iter() {
            match names(file) {
                Ok(found) => hashes.extend(found),
                Err(StoreError::Damaged) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(hashes.into_iter().collect())
    }
}

fn insert(file: &Connection, hash: BlobHash, bytes: &[u8]) -> Result<(), StoreError> {
    let mut statement = file.prepare_cached(
        "INSERT INTO file (hash, bytes) VALUES (?1, ?2) ON CONFLICT (hash) DO UPDATE SET bytes = ?2",
    )?;
    statement.execute((hash.as_bytes(), bytes))?;
    Ok(())
}

fn read(file: &Connection, hash: BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
    let mut statement = file.prepare_cached("SELECT bytes FROM file WHERE hash = ?1")?;
    Ok(statement.query_row([hash.as_bytes()], |row| row.get(0)).optional()?)
}

fn names(file: &Connection) -> Result<Vec<BlobHash>, StoreError> {
    let mut statement = file.prepare_cached("SELECT hash FROM file")?;
    let rows = statement.query_map([], |row| Ok(BlobHash(row.get(0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Gives free pages back to the device, a row of the answer each.
fn shrink(file: &Connection) -> Result<(), StoreError> {
    let mut statement = file.prepare_cached("PRAGMA incremental_vacuum")?;
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

impl From<StoreError> for ShelfError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            other => Self::Refused(std::io::Error::other(other)),
        }
    }
}
