//! Between SQLite's values and ours: numbers, ids, CBOR.
//!
//! A value that cannot be read back is damage and is reported as such, never replaced by a
//! default.

use minicbor::{Decode, Encode};
use rusqlite::ErrorCode;
use rusqlite::types::Type;

use crate::storage::StorageError;

/// Wraps a refusal of the database.
pub(super) fn database(doing: &'static str, error: rusqlite::Error) -> StorageError {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::IntegralValueOutOfRange(..) => {
            StorageError::Damaged { doing }
        }
        rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error { code: ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, .. },
            _,
        ) => StorageError::Broken { doing, source: Box::new(error) },
        other => StorageError::Database { doing, source: Box::new(other) },
    }
}

/// A count or position as SQLite stores it. Positions stay far below 2^63.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or position as it comes back.
pub(super) fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

/// A small count as it comes back.
pub(super) fn small(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let stored: i64 = row.get(column)?;
    u32::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

/// Encodes a value for a column.
pub(super) fn cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Writing to a Vec cannot fail, and no field's encoder refuses a value.
    minicbor::to_vec(value).unwrap_or_default()
}

/// Decodes a column.
pub(super) fn decoded<T: for<'b> Decode<'b, ()>>(bytes: &[u8], column: usize) -> rusqlite::Result<T> {
    minicbor::decode(bytes)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(e)))
}

/// Reads a column as CBOR.
pub(super) fn read<T: for<'b> Decode<'b, ()>>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    decoded(row.get_ref(column)?.as_blob()?, column)
}

/// A value outside what the column may hold.
pub(super) fn damaged(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, "a value outside its list".into())
}
