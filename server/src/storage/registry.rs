//! The registry as read: organisations, people, devices, sites, and who sees what.
//!
//! Scope is answered for *now* and for *the device's last contact*; nothing here decides
//! what follows from it.

use std::collections::BTreeSet;

use louan_schema::id::{BuildingId, DeviceId, OrgId, PersonId, SiteId};
use louan_schema::registry::{Org, Person, Site};
use louan_schema::wire::Row;

use super::Reply;

/// A table whose rows phones receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowTable {
    /// Organisations.
    Org,
    /// People.
    Person,
    /// Sites.
    Site,
    /// Buildings.
    Building,
    /// Hazards.
    Hazard,
}

/// A row with what scope is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its id.
    pub id: [u8; 16],
    /// The position at which it was last written.
    pub pos: u64,
    /// Its encoded size, in bytes.
    pub bytes: usize,
    /// The row.
    pub row: Row,
}

/// A person's standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The row.
    pub person: Person,
    /// Whether he may act.
    pub active: bool,
    /// Whether his name was erased; then nothing of his is taken any more, ever.
    pub erased: bool,
}

/// A device, its people, and what follows from them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Which.
    pub device: DeviceId,
    /// Its public key, SEC1.
    pub public_key: Vec<u8>,
    /// Lost or given back.
    pub revoked: bool,
    /// Rises when its people or organisations change.
    pub scope_version: u64,
    /// What it was told up to at its last contact.
    pub last_pos: u64,
    /// Everybody who uses it now.
    pub people: Vec<PersonRow>,
    /// The organisations of those who may act.
    pub orgs: Vec<Org>,
}

/// What a device may see at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sight {
    /// Every site of the district.
    pub everything: bool,
    /// These sites, when not every one.
    pub sites: BTreeSet<SiteId>,
    /// Organisations that manage or supervise one of them.
    pub named_orgs: BTreeSet<OrgId>,
}

impl Sight {
    /// Whether a site is visible.
    #[must_use]
    pub fn has(&self, site: SiteId) -> bool {
        self.everything || self.sites.contains(&site)
    }
}

/// A person's right to write in one organisation's documents on one site from one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The person, if there is one.
    pub person: Option<PersonRow>,
    /// Whether he uses the device now.
    pub linked: bool,
    /// Whether he ever used it.
    pub was_linked: bool,
    /// Whether the device replicated the organisation's books at its last contact.
    pub org_at_contact: bool,
    /// Whether the organisation sees the site.
    pub visible: bool,
    /// Whether it did at the device's last contact.
    pub visible_at_contact: bool,
}

/// A site with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRow {
    /// The row.
    pub site: Site,
    /// How many rulings have set it.
    pub version: u64,
}

/// The registry.
pub trait RegistryStore: Send + Sync {
    /// A device with its people.
    fn find_device(&self, device: DeviceId) -> Reply<'_, Option<DeviceState>>;
    /// Every device.
    fn list_devices(&self) -> Reply<'_, Vec<DeviceState>>;
    /// What these organisations see.
    fn sight(&self, orgs: Vec<OrgId>) -> Reply<'_, Sight>;
    /// The sites an organisation saw at a position.
    fn seen_at(&self, org: OrgId, pos: u64) -> Reply<'_, BTreeSet<SiteId>>;
    /// A person's right on a device, in an organisation's documents on a site.
    fn standing(&self, device: DeviceId, person: PersonId, org: OrgId, site: SiteId) -> Reply<'_, Standing>;
    /// An organisation.
    fn find_org(&self, org: OrgId) -> Reply<'_, Option<Org>>;
    /// Every organisation.
    fn list_orgs(&self) -> Reply<'_, Vec<Org>>;
    /// A person.
    fn find_person(&self, person: PersonId) -> Reply<'_, Option<PersonRow>>;
    /// Every person.
    fn list_people(&self) -> Reply<'_, Vec<PersonRow>>;
    /// A site.
    fn find_site(&self, site: SiteId) -> Reply<'_, Option<SiteRow>>;
    /// The sites these buildings are registered on.
    fn sites_of(&self, buildings: Vec<BuildingId>) -> Reply<'_, Vec<(BuildingId, SiteId)>>;
    /// Rows by id, those that exist.
    fn rows(&self, table: RowTable, ids: Vec<[u8; 16]>) -> Reply<'_, Vec<StoredRow>>;
    /// Rows after `after` in the order of their ids, of one site or of all, at most `limit`.
    fn rows_after(
        &self,
        table: RowTable,
        after: Option<[u8; 16]>,
        site: Option<SiteId>,
        limit: usize,
    ) -> Reply<'_, Vec<StoredRow>>;
}
