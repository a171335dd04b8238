//! GeoPackage 1.4: a map in a SQLite file, one layer of points (OGC 12-128r19).
//!
//! A file to be handed over, not a store: it is written once, without a journal, in a folder of its own.

use std::path::Path;

use geozero::{CoordDimensions, ToWkb};
use louan_schema::code::Datum;
use rusqlite::Connection;

use super::ReportError;
use super::places::PlacedBuilding;

/// "GPKG", as the standard asks.
const APPLICATION_ID: i32 = 0x4750_4b47;
/// Version 1.4.
const USER_VERSION: i32 = 10_400;

const SCHEMA: &str = "
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL REFERENCES gpkg_contents(table_name), column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL REFERENCES gpkg_spatial_ref_sys(srs_id),
  z TINYINT NOT NULL, m TINYINT NOT NULL, PRIMARY KEY (table_name, column_name));
CREATE TABLE buildings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, id TEXT, code TEXT, name TEXT, site TEXT, street TEXT,
  address TEXT, use TEXT, height REAL, levels INTEGER, class TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian', -1, 'NONE', -1, 'undefined', NULL),
  ('Undefined geographic', 0, 'NONE', 0, 'undefined', NULL);
";

const WGS84: &str = "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,\
AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433],\
AUTHORITY[\"EPSG\",\"4326\"]]";
const CGCS2000: &str = "GEOGCS[\"China Geodetic Coordinate System 2000\",DATUM[\"China_2000\",SPHEROID[\"CGCS2000\",\
6378137,298.257222101,AUTHORITY[\"EPSG\",\"1024\"]],AUTHORITY[\"EPSG\",\"1043\"]],PRIMEM[\"Greenwich\",0],\
UNIT[\"degree\",0.0174532925199433],AUTHORITY[\"EPSG\",\"4490\"]]";

impl From<rusqlite::Error> for ReportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Map(error.into())
    }
}

/// A GeoPackage being written.
pub(super) struct GeoPackage {
    file: Connection,
    srs: i32,
}

/// The number of a datum in the file, who numbers it so, and its definition. GCJ-02 and BD-09 are in no register: they
/// have numbers of ours and say their name.
const fn reference(datum: Datum) -> (i32, &'static str, &'static str) {
    match datum {
        Datum::Wgs84 => (4326, "EPSG", WGS84),
        Datum::Cgcs2000 => (4490, "EPSG", CGCS2000),
        Datum::Gcj02 => (990_002, "LOUAN", "undefined"),
        Datum::Bd09 => (990_009, "LOUAN", "undefined"),
    }
}

impl GeoPackage {
    /// Makes a file with an empty layer.
    ///
    /// # Errors
    /// [`ReportError`].
    pub(super) fn create(path: &Path, datum: Datum) -> Result<Self, ReportError> {
        let file = Connection::open(path)?;
        file.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;")?;
        file.pragma_update(None, "application_id", APPLICATION_ID)?;
        file.pragma_update(None, "user_version", USER_VERSION)?;
        file.execute_batch(SCHEMA)?;
        let (srs, organization, definition) = reference(datum);
        let sql = "INSERT INTO gpkg_spatial_ref_sys VALUES (?1, ?2, ?3, ?2, ?4, NULL)";
        file.execute(sql, (datum.label(), srs, organization, definition))?;
        if srs != 4326 {
            // Every GeoPackage has it.
            file.execute(sql, (Datum::Wgs84.label(), 4326, "EPSG", WGS84))?;
        }
        let described = format!("坐标系 {}", datum.label());
        let sql = "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) \
                   VALUES ('buildings', 'features', '高层建筑', ?1, ?2)";
        file.execute(sql, (described, srs))?;
        let sql = "INSERT INTO gpkg_geometry_columns VALUES ('buildings', 'geom', 'POINT', ?1, 0, 0)";
        file.execute(sql, [srs])?;
        Ok(Self { file, srs })
    }

    /// Adds a building.
    ///
    /// # Errors
    /// [`ReportError`].
    pub(super) fn push(&self, placed: &PlacedBuilding) -> Result<(), ReportError> {
        let point = geo::Geometry::Point(geo::Point::new(placed.lon, placed.lat));
        let geometry = point.to_gpkg_wkb(CoordDimensions::xy(), Some(self.srs), Vec::new());
        let geometry = geometry.map_err(|e| ReportError::Io(std::io::Error::other(e)))?;
        let sql = "INSERT INTO buildings (geom, id, code, name, site, street, address, use, height, levels, class) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.file.prepare_cached(sql)?.execute((
            geometry,
            &placed.id,
            &placed.code,
            &placed.name,
            &placed.site,
            placed.street,
            &placed.address,
            placed.building_use,
            placed.height_m,
            placed.storeys,
            placed.class,
        ))?;
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`ReportError`].
    pub(super) fn finish(self) -> Result<(), ReportError> {
        Ok(self.file.execute_batch("COMMIT;")?)
    }
}
