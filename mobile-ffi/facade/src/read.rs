//! Reads the plain texts of a screen into the rulebook's types.
//!
//! Ids come from earlier answers of this facade, so a text that is none is the caller's
//! bug; codes come from a person's choice, so an unknown one is a fault at its field.
//! Whether what was read may stand is not asked here.

use std::str::FromStr;

use louan_client_core::schema::id::{BlobHash, IdError};
use louan_client_core::schema::time::Timestamp;

use crate::failure::Failure;

/// An id.
pub(crate) fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: IdError| Failure::misused(error.to_string()))
}

/// Several ids.
pub(crate) fn ids<T: FromStr<Err = IdError>>(texts: &[String]) -> Result<Vec<T>, Failure> {
    texts.iter().map(|text| id(text)).collect()
}

/// An id that may be absent.
pub(crate) fn maybe_id<T: FromStr<Err = IdError>>(text: Option<&str>) -> Result<Option<T>, Failure> {
    text.map(id).transpose()
}

/// A code of a list, chosen at `pointer`.
pub(crate) fn code<T: FromStr>(text: &str, pointer: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::unknown_code(pointer, text))
}

/// Photos by their SHA-256.
pub(crate) fn photos(texts: &[String]) -> Result<Vec<BlobHash>, Failure> {
    ids(texts)
}

/// An instant in milliseconds since 1970.
pub(crate) fn instant(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}
