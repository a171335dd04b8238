//! What a device may see now, computed for each request and never believed from a phone.
//!
//! The union of what its people's organisations see. A request can only narrow nothing:
//! there is no filter in it (C23). Whole names are those of its own people; of everybody else a phone needs to know that
//! there is somebody and what he may do, not what he is called.

use std::collections::BTreeSet;

use louan_schema::area;
use louan_schema::id::{OrgId, PersonId, SiteId};
use louan_schema::registry::Org;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Item, Row, Scope};

use crate::registry::is_authority;
use crate::storage::registry::{DeviceState, Sight};

/// What a device may see.
#[derive(Debug, Clone, Default)]
pub struct DeviceScope {
    /// The organisations whose books it replicates.
    pub orgs: BTreeSet<OrgId>,
    /// The people who use it, by their whole names.
    pub people: BTreeSet<PersonId>,
    /// The sites it sees.
    pub sight: Sight,
}

impl DeviceScope {
    /// Whether a document of this site and organisation is the device's to have.
    #[must_use]
    pub fn has_document(&self, site: SiteId, org: OrgId) -> bool {
        self.orgs.contains(&org) && self.sight.has(site)
    }

    /// Whether a row is the device's to have.
    #[must_use]
    pub fn has_row(&self, row: &Row) -> bool {
        match row {
            Row::Org(org) => {
                let named = self.orgs.contains(&org.id) || self.sight.named_orgs.contains(&org.id);
                self.sight.everything || named || is_authority(org)
            }
            Row::Person(person) => self.orgs.contains(&person.org),
            Row::Site(site) => self.sight.has(site.id),
            Row::Building(building) => self.sight.has(building.site),
            Row::Hazard(hazard) => self.sight.has(hazard.site),
        }
    }

    /// A row as this device is shown it.
    #[must_use]
    pub fn shown(&self, row: Row) -> Row {
        match row {
            Row::Person(person) if !self.people.contains(&person.id) => Row::Person(person.masked()),
            row => row,
        }
    }

    /// Whose whole name an item tells this device.
    #[must_use]
    pub fn named_in(&self, item: &Item) -> Option<PersonId> {
        match item {
            Item::Row(Row::Person(person)) if !person.name.is_empty() => self.people.get(&person.id).copied(),
            _ => None,
        }
    }
}

/// Whether sending is all that is left to a device.
#[must_use]
pub fn is_push_only(device: &DeviceState) -> bool {
    device.revoked || device.orgs.is_empty()
}

/// The version of a device's scope: its own count, and within it the day up to which the
/// lease was last extended, so that a phone in touch gets a new lease every day.
#[must_use]
pub fn version(device: &DeviceState, system: Timestamp) -> u64 {
    let day = u64::try_from(system.day().count()).unwrap_or(0) & 0xf_ffff;
    (device.scope_version << 20) | day
}

/// The scope as told to the phone.
#[must_use]
pub fn told(device: &DeviceState, system: Timestamp, lease_days: i32) -> Scope {
    let whole = device.orgs.iter().any(Org::sees_everything);
    let streets = if whole {
        area::streets().iter().map(|street| street.code).collect()
    } else {
        let seen: BTreeSet<_> = device.orgs.iter().filter_map(Org::street_seen).collect();
        seen.into_iter().collect()
    };
    let push_only = is_push_only(device);
    Scope {
        version: version(device, system),
        orgs: device.orgs.iter().map(|org: &Org| org.id).collect(),
        people: device.people.iter().filter(|p| p.active && !device.revoked).map(|p| p.person.id).collect(),
        streets,
        push_only,
        lease_until: system.day().plus_days(lease_days).end(),
    }
}
