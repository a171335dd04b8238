//! Footprints as GeoJSON, read as a table: one feature, one line.
//!
//! Of a feature's properties those are taken that maps give buildings: a name, a height, storeys; of its outline the
//! middle. A footprint without a name is still a building and is called by its number. Which datum the positions are
//! in no file says reliably; who imports says it.

use geo::{Centroid, MultiPolygon, Polygon};
use geojson::{FeatureCollection, GeoJson, GeometryValue};
use serde_json::{Map, Value};

use super::{Line, ROWS_MAX, Table, TableFault, cleaned};

/// The header of the table, in the titles lists use.
const HEADER: [&str; 5] = ["建筑名称", "建筑高度", "地上层数", "经度", "纬度"];
/// Names under which maps give a name.
const NAME: [&str; 3] = ["name", "名称", "建筑名称"];
/// Names under which maps give a height in metres.
const HEIGHT: [&str; 4] = ["height", "Height", "建筑高度", "高度"];
/// Names under which maps give storeys.
const STOREYS: [&str; 5] = ["Floor", "floor", "levels", "building:levels", "层数"];

/// Whether a text may be GeoJSON: no list of buildings begins like an object.
pub(super) fn may_be(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().starts_with(b"{")
}

/// Reads footprints.
pub(super) fn read(bytes: &[u8]) -> Result<Table, TableFault> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| TableFault::NotGeoJson)?;
    let json: GeoJson = text.parse().map_err(|_| TableFault::NotGeoJson)?;
    let GeoJson::FeatureCollection(FeatureCollection { features, .. }) = json else {
        return Err(TableFault::NotGeoJson);
    };
    if features.len() > ROWS_MAX as usize {
        return Err(TableFault::TooManyRows);
    }
    let mut lines = vec![Line { number: 0, cells: HEADER.map(str::to_owned).to_vec() }];
    for (number, feature) in (1_u32..).zip(features) {
        let properties = feature.properties.unwrap_or_default();
        let text = |column: u32, names: &[&str]| cleaned(&given(&properties, names), number, column);
        let name = text(1, &NAME)?;
        let name = if name.is_empty() { format!("轮廓 {number}") } else { name };
        let mut cells = vec![name, text(2, &HEIGHT)?, text(3, &STOREYS)?];
        if let Some((lon, lat)) = feature.geometry.as_ref().and_then(|geometry| middle(&geometry.value)) {
            cells.extend([format!("{lon:.7}"), format!("{lat:.7}")]);
        }
        lines.push(Line { number, cells });
    }
    Ok(Table { sheet: String::new(), features: true, lines })
}

fn given(properties: &Map<String, Value>, names: &[&str]) -> String {
    let value = names.iter().find_map(|name| properties.get(*name).filter(|value| !value.is_null()));
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The middle of an outline.
fn middle(value: &GeometryValue) -> Option<(f64, f64)> {
    let outline: Polygon<f64> = match value {
        GeometryValue::Polygon { .. } => value.clone().try_into().ok()?,
        GeometryValue::MultiPolygon { .. } => {
            MultiPolygon::try_from(value.clone()).ok()?.0.into_iter().next()?
        }
        _ => return None,
    };
    let at = outline.centroid()?;
    (at.x().is_finite() && at.y().is_finite()).then_some((at.x(), at.y()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"name":"示例大厦","height":30.5,"Floor":10},
         "geometry":{"type":"Polygon","coordinates":[[[106.0,29.0],[106.2,29.0],[106.2,29.2],[106.0,29.2],[106.0,29.0]]]}},
        {"type":"Feature","properties":{"height":null},"geometry":null}]}"#;

    #[test]
    fn a_feature_is_a_line_with_the_middle_of_its_outline() {
        let table = read(TWO.as_bytes()).expect("reads");
        assert!(table.features);
        let cells: Vec<(u32, Vec<&str>)> =
            table.lines.iter().map(|l| (l.number, l.cells.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            cells[1..],
            [(1, vec!["示例大厦", "30.5", "10", "106.1000000", "29.1000000"]), (2, vec!["轮廓 2", "", ""])]
        );
    }

    #[test]
    fn what_is_no_collection_of_features_is_refused() {
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        for text in ["{", "{}", r#"{"type":"Point","coordinates":[1,2]}"#, &TWO[..200], &deep] {
            assert_eq!(read(text.as_bytes()), Err(TableFault::NotGeoJson));
        }
    }
}
