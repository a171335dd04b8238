//! The few single values: who this phone is and where it stands in the feed.
//!
//! Keys are a closed list, values are CBOR of the type each names. Nothing that a table
//! can hold stands here.

use minicbor::{Decode, Encode};
use rusqlite::OptionalExtension;

use super::{Reader, Writer, from_cbor, to_cbor};
use crate::store::StoreError;

/// A single value's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    /// The life of this store (`Incarnation`).
    Incarnation,
    /// The enrolled device (`DeviceId`).
    Device,
    /// The enrolled people, in order (`Vec<PersonId>`).
    People,
    /// The enrolled people's organisations (`Vec<OrgId>`).
    Orgs,
    /// The stream (`u32`).
    Stream,
    /// Where the phone stands in the feed (`Cursor`).
    Cursor,
    /// The life of the office's log that acknowledged edits belong to (`Epoch`).
    Epoch,
    /// The token of an unfinished bootstrap (`ByteVec`).
    Page,
    /// Where the log stood when it answered, beyond the cursor (`Vec<Cursor>`).
    AnsweredAt,
    /// Sheets wait until everything is fetched (`bool`).
    CatchUp,
    /// What the phone may see (`Scope`).
    Scope,
    /// Everything up to here is in a verified backup (`u64`).
    BackedUp,
    /// The least build the office accepts, when this one is too old (`u32`).
    MinBuild,
    /// The phone is sealed (`bool`).
    Sealed,
    /// The office's clock less the phone's, in milliseconds (`i64`).
    ClockOffset,
    /// The files photos were developed from are kept (`bool`).
    KeepOriginals,
    /// They are sent as well, where sending costs nothing (`bool`).
    SendOriginals,
}

impl Meta {
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Incarnation => "incarnation",
            Self::Device => "device",
            Self::People => "people",
            Self::Orgs => "orgs",
            Self::Stream => "stream",
            Self::Cursor => "cursor",
            Self::Epoch => "epoch",
            Self::Page => "page",
            Self::AnsweredAt => "answered_at",
            Self::CatchUp => "catch_up",
            Self::Scope => "scope",
            Self::BackedUp => "backed_up_pos",
            Self::MinBuild => "min_build",
            Self::Sealed => "sealed",
            Self::ClockOffset => "clock_offset_ms",
            Self::KeepOriginals => "keep_originals",
            Self::SendOriginals => "send_originals",
        }
    }
}

impl Reader<'_> {
    /// A single value, when it was ever set.
    pub(crate) fn meta<T: for<'b> Decode<'b, ()>>(&self, key: Meta) -> Result<Option<T>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        let bytes: Option<Vec<u8>> = statement.query_row([key.key()], |row| row.get(0)).optional()?;
        bytes.map(|bytes| from_cbor(&bytes)).transpose()
    }
}

impl Writer<'_> {
    /// Sets a single value.
    pub(crate) fn set_meta<T: Encode<()>>(&self, key: Meta, value: &T) -> Result<(), StoreError> {
        self.set_meta_bytes(key, &to_cbor(value))
    }

    pub(super) fn set_meta_bytes(&self, key: Meta, value: &[u8]) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        statement.execute((key.key(), value))?;
        Ok(())
    }

    /// Forgets a single value.
    pub(crate) fn unset_meta(&self, key: Meta) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key.key()])?;
        Ok(())
    }
}
