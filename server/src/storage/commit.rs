//! A commit: everything one act writes, as one value.
//!
//! Positions in the feed are given inside the write transaction, so nothing here names one.
//! Hazard and round rows are not written by anybody: the transaction folds them from the
//! facts it has just stored, because two books may speak about one hazard at the same time.

use std::sync::Arc;

use louan_schema::doc::Descriptor;
use louan_schema::id::{
    ActorId, ChangeHash, CommandId, DeviceId, Epoch, Incarnation, PersonId, RecordId, SiteId,
};
use louan_schema::record::Record;
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::ruling::Ruling;
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::{Code, CommandVerdict, HazardStatus};

use super::audit::Entry;
use super::imports::ImportWrite;
use super::photos::{PhotoAllowance, PhotoWrite};
use super::sessions::{IdentityGuard, IdentityWrite};

/// Everything one act writes (一次提交).
#[derive(Debug, Default)]
pub struct Commit {
    /// What must still hold when it is written; otherwise nothing is.
    pub guards: Vec<Guard>,
    /// What is written, in order.
    pub writes: Vec<Write>,
    /// What the audit says about it.
    pub audit: Vec<Entry>,
}

/// Something a decision rests on.
#[derive(Debug, Clone)]
pub enum Guard {
    /// The document's last position and whether it takes changes.
    Document {
        /// Which.
        descriptor: Descriptor,
        /// Position of its last change, 0 when it has none.
        head_pos: u64,
        /// Whether it is frozen.
        frozen: bool,
    },
    /// None of these record ids is taken, by whatever document.
    RecordsFree(Vec<RecordId>),
    /// A hazard's row, as last read.
    Hazard(Box<HazardStatus>),
    /// A site's version, 0 when it is not registered.
    Site(SiteId, u64),
    /// The command has no answer yet.
    CommandFresh(CommandId, PersonId),
    /// The log is still in this life of it.
    Epoch(Epoch),
    /// Something about accounts, sessions or codes.
    Identity(IdentityGuard),
    /// The device has not begun too many uploads.
    Photos(PhotoAllowance),
}

/// One thing written.
#[derive(Debug)]
pub enum Write {
    /// A signed list; the same list again changes nothing.
    Upload(Arc<Upload>),
    /// An accepted change.
    Change(Box<NewChange>),
    /// A document as saved and proven to load, after the changes before it.
    Snapshot(Descriptor, Vec<u8>),
    /// A change refused or held, kept as evidence.
    Hold(Box<HeldChange>),
    /// The office decided on a held change.
    Decide {
        /// The change.
        change: ChangeHash,
        /// The device that sent it.
        device: DeviceId,
        /// Into the log after all, or refused for good.
        taken: bool,
        /// Who decided.
        by: PersonId,
        /// When.
        at: Timestamp,
    },
    /// The document takes no more changes. One that was never written is frozen without a trace.
    Freeze(Descriptor),
    /// A device used this much more of a day's quota.
    Quota(DeviceId, Day, u32),
    /// Up to this position the device has now been told.
    Contact(DeviceId, u64),
    /// A ruling, and the rows it sets.
    Ruling(Box<NewRuling>),
    /// A command's answer.
    Command(CommandId, PersonId, [u8; 16], CommandVerdict),
    /// An organisation.
    Org(Org),
    /// A person, and whether he may act.
    Person(Person, bool),
    /// A person's name, account and sessions are erased; his row stays as a tombstone by id.
    Erase(PersonId, Timestamp),
    /// A new device with its public key (SEC1) and enrolment time; an id is enrolled once.
    Device(DeviceId, Vec<u8>, Timestamp),
    /// Who uses a device from now on.
    DevicePeople(DeviceId, Vec<PersonId>),
    /// The device is lost: it may send, nothing else.
    RevokeDevice(DeviceId),
    /// Everything up to this position is in a verified backup; what was said to be stays so.
    BackedUp(u64),
    /// The log begins a new life (after a restore).
    Epoch(Epoch),
    /// An account, a session or an enrolment code.
    Identity(IdentityWrite),
    /// An upload or a photo.
    Photo(PhotoWrite),
    /// An import of buildings.
    Import(ImportWrite),
}

/// A signed batch list (签名清单), kept for ever: record → change hash → this list proves origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// What was signed; the list's name.
    pub digest: [u8; 32],
    /// The device that signed.
    pub device: DeviceId,
    /// The life of its store.
    pub incarnation: Incarnation,
    /// Who wrote the changes.
    pub person: PersonId,
    /// CBOR of the [`louan_schema::wire::SignedList`].
    pub list: Vec<u8>,
    /// [`louan_schema::wire::Batch::digest_of_commands`].
    pub commands_digest: [u8; 32],
    /// CBOR of the commands signed with it; nothing when another phone brought the batch back.
    pub commands: Option<Vec<u8>>,
    /// Fixed-size r‖s.
    pub signature: Vec<u8>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// Who sent a change, as the server established it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The device that signed.
    pub device: DeviceId,
    /// The life of its store.
    pub incarnation: Incarnation,
    /// Whose batch it was.
    pub person: PersonId,
    /// The signed list's digest.
    pub upload: [u8; 32],
    /// When it arrived, by the system clock.
    pub received_at: Timestamp,
}

/// A change accepted.
#[derive(Debug)]
pub struct NewChange {
    /// The document.
    pub descriptor: Descriptor,
    /// The plain chunk.
    pub raw: Vec<u8>,
    /// Its hash.
    pub hash: ChangeHash,
    /// Its actor, recomputed.
    pub actor: ActorId,
    /// Sequence number.
    pub seq: u64,
    /// Number of the actor in its life.
    pub n: u32,
    /// Highest operation counter.
    pub max_op: u64,
    /// Who sent it.
    pub sender: Sender,
    /// The record it puts, in a book.
    pub record: Option<(RecordId, Arc<Record>)>,
}

/// A change not taken, or not yet.
#[derive(Debug)]
pub struct HeldChange {
    /// The document it was sent for.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub raw: Vec<u8>,
    /// Their hash.
    pub hash: ChangeHash,
    /// The actor the envelope gives.
    pub actor: ActorId,
    /// The sequence number claimed, 0 when unreadable.
    pub seq: u64,
    /// Number of the actor in its life.
    pub n: u32,
    /// Who sent it.
    pub sender: Sender,
    /// Why.
    pub code: Code,
    /// Whether the actor's sequence is burnt from here on: later changes of it follow this one.
    pub burns: bool,
}

/// A ruling with the rows it sets.
#[derive(Debug)]
pub struct NewRuling {
    /// What was decided.
    pub ruling: Ruling,
    /// What it is about: a site or a hazard.
    pub target: [u8; 16],
    /// The registry rows it replaces.
    pub site: Option<(Site, Vec<Building>)>,
}

/// A commit done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Positions of the accepted changes, in the order of the commit.
    pub positions: Vec<u64>,
    /// The log's last position after the transaction that carried the commit.
    pub head: u64,
}
