//! What a screen reads of a building and of a round: floors' local names, where a height and a position come from, and
//! what each building lacks. Nothing of it may be lost between the core's view and a foreign language's row.

use louan_client_core::schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState};
use louan_client_core::schema::id::{BuildingId, OrgId, SiteId};
use louan_client_core::schema::policy::HeightClass;
use louan_client_core::schema::registry::{Building, FloorName, Position, Site};
use louan_client_core::view::BuildingView;
use louan_facade::{BuildingRow, FloorRow, PositionRow};

const SITE: SiteId = SiteId([1; 16]);

fn view(floors: Vec<FloorName>, position: Option<Position>) -> BuildingView {
    let street = louan_client_core::schema::area::streets()[0].code;
    let site = Site {
        id: SITE,
        name: "示例苑".to_owned(),
        street,
        community: None,
        grid: None,
        address: "示例路1号".to_owned(),
        management: Management::PropertyCompany,
        managed_by: None,
        supervised_by: OrgId([2; 16]),
        position,
    };
    let building = Building {
        id: BuildingId([3; 16]),
        site: SITE,
        code: format!("{street}-000001"),
        name: "1栋".to_owned(),
        building_use: BuildingUse::Residential,
        height_cm: Some(5_000),
        height_source: HeightSource::Measured,
        storeys: Some(16),
        floors,
        state: RegistryState::Registered,
        footprint: None,
    };
    BuildingView { building, site, height_class: HeightClass::Second }
}

#[test]
fn a_buildings_row_names_its_floors_and_says_where_height_and_position_come_from() {
    let floor = |index, name: &str, street_level| FloorName { index, name: name.to_owned(), street_level };
    let at = Position { lon_e7: 1_066_512_000, lat_e7: 290_284_000, datum: Datum::Gcj02, synthetic: true };
    let row = BuildingRow::from(view(vec![floor(0, "吊1", false), floor(1, "平街层", true)], Some(at)));
    let shown = |index, name: &str, street_level| FloorRow { index, name: name.to_owned(), street_level };
    assert_eq!(row.floors, [shown(0, "吊1", false), shown(1, "平街层", true)]);
    assert_eq!((row.height_cm, row.height_source.as_str()), (Some(5_000), "measured"));
    let place = PositionRow {
        lon_e7: 1_066_512_000,
        lat_e7: 290_284_000,
        datum: "gcj02".to_owned(),
        synthetic: true,
    };
    assert_eq!(row.position, Some(place));
}

#[test]
fn a_building_nobody_has_located_has_no_position() {
    let row = BuildingRow::from(view(Vec::new(), None));
    assert_eq!((row.floors, row.position), (Vec::new(), None));
}
