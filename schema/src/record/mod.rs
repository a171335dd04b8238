//! Records: what people wrote down, each immutable from the moment it is saved.
//!
//! A record is canonical CBOR with integer keys; its id is the ULID in its key, not a
//! field. It names its author, the catalogue it was made with and its photos by hash; it
//! carries no name and no telephone number, so erasing a person never means rewriting
//! history. Nothing here is ever changed: a correction is a new record that `replaces`
//! the old one, both stay visible, figures count the last.

pub mod check;
mod hazard;
mod round;
pub mod text;

pub use check::{Fault, Rule, check, reserved};
pub use hazard::{Fix, Hazard, Place, Recheck, StopReport, Withdrawal};
pub use round::{Answer, Round};

use minicbor::{Decode, Encode};

use crate::doc::Kind;
use crate::id::{BlobHash, PersonId, RecordId};
use crate::time::Timestamp;

/// Largest encoded record, in bytes: a change of 64 KiB less its frame (precise rule 5).
pub const RECORD_BYTES_MAX: usize = 60 * 1024;
/// The layout of records this build writes.
pub const RECORD_LAYOUT: u8 = 1;

/// One immutable record (记录).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Record {
    /// Layout version, [`RECORD_LAYOUT`].
    #[n(0)]
    pub layout: u8,
    /// Who says so. Must equal the person of the envelope it arrives in.
    #[n(1)]
    pub author: PersonId,
    /// When the author's business clock said it was saved; a claim, flagged when far off, never refused.
    #[n(2)]
    pub written_at: Timestamp,
    /// The version of the check catalogue the author used.
    #[n(3)]
    pub catalogue: u16,
    /// The record of the same organisation and kind that this one corrects.
    #[n(4)]
    pub replaces: Option<RecordId>,
    /// Photos by hash, in the order the body refers to them.
    #[n(5)]
    pub photos: Vec<BlobHash>,
    /// What was found or done.
    #[n(6)]
    pub body: Body,
}

/// What a record says, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// A submitted round.
    #[n(0)]
    Round(#[n(0)] Round),
    /// A hazard found.
    #[n(1)]
    Hazard(#[n(0)] Hazard),
    /// Work stopped and reported.
    #[n(2)]
    StopReport(#[n(0)] StopReport),
    /// A fix reported.
    #[n(3)]
    Fix(#[n(0)] Fix),
    /// A recheck.
    #[n(4)]
    Recheck(#[n(0)] Recheck),
    /// A withdrawal.
    #[n(5)]
    Withdrawal(#[n(0)] Withdrawal),
}

impl Body {
    /// The kind under whose key the record must stand.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Round(_) => Kind::Round,
            Self::Hazard(_) => Kind::Hazard,
            Self::StopReport(_) => Kind::StopReport,
            Self::Fix(_) => Kind::Fix,
            Self::Recheck(_) => Kind::Recheck,
            Self::Withdrawal(_) => Kind::Withdrawal,
        }
    }

    /// The record this one speaks about, when it is about another: the hazard of a fix,
    /// the target of a withdrawal.
    #[must_use]
    pub const fn target(&self) -> Option<RecordId> {
        match self {
            Self::Round(_) | Self::Hazard(_) => None,
            Self::StopReport(b) => Some(b.hazard),
            Self::Fix(b) => Some(b.hazard),
            Self::Recheck(b) => Some(b.hazard),
            Self::Withdrawal(b) => Some(b.target),
        }
    }
}

/// Bytes that are not a record in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record: {0}")]
pub struct RecordError(pub String);

impl Record {
    /// The record's bytes, its only spelling.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to a Vec cannot fail, and no field's encoder refuses a value.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads a record; any other spelling of the same content is refused, so that equal
    /// records have equal bytes and nothing hides in the slack.
    ///
    /// # Errors
    /// [`RecordError`] with what did not fit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError(format!("{} bytes", bytes.len())));
        }
        let record: Self = minicbor::decode(bytes).map_err(|e| RecordError(e.to_string()))?;
        if record.to_bytes() == bytes { Ok(record) } else { Err(RecordError("not in canonical form".into())) }
    }
}
