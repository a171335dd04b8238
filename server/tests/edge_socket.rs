//! Real connections: both protocols answer, and whoever wastes a connection loses it.
//!
//! Each test makes one limit short and all others endless, then waits for the close itself:
//! if the guard is taken out, the close never comes.

mod edge_kit;
mod kit;
mod photo_kit;

use std::sync::Arc;

use bytes::Bytes;
use edge_kit::house::{House, house};
use edge_kit::wire::{SOON, Serving, head, one_reply, patient, say, serve, until_closed};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use louan_server::edge::{Edge, Limits, Peer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

const ASK: &str = "GET /hello HTTP/1.1\r\nHost: louan.test\r\n\r\n";

/// A greeting with the peer's address, and a place to leave a body.
fn routes() -> BoxedFilter<(Response,)> {
    let hello = warp::path!("hello").and(warp::ext::get::<Peer>());
    let hello = hello.map(|peer: Peer| format!("hello {} {}", peer.ip, peer.encrypted).into_response());
    let body = warp::path!("body")
        .and(warp::body::bytes())
        .map(|bytes: Bytes| bytes.len().to_string().into_response());
    hello.or(body).unify().boxed()
}

/// The greeting asked for by one method, over HTTP/1.1 and over HTTP/2.
async fn in_both(serving: &Serving, method: &str) -> [hyper::Response<Incoming>; 2] {
    let request = || {
        let request = hyper::Request::builder().method(method).uri("https://louan.test/hello");
        request.header("host", "louan.test").body(Empty::<Bytes>::new()).expect("a request")
    };
    let io = TokioIo::new(serving.tls(b"http/1.1").await);
    let (mut one, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let io = TokioIo::new(serving.tls(b"h2").await);
    let (mut two, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    [one.send_request(request()).await, two.send_request(request()).await]
        .map(|reply| reply.expect("a reply"))
}

#[tokio::test]
async fn both_protocols_answer_over_tls_with_the_peers_address() {
    let serving = serve(routes(), patient(), true).await;
    let replies = in_both(&serving, "GET").await;
    for (reply, version) in replies.into_iter().zip([hyper::Version::HTTP_11, hyper::Version::HTTP_2]) {
        assert_eq!((reply.status().as_u16(), reply.version()), (200, version));
        assert_eq!(reply.into_body().collect().await.expect("a body").to_bytes(), "hello 127.0.0.1 true");
    }
}

/// A body behind HEAD breaks an HTTP/2 stream, and nothing below warp keeps it back.
#[tokio::test]
async fn head_is_answered_without_a_body_over_both_protocols() {
    let serving = serve(routes(), patient(), true).await;
    for reply in in_both(&serving, "HEAD").await {
        assert_eq!(reply.status().as_u16(), 200);
        assert!(reply.into_body().collect().await.expect("whole").to_bytes().is_empty());
    }
}

#[tokio::test]
async fn the_products_routes_answer_over_a_real_connection() {
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), true).await;
    let mut stream = serving.tls(b"http/1.1").await;
    say(&mut stream, "GET /healthz HTTP/1.1\r\nHost: louan.test\r\nConnection: close\r\n\r\n").await;
    let reply = until_closed(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("strict-transport-security"), "{reply}");
}

#[tokio::test]
async fn who_never_shakes_hands_is_closed() {
    let serving = serve(routes(), Limits { handshake: SOON, ..patient() }, true).await;
    for opening in ["", "\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = serving.tcp().await;
        say(&mut stream, opening).await;
        until_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn who_never_finishes_a_header_is_closed() {
    let serving = serve(routes(), Limits { header_read: SOON, ..patient() }, true).await;
    for opening in ["", "GET /hello HT", "GET /hello HTTP/1.1\r\nHost: louan.test\r\nX-A:"] {
        let mut stream = serving.tls(b"http/1.1").await;
        say(&mut stream, opening).await;
        assert!(!until_closed(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
    for opening in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = serving.tls(b"h2").await;
        say(&mut stream, opening).await;
        until_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn a_second_header_left_half_is_closed_though_the_first_was_whole() {
    let serving = serve(routes(), Limits { header_read: SOON, ..patient() }, true).await;
    let mut stream = serving.tls(b"http/1.1").await;
    say(&mut stream, ASK).await;
    assert!(one_reply(&mut stream).await.starts_with("HTTP/1.1 200"));
    say(&mut stream, "GET /hello").await;
    until_closed(&mut stream).await;
}

#[tokio::test]
async fn a_connection_kept_alive_without_use_is_closed() {
    let serving = serve(routes(), Limits { idle: SOON, ..patient() }, true).await;
    let mut stream = serving.tls(b"http/1.1").await;
    say(&mut stream, ASK).await;
    assert!(one_reply(&mut stream).await.contains("hello 127.0.0.1"));
    assert_eq!(until_closed(&mut stream).await, "");
    let io = TokioIo::new(serving.tls(b"h2").await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    let request =
        hyper::Request::get("https://louan.test/hello").body(Empty::<Bytes>::new()).expect("a request");
    let (reply, ended) = tokio::join!(client.send_request(request), connection);
    assert_eq!(reply.expect("a reply").status().as_u16(), 200);
    assert!(ended.is_ok(), "closed in good order: {ended:?}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_told_so_and_closed() {
    let house = house().await;
    let serving = serve(house.routes.clone(), Limits { body_grace: SOON, ..patient() }, true).await;
    let mut stream = serving.tls(b"http/1.1").await;
    let head = "POST /api/v1/enrol HTTP/1.1\r\nHost: louan.test\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"";
    say(&mut stream, head).await;
    let reply = until_closed(&mut stream).await;
    assert!(reply.starts_with("HTTP/1.1 408") && reply.contains("\"slow_body\""), "{reply}");
}

/// What each route with a body is, and the length that its largest has.
const LARGEST: [(&str, &str, &str, usize); 5] = [
    ("POST", "/api/v1/imports", "application/octet-stream", 16 << 20),
    ("POST", "/api/v1/unsent", "application/vnd.louan.unsent1", 8 << 20),
    ("POST", "/api/v1/sync", "application/vnd.louan.sync1", 1 << 20),
    ("PATCH", "/api/v1/uploads/0123456789abcdef0123456789abcdef", "application/offset+octet-stream", 1 << 20),
    ("POST", "/api/v1/commands", "application/json", 64 << 10),
];

/// The head of a request that announces so many bytes.
fn announces((method, path, media_type): (&str, &str, &str), bytes: usize, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: louan.test\r\nContent-Type: {media_type}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Length: {bytes}\r\n{more}\r\n"
    )
}

/// Those who may not send to each of [`LARGEST`], as header fields, and what they are told.
async fn unwelcome(house: &House) -> Vec<(String, [&'static str; 5])> {
    const UNKNOWN: &str = "401";
    const MAY_NOT: &str = "403";
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let leader = house.sign_in(6).await;
    let (unsigned, _) = photo_kit::enrolled(house, 41, edge_kit::person_id(4)).await;
    vec![
        (String::new(), [UNKNOWN; 5]),
        (bearer(&"0".repeat(43)), [UNKNOWN; 5]),
        // Whether somebody may give a command depends on the command.
        (bearer(&leader), [MAY_NOT, MAY_NOT, MAY_NOT, MAY_NOT, "100"]),
        (bearer(&unsigned), [MAY_NOT, MAY_NOT, UNKNOWN, UNKNOWN, MAY_NOT]),
    ]
}

#[tokio::test]
async fn who_may_not_send_is_told_before_a_byte_of_it_is_taken() {
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), false).await;
    for (token, told) in unwelcome(&house).await {
        for ((method, path, media_type, bytes), status) in LARGEST.into_iter().zip(told) {
            let mut stream = serving.tcp().await;
            // Once a body is waited for, this is answered with 100, whatever comes then.
            let more = format!("{token}Expect: 100-continue\r\n");
            say(&mut stream, &announces((method, path, media_type), bytes, &more)).await;
            let reply = head(&mut stream).await;
            assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {token}: {reply}");
        }
    }
}

#[tokio::test]
async fn who_is_refused_in_the_middle_of_sending_hears_it() {
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), false).await;
    let mut stream = serving.tcp().await;
    let (method, path, media_type, bytes) = LARGEST[0];
    say(&mut stream, &announces((method, path, media_type), bytes, "")).await;
    stream.write_all(&vec![b'x'; bytes]).await.expect("what is sent is let run out");
    assert!(one_reply(&mut stream).await.starts_with("HTTP/1.1 401 "));
    say(&mut stream, "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n").await;
    assert!(one_reply(&mut stream).await.starts_with("HTTP/1.1 200 "), "and may go on");
}

#[tokio::test]
async fn two_files_of_one_person_are_taken_in_at_once_and_the_next_is_told_when_to_come_again() {
    const AT_ONCE: usize = 2;
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), false).await;
    let token = format!("Authorization: Bearer {}\r\nExpect: 100-continue\r\n", house.sign_in(1).await);
    let begin = async |route, bytes| {
        let mut stream = serving.tcp().await;
        say(&mut stream, &announces(route, bytes, &token)).await;
        let said = head(&mut stream).await;
        (stream, said)
    };
    let mut held = Vec::new();
    for at in 0..AT_ONCE {
        let (method, path, media_type, largest) = LARGEST[at % 2];
        let (stream, said) = begin((method, path, media_type), if at == 0 { 3 } else { largest }).await;
        // Said once the body is waited for: it has its room.
        assert!(said.starts_with("HTTP/1.1 100 "), "{at}: {said}");
        held.push(stream);
    }
    for (method, path, media_type, largest) in LARGEST.into_iter().take(2) {
        let (_, said) = begin((method, path, media_type), largest).await;
        let said = said.to_lowercase();
        assert!(said.starts_with("http/1.1 503 ") && said.contains("retry-after: 5\r\n"), "{path}: {said}");
    }
    let mut other = serving.tcp().await;
    say(&mut other, "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n").await;
    assert!(one_reply(&mut other).await.starts_with("HTTP/1.1 200 "), "nobody else waits");
    say(&mut held[0], "a,b").await;
    let done = one_reply(&mut held[0]).await;
    assert!(done.starts_with("HTTP/1.1 422 "), "{done}");
    let (method, path, media_type, largest) = LARGEST[0];
    let (_, said) = begin((method, path, media_type), largest).await;
    assert!(said.starts_with("HTTP/1.1 100 "), "there is room again: {said}");
}

#[tokio::test]
async fn the_third_connection_of_a_peer_with_two_is_closed_before_its_handshake() {
    for (limits, why) in [
        (Limits { connections_per_peer: 2, ..patient() }, "of one peer"),
        (Limits { connections_max: 2, ..patient() }, "in all"),
    ] {
        let serving = serve(routes(), limits, true).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = serving.tls(b"http/1.1").await;
            say(&mut stream, ASK).await;
            one_reply(&mut stream).await;
            held.push(stream);
        }
        assert_eq!(serving.gate.open_count(), 2, "{why}");
        assert!(serving.try_tls(b"http/1.1").await.is_err(), "{why}");
        for stream in &mut held {
            say(stream, ASK).await;
            assert!(one_reply(stream).await.starts_with("HTTP/1.1 200"), "who was in stays in, {why}");
        }
    }
}

#[tokio::test]
async fn an_oversized_header_is_refused() {
    let serving = serve(routes(), patient(), true).await;
    let mut stream = serving.tls(b"http/1.1").await;
    let header = format!("GET /hello HTTP/1.1\r\nHost: louan.test\r\nX-A: {}\r\n\r\n", "a".repeat(40 * 1024));
    // The server may stop reading before all is written.
    let _ = stream.write_all(header.as_bytes()).await;
    let reply = until_closed(&mut stream).await;
    assert!(!reply.starts_with("HTTP/1.1 200"), "{reply}");
    let mut again = serving.tls(b"http/1.1").await;
    say(&mut again, ASK).await;
    assert!(one_reply(&mut again).await.starts_with("HTTP/1.1 200"), "the next peer is not concerned");
}

#[tokio::test]
async fn http_2_says_how_many_streams_and_how_long_headers_may_be() {
    use tokio::io::AsyncReadExt;
    let serving = serve(routes(), patient(), true).await;
    let mut stream = serving.tls(b"h2").await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("a preface");
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("a frame");
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut settings).await.expect("settings");
    let value_of = |wanted: u16| {
        settings
            .chunks(6)
            .find(|s| u16::from_be_bytes([s[0], s[1]]) == wanted)
            .map(|s| u32::from_be_bytes([s[2], s[3], s[4], s[5]]))
    };
    assert_eq!((value_of(3), value_of(6)), (Some(64), Some(16 * 1024)));
}

#[tokio::test]
async fn requests_that_frame_a_body_twice_are_refused_and_nothing_follows_them() {
    let house = house().await;
    let serving =
        serve(house.routes.clone(), Limits { idle: SOON, header_read: SOON, ..patient() }, false).await;
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n";
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "Content-Length: 0x2\r\n\r\n{}",
    ] {
        let mut stream = serving.tcp().await;
        let head = "POST /api/v1/enrol HTTP/1.1\r\nHost: louan.test\r\nContent-Type: application/json\r\n";
        say(&mut stream, &format!("{head}{framing}{smuggled}")).await;
        let reply = until_closed(&mut stream).await;
        assert!(reply.starts_with("HTTP/1.1 400") || reply.starts_with("HTTP/1.1 411"), "{framing}: {reply}");
    }
}

#[tokio::test]
async fn plain_http_is_served_to_this_machine_only() {
    let serving = serve(routes(), patient(), false).await;
    let mut stream = serving.tcp().await;
    say(&mut stream, ASK).await;
    assert!(one_reply(&mut stream).await.contains("hello 127.0.0.1 false"));
    let everywhere = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let refused = Edge::new(everywhere, None, Limits::default(), warp::service(routes()));
    assert_eq!(refused.err().map(|e| e.kind()), Some(std::io::ErrorKind::PermissionDenied));
}

/// A route that begins, says so, and goes on when it is told to.
fn slow_route() -> (BoxedFilter<(Response,)>, Arc<Notify>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, waits) = (Arc::clone(&begun), Arc::clone(&go_on));
    let route = warp::path!("hello").then(move || {
        let (says, waits) = (Arc::clone(&says), Arc::clone(&waits));
        async move {
            says.notify_one();
            waits.notified().await;
            "done".into_response()
        }
    });
    (route.boxed(), begun, go_on)
}

#[tokio::test]
async fn told_to_stop_the_server_finishes_what_is_under_way_and_takes_nothing_new() {
    let (route, begun, go_on) = slow_route();
    let serving = serve(route, patient(), true).await;
    let mut idle = serving.tls(b"http/1.1").await;
    let mut busy = serving.tls(b"http/1.1").await;
    say(&mut busy, ASK).await;
    begun.notified().await;
    serving.stop.send_replace(true);
    assert_eq!(until_closed(&mut idle).await, "", "who asks nothing is let go");
    assert!(serving.try_tls_refused().await, "nobody new");
    go_on.notify_one();
    assert!(until_closed(&mut busy).await.ends_with("done"));
    assert_eq!(serving.served.await.expect("ended").cut_count, 0);
}

#[tokio::test]
async fn what_outlasts_the_drain_is_cut_and_counted() {
    let (route, begun, _go_on) = slow_route();
    let serving = serve(route, Limits { drain: SOON, ..patient() }, true).await;
    let mut busy = serving.tls(b"http/1.1").await;
    say(&mut busy, ASK).await;
    begun.notified().await;
    serving.stop.send_replace(true);
    assert_eq!(serving.served.await.expect("ended").cut_count, 1);
    assert_eq!(until_closed(&mut busy).await, "");
}
