//! The server asks nobody (X08): addresses of inside, in every spelling, in every text there is, and nobody calls.
//!
//! `tests/tidy` holds the other half: nothing the server is built of could.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::json as value;

use super::edge_kit::house::{House, json, patient_house, request};
use super::edge_kit::wire::{SOON, patient, serve, until_closed};
use super::edge_kit::{STREET, org_id};
use super::photo_kit::{metadata, phone, picture, tus};
use louan_schema::id::{BuildingId, CommandId, SiteId};
use louan_server::edge::Limits;
use tokio::io::AsyncWriteExt;

/// Sixty ways to write "this machine", all with the listener's port.
fn addresses(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "[::ffff:127.0.0.1]",
        "user:pass@127.0.0.1",
        "169.254.169.254@127.0.0.1",
    ];
    let schemes = ["http", "https", "ftp", "gopher", "ws", "tcp"];
    hosts
        .iter()
        .flat_map(|host| schemes.map(|scheme| format!("{scheme}://{host}:{port}/latest/meta-data")))
        .collect()
}

async fn send(house: &House, method: &str, path: &str, token: &str, media_type: &str, body: &[u8]) -> u16 {
    let asked = house
        .bearing((method, path, 1), token, body)
        .header("content-type", media_type)
        .header("content-length", body.len());
    asked.reply(&house.routes).await.status().as_u16()
}

/// A compound whose every text is this one.
fn registration(n: u8, text: &str) -> String {
    value!({
        "id": CommandId([n; 16]).to_string(), "expected_version": 0,
        "act": { "register_site": {
            "site": {
                "id": SiteId([n; 16]).to_string(), "name": text, "street": STREET.to_string(), "address": text,
                "grid": text, "management": "unmanaged", "supervised_by": org_id("street-1").to_string(),
            },
            "buildings": [{
                "id": BuildingId([n; 16]).to_string(), "code": text, "name": text, "building_use": "residential",
                "height_cm": 9_900, "height_source": "drawing", "storeys": 33, "state": "registered",
            }],
        } },
    })
    .to_string()
}

async fn write_everywhere(house: &House, tokens: &[String; 3], n: u8, url: &str) {
    let [street, device, office] = tokens;
    assert_eq!(
        send(house, "POST", "/api/v1/commands", street, "application/json", registration(n, url).as_bytes())
            .await,
        200
    );
    let list = format!("街镇,小区名称,栋号,建筑高度,地址,链接\n古南街道,{url},{url},54.5,{url},{url}\n");
    let map = format!(
        r#"{{"type":"FeatureCollection","crs":{{"type":"link","properties":{{"href":"{url}"}}}},"features":[{{"type":"Feature",
        "properties":{{"名称":"{url}","@id":"{url}"}},"geometry":{{"type":"Point","coordinates":[106.6,29.0]}}}}]}}"#
    );
    for file in [list, map] {
        let status =
            send(house, "POST", "/api/v1/imports", street, "application/octet-stream", file.as_bytes()).await;
        assert!([200, 422].contains(&status), "{status} {file}");
    }
    for (path, body) in [
        ("/api/v1/session", value!({ "account": url, "password": url })),
        ("/api/v1/enrol", value!({ "code": url, "public_key": url })),
        ("/api/v1/session/refresh", value!({ "refresh_token": url, "signature": url })),
    ] {
        json(request("POST", path, 1), &body.to_string()).reply(&house.routes).await;
    }
    let photo = picture(1);
    let card = super::photo_kit::card(&photo);
    let named = format!("{},url {}", metadata(photo.hash, "photo", &card), {
        use base64ct::{Base64, Encoding};
        Base64::encode_string(url.as_bytes())
    });
    let with = [
        ("upload-length", photo.jpeg.len().to_string()),
        ("upload-metadata", named),
        ("upload-concat", format!("final;{url}")),
    ];
    tus(house, "POST", "/api/v1/uploads", device, &with, b"").await;
    let asked = request("GET", "/api/v1/hazards", 1).header("authorization", format!("Bearer {office}"));
    let asked = ["referer", "x-forwarded-host", "x-original-url", "origin", "x-webhook-url"]
        .iter()
        .fold(asked, |asked, name| asked.header(*name, url));
    assert_eq!(asked.reply(&house.routes).await.status().as_u16(), 200);
}

#[tokio::test]
async fn whatever_address_stands_in_whatever_text_nobody_is_called() {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    listener.set_nonblocking(true).expect("looks without waiting");
    let port = listener.local_addr().expect("bound").port();
    let house = patient_house().await;
    let tokens = [house.sign_in(1).await, phone(&house, 41).await, house.sign_in(2).await];
    let urls = addresses(port);
    assert_eq!(urls.len(), 60);
    for (n, url) in (1..).zip(&urls) {
        write_everywhere(&house, &tokens, n, url).await;
    }
    // As a proxy it is of no use either.
    let limits = Limits { idle: SOON, header_read: SOON, ..patient() };
    let serving = serve(house.routes.clone(), limits, false).await;
    for line in [
        format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}"),
        format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}"),
    ] {
        let mut stream = serving.tcp().await;
        stream.write_all(format!("{line}\r\n\r\n").as_bytes()).await.expect("it listens");
        assert!(!until_closed(&mut stream).await.starts_with("HTTP/1.1 2"), "{line}");
    }
    let called = listener.accept().map(|(_, from)| from);
    assert_eq!(called.map_err(|e| e.kind()), Err(ErrorKind::WouldBlock), "somebody called");
    // The listener does hear a call.
    let _call = std::net::TcpStream::connect(("127.0.0.1", port)).expect("calls");
    listener.set_nonblocking(false).expect("waits");
    listener.accept().expect("a call");
}
