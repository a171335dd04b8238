//! Migrations: numbered, run in order inside one transaction each, remembered in `user_version`.
//!
//! A released file is never edited; a change is a new file at the end. A database written by
//! a newer build is refused untouched: going back would lose what the newer build knows.

use rusqlite::Connection;

use super::photos;
use super::value::database;
use crate::storage::StorageError;

/// What is derived from older rows after a migration, in the same transaction.
const DERIVED: &[(i64, fn(&Connection) -> rusqlite::Result<()>)] = &[(5, photos::cite_all)];

/// Every migration, oldest first; the number of the last is the database's version.
pub const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_core.sql"),
    include_str!("../../../migrations/sqlite/0002_accounts.sql"),
    include_str!("../../../migrations/sqlite/0003_erasure.sql"),
    include_str!("../../../migrations/sqlite/0004_device_key.sql"),
    include_str!("../../../migrations/sqlite/0005_photo.sql"),
    include_str!("../../../migrations/sqlite/0006_import.sql"),
];

/// Brings a database to this build's version, one transaction per step.
///
/// # Errors
/// [`StorageError::Ahead`] for a newer database, [`StorageError::Database`] when a step fails;
/// the steps before it stay, each whole.
pub fn migrate(connection: &mut Connection) -> Result<(), StorageError> {
    let doing = "bring the database to this build's version";
    let found: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| database(doing, e))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StorageError::Ahead { found, known });
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= found) {
        let step = || -> rusqlite::Result<()> {
            let tx = connection.transaction()?;
            tx.execute_batch(sql)?;
            DERIVED.iter().filter(|(after, _)| *after == number).try_for_each(|(_, derive)| derive(&tx))?;
            tx.pragma_update(None, "user_version", number)?;
            tx.commit()
        };
        let mut step = step;
        step().map_err(|e| database(doing, e))?;
    }
    Ok(())
}
