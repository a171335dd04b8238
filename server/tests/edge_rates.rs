//! How often one may ask: as delivered, and what whoever meets a limit is told.
//!
//! Each test asks until it is refused, so that a count taken away is a test that is answered too often.

mod edge_kit;
mod kit;
mod photo_kit;

use std::cell::Cell;

use bytes::Bytes;
use edge_kit::house::{House, code, house, json};
use edge_kit::{noon, person_id};
use http::Response;
use louan_schema::id::{BlobHash, RecordId};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::unsent::PART_MEDIA_TYPE;
use louan_server::auth::AuthError;
use louan_server::auth::throttle::TryLater;
use louan_server::config::Allowances;
use photo_kit::{card, enrolled, metadata, picture, tus};
use serde_json::Value;

/// Whether this is the refusal of who asks too often: when to come again, and in his language that nothing was lost.
fn is_later(reply: &Response<Bytes>, seconds: u32) -> bool {
    let later = reply.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let told: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let says = told["detail"].as_str().unwrap_or_default();
    reply.status().as_u16() == 429
        && code(reply) == "too_often"
        && later == Some(seconds)
        && says.contains("未作任何改动，本机内容仍在")
        && says.contains("稍后再试")
}

/// Asks until somebody is told to come later; how often he was not, and for how many seconds he is to wait.
async fn until_later(ask: impl AsyncFn() -> Response<Bytes>, seconds: u32) -> u32 {
    for n in 0..1_000 {
        let reply = ask().await;
        if reply.status().as_u16() == 429 {
            assert!(is_later(&reply, seconds), "{reply:?}");
            return n;
        }
    }
    panic!("asked 1000 times and never told to come later");
}

async fn get(house: &House, path: &str, token: &str) -> Response<Bytes> {
    photo_kit::get(house, path, token).await
}

#[tokio::test]
async fn a_person_takes_out_five_ledgers_an_hour_whichever_they_are() {
    let house = house().await;
    let (token, other) = (house.sign_in(1).await, house.sign_in(2).await);
    for file in ["hazards.xlsx", "buildings.xlsx", "buildings.geojson", "buildings.gpkg", "hazards.xlsx"] {
        let reply = get(&house, &format!("/api/v1/exports/{file}"), &token).await;
        assert_eq!(reply.status().as_u16(), 200, "{file}");
    }
    assert!(is_later(&get(&house, "/api/v1/exports/buildings.gpkg", &token).await, 720));
    assert_eq!(get(&house, "/api/v1/exports/buildings.gpkg", &other).await.status().as_u16(), 200);
    house.hands.advance_ms(720_000);
    assert_eq!(get(&house, "/api/v1/exports/buildings.gpkg", &token).await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_person_gives_sixty_commands_a_minute() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let command = async || {
        let asked = house.bearing(("POST", "/api/v1/commands", 1), &token, b"");
        json(asked, "{}").header("content-length", 2).reply(&house.routes).await
    };
    // What cannot be read costs as much as what can: nothing was read yet when it is counted.
    assert_eq!(until_later(command, 1).await, Allowances::default().commands_per_minute);
}

#[tokio::test]
async fn a_person_reads_a_hundred_and_twenty_pages_a_minute_of_all_ledgers_together() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let paths = ["/api/v1/hazards", "/api/v1/rounds", "/api/v1/months/2020-03-20", "/"];
    for n in 0..120 {
        let reply = get(&house, paths[n % paths.len()], &token).await;
        assert_eq!(reply.status().as_u16(), 200, "{n}");
    }
    for path in &paths[..3] {
        assert!(is_later(&get(&house, path, &token).await, 1), "{path}");
    }
    let page = get(&house, "/", &token).await;
    assert_eq!(page.status().as_u16(), 429);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(get(&house, "/api/v1/hazards", &house.sign_in(2).await).await.status().as_u16(), 200);
}

#[tokio::test]
async fn lists_of_photos_are_pages_like_any_other_of_persons_and_of_devices() {
    let house = house().await;
    let (token, device) = (house.sign_in(1).await, enrolled(&house, 41, person_id(4)).await.0);
    let (record, hash) = (RecordId([5; 16]), BlobHash([5; 32]));
    let paths = [
        format!("/api/v1/hazards/{record}/photos"),
        format!("/api/v1/rounds/{record}/photos"),
        format!("/api/v1/photos/{hash}/alike"),
    ];
    for token in [&token, &device] {
        let asked = Cell::new(0);
        // What is not there costs as much: nothing was looked up yet when it is counted.
        let list = async || {
            asked.set(asked.get() + 1);
            get(&house, &paths[asked.get() % paths.len()], token).await
        };
        assert_eq!(until_later(list, 1).await, Allowances::default().reads_per_minute);
        for path in &paths {
            assert!(is_later(&get(&house, path, token).await, 1), "{path}");
        }
    }
    assert!(is_later(&get(&house, "/api/v1/hazards", &token).await, 1), "of all ledgers together");
    let picture = get(&house, &format!("/api/v1/photos/{hash}"), &device).await;
    assert_eq!(picture.status().as_u16(), 404, "pictures are counted apart");
}

#[tokio::test]
async fn six_hundred_pictures_a_minute_are_looked_at_large_or_small() {
    let house = house().await;
    let (token, device) = (house.sign_in(1).await, enrolled(&house, 41, person_id(4)).await.0);
    let full = format!("/api/v1/photos/{}", BlobHash([5; 32]));
    let small = format!("{full}/thumbnail");
    let asked = Cell::new(0);
    let look = async || {
        asked.set(asked.get() + 1);
        get(&house, if asked.get() % 2 == 0 { &full } else { &small }, &token).await
    };
    assert_eq!(until_later(look, 1).await, Allowances::default().pictures_per_minute);
    for path in [&full, &small] {
        assert!(is_later(&get(&house, path, &token).await, 1), "{path}");
    }
    assert_eq!(get(&house, "/api/v1/hazards", &token).await.status().as_u16(), 200, "no page of a ledger");
    // A device has its own, of the same size.
    assert_eq!(
        until_later(async || get(&house, &small, &device).await, 1).await,
        Allowances::default().pictures_per_minute
    );
}

#[tokio::test]
async fn a_person_brings_sixty_parts_of_unsent_data_a_minute() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let bring = async |token: &str| {
        let asked = house.bearing(("POST", "/api/v1/unsent", 1), token, b"x");
        asked.header("content-type", PART_MEDIA_TYPE).header("content-length", 1).reply(&house.routes).await
    };
    assert_eq!(until_later(async || bring(&token).await, 1).await, Allowances::default().parts_per_minute);
    assert_eq!(bring(&house.sign_in(2).await).await.status().as_u16(), 422, "somebody else is not concerned");
    house.hands.advance_ms(60_000);
    assert_eq!(bring(&token).await.status().as_u16(), 422);
}

#[tokio::test]
async fn a_person_takes_sixty_steps_of_imports_an_hour() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let list = "小区,栋号\n示例花园,2栋\n".as_bytes();
    let sent = async || {
        let asked = house.bearing(("POST", "/api/v1/imports", 1), &token, list);
        let asked = asked.header("content-type", "application/octet-stream");
        asked.header("content-length", list.len()).reply(&house.routes).await
    };
    let first: Value = serde_json::from_slice(sent().await.body()).expect("JSON");
    let import = format!("/api/v1/imports/{}", first["id"].as_str().expect("an id"));
    let step = async |verb: &str, path: &str| {
        let asked = house.bearing((verb, path, 1), &token, b"");
        asked.header("content-length", 0).reply(&house.routes).await
    };
    let steps =
        [("GET", "errors"), ("POST", "commit"), ("POST", "undo")].map(|(v, p)| (v, format!("{import}/{p}")));
    for (verb, path) in &steps {
        assert_eq!(step(verb, path).await.status().as_u16(), 200, "{path}");
    }
    assert_eq!(until_later(sent, 60).await, Allowances::default().imports_per_hour - 4);
    for (verb, path) in &steps {
        assert!(is_later(&step(verb, path).await, 60), "{path}");
    }
    assert_eq!(step("GET", &import).await.status().as_u16(), 200, "to look at it is no step");
}

#[tokio::test]
async fn a_round_of_photos_goes_up_at_once_with_all_that_belongs_to_it_and_then_ten_a_minute() {
    let house = house().await;
    let (token, _) = enrolled(&house, 41, person_id(4)).await;
    let photo = picture(1);
    let card = PhotoCard { thumbnail: Some(photo.thumbnail.hash), ..card(&photo) };
    let announce = async |kind: UploadKind| {
        let (hash, bytes) = match kind {
            UploadKind::Photo => (photo.hash, photo.jpeg.len()),
            UploadKind::Thumbnail => (photo.thumbnail.hash, photo.thumbnail.jpeg.len()),
            UploadKind::Original => {
                (photo.original.hash, usize::try_from(photo.original.bytes).expect("small"))
            }
        };
        let with =
            [("upload-length", bytes.to_string()), ("upload-metadata", metadata(hash, kind.as_str(), &card))];
        tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await
    };
    let kinds = [UploadKind::Photo, UploadKind::Thumbnail, UploadKind::Original];
    for n in 0..Allowances::default().photos_at_once {
        for kind in kinds {
            assert_eq!(announce(kind).await.status().as_u16(), 201, "{n} {kind:?}");
        }
    }
    for kind in kinds {
        assert!(is_later(&announce(kind).await, 6), "{kind:?}");
    }
    house.hands.advance_ms(60_000);
    let after = until_later(async || announce(UploadKind::Photo).await, 6).await;
    assert_eq!(after, Allowances::default().photos_per_minute);
}

#[tokio::test]
async fn an_administrator_makes_ten_enrolment_codes_an_hour_and_the_operator_as_many_as_he_needs() {
    let house = house().await;
    let make =
        async |by: Option<u8>| house.identity.new_code(vec![person_id(1)], by.map(person_id), noon()).await;
    for _ in 0..10 {
        make(Some(5)).await.expect("a code");
    }
    let error = make(Some(5)).await.expect_err("the eleventh");
    assert!(matches!(error, AuthError::TooOften(TryLater { after_ms: 360_000 })), "{error:?}");
    make(Some(6)).await.expect("somebody else is not concerned");
    for _ in 0..20 {
        make(None).await.expect("who runs the machine is not counted");
    }
    let made = edge_kit::audit(&house.store).await.iter().filter(|(act, _)| act == "enrolment_code").count();
    assert_eq!(made, 31, "none was made for who was told to come later");
}
