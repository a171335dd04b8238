//! What phone and server say to each other: one request, one reply.
//!
//! A request carries the phone's cursor and its signed batches; the reply carries a verdict
//! for each change and command, and whatever is new. Bodies are `zstd(CBOR with integer
//! keys)`, see [`frame`]. Nothing here knows HTTP, and nothing here is stored.
//!
//! Numbers of fields are never reused or re-typed; an unknown field is ignored by an old reader.

pub mod frame;
mod item;
pub mod proof;
mod verdict;

pub use item::{HazardStatus, Item, Row, Scope, Signed};
pub use verdict::{Code, CommandVerdict, Disposition, Verdict};

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::doc::Descriptor;
use crate::id::{Chain, ChangeHash, DeviceId, DocId, Epoch, Incarnation, PersonId};
use crate::ruling::Command;
use crate::time::Timestamp;

/// The protocol this build speaks.
pub const PROTOCOL: u16 = 1;
/// The media type of both bodies.
pub const MEDIA_TYPE: &str = "application/vnd.louan.sync1";
/// Most changes in one request; the largest honest phone sends fewer and asks again.
pub const CHANGES_MAX: usize = 2_000;
/// Most bytes of items in one reply before compression; what is left of [`frame::PLAIN_BYTES_MAX`] is for verdicts.
pub const REPLY_BYTES_MAX: u32 = 7 * 1024 * 1024;

/// A stream (数据流): one per district; its number is the district's code.
pub type StreamId = u32;

/// Where a phone stands in a stream (游标). It holds no secret: what the phone may see is decided anew each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Cursor {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The life of the server's log in which the position was given.
    #[n(1)]
    pub epoch: Epoch,
    /// Everything up to and with this position is known.
    #[n(2)]
    pub pos: u64,
    /// The log's running hash at that position: a restored log is found out even if nobody says so (F16).
    #[n(3)]
    pub chain: Chain,
}

/// Most positions of [`SyncRequest::answered_at`]: one is the rule, replies that came late are the exception.
pub const ANSWERED_AT_MAX: usize = 8;

/// What a phone sends.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SyncRequest {
    /// [`PROTOCOL`].
    #[n(0)]
    pub protocol: u16,
    /// Build number of the app.
    #[n(1)]
    pub build: u32,
    /// Where the phone stands; nothing before its first bootstrap is complete.
    #[n(2)]
    pub cursor: Option<Cursor>,
    /// The scope the phone believes it has.
    #[n(3)]
    pub scope_version: u64,
    /// Continues a bootstrap: the token of the last reply, returned unchanged.
    #[n(4)]
    pub page: Option<minicbor::bytes::ByteVec>,
    /// What the phone wrote, by person.
    #[n(5)]
    pub batches: Vec<Batch>,
    /// Most bytes the phone wants back, before compression.
    #[n(6)]
    pub down_bytes_max: u32,
    /// The phone's clock, so that the office can tell how far off it is.
    #[n(7)]
    pub now: Timestamp,
    /// After a restored server: hashes acknowledged earlier, to learn which the log still has.
    #[n(8)]
    pub verify: Vec<ChangeHash>,
    /// More of what was written on this phone waits for its next request: what the office tells it now about rights
    /// came after that was written.
    #[n(9)]
    #[cbor(default)]
    pub waiting: bool,
    /// Where the log stood when it answered for edits, as far as the cursor does not speak for it yet: a log that
    /// was put back to before that has lost what it acknowledged, though it may still know the cursor.
    #[n(10)]
    #[cbor(default)]
    pub answered_at: Vec<Cursor>,
}

/// What one person wrote on one device (提交批次), signed as a whole by the device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Batch {
    /// Who wrote it; judged by this person's rights.
    #[n(0)]
    pub person: PersonId,
    /// The device that signed, when a colleague's phone carries it.
    #[n(1)]
    pub relayed_for: Option<DeviceId>,
    /// The life of the signing device's store.
    #[n(2)]
    pub incarnation: Incarnation,
    /// The documents the changes belong to.
    #[n(3)]
    pub docs: Vec<Descriptor>,
    /// Changes in the order they were written.
    #[n(4)]
    pub changes: Vec<PushedChange>,
    /// Commands in the order they were asked.
    #[n(5)]
    pub commands: Vec<Command>,
    /// ECDSA P-256 with SHA-256 over the 32 bytes of [`Batch::digest`] as the message, fixed-size r‖s:
    /// a browser's and a phone's key store hash their message themselves and cannot sign a bare digest.
    #[n(6)]
    pub signature: minicbor::bytes::ByteVec,
    /// What was signed, when the batch carries only some of it: a colleague's phone brings back what a restored
    /// log lacks, and has no more of his batch than it was sent (P9).
    #[n(7)]
    pub proof: Option<Proof>,
}

/// A signed batch without its content (署名清单): proves each of its changes alone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Proof {
    /// Document, actor number and hash of every change.
    #[n(0)]
    pub list: SignedList,
    /// [`Batch::digest_of_commands`]. Commands are not carried by others: what an office decides after a
    /// restore, it decides anew.
    #[n(1)]
    pub commands: minicbor::bytes::ByteArray<32>,
}

/// A change on its way up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PushedChange {
    /// Position in [`Batch::docs`].
    #[n(0)]
    pub doc: u32,
    /// Which of the device's actors for this document.
    #[n(1)]
    pub n: u32,
    /// The plain change chunk.
    #[n(2)]
    pub raw: minicbor::bytes::ByteVec,
    /// Where an earlier life of the log had taken this very edit, says the phone. A claim: it lets a human
    /// decide what the restored log alone would refuse, and nothing else.
    #[n(3)]
    pub taken_before: Option<u64>,
}

/// What a batch is signed over and remembered by: document, actor number and hash of every change.
pub type SignedList = Vec<(DocId, u32, ChangeHash)>;

impl Batch {
    /// The digest a device signs: device, incarnation, person, every (document, n, change
    /// hash) in order and every command. A document id inside it keeps a change from being
    /// filed elsewhere (C14), the device inside it from being claimed by another (C20).
    #[must_use]
    pub fn digest(
        device: DeviceId,
        incarnation: Incarnation,
        person: PersonId,
        list: &SignedList,
        commands: &[Command],
    ) -> [u8; 32] {
        Self::digest_of(device, incarnation, person, list, &Self::digest_of_commands(commands))
    }

    /// The part of the digest that covers the commands.
    #[must_use]
    pub fn digest_of_commands(commands: &[Command]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for command in commands {
            // Writing to a Vec cannot fail, and no field's encoder refuses a value.
            let bytes = minicbor::to_vec(command).unwrap_or_default();
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        hash.finalize().into()
    }

    /// [`Self::digest`], for somebody who knows of the commands only their digest.
    #[must_use]
    pub fn digest_of(
        device: DeviceId,
        incarnation: Incarnation,
        person: PersonId,
        list: &SignedList,
        commands: &[u8; 32],
    ) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"louan/batch/1\0");
        hash.update(device.as_bytes());
        hash.update(incarnation.as_bytes());
        hash.update(person.as_bytes());
        hash.update((list.len() as u64).to_be_bytes());
        for (doc, n, change) in list {
            hash.update(doc.as_bytes());
            hash.update(n.to_be_bytes());
            hash.update(change.as_bytes());
        }
        hash.update(commands);
        hash.finalize().into()
    }
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SyncReply {
    /// The request was taken.
    #[n(0)]
    Taken(#[n(0)] Box<Taken>),
    /// The log is not the one the cursor speaks of: the server was restored. Nothing was taken.
    /// The phone shows its acknowledged work as unverified, asks with `verify`, and pushes what is missing.
    #[n(1)]
    EpochChanged {
        /// The life of the log now.
        #[n(0)]
        epoch: Epoch,
        /// Its last position.
        #[n(1)]
        head: u64,
    },
    /// The app is too old to push; what it holds can be exported.
    #[n(2)]
    UpdateApp {
        /// The least build accepted.
        #[n(0)]
        min_build: u32,
    },
}

/// A request taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Taken {
    /// Per batch, a verdict per change.
    #[n(0)]
    pub changes: Vec<Vec<Verdict>>,
    /// Per batch, a verdict per command.
    #[n(1)]
    pub commands: Vec<Vec<CommandVerdict>>,
    /// What is new, in the order to be applied.
    #[n(2)]
    pub items: Vec<Item>,
    /// Where the phone stands once it has stored the items; nothing while a bootstrap goes on.
    #[n(3)]
    pub cursor: Option<Cursor>,
    /// Whether there is more to fetch at once.
    #[n(4)]
    pub more: bool,
    /// The bootstrap goes on: send this back.
    #[n(5)]
    pub page: Option<minicbor::bytes::ByteVec>,
    /// The phone's scope, when it is not the one it believes in.
    #[n(6)]
    pub scope: Option<Scope>,
    /// The server's clock.
    #[n(7)]
    pub now: Timestamp,
    /// Up to this position everything is in a verified backup: older raw changes need no longer be kept.
    #[n(8)]
    pub backed_up_pos: u64,
    /// Of the hashes to verify, those the log does not have.
    #[n(9)]
    pub missing: Vec<ChangeHash>,
    /// Where the log stands with everything this reply answers for; nothing when its cursor says so, or when there was
    /// nothing to answer for.
    #[n(10)]
    #[cbor(default)]
    pub answered_at: Option<Cursor>,
}
