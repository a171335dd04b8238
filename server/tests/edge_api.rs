//! The program's side: sessions, enrolment, lists, figures, commands, events, health.

mod edge_kit;

use bytes::Bytes;
use edge_kit::house::{House, Wishes, code, house, house_with, json, request};
use edge_kit::{PASSWORD, STREET, account, address, audit, noon, org_id, person_id};
use http::Response;
use louan_schema::id::{BuildingId, CommandId, SiteId};
use serde_json::{Value, json as value};

async fn send(house: &House, request: warp::test::RequestBuilder) -> Response<Bytes> {
    request.reply(&house.routes).await
}

async fn get(house: &House, path: &str, token: &str) -> Response<Bytes> {
    send(house, request("GET", path, 1).header("authorization", format!("Bearer {token}"))).await
}

async fn post(house: &House, path: &str, token: Option<&str>, body: &Value) -> Response<Bytes> {
    let mut request = json(request("POST", path, 1), &body.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(house, request).await
}

fn read(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

/// A registration of one compound with one building in 古南街道.
fn registration(number: u8, expected_version: u64) -> Value {
    value!({
        "id": CommandId([number; 16]).to_string(),
        "expected_version": expected_version,
        "act": { "register_site": {
            "site": {
                "id": SiteId([7; 16]).to_string(), "name": "古南花园", "street": STREET.to_string(),
                "address": "古南街道1号", "management": "property_company",
                "supervised_by": org_id("street-1").to_string(),
            },
            "buildings": [{
                "id": BuildingId([8; 16]).to_string(), "code": "500110001-000001", "name": "1栋",
                "building_use": "residential", "height_cm": 9_900, "height_source": "drawing", "storeys": 33,
                "state": "registered",
            }],
        } },
    })
}

#[tokio::test]
async fn a_session_is_begun_used_exchanged_and_ended() {
    let house = house().await;
    let login = account(&house.identity, 2, noon()).await;
    let reply =
        post(&house, "/api/v1/session", None, &value!({ "account": login, "password": PASSWORD })).await;
    let begun = read(&reply);
    assert_eq!((reply.status().as_u16(), &begun["person"]), (200, &value!(person_id(2).to_string())));
    let access = begun["access_token"].as_str().expect("a token");
    assert_eq!(get(&house, "/api/v1/hazards", access).await.status().as_u16(), 200);

    let exchange = value!({ "refresh_token": begun["refresh_token"] });
    let next = read(&post(&house, "/api/v1/session/refresh", None, &exchange).await);
    let access = next["access_token"].as_str().expect("a token");
    let ended = send(
        &house,
        request("DELETE", "/api/v1/session", 1).header("authorization", format!("bearer {access}")),
    );
    assert_eq!(ended.await.status().as_u16(), 200);
    let after = get(&house, "/api/v1/hazards", access).await;
    assert_eq!((after.status().as_u16(), code(&after)), (401, "sign_in_again".to_owned()));
}

#[tokio::test]
async fn bodies_with_unknown_repeated_or_missing_fields_are_refused() {
    let house = house().await;
    let token = house.sign_in(2).await;
    for (path, body) in [
        ("/api/v1/session", r#"{"account":"a","password":"b","role":"office"}"#),
        ("/api/v1/session", r#"{"account":"a","account":"c","password":"b"}"#),
        ("/api/v1/session", r#"{"account":"a"}"#),
        ("/api/v1/session", r#"[]"#),
        ("/api/v1/session", r#"{"account":"a","password":"b"} x"#),
        ("/api/v1/session/refresh", r#"{"refresh_token":1}"#),
        ("/api/v1/enrol", r#"{"code":"x","public_key":"y","people":[]}"#),
        ("/api/v1/commands", r#"{"id":"x","expected_version":0,"act":{}}"#),
        (
            "/api/v1/commands",
            r#"{"id":"00000000000000000000000000","expected_version":0,"act":{"close_hazard":{"hazard":"00000000000000000000000000","by":"me"}}}"#,
        ),
    ] {
        let request = json(request("POST", path, 1), body).header("authorization", format!("Bearer {token}"));
        let reply = send(&house, request).await;
        assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (400, "malformed"), "{body}");
        assert!(!String::from_utf8_lossy(reply.body()).contains("office"), "what was sent is not repeated");
    }
    let deep = "[".repeat(30_000);
    let reply = send(&house, json(request("POST", "/api/v1/enrol", 1), &deep)).await;
    assert_eq!(reply.status().as_u16(), 400, "depth is no way to the stack");
}

#[tokio::test]
async fn roles_decide_what_is_shown_and_nothing_is_shown_without_a_session() {
    let house = house().await;
    let paths = ["/api/v1/hazards", "/api/v1/rounds", "/api/v1/months/2020-03-20"];
    // Person number, then who may read hazards, rounds, figures.
    for (number, allowed) in
        [(1, [true; 3]), (2, [true; 3]), (4, [true, true, false]), (5, [false; 3]), (6, [true; 3])]
    {
        let token = house.sign_in(number).await;
        for (path, allowed) in paths.iter().zip(allowed) {
            let reply = get(&house, path, &token).await;
            assert_eq!(reply.status().as_u16(), if allowed { 200 } else { 403 }, "{number} {path}");
        }
    }
    for path in paths {
        assert_eq!(send(&house, request("GET", path, 1)).await.status().as_u16(), 401, "{path}");
        assert_eq!(get(&house, path, "no-token").await.status().as_u16(), 401, "{path}");
    }
}

#[tokio::test]
async fn a_right_withdrawn_is_gone_with_the_next_request() {
    let house = house().await;
    let token = house.sign_in(2).await;
    assert_eq!(get(&house, "/api/v1/hazards", &token).await.status().as_u16(), 200);
    let now = louan_server::hub::Clocks { business: noon(), system: noon() };
    house.hub.set_person_active(person_id(2), false, None, now).await.expect("deactivated");
    assert_eq!(get(&house, "/api/v1/hazards", &token).await.status().as_u16(), 401);
}

#[tokio::test]
async fn a_command_is_done_once_and_a_moved_version_is_409_with_the_present_one() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let send = |body: Value| post_owned(&house, &token, body);
    let done = send(registration(1, 0)).await;
    assert_eq!((done.status().as_u16(), read(&done)), (200, value!({ "outcome": "done", "version": 1 })));
    let again = send(registration(1, 0)).await;
    assert_eq!(read(&again)["outcome"], "duplicate");
    let moved = send(registration(2, 0)).await;
    assert_eq!((moved.status().as_u16(), code(&moved).as_str()), (409, "version_moved"));
    assert_eq!(read(&moved)["version"], 1);
    let unknown = value!({
        "id": CommandId([3; 16]).to_string(), "expected_version": 0,
        "act": { "close_hazard": { "hazard": CommandId([9; 16]).to_string() } },
    });
    assert_eq!(send(unknown).await.status().as_u16(), 404);
}

async fn post_owned(house: &House, token: &str, body: Value) -> Response<Bytes> {
    post(house, "/api/v1/commands", Some(token), &body).await
}

#[tokio::test]
async fn an_outline_is_entered_whatever_its_datum_and_what_is_none_is_said_where_it_stands() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let entered = |number, datum: &str, corners: Value| {
        let mut body = registration(number, 0);
        body["act"]["register_site"]["buildings"][0]["footprint"] =
            value!({ "datum": datum, "corners_e7": corners });
        post_owned(&house, &token, body)
    };
    let (lon, lat) = (1_066_547_487, 290_248_195);
    let none = entered(1, "gcj02", value!([[lon, lat], [lon + 9, lat]])).await;
    assert_eq!((none.status().as_u16(), code(&none).as_str()), (422, "invalid"));
    assert_eq!(read(&none)["errors"][0]["pointer"], "/act/register_site/buildings/0/footprint");
    let elsewhere = entered(1, "gcj02", value!([[0, 0], [9, 0], [0, 9]])).await;
    assert_eq!(elsewhere.status().as_u16(), 422, "GCJ-02 is of China");
    let square =
        value!([[lon - 90, lat - 90], [lon + 90, lat - 90], [lon + 90, lat + 90], [lon - 90, lat + 90]]);
    assert_eq!(entered(1, "gcj02", square).await.status().as_u16(), 200, "what was refused left nothing");
    let is_there = async || {
        let map = read(&get(&house, "/api/v1/exports/buildings.geojson?datum=wgs84", &token).await);
        let Some(feature) = map["features"].get(0) else { return false };
        let at = &feature["geometry"]["coordinates"];
        let near = |at: &Value, wanted: f64| at.as_f64().is_some_and(|at| (at - wanted).abs() <= 1e-6);
        near(&at[0], 106.651) && near(&at[1], 29.028)
    };
    assert!(is_there().await, "in the middle of its outline");
    // A program that knows nothing of outlines keeps them; one that says there is none takes it away.
    let done = post_owned(&house, &token, registration(2, 1)).await;
    assert_eq!(done.status().as_u16(), 200);
    assert!(is_there().await, "what is not said stays");
    let mut none = registration(3, 2);
    none["act"]["register_site"]["buildings"][0]["footprint"] = Value::Null;
    assert_eq!(post_owned(&house, &token, none).await.status().as_u16(), 200);
    assert!(!is_there().await, "null takes it away");
}

#[tokio::test]
async fn no_outline_stops_those_who_read_rows_in_order() {
    let house = house().await;
    let token = house.sign_in(1).await;
    let (lon, lat) = (1_066_510_000, 290_280_000);
    let (a, b, c) = ([lon, lat], [lon + 90, lat], [lon, lat + 90]);
    for (number, corners, status) in [
        (1, vec![a, b, c, a, a], 200),
        (2, vec![a, a, b, b, c, c, a], 200),
        (3, vec![a, a, a, a], 422),
        (4, vec![a, b, a, b], 422),
    ] {
        let mut body = registration(number, u64::from(number.min(3) - 1));
        body["act"]["register_site"]["buildings"][0]["footprint"] =
            value!({ "datum": "wgs84", "corners_e7": corners });
        assert_eq!(post_owned(&house, &token, body).await.status().as_u16(), status, "{number}");
        let map = get(&house, "/api/v1/exports/buildings.geojson", &token).await;
        assert_eq!(map.status().as_u16(), 200, "{number}");
    }
}

#[tokio::test]
async fn who_only_reads_gives_no_command() {
    let house = house().await;
    for number in [4, 5, 6] {
        let token = house.sign_in(number).await;
        let reply = post(&house, "/api/v1/commands", Some(&token), &registration(number, 0)).await;
        assert_eq!(reply.status().as_u16(), 403, "{number}");
    }
}

#[tokio::test]
async fn a_cookie_changes_something_from_our_own_pages_only() {
    let house = house().await;
    let cookie = house.browser(1).await;
    for (number, header, status) in [
        (1, None, 403),
        (2, Some(("origin", "https://evil.test")), 403),
        (3, Some(("origin", "null")), 403),
        (4, Some(("origin", "https://louan.test.evil.test")), 403),
        (5, Some(("sec-fetch-site", "cross-site")), 403),
        (6, Some(("origin", "https://louan.test")), 200),
    ] {
        let mut request = json(request("POST", "/api/v1/commands", 1), &registration(number, 0).to_string());
        request = request.header("cookie", format!("other=1; {cookie}"));
        if let Some((name, text)) = header {
            request = request.header(name, text);
        }
        assert_eq!(send(&house, request).await.status().as_u16(), status, "{header:?}");
    }
    let read = request("GET", "/api/v1/hazards", 1).header("cookie", cookie);
    assert_eq!(send(&house, read).await.status().as_u16(), 200, "reading needs no origin");
}

#[tokio::test]
async fn the_month_has_all_streets_for_the_office_and_its_own_for_a_street() {
    let house = house().await;
    let office = read(&get(&house, "/api/v1/months/2020-03-20", &house.sign_in(2).await).await);
    assert_eq!(
        (office["rows"].as_array().map(Vec::len), &office["cut_off"]),
        (Some(21), &value!("2020-03-20"))
    );
    assert_eq!(office["total"]["overdue"], 0);
    let street = read(&get(&house, "/api/v1/months/2020-03-20", &house.sign_in(1).await).await);
    assert_eq!(street["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(street["rows"][0]["street"], STREET.to_string());
    for path in ["/api/v1/months/2020-02-30", "/api/v1/months/soon", "/api/v1/months/2020-3-1"] {
        let token =
            house.identity.sign_in(edge_kit::credentials("user-2", PASSWORD, address(9)), noon()).await;
        let token = token.expect("a session").issued.access.text();
        assert_eq!(get(&house, path, &token).await.status().as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn lists_are_paged_and_filters_are_checked() {
    let house = house().await;
    let token = house.sign_in(2).await;
    let page = read(
        &get(&house, "/api/v1/hazards?page=2&page_size=100000&state=reported&overdue=today", &token).await,
    );
    assert_eq!((&page["page"], &page["page_size"], &page["total"]), (&value!(2), &value!(500), &value!(0)));
    for query in [
        "street=500110004",
        "street=1",
        "state=gone",
        "overdue=maybe",
        "page=0",
        "limit=5",
        "state=reported&state=void",
    ] {
        for list in ["hazards", "rounds"] {
            let reply = get(&house, &format!("/api/v1/{list}?{query}"), &token).await;
            assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (422, "invalid"), "{list} {query}");
            assert!(read(&reply)["errors"][0]["pointer"].as_str().is_some_and(|p| p.starts_with('?')));
        }
    }
}

#[tokio::test]
async fn tries_are_counted_by_the_socket_not_by_what_a_caller_writes_unless_a_proxy_is_believed() {
    for (believes_proxy, last, capped) in [(false, 1, true), (true, 1, true), (true, 0, false)] {
        let house = house_with(Wishes { believes_proxy, ..Wishes::default() }).await;
        let mut refused = 0;
        for n in 0..40 {
            let mut request =
                json(request("POST", "/api/v1/enrol", last), r#"{"code":"x","public_key":"BA"}"#);
            if last == 0 {
                let peer = louan_server::edge::Peer { ip: [127, 0, 0, 1].into(), encrypted: false };
                request = request.extension(peer);
            }
            let reply = send(&house, request.header("x-forwarded-for", format!("1.1.1.1, 10.1.0.{n}"))).await;
            refused += usize::from(reply.status().as_u16() == 429);
        }
        assert_eq!(refused, if capped { 10 } else { 0 }, "{believes_proxy} {last}");
    }
}

#[tokio::test]
async fn metrics_do_not_exist_for_strangers() {
    let allowed = house_with(Wishes { metrics_allow: vec![address(9)], ..Wishes::default() }).await;
    assert_eq!(send(&allowed, request("GET", "/metrics", 9)).await.status().as_u16(), 200);
    assert_eq!(send(&allowed, request("GET", "/metrics", 8)).await.status().as_u16(), 404);
    let peer = louan_server::edge::Peer { ip: [127, 0, 0, 1].into(), encrypted: true };
    let local = || request("GET", "/metrics", 1).extension(peer);
    assert_eq!(send(&allowed, local()).await.status().as_u16(), 200);
    let proxied = house_with(Wishes { believes_proxy: true, ..Wishes::default() }).await;
    assert_eq!(send(&proxied, local()).await.status().as_u16(), 404, "behind a proxy everybody is local");
}

#[tokio::test]
async fn health_answers_without_a_session_and_says_nothing_secret() {
    let house = house().await;
    for path in ["/healthz", "/readyz", "/version"] {
        assert_eq!(send(&house, request("GET", path, 1)).await.status().as_u16(), 200, "{path}");
    }
    let version = read(&send(&house, request("GET", "/version", 1)).await);
    assert_eq!(version["protocol"], louan_schema::wire::PROTOCOL);
}

#[tokio::test]
async fn events_need_a_session_and_end_with_the_server() {
    let house = house().await;
    assert_eq!(send(&house, request("GET", "/api/v1/events", 1)).await.status().as_u16(), 401);
    let token = house.sign_in(1).await;
    house.stop.send_replace(true);
    let reply = get(&house, "/api/v1/events", &token).await;
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    let text = String::from_utf8(reply.body().to_vec()).expect("a text");
    assert!(text.contains("event:head") && text.contains("\"pos\":"), "{text}");
}

#[tokio::test]
async fn every_refusal_of_a_sign_in_is_in_the_audit_and_the_chain_is_whole() {
    let house = house().await;
    let before = audit(&house.store).await.len();
    post(&house, "/api/v1/session", None, &value!({ "account": "nobody", "password": "x" })).await;
    assert_eq!(audit(&house.store).await.len(), before + 1);
    let whole = house.hub.verify_audit().await.expect("a check");
    assert!(matches!(whole, louan_server::audit::AuditCheck::Whole(_)));
}
