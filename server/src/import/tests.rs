//! Lists as they come: read, planned against a registry, and what is said about them.

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, OrgKind, RegistryState};
use louan_schema::id::{BuildingId, OrgId};
use louan_schema::registry::{Building, Org, Site};

use super::*;
use crate::table;

fn org(number: u8, kind: OrgKind, name: &str, street: Option<u32>) -> Org {
    let street = street.map(|code| StreetCode::new(code).expect("a street"));
    Org { id: OrgId([number; 16]), kind, name: name.to_owned(), street }
}

fn registry() -> Registry {
    let orgs = vec![
        org(1, OrgKind::Police, "示例派出所", Some(500_110_001)),
        org(2, OrgKind::Street, "古南街道办事处", Some(500_110_001)),
        org(3, OrgKind::Brigade, "区消防救援支队", None),
        org(4, OrgKind::PropertyManager, "示例物业服务有限公司", None),
    ];
    Registry { sites: Vec::new(), orgs }
}

fn read_text(text: &str, defaults: Defaults) -> Read {
    read(&table::read(text.as_bytes()).expect("a table"), &defaults).expect("a header")
}

fn said(remarks: &[Remark]) -> Vec<String> {
    let words = |r: &Remark| format!("{}{} {}", r.number, r.column.as_deref().unwrap_or(""), r.reason);
    remarks.iter().map(words).collect()
}

/// The registry as a plan would leave it.
fn after(plan: &Plan, before: Registry) -> Registry {
    let mut sites: Vec<(Site, u64, Vec<Building>)> = before.sites;
    for entry in &plan.entries {
        sites.retain(|(site, ..)| site.id != entry.site.id);
        sites.push((entry.site.clone(), entry.version + 1, entry.buildings.clone()));
    }
    Registry { sites, orgs: before.orgs }
}

const LIST: &str = "街镇,小区名称,栋号,使用性质,建筑高度(m),高度来源,地上层数,物业公司,经度,纬度,坐标系\n\
古南街道,示例花园,1栋,住宅,54.5,图纸,18,示例物业服务有限公司,106.651,29.028,WGS84\n\
古南,示例花园,2幢,住宅,54.5,图纸,18,示例物业服务有限公司,,,\n\
古南街道,示例花园,2号楼,住宅,54.5,图纸,18,示例物业服务有限公司,,,\n\
古南街道,示例大厦,,公共,60,实测,15,无,,,\n\
古南街道,示例小院,1栋,住宅,27.0,图纸,9,,,,\n\
万盛街道,示例楼,1栋,住宅,60,图纸,20,,,,\n\
古南街道,示例苑,1栋,住宅,高,图纸,二十,,106.651,,GCJ02\n\
古南街道,,,住宅,60,图纸,20,,,,\n";

#[test]
fn a_list_is_read_line_by_line_and_what_is_wrong_is_said_with_row_column_and_reason() {
    let read = read_text(LIST, Defaults::default());
    assert_eq!(read.drafts.len(), 4);
    assert_eq!(
        said(&read.faults),
        [
            "6 高 27 米，不超过 27 米，不属于高层住宅建筑",
            "7A 万盛街道由万盛经开区管理，不在本次整治的 21 个街镇之内",
            "8E 高度“高”不是数字",
            "8G 层数“二十”不是 1 至 250 的整数",
            "8J 有经度而没有可用的纬度",
            "9C 缺少小区名称和建筑名称",
        ]
    );
    // The header and the four lines, as they came.
    let table = table::read(LIST.as_bytes()).expect("a table");
    let lines = refused(&read.header, &table, &plan(&read, &registry()));
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 6, 7, 8, 9]);
    assert_eq!(lines[1..], [5, 6, 7, 8].map(|at| table.lines[at].clone()));
}

#[test]
fn what_is_refused_only_against_the_registry_is_among_the_lines_that_come_back() {
    let list = "街镇,小区名称,栋号,使用性质,建筑高度\n文龙街道,示例花园,1栋,住宅,54.5\n";
    let table = table::read(list.as_bytes()).expect("a table");
    let read = read(&table, &Defaults::default()).expect("a header");
    let nobody = Registry {
        orgs: vec![org(2, OrgKind::Street, "古南街道办事处", Some(500_110_001))],
        ..registry()
    };
    let plan = plan(&read, &nobody);
    assert!(read.faults.is_empty() && plan.refused() == 1, "{:?}", plan.faults);
    assert_eq!(
        refused(&read.header, &table, &plan).iter().map(|line| line.number).collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn the_lines_of_a_list_with_a_header_of_two_lines_can_be_read_again() {
    let list = "小区,建筑,建筑,建筑,街镇\n小区,名称,高度,使用性质,街镇\n\
        示例花园,1栋,高,住宅,古南街道\n示例花园,2栋,高,住宅,古南街道\n";
    let table = table::read(list.as_bytes()).expect("a table");
    let first = read(&table, &Defaults::default()).expect("a header");
    assert_eq!(said(&first.faults), ["3C 高度“高”不是数字", "4C 高度“高”不是数字"]);
    let mut lines = refused(&first.header, &table, &plan(&first, &registry()));
    lines.iter_mut().skip(1).for_each(|line| line.cells[2] = "54.5".to_owned());
    lines.iter_mut().zip(1..).for_each(|(line, number)| line.number = number);
    let again = read(&Table { lines, ..Table::default() }, &Defaults::default()).expect("a header");
    let names: Vec<_> =
        again.drafts.iter().map(|d| (d.site.as_str(), d.building.as_str(), d.height_cm)).collect();
    assert_eq!(names, [("示例花园", "1栋", Some(5_450)), ("示例花园", "2栋", Some(5_450))]);
}

#[test]
fn what_a_list_says_otherwise_and_is_not_taken_is_said() {
    let title = "街镇,小区名称,栋号,使用性质,建筑高度,地址,经度,纬度,坐标系\n";
    let line = |number: &str, height: &str, at: &str| {
        format!("古南街道,示例花园,{number},住宅,{height},{at},106.651,29.028,WGS84\n")
    };
    let first = plan(
        &read_text(&(title.to_owned() + &line("1栋", "54.5", "示例路1号")), Defaults::default()),
        &registry(),
    );
    assert_eq!(said(&first.notices), <[&str; 0]>::default());
    let standing = after(&first, registry());
    let other = "古南街道,示例花园,1栋,住宅,54.5,示例路2号,106.661,29.028,WGS84\n";
    let found = plan(&read_text(&(title.to_owned() + other), Defaults::default()), &standing);
    assert_eq!(
        said(&found.notices),
        ["2 地址与台账不同，台账未改动：台账为“示例路1号”", "2 位置与台账相距约 972 米，台账未改动"]
    );
    let twice = title.to_owned() + &line("2栋", "54.5", "示例路1号") + &line("2栋", "60", "示例路1号");
    let found = plan(&read_text(&twice, Defaults::default()), &registry());
    assert_eq!(said(&found.notices), ["3 名单前面已有这一栋，内容不同，按前面的一行导入"]);
}

#[test]
fn a_list_becomes_compounds_with_their_supervisors() {
    let plan = plan(&read_text(LIST, Defaults::default()), &registry());
    assert_eq!((plan.count(Outcome::New), plan.count(Outcome::Same), plan.refused()), (3, 1, 4));
    let sites: Vec<_> = plan
        .entries
        .iter()
        .map(|e| (e.site.name.as_str(), e.site.supervised_by.0[0], e.buildings.len()))
        .collect();
    assert_eq!(sites, [("示例大厦", 3, 1), ("示例花园", 1, 2)]);
    let garden = &plan.entries[1];
    assert_eq!(garden.site.managed_by, Some(OrgId([4; 16])));
    assert!(
        garden.buildings.iter().all(|b| b.state == RegistryState::Registered && b.height_cm == Some(5_450))
    );
    assert_eq!(garden.site.position.map(|at| (at.lon_e7, at.datum)), Some((1_066_510_000, Datum::Wgs84)));
}

#[test]
fn the_same_list_again_changes_nothing_and_a_corrected_one_changes_what_it_corrects() {
    let first = plan(&read_text(LIST, Defaults::default()), &registry());
    let standing = after(&first, registry());
    let again = plan(&read_text(LIST, Defaults::default()), &standing);
    assert_eq!((again.entries.len(), again.count(Outcome::Same)), (0, 4));
    let corrected = LIST.replace("2幢,住宅,54.5", "2幢,住宅,57.3");
    let changed = plan(&read_text(&corrected, Defaults::default()), &standing);
    assert_eq!((changed.entries.len(), changed.count(Outcome::Changed)), (1, 1));
    let entry = &changed.entries[0];
    assert_eq!(entry.version, 1);
    let heights: Vec<_> = entry.buildings.iter().map(|b| b.height_cm).collect();
    assert_eq!(heights, [Some(5_450), Some(5_730)], "its neighbour stays as it stands");
}

#[test]
fn a_building_that_was_retired_stands_again_when_a_list_names_it_and_the_line_says_so() {
    let mut standing = after(&plan(&read_text(LIST, Defaults::default()), &registry()), registry());
    let rows = standing.sites.iter_mut().flat_map(|(_, _, buildings)| buildings);
    rows.for_each(|row| row.state = RegistryState::Retired);
    let again = plan(&read_text(LIST, Defaults::default()), &standing);
    assert_eq!((again.count(Outcome::Changed), again.count(Outcome::Same)), (3, 1));
    let rows: Vec<_> = again.entries.iter().flat_map(|entry| &entry.buildings).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.state == RegistryState::Registered), "{rows:?}");
    let told = again.notices.iter().filter(|notice| notice.reason.starts_with("台账中已注销"));
    assert_eq!(told.count(), 3);
}

/// A registry where one of two buildings is out, and the list that an export makes of it.
fn with_one_out() -> (Registry, String) {
    let mut standing = after(&plan(&read_text(LIST, Defaults::default()), &registry()), registry());
    let garden = standing.sites.iter_mut().find(|(site, ..)| site.name == "示例花园").expect("the garden");
    garden.2[1].state = RegistryState::Retired;
    let title = "街镇,小区名称,栋号,使用性质,建筑高度(m),高度来源,地上层数,建账状态\n";
    let line = |name: &str, state: &str| format!("古南街道,示例花园,{name},住宅,54.5,图纸,18,{state}\n");
    (standing, title.to_owned() + &line("1栋", "已建账") + &line("2幢", "已注销"))
}

#[test]
fn a_line_that_says_a_building_is_out_of_the_registry_brings_none_back() {
    let (standing, list) = with_one_out();
    let same = plan(&read_text(&list, Defaults::default()), &standing);
    assert_eq!((same.entries.len(), same.count(Outcome::Same), same.refused()), (0, 2, 0), "{same:?}");
    assert_eq!(said(&same.notices), ["3 名单和台账中都已注销，不作改动"]);
    // Neither where nobody knows it, and be it in a street of which nobody knows who supervises it.
    let list =
        list + "文龙街道,示例里,1栋,住宅,20,图纸,7,已拆除\n古南街道,示例花园,9栋,住宅,60,图纸,20,已注销\n";
    let same = plan(&read_text(&list, Defaults::default()), &standing);
    assert_eq!((same.entries.len(), same.count(Outcome::Same), same.refused()), (0, 4, 0), "{same:?}");
    let nowhere = "名单中已注销，台账中没有这一栋，不建账";
    assert_eq!(said(&same.notices)[1..], [format!("4 {nowhere}"), format!("5 {nowhere}")]);
}

#[test]
fn a_line_that_says_nothing_of_a_building_is_none() {
    let list = "序号,街镇,小区名称,栋号,使用性质,建筑高度\n1,古南街道,示例花园,1栋,住宅,54.5\n2,,,,,\n\
        以上共一栋。,,,,,\n,,,,住宅,\n";
    let plan = plan(&read_text(list, Defaults::default()), &registry());
    assert_eq!((plan.count(Outcome::New), plan.refused()), (1, 1), "{:?}", plan.faults);
    assert!(
        plan.faults.iter().all(|fault| fault.number == 5),
        "what says anything is read: {:?}",
        plan.faults
    );
}

#[test]
fn a_list_takes_no_building_out_of_the_registry() {
    let (standing, list) = with_one_out();
    let list = list.replace("已建账", "已注销") + "古南街道,示例花园,3栋,住宅,60,图纸,20,已注消\n";
    let refused = plan(&read_text(&list, Defaults::default()), &standing);
    assert_eq!((refused.entries.len(), refused.count(Outcome::Same)), (0, 1), "{refused:?}");
    assert_eq!(
        said(&refused.faults),
        [
            "2 名单不能注销建筑，请在台账中办理",
            "4H 建账状态“已注消”无法识别，请填写已建账、待核、非高层或已注销"
        ]
    );
}

#[test]
fn of_two_buildings_of_one_name_each_line_means_the_one_it_speaks_of() {
    let (mut standing, list) = with_one_out();
    let garden = standing.sites.iter_mut().find(|(site, ..)| site.name == "示例花园").expect("the garden");
    let again = Building { id: BuildingId([9; 16]), state: RegistryState::Registered, ..garden.2[1].clone() };
    garden.2.push(again);
    let list = list + "古南街道,示例花园,2幢,住宅,54.5,图纸,18,已建账\n";
    let same = plan(&read_text(&list, Defaults::default()), &standing);
    assert_eq!((same.entries.len(), same.count(Outcome::Same), same.refused()), (0, 3, 0), "{same:?}");
    // What a list says of a state is no state: that follows from what is known of the height.
    let verified = list.replace("已建账", "待核");
    assert_eq!(plan(&read_text(&verified, Defaults::default()), &standing), same);
}

#[test]
fn what_should_be_looked_at_is_said_of_lines_that_are_taken() {
    let line =
        |name: &str, height: &str| format!("古南街道,{name},1栋,住宅,{height},图纸,120.6,31.3,WGS84\n");
    let list = "街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系\n".to_owned();
    let plan =
        plan(&read_text(&(list + &line("甲", "54.5") + &line("乙", "27")), Defaults::default()), &registry());
    assert_eq!(plan.refused(), 1);
    assert_eq!(said(&plan.notices), ["2 位置不在本区范围内，请核对坐标和坐标系"]);
}

#[test]
fn what_a_list_does_not_say_stays_as_it_stands() {
    let full = plan(&read_text(LIST, Defaults::default()), &registry());
    let standing = after(&full, registry());
    let bare = "街镇,小区名称,栋号,使用性质\n古南街道,示例花园,1栋,住宅\n";
    let plan = plan(&read_text(bare, Defaults::default()), &standing);
    assert_eq!((plan.entries.len(), plan.count(Outcome::Same)), (0, 1), "{plan:?}");
}

#[test]
fn a_company_that_is_not_registered_is_said_and_does_not_hold_the_line_up() {
    let list =
        "街镇,小区名称,栋号,使用性质,建筑高度,物业公司\n古南街道,示例花园,1栋,住宅,54.5,没有登记的物业公司\n";
    let plan = plan(&read_text(list, Defaults::default()), &registry());
    assert_eq!(plan.count(Outcome::New), 1);
    assert!(plan.notices.iter().any(|notice| notice.reason.contains("未登记")), "{:?}", plan.notices);
}

#[test]
fn a_street_without_its_supervisor_is_refused_in_words() {
    let list = "街镇,小区名称,栋号,使用性质,建筑高度,物业公司\n文龙街道,示例花园,1栋,住宅,54.5,示例物业服务有限公司\n";
    let plan = plan(&read_text(list, Defaults::default()), &registry());
    assert_eq!(said(&plan.faults), ["2 没有登记该街镇的监管单位（公安/派出所），请先登记单位"]);
    assert!(plan.entries.is_empty());
}

#[test]
fn positions_without_a_datum_swapped_or_elsewhere_are_noticed() {
    let list = "街镇,小区,栋号,使用性质,建筑高度,经度,纬度,坐标系\n\
        古南街道,甲,1栋,住宅,54.5,106.651,29.028,\n\
        古南街道,乙,1栋,住宅,54.5,29.028,106.651,WGS84\n\
        古南街道,丙,1栋,住宅,54.5,120.6,31.3,WGS84\n\
        古南街道,丁,1栋,住宅,54.5,106.6547487,29.0248195,GCJ02\n";
    let read = read_text(list, Defaults::default());
    assert_eq!(said(&read.faults), ["2H 缺少坐标系", "3F 经度和纬度可能填反了"]);
    assert_eq!(said(&read.notices), ["4 位置不在本区范围内，请核对坐标和坐标系"]);
    let at = read.drafts[1].position.expect("placed");
    assert!((at.lon_e7 - 1_066_510_000).abs() <= 10 && (at.lat_e7 - 290_280_000).abs() <= 10, "{at:?}");
}

#[test]
fn an_outline_is_entered_in_wgs84_and_stays_when_the_next_list_has_none() {
    let list = "街镇,小区,栋号,使用性质,建筑高度,轮廓,坐标系\n\
        古南街道,甲,1栋,住宅,54.5,\"POLYGON((106.651 29.028,106.652 29.028,106.652 29.029,106.651 29.028))\",WGS84\n\
        古南街道,甲,2栋,住宅,54.5,\"MULTIPOLYGON(((106.6547487 29.0248195,106.6557 29.0248,106.6557 29.0258,106.6547487 29.0248195)))\",GCJ02\n\
        古南街道,甲,3栋,住宅,54.5,POINT(106.651 29.028),\n\
        古南街道,甲,4栋,住宅,54.5,\"POLYGON((106 29,107 29,107 30,106 29))\",WGS84\n\
        古南街道,甲,5栋,住宅,54.5,\"POLYGON((29.028 106.651,29.028 106.652,29.029 106.652,29.028 106.651))\",WGS84\n\
        古南街道,甲,6栋,住宅,54.5,\"POLYGON((106.651 29.028,106.652 29.028,106.652 29.029,106.651 29.028))\",\n\
        古南街道,甲,7栋,住宅,54.5,POLYGON((106.651,WGS84\n";
    let found = read_text(list, Defaults::default());
    assert_eq!(
        said(&found.faults),
        [
            "5F 轮廓须有 3 至 64 个不同的角点、围成一块地，且跨度不超过 2 公里",
            "6F 经度和纬度可能填反了",
            "7G 缺少坐标系",
            "8F 轮廓不是完整的 WKT 多边形（POLYGON）",
        ]
    );
    assert_eq!(said(&found.notices), ["4F 轮廓不是 WKT 格式的多边形（POLYGON），未采用"]);
    let full = plan(&found, &registry());
    let outlines = |plan: &Plan| -> Vec<_> {
        plan.entries[0].buildings.iter().map(|b| b.footprint.as_ref().map(|f| f.corners()[0])).collect()
    };
    let [Some(first), Some(second), None] = outlines(&full)[..] else { panic!("two outlines: {full:?}") };
    assert_eq!(first, (1_066_510_000, 290_280_000));
    assert!((second.0 - first.0).abs() <= 10 && (second.1 - first.1).abs() <= 10, "{second:?}");
    let standing = after(&full, registry());
    let bare = "街镇,小区,栋号,使用性质,建筑高度\n古南街道,甲,1栋,住宅,57\n";
    let later = plan(&read_text(bare, Defaults::default()), &standing);
    assert_eq!(later.count(Outcome::Changed), 1);
    assert_eq!(outlines(&later), outlines(&full));
}

#[test]
fn an_outline_whose_corners_meet_is_entered_or_refused_and_never_half() {
    let line = |name: &str, ring: &str| format!("古南街道,甲,{name},住宅,54.5,\"POLYGON(({ring}))\",WGS84\n");
    let list = [
        "街镇,小区,栋号,使用性质,建筑高度,轮廓,坐标系\n".to_owned(),
        line("1栋", "106.651 29.028,106.652 29.028,106.652 29.029,106.651 29.028,106.651 29.028"),
        line("2栋", "106.65100000001 29.028,106.652 29.028,106.652 29.029,106.651 29.028"),
        line("3栋", "106.651 29.028,106.651 29.028,106.651 29.028,106.651 29.028"),
    ];
    let plan = plan(&read_text(&list.concat(), Defaults::default()), &registry());
    assert_eq!((plan.count(Outcome::New), plan.refused()), (2, 1), "{:?}", plan.faults);
    for entry in &plan.entries {
        assert_eq!(crate::registry::check_entry(&entry.site, &entry.buildings), Ok(()));
        let bytes = minicbor::to_vec(entry).expect("encodes");
        assert_eq!(
            minicbor::decode::<Entry>(&bytes).as_ref().ok(),
            Some(entry),
            "a plan kept is the plan seen"
        );
    }
}

#[test]
fn what_holds_for_the_whole_list_need_not_stand_in_it() {
    let defaults = Defaults {
        street: StreetCode::new(500_110_001),
        building_use: Some(BuildingUse::Residential),
        datum: Some(Datum::Wgs84),
    };
    let read = read_text("楼栋,高度,经度,纬度\n1栋,30,106.651,29.028\n", defaults);
    assert_eq!((read.drafts.len(), read.faults.len()), (1, 0), "{:?}", read.faults);
    assert_eq!(read.drafts[0].site, "1栋", "a lone building is a compound of its own");
}

#[test]
fn a_building_without_a_height_is_entered_to_be_verified() {
    let list = "街镇,小区,栋号,使用性质,层数\n古南街道,甲,1栋,住宅,18\n古南街道,甲,2栋,公共,6\n";
    let plan = plan(&read_text(list, Defaults::default()), &registry());
    assert_eq!(plan.count(Outcome::New), 2);
    assert!(plan.entries[0].buildings.iter().all(|b| b.state == RegistryState::Unverified));
    assert_eq!(
        said(&plan.notices),
        ["2 没有高度，按层数推定为高层，待核", "3 没有高度，按待核建账，请现场核实高度"]
    );
}
