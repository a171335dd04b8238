//! A device's token without the device: whoever found one gets nowhere, and does no harm to whom it belongs (A03).

mod edge_kit;
mod kit;
mod photo_kit;

use edge_kit::house::{House, code, house, request};
use edge_kit::proof::proof;
use edge_kit::{audit, empty_sync};
use louan_schema::wire::proof::{PROOF_HEADER, ProvenRequest};
use louan_schema::wire::{MEDIA_TYPE, PROTOCOL};
use p256::ecdsa::SigningKey;
use photo_kit::{begin, cited, get, phone, picture, send, tus};

const SYNC: &str = "/api/v1/sync";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a scalar")
}

/// A sync request with a token and whatever is said about it; its status and code.
async fn sync(house: &House, token: &str, said: Option<&str>, body: &[u8]) -> (u16, String) {
    let mut asked = request("POST", SYNC, 1)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", MEDIA_TYPE)
        .body(body);
    if let Some(said) = said {
        asked = asked.header(PROOF_HEADER, said);
    }
    let reply = asked.reply(&house.routes).await;
    let status = reply.status().as_u16();
    (status, if status >= 400 { code(&reply) } else { String::new() })
}

#[tokio::test]
async fn a_token_is_worth_nothing_without_the_devices_word_for_the_very_request() {
    let house = house().await;
    let (token, other) = (phone(&house, 41).await, phone(&house, 42).await);
    let body = empty_sync(PROTOCOL);
    let asked = ProvenRequest { method: "POST", target: SYNC, body: &body, token: &token };
    let good = proof(&key(41), &asked);
    let cut = &good[..good.len() - 1];
    let bad: Vec<(&str, Option<String>)> = vec![
        ("nothing", None),
        ("no proof at all", Some("x".to_owned())),
        ("a proof cut short", Some(cut.to_owned())),
        ("another device's key", Some(proof(&key(42), &asked))),
        ("another method", Some(proof(&key(41), &ProvenRequest { method: "GET", ..asked }))),
        ("another path", Some(proof(&key(41), &ProvenRequest { target: "/api/v1/uploads", ..asked }))),
        (
            "a path with a query",
            Some(proof(&key(41), &ProvenRequest { target: "/api/v1/sync?a=b", ..asked })),
        ),
        ("another body", Some(proof(&key(41), &ProvenRequest { body: b"", ..asked }))),
        ("another token", Some(proof(&key(41), &ProvenRequest { token: &other, ..asked }))),
    ];
    for (case, said) in &bad {
        let told = sync(&house, &token, said.as_deref(), &body).await;
        assert_eq!(told, (401, "sign_in_again".to_owned()), "{case}");
    }
    assert_eq!(sync(&house, &token, Some(&good), &body).await.0, 200, "the device itself is not shut out");
    let refused = audit(&house.store).await.into_iter().filter(|(act, _)| act == "request").count();
    assert_eq!(refused, 1, "one line of the audit a token");
}

#[tokio::test]
async fn a_request_is_believed_once() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let body = empty_sync(PROTOCOL);
    let asked = ProvenRequest { method: "POST", target: SYNC, body: &body, token: &token };
    let said = proof(&key(41), &asked);
    assert_eq!(sync(&house, &token, Some(&said), &body).await.0, 200);
    assert_eq!(sync(&house, &token, Some(&said), &body).await, (401, "sign_in_again".to_owned()), "recorded");
    assert_eq!(sync(&house, &token, Some(&proof(&key(41), &asked)), &body).await.0, 200, "said anew");
}

#[tokio::test]
async fn the_query_is_part_of_what_is_said() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let body = empty_sync(PROTOCOL);
    for (target, wanted) in [(SYNC, 401), ("/api/v1/sync?a=b", 200), ("/api/v1/sync?a=c", 401)] {
        let said = ProvenRequest { method: "POST", target, body: &body, token: &token };
        let asked = request("POST", "/api/v1/sync?a=b", 1)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", MEDIA_TYPE)
            .header(PROOF_HEADER, proof(&key(41), &said))
            .body(&body);
        assert_eq!(asked.reply(&house.routes).await.status().as_u16(), wanted, "{target}");
    }
}

#[tokio::test]
async fn on_every_route_of_devices_a_token_alone_opens_nothing() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    send(&house, &token, &photo).await;
    let hazard = cited(&house, vec![photo.hash]).await;
    let beside = format!("/api/v1/hazards/{hazard}/photos");
    let place = begin(&house, &token, &picture(2)).await;
    let shown = format!("/api/v1/photos/{}", photo.hash);
    let blob = format!("/api/v1/blobs/{}", photo.hash);
    let routes = [
        ("POST", "/api/v1/uploads"),
        ("HEAD", &place),
        ("PATCH", &place),
        ("DELETE", &place),
        ("HEAD", &blob),
        ("GET", &shown),
        ("GET", &format!("{shown}/thumbnail")),
        ("GET", &format!("{shown}/alike")),
        ("GET", &beside),
        ("GET", "/api/v1/events"),
        ("DELETE", "/api/v1/session"),
    ];
    for (method, path) in routes {
        let media_type = if method == "PATCH" { "application/offset+octet-stream" } else { "text/plain" };
        let asked = request(method, path, 9)
            .header("authorization", format!("Bearer {token}"))
            .header("tus-resumable", "1.0.0")
            .header("content-type", media_type)
            .header("content-length", "0");
        assert_eq!(asked.reply(&house.routes).await.status().as_u16(), 401, "{method} {path}");
    }
    assert_eq!(
        get(&house, &shown, &token).await.status().as_u16(),
        200,
        "with the device's word it is shown"
    );
    assert_eq!(
        tus(&house, "HEAD", &place, &token, &[], b"").await.status().as_u16(),
        204,
        "nothing was given up"
    );
}

#[tokio::test]
async fn a_persons_session_at_the_console_has_no_key_and_needs_no_word() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let asked = request("GET", "/api/v1/hazards", 1).header("authorization", format!("Bearer {token}"));
    assert_eq!(asked.reply(&house.routes).await.status().as_u16(), 200);
    // A word that nobody asked for does no harm either.
    let asked = request("GET", "/api/v1/hazards", 1)
        .header("authorization", format!("Bearer {token}"))
        .header(PROOF_HEADER, "x");
    assert_eq!(asked.reply(&house.routes).await.status().as_u16(), 200);
}
