//! Footprints as GeoJSON, read as a table: one feature, one line.
//!
//! Of a feature's properties those are taken that maps give buildings: a name, a height, storeys; of its geometry the
//! outline, without what nobody on the ground would notice, and its middle. A footprint without a name is still a
//! building and is called by where it is: its number would be another building's in the next file. Which datum the positions are in no file says reliably; who imports says it.

use geo::{BoundingRect, CoordsIter, MapCoords, MultiPolygon, Polygon, Simplify};
use geojson::{FeatureCollection, GeoJson, GeometryValue};
use louan_schema::registry::Footprint;
use serde_json::{Map, Value};
use wkt::ToWkt;

use super::{Line, ROWS_MAX, Table, TableFault, cleaned};

/// The header of the table, in the titles lists use.
const HEADER: [&str; 6] = ["建筑名称", "建筑高度", "地上层数", "经度", "纬度", "建筑轮廓"];
/// What nobody on the ground would notice, in degrees: a decimetre.
const UNNOTICED: f64 = 1e-6;
/// How often that is doubled before an outline is taken as it is: past it a kilometre would be gone.
const DOUBLED_MAX: u32 = 13;
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
        let mut cells = vec![name, text(2, &HEIGHT)?, text(3, &STOREYS)?];
        let outline = feature.geometry.as_ref().and_then(|geometry| outline(&geometry.value));
        if let Some(outline) = outline
            && let Some((lon, lat)) = middle(&outline)
        {
            if cells[0].is_empty() {
                // A metre apart is another building.
                cells[0] = format!("轮廓 {lon:.5},{lat:.5}");
            }
            cells.extend([format!("{lon:.7}"), format!("{lat:.7}"), simplified(&outline).wkt_string()]);
        }
        lines.push(Line { number, cells });
    }
    Ok(Table { features: true, lines, ..Table::default() })
}

fn given(properties: &Map<String, Value>, names: &[&str]) -> String {
    let value = names.iter().find_map(|name| properties.get(*name).filter(|value| !value.is_null()));
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The outline of a feature: a polygon, or the first of several.
fn outline(value: &GeometryValue) -> Option<Polygon<f64>> {
    match value {
        GeometryValue::Polygon { .. } => value.clone().try_into().ok(),
        GeometryValue::MultiPolygon { .. } => {
            MultiPolygon::try_from(value.clone()).ok()?.0.into_iter().next()
        }
        _ => None,
    }
}

/// The middle of an outline: of the box around it, since the centroid of one whose sides cross may be anywhere.
fn middle(outline: &Polygon<f64>) -> Option<(f64, f64)> {
    let at = outline.bounding_rect()?.center();
    (at.x.is_finite() && at.y.is_finite()).then_some((at.x, at.y))
}

/// An outline with as many corners as a footprint may have, in centimetres; courtyards are left out.
fn simplified(outline: &Polygon<f64>) -> Polygon<f64> {
    let mut simple = Polygon::new(outline.exterior().clone(), Vec::new()).simplify(UNNOTICED);
    for doubled in 1..=DOUBLED_MAX {
        // The first corner stands at the end again.
        if simple.coords_count() <= Footprint::CORNERS_MAX + 1 {
            break;
        }
        simple = simple.simplify(UNNOTICED * f64::from(1_u32 << doubled));
    }
    simple.map_coords(|at| geo::Coord { x: (at.x * 1e7).round() / 1e7, y: (at.y * 1e7).round() / 1e7 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"name":"示例大厦","height":30.5,"Floor":10},
         "geometry":{"type":"Polygon","coordinates":[[[106.0,29.0],[106.2,29.0],[106.2,29.2],[106.0,29.2],[106.0,29.0]]]}},
        {"type":"Feature","properties":{"height":null},"geometry":null},
        {"type":"Feature","properties":{"height":40},
         "geometry":{"type":"Polygon","coordinates":[[[106.0,29.0],[106.002,29.0],[106.002,29.002],[106.0,29.0]]]}}]}"#;

    #[test]
    fn a_feature_is_a_line_with_the_middle_of_its_outline() {
        let table = read(TWO.as_bytes()).expect("reads");
        assert!(table.features);
        let cells: Vec<(u32, Vec<&str>)> =
            table.lines.iter().map(|l| (l.number, l.cells.iter().map(String::as_str).collect())).collect();
        let square = "POLYGON((106 29,106.2 29,106.2 29.2,106 29.2,106 29))";
        let third = "POLYGON((106 29,106.002 29,106.002 29.002,106 29))";
        assert_eq!(
            cells[1..],
            [
                (1, vec!["示例大厦", "30.5", "10", "106.1000000", "29.1000000", square]),
                (2, vec!["", "", ""]),
                (3, vec!["轮廓 106.00100,29.00100", "40", "", "106.0010000", "29.0010000", third]),
            ]
        );
    }

    #[test]
    fn an_outline_loses_what_nobody_would_notice_and_never_has_too_many_corners() {
        // A circle of 50 m with a thousand corners, and a square with a corner 5 cm out of its side.
        let circle: Vec<[f64; 2]> = (0..=1_000)
            .map(|n| f64::from(n % 1_000) / 500.0 * std::f64::consts::PI)
            .map(|turn| [106.0 + turn.cos() * 5e-4, 29.0 + turn.sin() * 5e-4])
            .collect();
        let square = [[0.0, 0.0], [2e-4, 0.0], [2e-4, 2e-4], [1e-4, 2.005e-4], [0.0, 2e-4], [0.0, 0.0]];
        let square = square.map(|[x, y]| [106.0 + x, 29.0 + y]);
        for (ring, least, most) in [(circle, 12, 65), (square.to_vec(), 5, 5)] {
            let feature = serde_json::json!({ "type": "Feature", "properties": {},
                "geometry": { "type": "Polygon", "coordinates": [ring] } });
            let file = serde_json::json!({ "type": "FeatureCollection", "features": [feature] }).to_string();
            let table = read(file.as_bytes()).expect("reads");
            let corners = table.lines[1].cell(5).split(',').count();
            assert!((least..=most).contains(&corners), "{corners}: {}", table.lines[1].cell(5));
        }
    }

    #[test]
    fn the_middle_of_an_outline_whose_sides_cross_is_within_it() {
        let crossed: Polygon<f64> = wkt::TryFromWkt::try_from_wkt_str(
            "POLYGON((106 29,106.001 29.001,106.001 29,106 29.0010001,106 29))",
        )
        .expect("a polygon");
        let (lon, lat) = middle(&crossed).expect("a middle");
        assert!((106.0..=106.001).contains(&lon) && (29.0..=29.0011).contains(&lat), "{lon} {lat}");
    }

    #[test]
    fn what_is_no_collection_of_features_is_refused() {
        let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        for text in ["{", "{}", r#"{"type":"Point","coordinates":[1,2]}"#, &TWO[..200], &deep] {
            assert_eq!(read(text.as_bytes()), Err(TableFault::NotGeoJson));
        }
    }
}
