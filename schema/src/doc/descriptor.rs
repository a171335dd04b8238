//! What a document is about, its id, and the actor under which a device writes it.
//!
//! Ids are computed, never chosen: the server recomputes them from the descriptor that
//! comes with a change, so a change for one site cannot be filed under another (C14).

use minicbor::{Decode, Encode};

use crate::id::{ActorId, DeviceId, DocId, Incarnation, OrgId, RoundId, SiteId, derived};
use crate::time::Timestamp;

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Descriptor {
    /// A book (册): what one organisation recorded on one site in one calendar year of writing.
    #[n(0)]
    Book {
        /// The compound the records speak of.
        #[n(0)]
        site: SiteId,
        /// The organisation that keeps the book; nobody else writes in it.
        #[n(1)]
        org: OrgId,
        /// Calendar year of writing in Asia/Shanghai.
        #[n(2)]
        year: u16,
    },
    /// A sheet (检查表): one open round, filled by colleagues together.
    #[n(1)]
    Sheet {
        /// The compound being inspected.
        #[n(0)]
        site: SiteId,
        /// The organisation whose round it is.
        #[n(1)]
        org: OrgId,
        /// The round.
        #[n(2)]
        round: RoundId,
    },
}

impl Descriptor {
    /// The book an organisation writes in on a site at an instant of its business clock.
    #[must_use]
    pub fn book_at(site: SiteId, org: OrgId, at: Timestamp) -> Self {
        Self::Book { site, org, year: u16::try_from(at.day().year()).unwrap_or(0) }
    }

    /// The document's id: the first sixteen bytes of a labelled SHA-256 over the descriptor.
    #[must_use]
    pub fn doc_id(&self) -> DocId {
        DocId(match self {
            Self::Book { site, org, year } => {
                derived("louan/book/1", &[site.as_bytes(), org.as_bytes(), &year.to_be_bytes()])
            }
            Self::Sheet { site, org, round } => {
                derived("louan/sheet/1", &[site.as_bytes(), org.as_bytes(), round.as_bytes()])
            }
        })
    }

    /// The compound the document belongs to.
    #[must_use]
    pub const fn site(&self) -> SiteId {
        match self {
            Self::Book { site, .. } | Self::Sheet { site, .. } => *site,
        }
    }

    /// The organisation that keeps the document.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        match self {
            Self::Book { org, .. } | Self::Sheet { org, .. } => *org,
        }
    }

    /// Whether this is a book (as opposed to a sheet).
    #[must_use]
    pub const fn is_book(&self) -> bool {
        matches!(self, Self::Book { .. })
    }
}

/// One life of a writer (写入者生命): the envelope carries it, the server recomputes the actor from it.
///
/// `n` rises after a rejection, a salvage or a clone and never falls, because a rejected
/// (actor, seq) is burnt: reusing it would be a duplicate for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorLife {
    /// The device that writes.
    pub device: DeviceId,
    /// The life of that device's store.
    pub incarnation: Incarnation,
    /// Which of the device's actors for this document, from 0.
    pub n: u32,
}

impl ActorLife {
    /// The actor id under which this life writes `doc`.
    #[must_use]
    pub fn actor(&self, doc: DocId) -> ActorId {
        let parts: [&[u8]; 4] =
            [self.device.as_bytes(), self.incarnation.as_bytes(), doc.as_bytes(), &self.n.to_be_bytes()];
        ActorId(derived("louan/actor/1", &parts))
    }
}
