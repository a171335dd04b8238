//! Photos beside a hazard or a round: before and after, what is still missing, the same file handed in twice.

mod edge_kit;
mod kit;
mod photo_kit;

use edge_kit::house::{House, code, house};
use edge_kit::{STREET, noon, org_id, person_id};
use kit::{Phone, accepted, fix, hazard, record};
use louan_schema::code::{OrgKind, Role};
use louan_schema::doc::Descriptor;
use louan_schema::id::{BlobHash, BuildingId, CommandId, RecordId};
use louan_schema::photo::PhotoCard;
use louan_schema::record::{Body, Record, Withdrawal};
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::CommandVerdict;
use louan_server::hub::Clocks;
use photo_kit::{card, cited, enrolled, get, header, metadata, phone, picture, piece, send, tus, walked};
use serde_json::{Value, json as value};

/// The hazard that `photo_kit::cited` reports.
const HAZARD: RecordId = RecordId([5; 16]);

async fn asked(house: &House, path: &str, token: &str) -> Value {
    let reply = get(house, path, token).await;
    assert_eq!(reply.status().as_u16(), 200, "{path}: {reply:?}");
    serde_json::from_slice(reply.body()).expect("JSON")
}

/// The company's second phone.
async fn second(house: &House) -> Phone {
    Phone::enrolled(&house.hub, 78, person_id(4), org_id("property")).await
}

/// The phone of a company that has no compound here: its token.
async fn stranger(house: &House) -> String {
    let (now, kind) = (Clocks::both(noon()), OrgKind::PropertyManager);
    let company = Org { id: org_id("property-2"), kind, name: "物业二".to_owned(), street: None };
    house.hub.add_org(company, None, now).await.expect("a new organisation");
    let (org, role) = (org_id("property-2"), Role::PropertyManager);
    let person = Person { id: person_id(9), org, role, name: "人员9".to_owned() };
    house.hub.add_person(person, None, now).await.expect("a new person");
    enrolled(house, 51, person_id(9)).await.0
}

async fn write(
    house: &House,
    phone: &mut Phone,
    book: Descriptor,
    id: u8,
    body: Body,
    photos: Vec<BlobHash>,
) {
    let said = Record { photos, ..record(person_id(4), body) };
    let raw = phone.write_in(book, RecordId([id; 16]), &said);
    let batch = phone.batch(book, &[raw]);
    let verdicts = &phone.send(&house.hub, vec![batch]).await.changes[0];
    assert!(accepted(verdicts), "{verdicts:?}");
}

#[tokio::test]
async fn before_and_after_stand_side_by_side_and_what_is_missing_is_counted() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (before, after) = (picture(1), picture(90));
    send(&house, &token, &before).await;
    cited(&house, vec![before.hash]).await;
    let street = house.sign_in(1).await;
    let path = format!("/api/v1/hazards/{HAZARD}/photos");
    let list = asked(&house, &path, &street).await;
    assert_eq!(list["pairs"], value!([{ "before": before.hash.to_string() }]));

    let mut own = second(&house).await;
    let book = own.book();
    write(&house, &mut own, book, 6, fix(HAZARD, person_id(4)), vec![after.hash]).await;
    let pair = value!([{ "before": before.hash.to_string(), "after": after.hash.to_string() }]);
    let counts = async || {
        let page = asked(&house, "/api/v1/hazards", &street).await;
        let row = &page["rows"][0];
        (row["photos"].clone(), row["photos_missing"].clone())
    };
    let list = asked(&house, &path, &street).await;
    assert_eq!((&list["pairs"], &list["missing"]), (&pair, &value!(1)), "its bytes are still to come");
    assert_eq!(counts().await, (value!(2), value!(1)));
    send(&house, &token, &after).await;
    let list = asked(&house, &path, &street).await;
    assert_eq!((&list["pairs"], &list["missing"]), (&pair, &value!(0)));
    assert_eq!(counts().await, (value!(2), value!(0)));

    // A file that rotted is no evidence any more: the line is incomplete again.
    let name = after.hash.to_string();
    std::fs::write(house.folder.path().join("photos").join(&name[..2]).join(&name), b"rot")
        .expect("spoils it");
    house.photos.sweep(noon()).await.expect("looks");
    assert_eq!(asked(&house, &path, &street).await["missing"], 1);
    assert_eq!(counts().await, (value!(2), value!(1)));
}

#[tokio::test]
async fn what_was_written_about_a_hazard_elsewhere_is_not_beside_it_and_opens_nothing() {
    let house = house().await;
    let (token, theirs) = (phone(&house, 41).await, stranger(&house).await);
    let (here, elsewhere) = (picture(1), picture(90));
    send(&house, &token, &here).await;
    send(&house, &theirs, &elsewhere).await;
    let (mut site, buildings) = kit::site(kit::ELSEWHERE, org_id("property-2"), STREET);
    site.supervised_by = org_id("street-1");
    let act = Act::RegisterSite(site, buildings);
    let command = Command { id: CommandId([2; 16]), expected_version: 0, at: noon(), act };
    let done = house.hub.command(person_id(1), command, Clocks::both(noon())).await.expect("answers");
    assert!(matches!(done, CommandVerdict::Done(_)), "{done:?}");
    let mut foreign = Phone::enrolled(&house.hub, 79, person_id(9), org_id("property-2")).await;
    let book = Descriptor::book_at(kit::ELSEWHERE, org_id("property-2"), kit::noon());
    let fixed = record(person_id(9), fix(HAZARD, person_id(9)));
    let said = Record { photos: vec![elsewhere.hash], ..fixed };
    let raw = foreign.write_in(book, RecordId([6; 16]), &said);
    let batch = foreign.batch(book, &[raw]);
    // Had the hazard been here, the gate would have refused that.
    assert!(accepted(&foreign.send(&house.hub, vec![batch]).await.changes[0]));
    cited(&house, vec![here.hash]).await;
    let street = house.sign_in(1).await;
    let path = format!("/api/v1/hazards/{HAZARD}/photos");
    let list = asked(&house, &path, &street).await;
    assert_eq!(list["photos"].as_array().expect("rows").len(), 1);
    assert_eq!(list["pairs"], value!([{ "before": here.hash.to_string() }]));
    let page = asked(&house, "/api/v1/hazards", &street).await;
    assert_eq!((&page["rows"][0]["photos"], &page["rows"][0]["photos_missing"]), (&value!(1), &value!(0)));
    assert_eq!(
        get(&house, &path, &theirs).await.status().as_u16(),
        404,
        "his own words about it show him nothing"
    );
}

#[tokio::test]
async fn a_record_that_was_withdrawn_asks_for_no_photo_any_more() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (before, lost) = (picture(1), picture(90));
    send(&house, &token, &before).await;
    cited(&house, vec![before.hash]).await;
    let mut own = second(&house).await;
    let book = own.book();
    write(&house, &mut own, book, 6, fix(HAZARD, person_id(4)), vec![lost.hash]).await;
    let withdrawal = Withdrawal { target: RecordId([6; 16]), reason: "误报".to_owned() };
    write(&house, &mut own, book, 7, Body::Withdrawal(withdrawal), Vec::new()).await;
    let street = house.sign_in(1).await;
    let list = asked(&house, &format!("/api/v1/hazards/{HAZARD}/photos"), &street).await;
    let counts: Vec<_> =
        list["photos"].as_array().expect("rows").iter().map(|row| row["counts"].clone()).collect();
    assert_eq!((counts, &list["missing"]), (vec![value!(true), value!(false)], &value!(0)));
    let page = asked(&house, "/api/v1/hazards", &street).await;
    assert_eq!((&page["rows"][0]["photos"], &page["rows"][0]["photos_missing"]), (&value!(1), &value!(0)));
}

#[tokio::test]
async fn a_rounds_photos_are_listed_and_counted_for_who_sees_its_compound() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (here, awaited) = (picture(1), picture(90));
    send(&house, &token, &here).await;
    cited(&house, Vec::new()).await;
    let round = walked(&house, vec![here.hash, awaited.hash]).await;
    let (street, operator) = (house.sign_in(1).await, house.sign_in(5).await);
    let path = format!("/api/v1/rounds/{round}/photos");
    let list = asked(&house, &path, &street).await;
    let found: Vec<_> =
        list["photos"].as_array().expect("rows").iter().map(|row| row["here"].clone()).collect();
    assert_eq!((found, &list["missing"]), (vec![value!(true), value!(false)], &value!(1)));
    let page = asked(&house, "/api/v1/rounds", &street).await;
    assert_eq!((&page["rows"][0]["photos"], &page["rows"][0]["photos_missing"]), (&value!(2), &value!(1)));
    assert_eq!(asked(&house, &path, &token).await["missing"], 1, "the company's phone sees it too");
    let nowhere = get(&house, &format!("/api/v1/rounds/{}/photos", RecordId([9; 16])), &street).await;
    assert_eq!(nowhere.status().as_u16(), 404);
    assert_eq!(get(&house, &path, &operator).await.status().as_u16(), 403);
    let unseen = get(&house, &path, &stranger(&house).await).await;
    assert_eq!(
        (unseen.status(), code(&unseen)),
        (nowhere.status(), code(&nowhere)),
        "as if it were not there"
    );
}

#[tokio::test]
async fn one_file_used_for_two_buildings_is_found_however_it_was_developed() {
    let house = house().await;
    let token = phone(&house, 41).await;
    // Developed so differently that nothing looks alike; both cards name the same file.
    let (first, other, stranger) = (picture(1), picture(90), picture(200));
    send(&house, &token, &first).await;
    send(&house, &token, &stranger).await;
    let told =
        PhotoCard { original: first.original, building: Some(BuildingId(kit::SITE.0)), ..card(&other) };
    let with = [
        ("upload-length", other.jpeg.len().to_string()),
        ("upload-metadata", metadata(other.hash, "photo", &told)),
    ];
    let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
    let place = header(&reply, "location").to_owned();
    assert_eq!(piece(&house, &token, &place, 0, &other.jpeg).await.status().as_u16(), 204);
    cited(&house, vec![first.hash, stranger.hash]).await;
    let mut own = second(&house).await;
    let book = own.book();
    write(&house, &mut own, book, 8, Body::Hazard(hazard("防火门损坏")), vec![other.hash]).await;
    let street = house.sign_in(1).await;
    for (asked_of, found) in [(&first, &other), (&other, &first)] {
        let alike = asked(&house, &format!("/api/v1/photos/{}/alike", asked_of.hash), &street).await;
        let rows: Vec<_> =
            alike.as_array().expect("rows").iter().map(|r| (&r["hash"], &r["same_file"])).collect();
        let names = [asked_of, found].map(|photo| value!(photo.hash.to_string()));
        assert_eq!(rows, [(&names[0], &value!(true)), (&names[1], &value!(true))]);
        assert!(alike[1]["distance"].as_u64().expect("bits") > 7, "not found by its looks");
    }
}
