//! Is it a high-rise, and which one? A pure function of use, height and storeys.
//!
//! Every limit is strict: 27.0 m is not a high-rise, 27.01 m is (部令5号 art. 50; GB 50016 table 5.1.1). It refuses
//! to guess: without a height only a residential building of ten storeys or more is presumed one, all else waits
//! for a measurement. 一类 on grounds other than height (floor areas, hospitals, archives) is not decided here.

use serde::Serialize;

use crate::code::BuildingUse;

/// Above this a residential building is a high-rise, in centimetres.
const RESIDENTIAL_CM: u32 = 2_700;
/// Above this a public building of more than one storey is a high-rise, in centimetres.
const PUBLIC_CM: u32 = 2_400;
/// Above this a residential high-rise is 一类, in centimetres.
const RESIDENTIAL_FIRST_CM: u32 = 5_400;
/// Above this a public high-rise is 一类, in centimetres.
const PUBLIC_FIRST_CM: u32 = 5_000;
/// Above this any building is a super high-rise, in centimetres.
const SUPER_CM: u32 = 10_000;
/// Storeys from which a residential building of unknown height is presumed a high-rise (GB 50045-95).
const PRESUMED_STOREYS: u16 = 10;

/// The class of a building by height (建筑高度类别).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeightClass {
    /// Not a high-rise (非高层).
    NotHighRise,
    /// A high-rise of the second class (二类).
    Second,
    /// A high-rise of the first class (一类), by its height alone.
    First,
    /// A super high-rise (超高层), above 100 m.
    Super,
    /// Presumed a high-rise from its storeys (推定高层).
    Presumed,
    /// Not known (待核): measure it.
    Unknown,
}

impl HeightClass {
    /// The class of a building from its use, its height in centimetres where known, and its storeys above ground
    /// where known. A mixed building is read by its public part, whose limits are the lower ones.
    #[must_use]
    pub fn of(building_use: BuildingUse, height_cm: Option<u32>, storeys: Option<u16>) -> Self {
        let (high, first) = match building_use {
            BuildingUse::Residential => (RESIDENTIAL_CM, RESIDENTIAL_FIRST_CM),
            BuildingUse::Public | BuildingUse::Mixed => (PUBLIC_CM, PUBLIC_FIRST_CM),
        };
        // A hall of one storey is no high-rise however tall; a residential building of one storey is none anyway.
        let single = building_use == BuildingUse::Public && storeys == Some(1);
        match height_cm {
            _ if single => Self::NotHighRise,
            Some(cm) if cm > SUPER_CM => Self::Super,
            Some(cm) if cm > first => Self::First,
            Some(cm) if cm > high => Self::Second,
            Some(_) => Self::NotHighRise,
            None if building_use == BuildingUse::Residential
                && storeys.is_some_and(|n| n >= PRESUMED_STOREYS) =>
            {
                Self::Presumed
            }
            None => Self::Unknown,
        }
    }

    /// Whether the building belongs to the programme: a high-rise, known or presumed.
    #[must_use]
    pub const fn is_high_rise(self) -> bool {
        matches!(self, Self::Second | Self::First | Self::Super | Self::Presumed)
    }

    /// The Chinese label for screens and papers.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotHighRise => "非高层",
            Self::Second => "二类",
            Self::First => "一类",
            Self::Super => "超高层",
            Self::Presumed => "推定高层",
            Self::Unknown => "待核",
        }
    }
}

#[cfg(test)]
mod tests {
    use BuildingUse::{Mixed, Public, Residential};
    use HeightClass::{First, NotHighRise, Presumed, Second, Super, Unknown};

    use super::*;

    #[test]
    fn every_limit_is_strict() {
        for (building_use, cm, class) in [
            (Residential, 2_699, NotHighRise),
            (Residential, 2_700, NotHighRise),
            (Residential, 2_701, Second),
            (Residential, 5_400, Second),
            (Residential, 5_401, First),
            (Residential, 10_000, First),
            (Residential, 10_001, Super),
            (Public, 2_400, NotHighRise),
            (Public, 2_401, Second),
            (Public, 5_000, Second),
            (Public, 5_001, First),
            (Public, 10_000, First),
            (Public, 10_001, Super),
            (Mixed, 2_400, NotHighRise),
            (Mixed, 2_401, Second),
            (Mixed, 5_001, First),
        ] {
            assert_eq!(HeightClass::of(building_use, Some(cm), Some(9)), class, "{building_use} {cm}");
            assert_eq!(
                HeightClass::of(building_use, Some(cm), None),
                class,
                "{building_use} {cm}, storeys unknown"
            );
        }
    }

    #[test]
    fn a_tall_hall_of_one_storey_is_no_high_rise() {
        assert_eq!(HeightClass::of(Public, Some(3_000), Some(1)), NotHighRise);
        assert_eq!(HeightClass::of(Public, Some(3_000), Some(2)), Second);
    }

    #[test]
    fn without_a_height_ten_storeys_of_flats_are_presumed_and_all_else_waits() {
        for (building_use, storeys, class) in [
            (Residential, Some(9), Unknown),
            (Residential, Some(10), Presumed),
            (Residential, None, Unknown),
            (Public, Some(30), Unknown),
            (Mixed, Some(30), Unknown),
        ] {
            assert_eq!(HeightClass::of(building_use, None, storeys), class, "{building_use} {storeys:?}");
        }
    }

    #[test]
    fn a_known_height_outweighs_the_storeys() {
        assert_eq!(HeightClass::of(Residential, Some(2_700), Some(10)), NotHighRise);
        assert!(!HeightClass::of(Residential, Some(2_700), Some(10)).is_high_rise());
        assert!(HeightClass::of(Residential, None, Some(10)).is_high_rise());
    }
}
