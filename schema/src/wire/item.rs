//! What comes down the feed.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::area::StreetCode;
use crate::code::HazardState;
use crate::doc::Descriptor;
use crate::fold::hazard::HazardReading;
use crate::id::{ChangeHash, DeviceId, Incarnation, OrgId, PersonId, SiteId};
use crate::registry::{Building, Org, Person, Site};
use crate::time::{Day, Timestamp};
use crate::wire::Proof;

/// One thing new to a phone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Item {
    /// A change accepted into a document the phone replicates.
    #[n(0)]
    Change {
        /// The document.
        #[n(0)]
        doc: Descriptor,
        /// The plain change chunk.
        #[n(1)]
        raw: ByteVec,
    },
    /// A server row, newer than any the phone has of that kind and id.
    #[n(1)]
    Row(#[n(0)] Row),
    /// A whole document, saved; only while bootstrapping or gaining scope.
    #[n(2)]
    Snapshot {
        /// The document.
        #[n(0)]
        doc: Descriptor,
        /// The saved document.
        #[n(1)]
        bytes: ByteVec,
    },
    /// The compound has left the phone's scope: its rows and documents go, once nothing unsent hangs on them.
    #[n(3)]
    Gone(#[n(0)] SiteId),
    /// A held change was decided by the office.
    #[n(4)]
    Decided {
        /// Which.
        #[n(0)]
        change: ChangeHash,
        /// Taken into the log after all, or refused for good.
        #[n(1)]
        taken: bool,
    },
    /// The document takes no more changes.
    #[n(5)]
    Frozen(#[n(0)] Descriptor),
    /// What the author of a change that just came has signed, as long as no verified backup has the change.
    #[n(6)]
    Signed(#[n(0)] Box<Signed>),
}

/// A colleague's signed batch (同事署名清单), kept so that his work can be brought back for him after a restore.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Signed {
    /// The device that signed.
    #[n(0)]
    pub device: DeviceId,
    /// The life of its store.
    #[n(1)]
    pub incarnation: Incarnation,
    /// Whose batch it is.
    #[n(2)]
    pub person: PersonId,
    /// What was signed.
    #[n(3)]
    pub proof: Proof,
    /// The signature.
    #[n(4)]
    pub signature: ByteVec,
    /// Once a verified backup reaches this position, it need no longer be kept.
    #[n(5)]
    pub pos: u64,
}

/// A server row (服务端数据行), whole; the phone replaces what it has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Row {
    /// An organisation.
    #[n(0)]
    Org(#[n(0)] Org),
    /// A person.
    #[n(1)]
    Person(#[n(0)] Person),
    /// A compound.
    #[n(2)]
    Site(#[n(0)] Site),
    /// A building.
    #[n(3)]
    Building(#[n(0)] Building),
    /// A hazard as the office has it.
    #[n(4)]
    Hazard(#[n(0)] Box<HazardStatus>),
}

/// A hazard as everyone concerned sees it (隐患状态): facts by others and rulings folded by the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HazardStatus {
    /// The compound.
    #[n(0)]
    pub site: SiteId,
    /// The hazard read; a phone folds its own pending facts on top.
    #[n(1)]
    pub reading: HazardReading,
    /// What a command must expect.
    #[n(2)]
    pub version: u64,
    /// Its state when this row was made.
    #[n(3)]
    pub state: HazardState,
    /// The last day on which it may stand open.
    #[n(4)]
    pub due_on: Option<Day>,
    /// Who removed the danger, by the fixes that count: they may not recheck.
    #[n(5)]
    pub fixed_by: Vec<PersonId>,
}

/// What a phone may see (数据范围): its people's organisations and the compounds each works on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Scope {
    /// Rises with every change.
    #[n(0)]
    pub version: u64,
    /// The organisations whose books the phone replicates.
    #[n(1)]
    pub orgs: Vec<OrgId>,
    /// The people enrolled on this phone that may still write.
    #[n(2)]
    pub people: Vec<PersonId>,
    /// The 街镇 the phone sees whole; compounds outside come one by one.
    #[n(3)]
    pub streets: Vec<StreetCode>,
    /// Sending is all that is left: the phone seals itself once nothing unsent remains.
    #[n(4)]
    pub push_only: bool,
    /// Until when the phone may show data without having been in touch.
    #[n(5)]
    pub lease_until: Timestamp,
}
