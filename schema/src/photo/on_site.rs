//! Was a photo taken at its building? A flag for reviewers, never a refusal (P05).
//!
//! A pure function of what the device said and where the building stands, both in WGS-84; CGCS2000 differs from it
//! by less than a metre here. Positions of another datum are half a kilometre off and are converted before asking.
//! A position proves nothing about a person who means to deceive: it makes honest work easy to accept.

use geo::{Coord, Distance, Euclidean, Intersects, LineString, Point, Polygon};
use minicbor::{Decode, Encode};

use super::PhotoPosition;
use crate::code::{Datum, code_list};
use crate::registry::{Footprint, Position};
use crate::time::Timestamp;

/// How far from its building a photo may be taken, in metres, beyond what the fix itself leaves open: façades and
/// fire lanes are photographed from across the road, and a compound's gate is up to 300 m from its last block (P05).
pub const NEAR_M: u32 = 300;
/// The worst accuracy that still proves something, in metres: with [`NEAR_M`] it makes 500, and a position given in
/// the wrong datum, 507 m off here, is noticed however poor the fix.
pub const ACCURACY_MAX_M: u32 = 200;
/// How old a fix may be when the photo is taken, in milliseconds: in five minutes a person walks [`NEAR_M`] with
/// something to carry (1 m/s).
pub const FIX_AGE_MAX_MS: i64 = 5 * 60_000;
/// Metres of one degree of latitude, on the sphere of the same volume as the Earth.
const METRES_A_DEGREE: f64 = 111_194.93;

code_list! {
    /// Where a position comes from (定位来源).
    PositionSource {
        Sensor = 1, "sensor", "定位传感器";
        Exif = 2, "exif", "照片文件";
    }
}

code_list! {
    /// Why a photo is not proven to be taken on site (位置未证实原因).
    UnprovenReason {
        NoPosition = 1, "no_position", "没有定位";
        Mock = 2, "mock", "模拟定位";
        NotSensor = 3, "not_sensor", "位置仅来自照片文件";
        NoGround = 4, "no_ground", "建筑位置未登记";
        Stale = 5, "stale", "定位时间与拍摄时间相差过大";
        Inaccurate = 6, "inaccurate", "定位精度不足";
        TooFar = 7, "too_far", "距建筑过远";
    }
}

/// Whether a photo was taken at its building (现场核验).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum OnSite {
    /// It was, as far as a position can tell.
    #[n(0)]
    Proven {
        /// Metres between the position and the building; 0 inside its footprint.
        #[n(0)]
        distance_m: u32,
    },
    /// It is not proven; that is no accusation.
    #[n(1)]
    Unproven {
        /// The first reason found.
        #[n(0)]
        reason: UnprovenReason,
        /// Metres between the position and the building, when both are known.
        #[n(1)]
        distance_m: Option<u32>,
    },
}

/// Something a photo may be taken at (建筑位置), WGS-84 or CGCS2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground<'a> {
    /// A building's outline.
    Footprint(&'a Footprint),
    /// A point of a compound.
    Point {
        /// Longitude in ten-millionths of a degree.
        lon_e7: i32,
        /// Latitude in ten-millionths of a degree.
        lat_e7: i32,
    },
}

impl Ground<'_> {
    /// The ground of a registered position; one in a datum that is half a kilometre off is none.
    #[must_use]
    pub const fn of(position: Position) -> Option<Self> {
        match position {
            Position { lon_e7, lat_e7, datum: Datum::Wgs84 | Datum::Cgcs2000, .. } => {
                Some(Self::Point { lon_e7, lat_e7 })
            }
            Position { datum: Datum::Gcj02 | Datum::Bd09, .. } => None,
        }
    }
}

/// Judges whether a photo taken at `taken_at` at `position` was taken on site: at the nearest of `grounds`, which are
/// a building's own, or all of a compound's for a place its buildings share. None of them known proves nothing.
#[must_use]
pub fn on_site(position: Option<&PhotoPosition>, taken_at: Timestamp, grounds: &[Ground<'_>]) -> OnSite {
    let Some(position) = position.filter(|at| at.is_somewhere()) else {
        return OnSite::Unproven { reason: UnprovenReason::NoPosition, distance_m: None };
    };
    let here = (position.lon_e7, position.lat_e7);
    let distance_m = grounds.iter().filter_map(|ground| distance_m(here, *ground)).min();
    let reason = match (position.accuracy_m, distance_m) {
        _ if position.mock => Some(UnprovenReason::Mock),
        _ if position.source != PositionSource::Sensor => Some(UnprovenReason::NotSensor),
        (_, None) => Some(UnprovenReason::NoGround),
        _ if is_stale(position.fixed_at, taken_at) => Some(UnprovenReason::Stale),
        (None, _) => Some(UnprovenReason::Inaccurate),
        (Some(accuracy), _) if accuracy > ACCURACY_MAX_M => Some(UnprovenReason::Inaccurate),
        (Some(accuracy), Some(distance)) if distance > NEAR_M + accuracy => Some(UnprovenReason::TooFar),
        _ => None,
    };
    match (reason, distance_m) {
        (None, Some(distance_m)) => OnSite::Proven { distance_m },
        (reason, distance_m) => {
            OnSite::Unproven { reason: reason.unwrap_or(UnprovenReason::NoGround), distance_m }
        }
    }
}

/// A fix without a time, or too long before or after the picture.
fn is_stale(fixed_at: Option<Timestamp>, taken_at: Timestamp) -> bool {
    fixed_at.is_none_or(|at| at.ms().abs_diff(taken_at.ms()) > FIX_AGE_MAX_MS.unsigned_abs())
}

/// Metres from a position to the ground, rounded up.
fn distance_m((lon, lat): (i32, i32), ground: Ground<'_>) -> Option<u32> {
    // A plane around the position: within the kilometre that matters it is right to a few centimetres.
    let east = METRES_A_DEGREE * (f64::from(lat) / 1e7).to_radians().cos();
    let plane = |(to_lon, to_lat): (i32, i32)| {
        let around =
            (i64::from(to_lon) - i64::from(lon) + 1_800_000_000).rem_euclid(3_600_000_000) - 1_800_000_000;
        let up = i64::from(to_lat) - i64::from(lat);
        #[allow(clippy::cast_precision_loss, reason = "below 2^33")]
        let (x, y) = (around as f64 / 1e7 * east, up as f64 / 1e7 * METRES_A_DEGREE);
        Coord { x, y }
    };
    let here = Point::new(0.0, 0.0);
    let metres = match ground {
        Ground::Point { lon_e7, lat_e7 } => Euclidean.distance(here, Point(plane((lon_e7, lat_e7)))),
        Ground::Footprint(outline) => {
            let ring = outline.corners().iter().map(|at| plane(*at)).collect();
            let polygon = Polygon::new(LineString(ring), Vec::new());
            if polygon.intersects(&here) { 0.0 } else { Euclidean.distance(&here, polygon.exterior()) }
        }
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "half the Earth is 20,038 km")]
    metres.is_finite().then(|| metres.ceil() as u32)
}
