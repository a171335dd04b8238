//! Instants, civil days and months in Asia/Shanghai.
//!
//! This room never asks for the time: instants come in. Shanghai has kept +08:00
//! without summer time since 1991, so the offset is a constant and no zone data is
//! carried to phones. A deadline "X日前" includes the day X (AMB-11).

use core::fmt;
use core::str::FromStr;

use jiff::civil::Date;
use jiff::tz::Offset;
use minicbor::{CborLen, Decode, Encode};

const DAY_MS: i64 = 86_400_000;
const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// A text that is no instant, day or month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date or an instant")]
pub struct TimeError(pub String);

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] i64);

impl Timestamp {
    /// An instant from milliseconds since 1970.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The civil day in Asia/Shanghai on which this instant falls.
    #[must_use]
    pub const fn day(self) -> Day {
        let days = (self.0.saturating_add(SHANGHAI_MS)).div_euclid(DAY_MS);
        // An i64 of milliseconds spans ±106,751,991,167 days: the clamp keeps absurd claims absurd, not wrapped.
        Day(if days > Day::MAX.0 as i64 {
            Day::MAX.0
        } else if days < Day::MIN.0 as i64 {
            Day::MIN.0
        } else {
            #[allow(clippy::cast_possible_truncation, reason = "clamped just above")]
            {
                days as i32
            }
        })
    }

    /// This instant moved by `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in Asia/Shanghai, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.day();
        let ms = (self.0.saturating_add(SHANGHAI_MS)).rem_euclid(DAY_MS) / 1000;
        write!(f, "{day}T{:02}:{:02}:{:02}+08:00", ms / 3600, ms / 60 % 60, ms % 60)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    /// Reads RFC 3339 with any offset.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError(text.to_owned()))?;
        Ok(Self(instant.as_millisecond()))
    }
}

/// A civil day in Asia/Shanghai, counted in days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct Day(#[n(0)] i32);

impl Day {
    /// The last day this type can name, 9999-12-31.
    pub const MAX: Self = Self(2_932_896);
    /// The first day this type can name, -9999-01-01 astronomical; far before any claim of a broken clock.
    pub const MIN: Self = Self(-4_371_587);

    /// A day by year, month and day of month.
    ///
    /// # Errors
    /// [`TimeError`] when there is no such day in the calendar.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, TimeError> {
        Date::new(year, month, day).map(Self::of).map_err(|_| TimeError(format!("{year}-{month}-{day}")))
    }

    /// A day by its count since 1970-01-01, clamped to what a calendar can name.
    #[must_use]
    pub const fn from_count(days: i32) -> Self {
        Self(if days > Self::MAX.0 {
            Self::MAX.0
        } else if days < Self::MIN.0 {
            Self::MIN.0
        } else {
            days
        })
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn count(self) -> i32 {
        self.0
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.date().year()
    }

    /// The month this day belongs to.
    #[must_use]
    pub fn month(self) -> Month {
        let date = self.date();
        Month { year: date.year(), month: date.month() }
    }

    /// This day moved by `days`.
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self::from_count(self.0.saturating_add(days))
    }

    /// The first instant of the day, 00:00 in Asia/Shanghai.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0 as i64 * DAY_MS - SHANGHAI_MS)
    }

    /// 24:00 of the day, the first instant that no longer belongs to it. A deadline on this day passes here;
    /// a cut-off on this day counts what happened before here.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        Timestamp((self.0 as i64 + 1) * DAY_MS - SHANGHAI_MS)
    }

    fn of(date: Date) -> Self {
        let zero = Date::constant(1970, 1, 1);
        let days = date.since(zero).map(|span| span.get_days()).unwrap_or(0);
        Self(days)
    }

    fn date(self) -> Date {
        let second = i64::from(self.0) * 86_400;
        jiff::Timestamp::from_second(second).map_or(Date::MAX, |t| Offset::UTC.to_datetime(t).date())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl FromStr for Day {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        text.parse::<Date>().map(Self::of).map_err(|_| TimeError(text.to_owned()))
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A calendar month (月份).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Calendar year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_sixteen_hundred_utc() {
        let day: Day = "2020-03-31".parse().expect("a date");
        assert_eq!(day.end(), "2020-03-31T16:00:00Z".parse().expect("an instant"));
        assert_eq!(day.end().plus_ms(-1).day(), day);
        assert_eq!(day.end().day(), day.plus_days(1));
        assert_eq!(day.start().to_string(), "2020-03-31T00:00:00+08:00");
    }

    #[test]
    fn the_year_turns_in_shanghai_not_in_greenwich() {
        let instant: Timestamp = "2020-12-31T16:00:00Z".parse().expect("an instant");
        assert_eq!(instant.day().year(), 2021);
        assert_eq!(instant.plus_ms(-1).day().year(), 2020);
    }

    #[test]
    fn days_count_and_print_alike_over_leap_years() {
        for (text, count) in
            [("1970-01-01", 0), ("2020-02-29", 18_321), ("1969-12-31", -1), ("9999-12-31", 2_932_896)]
        {
            let day: Day = text.parse().expect("a date");
            assert_eq!((day.count(), day.to_string().as_str()), (count, text));
        }
    }

    #[test]
    fn an_absurd_clock_gives_a_day_not_a_panic() {
        for ms in [i64::MIN, i64::MAX, 0] {
            let _ = Timestamp::from_ms(ms).day().to_string();
        }
        assert_eq!(Timestamp::from_ms(i64::MAX).day(), Day::MAX);
    }
}
