//! Requests framed oddly, too deep or too long, over a plain socket (R05, R06), and lists asked for whole (R07, R08).

use louan_server::edge::Limits;
use louan_server::http::route::{ROUTES, Verb};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::edge_kit::house::{code, house, json, patient_house, request};
use super::edge_kit::wire::{SOON, patient, serve, until_closed};

/// What one connection is answered to these bytes, and how many replies that were.
async fn answered(serving: &super::edge_kit::wire::Serving, bytes: &[u8]) -> (u16, usize) {
    let mut stream = serving.tcp().await;
    // The server may close before all is written.
    let _ = stream.write_all(bytes).await;
    let reply = until_closed(&mut stream).await;
    let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), reply.matches("HTTP/1.1 ").count())
}

#[tokio::test]
async fn nothing_is_smuggled_behind_a_request_framed_oddly() {
    let house = house().await;
    let limits = Limits { idle: SOON, header_read: SOON, body_grace: SOON, ..patient() };
    let serving = serve(house.routes.clone(), limits, false).await;
    let post = "POST /api/v1/enrol HTTP/1.1\r\nHost: louan.test\r\nContent-Type: application/json\r\n";
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n";
    let length = smuggled.len();
    for framing in [
        "Content-Length: 2\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n{}",
        "Content-Length: 2\nContent-Length: 7\n\n{}",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        "Content-Length: 2, 2\r\n\r\n{}",
        "Content-Length: +2\r\n\r\n{}",
        "Content-Length: 2 2\r\n\r\n{}",
        "Content-Length: -2\r\n\r\n{}",
        "Content-Length:\r\n 2\r\n\r\n{}",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "X\0: a\r\nContent-Length: 2\r\n\r\n{}",
        "X: a\rContent-Length: 2\r\n\r\n{}",
    ] {
        let (status, replies) = answered(&serving, format!("{post}{framing}{smuggled}").as_bytes()).await;
        assert!([400, 411].contains(&status) && replies == 1, "{framing:?}: {status}, {replies} replies");
    }
    let hidden =
        format!("GET /healthz HTTP/1.1\r\nHost: louan.test\r\nContent-Length: {length}\r\n\r\n{smuggled}");
    let (status, replies) = answered(&serving, hidden.as_bytes()).await;
    assert!(status == 413 && replies == 1, "a body where none is taken: {status}, {replies} replies");
    for line in
        ["GET /healthz HTTP/1.1 HTTP/1.1\r\n", "GET\t/healthz\tHTTP/1.1\r\n", "GET /healthz HTTP/9.9\r\n"]
    {
        let (status, replies) =
            answered(&serving, format!("{line}Host: louan.test\r\n\r\n{smuggled}").as_bytes()).await;
        assert!(status >= 400 && replies == 1, "{line:?}: {status}, {replies} replies");
    }
}

#[tokio::test]
async fn what_is_too_long_or_too_deep_is_refused_and_the_next_request_is_answered() {
    let house = house().await;
    let limits = Limits { idle: SOON, header_read: SOON, ..patient() };
    let serving = serve(house.routes.clone(), limits, false).await;
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    for (name, line, fields) in [
        ("a query of 100 KB", format!("/api/v1/hazards?site={}", "A".repeat(100_000)), String::new()),
        ("a path of 100 KB", format!("/{}", "a/".repeat(50_000)), String::new()),
        ("a header of 100 KB", "/healthz".to_owned(), format!("X: {}\r\n", "a".repeat(100_000))),
        ("a cookie of 100 KB", "/".to_owned(), format!("Cookie: __Host-louan={}\r\n", "a".repeat(100_000))),
        ("a thousand headers", "/healthz".to_owned(), many(1_000)),
    ] {
        let asked = format!("GET {line} HTTP/1.1\r\nHost: louan.test\r\n{fields}\r\n");
        let (status, replies) = answered(&serving, asked.as_bytes()).await;
        assert!([414, 431].contains(&status) && replies == 1, "{name}: {status}, {replies} replies");
        let next = b"GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n";
        assert_eq!(answered(&serving, next).await.0, 200, "after {name}");
    }
    for depth in [129, 1_000, 30_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            if open.len() * depth > 60_000 {
                continue;
            }
            let body = format!("{{\"code\":{}1{}}}", open.repeat(depth), close.repeat(depth));
            let reply = json(request("POST", "/api/v1/enrol", 1), &body).reply(&house.routes).await;
            assert_eq!(
                (reply.status().as_u16(), code(&reply).as_str()),
                (400, "malformed"),
                "{depth} {open}"
            );
        }
    }
}

#[tokio::test]
async fn no_route_gives_more_than_a_page_and_no_filter_is_a_pattern() {
    let house = patient_house().await;
    let token = house.sign_in(2).await;
    let mut pages = 0;
    for route in ROUTES.iter().filter(|route| route.method == Verb::Get && route.path.starts_with("/api/v1/"))
    {
        if route.path.contains('{') || route.path.ends_with("/events") || route.path.contains("/exports/") {
            continue;
        }
        let ask = async |query: &str| {
            let asked = request("GET", &format!("{}?{query}", route.path), 1);
            let reply = asked.header("authorization", format!("Bearer {token}")).reply(&house.routes).await;
            let body: Value = serde_json::from_slice(reply.body()).expect("JSON");
            (reply.status().as_u16(), body)
        };
        for number in ["1000000000", "18446744073709551615"] {
            let (status, page) = ask(&format!("page_size={number}")).await;
            if status == 200 && page.get("page_size").is_some() {
                assert_eq!(page["page_size"], 500, "{}", route.path);
                pages += 1;
            }
        }
        for query in
            ["page_size=-1", "page_size=1e9", "page_size=0", "limit=1000000000", "per_page=9", "offset=1"]
        {
            assert_eq!(ask(query).await.0, 422, "{} {query}", route.path);
        }
        for hostile in
            ["%25", "_", "*", "%27%20OR%201%3D1--", "(a%2B)%2B%24", "%00", "0,0,20000km", "500110%25"]
        {
            for name in ["street", "site", "state", "overdue", "until", "q", "near", "radius", "regex"] {
                assert_eq!(ask(&format!("{name}={hostile}")).await.0, 422, "{} {name}={hostile}", route.path);
            }
        }
    }
    assert_eq!(pages, 4, "hazards and rounds, twice each");
}
