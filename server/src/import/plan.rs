//! From drafts to entries of the registry: which compound each building belongs to, what is new, what changes.
//!
//! A compound is known again by its 街镇 and its name however it is spelt, a building by its code or its name. What
//! stands in the registry and not in the list stays, and no list takes a building out of it. A pure function: the same list against the same registry gives
//! the same plan, and the same list again changes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use geo::{Distance, Haversine, Point};
use louan_schema::area::StreetCode;
use louan_schema::code::{HeightSource, OrgKind, RegistryState};
use louan_schema::id::{BuildingId, OrgId, SiteId, derived};
use louan_schema::policy::{HeightClass, supervisor};
use louan_schema::registry::{Building, Org, Position, Site};
use louan_schema::spelling::closed;
use minicbor::{Decode, Encode};

use super::draft::Draft;
use super::{Read, Remark};
use crate::registry::BUILDINGS_MAX;

/// The registry as far as the person importing may see it.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Compounds with their versions and buildings.
    pub sites: Vec<(Site, u64, Vec<Building>)>,
    /// Organisations.
    pub orgs: Vec<Org>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// Entered (新增).
    #[n(0)]
    New,
    /// Changes what stands (更新).
    #[n(1)]
    Changed,
    /// Stands already, or earlier in the list (重复).
    #[n(2)]
    Same,
}

/// A compound as it would stand, and as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Entry {
    /// The compound.
    #[n(0)]
    pub site: Site,
    /// All of its buildings.
    #[n(1)]
    pub buildings: Vec<Building>,
    /// The version it has; 0 for a new one.
    #[n(2)]
    pub version: u64,
    /// As it stands; nothing for a new one.
    #[n(3)]
    pub before: Option<(Site, Vec<Building>)>,
}

/// What an import would do (导入方案).
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Plan {
    /// Compounds that would be entered or changed.
    #[n(0)]
    pub entries: Vec<Entry>,
    /// What becomes of each line that is taken.
    #[n(1)]
    pub outcomes: Vec<(u32, Outcome)>,
    /// Why lines are not taken.
    #[n(2)]
    pub faults: Vec<Remark>,
    /// What should be looked at in lines that are taken.
    #[n(3)]
    pub notices: Vec<Remark>,
}

impl Plan {
    /// How many lines have this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().filter(|(_, found)| *found == outcome).count()
    }

    /// How many lines are not taken.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.faults.iter().map(|fault| fault.number).collect::<HashSet<_>>().len()
    }
}

/// The id of an entry made by an import: the same list gives the same compounds, whoever imports it first.
#[must_use]
pub fn plan_id(kind: &str, street: StreetCode, names: &[&str]) -> [u8; 16] {
    let number = street.number().to_be_bytes();
    let spelt: Vec<String> = names.iter().map(|name| closed(name)).collect();
    let mut parts: Vec<&[u8]> = vec![kind.as_bytes(), &number];
    parts.extend(spelt.iter().map(String::as_bytes));
    derived("louan/import/1", &parts)
}

/// Buildings of one compound stand no further apart than this, in metres; two compounds of one name do.
const FAR_M: f64 = 500.0;

type Key = (StreetCode, String);

struct Planner<'a> {
    registry: &'a Registry,
    known: HashMap<Key, usize>,
    entries: BTreeMap<Key, Entry>,
    /// Buildings the list has named so far.
    named: HashSet<BuildingId>,
    plan: Plan,
}

/// Makes a plan.
#[must_use]
pub fn plan(read: &Read, registry: &Registry) -> Plan {
    let known = (0..).zip(&registry.sites).map(|(at, (site, ..))| ((site.street, closed(&site.name)), at));
    let mut planner = Planner {
        registry,
        known: known.collect(),
        entries: BTreeMap::new(),
        named: HashSet::new(),
        plan: Plan { faults: read.faults.clone(), notices: read.notices.clone(), ..Plan::default() },
    };
    for draft in &read.drafts {
        let taken = if draft.retired { planner.leave(draft) } else { planner.take(draft) };
        match taken {
            Ok(outcome) => planner.plan.outcomes.push((draft.number, outcome)),
            Err(reason) => planner.plan.faults.push(Remark { number: draft.number, column: None, reason }),
        }
    }
    let Planner { mut plan, entries, .. } = planner;
    let changes = |entry: &Entry| {
        entry.before.as_ref().is_none_or(|(site, rows)| *site != entry.site || *rows != entry.buildings)
    };
    plan.entries =
        entries.into_values().filter(|entry| changes(entry) && !entry.buildings.is_empty()).collect();
    plan.faults.sort_by_key(|fault| fault.number);
    // What is wrong with a line that is not taken is said in its fault.
    let refused: HashSet<u32> = plan.faults.iter().map(|fault| fault.number).collect();
    plan.notices.retain(|notice| !refused.contains(&notice.number));
    plan.notices.sort_by_key(|notice| notice.number);
    plan
}

impl Planner<'_> {
    fn take(&mut self, draft: &Draft) -> Result<Outcome, String> {
        let key = (draft.street, closed(&draft.site));
        if !self.entries.contains_key(&key) {
            let entry = self.entry(&key, draft)?;
            self.entries.insert(key.clone(), entry);
        }
        let managed_by = self.manager(draft);
        let mut notices = Vec::new();
        let entry = self.entries.get_mut(&key).ok_or("小区不能建账")?;
        let at = find(&entry.buildings, draft);
        let standing = at.map(|at| entry.buildings[at].clone());
        let row = building(draft, entry.site.id, standing.as_ref());
        if !self.named.insert(row.id) {
            if standing.as_ref() != Some(&row) {
                notices.push("名单前面已有这一栋，内容不同，按前面的一行导入".to_owned());
            }
            self.notice(draft, notices);
            return Ok(Outcome::Same);
        }
        if at.is_none() && entry.buildings.len() >= BUILDINGS_MAX {
            return Err(format!("一个小区最多 {BUILDINGS_MAX} 栋，请分成几个小区"));
        }
        let site_before = entry.site.clone();
        if entry.before.is_some() {
            notices.extend(otherwise(&entry.site, draft));
        }
        if standing.as_ref().is_some_and(|row| row.state == RegistryState::Retired) {
            notices.push("台账中已注销，导入后重新建账；如已拆除，请从名单中删去".to_owned());
        }
        refine(&mut entry.site, draft, managed_by);
        let changed = standing.as_ref() != Some(&row) || site_before != entry.site;
        match at {
            Some(at) => entry.buildings[at] = row,
            None => entry.buildings.push(row),
        }
        self.notice(draft, notices);
        Ok(match (at, changed) {
            (None, _) => Outcome::New,
            (Some(_), true) => Outcome::Changed,
            (Some(_), false) => Outcome::Same,
        })
    }

    /// A line that says of its building that it is out of the registry (已注销), as an export does: where the registry
    /// says so, too, or knows no such building, there is nothing to be done.
    fn leave(&mut self, draft: &Draft) -> Result<Outcome, String> {
        let key = (draft.street, closed(&draft.site));
        let known = || self.known.get(&key).map(|at| &self.registry.sites[*at].2);
        let rows = self.entries.get(&key).map(|entry| &entry.buildings).or_else(known);
        let found = rows.and_then(|rows| find(rows, draft).map(|at| rows[at].state));
        let reason = match found {
            Some(RegistryState::Retired) => "名单和台账中都已注销，不作改动",
            Some(_) => return Err("名单不能注销建筑，请在台账中办理".to_owned()),
            None => "名单中已注销，台账中没有这一栋，不建账",
        };
        self.notice(draft, vec![reason.to_owned()]);
        Ok(Outcome::Same)
    }

    fn notice(&mut self, draft: &Draft, reasons: Vec<String>) {
        let remark = |reason| Remark { number: draft.number, column: None, reason };
        self.plan.notices.extend(reasons.into_iter().map(remark));
    }

    /// The compound of a draft: as it stands, or a new one.
    fn entry(&self, key: &Key, draft: &Draft) -> Result<Entry, String> {
        if let Some(at) = self.known.get(key) {
            let (site, version, buildings) = &self.registry.sites[*at];
            return Ok(Entry {
                site: site.clone(),
                buildings: buildings.clone(),
                version: *version,
                before: Some((site.clone(), buildings.clone())),
            });
        }
        let kind = supervisor(draft.building_use, draft.management);
        let supervised_by = self
            .authority(kind, draft.street)
            .ok_or_else(|| format!("没有登记该街镇的监管单位（{}），请先登记单位", kind.label()))?;
        let site = Site {
            id: SiteId(plan_id("site", draft.street, &[&draft.site])),
            name: draft.site.clone(),
            street: draft.street,
            community: draft.community,
            grid: draft.grid.clone(),
            address: draft.address.clone(),
            management: draft.management,
            managed_by: None,
            supervised_by,
            position: None,
        };
        Ok(Entry { site, buildings: Vec::new(), version: 0, before: None })
    }

    /// The organisation of a kind for a street: its own, or the one above the streets.
    fn authority(&self, kind: OrgKind, street: StreetCode) -> Option<OrgId> {
        let of_kind = || self.registry.orgs.iter().filter(|org| org.kind == kind);
        let own = of_kind().find(|org| org.street == Some(street));
        own.or_else(|| of_kind().find(|org| org.street.is_none())).map(|org| org.id)
    }

    fn manager(&mut self, draft: &Draft) -> Option<OrgId> {
        let name = draft.manager.as_deref()?;
        let companies = self.registry.orgs.iter().filter(|org| org.kind == OrgKind::PropertyManager);
        let found = companies.into_iter().find(|org| closed(&org.name) == closed(name));
        if found.is_none() {
            let reason = format!("管理单位“{name}”未登记，暂不关联；登记单位后重新导入即可关联");
            self.plan.notices.push(Remark { number: draft.number, column: None, reason });
        }
        found.map(|org| org.id)
    }
}

/// Where a line's building is among those of its compound. A code is one building's; of two of one name the one is meant
/// of which the line says that it stands, or that it does not.
fn find(rows: &[Building], draft: &Draft) -> Option<usize> {
    let spelt = closed(&draft.building);
    let find = |is: &dyn Fn(&Building) -> bool| rows.iter().position(is);
    let named = |row: &Building| closed(&row.name) == spelt;
    let coded = |row: &Building| !draft.code.is_empty() && row.code == draft.code;
    let stands = |row: &Building| (row.state == RegistryState::Retired) == draft.retired;
    find(&|row| coded(row) && stands(row))
        .or_else(|| find(&coded))
        .or_else(|| find(&|row| named(row) && stands(row)))
        .or_else(|| find(&named))
}

/// What a line says about its compound, on top of what stands: nothing is emptied by an empty cell.
fn refine(site: &mut Site, draft: &Draft, managed_by: Option<OrgId>) {
    site.community = draft.community.or(site.community);
    site.grid = draft.grid.clone().or_else(|| site.grid.take());
    if site.address.is_empty() {
        site.address.clone_from(&draft.address);
    }
    site.managed_by = managed_by.or(site.managed_by);
    site.position = site.position.or(draft.position);
}

/// What a line says otherwise about a compound than the registry does, where the registry stands.
fn otherwise(site: &Site, draft: &Draft) -> Vec<String> {
    let mut said = Vec::new();
    let named = !site.address.is_empty() && !draft.address.is_empty();
    if named && closed(&site.address) != closed(&draft.address) {
        said.push(format!("地址与台账不同，台账未改动：台账为“{}”", site.address));
    }
    if let (Some(stands), Some(says)) = (site.position, draft.position)
        && stands.datum == says.datum
    {
        let point = |at: Position| Point::new(f64::from(at.lon_e7) / 1e7, f64::from(at.lat_e7) / 1e7);
        let metres = Haversine.distance(point(stands), point(says));
        if metres > FAR_M {
            said.push(format!("位置与台账相距约 {metres:.0} 米，台账未改动"));
        }
    }
    said
}

/// A building's row: what the list says, on top of what stands.
fn building(draft: &Draft, site: SiteId, standing: Option<&Building>) -> Building {
    let names = [draft.site.as_str(), draft.building.as_str()];
    let class = HeightClass::of(draft.building_use, draft.height_cm, draft.storeys);
    let measured = !matches!(draft.height_source, HeightSource::Unknown | HeightSource::Storeys);
    let state = if class.is_high_rise() && class != HeightClass::Presumed && measured {
        RegistryState::Registered
    } else {
        RegistryState::Unverified
    };
    let fresh = Building {
        id: BuildingId(plan_id("building", draft.street, &names)),
        site,
        code: draft.code.clone(),
        name: draft.building.clone(),
        building_use: draft.building_use,
        height_cm: draft.height_cm,
        height_source: draft.height_source,
        storeys: draft.storeys,
        floors: Vec::new(),
        state,
        footprint: draft.footprint.clone(),
    };
    let Some(standing) = standing else { return fresh };
    let taller = draft.height_cm.is_some();
    Building {
        id: standing.id,
        code: if fresh.code.is_empty() { standing.code.clone() } else { fresh.code },
        name: standing.name.clone(),
        height_cm: draft.height_cm.or(standing.height_cm),
        height_source: if taller { fresh.height_source } else { standing.height_source },
        storeys: draft.storeys.or(standing.storeys),
        floors: standing.floors.clone(),
        footprint: draft.footprint.clone().or_else(|| standing.footprint.clone()),
        state: match standing.state {
            // A list that names it says that it stands.
            RegistryState::Unverified | RegistryState::Retired => fresh.state,
            // What somebody has verified is not unverified again by a list.
            verified => verified,
        },
        ..fresh
    }
}
