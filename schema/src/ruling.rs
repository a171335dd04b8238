//! Rulings: what one authority decides, ordered and versioned, never merged.
//!
//! A phone or the console asks with a [`Command`]; the server answers whether it is done.
//! Offline a command is shown as *requested*, never as done. This room knows what a
//! command says; whether it may be done now is `permission`'s and the ledger's business.

use minicbor::{Decode, Encode};

use crate::code::Severity;
use crate::id::{CommandId, HazardId, OrgId, PersonId};
use crate::registry::{Building, Site};
use crate::time::{Day, Timestamp};

/// A request for a ruling (指令).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Command {
    /// Minted by who asks; the same id again is the same request.
    #[n(0)]
    pub id: CommandId,
    /// The version of the target that the person saw; 0 when there is none yet. A moved version refuses.
    #[n(1)]
    pub expected_version: u64,
    /// Business clock of who asks.
    #[n(2)]
    pub at: Timestamp,
    /// What is asked.
    #[n(3)]
    pub act: Act,
}

/// What may be ruled.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// Enter a compound with its buildings in the registry (建账), or correct an entry.
    #[n(0)]
    RegisterSite(#[n(0)] Site, #[n(1)] Vec<Building>),
    /// Confirm a hazard (确认), grade it and set its due date (A-122; D1–D5 fall due on the day found).
    #[n(1)]
    ConfirmHazard {
        /// Which.
        #[n(0)]
        hazard: HazardId,
        /// The supervisor's grade.
        #[n(1)]
        severity: Severity,
        /// The last day on which it may still stand open.
        #[n(2)]
        due_on: Day,
    },
    /// Close a hazard after a passed recheck (复查销号).
    #[n(2)]
    CloseHazard {
        /// Which.
        #[n(0)]
        hazard: HazardId,
    },
}

/// A ruling (办理决定): a command that was done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ruling {
    /// The command it came from.
    #[n(0)]
    pub command: CommandId,
    /// Who decided.
    #[n(1)]
    pub by: PersonId,
    /// For which organisation.
    #[n(2)]
    pub org: OrgId,
    /// When, by the business clock.
    #[n(3)]
    pub at: Timestamp,
    /// What.
    #[n(4)]
    pub act: Act,
}
