//! The phone's store: what is kept, and the one way to change it.
//!
//! Every act is one transaction ([`Store::write`]); it is durable when the call returns.
//! SQL stands in `sqlite/` only; the rest of the crate sees the plain rows of this room.
//! Nothing here decides anything: rules live in `schema`, order in `sync`.

pub(crate) mod commit;
mod sqlite;

use std::path::PathBuf;

use louan_schema::doc::Descriptor;
use louan_schema::fold::Fact;
use louan_schema::id::{
    BlobHash, BuildingId, ChangeHash, DeviceId, DocId, Incarnation, OrgId, PersonId, RecordId, RoundId,
    SiteId,
};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::record::Record;
use louan_schema::ruling::Command;
use louan_schema::time::Timestamp;
use louan_schema::wire::Code;

pub(crate) use sqlite::{Meta, Reader, SignedBatch, Store, Writer};

/// Where a phone keeps its store (存储位置).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// A file; the write-ahead log lies beside it.
    File(PathBuf),
    /// Nowhere: gone when the phone is dropped. For tests.
    Memory,
    /// A name inside a virtual file system registered by the host, as OPFS in a browser.
    Named {
        /// The virtual file system.
        vfs: String,
        /// The name of the database in it.
        name: String,
    },
}

/// What came of a damaged store (存储损坏处置): it was put aside, whole, and a new one opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged store lies now.
    pub aside: PathBuf,
    /// Unsent edits that could be read from it and wait in the new store.
    pub edits_saved: usize,
    /// Unsent edits that could not: some rows of the damaged store are unreadable.
    pub unreadable_rows: bool,
}

/// What the store itself can answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room on the device.
    #[error("no room on the device")]
    Full,
    /// Another connection holds the store.
    #[error("the store is in use")]
    Busy,
    /// The file is damaged.
    #[error("the store is damaged; closing and opening it again puts it aside and saves what can be read")]
    Damaged,
    /// A value that this program cannot have written.
    #[error("a stored value cannot be read: {0}")]
    Unreadable(String),
    /// Anything else.
    #[error("the store refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What became of a local edit (本地编辑状态): always exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditState {
    /// On this phone, waiting to be sent (待上传).
    Pending,
    /// At the office, waiting for a human to decide (暂存待审).
    Held,
    /// Not accepted, with a reason (退回).
    Returned,
    /// Received by the office, durably (已接收).
    Acknowledged,
}

impl EditState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Held, Self::Returned, Self::Acknowledged];

    /// The state's name in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Returned => "returned",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// A row of the outbox.
#[derive(Debug, Clone)]
pub(crate) struct OutboxRow {
    pub local_seq: i64,
    pub person: PersonId,
    pub doc: DocId,
    pub descriptor: Descriptor,
    pub site: SiteId,
    pub record: Option<RecordId>,
    pub device: DeviceId,
    pub incarnation: Incarnation,
    pub n: u32,
    pub hash: ChangeHash,
    /// The change; gone once it is in a verified backup.
    pub raw: Option<Vec<u8>>,
    pub state: EditState,
    pub code: Option<Code>,
    pub pos: Option<u64>,
    pub unverified: bool,
    pub sent: bool,
    /// How often this very edit was refused for its actor.
    pub actor_refusals: u32,
    pub written_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    pub reissued: Option<RecordId>,
    /// Where a log first had it, 0 where that was not told.
    pub first_pos: Option<u64>,
}

/// A row of the command queue.
#[derive(Debug, Clone)]
pub(crate) struct CommandRow {
    pub person: PersonId,
    pub command: Command,
    pub state: EditState,
    pub code: Option<Code>,
    /// Version of the target as the verdict told it.
    pub version: Option<u64>,
    pub asked_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

/// A round as this phone keeps it.
#[derive(Debug, Clone)]
pub(crate) struct RoundRow {
    pub id: RoundId,
    pub site: SiteId,
    pub org: OrgId,
    pub opened_at: Timestamp,
    /// Who opened or joined it on this phone; nothing for one merely seen.
    pub opened_by: Option<PersonId>,
    /// Opened here, and the sheet's header not yet written.
    pub header_owed: bool,
    pub buildings: Vec<BuildingId>,
    /// The submission made on this phone.
    pub submitted: Option<RecordId>,
}

/// One value put on a sheet, by key text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TapRow {
    pub id: i64,
    pub person: PersonId,
    pub tap: louan_schema::doc::write::Tap,
    pub tapped_at: Timestamp,
    /// The outbox row that carries it; 0 when its person had written just that, and it stands.
    pub settled: Option<i64>,
}

/// A parsed record of a book.
#[derive(Debug, Clone)]
pub(crate) struct RecordRow {
    pub id: RecordId,
    pub org: OrgId,
    pub site: SiteId,
    /// The hazard or round it is about, once known.
    pub subject: Option<[u8; 16]>,
    pub record: Record,
}

impl RecordRow {
    pub(crate) fn fact(&self) -> Fact {
        Fact { id: self.id, org: self.org, record: self.record.clone() }
    }
}

/// A document as stored.
#[derive(Debug, Clone)]
pub(crate) struct DocRow {
    pub snapshot: Option<Vec<u8>>,
    pub frozen: bool,
}

/// A photo taken on this phone.
#[derive(Debug, Clone)]
pub(crate) struct PhotoRow {
    pub hash: BlobHash,
    /// What is known of it, without a record.
    pub card: PhotoCard,
    pub person: PersonId,
    pub attached_at: Timestamp,
}

/// How far a file of a photo has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    Kept,
    Confirmed,
    Refused,
}

impl FileState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
        }
    }

    /// The state of this name; the column admits no other, and what is not known to be settled is kept.
    pub(crate) fn named(name: &str) -> Self {
        [Self::Confirmed, Self::Refused].into_iter().find(|state| state.name() == name).unwrap_or(Self::Kept)
    }
}

/// One file of a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PhotoFileRow {
    pub photo: BlobHash,
    pub kind: UploadKind,
    pub hash: BlobHash,
    pub bytes: u32,
    /// Its bytes are on the shelf.
    pub here: bool,
    pub state: FileState,
    /// Where the office takes it.
    pub upload: Option<String>,
    /// How many bytes the office has; nothing when that is to be asked.
    pub reached: Option<u32>,
    /// Whether the office has it whole is to be asked: first of all, or of one that is confirmed, once the cursor has
    /// passed the confirmation.
    pub ask: bool,
    /// Why it was refused.
    pub code: Option<String>,
    /// The position in the office's log that covers it, once told.
    pub pos: Option<u64>,
}

impl PhotoFileRow {
    /// A file just put on the shelf.
    pub(crate) const fn fresh(photo: BlobHash, kind: UploadKind, hash: BlobHash, bytes: u32) -> Self {
        Self {
            photo,
            kind,
            hash,
            bytes,
            here: true,
            state: FileState::Kept,
            upload: None,
            reached: None,
            ask: false,
            code: None,
            pos: None,
        }
    }
}
