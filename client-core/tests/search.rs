//! What people type, and the building they mean.

mod support;

use louan_schema::id::{BuildingId, SiteId};
use louan_schema::wire::{Item, Row};
use support::*;

fn town() -> Desk {
    let mut desk = Desk::new();
    let other = SiteId([0x52; 16]);
    let mut items = vec![Item::Row(Row::Site(site(other, "九龙花园二期")))];
    for n in 1..=23_u8 {
        let name = format!("{n}号楼");
        let id = BuildingId([n; 16]);
        items.push(Item::Row(Row::Building(building(id, other, &format!("500110002-{n:06}"), &name))));
    }
    desk.fetch(items);
    desk
}

#[test]
fn a_building_is_found_by_whatever_people_call_it() {
    let desk = town();
    let house = |n: u8| BuildingId([n; 16]);
    for (typed, expected) in [
        ("翠屏 1栋", HOUSE),
        ("翠屏示例苑1幢", HOUSE),
        ("翠屏 二号楼", TOWER),
        ("翠屏２＃", TOWER),
        ("九龙 3栋", house(3)),
        ("九龙花园2期 十二栋", house(12)),
        ("九龙花园二期 二十三座", house(23)),
        ("500110002-000007", house(7)),
        ("九龙 滨河路8号 2栋", house(2)),
        ("  九龙   02 幢 ", house(2)),
    ] {
        let found = desk.phone.search_buildings(typed, 5).expect("reads");
        assert_eq!(found.first().map(|view| view.building.id), Some(expected), "{typed}");
    }
}

#[test]
fn a_whole_number_comes_before_the_beginnings_of_longer_ones() {
    let desk = town();
    let names = |typed: &str| -> Vec<String> {
        let found = desk.phone.search_buildings(typed, 50).expect("reads");
        found.into_iter().map(|view| view.building.name).collect()
    };
    let found = names("九龙花园二期1");
    assert_eq!(found[0], "1号楼");
    assert_eq!(found.len(), 11, "1 and 10 to 19, while it is being typed");
    assert_eq!(names("九龙 2栋"), ["2号楼"], "not 12栋, not 22栋");
}

#[test]
fn nothing_typed_lists_the_first_buildings_and_nonsense_finds_none() {
    let desk = town();
    assert_eq!(desk.phone.search_buildings("  ", 3).expect("reads").len(), 3);
    for typed in ["没有这个小区", "99栋", "%", "'; DROP TABLE building; --栋"] {
        let found = desk.phone.search_buildings(typed, 3).expect("reads").len();
        assert_eq!(found, if typed == "%" { 3 } else { 0 }, "{typed}");
    }
}

#[test]
fn a_compound_renamed_is_found_under_its_new_name_only() {
    let mut desk = town();
    desk.fetch(vec![Item::Row(Row::Site(site(SITE, "锦绣江山")))]);
    assert_eq!(desk.phone.search_buildings("锦绣江山", 9).expect("reads").len(), 2);
    assert!(desk.phone.search_buildings("翠屏", 9).expect("reads").is_empty());
}
