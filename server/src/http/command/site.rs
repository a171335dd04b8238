//! A registry entry as JSON: a compound with its buildings.
//!
//! Every field is named; unknown and repeated ones are refused (A06). Whether the entry is in
//! order is the registry's business, not decided here.

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState};
use louan_schema::id::{BuildingId, OrgId, SiteId};
use louan_schema::registry::{Building, FloorName, Position, Site};
use louan_schema::ruling::Act;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::openapi::shape;

/// A compound and its buildings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    site: SiteEntry,
    buildings: Vec<BuildingEntry>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SiteEntry {
    #[schema(schema_with = shape::id)]
    id: SiteId,
    name: String,
    #[schema(schema_with = shape::street)]
    street: StreetCode,
    #[serde(default)]
    community: Option<u64>,
    #[serde(default)]
    grid: Option<String>,
    #[serde(default)]
    address: String,
    #[schema(schema_with = shape::management)]
    management: Management,
    #[serde(default)]
    #[schema(schema_with = shape::id_or_null)]
    managed_by: Option<OrgId>,
    #[schema(schema_with = shape::id)]
    supervised_by: OrgId,
    #[serde(default)]
    position: Option<PositionEntry>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PositionEntry {
    lon_e7: i32,
    lat_e7: i32,
    #[schema(schema_with = shape::datum)]
    datum: Datum,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BuildingEntry {
    #[schema(schema_with = shape::id)]
    id: BuildingId,
    #[serde(default)]
    code: String,
    name: String,
    #[schema(schema_with = shape::building_use)]
    building_use: BuildingUse,
    #[serde(default)]
    height_cm: Option<u32>,
    #[schema(schema_with = shape::height_source)]
    height_source: HeightSource,
    #[serde(default)]
    #[schema(maximum = 65535)]
    storeys: Option<u16>,
    #[serde(default)]
    floors: Vec<FloorEntry>,
    #[schema(schema_with = shape::registry_state)]
    state: RegistryState,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FloorEntry {
    #[schema(minimum = -32768, maximum = 32767)]
    index: i16,
    name: String,
    street_level: bool,
}

impl Entry {
    /// The act this entry asks for.
    pub(super) fn into_act(self) -> Act {
        let Self { site, buildings } = self;
        let id = site.id;
        let position = site.position.map(|at| Position {
            lon_e7: at.lon_e7,
            lat_e7: at.lat_e7,
            datum: at.datum,
            synthetic: false,
        });
        let site = Site {
            id,
            name: site.name,
            street: site.street,
            community: site.community,
            grid: site.grid,
            address: site.address,
            management: site.management,
            managed_by: site.managed_by,
            supervised_by: site.supervised_by,
            position,
        };
        Act::RegisterSite(site, buildings.into_iter().map(|building| building.into_row(id)).collect())
    }
}

impl BuildingEntry {
    fn into_row(self, site: SiteId) -> Building {
        let floor = |floor: FloorEntry| FloorName {
            index: floor.index,
            name: floor.name,
            street_level: floor.street_level,
        };
        Building {
            id: self.id,
            site,
            code: self.code,
            name: self.name,
            building_use: self.building_use,
            height_cm: self.height_cm,
            height_source: self.height_source,
            storeys: self.storeys,
            floors: self.floors.into_iter().map(floor).collect(),
            state: self.state,
        }
    }
}
