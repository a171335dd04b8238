//! What became of what was written here: the outbox, and the sums of a round trip.
//!
//! Every local edit is pending, held, returned or received; this room prints which.

use louan_client_core::Absorbed;
use louan_client_core::view::{Edit, EditState, OutboxView};

use crate::row::{act_word, count};

/// A local edit and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct EditRow {
    /// Its number on this phone; nothing for taps that are not yet part of an edit.
    pub seq: Option<i64>,
    /// Who made it.
    pub person: String,
    /// The compound.
    pub site: Option<String>,
    /// `record`, `taps` or `command`.
    pub kind: String,
    /// The kind of record, or what a command asks.
    pub what: Option<String>,
    /// The record, the round of the taps, or the command.
    pub about: String,
    /// `pending`, `held`, `returned` or `received`.
    pub state: String,
    /// Why it is held or was returned.
    pub code: Option<String>,
    /// Its position in the office's log: the receipt.
    pub pos: Option<u64>,
    /// Acknowledged before the office restored its log, and not yet asked about.
    pub unverified: bool,
    /// When it was made.
    pub made_at_ms: i64,
    /// When its state last changed.
    pub settled_at_ms: Option<i64>,
    /// The record entered in its stead.
    pub reissued: Option<String>,
}

/// What one round trip, or several, brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TripRow {
    /// There is more to send or to fetch at once.
    pub more: bool,
    /// Edits received by the office.
    pub accepted: u32,
    /// Edits the office holds for a human.
    pub held: u32,
    /// Edits returned with a reason.
    pub returned: u32,
    /// Edits written anew under another actor, to be sent again.
    pub rewritten: u32,
    /// Things new to this phone.
    pub received: u32,
    /// Things that came down and this build cannot read; they are kept.
    pub unread: u32,
    /// Edits found missing in a restored log, to be sent again.
    pub missing: u32,
    /// Colleagues' changes, missing there too, for which the office has answered.
    pub relayed: u32,
    /// The office's log was restored; what was acknowledged is being asked about.
    pub epoch_changed: bool,
    /// The app is too old to push: the least build accepted.
    pub update_app: Option<u32>,
    /// The phone has sealed itself.
    pub sealed: bool,
}

impl From<OutboxView> for EditRow {
    fn from(row: OutboxView) -> Self {
        let (kind, what, about) = match &row.edit {
            Edit::Record { id, record } => {
                ("record", record.as_ref().map(|r| r.body.kind().name().to_owned()), id.to_string())
            }
            Edit::Taps { round, .. } => ("taps", None, round.to_string()),
            Edit::Command { id, command, .. } => {
                ("command", Some(act_word(&command.act).to_owned()), id.to_string())
            }
        };
        Self {
            seq: row.seq,
            person: row.person.to_string(),
            site: row.site.map(|id| id.to_string()),
            kind: kind.to_owned(),
            what,
            about,
            state: state_word(row.state).to_owned(),
            code: row.code.map(|code| code.name().to_owned()),
            pos: row.pos,
            unverified: row.unverified,
            made_at_ms: row.made_at.ms(),
            settled_at_ms: row.settled_at.map(|at| at.ms()),
            reissued: row.reissued.map(|id| id.to_string()),
        }
    }
}

impl From<&Absorbed> for TripRow {
    fn from(absorbed: &Absorbed) -> Self {
        Self {
            more: absorbed.more,
            accepted: count(absorbed.accepted),
            held: count(absorbed.held),
            returned: count(absorbed.returned),
            rewritten: count(absorbed.rewritten),
            received: count(absorbed.received),
            unread: count(absorbed.unread),
            missing: count(absorbed.missing),
            relayed: count(absorbed.relayed),
            epoch_changed: absorbed.epoch_changed,
            update_app: absorbed.update_app,
            sealed: absorbed.sealed,
        }
    }
}

const fn state_word(state: EditState) -> &'static str {
    match state {
        EditState::Pending => "pending",
        EditState::Held => "held",
        EditState::Returned => "returned",
        EditState::Acknowledged => "received",
    }
}
