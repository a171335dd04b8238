//! A picture of the world at rest: plain values, taken from closed files and the oracle.
//!
//! Nothing here is computed by a core; whoever fills it in says what he read and where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use louan_schema::id::{ChangeHash, DocId, Epoch, OrgId, SiteId};
use louan_schema::wire::Code;

use crate::oracle::{Edit, LifeId};

/// What became of an edit, as a phone's store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Waiting to be sent.
    Pending,
    /// Waiting for the office.
    Held,
    /// Refused, with the reason.
    Returned(Code),
    /// In the office's log.
    Acknowledged,
    /// None of these.
    Unknown,
}

/// A row by kind and id, with the compound it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// A compound.
    Site(SiteId),
    /// A building, on its compound.
    Building(SiteId, [u8; 16]),
    /// A hazard, on its compound.
    Hazard(SiteId, [u8; 16]),
}

impl RowKey {
    /// The compound the row belongs to.
    #[must_use]
    pub const fn site(&self) -> Option<SiteId> {
        match self {
            Self::Site(site) | Self::Building(site, _) | Self::Hazard(site, _) => Some(*site),
        }
    }

    /// Whether the row belongs to one of these compounds.
    #[must_use]
    pub fn is_of(&self, sites: &BTreeSet<SiteId>) -> bool {
        self.site().is_none_or(|site| sites.contains(&site))
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex =
            |f: &mut fmt::Formatter<'_>, id: &[u8; 16]| id.iter().try_for_each(|b| write!(f, "{b:02x}"));
        match self {
            Self::Site(site) => write!(f, "site {site}"),
            Self::Building(site, id) => {
                write!(f, "building ")?;
                hex(f, id)?;
                write!(f, " of site {site}")
            }
            Self::Hazard(site, id) => {
                write!(f, "hazard ")?;
                hex(f, id)?;
                write!(f, " of site {site}")
            }
        }
    }
}

/// A document as its changes make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// For people.
    pub name: String,
    /// The compound.
    pub site: SiteId,
    /// Who keeps it.
    pub org: OrgId,
    /// Whether it takes no more changes.
    pub frozen: bool,
    /// The hashes nothing depends on; empty when only the first change, which everybody computes, is there.
    pub heads: Vec<ChangeHash>,
}

impl Document {
    /// Its heads, for people.
    #[must_use]
    pub fn tips(&self) -> String {
        let tips: Vec<String> = self.heads.iter().map(|head| head.to_string()[..8].to_owned()).collect();
        format!("heads [{}]", tips.join(" "))
    }
}

/// An edit as the oracle has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditPicture {
    /// Which.
    pub edit: Edit,
    /// Whether a phone took in its acknowledgement.
    pub acknowledged: bool,
    /// Whether a phone lives that heard so or can prove it, or a copy of it.
    pub heard: bool,
    /// The living lives that had it when they were last copied or written.
    pub carriers: Vec<LifeId>,
}

/// A phone's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonePicture {
    /// For people.
    pub name: String,
    /// Which life it is.
    pub life: LifeId,
    /// The organisations whose books it may have.
    pub orgs: BTreeSet<OrgId>,
    /// The compounds it may see.
    pub visible: BTreeSet<SiteId>,
    /// Compounds on which something of its own is not settled: held or returned.
    pub unsettled: BTreeSet<SiteId>,
    /// It shows nothing any more.
    pub sealed: bool,
    /// It may send and nothing else.
    pub push_only: bool,
    /// Epoch and position of its cursor.
    pub cursor: Option<(Epoch, u64)>,
    /// What became of each edit.
    pub edits: BTreeMap<Edit, Fate>,
    /// Its documents without what is pending, held or returned.
    pub documents: BTreeMap<DocId, Document>,
    /// Its rows.
    pub rows: BTreeMap<RowKey, Vec<u8>>,
}

/// The office's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficePicture {
    /// The life of its log.
    pub epoch: Epoch,
    /// The log's last position.
    pub head: u64,
    /// Whether an older backup was put back at some time.
    pub was_restored: bool,
    /// Records among its facts and commands it has answered with *done*.
    pub edits: BTreeSet<Edit>,
    /// Records it keeps beside the log, until or after a human decided on them.
    pub held: BTreeSet<Edit>,
    /// Every change of its log.
    pub changes: BTreeSet<ChangeHash>,
    /// Its documents, made again from the log.
    pub documents: BTreeMap<DocId, Document>,
    /// Its rows.
    pub rows: BTreeMap<RowKey, Vec<u8>>,
    /// What rebuilding changed.
    pub rebuilt_differs: Vec<String>,
    /// What is wrong with the audit.
    pub audit_broken: Option<String>,
}

/// The world at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Every edit saved.
    pub edits: Vec<EditPicture>,
    /// Every edit saved or attempted.
    pub known: BTreeSet<Edit>,
    /// Records refused for good by a human, in whatever life of the log.
    pub refused: BTreeSet<Edit>,
    /// Changes of sheets acknowledged.
    pub sheets_acknowledged: BTreeSet<ChangeHash>,
    /// The living phones.
    pub phones: Vec<PhonePicture>,
    /// The office.
    pub office: OfficePicture,
    /// What was seen to be wrong on the way.
    pub story: Vec<String>,
}
