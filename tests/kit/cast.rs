//! The cast: organisations and people of a made-up district, the same in every run.
//!
//! Nobody here exists. Names are roles and numbers, so that no list of them can be
//! mistaken for a register of persons.

use louan_schema::area::{Street, StreetCode, streets};
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{OrgId, PersonId, derived};
use louan_schema::registry::{Org, Person};

/// The organisations of one 街镇 and who works in them.
#[derive(Debug, Clone)]
pub struct StreetCast {
    /// The 街镇.
    pub street: StreetCode,
    /// The street office.
    pub office: Org,
    /// Its clerk: enters compounds in the registry.
    pub clerk: Person,
    /// The property company that manages every compound of the street.
    pub property: Org,
    /// Its two inspectors, one phone each.
    pub inspectors: [Person; 2],
    /// The police station that supervises property-managed compounds.
    pub police: Org,
    /// Its officer, who rechecks, confirms and closes.
    pub officer: Person,
}

/// Everyone.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The fire brigade.
    pub brigade: Org,
    /// Its reviewer.
    pub reviewer: Person,
    /// The leading group's office.
    pub office: Org,
    /// Its clerk, who reads the figures.
    pub office_clerk: Person,
    /// By street, in the programme's order.
    pub streets: Vec<StreetCast>,
}

impl Cast {
    /// The cast of the whole programme.
    #[must_use]
    pub fn of_the_district() -> Self {
        let brigade = org("brigade", OrgKind::Brigade, "区消防救援支队", None);
        let office = org("office", OrgKind::Office, "区领导小组办公室", None);
        Self {
            reviewer: person("brigade/1", &brigade, Role::Brigade, "支队审核员一"),
            office_clerk: person("office/1", &office, Role::Office, "办公室干事一"),
            brigade,
            office,
            streets: streets().iter().map(StreetCast::of).collect(),
        }
    }

    /// Every organisation.
    pub fn orgs(&self) -> impl Iterator<Item = &Org> {
        let district = [&self.brigade, &self.office];
        district.into_iter().chain(self.streets.iter().flat_map(|s| [&s.office, &s.property, &s.police]))
    }

    /// Every person.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        let district = [&self.reviewer, &self.office_clerk];
        district.into_iter().chain(
            self.streets.iter().flat_map(|s| [&s.clerk, &s.inspectors[0], &s.inspectors[1], &s.officer]),
        )
    }
}

impl StreetCast {
    fn of(street: &Street) -> Self {
        let (code, name) = (street.code, street.name);
        let at = Some(code);
        let office = org(&format!("street/{code}"), OrgKind::Street, name, at);
        let company = format!("{name}示例物业公司");
        let property = org(&format!("property/{code}"), OrgKind::PropertyManager, &company, at);
        let police = org(&format!("police/{code}"), OrgKind::Police, &format!("{name}派出所"), at);
        let inspector = |n: u8, label: &str| {
            person(
                &format!("property/{code}/{n}"),
                &property,
                Role::PropertyManager,
                &format!("{name}物业{label}"),
            )
        };
        Self {
            street: code,
            clerk: person(&format!("street/{code}/1"), &office, Role::Street, &format!("{name}经办一")),
            inspectors: [inspector(1, "巡查员甲"), inspector(2, "巡查员乙")],
            officer: person(&format!("police/{code}/1"), &police, Role::Police, &format!("{name}民警一")),
            office,
            property,
            police,
        }
    }
}

fn org(code: &str, kind: OrgKind, name: &str, street: Option<StreetCode>) -> Org {
    Org { id: Org::well_known_id(code), kind, name: name.to_owned(), street }
}

fn person(code: &str, org: &Org, role: Role, name: &str) -> Person {
    Person { id: person_id(code), org: org.id, role, name: name.to_owned() }
}

/// The id of a made-up person.
#[must_use]
pub fn person_id(code: &str) -> PersonId {
    PersonId(derived("louan/kit/person/1", &[code.as_bytes()]))
}

/// The id of a made-up organisation's book keeper, for tests that need a stranger.
#[must_use]
pub fn stranger_org() -> OrgId {
    Org::well_known_id("stranger")
}
