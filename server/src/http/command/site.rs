//! A registry entry as JSON: a compound with its buildings.
//!
//! Every field is named; unknown and repeated ones are refused (A06). Whether the entry is in
//! order is the registry's business, not decided here.

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState};
use louan_schema::id::{BuildingId, OrgId, SiteId};
use louan_schema::registry::{Building, FloorName, Footprint, Position, Site};
use louan_schema::ruling::Act;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::http::api_error::ApiError;
use crate::http::openapi::shape;
use crate::import::datum::{e7, to_wgs84};

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
    /// Absent: as it stands. Null: none any more.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<FootprintEntry>)]
    footprint: Option<Option<FootprintEntry>>,
}

/// A field that is there, if only as null.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// An outline on the ground: its corners in order, longitude and latitude each.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FootprintEntry {
    #[schema(schema_with = shape::datum)]
    datum: Datum,
    #[schema(schema_with = shape::corners)]
    corners_e7: Vec<(i32, i32)>,
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
    /// The compound whose buildings are asked for, if there is one of which the entry does not say everything.
    pub(super) fn leaves_something(&self) -> Option<SiteId> {
        self.buildings.iter().any(|building| building.footprint.is_none()).then_some(self.site.id)
    }

    /// The act this entry asks for; what it says nothing of stays as it stands.
    ///
    /// # Errors
    /// [`ApiError`] for an outline that is none.
    pub(super) fn into_act(self, standing: &[Building]) -> Result<Act, ApiError> {
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
        let rows = (0..).zip(buildings).map(|(at, building)| building.into_row(id, at, standing));
        Ok(Act::RegisterSite(site, rows.collect::<Result<_, _>>()?))
    }
}

impl BuildingEntry {
    fn into_row(self, site: SiteId, at: usize, standing: &[Building]) -> Result<Building, ApiError> {
        let floor = |floor: FloorEntry| FloorName {
            index: floor.index,
            name: floor.name,
            street_level: floor.street_level,
        };
        let stands = || standing.iter().find(|row| row.id == self.id)?.footprint.clone();
        let footprint = match self.footprint {
            Some(outline) => outline.map(|outline| outline.into_row(at)).transpose()?,
            None => stands(),
        };
        Ok(Building {
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
            footprint,
        })
    }
}

impl FootprintEntry {
    /// The outline of the building at a place of the list, in WGS-84 whatever it came in.
    fn into_row(self, at: usize) -> Result<Footprint, ApiError> {
        let wrong = |words: &str| {
            let pointer = format!("/act/register_site/buildings/{at}/footprint");
            ApiError::field(&pointer, "footprint", words)
        };
        let corners = self.corners_e7.into_iter().map(|(lon, lat)| {
            let (lon, lat) = to_wgs84(f64::from(lon) / 1e7, f64::from(lat) / 1e7, self.datum)?;
            Some((e7(lon), e7(lat)))
        });
        let corners = corners.collect::<Option<Vec<_>>>();
        let corners = corners.ok_or_else(|| wrong("该位置不能从所填坐标系换算"))?;
        Footprint::new(&corners).ok_or_else(|| {
            let most = Footprint::CORNERS_MAX;
            wrong(&format!("轮廓须有 3 至 {most} 个不同的角点、围成一块地，且跨度不超过 2 公里"))
        })
    }
}
