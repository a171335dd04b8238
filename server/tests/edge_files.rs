//! Lists of buildings in, ledgers out, over HTTP.

mod edge_kit;
mod kit;
mod photo_kit;

use std::io::Cursor;

use bytes::Bytes;
use calamine::{Data, Reader, Xlsx};
use edge_kit::house::{House, code, house, patient_house, request};
use edge_kit::{audit, noon, org_id, person_id};
use http::Response;
use louan_schema::code::{OrgKind, Role};
use louan_schema::record::{Body, Round};
use louan_schema::registry::{Org, Person};
use louan_server::hub::Clocks;
use rusqlite::Connection;
use serde_json::Value;

/// The registry's other offices: a police station and a brigade supervise, housing enters anywhere.
async fn offices(house: &House) {
    for (code, kind, street) in
        [("police-1", OrgKind::Police, Some(edge_kit::STREET)), ("housing", OrgKind::Housing, None)]
    {
        let street = street.and_then(louan_schema::area::StreetCode::new);
        let org = Org { id: org_id(code), kind, name: format!("单位{code}"), street };
        house.hub.add_org(org, None, Clocks::both(noon())).await.expect("a new organisation");
    }
    let person =
        Person { id: person_id(9), org: org_id("housing"), role: Role::Housing, name: "人员9".to_owned() };
    house.hub.add_person(person, None, Clocks::both(noon())).await.expect("a new person");
}

async fn send(house: &House, path: &str, token: &str, file: &[u8]) -> Response<Bytes> {
    request("POST", path, 1)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream")
        .header("content-length", file.len())
        .body(file)
        .reply(&house.routes)
        .await
}

async fn ask(house: &House, method: &str, path: &str, token: &str) -> Response<Bytes> {
    request(method, path, 1)
        .header("authorization", format!("Bearer {token}"))
        .header("content-length", 0)
        .reply(&house.routes)
        .await
}

fn read(reply: &Response<Bytes>) -> Value {
    assert_eq!(reply.status().as_u16(), 200, "{:?}", String::from_utf8_lossy(reply.body()));
    serde_json::from_slice(reply.body()).expect("JSON")
}

fn counts(import: &Value) -> [u64; 4] {
    ["new", "changed", "same", "refused"].map(|name| import[name].as_u64().expect("a number"))
}

/// The cells of a workbook as text, and how many of them are formulas.
fn cells(bytes: &[u8]) -> (Vec<Vec<String>>, usize) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let name = book.sheet_names()[0].clone();
    let formulas = book.worksheet_formula(&name).expect("formulas");
    let range = book.worksheet_range(&name).expect("cells");
    let text = |cell: &Data| cell.to_string();
    let rows = range.rows().map(|row| row.iter().map(text).collect()).collect();
    (rows, formulas.used_cells().count())
}

const LIST: &str = "街镇,小区名称,栋号,使用性质,建筑高度,高度来源,物业公司,经度,纬度,坐标系\n\
古南街道,示例花园,1栋,住宅,54.5,图纸,示例物业,106.651,29.028,WGS84\n\
古南街道,示例花园,2栋,住宅,54.5,图纸,示例物业,,,\n\
古南街道,示例大厦,主楼,公共,60,实测,无,106.652,29.027,WGS84\n\
古南街道,示例小院,1栋,住宅,27,图纸,,,,\n";

#[tokio::test]
async fn a_list_is_seen_first_then_carried_out_then_taken_back() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let seen = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    assert_eq!(counts(&seen), [3, 0, 0, 1]);
    assert_eq!(seen["faults"][0]["row"], 5);
    assert_eq!(seen["faults"][0]["reason"], "高 27 米，不超过 27 米，不属于高层住宅建筑");
    let path = format!("/api/v1/imports/{}", seen["id"].as_str().expect("an id"));
    assert_eq!(
        ask(&house, "POST", &format!("{path}/undo"), &office).await.status().as_u16(),
        409,
        "not done yet"
    );
    let before = house.hub.head().await.expect("a head").pos;
    assert_eq!(read(&ask(&house, "GET", &path, &office).await)["state"], "seen");
    assert_eq!(house.hub.head().await.expect("a head").pos, before, "looking changes nothing");

    let carried = read(&ask(&house, "POST", &format!("{path}/commit"), &office).await);
    assert_eq!((carried["done"].as_u64(), carried["left"].as_array().map(Vec::len)), (Some(2), Some(0)));
    let twice = ask(&house, "POST", &format!("{path}/commit"), &office).await;
    assert_eq!((twice.status().as_u16(), code(&twice).as_str()), (409, "done"));
    let again = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    assert_eq!(counts(&again), [0, 0, 3, 1], "the same list changes nothing");
    assert_eq!(on_the_map(&house, &office).await, 3, "where their compounds are");

    let undone = read(&ask(&house, "POST", &format!("{path}/undo"), &office).await);
    assert_eq!((undone["done"].as_u64(), undone["left"].as_array().map(Vec::len)), (Some(2), Some(0)));
    let (rows, _) = cells(ask(&house, "GET", "/api/v1/exports/buildings.xlsx", &office).await.body());
    assert!(rows.iter().all(|row| !row.contains(&"已建账".to_owned())));
    assert_eq!(on_the_map(&house, &office).await, 0, "none of them stands");
    assert_eq!(read(&ask(&house, "GET", &path, &office).await)["state"], "undone");

    // What was taken back by mistake is entered by the same list.
    let mended = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    assert_eq!(counts(&mended), [0, 3, 0, 1]);
    let path = format!("/api/v1/imports/{}/commit", mended["id"].as_str().expect("an id"));
    assert_eq!(read(&ask(&house, "POST", &path, &office).await)["done"], 2);
    assert_eq!(on_the_map(&house, &office).await, 3);
}

/// How many buildings the map has.
async fn on_the_map(house: &House, token: &str) -> usize {
    let map = read(&ask(house, "GET", "/api/v1/exports/buildings.geojson", token).await);
    map["features"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_somebody_has_decided_since_is_not_taken_back() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let first = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    let first = format!("/api/v1/imports/{}", first["id"].as_str().expect("an id"));
    read(&ask(&house, "POST", &format!("{first}/commit"), &office).await);
    let corrected = LIST.replace("2栋,住宅,54.5", "2栋,住宅,57.3");
    let second = read(&send(&house, "/api/v1/imports", &office, corrected.as_bytes()).await);
    assert_eq!(counts(&second), [0, 1, 2, 1]);
    let second = format!("/api/v1/imports/{}", second["id"].as_str().expect("an id"));
    read(&ask(&house, "POST", &format!("{second}/commit"), &office).await);
    let undone = read(&ask(&house, "POST", &format!("{first}/undo"), &office).await);
    assert_eq!(undone["done"], 1);
    assert_eq!(
        (&undone["left"][0]["name"], &undone["left"][0]["code"]),
        (&"示例花园".into(), &"version_moved".into())
    );
}

#[tokio::test]
async fn what_an_import_did_not_do_is_not_taken_back_with_it() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    // Both were seen before either was carried out: the second finds the first one's compounds in its place.
    let late = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    let other = LIST.replace("54.5", "57.3");
    let first = read(&send(&house, "/api/v1/imports", &office, other.as_bytes()).await);
    let path = |import: &Value| format!("/api/v1/imports/{}", import["id"].as_str().expect("an id"));
    read(&ask(&house, "POST", &format!("{}/commit", path(&first)), &office).await);
    let carried = read(&ask(&house, "POST", &format!("{}/commit", path(&late)), &office).await);
    assert_eq!((carried["done"].as_u64(), carried["left"].as_array().map(Vec::len)), (Some(0), Some(2)));
    let undone = read(&ask(&house, "POST", &format!("{}/undo", path(&late)), &office).await);
    assert_eq!((undone["done"].as_u64(), undone["left"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let again = read(&send(&house, "/api/v1/imports", &office, other.as_bytes()).await);
    assert_eq!(counts(&again)[..3], [0, 0, 3], "the other import's compounds stand as they were: {again}");
}

#[tokio::test]
async fn files_that_are_no_lists_change_nothing_and_say_why() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let before = house.hub.head().await.expect("a head").pos;
    for (file, fault, words) in [
        (b"PK\x03\x04 not a zip".to_vec(), "damaged", "已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "old_or_locked", "旧格式"),
        ("甲,乙\n1,2\n".as_bytes().to_vec(), "no_header", "找不到表头"),
        ("名称\n\"未关\n".as_bytes().to_vec(), "open_quote", "第 2 行"),
        (b"{\"type\":\"Feature\"".to_vec(), "not_geojson", "GeoJSON"),
    ] {
        let reply = send(&house, "/api/v1/imports", &office, &file).await;
        assert_eq!(reply.status().as_u16(), 422);
        let problem: Value = serde_json::from_slice(reply.body()).expect("JSON");
        assert_eq!(problem["errors"][0]["code"], fault);
        assert!(problem["errors"][0]["detail"].as_str().expect("words").contains(words), "{problem}");
    }
    assert_eq!(house.hub.head().await.expect("a head").pos, before);
}

#[tokio::test]
async fn only_who_registers_buildings_imports_and_only_his_own_office_reads_it() {
    let house = house().await;
    offices(&house).await;
    let (office, street) = (house.sign_in(9).await, house.sign_in(1).await);
    for number in [3, 4, 5, 6] {
        let token = house.sign_in(number).await;
        assert_eq!(
            send(&house, "/api/v1/imports", &token, LIST.as_bytes()).await.status().as_u16(),
            403,
            "{number}"
        );
    }
    let import = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    let path = format!("/api/v1/imports/{}", import["id"].as_str().expect("an id"));
    for (method, path) in [
        ("GET", path.clone()),
        ("POST", format!("{path}/commit")),
        ("POST", format!("{path}/undo")),
        ("GET", format!("{path}/errors")),
        ("GET", format!("/api/v1/imports/{}", "0".repeat(32))),
        ("GET", "/api/v1/imports/..%2f".to_owned()),
    ] {
        assert_eq!(ask(&house, method, &path, &street).await.status().as_u16(), 404, "{method} {path}");
    }
    // A street enters its own compounds and no others.
    let elsewhere =
        LIST.replace("古南街道", "文龙街道").replace("示例物业", "").replace("公共,60,实测", "住宅,60,实测");
    let housing = Org {
        id: org_id("street-2"),
        kind: OrgKind::Street,
        name: "文龙".to_owned(),
        street: louan_schema::area::StreetCode::new(edge_kit::OTHER_STREET),
    };
    house.hub.add_org(housing, None, Clocks::both(noon())).await.expect("a new organisation");
    let import = read(&send(&house, "/api/v1/imports", &street, elsewhere.as_bytes()).await);
    let path = format!("/api/v1/imports/{}/commit", import["id"].as_str().expect("an id"));
    let carried = read(&ask(&house, "POST", &path, &street).await);
    assert_eq!(carried["done"], 0);
    assert!(
        carried["left"].as_array().expect("rows").iter().all(|left| left["code"] == "not_permitted"),
        "{carried}"
    );
}

#[tokio::test]
async fn the_lines_that_are_wrong_come_back_as_a_workbook_that_can_be_corrected_and_sent_again() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let list = LIST.replace("示例小院", "=1+1");
    let import = read(&send(&house, "/api/v1/imports", &office, list.as_bytes()).await);
    let path = format!("/api/v1/imports/{}/errors", import["id"].as_str().expect("an id"));
    let book = ask(&house, "GET", &path, &office).await;
    let (rows, formulas) = cells(book.body());
    assert_eq!((rows.len(), formulas), (2, 0), "{rows:?}");
    assert_eq!(
        (rows[1][1].as_str(), rows[1][10].as_str()),
        ("=1+1", "高 27 米，不超过 27 米，不属于高层住宅建筑")
    );
    let again = read(&send(&house, "/api/v1/imports", &office, book.body()).await);
    assert_eq!(counts(&again), [0, 0, 0, 1]);
    assert_eq!(again["left_alone"], serde_json::json!(["错误原因", "原行号"]));
}

#[tokio::test]
async fn ledgers_go_out_as_far_as_the_caller_sees_with_a_line_in_the_audit() {
    let house = house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let list = LIST.replace("示例大厦", "=HYPERLINK(\"http://x\")").replace("主楼", "＠SUM(1)");
    let import = read(&send(&house, "/api/v1/imports", &office, list.as_bytes()).await);
    let path = format!("/api/v1/imports/{}/commit", import["id"].as_str().expect("an id"));
    read(&ask(&house, "POST", &path, &office).await);
    let (rows, formulas) = cells(ask(&house, "GET", "/api/v1/exports/buildings.xlsx", &office).await.body());
    assert_eq!(formulas, 0);
    let named = |name: &str| rows.iter().filter(|row| row.contains(&name.to_owned())).count();
    assert_eq!((named("示例花园"), named("=HYPERLINK(\"http://x\")"), named("＠SUM(1)")), (2, 1, 1));
    // What was taken out is known again.
    let book = ask(&house, "GET", "/api/v1/exports/buildings.xlsx", &office).await;
    let again = read(&send(&house, "/api/v1/imports", &office, book.body()).await);
    assert_eq!(counts(&again)[..3], [0, 0, 3], "{again}");
    // A company that manages nothing here gets the header and nothing else.
    let (rows, _) =
        cells(ask(&house, "GET", "/api/v1/exports/buildings.xlsx", &house.sign_in(4).await).await.body());
    assert!(rows.iter().all(|row| !row.contains(&"示例花园".to_owned())));
    let (rows, _) = cells(ask(&house, "GET", "/api/v1/exports/hazards.xlsx", &office).await.body());
    assert_eq!(rows[1][..3], ["序号", "隐患编号", "小区/项目"]);
    let lines = audit(&house.store).await;
    assert_eq!(lines.iter().filter(|(act, _)| act == "export").count(), 4);
    let over = ask(&house, "GET", "/api/v1/exports/buildings.xlsx?street=500110999", &office).await;
    assert_eq!(over.status().as_u16(), 422);
}

#[tokio::test]
async fn visits_go_out_as_they_stand_in_their_list() {
    let house = house().await;
    photo_kit::cited(&house, Vec::new()).await;
    let mut phone = kit::Phone::enrolled(&house.hub, 78, person_id(4), org_id("property")).await;
    let Body::Round(round) = kit::round(2) else { panic!("a visit") };
    let day_before = Body::Round(Round { opened_at: round.opened_at.plus_ms(-86_400_000), ..round });
    let raws = [phone.write(31, kit::round(1)), phone.write(32, day_before)];
    assert!(kit::accepted(&phone.push(&house.hub, &raws).await));
    let clerk = house.sign_in(1).await;
    let (rows, formulas) = cells(ask(&house, "GET", "/api/v1/exports/rounds.xlsx", &clerk).await.body());
    assert_eq!((rows[1][..3].join(" ").as_str(), formulas), ("序号 检查编号 小区/项目", 0));
    let listed = read(&ask(&house, "GET", "/api/v1/rounds", &clerk).await);
    let ids: Vec<&Value> = listed["rows"].as_array().expect("rows").iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&Value::from(rows[2][1].as_str()), &Value::from(rows[3][1].as_str())]);
    let company = house.hub.find_org(org_id("property")).await.expect("reads").expect("is there").name;
    let street = house.hub.find_org(org_id("street-1")).await.expect("reads").expect("is there").name;
    for (row, number, day) in [(&rows[2], "1", "2020-01-22"), (&rows[3], "2", "2020-01-21")] {
        let wanted =
            ["示例花园", "古南街道", &company, day, "1栋", "1", "0", "未查完", "一致", "0", "0", &street];
        assert_eq!((row[0].as_str(), &row[2..]), (number, &wanted.map(str::to_owned)[..]));
    }
    let path = "/api/v1/exports/rounds.xlsx?street=500110001&until=2020-01-21";
    let (rows, _) = cells(ask(&house, "GET", path, &clerk).await.body());
    assert_eq!((rows[2][5].as_str(), rows[3][0].as_str()), ("2020-01-21", ""), "{rows:?}");
    let wrong = ask(&house, "GET", "/api/v1/exports/rounds.xlsx?until=2020-02-30", &clerk).await;
    assert_eq!(wrong.status().as_u16(), 422);
}

#[tokio::test]
async fn maps_name_their_datum() {
    let house = patient_house().await;
    offices(&house).await;
    let office = house.sign_in(9).await;
    let import = read(&send(&house, "/api/v1/imports", &office, LIST.as_bytes()).await);
    let path = format!("/api/v1/imports/{}/commit", import["id"].as_str().expect("an id"));
    read(&ask(&house, "POST", &path, &office).await);
    for (datum, lon) in
        [("wgs84", 106.651), ("cgcs2000", 106.651), ("gcj02", 106.654_748_7), ("bd09", 106.661_213_5)]
    {
        let path = format!("/api/v1/exports/buildings.geojson?datum={datum}");
        let map = read(&ask(&house, "GET", &path, &office).await);
        assert_eq!(map["datum"].as_str().map(str::to_lowercase).as_deref(), Some(datum));
        let features = map["features"].as_array().expect("features");
        let of_garden = |f: &&Value| f["properties"]["site"] == "示例花园";
        let garden = features.iter().find(of_garden).expect("the garden");
        let at = garden["geometry"]["coordinates"][0].as_f64().expect("a number");
        assert!((at - lon).abs() <= 1e-6, "{datum}: {at}");
        let path = format!("/api/v1/exports/buildings.gpkg?datum={datum}");
        let package = ask(&house, "GET", &path, &office).await;
        let file = house.folder.path().join(format!("{datum}.gpkg"));
        std::fs::write(&file, package.body()).expect("writes");
        let file = Connection::open(&file).expect("SQLite");
        let described: String =
            file.query_row("SELECT description FROM gpkg_contents", [], |row| row.get(0)).expect("one layer");
        assert_eq!(described.to_lowercase(), format!("坐标系 {datum}"));
        let names: i64 = file
            .query_row(
                "SELECT count(*) FROM buildings WHERE site = '示例花园' AND geom IS NOT NULL",
                [],
                |row| row.get(0),
            )
            .expect("counts");
        assert_eq!(names, 2);
    }
}
