//! The hub: the one door to the server's core.
//!
//! Whoever serves a network, runs a simulation or replays inspections calls these methods
//! and nothing behind them. Time comes in with each call; randomness only where a method
//! says so. Nothing here knows HTTP, sessions or passwords.

mod command;
mod export;
mod import;
mod office;
mod push;
mod sync;

use std::sync::Arc;

use louan_schema::fold::month::MonthFigures;
use louan_schema::id::{BlobHash, DocId, Epoch, HazardId, OrgId, PersonId, SiteId};
use louan_schema::registry::Org;
use louan_schema::time::Timestamp;
use louan_schema::wire::HazardStatus;
use tokio::sync::{Semaphore, watch};

use crate::audit::{AuditCheck, Line, Verifier};
use crate::lock::Locks;
use crate::report;
use crate::storage::Storage;
use crate::storage::commit::{Commit, Committed, Guard, Write};
use crate::storage::photos::PhotoWrite;
use crate::worker::Judge;

pub use crate::storage::StorageError;
pub use crate::storage::imports::{ImportId, ImportState};
pub use crate::storage::ledger::{HazardQuery, Page, RoundQuery, RoundRow};
pub use crate::storage::log::{Head, Held};
pub use crate::storage::registry::{DeviceState, PersonRow, SiteRow};
pub use export::{Export, ExportError, LedgerFile};
pub use import::{Carried, ImportError, Imported};
pub use office::{OfficeError, OfficeFault};
pub use sync::{Answer, DownBytes};

/// Replies of several mebibytes made at once: each is there three times while it is made, as items, as bytes
/// and compressed, some 16 MiB.
const LARGE_REPLIES_AT_ONCE: usize = 2;
/// Documents judged and written at once, of all phones together: enough for workers and group commit, and a bound on
/// how many are in memory.
const DOCUMENTS_AT_ONCE: usize = 64;

/// The two clocks, as read at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Dates, cut-offs and rulings; settable for demonstrations and replays.
    pub business: Timestamp,
    /// Receipt times, quotas, leases and the audit; never settable.
    pub system: Timestamp,
}

impl Clocks {
    /// Both clocks showing the same instant.
    #[must_use]
    pub const fn both(now: Timestamp) -> Self {
        Self { business: now, system: now }
    }
}

/// What the hub allows.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The least build of the app that may push.
    pub min_build: u32,
    /// Most changes a device may send on one day (C17).
    pub changes_per_day: u32,
    /// For how many days a phone may show data without having been in touch.
    pub lease_days: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_build: 1, changes_per_day: 2_000, lease_days: 14 }
    }
}

/// Why a request was not taken at all; nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No such device is enrolled.
    #[error("the device is not enrolled")]
    UnknownDevice,
    /// The phone speaks another protocol.
    #[error("protocol `{0}` is not spoken here")]
    Protocol(u16),
    /// The cursor belongs to another district's stream.
    #[error("stream `{0}` is not served here")]
    WrongStream(u32),
    /// More changes, batches or hashes than one request may carry.
    #[error("the request carries more than one request may")]
    TooMuch,
    /// Storage failed; the phone keeps what it has and tries again.
    #[error("could not take the request")]
    Storage(#[from] StorageError),
}

/// The server's core. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Arc<dyn Storage>,
    judge: Arc<dyn Judge>,
    limits: Limits,
    locks: Locks<DocId>,
    poke: watch::Sender<u64>,
    large_replies: Arc<Semaphore>,
    documents: Semaphore,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}

impl Hub {
    /// Opens the core over a storage and workers.
    ///
    /// # Errors
    /// [`StorageError`] when the log cannot be read.
    pub async fn open(
        storage: Arc<dyn Storage>,
        judge: Arc<dyn Judge>,
        limits: Limits,
    ) -> Result<Self, StorageError> {
        let head = storage.head().await?;
        let (poke, _) = watch::channel(head.pos);
        let large_replies = Arc::new(Semaphore::new(LARGE_REPLIES_AT_ONCE));
        let documents = Semaphore::new(DOCUMENTS_AT_ONCE);
        let locks = Locks::default();
        let inner = Inner { storage, judge, limits, locks, poke, large_replies, documents };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where the log stands.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn head(&self) -> Result<Head, StorageError> {
        self.inner.storage.head().await
    }

    /// How far the audit is: the life of the log, the number of lines, and the running hash there.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn audit_head(&self) -> Result<(Epoch, u64, [u8; 32]), StorageError> {
        let (lines, chain) = self.inner.storage.audit_head().await?;
        Ok((self.head().await?.epoch, lines, chain))
    }

    /// Told the log's last position whenever it moves; positions may be skipped, never the last.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.inner.poke.subscribe()
    }

    /// The month's figures: what happened before `cut_off`, whenever it arrived.
    ///
    /// # Errors
    /// [`StorageError`] when the ledger cannot be read.
    pub async fn month(&self, cut_off: Timestamp) -> Result<MonthFigures, StorageError> {
        Ok(report::month(&self.inner.storage.ledger_lines().await?, cut_off))
    }

    /// One line of the hazard ledger.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn find_hazard(&self, id: HazardId) -> Result<Option<HazardStatus>, StorageError> {
        Ok(self.inner.storage.hazard_case(id).await?.map(|case| case.status))
    }

    /// A page of the hazard ledger.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn list_hazards(&self, query: HazardQuery) -> Result<Page<HazardStatus>, StorageError> {
        self.inner.storage.list_hazards(query).await
    }

    /// A page of the inspection ledger.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn list_rounds(&self, query: RoundQuery) -> Result<Page<RoundRow>, StorageError> {
        self.inner.storage.list_rounds(query).await
    }

    /// A person with the role he has now.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn find_person(&self, person: PersonId) -> Result<Option<PersonRow>, StorageError> {
        self.inner.storage.find_person(person).await
    }

    /// Every person.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn list_people(&self) -> Result<Vec<PersonRow>, StorageError> {
        self.inner.storage.list_people().await
    }

    /// An organisation.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn find_org(&self, org: OrgId) -> Result<Option<Org>, StorageError> {
        self.inner.storage.find_org(org).await
    }

    /// Every organisation.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn list_orgs(&self) -> Result<Vec<Org>, StorageError> {
        self.inner.storage.list_orgs().await
    }

    /// A site with the version a command must expect.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn find_site(&self, site: SiteId) -> Result<Option<SiteRow>, StorageError> {
        self.inner.storage.find_site(site).await
    }

    /// A device with its people.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn find_device(
        &self,
        device: louan_schema::id::DeviceId,
    ) -> Result<Option<DeviceState>, StorageError> {
        self.inner.storage.find_device(device).await
    }

    /// Every device.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn list_devices(&self) -> Result<Vec<DeviceState>, StorageError> {
        self.inner.storage.list_devices().await
    }

    /// Changes waiting for the office, oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn list_held(&self, limit: usize) -> Result<Vec<Held>, StorageError> {
        self.inner.storage.list_held(limit).await
    }

    /// Lines of the audit after `after`.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn audit_lines(&self, after: u64, limit: usize) -> Result<Vec<Line>, StorageError> {
        self.inner.storage.audit_lines(after, limit).await
    }

    /// Checks the audit's chain from its first line.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be read.
    pub async fn verify_audit(&self) -> Result<AuditCheck, StorageError> {
        let mut verifier = Verifier::default();
        loop {
            let lines = self.inner.storage.audit_lines(verifier.count(), 1_000).await?;
            if lines.is_empty() {
                return Ok(AuditCheck::Whole(verifier.count()));
            }
            if let Err(seq) = verifier.check(&lines) {
                return Ok(AuditCheck::Broken(seq));
            }
        }
    }

    /// Notes that everything up to `pos` of this life of the log is in a backup that was restored and verified: phones
    /// need keep older raw changes no longer. What was noted before stays noted. Photos of which it has no good copy are
    /// called broken in the same commit: a phone that asks for one before it gives it up hears that it is not here. One that has come again since is not.
    ///
    /// # Errors
    /// [`StorageError::Moved`] when the log is in another life, [`StorageError`] when it cannot be written.
    pub async fn set_backed_up(
        &self,
        epoch: Epoch,
        pos: u64,
        lacking: impl IntoIterator<Item = BlobHash>,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let broken = |hash| Write::Photo(PhotoWrite::Lacking(hash, pos, at));
        let writes = lacking.into_iter().map(broken).chain([Write::BackedUp(pos)]).collect();
        self.commit(Commit { guards: vec![Guard::Epoch(epoch)], writes, ..Commit::default() }).await.map(drop)
    }

    /// Begins a new life of the log, after a backup was restored: every phone then shows what
    /// it had acknowledged as unverified and brings back what is missing. `epoch` is random.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub async fn begin_epoch(&self, epoch: Epoch) -> Result<(), StorageError> {
        let commit = Commit { writes: vec![Write::Epoch(epoch)], ..Commit::default() };
        self.commit(commit).await.map(drop)
    }

    /// Commits and tells who listens.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, StorageError> {
        let committed = self.inner.storage.commit(commit).await?;
        self.inner.poke.send_if_modified(|head| {
            let moved = committed.head > *head;
            *head = committed.head.max(*head);
            moved
        });
        Ok(committed)
    }
}
