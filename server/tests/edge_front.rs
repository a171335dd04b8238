//! What every route has in common: refusals that need no handler, and headers on every reply.
//!
//! The table of routes is walked, so a new route is covered the day it is added.

mod edge_kit;

use bytes::Bytes;
use edge_kit::house::{House, Wishes, code, house, house_with, json, request};
use http::Response;
use louan_server::http::route::{Body, ROUTES, Reader, Route};

fn path(route: &Route) -> String {
    route.path.replace("{cut_off}", "2020-03-20").replace(['{', '}'], "")
}

async fn send(house: &House, request: warp::test::RequestBuilder) -> Response<Bytes> {
    request.reply(&house.routes).await
}

/// Status and, from a program's problem, the code.
async fn refusal(house: &House, route: &Route, request: warp::test::RequestBuilder) -> (u16, String) {
    let reply = send(house, request).await;
    let code = match route.reader {
        Reader::Program | Reader::Picture => code(&reply),
        Reader::Person => {
            let text = String::from_utf8(reply.body().to_vec()).expect("a page");
            let code = text.split("代码 ").nth(1).and_then(|rest| rest.split('，').next());
            code.unwrap_or_else(|| panic!("{}: {text}", route.path)).to_owned()
        }
    };
    (reply.status().as_u16(), code)
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_with_the_methods_there_are() {
    let house = house().await;
    for (method, path, status, allow) in [
        ("GET", "/api/v1/nothing", 404, None),
        ("DELETE", "/api/v1/hazards/", 404, None),
        ("PATCH", "/API/v1/hazards", 404, None),
        ("PUT", "/api/v1/months/", 404, None),
        ("PUT", "/api/v1/session", 405, Some("POST, DELETE")),
        ("GET", "/api/v1/session", 405, Some("POST, DELETE")),
        ("POST", "/api/v1/hazards", 405, Some("GET")),
        ("DELETE", "/api/v1/months/2020-03-20", 405, Some("GET")),
        ("OPTIONS", "/api/v1/sync", 405, Some("POST")),
        ("HEAD", "/healthz", 405, Some("GET")),
    ] {
        let reply = send(&house, request(method, path, 1)).await;
        let found = reply.headers().get("allow").map(|allow| allow.to_str().expect("a text").to_owned());
        assert_eq!((reply.status().as_u16(), found.as_deref()), (status, allow), "{method} {path}");
    }
}

#[tokio::test]
async fn every_route_refuses_every_method_it_does_not_have() {
    let house = house().await;
    for route in ROUTES {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if ROUTES.iter().any(|r| r.path == route.path && r.method.name() == method) {
                continue;
            }
            let reply = send(&house, request(method, &path(route), 1)).await;
            assert_eq!(reply.status().as_u16(), 405, "{method} {}", route.path);
        }
    }
}

#[tokio::test]
async fn every_route_with_a_body_wants_its_type_its_length_and_no_more_than_its_bound() {
    let house = house().await;
    for route in ROUTES.iter().filter(|route| route.body != Body::Empty) {
        let plain = || request(route.method.name(), &path(route), 1);
        let media_type = route.body.media_type().expect("a type");
        let typed = || plain().header("content-type", media_type);
        let over = (route.body.bytes_max() + 1).to_string();
        for (request, wanted) in [
            (plain().body("{}"), (415, "unsupported_media_type")),
            (plain().header("content-type", "text/plain").body("{}"), (415, "unsupported_media_type")),
            (typed().header("content-encoding", "gzip").body("x"), (415, "unsupported_media_type")),
            (typed().header("content-encoding", "identity").body("x"), (415, "unsupported_media_type")),
            (typed(), (411, "length_required")),
            (typed().header("transfer-encoding", "chunked"), (411, "length_required")),
            (typed().header("content-length", &over), (413, "too_large")),
            (typed().header("content-length", "99999999999999999999999"), (413, "too_large")),
            (
                typed().header("content-length", "2").header("transfer-encoding", "chunked"),
                (400, "malformed"),
            ),
            (typed().header("content-length", "-1"), (400, "malformed")),
            (typed().header("content-length", "+5"), (400, "malformed")),
        ] {
            let (status, code) = refusal(&house, route, request).await;
            assert_eq!((status, code.as_str()), wanted, "{}", route.path);
        }
    }
}

#[tokio::test]
async fn every_route_without_a_body_takes_none() {
    let house = house().await;
    for route in ROUTES.iter().filter(|route| route.body == Body::Empty) {
        let plain = || request(route.method.name(), &path(route), 1);
        for (request, wanted) in [
            (plain().body("x"), (413, "too_large")),
            (plain().header("transfer-encoding", "chunked"), (411, "length_required")),
            (plain().header("content-encoding", "gzip"), (415, "unsupported_media_type")),
        ] {
            let (status, code) = refusal(&house, route, request).await;
            assert_eq!((status, code.as_str()), wanted, "{}", route.path);
        }
    }
}

#[tokio::test]
async fn a_body_longer_than_its_length_says_is_counted_again() {
    let house = house().await;
    let token = house.sign_in(1).await;
    for route in ROUTES.iter().filter(|route| matches!(route.body, Body::Json | Body::Form)) {
        let most = usize::try_from(route.body.bytes_max()).expect("a size");
        let lying = request(route.method.name(), &path(route), 1)
            .header("content-type", route.body.media_type().expect("a type"))
            .header("authorization", format!("Bearer {token}"))
            .header("origin", "https://louan.test")
            .body(vec![b' '; most + 1])
            .header("content-length", "2");
        let (status, code) = refusal(&house, route, lying).await;
        assert_eq!((status, code.as_str()), (413, "too_large"), "{}", route.path);
    }
}

#[tokio::test]
async fn every_reply_wears_the_headers_refused_or_not() {
    let house = house().await;
    let mut requests: Vec<(String, warp::test::RequestBuilder)> = ROUTES
        .iter()
        .map(|route| (route.path.to_owned(), request(route.method.name(), &path(route), 1)))
        .collect();
    requests.push(("404".to_owned(), request("GET", "/nothing", 1)));
    requests.push(("405".to_owned(), request("PUT", "/healthz", 1)));
    for (name, request) in requests {
        let reply = send(&house, request).await;
        let header =
            |name: &str| reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let csp = header("content-security-policy");
        assert!(csp.contains("frame-ancestors 'none'") && !csp.contains("unsafe-inline"), "{name}: {csp}");
        assert!(
            csp.contains("default-src 'none'") && header("permissions-policy").contains("camera=()"),
            "{name}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{name}");
        assert!(header("strict-transport-security").starts_with("max-age=63072000"), "{name}");
        assert_eq!(header("x-request-id").len(), 32, "{name}");
        let kept = name == "/assets/plain.css";
        assert_eq!(header("cache-control"), if kept { "public, max-age=3600" } else { "no-store" }, "{name}");
    }
}

#[tokio::test]
async fn a_callers_request_number_is_echoed_when_it_can_stand_in_a_log() {
    let house = house().await;
    for (given, echoed) in
        [("abcdEF-0123", true), ("short", false), ("has space in it", false), ("a\u{7f}bcdefgh", false)]
    {
        let mut request = request("GET", "/api/v1/hazards", 1);
        if let Ok(value) = http::HeaderValue::from_str(given) {
            request = request.header("x-request-id", value);
        }
        let reply = send(&house, request).await;
        let id = reply.headers()["x-request-id"].to_str().expect("a text");
        assert_eq!(id == given, echoed, "{given}");
        let problem: serde_json::Value = serde_json::from_slice(reply.body()).expect("problem+json");
        assert_eq!(problem["trace_id"], id);
    }
}

#[tokio::test]
async fn a_problem_is_problem_json_for_programs_and_a_page_for_browsers() {
    let house = house().await;
    let reply = send(&house, request("GET", "/api/v1/hazards", 1).header("accept", "text/html")).await;
    assert_eq!(reply.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_slice(reply.body()).expect("JSON");
    assert_eq!(problem["type"], "urn:louan:problem:sign_in_again");
    assert_eq!((problem["status"].as_u64(), problem["title"].as_str()), (Some(401), Some("需要重新登录")));
    assert_eq!(reply.headers()["www-authenticate"], "Bearer");
    let page = send(&house, request("GET", "/nothing", 1).header("accept", "text/html,*/*")).await;
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (404, &"text/html; charset=utf-8".parse().expect("a value"))
    );
}

#[tokio::test]
async fn a_server_with_its_hands_full_says_when_to_come_back() {
    let house = house_with(Wishes { requests_max: Some(0), ..Wishes::default() }).await;
    for route in ROUTES {
        let (status, code) = refusal(&house, route, request(route.method.name(), &path(route), 1)).await;
        assert_eq!((status, code.as_str()), (503, "overloaded"), "{}", route.path);
    }
    let reply = send(&house, request("GET", "/healthz", 1)).await;
    assert_eq!(reply.headers()["retry-after"], "2");
    assert_eq!(
        send(&house, request("GET", "/nothing", 1)).await.status().as_u16(),
        404,
        "that needs no work"
    );
}

#[tokio::test]
async fn a_place_is_given_back_with_the_reply() {
    let house = house_with(Wishes { requests_max: Some(1), ..Wishes::default() }).await;
    for _ in 0..3 {
        assert_eq!(send(&house, request("GET", "/healthz", 1)).await.status().as_u16(), 200);
        assert_eq!(
            send(&house, json(request("POST", "/api/v1/session", 1), "{")).await.status().as_u16(),
            400
        );
    }
}
