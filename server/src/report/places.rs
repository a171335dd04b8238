//! Buildings on a map: GeoJSON and GeoPackage, with the datum named in both.
//!
//! Positions are stored in WGS-84 and given out in the datum asked for. Whoever lays GCJ-02 over a WGS-84 map is half a
//! kilometre off, so the name stands in the file itself. A building stands in the middle of its outline, or where its
//! compound does; one that has neither is not on the map, nor is one that is retired.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use geojson::{Feature, Geometry, GeometryValue, JsonObject};
use louan_schema::area;
use louan_schema::code::{Datum, RegistryState};
use louan_schema::policy::HeightClass;
use louan_schema::registry::{Building, Site};

use super::ReportError;
use super::sqlite::GeoPackage;
use crate::import::datum::{from_wgs84, to_wgs84};

/// A building on a map.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedBuilding {
    /// Its id, as text.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its compound's name.
    pub site: String,
    /// The 街镇.
    pub street: &'static str,
    /// The address.
    pub address: String,
    /// What it is used for, as a label.
    pub building_use: &'static str,
    /// Height in metres.
    pub height_m: Option<f64>,
    /// Storeys above ground.
    pub storeys: Option<u16>,
    /// Its class by height, as a label.
    pub class: &'static str,
    /// Longitude in the file's datum, degrees.
    pub lon: f64,
    /// Latitude in the file's datum, degrees.
    pub lat: f64,
}

/// A map file being written.
pub struct BuildingFile {
    datum: Datum,
    to: To,
}

enum To {
    GeoJson { out: BufWriter<File>, first: bool },
    GeoPackage(GeoPackage),
}

impl BuildingFile {
    /// Begins GeoJSON.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn geojson(path: PathBuf, datum: Datum) -> Result<Self, ReportError> {
        let mut out = BufWriter::new(File::create(path)?);
        // RFC 7946 knows WGS-84 only; another datum is a foreign member that names it.
        writeln!(out, "{{\"type\":\"FeatureCollection\",\"datum\":\"{}\",\"features\":[", datum.label())?;
        Ok(Self { datum, to: To::GeoJson { out, first: true } })
    }

    /// Begins a GeoPackage.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn geopackage(path: PathBuf, datum: Datum) -> Result<Self, ReportError> {
        Ok(Self { datum, to: To::GeoPackage(GeoPackage::create(&path, datum)?) })
    }

    /// Adds a building, if it stands and it or its compound has a position.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn push(&mut self, site: &Site, building: &Building) -> Result<(), ReportError> {
        let Some(placed) = placed(site, building, self.datum) else { return Ok(()) };
        match &mut self.to {
            To::GeoPackage(package) => package.push(&placed),
            To::GeoJson { out, first } => {
                let comma = if std::mem::take(first) { "" } else { ",\n" };
                write!(out, "{comma}{}", feature(placed))?;
                Ok(())
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn finish(self) -> Result<(), ReportError> {
        match self.to {
            To::GeoPackage(package) => package.finish(),
            To::GeoJson { mut out, .. } => {
                out.write_all(b"\n]}\n")?;
                Ok(out.flush()?)
            }
        }
    }
}

fn placed(site: &Site, building: &Building, datum: Datum) -> Option<PlacedBuilding> {
    if building.state == RegistryState::Retired {
        return None;
    }
    let (lon, lat) = middle(building).or_else(|| {
        let at = site.position?;
        to_wgs84(f64::from(at.lon_e7) / 1e7, f64::from(at.lat_e7) / 1e7, at.datum)
    })?;
    let (lon, lat) = from_wgs84(lon, lat, datum)?;
    let class = HeightClass::of(building.building_use, building.height_cm, building.storeys);
    Some(PlacedBuilding {
        id: building.id.to_string(),
        code: building.code.clone(),
        name: building.name.clone(),
        site: site.name.clone(),
        street: area::street(site.street).map_or("", |street| street.name),
        address: site.address.clone(),
        building_use: building.building_use.label(),
        height_m: building.height_cm.map(|cm| f64::from(cm) / 100.0),
        storeys: building.storeys,
        class: class.label(),
        lon,
        lat,
    })
}

/// The middle of a building's outline, in degrees of WGS-84.
fn middle(building: &Building) -> Option<(f64, f64)> {
    let (lon, lat) = building.footprint.as_ref()?.middle();
    Some((f64::from(lon) / 1e7, f64::from(lat) / 1e7))
}

fn feature(placed: PlacedBuilding) -> Feature {
    let mut properties = JsonObject::new();
    for (name, value) in [
        ("code", placed.code.into()),
        ("name", placed.name.into()),
        ("site", placed.site.into()),
        ("street", placed.street.into()),
        ("address", placed.address.into()),
        ("use", placed.building_use.into()),
        ("height", placed.height_m.into()),
        ("levels", placed.storeys.into()),
        ("class", placed.class.into()),
    ] {
        properties.insert(name.to_owned(), value);
    }
    let coordinates = vec![placed.lon, placed.lat].into();
    Feature {
        id: Some(geojson::feature::Id::String(placed.id)),
        geometry: Some(Geometry::new(GeometryValue::Point { coordinates })),
        properties: Some(properties),
        ..Feature::default()
    }
}
