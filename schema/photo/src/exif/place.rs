//! Where a camera claims to have been.
//!
//! Seen in real files: seconds of 0/0, a position of (0, 0), a datum and nothing else, minutes with a fraction,
//! dates like `2014:09:259`, fixes of the day before (`domain.md` §4.1). What is half said is not said.

use exif::{DateTime, Exif, Rational, Tag, Value};
use louan_schema::photo::{PhotoPosition, PositionSource};
use louan_schema::time::Timestamp;

use super::{ascii, instant, value};

/// The position, when latitude, longitude and their hemispheres are all there and name a place.
pub(super) fn position(exif: &Exif) -> Option<PhotoPosition> {
    if ascii(exif, Tag::GPSMapDatum).is_some_and(|datum| !is_wgs84(datum)) {
        return None;
    }
    let lat = angle(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, (b'N', b'S'), 90.0)?;
    let lon = angle(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, (b'E', b'W'), 180.0)?;
    let position = PhotoPosition {
        lon_e7: e7(lon),
        lat_e7: e7(lat),
        accuracy_m: accuracy_m(exif),
        fixed_at: fixed_at(exif),
        mock: false,
        source: PositionSource::Exif,
    };
    position.is_somewhere().then_some(position)
}

/// Whether a datum's name means WGS-84, or CGCS2000, which is the same here; an empty one says nothing.
fn is_wgs84(datum: &[u8]) -> bool {
    let name: Vec<u8> =
        datum.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    matches!(name.as_slice(), b"" | b"WGS84" | b"CGCS2000")
}

/// Signed degrees out of degrees, minutes and seconds with their hemisphere.
fn angle(exif: &Exif, tag: Tag, hemisphere: Tag, (plus, minus): (u8, u8), most: f64) -> Option<f64> {
    let sign = match ascii(exif, hemisphere)?.first()?.to_ascii_uppercase() {
        letter if letter == plus => 1.0,
        letter if letter == minus => -1.0,
        _ => return None,
    };
    let Value::Rational(parts) = value(exif, tag)? else { return None };
    let [degrees, minutes, rest @ ..] = parts.as_slice() else { return None };
    let minutes_are_whole = minutes.denom == 1;
    let (degrees, minutes) = (number(*degrees)?, number(*minutes)?);
    // Seconds may be missing only where the minutes carry a fraction: else the place is open by two kilometres.
    let seconds = match rest.first().copied().and_then(number) {
        Some(seconds) => seconds,
        None if minutes_are_whole => return None,
        None => 0.0,
    };
    let angle = degrees + minutes / 60.0 + seconds / 3600.0;
    (minutes < 60.0 && seconds < 60.0 && angle <= most).then_some(sign * angle)
}

fn number(ratio: Rational) -> Option<f64> {
    (ratio.denom != 0).then(|| ratio.to_f64())
}

#[allow(clippy::cast_possible_truncation, reason = "at most 180 degrees, which fit")]
fn e7(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn accuracy_m(exif: &Exif) -> Option<u32> {
    let Value::Rational(parts) = value(exif, Tag::GPSHPositioningError)? else { return None };
    let metres = number(*parts.first()?)?.ceil();
    (metres > 0.0 && metres <= f64::from(u32::MAX)).then_some(metres as u32)
}

/// When the position was fixed: date and time in Greenwich, both or nothing.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be below 60")]
fn fixed_at(exif: &Exif) -> Option<Timestamp> {
    let date = std::str::from_utf8(ascii(exif, Tag::GPSDateStamp)?).ok()?.trim_end_matches('\0').trim_end();
    let parts: Vec<&str> = date.split([':', '-']).collect();
    let [year, month, day] = parts[..] else { return None };
    let Value::Rational(time) = value(exif, Tag::GPSTimeStamp)? else { return None };
    let part = |i: usize| number(*time.get(i)?).filter(|n| *n < 61.0).map(|n| n as u8);
    instant(&DateTime {
        year: year.parse().ok()?,
        month: month.parse().ok()?,
        day: day.parse().ok()?,
        hour: part(0)?,
        minute: part(1)?,
        second: part(2)?,
        nanosecond: None,
        offset: None,
    })
}
