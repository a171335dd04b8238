//! What a camera claims: when, where, and which way up. Claims, read from strangers' bytes and never trusted.
//!
//! A field that cannot be is nothing, never a default and never a panic; one bad field spoils no other. Only these
//! fields are read: owner, serial number, notes, texts and the thumbnail of the uncropped picture are not (P06).

mod place;

use exif::{DateTime, Exif, In, Reader, Tag, Value};
use louan_schema::photo::{FIX_AGE_MAX_MS, PhotoPosition, Taken, TakenBy};
use louan_schema::time::{Day, Timestamp};

/// What of a camera's notes is believed to be meant seriously (相机信息).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameraNotes {
    /// Which way up, EXIF's 1 to 8; 1 when not said.
    pub orientation: u8,
    /// When, by the camera's clock; +08:00 is assumed, and said so, where it names no offset.
    pub taken: Option<Taken>,
    /// Where, in WGS-84, from the file.
    pub position: Option<PhotoPosition>,
}

impl Default for CameraNotes {
    fn default() -> Self {
        Self { orientation: 1, taken: None, position: None }
    }
}

impl CameraNotes {
    /// Whether the position was fixed at another time than the picture was taken, by more than
    /// [`FIX_AGE_MAX_MS`]; a position without a time, or a picture without one, is not called so.
    #[must_use]
    pub fn fix_is_stale(&self) -> bool {
        let fixed = self.position.and_then(|position| position.fixed_at);
        match (fixed, self.taken) {
            (Some(fixed), Some(taken)) => fixed.ms().abs_diff(taken.at.ms()) > FIX_AGE_MAX_MS.unsigned_abs(),
            _ => false,
        }
    }
}

/// Reads a camera's notes, a TIFF structure.
#[must_use]
pub fn read(notes: &[u8]) -> CameraNotes {
    let read = Reader::new().continue_on_error(true).read_raw(notes.to_vec());
    let Ok(exif) = read.or_else(|error| error.distill_partial_result(|_| {})) else {
        return CameraNotes::default();
    };
    CameraNotes {
        orientation: orientation(&exif).unwrap_or(1),
        taken: taken(&exif),
        position: place::position(&exif),
    }
}

fn value(exif: &Exif, tag: Tag) -> Option<&Value> {
    exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match value(exif, tag)? {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        _ => None,
    }
}

fn orientation(exif: &Exif) -> Option<u8> {
    let said = value(exif, Tag::Orientation)?.get_uint(0)?;
    u8::try_from(said).ok().filter(|n| (1..=8).contains(n))
}

fn taken(exif: &Exif) -> Option<Taken> {
    let mut said = DateTime::from_ascii(ascii(exif, Tag::DateTimeOriginal)?).ok()?;
    if let Some(offset) = ascii(exif, Tag::OffsetTimeOriginal) {
        // A broken offset is no offset.
        let _ = said.parse_offset(offset);
    }
    let offset = said.offset.filter(|minutes| (-14 * 60..=14 * 60).contains(minutes));
    let by = if offset.is_some() { TakenBy::Camera } else { TakenBy::CameraZoneAssumed };
    let in_greenwich = instant(&said)?;
    let at = in_greenwich.plus_ms(-60_000 * i64::from(offset.unwrap_or(8 * 60)));
    Some(Taken { at, by })
}

/// A civil time as if in Greenwich; nothing when there is no such day or hour.
fn instant(said: &DateTime) -> Option<Timestamp> {
    let day = Day::new(
        i16::try_from(said.year).ok()?,
        i8::try_from(said.month).ok()?,
        i8::try_from(said.day).ok()?,
    );
    let (hour, minute, second) = (said.hour, said.minute, said.second);
    // 60 is a leap second.
    if hour > 23 || minute > 59 || second > 60 || said.year < 1900 {
        return None;
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some(Timestamp::from_ms((i64::from(day.ok()?.count()) * 86_400 + seconds) * 1_000))
}

#[cfg(test)]
mod tests;
