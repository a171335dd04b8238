//! The registry: organisations, people, compounds and buildings, as server rows.
//!
//! Phones read these rows and propose changes to them; only a ruling changes them. Names
//! of people stand here and nowhere else, so that they can be erased.

use minicbor::{Decode, Encode};

use crate::area::StreetCode;
use crate::code::{BuildingUse, Datum, HeightSource, Management, OrgKind, RegistryState, Role};
pub use crate::footprint::Footprint;
use crate::id::{BuildingId, OrgId, PersonId, SiteId, derived};

/// A row of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Org {
    /// Identity.
    #[n(0)]
    pub id: OrgId,
    /// What kind of organisation.
    #[n(1)]
    pub kind: OrgKind,
    /// Its name.
    #[n(2)]
    pub name: String,
    /// The 街镇 it works in, when only one.
    #[n(3)]
    pub street: Option<StreetCode>,
}

impl Org {
    /// The id of an organisation that every installation knows under the same short code.
    #[must_use]
    pub fn well_known_id(code: &str) -> OrgId {
        OrgId(derived("louan/org/1", &[code.as_bytes()]))
    }

    /// Whether it sees every site of the district: one above the streets that works in no single 街镇.
    #[must_use]
    pub const fn sees_everything(&self) -> bool {
        let above_streets = !matches!(
            self.kind,
            OrgKind::Street | OrgKind::Community | OrgKind::PropertyManager | OrgKind::Operator
        );
        above_streets && self.street.is_none()
    }

    /// The 街镇 it sees whole; a property company and the operator see nothing they are not named for.
    #[must_use]
    pub const fn street_seen(&self) -> Option<StreetCode> {
        match self.kind {
            OrgKind::PropertyManager | OrgKind::Operator => None,
            _ => self.street,
        }
    }

    /// Whether it sees this site, and its people write about it: it manages or supervises it, or sees its 街镇 or
    /// the district.
    #[must_use]
    pub fn sees(&self, site: &Site) -> bool {
        let named = site.managed_by == Some(self.id) || site.supervised_by == self.id;
        named || self.sees_everything() || self.street_seen() == Some(site.street)
    }
}

/// A row of a person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Person {
    /// Identity; the only trace of a person in documents.
    #[n(0)]
    pub id: PersonId,
    /// The organisation that appointed the person.
    #[n(1)]
    pub org: OrgId,
    /// What the person may do.
    #[n(2)]
    pub role: Role,
    /// Name as shown, whole or masked; empty once the person was erased.
    #[n(3)]
    pub name: String,
}

impl Person {
    /// The row for whoever has no need of the whole name.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { name: masked_name(&self.name), ..self }
    }
}

/// A name by its first character, not saying how many follow: enough to tell people apart who are known, too little to know
/// anybody by. Of an erased name nothing is left.
#[must_use]
pub fn masked_name(name: &str) -> String {
    name.chars().next().map_or_else(String::new, |first| format!("{first}＊＊"))
}

/// A position (坐标), with its datum always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Position {
    /// Longitude in ten-millionths of a degree.
    #[n(0)]
    pub lon_e7: i32,
    /// Latitude in ten-millionths of a degree.
    #[n(1)]
    pub lat_e7: i32,
    /// Datum of the two numbers.
    #[n(2)]
    pub datum: Datum,
    /// Made up, not measured.
    #[n(3)]
    pub synthetic: bool,
}

/// A row of a compound (小区/项目): the places several buildings share, and what is inspected once per round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Site {
    /// Identity.
    #[n(0)]
    pub id: SiteId,
    /// Name as people use it.
    #[n(1)]
    pub name: String,
    /// The 街镇; one of the 21 of the programme (AMB-22).
    #[n(2)]
    pub street: StreetCode,
    /// Community or village, twelve digits.
    #[n(3)]
    pub community: Option<u64>,
    /// Grid code, free text.
    #[n(4)]
    pub grid: Option<String>,
    /// Address.
    #[n(5)]
    pub address: String,
    /// Who manages it.
    #[n(6)]
    pub management: Management,
    /// The managing organisation, when there is one.
    #[n(7)]
    pub managed_by: Option<OrgId>,
    /// Who supervises it: confirms and closes its hazards (§1.4).
    #[n(8)]
    pub supervised_by: OrgId,
    /// Where.
    #[n(9)]
    pub position: Option<Position>,
}

/// A floor's local name (楼层俗称): 吊1, 平街层, 负3.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct FloorName {
    /// Position from the lowest floor, 0.
    #[n(0)]
    pub index: i16,
    /// What people call it.
    #[n(1)]
    pub name: String,
    /// Whether one walks out at street level here; slopes have several.
    #[n(2)]
    pub street_level: bool,
}

/// A row of a building.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Building {
    /// Identity.
    #[n(0)]
    pub id: BuildingId,
    /// Its compound.
    #[n(1)]
    pub site: SiteId,
    /// Human code, `500110001-000123`.
    #[n(2)]
    pub code: String,
    /// Name or number; a building without a number plate is still a building.
    #[n(3)]
    pub name: String,
    /// Residential, public or mixed.
    #[n(4)]
    pub building_use: BuildingUse,
    /// Height in centimetres, when known. 2,700 is not a high-rise, 2,701 is.
    #[n(5)]
    pub height_cm: Option<u32>,
    /// Where the height comes from.
    #[n(6)]
    pub height_source: HeightSource,
    /// Storeys above ground.
    #[n(7)]
    pub storeys: Option<u16>,
    /// Floors whose local name differs from their number.
    #[n(8)]
    pub floors: Vec<FloorName>,
    /// Where it stands in the registry.
    #[n(9)]
    pub state: RegistryState,
    /// Its outline on the ground, when known.
    #[n(10)]
    pub footprint: Option<Footprint>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_shows_one_character_and_not_how_many_there_are() {
        for (name, shown) in [("王小明", "王＊＊"), ("欧阳某", "欧＊＊"), ("甲", "甲＊＊"), ("", "")]
        {
            assert_eq!(masked_name(name), shown);
        }
        let row =
            Person {
                id: PersonId([1; 16]), org: OrgId([2; 16]), role: Role::Office, name: "王小明".into()
            };
        assert_eq!(row.clone().masked(), Person { name: "王＊＊".into(), ..row }, "nothing else changes");
    }
}
