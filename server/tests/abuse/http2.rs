//! HTTP/2 without end (R04): resets, continuations, empty frames, written byte by byte.
//!
//! Who does it loses his connection, and the next one is answered.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::edge_kit::house::house;
use super::edge_kit::wire::{SOON, Serving, one_reply, patient, say, serve};
use louan_server::edge::Limits;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field of a header block, written out in full.
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).expect("short");
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

fn head(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let own = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "louan.test")];
    own.iter().chain(more).flat_map(|(name, value)| field(name, value)).collect()
}

/// Sends frames on a new connection, whatever becomes of it; everything that came back until it was closed.
async fn attack(serving: &Serving, frames: Vec<u8>) -> Vec<u8> {
    let mut stream = serving.tls(b"h2").await;
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame(4, 0, 0, &[]).as_slice()].concat();
    stream.write_all(&opening).await.expect("a preface");
    until_closed(stream, frames).await
}

/// Writes and reads at once: a server that closes may do so in the middle of what is written to it.
async fn until_closed(stream: TlsStream<TcpStream>, frames: Vec<u8>) -> Vec<u8> {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let send = async {
        let _ = writing.write_all(&frames).await;
        let _ = writing.flush().await;
    };
    let receive = async {
        let (mut all, mut piece) = (Vec::new(), [0; 4_096]);
        while let Ok(count @ 1..) = reading.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
        all
    };
    tokio::join!(send, receive).1
}

/// The frames of what came: kind and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).expect("a length").min(rest.len());
        found.push((*kind, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    found
}

/// Why the server went away, if it said so.
fn reason(bytes: &[u8]) -> Option<u32> {
    let goodbye = frames(bytes).into_iter().rev().find(|(kind, _)| *kind == GOAWAY)?.1;
    Some(u32::from_be_bytes(goodbye.get(4..8)?.try_into().ok()?))
}

async fn is_served(serving: &Serving) {
    let mut stream = serving.tls(b"http/1.1").await;
    say(&mut stream, "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n").await;
    assert!(one_reply(&mut stream).await.starts_with("HTTP/1.1 200"), "the next peer is not concerned");
}

#[tokio::test]
async fn streams_that_are_reset_as_soon_as_they_are_opened_end_the_connection() {
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), true).await;
    let block = head("GET", "/api/v1/hazards", &[]);
    let flood = (0..2_000_u32).flat_map(|n| {
        let stream = 2 * n + 1;
        let opened = frame(HEADERS, END_STREAM | END_HEADERS, stream, &block);
        [opened, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    });
    let answer = attack(&serving, flood.collect()).await;
    assert_eq!(reason(&answer), Some(0xb), "ENHANCE_YOUR_CALM");
    is_served(&serving).await;
}

#[tokio::test]
async fn a_header_that_goes_on_and_on_ends_the_connection() {
    let house = house().await;
    let serving = serve(house.routes.clone(), patient(), true).await;
    let opened = || frame(HEADERS, END_STREAM, 1, &head("GET", "/healthz", &[]));
    let more: Vec<u8> = (0..9).flat_map(|n| field(&format!("x-{n}"), &"a".repeat(100))).collect();
    for (name, part) in [("full", more.as_slice()), ("empty", &[])] {
        let flood = (0..20_000).flat_map(|_| frame(CONTINUATION, 0, 1, part));
        let answer = attack(&serving, opened().into_iter().chain(flood).collect()).await;
        assert!(reason(&answer).is_some_and(|why| why != 0), "{name}: {:?}", frames(&answer));
        is_served(&serving).await;
    }
}

#[tokio::test]
async fn empty_pieces_of_a_body_buy_no_time() {
    let house = house().await;
    let serving =
        serve(house.routes.clone(), Limits { body_grace: SOON, idle: SOON, ..patient() }, true).await;
    let fields = [("content-type", "application/json"), ("content-length", "99")];
    let opened = frame(HEADERS, END_HEADERS, 1, &head("POST", "/api/v1/enrol", &fields));
    let flood = (0..20_000).flat_map(|_| frame(DATA, 0, 1, &[]));
    let answer = attack(&serving, opened.into_iter().chain(flood).collect()).await;
    let told = String::from_utf8_lossy(&answer).contains("\"slow_body\"");
    assert!(told || reason(&answer).is_some_and(|why| why != 0), "{:?}", frames(&answer));
    is_served(&serving).await;
}
