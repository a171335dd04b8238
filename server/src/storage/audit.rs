//! The audit as stored: what a line says, and reading lines in order.
//!
//! Lines are only ever appended, in the transaction of what they describe. How they are
//! chained and checked is the audit room's business.

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;
use minicbor::{Decode, Encode};

use super::Reply;

/// What happened, before it has a place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Entry {
    /// System clock.
    #[n(0)]
    pub at: Timestamp,
    /// Who did it, when a person did.
    #[n(1)]
    pub person: Option<PersonId>,
    /// From which device.
    #[n(2)]
    pub device: Option<DeviceId>,
    /// What: a short fixed word such as `push`, `command`, `enrol`.
    #[n(3)]
    pub act: String,
    /// To what: the text of an id.
    #[n(4)]
    pub subject: String,
    /// With what result: `done`, or codes with counts.
    #[n(5)]
    pub outcome: String,
}

/// A line of the audit (审计记录).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// The running hash.
    pub chain: [u8; 32],
}

/// The audit.
pub trait AuditStore: Send + Sync {
    /// Lines after `after`, oldest first, at most `limit`.
    fn audit_lines(&self, after: u64, limit: usize) -> Reply<'_, Vec<Line>>;
    /// The last line's number and running hash; 0 and zeroes before the first.
    fn audit_head(&self) -> Reply<'_, (u64, [u8; 32])>;
}
