//! Ledgers as files: no text becomes a formula (X05), and nobody takes out what he does not see (X07).

use std::io::Cursor;

use calamine::{Reader, Xlsx};
use louan_schema::area::StreetCode;
use louan_schema::code::{Datum, OrgKind, Role, Severity};
use louan_schema::doc::Descriptor;
use louan_schema::id::{BuildingId, CommandId, RecordId, SiteId};
use louan_schema::record::{Body, Hazard, Place};
use louan_schema::registry::{FloorName, Org, Person, Position};
use louan_schema::ruling::{Act, Command as Ruling};
use louan_server::config::Allowances;
use louan_server::hub::Clocks;
use louan_server::storage::AuditStore;

use super::edge_kit::house::{House, Wishes, house_with};
use super::edge_kit::{OTHER_STREET, STREET, audit, noon, org_id, person_id};
use super::kit::{self, Phone, accepted, hazard, record};
use super::lists::{read, send};
use super::photo_kit::{cited, get, phone, picture, walked};

/// Beginnings that a spreadsheet takes for a formula.
const FORMULAS: [&str; 10] = [
    "=1+1",
    "=HYPERLINK(\"http://x\",\"y\")",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "=cmd|'/c calc'!A0",
];

/// A house where somebody may take out more ledgers in an hour than a person needs.
async fn unhurried() -> House {
    let allowances = Allowances { exports_per_hour: 100, ..Allowances::default() };
    house_with(Wishes { allowances, ..Wishes::default() }).await
}

/// The rows of a workbook as texts; that no cell is a formula is shown on the way.
fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let mut texts = Vec::new();
    for name in book.sheet_names() {
        assert_eq!(book.worksheet_formula(&name).expect("formulas").used_cells().count(), 0, "{name}");
        let range = book.worksheet_range(&name).expect("cells");
        texts.extend(range.rows().map(|row| row.iter().map(ToString::to_string).collect()));
    }
    texts
}

/// All texts of a workbook.
fn cells(bytes: &[u8]) -> Vec<String> {
    rows(bytes).concat()
}

/// A compound, its building, its organisations and a hazard, every free text of which is this one; and a visit there.
async fn written_everywhere(house: &House, phone: &mut Phone, (n, text): (u8, &str)) {
    for (id, kind) in [("property", OrgKind::PropertyManager), ("street-1", OrgKind::Street)] {
        let street = (kind == OrgKind::Street).then(|| StreetCode::new(STREET)).flatten();
        let org = Org { id: org_id(id), kind, name: text.to_owned(), street };
        house.hub.add_org(org, None, Clocks::both(noon())).await.expect("renamed");
    }
    let (mut site, mut buildings) = kit::site(kit::SITE, org_id("property"), STREET);
    (site.name, site.address, site.grid) = (text.to_owned(), text.to_owned(), Some(text.to_owned()));
    site.supervised_by = org_id("street-1");
    (buildings[0].name, buildings[0].code) = (text.to_owned(), text.to_owned());
    buildings[0].floors = vec![FloorName { index: 0, name: "-1".to_owned(), street_level: true }];
    buildings[0].id = BuildingId(kit::SITE.0);
    let version = house.hub.find_site(kit::SITE).await.expect("reads").map_or(0, |row| row.version);
    let command = Ruling {
        id: CommandId([100 + n; 16]),
        expected_version: version,
        at: noon(),
        act: Act::RegisterSite(site, buildings),
    };
    let verdict = house.hub.command(person_id(1), command, Clocks::both(noon())).await.expect("answers");
    assert!(matches!(verdict, louan_schema::wire::CommandVerdict::Done(_)), "{text}: {verdict:?}");
    let book = phone.book();
    let raw = phone.write_in(book, RecordId([n; 16]), &record(person_id(4), Body::Hazard(hazard(text))));
    let round = phone.write_in(book, RecordId([n + 50; 16]), &record(person_id(4), kit::round(n)));
    assert!(accepted(&phone.push(&house.hub, &[raw, round]).await), "{text}");
}

#[tokio::test]
async fn no_text_of_a_ledger_becomes_a_formula() {
    let house = unhurried().await;
    cited(&house, Vec::new()).await;
    let mut phone = Phone::enrolled(&house.hub, 78, person_id(4), org_id("property")).await;
    // The street has hazards and buildings, the company that manages them its visits.
    let (token, manager) = (house.sign_in(1).await, house.sign_in(4).await);
    for (n, text) in (10..).zip(FORMULAS) {
        written_everywhere(&house, &mut phone, (n, text)).await;
        let hazards = cells(get(&house, "/api/v1/exports/hazards.xlsx", &token).await.body());
        let rounds = cells(get(&house, "/api/v1/exports/rounds.xlsx", &manager).await.body());
        let buildings = cells(get(&house, "/api/v1/exports/buildings.xlsx", &token).await.body());
        assert!(rounds.iter().filter(|cell| *cell == text).count() >= 4, "{text}: {rounds:?}");
        assert!(hazards.iter().filter(|cell| cell.contains(text)).count() >= 3, "{text}: {hazards:?}");
        assert!(buildings.iter().filter(|cell| *cell == text).count() >= 4, "{text}: {buildings:?}");
        let list = format!(
            "街镇,小区名称,栋号,建筑高度,地址\n古南街道,{0},{0},27,{0}\n",
            text.replace([',', '"'], " ")
        );
        let import = read(&send(&house, "/api/v1/imports", &token, list.as_bytes()).await);
        let errors = format!("/api/v1/imports/{}/errors", import["id"].as_str().expect("an id"));
        assert!(!cells(get(&house, &errors, &token).await.body()).is_empty(), "{text}");
    }
}

#[tokio::test]
async fn an_export_says_what_its_caller_sees_and_who_made_it() {
    let house = unhurried().await;
    cited(&house, Vec::new()).await;
    let elsewhere = Org {
        id: org_id("street-2"),
        kind: OrgKind::Street,
        name: "文龙".to_owned(),
        street: StreetCode::new(OTHER_STREET),
    };
    house.hub.add_org(elsewhere, None, Clocks::both(noon())).await.expect("a new organisation");
    let clerk =
        Person { id: person_id(9), org: org_id("street-2"), role: Role::Street, name: "人员9".to_owned() };
    house.hub.add_person(clerk, None, Clocks::both(noon())).await.expect("a new person");
    let (own, strange) = (house.sign_in(1).await, house.sign_in(9).await);
    let garden = "示例花园".as_bytes();
    let files = ["hazards.xlsx", "rounds.xlsx", "buildings.xlsx", "buildings.geojson", "buildings.gpkg"];
    let mut asked = 0;
    for filter in ["", "?street=500110001", "?street=500110002"] {
        for file in files {
            let path = format!("/api/v1/exports/{file}{filter}");
            let reply = get(&house, &path, &strange).await;
            assert_eq!(reply.status().as_u16(), 200, "{path}");
            let found = if file.ends_with("xlsx") {
                let texts = cells(reply.body());
                assert!(
                    texts.iter().any(|text| text.contains(&person_id(9).to_string())),
                    "who made it: {path}"
                );
                texts.iter().any(|text| text.contains("示例花园"))
            } else {
                reply.body().windows(garden.len()).any(|bytes| bytes == garden)
            };
            assert!(!found, "{path} shows another street's compound");
            asked += 1;
        }
    }
    let texts = cells(get(&house, "/api/v1/exports/buildings.xlsx", &own).await.body());
    assert!(texts.iter().any(|text| text == "示例花园"), "whose it is sees it");
    let exports = audit(&house.store).await.iter().filter(|(act, _)| act == "export").count();
    assert_eq!(exports, asked + 1, "each that was made");
    let lines = house.store.audit_lines(0, 10_000).await.expect("the audit");
    let by = lines
        .iter()
        .map(|line| minicbor::decode::<louan_server::audit::Entry>(&line.bytes).expect("an entry"));
    assert_eq!(by.filter(|entry| entry.act == "export" && entry.person == Some(person_id(9))).count(), asked);
}

/// Two compounds, one in each street, with a hazard each, the first of which is confirmed.
async fn two_streets(house: &House) {
    let street = StreetCode::new(OTHER_STREET);
    let org = Org { id: org_id("street-2"), kind: OrgKind::Street, name: "文龙".to_owned(), street };
    house.hub.add_org(org, None, Clocks::both(noon())).await.expect("a new organisation");
    let command =
        |n, expected_version, act| Ruling { id: CommandId([n; 16]), expected_version, at: noon(), act };
    let done = async |command| {
        let verdict = house.hub.command(person_id(2), command, Clocks::both(noon())).await.expect("answers");
        assert!(matches!(verdict, louan_schema::wire::CommandVerdict::Done(_)), "{verdict:?}");
    };
    let mut phone = Phone::enrolled(&house.hub, 79, person_id(4), org_id("property")).await;
    for (n, street, supervisor, name) in
        [(1, STREET, "street-1", "此街花园"), (2, OTHER_STREET, "street-2", "彼街花园")]
    {
        let (mut site, buildings) = kit::site(SiteId([200 + n; 16]), org_id("property"), street);
        (site.name, site.supervised_by) = (name.to_owned(), org_id(supervisor));
        let (lon_e7, lat_e7) = (1_066_510_000, 290_280_000);
        site.position = Some(Position { lon_e7, lat_e7, datum: Datum::Wgs84, synthetic: false });
        let (id, building) = (site.id, buildings[0].id);
        done(command(n, 0, Act::RegisterSite(site, buildings))).await;
        let book = Descriptor::book_at(id, org_id("property"), noon());
        let place = Place { buildings: vec![building], ..hazard(name).place };
        let found = record(person_id(4), Body::Hazard(Hazard { place, ..hazard(name) }));
        let raw = phone.write_in(book, RecordId([200 + n; 16]), &found);
        let batch = phone.batch(book, &[raw]);
        assert!(accepted(&phone.send(&house.hub, vec![batch]).await.changes[0]), "{name}");
    }
    let (hazard, severity) = (RecordId([201; 16]), Severity::General);
    let version = house.hub.find_hazard(hazard).await.expect("reads").expect("is there").version;
    let due_on = kit::noon().day();
    let confirm = command(3, version, Act::ConfirmHazard { hazard, severity, due_on });
    let verdict = house.hub.command(person_id(1), confirm, Clocks::both(noon())).await.expect("answers");
    assert!(matches!(verdict, louan_schema::wire::CommandVerdict::Done(_)), "{verdict:?}");
}

/// An office sees both streets: what a filter leaves out is out by the filter alone.
#[tokio::test]
async fn a_filter_leaves_out_what_its_caller_could_see() {
    let house = unhurried().await;
    two_streets(&house).await;
    let office = house.sign_in(2).await;
    for (file, filter, wanted) in [
        ("hazards.xlsx", "", [true, true]),
        ("hazards.xlsx", "?street=500110001", [true, false]),
        ("hazards.xlsx", "?street=500110002", [false, true]),
        ("hazards.xlsx", "?state=rectifying", [true, false]),
        ("hazards.xlsx", "?state=reported", [false, true]),
        ("hazards.xlsx", "?state=closed", [false, false]),
        ("hazards.xlsx", "?state=reported&street=500110001", [false, false]),
        ("buildings.xlsx", "", [true, true]),
        ("buildings.xlsx", "?street=500110001", [true, false]),
        ("buildings.xlsx", "?street=500110002", [false, true]),
        ("buildings.geojson", "", [true, true]),
        ("buildings.geojson", "?street=500110001", [true, false]),
        ("buildings.geojson", "?street=500110002", [false, true]),
    ] {
        let reply = get(&house, &format!("/api/v1/exports/{file}{filter}"), &office).await;
        let texts = if file.ends_with("xlsx") {
            cells(reply.body())
        } else {
            vec![String::from_utf8(reply.body().to_vec()).expect("text")]
        };
        let found = ["此街花园", "彼街花园"].map(|name| texts.iter().any(|text| text.contains(name)));
        assert_eq!(found, wanted, "{file}{filter}: {texts:?}");
    }
}

#[tokio::test]
async fn a_workbook_says_how_many_photos_are_missing_as_the_list_on_the_screen_does() {
    let house = unhurried().await;
    let [here, away, too] = [1, 2, 3].map(picture);
    cited(&house, vec![here.hash, away.hash, too.hash]).await;
    walked(&house, vec![here.hash]).await;
    let (clerk, sender) = (house.sign_in(1).await, phone(&house, 41).await);
    // Before the first photo has come, and after.
    for (hazards, rounds) in [(["3", "3"], ["1", "1"]), (["3", "2"], ["1", "0"])] {
        for (name, wanted) in [("hazards", hazards), ("rounds", rounds)] {
            let book = get(&house, &format!("/api/v1/exports/{name}.xlsx"), &clerk).await;
            let table = rows(book.body());
            let of = |title: &str| table[1].iter().position(|found| found == title).expect("a column");
            let told = [of("照片数"), of("尚缺照片")].map(|at| table[2][at].as_str());
            assert_eq!(told, wanted, "{name}");
            let list = read(&get(&house, &format!("/api/v1/{name}"), &clerk).await);
            let listed = ["photos", "photos_missing"].map(|field| list["rows"][0][field].to_string());
            assert_eq!(listed, told, "{name}");
        }
        super::photo_kit::send(&house, &sender, &here).await;
    }
}
