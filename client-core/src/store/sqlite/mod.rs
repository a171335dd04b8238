//! The store in SQLite: the only room of this crate that speaks SQL.
//!
//! One connection. Reads go through [`Reader`], writes through [`Store::write`], which
//! runs one immediate transaction with `synchronous=FULL` and returns after the commit.
//! Files are named after the tables they serve.

mod colleague;
mod command;
mod doc;
mod draft;
mod meta;
mod migrate;
mod open;
mod outbox;
mod photo;
mod record;
mod registry;
mod salvage;

use std::ops::Deref;

use minicbor::{Decode, Encode};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::{Salvage, StoreError};

pub(crate) use command::SignedBatch;
pub(crate) use meta::Meta;

/// The open store.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    /// What came of a damaged predecessor, when there was one.
    pub(crate) salvage: Option<Salvage>,
}

/// Reading rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a Connection);

/// Reading and changing rows inside one transaction.
#[derive(Debug)]
pub(crate) struct Writer<'a>(Reader<'a>);

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[cfg(test)]
impl Store {
    /// Leaves the store no room beyond the pages it has, as on a full disk, or all there is.
    pub(crate) fn set_full(&self, full: bool) {
        let pages = |sql| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let most = if full { pages("PRAGMA page_count").expect("reads") } else { i64::from(u32::MAX) - 1 };
        self.connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).expect("is set");
    }
}

impl Store {
    /// Rows as they are now.
    pub(crate) const fn read(&self) -> Reader<'_> {
        Reader(&self.connection)
    }

    /// Runs `act` in one transaction: all of it is durable when this returns `Ok`, none of it otherwise.
    pub(crate) fn write<T, E: From<StoreError>>(
        &mut self,
        act: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx: Transaction<'_> = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| E::from(StoreError::from(e)))?;
        let done = act(&Writer(Reader(&tx)))?;
        tx.commit().map_err(|e| E::from(StoreError::from(e)))?;
        Ok(done)
    }
}

impl Writer<'_> {
    /// Runs `act` as a part of the transaction that can fail alone: nothing of it is left when it does.
    pub(crate) fn apart<T, E: From<StoreError>>(&self, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let run = |sql: &str| self.0.0.execute_batch(sql).map_err(|e| E::from(StoreError::from(e)));
        run("SAVEPOINT apart")?;
        let done = act();
        if done.is_ok() {
            run("RELEASE apart")?;
        } else {
            // A full disk may have undone the whole transaction, and then there is nothing to go back to: what is
            // told is why `act` failed.
            let _ = run("ROLLBACK TO apart; RELEASE apart");
        }
        done
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Refused(Box::new(error)),
        }
    }
}

impl Reader<'_> {
    /// How the store is journalled, and SQLite's number for how it waits for the disk.
    pub(crate) fn durability(&self) -> Result<(String, i64), StoreError> {
        let journal = self.0.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        Ok((journal, self.0.query_row("PRAGMA synchronous", [], |row| row.get(0))?))
    }
}

/// CBOR for a column.
fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Writing to a Vec cannot fail, and no encoder of the contract refuses a value.
    minicbor::to_vec(value).unwrap_or_default()
}

/// A column's CBOR.
fn from_cbor<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, StoreError> {
    minicbor::decode(bytes).map_err(|e| StoreError::Unreadable(e.to_string()))
}

/// A position or version as SQLite keeps it; beyond 2⁶³ no log ever gets.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A stored position or version.
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Collects rows whose reader may find a value unreadable.
fn all<T>(rows: impl Iterator<Item = rusqlite::Result<Result<T, StoreError>>>) -> Result<Vec<T>, StoreError> {
    rows.map(|row| row?).collect()
}
