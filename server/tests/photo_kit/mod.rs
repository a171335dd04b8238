//! What the tests about photos share: pictures, cards, an outside client's requests, a hazard that cites photos.
#![allow(dead_code, reason = "each test file uses its own part")]

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use http::Response;
use image::{ImageFormat, Rgb, RgbImage};
use louan_photo::{Developed, develop};
use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, HeightSource, Management, RegistryState};
use louan_schema::id::{BlobHash, BuildingId, CommandId, DeviceId, PersonId, RecordId, RoundId};
use louan_schema::photo::{OnSite, PhotoCard, Taken, TakenBy, UnprovenReason};
use louan_schema::record::{Body, Record};
use louan_schema::registry::{Building, Site};
use louan_schema::ruling::{Act, Command};
use louan_server::hub::Clocks;
use p256::ecdsa::SigningKey;
use serde_json::{Value, json as value};
use sha2::{Digest, Sha256};

use crate::edge_kit::house::{House, json, request};
use crate::edge_kit::{STREET, noon, org_id, person_id};
use crate::kit::{self, Phone, accepted, hazard, record};

/// A picture that is like no other seed's.
pub(crate) fn picture(seed: u8) -> Developed {
    let wave = |x: u32, y: u32, n: u32| {
        u8::try_from((x * (n + u32::from(seed)) / 7 + y * n / 3) % 256).expect("a byte")
    };
    let pixels = RgbImage::from_fn(400, 300, |x, y| Rgb([wave(x, y, 3), wave(x, y, 5), wave(x, y, 11)]));
    let mut png = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut png, ImageFormat::Png).expect("writes");
    develop(png.get_ref(), None).expect("a picture")
}

pub(crate) fn card(photo: &Developed) -> PhotoCard {
    PhotoCard {
        layout: louan_schema::photo::CARD_LAYOUT,
        hash: photo.hash,
        bytes: u32::try_from(photo.jpeg.len()).expect("small"),
        width: photo.width,
        height: photo.height,
        thumbnail: None,
        original: photo.original,
        taken: Taken { at: noon(), by: TakenBy::Phone },
        position: None,
        site: kit::SITE,
        building: None,
        record: None,
        on_site: OnSite::Unproven { reason: UnprovenReason::NoPosition, distance_m: None },
        blurred: false,
        dark: true,
        likeness: photo.likeness,
    }
}

pub(crate) fn metadata(hash: BlobHash, kind: &str, card: &PhotoCard) -> String {
    let entry = |name: &str, bytes: &[u8]| format!("{name} {}", Base64::encode_string(bytes));
    let (hash, kind) = (entry("sha256", hash.to_string().as_bytes()), entry("kind", kind.as_bytes()));
    format!("{hash},{kind},{}", entry("card", &card.to_bytes()))
}

/// The property company's phone: its token.
pub(crate) async fn phone(house: &House, seed: u8) -> String {
    enrolled(house, seed, person_id(4)).await.0
}

/// A phone of one person: its token and its id.
pub(crate) async fn enrolled(house: &House, seed: u8, person: PersonId) -> (String, DeviceId) {
    let key = SigningKey::from_slice(&[seed; 32]).expect("a scalar");
    let (code, _) = house.identity.new_code(vec![person], None, noon()).await.expect("a code");
    let public_key = Base64UrlUnpadded::encode_string(key.verifying_key().to_sec1_point(true).as_bytes());
    let body = value!({ "code": code.text(), "public_key": public_key }).to_string();
    let reply = json(request("POST", "/api/v1/enrol", seed), &body).reply(&house.routes).await;
    let reply: Value = serde_json::from_slice(reply.body()).expect("JSON");
    let text = |name: &str| reply[name].as_str().expect("text").to_owned();
    let token = text("access_token");
    house.keep(&token, key);
    (token, text("device").parse().expect("an id"))
}

pub(crate) async fn tus(
    house: &House,
    method: &str,
    path: &str,
    token: &str,
    with: &[(&str, String)],
    body: &[u8],
) -> Response<Bytes> {
    let body = if method == "PATCH" || method == "POST" { body } else { b"" };
    let mut asked = house.bearing((method, path, 9), token, body);
    if !with.iter().any(|(name, _)| *name == "tus-resumable") {
        asked = asked.header("tus-resumable", "1.0.0");
    }
    for (name, value) in with {
        asked = asked.header(*name, value);
    }
    if method == "PATCH" {
        asked = asked.header("content-type", "application/offset+octet-stream");
    }
    if method == "PATCH" || method == "POST" {
        asked = asked.header("content-length", body.len());
    }
    asked.reply(&house.routes).await
}

pub(crate) fn header<'a>(reply: &'a Response<Bytes>, name: &str) -> &'a str {
    reply.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

pub(crate) async fn begin(house: &House, token: &str, photo: &Developed) -> String {
    let with = [
        ("upload-length", photo.jpeg.len().to_string()),
        ("upload-metadata", metadata(photo.hash, "photo", &card(photo))),
    ];
    let reply = tus(house, "POST", "/api/v1/uploads", token, &with, b"").await;
    assert_eq!((reply.status().as_u16(), header(&reply, "tus-resumable")), (201, "1.0.0"), "{reply:?}");
    header(&reply, "location").to_owned()
}

pub(crate) async fn piece(
    house: &House,
    token: &str,
    place: &str,
    offset: usize,
    bytes: &[u8],
) -> Response<Bytes> {
    let checksum = format!("sha256 {}", Base64::encode_string(&Sha256::digest(bytes)));
    let with = [("upload-offset", offset.to_string()), ("upload-checksum", checksum)];
    tus(house, "PATCH", place, token, &with, bytes).await
}

/// Sends a photo whole; the position at which the log has it.
pub(crate) async fn send(house: &House, token: &str, photo: &Developed) -> u64 {
    let place = begin(house, token, photo).await;
    let reply = piece(house, token, &place, 0, &photo.jpeg).await;
    assert_eq!(reply.status().as_u16(), 204, "{reply:?}");
    header(&reply, "louan-position").parse().expect("a position")
}

/// A compound that the property company manages and the street supervises, and a hazard there that cites photos.
pub(crate) async fn cited(house: &House, photos: Vec<BlobHash>) -> RecordId {
    let (site, buildings) = garden();
    let id = CommandId([1; 16]);
    let command = Command { id, expected_version: 0, at: noon(), act: Act::RegisterSite(site, buildings) };
    house.hub.command(person_id(1), command, Clocks::both(noon())).await.expect("registers");
    let mut phone = Phone::enrolled(&house.hub, 77, person_id(4), org_id("property")).await;
    let (book, id) = (phone.book(), RecordId([5; 16]));
    let found = record(person_id(4), Body::Hazard(hazard("楼梯间堆放杂物")));
    let raw = phone.write_in(book, id, &Record { photos, ..found });
    assert!(accepted(&phone.push(&house.hub, &[raw]).await));
    id
}

/// A round on the compound of [`cited`] that cites photos: its id.
pub(crate) async fn walked(house: &House, photos: Vec<BlobHash>) -> RoundId {
    let mut phone = Phone::enrolled(&house.hub, 76, person_id(4), org_id("property")).await;
    let said = Record { photos, ..record(person_id(4), kit::round(1)) };
    let raw = phone.write_in(phone.book(), RecordId([6; 16]), &said);
    assert!(accepted(&phone.push(&house.hub, &[raw]).await));
    RoundId([1; 16])
}

fn garden() -> (Site, Vec<Building>) {
    let site = Site {
        id: kit::SITE,
        name: "示例花园".to_owned(),
        street: StreetCode::new(STREET).expect("a street"),
        community: None,
        grid: None,
        address: String::new(),
        management: Management::PropertyCompany,
        managed_by: Some(org_id("property")),
        supervised_by: org_id("street-1"),
        position: None,
    };
    let building = Building {
        id: BuildingId(kit::SITE.0),
        site: kit::SITE,
        code: String::new(),
        name: "1栋".to_owned(),
        building_use: BuildingUse::Residential,
        height_cm: Some(5_400),
        height_source: HeightSource::Drawing,
        storeys: Some(18),
        floors: Vec::new(),
        state: RegistryState::Registered,
        footprint: None,
    };
    (site, vec![building])
}

pub(crate) async fn get(house: &House, path: &str, token: &str) -> Response<Bytes> {
    house.bearing(("GET", path, 1), token, b"").reply(&house.routes).await
}
