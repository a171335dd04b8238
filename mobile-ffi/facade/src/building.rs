//! A building as a screen reads it, with its compound, its floors' local names and where it is.
//!
//! One to one from the core's view, like [`crate::row`]: a height keeps its source and a position its datum,
//! because neither means anything without. Nothing is converted or computed here.

use louan_client_core::schema::policy::HeightClass;
use louan_client_core::schema::registry::{FloorName, Position};
use louan_client_core::view::BuildingView;

/// A building with its compound.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct BuildingRow {
    /// Identity.
    pub id: String,
    /// Human code.
    pub code: String,
    /// Name or number.
    pub name: String,
    /// `residential`, `public` or `mixed`.
    pub building_use: String,
    /// Height, when known.
    pub height_cm: Option<u32>,
    /// Where the height comes from: `drawing`, `measured`, `storeys` or `unknown`.
    pub height_source: String,
    /// Storeys above ground, when known.
    pub storeys: Option<u16>,
    /// Floors whose local name differs from their number, in the order of the registry.
    pub floors: Vec<FloorRow>,
    /// `not_high_rise`, `second`, `first`, `super`, `presumed` or `unknown`.
    pub height_class: String,
    /// Where it stands in the registry.
    pub state: String,
    /// The compound.
    pub site: String,
    /// The compound's name.
    pub site_name: String,
    /// The compound's address.
    pub address: String,
    /// The 街镇, nine digits.
    pub street: String,
    /// Where the compound is, when known.
    pub position: Option<PositionRow>,
}

/// A floor's local name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct FloorRow {
    /// Position from the lowest floor, 0.
    pub index: i16,
    /// What people call it; an answer's and a hazard's `floor`.
    pub name: String,
    /// Whether one walks out at street level here.
    pub street_level: bool,
}

/// A position, in the datum it came in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PositionRow {
    /// Longitude in ten-millionths of a degree.
    pub lon_e7: i32,
    /// Latitude in ten-millionths of a degree.
    pub lat_e7: i32,
    /// `wgs84`, `cgcs2000`, `gcj02` or `bd09`: without it the two numbers are 500 m apart.
    pub datum: String,
    /// Made up, not measured.
    pub synthetic: bool,
}

impl From<BuildingView> for BuildingRow {
    fn from(BuildingView { building, site, height_class }: BuildingView) -> Self {
        Self {
            id: building.id.to_string(),
            code: building.code,
            name: building.name,
            building_use: building.building_use.to_string(),
            height_cm: building.height_cm,
            height_source: building.height_source.to_string(),
            storeys: building.storeys,
            floors: building.floors.into_iter().map(FloorRow::from).collect(),
            height_class: height_word(height_class).to_owned(),
            state: building.state.to_string(),
            site: site.id.to_string(),
            site_name: site.name,
            address: site.address,
            street: site.street.to_string(),
            position: site.position.map(PositionRow::from),
        }
    }
}

impl From<FloorName> for FloorRow {
    fn from(FloorName { index, name, street_level }: FloorName) -> Self {
        Self { index, name, street_level }
    }
}

impl From<Position> for PositionRow {
    fn from(Position { lon_e7, lat_e7, datum, synthetic }: Position) -> Self {
        Self { lon_e7, lat_e7, datum: datum.to_string(), synthetic }
    }
}

const fn height_word(class: HeightClass) -> &'static str {
    match class {
        HeightClass::NotHighRise => "not_high_rise",
        HeightClass::Second => "second",
        HeightClass::First => "first",
        HeightClass::Super => "super",
        HeightClass::Presumed => "presumed",
        HeightClass::Unknown => "unknown",
    }
}
