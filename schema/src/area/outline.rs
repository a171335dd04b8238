//! The outline of the district: is a position inside 綦江区 at all?
//!
//! A generalised line for catching mixed-up datums and swapped coordinates, not a border survey: it warns, it does
//! not decide. It includes 万盛. Coordinates are CGCS2000, for phones the same as WGS-84; GCJ-02 and BD-09 must be
//! converted before asking, they are half a kilometre off.

use std::sync::LazyLock;

use geo::{Coord, Intersects, LineString, Polygon};

struct Outline {
    ring_e6: Vec<(i32, i32)>,
    polygon: Polygon<f64>,
}

static OUTLINE: LazyLock<Outline> = LazyLock::new(|| {
    let text = include_str!("../../policy/area-500110/outline.csv");
    let ring_e6: Vec<(i32, i32)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (lon, lat) = line.split_once(',').expect("two numbers, held by a test");
            (lon.parse().expect("a number, held by a test"), lat.parse().expect("a number, held by a test"))
        })
        .collect();
    let ring = ring_e6.iter().map(|(lon, lat)| Coord { x: f64::from(*lon) / 1e6, y: f64::from(*lat) / 1e6 });
    let polygon = Polygon::new(LineString(ring.collect()), Vec::new());
    Outline { ring_e6, polygon }
});

/// Whether a position in degrees (CGCS2000 or WGS-84) lies within the district or on its line.
#[must_use]
pub fn contains(lon: f64, lat: f64) -> bool {
    // The polygon's arithmetic says nothing sensible about NaN; a broken fix is outside.
    lon.is_finite() && lat.is_finite() && OUTLINE.polygon.intersects(&Coord { x: lon, y: lat })
}

/// The closed ring of the outline, longitude and latitude in millionths of a degree, for drawing.
#[must_use]
pub fn outline_e6() -> &'static [(i32, i32)] {
    &OUTLINE.ring_e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_closed_and_lies_around_the_district() {
        let ring = outline_e6();
        assert_eq!((ring.len(), ring.first()), (176, ring.last()));
        for (lon, lat) in ring {
            assert!(
                (106_300_000..107_100_000).contains(lon) && (28_400_000..29_200_000).contains(lat),
                "{lon},{lat}"
            );
        }
    }

    #[test]
    fn the_county_town_is_inside_and_its_neighbours_are_not() {
        for (lon, lat, inside) in [
            (106.651, 29.028, true),
            (106.551, 29.563, false),
            (106.0, 29.0, false),
            (107.2, 28.9, false),
            (106.7, 28.1, false),
        ] {
            assert_eq!(contains(lon, lat), inside, "{lon},{lat}");
        }
    }

    #[test]
    fn swapped_missing_and_broken_coordinates_are_outside() {
        for (lon, lat) in
            [(29.028, 106.651), (0.0, 0.0), (f64::NAN, 29.028), (106.651, f64::NAN), (f64::INFINITY, 29.0)]
        {
            assert!(!contains(lon, lat), "{lon},{lat}");
        }
    }

    #[test]
    fn a_point_on_the_line_is_inside() {
        let (lon, lat) = outline_e6()[0];
        assert!(contains(f64::from(lon) / 1e6, f64::from(lat) / 1e6));
    }
}
