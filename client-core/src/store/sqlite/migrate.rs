//! Numbered migrations on `user_version`, never edited after release.
//!
//! Each runs in its own transaction together with the number it leads to, so a crash
//! leaves the store at a whole version. A store ahead of this app is refused untouched.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;
use crate::store::StoreError;

/// Marks a file as this app's ("LoAn").
pub(super) const APPLICATION_ID: i32 = 0x4c6f_416e;

const MIGRATIONS: [&str; 2] =
    [include_str!("../../../migrations/0001_phone.sql"), include_str!("../../../migrations/0002_photos.sql")];

/// The newest layout this app knows.
pub(super) const LAYOUT: i64 = MIGRATIONS.len() as i64;

/// Refuses a store that is not ours or newer than this app; touches nothing.
pub(super) fn admit(connection: &Connection) -> Result<i64, OpenError> {
    let number = |pragma: &str| {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
            .map_err(|e| OpenError::Store(StoreError::from(e)))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let unmarked = application == 0 && version == 0;
    let empty = || -> Result<bool, OpenError> {
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        Ok(tables.map_err(|e| OpenError::Store(StoreError::from(e)))? == 0)
    };
    if application != i64::from(APPLICATION_ID) && !(unmarked && empty()?) {
        return Err(OpenError::Foreign);
    }
    if version > LAYOUT {
        return Err(OpenError::NewerStore { found: version, known: LAYOUT });
    }
    Ok(version)
}

/// Brings the store from layout `from` to [`LAYOUT`].
pub(super) fn migrate(connection: &mut Connection, from: i64) -> Result<(), StoreError> {
    for (number, sql) in (1..).zip(MIGRATIONS) {
        if number <= from {
            continue;
        }
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}
