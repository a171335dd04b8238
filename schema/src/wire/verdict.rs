//! Verdicts: what became of each change and command.
//!
//! A closed list. Every code has one disposition: tried again, held for a human, refused
//! for good, or had already; the phone's words for it live with the screens.

use minicbor::{Decode, Encode};

/// What became of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Verdict {
    /// In the log, durable, readable again; at this position.
    #[n(0)]
    Accepted(#[n(0)] u64),
    /// It was there already, at this position; the same meaning to a phone.
    #[n(1)]
    Duplicate(#[n(0)] u64),
    /// Not taken, with the reason.
    #[n(2)]
    NotTaken(#[n(0)] Code),
}

/// What became of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum CommandVerdict {
    /// Done; the target now has this version.
    #[n(0)]
    Done(#[n(0)] u64),
    /// Done before; the target has this version.
    #[n(1)]
    Duplicate(#[n(0)] u64),
    /// Refused; the target has this version.
    #[n(2)]
    Refused(#[n(0)] Code, #[n(1)] u64),
}

/// What a phone does about a change that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Keep it queued and send it again.
    Retry,
    /// The office holds it for a human to decide (暂存待审).
    Held,
    /// Refused for good: shown to its author with the reason (退回).
    Returned,
    /// Nothing: the office has the very same by another change, and the edit counts as taken.
    Stored,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $n:literal, $text:literal, $disposition:ident;)*) => {
        /// Why a change or command was not taken (处理结果代码).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(index_only)]
        pub enum Code { $($(#[$doc])* #[n($n)] $name),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code's name in logs, tables and problem bodies.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What a phone does about it.
            #[must_use]
            pub const fn disposition(self) -> Disposition {
                match self { $(Self::$name => Disposition::$disposition),* }
            }
        }
    };
}

impl Code {
    /// Whether nothing is wrong with the change itself: its phone writes it anew under another actor.
    #[must_use]
    pub const fn is_about_the_actor(self) -> bool {
        matches!(self, Self::Follows | Self::CloneDetected | Self::ActorMismatch | Self::ActorNumber)
    }

    /// Whether its phone writes the same edit anew: nothing is wrong with the edit itself. Either the actor is used
    /// up, or too much that its author had not seen stood where he wrote; what stood there comes with the reply,
    /// and the next change names it.
    #[must_use]
    pub const fn is_written_anew(self) -> bool {
        self.is_about_the_actor() || matches!(self, Self::ConflictFlood)
    }
}

codes! {
    /// Larger than a change may be (C10).
    TooLarge = 0, "too_large", Returned;
    /// Not one whole change chunk (C21).
    Malformed = 1, "malformed", Returned;
    /// A compressed, document or bundle chunk (C05).
    ChunkType = 2, "chunk_type", Returned;
    /// The checksum does not match the content (C21).
    Checksum = 3, "checksum", Retry;
    /// The actor is not the one that device, incarnation, document and n give (C01).
    ActorMismatch = 4, "actor_mismatch", Returned;
    /// Too many dependencies (C10).
    TooManyDeps = 5, "too_many_deps", Returned;
    /// A dependency is not here (C07); it may be on its way.
    MissingDep = 6, "missing_dep", Retry;
    /// Too many operations, or none (C04).
    TooManyOps = 7, "too_many_ops", Returned;
    /// The first operation's counter is not one above its dependencies' (C03).
    BadStartOp = 8, "bad_start_op", Returned;
    /// The sequence number does not follow the last (C02).
    SeqGap = 9, "seq_gap", Retry;
    /// The sequence number is taken by another change: two devices share one life (C02, F15).
    CloneDetected = 10, "clone_detected", Returned;
    /// Not the bytes that this content is written as.
    NotCanonical = 11, "not_canonical", Returned;
    /// An object other than the root (C06, C08).
    UnknownObject = 12, "unknown_object", Returned;
    /// Predecessors that are not what stood under this key (C09).
    BadPred = 13, "bad_pred", Returned;
    /// The key is taken in this book (C12).
    KeyExists = 14, "key_exists", Returned;
    /// The record or field breaks a rule of the schema (C13).
    Schema = 15, "schema", Returned;
    /// The author inside is not the person of the envelope.
    AuthorMismatch = 16, "author_mismatch", Returned;
    /// The person may not do this, or not here (C11).
    NotPermitted = 17, "not_permitted", Returned;
    /// The person had no right to this document when last in touch.
    OutOfScope = 18, "out_of_scope", Returned;
    /// The right ended while the work was on its way (C24): a supervisor decides.
    ScopeLost = 19, "scope_lost", Held;
    /// The device or person was revoked (C24).
    Revoked = 20, "revoked", Held;
    /// The document is frozen.
    Frozen = 21, "frozen", Held;
    /// The batch's signature does not verify (C20).
    BadSignature = 22, "bad_signature", Retry;
    /// Too many concurrent values under one key (C19).
    ConflictFlood = 23, "conflict_flood", Returned;
    /// The day's quota is used up (C17).
    Quota = 24, "quota", Retry;
    /// The person it concerns was erased (C25).
    Erased = 25, "erased", Returned;
    /// With it the document would not load again.
    ReloadFailed = 26, "reload_failed", Returned;
    /// Reading it failed inside the worker.
    Panicked = 27, "panicked", Returned;
    /// The worker was stopped at its limits while reading it.
    WorkerLimit = 28, "worker_limit", Returned;
    /// The server cannot read its own copy just now.
    Unreadable = 29, "unreadable", Retry;
    /// An earlier change of the same actor was not taken.
    Follows = 30, "follows_refused", Returned;
    /// The target's version has moved.
    VersionMoved = 31, "version_moved", Returned;
    /// What the command is about is not here.
    UnknownTarget = 32, "unknown_target", Returned;
    /// The target's state does not allow it.
    WrongState = 33, "wrong_state", Returned;
    /// Who checks is who fixed (two-person rule).
    SamePerson = 34, "same_person", Returned;
    /// The actor's number fell.
    ActorNumber = 35, "actor_number", Returned;
    /// A log that was restored had it once, says the phone, and this one does not know by what right: nobody has
    /// proven it, and a supervisor decides.
    TakenBefore = 36, "taken_before", Held;
    /// The document is as large as one may become (C17): a supervisor decides what still goes in.
    DocumentFull = 37, "document_full", Held;
    /// This very record stands in this book already, by another change: a copy of its author's phone wrote it, too.
    SameRecord = 38, "same_record", Stored;
}
