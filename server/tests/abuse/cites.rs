//! Hashes in records (P08): whoever knows the name of a photo may cite it, and sees no more for it.

use louan_schema::code::{OrgKind, Role};
use louan_schema::doc::Descriptor;
use louan_schema::id::{BlobHash, BuildingId, CommandId, RecordId};
use louan_schema::photo::PhotoCard;
use louan_schema::record::{Body, Record};
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::{Act, Command};
use louan_server::hub::Clocks;
use serde_json::Value;

use super::edge_kit::house::{House, house};
use super::edge_kit::{STREET, noon, org_id, person_id};
use super::kit::{self, Phone, accepted, hazard, record};
use super::photo_kit::{card, cited, enrolled, get, header, metadata, phone, picture, piece, send, tus};

const OTHER: &str = "property-2";
const THEIRS: RecordId = RecordId([9; 16]);

/// Another property company with a compound of its own and a phone: its token.
async fn stranger(house: &House) -> String {
    let now = Clocks::both(noon());
    let kind = OrgKind::PropertyManager;
    let company = Org { id: org_id(OTHER), kind, name: "物业二".to_owned(), street: None };
    house.hub.add_org(company, None, now).await.expect("a new organisation");
    let role = Role::PropertyManager;
    let person = Person { id: person_id(9), org: org_id(OTHER), role, name: "人员9".to_owned() };
    house.hub.add_person(person, None, now).await.expect("a new person");
    let (mut site, buildings) = kit::site(kit::ELSEWHERE, org_id(OTHER), STREET);
    site.supervised_by = org_id("street-1");
    let act = Act::RegisterSite(site, buildings);
    let command = Command { id: CommandId([2; 16]), expected_version: 0, at: noon(), act };
    house.hub.command(person_id(1), command, now).await.expect("registers");
    enrolled(house, 51, person_id(9)).await.0
}

/// He cites a photo in a hazard on his own compound.
async fn cite(house: &House, photo: BlobHash) {
    let mut own = Phone::enrolled(&house.hub, 79, person_id(9), org_id(OTHER)).await;
    let book = Descriptor::book_at(kit::ELSEWHERE, org_id(OTHER), kit::noon());
    let mut found = hazard("楼梯间堆放杂物");
    found.place.buildings = vec![BuildingId(kit::ELSEWHERE.0)];
    let said = Record { photos: vec![photo], ..record(person_id(9), Body::Hazard(found)) };
    let raw = own.write_in(book, THEIRS, &said);
    let batch = own.batch(book, &[raw]);
    assert!(accepted(&own.send(&house.hub, vec![batch]).await.changes[0]));
}

async fn status(house: &House, path: &str, token: &str) -> u16 {
    get(house, path, token).await.status().as_u16()
}

#[tokio::test]
async fn a_hash_in_a_record_of_ones_own_opens_nobody_elses_photo() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    send(&house, &token, &photo).await;
    cited(&house, vec![photo.hash]).await;
    let strange = stranger(&house).await;
    cite(&house, photo.hash).await;
    let all = ["", "/thumbnail", "/alike"].map(|what| format!("/api/v1/photos/{}{what}", photo.hash));
    for path in &all {
        assert_eq!(status(&house, path, &token).await, 200, "{path}: to its own company");
        assert_eq!(status(&house, path, &strange).await, 404, "{path}: a record of one's own is no right");
    }
    let listed = get(&house, &format!("/api/v1/hazards/{THEIRS}/photos"), &strange).await;
    let listed: Value = serde_json::from_slice(listed.body()).expect("JSON");
    assert_eq!((&listed["missing"], &listed["photos"][0]["here"]), (&1.into(), &false.into()), "{listed}");
    assert!(listed["photos"][0].get("said").is_none(), "nor what its phone said: {listed}");

    // Who has the bytes himself has sent them, and sees them in his own record.
    send(&house, &strange, &photo).await;
    assert_eq!(status(&house, &all[0], &strange).await, 200);
}

#[tokio::test]
async fn a_strangers_thumbnail_stands_for_nobody_elses_photo() {
    let house = house().await;
    let own = phone(&house, 41).await;
    let (photo, planted) = (picture(1), picture(2).thumbnail);
    cited(&house, vec![photo.hash]).await;
    let strange = stranger(&house).await;
    let path = format!("/api/v1/photos/{}/thumbnail", photo.hash);
    let about = PhotoCard { thumbnail: Some(planted.hash), ..card(&photo) };
    for (token, shown) in [(&strange, 404), (&own, 200)] {
        let with = [
            ("upload-length", planted.jpeg.len().to_string()),
            ("upload-metadata", metadata(planted.hash, "thumbnail", &about)),
        ];
        let begun = tus(&house, "POST", "/api/v1/uploads", token, &with, b"").await;
        let sent = piece(&house, token, header(&begun, "location"), 0, &planted.jpeg).await;
        assert_eq!(sent.status().as_u16(), 204, "{sent:?}");
        assert_eq!(status(&house, &path, &own).await, shown, "who sent it decides, not what it says it is");
    }
}
