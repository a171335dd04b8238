//! A consistent copy of a database that may be in use: never a copy of its files.
//!
//! `VACUUM INTO` reads in one transaction, so writers go on and the copy is one moment's. It copies what is
//! stored, not pages: what was erased is not in it, not even in the unused part of a page (P11). SQLite does not
//! sync what it makes this way; that is done here, before anybody hears that the copy exists.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connect;
use super::tenancy::beside;
use super::value::database;
use crate::storage::StorageError;

const DOING: &str = "copy the database";
/// Most copies beside a database of one version; a start that fails again and again makes no more.
const COPIES_MAX: u32 = 99;

/// Copies the database at `source`, as it is at one moment, into the new file `target`, readable by its owner
/// only, and syncs it and its folder.
///
/// # Errors
/// [`StorageError::Database`]: then `target` may be there in part, and is nobody's copy.
pub fn copy_database(source: &Path, target: &Path) -> Result<(), StorageError> {
    copy_from(&connect(source, true)?, target)
}

fn copy_from(connection: &Connection, target: &Path) -> Result<(), StorageError> {
    let failed = |e: io::Error| StorageError::Database { doing: DOING, source: Box::new(e) };
    // Made first, and empty, so that nobody else can ever read it; SQLite takes an empty file for a new one.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(target).map_err(failed)?;
    let name = target.to_str().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|e| database(DOING, e))?;
    File::open(target).and_then(|file| file.sync_all()).map_err(failed)?;
    sync_folder_of(target).map_err(failed)
}

/// Makes names made, changed or removed in a file's folder durable.
///
/// # Errors
/// What the system says.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

/// The version a database was brought to; 0 for a new one.
///
/// # Errors
/// [`StorageError::Database`] when it cannot be opened or is none.
pub fn version_of(path: &Path) -> Result<i64, StorageError> {
    version(&connect(path, true)?)
}

pub(super) fn version(connection: &Connection) -> Result<i64, StorageError> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| database(DOING, e))
}

/// Copies a database that is about to be migrated to `<its path>.before-NNNN.sqlite`, `NNNN` being the first
/// migration it lacks. A copy that is there and has the same log and audit serves again.
pub(super) fn keep_before(path: &Path, connection: &Connection, next: i64) -> Result<PathBuf, StorageError> {
    let failed = |e: io::Error| StorageError::Database { doing: DOING, source: Box::new(e) };
    let standing = standing(connection)?;
    for nth in 1..=COPIES_MAX {
        let again = if nth == 1 { String::new() } else { format!("-{nth}") };
        let target = beside(path, &format!(".before-{next:04}{again}.sqlite"));
        if target.try_exists().map_err(failed)? {
            if self::standing(&connect(&target, true)?).is_ok_and(|kept| kept == standing) {
                return Ok(target);
            }
            continue;
        }
        let partial = beside(&target, ".partial");
        match std::fs::remove_file(&partial) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        copy_from(connection, &partial)?;
        std::fs::rename(&partial, &target).and_then(|()| sync_folder_of(&target)).map_err(failed)?;
        return Ok(target);
    }
    Err(failed(io::Error::other("there are too many copies of earlier versions beside the database")))
}

/// Version, position of the log and length of the audit: what a copy must share with its original.
fn standing(connection: &Connection) -> Result<(i64, i64, i64), StorageError> {
    let sql = "SELECT (SELECT user_version FROM pragma_user_version), \
               (SELECT COALESCE(MAX(head), 0) FROM stream), (SELECT COALESCE(MAX(seq), 0) FROM audit)";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    connection.query_row(sql, [], row).map_err(|e| database(DOING, e))
}
