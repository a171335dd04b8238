//! A phone's way through the door: enrol, sync, refresh, and what is refused on the way.

mod edge_kit;

use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use edge_kit::house::{House, code, house, json, request};
use edge_kit::{empty_sync, noon, person_id};
use http::Response;
use louan_schema::wire::{MEDIA_TYPE, PROTOCOL, SyncReply, frame};
use louan_server::auth::token::Token;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json as value};

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).expect("a scalar")
}

async fn send(house: &House, request: warp::test::RequestBuilder) -> Response<Bytes> {
    request.reply(&house.routes).await
}

fn read(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

async fn enrolled(house: &House) -> Value {
    let (code, _) = house.identity.new_code(vec![person_id(1)], None, noon()).await.expect("a code");
    let public_key = Base64UrlUnpadded::encode_string(key().verifying_key().to_sec1_point(true).as_bytes());
    let body = value!({ "code": code.text(), "public_key": public_key }).to_string();
    let reply = send(house, json(request("POST", "/api/v1/enrol", 1), &body)).await;
    assert_eq!(reply.status().as_u16(), 200);
    let enrolment = read(&reply);
    house.keep(enrolment["access_token"].as_str().expect("a token"), key());
    enrolment
}

fn sync(house: &House, token: &str, body: &[u8]) -> warp::test::RequestBuilder {
    house.bearing(("POST", "/api/v1/sync", 1), token, body).header("content-type", MEDIA_TYPE)
}

#[tokio::test]
async fn a_phone_enrols_and_fetches_its_first_page() {
    let house = house().await;
    let enrolment = enrolled(&house).await;
    assert_eq!(
        (&enrolment["stream"], &enrolment["people"][0]["role"]),
        (&value!(500_110), &value!("street"))
    );
    assert_eq!(enrolment["orgs"][0]["street"], edge_kit::STREET.to_string());
    let token = enrolment["access_token"].as_str().expect("a token");
    let reply = send(&house, sync(&house, token, &empty_sync(PROTOCOL))).await;
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["content-type"]),
        (200, &MEDIA_TYPE.parse().expect("a value"))
    );
    match frame::decode::<SyncReply>(reply.body()).expect("a reply") {
        SyncReply::Taken(taken) => assert!(taken.scope.is_some() && !taken.items.is_empty()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_phone_exchanges_its_token_with_its_key_and_not_without() {
    let house = house().await;
    let enrolment = enrolled(&house).await;
    let text = enrolment["refresh_token"].as_str().expect("a token");
    let token = Token::read(text).expect("a token");
    let signature: Signature = key().sign(&token.proof_message());
    let proof = Base64UrlUnpadded::encode_string(&signature.to_bytes());
    let body = value!({ "refresh_token": text, "signature": proof }).to_string();
    let reply = send(&house, json(request("POST", "/api/v1/session/refresh", 1), &body)).await;
    assert_eq!(reply.status().as_u16(), 200);
    let next = read(&reply);
    let naked = value!({ "refresh_token": next["refresh_token"] }).to_string();
    let reply = send(&house, json(request("POST", "/api/v1/session/refresh", 1), &naked)).await;
    assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (401, "sign_in_again"));
    let access = next["access_token"].as_str().expect("a token");
    let after = send(&house, sync(&house, access, &empty_sync(PROTOCOL))).await;
    assert_eq!(after.status().as_u16(), 401, "the family is over");
}

#[tokio::test]
async fn a_spent_code_is_410_and_an_unknown_one_404() {
    let house = house().await;
    let (made, _) = house.identity.new_code(vec![person_id(1)], None, noon()).await.expect("a code");
    let body = |code: &str, number: u8| {
        let key = SigningKey::from_slice(&[number; 32]).expect("a scalar");
        let point = key.verifying_key().to_sec1_point(true);
        let public_key = Base64UrlUnpadded::encode_string(point.as_bytes());
        value!({ "code": code, "public_key": public_key }).to_string()
    };
    for (text, number, wanted) in [
        ("0000-0000", 1, (404, "code_unknown")),
        (made.text().as_str(), 1, (200, "")),
        (made.text().as_str(), 2, (410, "code_spent")),
    ] {
        let reply = send(&house, json(request("POST", "/api/v1/enrol", 1), &body(text, number))).await;
        assert_eq!(reply.status().as_u16(), wanted.0, "{text}");
        assert!(wanted.1.is_empty() || code(&reply) == wanted.1);
    }
    let bad = value!({ "code": made.text(), "public_key": "not base64!" }).to_string();
    let reply = send(&house, json(request("POST", "/api/v1/enrol", 1), &bad)).await;
    assert_eq!(
        (reply.status().as_u16(), &read(&reply)["errors"][0]["pointer"]),
        (422, &value!("/public_key"))
    );
}

#[tokio::test]
async fn what_is_no_sync_request_is_refused_before_the_core_sees_it() {
    let house = house().await;
    let token = enrolled(&house).await["access_token"].as_str().expect("a token").to_owned();
    let bomb = zstd::stream::encode_all(vec![0_u8; 64 * 1024 * 1024].as_slice(), 3).expect("a frame");
    assert!(bomb.len() < 1024 * 1024, "it looks small");
    let whole = empty_sync(PROTOCOL);
    for (body, wanted) in [
        (b"plain".to_vec(), (400, "malformed")),
        (whole[..whole.len() - 1].to_vec(), (400, "malformed")),
        (bomb, (413, "too_large")),
        (empty_sync(PROTOCOL + 1), (426, "update_app")),
    ] {
        let reply = send(&house, sync(&house, &token, &body)).await;
        assert_eq!((reply.status().as_u16(), code(&reply).as_str()), wanted);
    }
}

#[tokio::test]
async fn sync_is_for_devices_and_lists_are_for_people() {
    let house = house().await;
    let person = house.sign_in(1).await;
    let reply = send(&house, sync(&house, &person, &empty_sync(PROTOCOL))).await;
    assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (403, "not_permitted"));
    let device = enrolled(&house).await["access_token"].as_str().expect("a token").to_owned();
    for path in ["/api/v1/hazards", "/api/v1/rounds", "/api/v1/months/2020-03-20"] {
        let asked = request("GET", path, 1).header("authorization", format!("Bearer {device}"));
        assert_eq!(send(&house, asked).await.status().as_u16(), 403, "{path}");
    }
}

#[tokio::test]
async fn one_device_syncs_sixty_times_a_minute() {
    let house = house().await;
    let token = enrolled(&house).await["access_token"].as_str().expect("a token").to_owned();
    let body = empty_sync(PROTOCOL);
    for _ in 0..60 {
        assert_eq!(send(&house, sync(&house, &token, &body)).await.status().as_u16(), 200);
    }
    let reply = send(&house, sync(&house, &token, &body)).await;
    assert_eq!(
        (reply.status().as_u16(), &reply.headers()["retry-after"]),
        (429, &"1".parse().expect("a value"))
    );
    house.hands.advance_ms(1_000);
    assert_eq!(send(&house, sync(&house, &token, &body)).await.status().as_u16(), 200);
}
