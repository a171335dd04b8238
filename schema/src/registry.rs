//! The registry: organisations, people, compounds and buildings, as server rows.
//!
//! Phones read these rows and propose changes to them; only a ruling changes them. Names
//! of people stand here and nowhere else, so that they can be erased.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::area::StreetCode;
use crate::code::{BuildingUse, Datum, HeightSource, Management, OrgKind, RegistryState, Role};
use crate::id::{BuildingId, OrgId, PersonId, SiteId, derived};

/// A row of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Org {
    /// Identity.
    #[n(0)]
    pub id: OrgId,
    /// What kind of organisation.
    #[n(1)]
    pub kind: OrgKind,
    /// Its name.
    #[n(2)]
    pub name: String,
    /// The 街镇 it works in, when only one.
    #[n(3)]
    pub street: Option<StreetCode>,
}

impl Org {
    /// The id of an organisation that every installation knows under the same short code.
    #[must_use]
    pub fn well_known_id(code: &str) -> OrgId {
        OrgId(derived("louan/org/1", &[code.as_bytes()]))
    }

    /// Whether it sees every site of the district: one above the streets that works in no single 街镇.
    #[must_use]
    pub const fn sees_everything(&self) -> bool {
        let above_streets = !matches!(
            self.kind,
            OrgKind::Street | OrgKind::Community | OrgKind::PropertyManager | OrgKind::Operator
        );
        above_streets && self.street.is_none()
    }

    /// The 街镇 it sees whole; a property company and the operator see nothing they are not named for.
    #[must_use]
    pub const fn street_seen(&self) -> Option<StreetCode> {
        match self.kind {
            OrgKind::PropertyManager | OrgKind::Operator => None,
            _ => self.street,
        }
    }

    /// Whether it sees this site, and its people write about it: it manages or supervises it, or sees its 街镇 or
    /// the district.
    #[must_use]
    pub fn sees(&self, site: &Site) -> bool {
        let named = site.managed_by == Some(self.id) || site.supervised_by == self.id;
        named || self.sees_everything() || self.street_seen() == Some(site.street)
    }
}

/// A row of a person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Person {
    /// Identity; the only trace of a person in documents.
    #[n(0)]
    pub id: PersonId,
    /// The organisation that appointed the person.
    #[n(1)]
    pub org: OrgId,
    /// What the person may do.
    #[n(2)]
    pub role: Role,
    /// Name as shown.
    #[n(3)]
    pub name: String,
}

/// A position (坐标), with its datum always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Position {
    /// Longitude in ten-millionths of a degree.
    #[n(0)]
    pub lon_e7: i32,
    /// Latitude in ten-millionths of a degree.
    #[n(1)]
    pub lat_e7: i32,
    /// Datum of the two numbers.
    #[n(2)]
    pub datum: Datum,
    /// Made up, not measured.
    #[n(3)]
    pub synthetic: bool,
}

/// A row of a compound (小区/项目): the places several buildings share, and what is inspected once per round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Site {
    /// Identity.
    #[n(0)]
    pub id: SiteId,
    /// Name as people use it.
    #[n(1)]
    pub name: String,
    /// The 街镇; one of the 21 of the programme (AMB-22).
    #[n(2)]
    pub street: StreetCode,
    /// Community or village, twelve digits.
    #[n(3)]
    pub community: Option<u64>,
    /// Grid code, free text.
    #[n(4)]
    pub grid: Option<String>,
    /// Address.
    #[n(5)]
    pub address: String,
    /// Who manages it.
    #[n(6)]
    pub management: Management,
    /// The managing organisation, when there is one.
    #[n(7)]
    pub managed_by: Option<OrgId>,
    /// Who supervises it: confirms and closes its hazards (§1.4).
    #[n(8)]
    pub supervised_by: OrgId,
    /// Where.
    #[n(9)]
    pub position: Option<Position>,
}

/// A floor's local name (楼层俗称): 吊1, 平街层, 负3.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct FloorName {
    /// Position from the lowest floor, 0.
    #[n(0)]
    pub index: i16,
    /// What people call it.
    #[n(1)]
    pub name: String,
    /// Whether one walks out at street level here; slopes have several.
    #[n(2)]
    pub street_level: bool,
}

/// A row of a building.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Building {
    /// Identity.
    #[n(0)]
    pub id: BuildingId,
    /// Its compound.
    #[n(1)]
    pub site: SiteId,
    /// Human code, `500110001-000123`.
    #[n(2)]
    pub code: String,
    /// Name or number; a building without a number plate is still a building.
    #[n(3)]
    pub name: String,
    /// Residential, public or mixed.
    #[n(4)]
    pub building_use: BuildingUse,
    /// Height in centimetres, when known. 2,700 is not a high-rise, 2,701 is.
    #[n(5)]
    pub height_cm: Option<u32>,
    /// Where the height comes from.
    #[n(6)]
    pub height_source: HeightSource,
    /// Storeys above ground.
    #[n(7)]
    pub storeys: Option<u16>,
    /// Floors whose local name differs from their number.
    #[n(8)]
    pub floors: Vec<FloorName>,
    /// Where it stands in the registry.
    #[n(9)]
    pub state: RegistryState,
    /// Its outline on the ground, when known.
    #[n(10)]
    pub footprint: Option<Footprint>,
}

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
    /// again at the end or not. Nothing for fewer than three corners, more than [`Self::CORNERS_MAX`], corners farther
    /// apart than [`Self::SPAN_MAX_E7`], and for what is not on Earth.
    #[must_use]
    pub fn new(corners: &[(i32, i32)]) -> Option<Self> {
        let corners = match corners {
            [first, open @ .., last] if first == last => [std::slice::from_ref(first), open].concat(),
            open => open.to_vec(),
        };
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
            && small(span(|at| at.1));
        whole.then_some(Self(corners))
    }

    /// Its corners in order, each once; longitude and latitude in ten-millionths of a degree.
    #[must_use]
    pub fn corners(&self) -> &[(i32, i32)] {
        &self.0
    }
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
        // Said with its first corner again at the end it would have two spellings.
        if read.0.len() == corners.len() { Ok(read) } else { Err(no_outline()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            ("a triangle", around(&[(0, 0), (100, 0), (0, 100)]), true),
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

        #[test]
        fn no_bytes_make_one_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(outline) = minicbor::decode::<Footprint>(&bytes) {
                prop_assert!(Footprint::new(outline.corners()).is_some());
            }
        }
    }
}
