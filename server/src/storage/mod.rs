//! Storage: what the server remembers, behind object-safe traits, one per room.
//!
//! Everything one act writes is one [`commit::Commit`]; a commit is done wholly and durably
//! or not at all, and only then answered. Reads go through the traits below. This room knows
//! no rule: what may be written is decided by the rooms above. SQL stands in `sqlite/` only.

pub mod accounts;
pub mod audit;
pub mod commit;
pub mod imports;
pub mod ledger;
pub mod log;
pub mod photos;
pub mod registry;
pub mod sessions;
pub mod sqlite;

pub use audit::AuditStore;
use futures_util::future::BoxFuture;

use commit::{Commit, Committed};

/// What a storage call answers, later.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

/// Why storage did not do what was asked. Nothing of a failed commit was written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What the act was decided on has changed meanwhile; decide again.
    #[error("the state this was decided on has moved")]
    Moved,
    /// The database was written by a newer build; nothing was touched.
    #[error(
        "migration ahead: the database is at `{found}`, this build knows `{known}`; install the newer build"
    )]
    Ahead {
        /// The database's version.
        found: i64,
        /// The newest version this build can read.
        known: i64,
    },
    /// A stored value cannot be read back: the database is damaged.
    #[error("could not {doing}: a stored value is damaged")]
    Damaged {
        /// What was attempted.
        doing: &'static str,
    },
    /// The file is no database, or its pages do not hold together.
    #[error("could not {doing}: the file is damaged")]
    Broken {
        /// What was attempted.
        doing: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file holds something, and it is not this program's; nothing was touched.
    #[error("the database holds another program's tables")]
    Foreign,
    /// The database refused.
    #[error("could not {doing}")]
    Database {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The writer has stopped after an I/O error: nothing is acknowledged any more until the
    /// operator has looked at the disk and restarted. What was acknowledged before is safe.
    #[error(
        "the database writer has stopped; nothing more is accepted until the disk is checked and the server restarted"
    )]
    Stopped,
}

/// Everything the server stores.
pub trait Storage:
    log::LogStore
    + ledger::LedgerStore
    + registry::RegistryStore
    + accounts::AccountStore
    + sessions::SessionStore
    + photos::PhotoStore
    + imports::ImportStore
    + AuditStore
{
    /// Writes a commit; when this answers, it is on disk.
    fn commit(&self, commit: Commit) -> Reply<'_, Committed>;

    /// Throws away facts and ledger rows and makes them again from the change log and the
    /// rulings. Documents' snapshots are made again by the caller, who has the workers.
    fn rebuild_ledger(&self) -> Reply<'_, ()>;
}
