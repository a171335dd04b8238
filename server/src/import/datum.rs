//! From the datums of Chinese maps to the one that is stored. The arithmetic is a library's.
//!
//! GCJ-02 and BD-09 are half a kilometre off here: a mixed-up datum puts a building into another community.

use gcoord::{ConvertError, CoordSystem, Coordinate, transform};
use louan_schema::code::Datum;

/// Degrees in some datum as WGS-84; nothing where the datum says nothing (GCJ-02 and BD-09 exist in China only).
#[must_use]
pub fn to_wgs84(lon: f64, lat: f64, from: Datum) -> Option<(f64, f64)> {
    convert(lon, lat, system(from), CoordSystem::WGS84)
}

/// Degrees in WGS-84 as another datum; outside China all datums agree, and maps of GCJ-02 and BD-09 show WGS-84 there.
#[must_use]
pub fn from_wgs84(lon: f64, lat: f64, to: Datum) -> Option<(f64, f64)> {
    convert(lon, lat, CoordSystem::WGS84, system(to))
}

fn convert(lon: f64, lat: f64, from: CoordSystem, to: CoordSystem) -> Option<(f64, f64)> {
    if !lon.is_finite() || !lat.is_finite() || lon.abs() > 180.0 || lat.abs() > 90.0 {
        return None;
    }
    let here = Coordinate::new(lon, lat);
    let at = match transform(here, from, to) {
        // What is entered with a datum that says nothing there is a mistake; what is stored has to be shown.
        Err(ConvertError::OutOfChina) if from == CoordSystem::WGS84 => here,
        found => found.ok()?,
    };
    (at.lng.is_finite() && at.lat.is_finite()).then_some((at.lng, at.lat))
}

/// CGCS2000 differs from WGS-84 by less than a metre: the label is kept, the numbers are the same.
const fn system(datum: Datum) -> CoordSystem {
    match datum {
        Datum::Wgs84 | Datum::Cgcs2000 => CoordSystem::WGS84,
        Datum::Gcj02 => CoordSystem::GCJ02,
        Datum::Bd09 => CoordSystem::BD09,
    }
}

/// Degrees as ten-millionths.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "180 degrees are 1.8e9 ten-millionths, which an i32 holds"
)]
pub fn e7(degrees: f64) -> i32 {
    (degrees.clamp(-180.0, 180.0) * 1e7).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WGS-84, GCJ-02 and BD-09 of the same places, from independent implementations.
    const PLACES: [[f64; 6]; 5] = [
        [106.651, 29.028, 106.654_748_7, 29.024_819_5, 106.661_213_5, 29.030_894_5],
        [106.9217, 28.9619, 106.925_584_8, 28.958_626_4, 106.932_019, 28.964_938_3],
        [106.5516, 29.563, 106.555_317_6, 29.560_151_3, 106.561_748_2, 29.566_466],
        [121.527_210_6, 31.177_427_6, 121.531_541_9, 31.175_304, 121.538_015_7, 31.181_328_6],
        [113.912_316, 22.543_847, 113.917_176_5, 22.540_796_1, 113.923_684_7, 22.546_667_4],
    ];

    /// Outside China GCJ-02 is WGS-84.
    const TORONTO: (f64, f64) = (-79.3827, 43.6674);

    fn near(found: Option<(f64, f64)>, lon: f64, lat: f64) -> bool {
        found.is_some_and(|(x, y)| (x - lon).abs() <= 1e-6 && (y - lat).abs() <= 1e-6)
    }

    #[test]
    fn the_vectors_agree_within_a_millionth_of_a_degree_both_ways() {
        for [lon, lat, gcj_lon, gcj_lat, bd_lon, bd_lat] in PLACES {
            assert!(near(from_wgs84(lon, lat, Datum::Gcj02), gcj_lon, gcj_lat), "{lon},{lat}");
            assert!(near(from_wgs84(lon, lat, Datum::Bd09), bd_lon, bd_lat), "{lon},{lat}");
            assert!(near(to_wgs84(gcj_lon, gcj_lat, Datum::Gcj02), lon, lat), "{lon},{lat}");
            assert!(near(to_wgs84(bd_lon, bd_lat, Datum::Bd09), lon, lat), "{lon},{lat}");
            assert!(near(to_wgs84(lon, lat, Datum::Cgcs2000), lon, lat), "{lon},{lat}");
        }
    }

    #[test]
    fn outside_china_a_map_of_any_datum_shows_what_is_stored() {
        let (lon, lat) = TORONTO;
        for datum in Datum::ALL {
            assert_eq!(from_wgs84(lon, lat, *datum), Some(TORONTO), "{datum:?}");
        }
    }

    #[test]
    fn what_is_nowhere_is_not_converted() {
        for (lon, lat) in [(f64::NAN, 29.0), (f64::INFINITY, 29.0), (200.0, 29.0), (106.0, 95.0)] {
            for datum in Datum::ALL {
                assert_eq!(to_wgs84(lon, lat, *datum), None, "{lon},{lat}");
            }
        }
        assert_eq!(to_wgs84(TORONTO.0, TORONTO.1, Datum::Gcj02), None, "GCJ-02 is of China");
        assert_eq!(e7(106.651), 1_066_510_000);
    }
}
