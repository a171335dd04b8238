//! Imports as stored: the plan a person has seen, and how far it was carried out.

use louan_schema::id::{OrgId, PersonId};
use louan_schema::time::Timestamp;

use super::Reply;

/// An import's number: random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImportId(pub [u8; 16]);

impl std::fmt::Display for ImportId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an import's number")]
pub struct NotAnImport;

impl std::str::FromStr for ImportId {
    type Err = NotAnImport;

    fn from_str(text: &str) -> Result<Self, NotAnImport> {
        text.parse::<super::photos::UploadId>().map(|id| Self(id.0)).map_err(|_| NotAnImport)
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Seen, nothing is done.
    Seen,
    /// Begun; a restart goes on with it when it is asked for again.
    Doing,
    /// Done.
    Done,
    /// Being taken back.
    Undoing,
    /// Taken back.
    Undone,
}

impl ImportState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Doing, Self::Done, Self::Undoing, Self::Undone];

    /// Its number in the store; never renumbered.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Seen => 1,
            Self::Doing => 2,
            Self::Done => 3,
            Self::Undoing => 4,
            Self::Undone => 5,
        }
    }

    /// The state of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Doing => "doing",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Seen => "待确认",
            Self::Doing => "导入中",
            Self::Done => "已导入",
            Self::Undoing => "撤销中",
            Self::Undone => "已撤销",
        }
    }
}

/// An import (导入批次).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its number.
    pub id: ImportId,
    /// Whose it is.
    pub person: PersonId,
    /// For which organisation.
    pub org: OrgId,
    /// When the list was read.
    pub made_at: Timestamp,
    /// How far it is.
    pub state: ImportState,
    /// CBOR of the plan.
    pub plan: Vec<u8>,
    /// CBOR of the header and the lines that are not taken.
    pub refused: Vec<u8>,
}

/// What is written about imports.
#[derive(Debug, Clone)]
pub enum ImportWrite {
    /// A new one; those that were only seen, and are older than the instant, go.
    Put(Import, Timestamp),
    /// It is in another state now.
    State(ImportId, ImportState),
}

/// Imports.
pub trait ImportStore: Send + Sync {
    /// An import.
    fn find_import(&self, id: ImportId) -> Reply<'_, Option<Import>>;
}
