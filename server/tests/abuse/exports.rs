//! Ledgers as files: no text becomes a formula (X05), and nobody takes out what he does not see (X07).

use std::io::Cursor;

use calamine::{Reader, Xlsx};
use louan_schema::area::StreetCode;
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{BuildingId, CommandId, RecordId};
use louan_schema::record::Body;
use louan_schema::registry::{FloorName, Org, Person};
use louan_schema::ruling::{Act, Command as Ruling};
use louan_server::config::Allowances;
use louan_server::hub::Clocks;
use louan_server::storage::AuditStore;

use super::edge_kit::house::{House, Wishes, house_with};
use super::edge_kit::{OTHER_STREET, STREET, audit, noon, org_id, person_id};
use super::kit::{self, Phone, accepted, hazard, record};
use super::lists::{read, send};
use super::photo_kit::{cited, get};

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

/// The texts of a workbook's cells; that none is a formula is shown on the way.
fn cells(bytes: &[u8]) -> Vec<String> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let mut texts = Vec::new();
    for name in book.sheet_names() {
        assert_eq!(book.worksheet_formula(&name).expect("formulas").used_cells().count(), 0, "{name}");
        let range = book.worksheet_range(&name).expect("cells");
        texts.extend(range.rows().flatten().map(ToString::to_string));
    }
    texts
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
    // Two people, for each has twenty an hour.
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
