//! The log as read: documents' state for the gate, the feed, changes, held changes.
//!
//! Reading only. Nothing here filters by who asks: scope is the sync room's business.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::code::Role;
use louan_schema::doc::{Descriptor, Kind};
use louan_schema::fold::Fact;
use louan_schema::id::{
    ActorId, Chain, ChangeHash, DeviceId, DocId, Epoch, HazardId, Incarnation, OrgId, PersonId, RecordId,
    SiteId,
};
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::{Code, StreamId};

use super::Reply;
use super::commit::Upload;
use super::registry::RowTable;

/// Where the log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The stream.
    pub stream: StreamId,
    /// The life of the log.
    pub epoch: Epoch,
    /// Its last position.
    pub pos: u64,
    /// The running hash there.
    pub chain: Chain,
    /// Up to here everything is in a verified backup.
    pub backed_up_pos: u64,
}

/// What the gate wants to know about a document before it judges some changes.
#[derive(Debug, Clone)]
pub struct StateQuery {
    /// The document.
    pub descriptor: Descriptor,
    /// The device that wrote the changes.
    pub device: DeviceId,
    /// The life of its store.
    pub incarnation: Incarnation,
    /// The actors of the changes.
    pub actors: BTreeSet<ActorId>,
    /// Hashes of the changes and of what they depend on.
    pub hashes: BTreeSet<ChangeHash>,
    /// Ids of the records put, and of those they speak about.
    pub records: BTreeSet<RecordId>,
    /// Of those, the ones whose whole hazard is wanted.
    pub hazards_of: BTreeSet<RecordId>,
    /// People the records name, whose roles are wanted.
    pub people: BTreeSet<PersonId>,
}

/// A document as the gate sees it.
#[derive(Debug, Clone, Default)]
pub struct DocumentState {
    /// The document as last saved.
    pub snapshot: Option<Vec<u8>>,
    /// Position of its last change, 0 when it has none.
    pub head_pos: u64,
    /// Whether it takes no more changes.
    pub frozen: bool,
    /// Bytes of all its changes together.
    pub bytes: u64,
    /// Where each actor asked about stands.
    pub actors: BTreeMap<ActorId, ActorState>,
    /// Highest number any of this life's actors has had in this document.
    pub n_max: Option<u32>,
    /// Of the hashes asked about, those in this document's log.
    pub known: BTreeMap<ChangeHash, Known>,
    /// Of the hashes asked about, those not taken from this device before.
    pub held: BTreeMap<ChangeHash, HeldVerdict>,
    /// Of the records asked about, those in the log.
    pub records: BTreeMap<RecordId, RecordHead>,
    /// Of these, the bytes of those in this very book.
    pub stored: BTreeMap<RecordId, Vec<u8>>,
    /// The facts of the hazards asked about.
    pub hazards: BTreeMap<HazardId, Vec<Fact>>,
    /// The roles of the people asked about.
    pub roles: BTreeMap<PersonId, Role>,
}

/// Where an actor stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActorState {
    /// Its last accepted change: sequence number, hash, highest operation counter.
    pub tip: Option<(u64, ChangeHash, u64)>,
    /// The first change behind the tip that was not taken and that the later ones depend on.
    pub burnt: Option<(u64, HeldVerdict)>,
}

/// A change in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its position.
    pub pos: u64,
    /// Its highest operation counter.
    pub max_op: u64,
}

/// What was said about a change that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldVerdict {
    /// Why it was not taken.
    pub code: Code,
    /// What the office decided since.
    pub decided: Option<bool>,
}

/// A record in the log, as far as the gate needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHead {
    /// In whose book.
    pub org: OrgId,
    /// On which site.
    pub site: SiteId,
    /// Of which kind.
    pub kind: Kind,
    /// The hazard or round it belongs to.
    pub subject: [u8; 16],
}

/// One position of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedEntry {
    /// The position.
    pub pos: u64,
    /// The running hash there.
    pub chain: Chain,
    /// What stands there.
    pub kind: FeedKind,
}

/// What stands at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// A change in a document of this site and organisation.
    Change {
        /// On which site.
        site: SiteId,
        /// In whose document.
        org: OrgId,
    },
    /// A server row was written.
    Row {
        /// Which table.
        table: RowTable,
        /// Which row.
        id: [u8; 16],
        /// The site it belongs to, for rows of sites.
        site: Option<SiteId>,
        /// The organisation it belongs to, for rows of organisations and people.
        org: Option<OrgId>,
    },
    /// An organisation began or ceased to see a site.
    Visible {
        /// The organisation.
        org: OrgId,
        /// The site.
        site: SiteId,
    },
    /// A device began or ceased to replicate an organisation's books.
    DeviceOrg {
        /// The device.
        device: DeviceId,
        /// The organisation.
        org: OrgId,
    },
    /// A held change was decided.
    Decided {
        /// For this device.
        device: DeviceId,
        /// Which.
        change: ChangeHash,
        /// How.
        taken: bool,
    },
    /// A document was frozen.
    Frozen {
        /// Which.
        doc: DocId,
        /// On which site.
        site: SiteId,
        /// In whose hands.
        org: OrgId,
    },
    /// Something no phone is told: the position is skipped.
    Other,
}

/// A change of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedChange {
    /// Its position.
    pub pos: u64,
    /// Its document.
    pub descriptor: Descriptor,
    /// Its hash.
    pub hash: ChangeHash,
    /// The signed list it came with.
    pub upload: [u8; 32],
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// A change waiting for the office, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its hash.
    pub hash: ChangeHash,
    /// The device that sent it.
    pub device: DeviceId,
    /// The document it was sent for.
    pub descriptor: Descriptor,
    /// Whose batch it was.
    pub person: PersonId,
    /// The life of the device's store.
    pub incarnation: Incarnation,
    /// Number of the actor in its life.
    pub n: u32,
    /// The signed list it came with.
    pub upload: [u8; 32],
    /// When it arrived.
    pub received_at: Timestamp,
    /// Why it is not in the log.
    pub verdict: HeldVerdict,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// A document without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentHead {
    /// What it is about.
    pub descriptor: Descriptor,
    /// Whether it takes no more changes.
    pub frozen: bool,
    /// Position of its last change.
    pub head_pos: u64,
}

/// The log.
pub trait LogStore: Send + Sync {
    /// Where the log stands.
    fn head(&self) -> Reply<'_, Head>;
    /// The running hash at a position; `None` beyond the head.
    fn chain_at(&self, pos: u64) -> Reply<'_, Option<Chain>>;
    /// What the gate needs to know.
    fn document_state(&self, query: StateQuery) -> Reply<'_, DocumentState>;
    /// Of the hashes, those the log has.
    fn find_hashes(&self, hashes: Vec<ChangeHash>) -> Reply<'_, BTreeSet<ChangeHash>>;
    /// Feed entries after a position, in order, at most `limit`.
    fn feed_after(&self, after: u64, limit: usize) -> Reply<'_, Vec<FeedEntry>>;
    /// The changes at these positions, in order.
    fn changes_at(&self, positions: Vec<u64>) -> Reply<'_, Vec<LoggedChange>>;
    /// Every change of a document, in order.
    fn changes_of(&self, doc: DocId) -> Reply<'_, Vec<LoggedChange>>;
    /// The signed lists that a document's changes behind a position came with, each at the last of them.
    fn uploads_of(&self, doc: DocId, behind: u64) -> Reply<'_, Vec<(u64, [u8; 32])>>;
    /// Of these signed lists as many as fit into so many bytes, the smallest first; a larger one is not even read.
    fn smallest_uploads(&self, digests: Vec<[u8; 32]>, bytes_max: usize) -> Reply<'_, Vec<Upload>>;
    /// Documents after `after` in the order of their ids, of one site or of all, at most `limit`.
    fn documents_after(
        &self,
        after: Option<DocId>,
        site: Option<SiteId>,
        limit: usize,
    ) -> Reply<'_, Vec<DocumentHead>>;
    /// A document's content.
    fn snapshot(&self, doc: DocId) -> Reply<'_, Option<Vec<u8>>>;
    /// What a document is about, if it was ever written.
    fn find_document(&self, doc: DocId) -> Reply<'_, Option<DocumentHead>>;
    /// How much of a day's quota a device has used.
    fn quota_used(&self, device: DeviceId, day: Day) -> Reply<'_, u32>;
    /// A change that was not taken, as this device sent it.
    fn find_held(&self, hash: ChangeHash, device: DeviceId) -> Reply<'_, Option<Held>>;
    /// Changes waiting for the office, oldest first, at most `limit`.
    fn list_held(&self, limit: usize) -> Reply<'_, Vec<Held>>;
}
