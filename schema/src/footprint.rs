//! The outline of a building on the ground.
//!
//! Corners and nothing else: whether a photo was taken near it stands in `photo`, and where it comes from is the
//! business of whoever enters it. What is made here reads back from its own bytes, always.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// A building's outline on the ground (建筑轮廓), in WGS-84; CGCS2000 differs from it by less than a metre.
///
/// What comes in another datum is half a kilometre off and is converted before it becomes one. Encoded as one flat
/// array: the first corner, then the step to each next one, three bytes a number, because every phone carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint(Vec<(i32, i32)>);

impl Footprint {
    /// Most corners: the most winding of three thousand real outlines has 32.
    pub const CORNERS_MAX: usize = 64;
    /// Farthest two corners may be apart either way, in ten-millionths of a degree: two kilometres and more are no
    /// building.
    pub const SPAN_MAX_E7: u32 = 200_000;

    /// An outline by its corners in order, longitude and latitude in ten-millionths of a degree, the first one said
    /// again at the end or not; a corner said twice in a row is one. Nothing for fewer than three corners, more than
    /// [`Self::CORNERS_MAX`], corners farther apart than [`Self::SPAN_MAX_E7`], an outline around nothing, and for
    /// what is not on Earth.
    #[must_use]
    pub fn new(corners: &[(i32, i32)]) -> Option<Self> {
        let mut corners = corners.to_vec();
        corners.dedup();
        while corners.len() > 1 && corners.first() == corners.last() {
            corners.pop();
        }
        let on_earth = |(lon, lat): &(i32, i32)| {
            lon.unsigned_abs() <= 1_800_000_000 && lat.unsigned_abs() <= 900_000_000
        };
        let span = |of: fn(&(i32, i32)) -> i32| {
            let (low, high) = (corners.iter().map(of).min()?, corners.iter().map(of).max()?);
            Some(high.abs_diff(low))
        };
        let small = |span: Option<u32>| span.is_some_and(|span| span <= Self::SPAN_MAX_E7);
        let whole = (3..=Self::CORNERS_MAX).contains(&corners.len())
            && corners.iter().all(on_earth)
            && small(span(|at| at.0))
            && small(span(|at| at.1))
            && twice_the_area(&corners) != 0;
        whole.then_some(Self(corners))
    }

    /// Its middle, longitude and latitude in ten-millionths of a degree: the centre of the box around it, which no
    /// crossing of its sides moves.
    #[must_use]
    pub fn middle(&self) -> (i32, i32) {
        let half_way = |of: fn(&(i32, i32)) -> i32| {
            let (low, high) = (self.0.iter().map(of).min(), self.0.iter().map(of).max());
            low.unwrap_or_default().midpoint(high.unwrap_or_default())
        };
        (half_way(|at| at.0), half_way(|at| at.1))
    }

    /// Its corners in order, each once; longitude and latitude in ten-millionths of a degree.
    #[must_use]
    pub fn corners(&self) -> &[(i32, i32)] {
        &self.0
    }
}

/// Twice what an outline encloses, with a sign for the way round it goes; seen from its first corner, so that no
/// product leaves an i64.
fn twice_the_area(corners: &[(i32, i32)]) -> i64 {
    let Some(first) = corners.first() else { return 0 };
    let from_first =
        |at: &(i32, i32)| (i64::from(at.0) - i64::from(first.0), i64::from(at.1) - i64::from(first.1));
    let sides =
        corners.iter().zip(corners.iter().cycle().skip(1)).map(|(a, b)| (from_first(a), from_first(b)));
    sides.map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
}

impl<C> Encode<C> for Footprint {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(self.0.len() as u64 * 2)?;
        let mut from = (0, 0);
        for (lon, lat) in &self.0 {
            // Corners are a building apart, so no step leaves an i32.
            e.i32(lon.wrapping_sub(from.0))?.i32(lat.wrapping_sub(from.1))?;
            from = (*lon, *lat);
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Footprint {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let no_outline = || decode::Error::message("no outline of a building");
        let numbers = d.array()?.ok_or_else(no_outline)?;
        if numbers % 2 != 0 || numbers > Self::CORNERS_MAX as u64 * 2 {
            return Err(no_outline());
        }
        let (mut corners, mut from) = (Vec::new(), (0_i32, 0_i32));
        for _ in 0..numbers / 2 {
            let (east, north) = (d.i32()?, d.i32()?);
            let to = from.0.checked_add(east).zip(from.1.checked_add(north));
            from = to.ok_or_else(no_outline)?;
            corners.push(from);
        }
        let read = Self::new(&corners).ok_or_else(no_outline)?;
        // Said with a corner twice it would have two spellings.
        if read.0.len() == corners.len() { Ok(read) } else { Err(no_outline()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::code::{BuildingUse, HeightSource, RegistryState};
    use crate::id::{BuildingId, SiteId};
    use crate::registry::Building;

    const HERE: (i32, i32) = (1_066_510_000, 290_280_000);

    fn around(steps: &[(i32, i32)]) -> Vec<(i32, i32)> {
        steps.iter().map(|(east, north)| (HERE.0 + east, HERE.1 + north)).collect()
    }

    #[test]
    fn what_is_no_outline_of_a_building_is_none() {
        let far = i32::try_from(Footprint::SPAN_MAX_E7).expect("fits");
        let ring = |corners: i32| around(&(0..corners).map(|n| (n, n * n)).collect::<Vec<_>>());
        let table = [
            ("nothing", vec![], false),
            ("a line", around(&[(0, 0), (100, 0)]), false),
            ("a line closed", around(&[(0, 0), (100, 0), (0, 0)]), false),
            ("a line there and back", around(&[(0, 0), (100, 0), (200, 0), (100, 0)]), false),
            ("one corner four times", around(&[(7, 7); 4]), false),
            ("a butterfly of two equal wings", around(&[(0, 0), (9, 9), (9, 0), (0, 9)]), false),
            ("a triangle", around(&[(0, 0), (100, 0), (0, 100)]), true),
            ("a triangle closed twice", around(&[(0, 0), (100, 0), (0, 100), (0, 0), (0, 0)]), true),
            ("as wide as may be", around(&[(0, 0), (far, 0), (0, far)]), true),
            ("too wide", around(&[(0, 0), (far + 1, 0), (0, 100)]), false),
            ("too high", around(&[(0, 0), (100, 0), (0, far + 1)]), false),
            ("across the whole range", vec![(i32::MIN, 0), (i32::MAX, 0), (0, 1)], false),
            ("off the Earth", vec![(0, 900_000_001), (10, 900_000_001), (0, 899_999_999)], false),
            ("64 corners", ring(64), true),
            ("65 corners", ring(65), false),
        ];
        for (name, corners, is_one) in table {
            assert_eq!(Footprint::new(&corners).is_some(), is_one, "{name}");
        }
    }

    #[test]
    fn its_bytes_are_few_and_have_one_spelling() {
        let open = around(&[(0, 0), (2_000, 0), (2_000, 1_500), (0, 1_500)]);
        let closed = [open.as_slice(), &open[..1]].concat();
        let outline = Footprint::new(&closed).expect("an outline");
        assert_eq!(outline.corners(), open);
        let bytes = minicbor::to_vec(&outline).expect("encodes");
        assert_eq!(bytes.len(), 23, "eleven for the first corner, four for each other one");
        assert_eq!(minicbor::decode::<Footprint>(&bytes).expect("reads"), outline);
        let said = |numbers: &[i32]| minicbor::to_vec(numbers).expect("encodes");
        let table: [(&str, Vec<u8>); 5] = [
            ("closed", said(&[HERE.0, HERE.1, 9, 0, 0, 9, -9, -9])),
            ("a number short", said(&[HERE.0, HERE.1, 9, 0, 0])),
            ("beyond an i32", said(&[i32::MAX, 0, 1, 0, 0, 9])),
            ("too many", said(&[1; 130])),
            ("an endless array", vec![0x9f, 0x01, 0x01, 0xff]),
        ];
        for (name, bytes) in table {
            assert!(minicbor::decode::<Footprint>(&bytes).is_err(), "{name}");
        }
    }

    #[test]
    fn a_building_without_one_is_as_it_was_before_there_were_any() {
        let building = Building {
            id: BuildingId([1; 16]),
            site: SiteId([2; 16]),
            code: String::new(),
            name: "1栋".to_owned(),
            building_use: BuildingUse::Residential,
            height_cm: None,
            height_source: HeightSource::Unknown,
            storeys: None,
            floors: Vec::new(),
            state: RegistryState::Unverified,
            footprint: None,
        };
        let bytes = minicbor::to_vec(&building).expect("encodes");
        let fields = minicbor::Decoder::new(&bytes).map().expect("a map").expect("of known length");
        assert_eq!(fields, 8, "what is unknown takes no room");
        assert_eq!(minicbor::decode::<Building>(&bytes).expect("reads"), building);
    }

    proptest! {
        #[test]
        fn every_outline_reads_back(corners in proptest::collection::vec((0..200_000_i32, 0..200_000_i32), 0..70)) {
            if let Some(outline) = Footprint::new(&around(&corners)) {
                let bytes = minicbor::to_vec(&outline).expect("encodes");
                prop_assert_eq!(minicbor::decode::<Footprint>(&bytes).expect("reads"), outline);
            }
        }

        // Few places, so that corners meet: next to each other, at both ends, all of them.
        #[test]
        fn every_outline_whose_corners_meet_reads_back_and_is_said_as_it_is(
            corners in proptest::collection::vec((0..3_i32, 0..3_i32), 0..12),
        ) {
            if let Some(outline) = Footprint::new(&around(&corners)) {
                let bytes = minicbor::to_vec(&outline).expect("encodes");
                prop_assert_eq!(minicbor::decode::<Footprint>(&bytes).expect("reads"), outline.clone());
                prop_assert_eq!(Footprint::new(outline.corners()), Some(outline));
            }
        }

        #[test]
        fn its_middle_is_within_it_however_its_sides_cross(
            corners in proptest::collection::vec((0..200_000_i32, 0..200_000_i32), 3..9),
        ) {
            if let Some(outline) = Footprint::new(&around(&corners)) {
                let (lon, lat) = outline.middle();
                prop_assert!(outline.corners().iter().any(|at| at.0 <= lon) && outline.corners().iter().any(|at| at.0 >= lon));
                prop_assert!(outline.corners().iter().any(|at| at.1 <= lat) && outline.corners().iter().any(|at| at.1 >= lat));
            }
        }

        #[test]
        fn no_bytes_make_one_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(outline) = minicbor::decode::<Footprint>(&bytes) {
                prop_assert!(Footprint::new(outline.corners()).is_some());
            }
        }
    }
}
