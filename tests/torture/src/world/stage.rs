//! Who is in the world, and what each may see, by the world's own reckoning.
//!
//! The rule of sight is written here a second time, from the domain text and not from the
//! server's code: an authority above the streets sees the district, a street's organisation
//! its street, a manager or supervisor what names it. The checker holds phones against it.

use std::collections::{BTreeMap, BTreeSet};

use kit::cast::Cast;
use louan_schema::code::{BuildingUse, HeightSource, Management, OrgKind, RegistryState, Role};
use louan_schema::id::{BuildingId, OrgId, PersonId, SiteId, derived};
use louan_schema::registry::{Building, Org, Person, Site};

/// The people, the organisations and the registry as ruled so far.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Everybody who was there from the beginning.
    pub cast: Cast,
    /// People entered since.
    pub later: Vec<Person>,
    /// The registry: what the last ruling on each compound said.
    pub sites: BTreeMap<SiteId, (Site, Vec<Building>)>,
    /// People whose right to act was taken away.
    pub revoked: BTreeSet<PersonId>,
}

impl Scene {
    /// Two streets of the programme, three compounds not yet registered.
    #[must_use]
    pub fn new() -> Self {
        let mut cast = Cast::of_the_district();
        cast.streets.truncate(2);
        Self { cast, later: Vec::new(), sites: BTreeMap::new(), revoked: BTreeSet::new() }
    }

    /// The people of each phone: two inspectors of one company, a police officer, a phone
    /// shared by two companies' people, a street clerk, the brigade's reviewer.
    #[must_use]
    pub fn phones(&self) -> Vec<(&'static str, Vec<Person>)> {
        let [a, b] = [&self.cast.streets[0], &self.cast.streets[1]];
        vec![
            ("inspector", vec![a.inspectors[0].clone()]),
            ("colleague", vec![a.inspectors[1].clone()]),
            ("officer", vec![a.officer.clone()]),
            ("shared", vec![b.inspectors[0].clone(), a.inspectors[1].clone()]),
            ("clerk", vec![a.clerk.clone(), b.officer.clone()]),
            ("brigade", vec![self.cast.reviewer.clone()]),
        ]
    }

    /// The entry of a compound: two on the first street, then one on the second.
    #[must_use]
    pub fn entry(&self, n: usize) -> (Site, Vec<Building>) {
        let street = &self.cast.streets[n / 2 % 2];
        let name = format!("示例小区{n}");
        let id = SiteId(derived("louan/torture/site/1", &[name.as_bytes()]));
        let site = Site {
            id,
            name: name.clone(),
            street: street.street,
            community: None,
            // None, one that only people understand, one that names a community.
            grid: [None, Some("示例第一网格"), Some("500110001001007")][n % 3].map(str::to_owned),
            address: format!("{name}示例路1号"),
            management: Management::PropertyCompany,
            managed_by: Some(street.property.id),
            supervised_by: street.police.id,
            position: None,
        };
        let building = |k: u8| Building {
            id: BuildingId(derived("louan/torture/building/1", &[name.as_bytes(), &[k]])),
            site: id,
            code: format!("{}-{n:03}{k:03}", street.street),
            name: format!("{k}栋"),
            building_use: BuildingUse::Residential,
            height_cm: Some(5_400),
            height_source: HeightSource::Drawing,
            storeys: Some(18),
            floors: Vec::new(),
            state: RegistryState::Registered,
            footprint: None,
        };
        (site, vec![building(1), building(2)])
    }

    /// Everybody.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.cast.people().chain(&self.later)
    }

    /// Somebody is appointed to something else.
    pub fn appoint(&mut self, id: PersonId, role: Role) {
        let Cast { reviewer, office_clerk, streets, .. } = &mut self.cast;
        let of_streets = streets.iter_mut().flat_map(|street| {
            let [first, second] = &mut street.inspectors;
            [&mut street.clerk, first, second, &mut street.officer]
        });
        let everybody = [reviewer, office_clerk].into_iter().chain(of_streets).chain(&mut self.later);
        everybody.filter(|person| person.id == id).for_each(|person| person.role = role);
    }

    /// The row of an organisation of the cast.
    ///
    /// # Panics
    /// When it is none of the cast's.
    #[must_use]
    pub fn org(&self, id: OrgId) -> Org {
        self.cast.orgs().find(|org| org.id == id).expect("one of the cast").clone()
    }

    /// The organisations of those of these people who may still act.
    #[must_use]
    pub fn orgs_of(&self, people: &[Person]) -> BTreeSet<OrgId> {
        people.iter().filter(|p| !self.revoked.contains(&p.id)).map(|p| p.org).collect()
    }

    /// The compounds these organisations see.
    #[must_use]
    pub fn visible(&self, orgs: &BTreeSet<OrgId>) -> BTreeSet<SiteId> {
        let orgs: Vec<Org> = orgs.iter().map(|org| self.org(*org)).collect();
        let seen = self.sites.values().filter(|(site, _)| orgs.iter().any(|org| sees(org, site)));
        seen.map(|(site, _)| site.id).collect()
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

fn sees(org: &Org, site: &Site) -> bool {
    let named = site.managed_by == Some(org.id) || site.supervised_by == org.id;
    let company = matches!(org.kind, OrgKind::PropertyManager | OrgKind::Operator);
    match org.street {
        Some(street) => named || (!company && street == site.street),
        None => named || !company,
    }
}
