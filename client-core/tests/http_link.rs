//! The native driver against an office of canned answers: what is sent, what is asked
//! again, what is told to the host.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use louan_client_core::ErrorKind;
use louan_client_core::driver::{Host, Link, Tokens};
use louan_client_core::view::PhotoState;
use louan_schema::photo::UploadKind;
use louan_schema::time::Timestamp;
use louan_schema::wire::{MEDIA_TYPE, SyncReply, SyncRequest, Verdict, frame};
use support::*;

/// What a phone's host lends; a locked one has no key just now.
struct Pocket {
    locked: bool,
}

const OPEN: Pocket = Pocket { locked: false };
const LOCKED: Pocket = Pocket { locked: true };

impl Host for Pocket {
    fn now(&self) -> Timestamp {
        START
    }
    fn random(&self) -> [u8; 16] {
        [4; 16]
    }
    fn public_key(&self) -> Vec<u8> {
        vec![4; 65]
    }
    fn sign(&self, _: &[u8; 32]) -> Result<[u8; 64], String> {
        if self.locked { Err("the phone is locked".to_owned()) } else { Ok([7; 64]) }
    }
}

/// An answer: status line, media type, body.
type Answer = (&'static str, &'static str, Vec<u8>);

/// Answers one connection a canned answer, in order; hands out what was asked.
fn office(answers: Vec<Answer>) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (heard, hear) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("a connection");
            heard.send(talk(stream, answer)).expect("somebody listens");
        }
    });
    (url, hear)
}

fn talk(mut stream: TcpStream, (status, media, body): Answer) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    let (head, mut rest) = loop {
        let mut piece = [0; 4_096];
        let n = stream.read(&mut piece).expect("reads");
        bytes.extend_from_slice(&piece[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..at]).to_lowercase(), bytes[at + 4..].to_vec());
        }
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = if head.starts_with("head ") { Some("0") } else { length };
    let length: usize = length.and_then(|n| n.parse().ok()).expect("says its length");
    while rest.len() < length {
        let mut piece = [0; 4_096];
        let n = stream.read(&mut piece).expect("reads");
        rest.extend_from_slice(&piece[..n]);
    }
    let close = "connection: close";
    let head_out = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {}\r\n{close}\r\n\r\n",
        body.len()
    );
    stream.write_all(head_out.as_bytes()).expect("writes");
    stream.write_all(&body).expect("writes");
    (head, rest)
}

fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(story)
}

fn tokens(n: u8) -> Tokens {
    let text = |kind: char| {
        format!("{}{}", "A".repeat(41), [kind, char::from(b'A' + n * 4)].iter().collect::<String>())
    };
    Tokens { access_token: text('B'), refresh_token: text('C') }
}

fn json(value: &Tokens) -> Vec<u8> {
    serde_json::to_vec(value).expect("encodes")
}

#[test]
fn a_phone_enrols_with_a_code() {
    let reply = serde_json::json!({
        "device": DEVICE.to_string(), "stream": 500_110, "token_type": "Bearer",
        "access_token": tokens(0).access_token, "refresh_token": tokens(0).refresh_token,
        "people": [{"id": ANNA.to_string(), "org": COMPANY.to_string(), "role": "property_manager", "name": "巡查员甲"}],
        "orgs": [{"id": COMPANY.to_string(), "kind": "property_manager", "name": "示例物业", "street": null}],
        "now": "2020-01-21T12:00:00+08:00",
    });
    let (url, heard) = office(vec![("200 OK", "application/json", reply.to_string().into_bytes())]);
    let mut desk = Desk::bare(louan_client_core::StorePlace::Memory);
    let mut link = Link::new(&url, &[], None).expect("a way");
    run(link.enrol(&mut desk.phone, &OPEN, "ABCD-EFGH")).expect("enrols");
    let people = desk.phone.people().expect("reads");
    assert_eq!((people[0].id, people[0].org), (ANNA, COMPANY));
    assert_eq!(link.tokens(), Some(&tokens(0)));
    let (head, body) = heard.recv().expect("was asked");
    assert!(head.starts_with("post /api/v1/enrol "));
    assert!(String::from_utf8(body).expect("text").contains(r#""code":"ABCD-EFGH""#));
}

#[test]
fn a_session_that_has_ended_is_renewed_once_and_the_request_repeated() {
    let mut desk = Desk::new();
    desk.hazard(ANNA, "堵塞");
    let (_, request) = desk.request();
    let mut taken = desk.all_taken(&request);
    taken.changes = vec![vec![Verdict::Accepted(1)]];
    let reply = frame::encode(SyncReply::Taken(Box::new(taken))).expect("encodes");
    let ended = br#"{"code":"sign_in_again"}"#.to_vec();
    let (url, heard) = office(vec![
        ("401 Unauthorized", "application/problem+json", ended),
        ("200 OK", "application/json", json(&tokens(2))),
        ("200 OK", MEDIA_TYPE, reply),
    ]);
    let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
    let absorbed = run(link.sync(&mut desk.phone, &OPEN)).expect("syncs");
    assert_eq!((absorbed.accepted, absorbed.more), (1, false));
    assert_eq!(link.tokens(), Some(&tokens(2)));
    let asked: Vec<_> = heard.iter().collect();
    let bearer = |n: usize| {
        asked[n].0.contains(&format!(
            "bearer {}",
            tokens(u8::try_from(n).expect("small")).access_token.to_lowercase()
        ))
    };
    assert!(asked[0].0.contains(&tokens(1).access_token.to_lowercase()) && bearer(2));
    assert!(asked[1].0.starts_with("post /api/v1/session/refresh "));
    let sent: SyncRequest = frame::decode(&asked[2].1).expect("a request");
    assert_eq!(sent.batches[0].signature.as_slice(), [7; 64]);
    assert_eq!(asked[0].1, asked[2].1, "the same bytes");
}

#[test]
fn a_portals_page_is_no_answer_and_nothing_is_taken_from_it() {
    let page = b"<html>sign in to the wireless network</html>".to_vec();
    for answer in [
        ("200 OK", "text/html", page.clone()),
        ("200 OK", MEDIA_TYPE, page),
        ("502 Bad Gateway", "text/html", Vec::new()),
    ] {
        let mut desk = Desk::new();
        desk.hazard(ANNA, "堵塞");
        let (url, _heard) = office(vec![answer]);
        let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
        let error = run(link.sync(&mut desk.phone, &OPEN)).expect_err("not ours");
        assert_eq!(error.kind, ErrorKind::Offline);
        assert_eq!(desk.counts(), [1, 0, 0, 0]);
    }
}

#[test]
fn an_office_that_is_not_there_is_offline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let mut desk = Desk::new();
    let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
    assert_eq!(run(link.sync(&mut desk.phone, &OPEN)).expect_err("gone").kind, ErrorKind::Offline);
}

/// A phone without signal tries for hours. Then it comes back to a good link.
#[test]
fn an_office_that_takes_the_call_and_never_answers_is_offline_and_the_next_try_works() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: 1000\r\n\r\nbegun");
    for begun in ["", head.as_str()] {
        let mut desk = Desk::new();
        desk.hazard(ANNA, "堵塞");
        let (_, request) = desk.request();
        let taken = desk.all_taken(&request);
        let reply = frame::encode(SyncReply::Taken(Box::new(taken))).expect("encodes");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let begun = begun.as_bytes().to_vec();
        let office = std::thread::spawn(move || {
            let (mut held, _) = listener.accept().expect("a connection");
            held.write_all(&begun).expect("writes");
            let (answered, _) = listener.accept().expect("another connection");
            talk(answered, ("200 OK", MEDIA_TYPE, reply));
            drop(held);
        });
        let link = Link::new(&url, &[], Some(tokens(0))).expect("a way");
        let mut link = link.waiting_at_most(Duration::from_millis(200));
        let error = run(link.sync(&mut desk.phone, &OPEN)).expect_err("nobody answers");
        assert_eq!(error.kind, ErrorKind::Offline);
        assert_eq!(desk.counts(), [1, 0, 0, 0], "nothing is lost");
        assert_eq!(link.tokens(), Some(&tokens(0)), "nor the session");
        let mut link = link.waiting_at_most(Duration::from_secs(180));
        assert_eq!(run(link.sync(&mut desk.phone, &OPEN)).expect("answers").accepted, 1);
        assert_eq!(desk.counts(), [0, 0, 0, 1]);
        office.join().expect("ends");
    }
}

#[test]
fn only_a_request_that_left_and_was_lost_makes_the_next_one_smaller() {
    let asked = |desk: &mut Desk| desk.request().1.down_bytes_max;
    let mut desk = Desk::new();
    let whole = asked(&mut desk);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nowhere = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let mut link = Link::new(&nowhere, &[], Some(tokens(1))).expect("a way");
    run(link.sync(&mut desk.phone, &OPEN)).expect_err("nobody there");
    assert_eq!(asked(&mut desk), whole);
    let (url, _heard) = office(vec![("502 Bad Gateway", "text/html", Vec::new())]);
    let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
    run(link.sync(&mut desk.phone, &OPEN)).expect_err("not ours");
    assert_eq!(asked(&mut desk), whole / 2);
}

/// What the office says when a new upload may begin, when it has a whole file, and when a session has ended.
fn photo_answers() -> Vec<Answer> {
    let begun = |at: &'static str| (at, "text/plain", Vec::new());
    let ended = br#"{"code":"sign_in_again"}"#.to_vec();
    vec![
        ("401 Unauthorized", "application/problem+json", ended),
        ("200 OK", "application/json", json(&tokens(1))),
        begun("201 Created\r\nlocation: /api/v1/uploads/a1"),
        begun("204 No Content\r\nlouan-position: 40"),
        begun("201 Created\r\nlocation: /api/v1/uploads/a2"),
        begun("204 No Content\r\nlouan-position: 41"),
    ]
}

/// A phone with a photo of a hazard that the office has.
fn with_a_photo() -> (Desk, louan_client_core::view::PhotoView) {
    let mut desk = Desk::new();
    let photo = taken_with(&mut desk, 90);
    (desk, photo)
}

/// One more photo, of this grey, of one more hazard that the office has.
fn taken_with(desk: &mut Desk, grey: u8) -> louan_client_core::view::PhotoView {
    let mut file = Vec::new();
    let pixels = vec![grey; 64 * 48 * 3];
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut file);
    image::ImageEncoder::write_image(encoder, &pixels, 64, 48, image::ExtendedColorType::Rgb8)
        .expect("encodes");
    let shot = louan_client_core::Shot {
        file: &file,
        site: SITE,
        building: None,
        position: None,
        signed: "",
        lettering: None,
    };
    let a = desk.acting(ANNA);
    let photo = desk.phone.attach_photo(&a, &shot).expect("is taken");
    let a = desk.acting(ANNA);
    desk.phone.report_hazard(&a, SITE, hazard("堵塞", a.at), vec![photo.hash]).expect("saves");
    desk.sync();
    photo
}

#[test]
fn photos_go_up_in_pieces_with_the_devices_token_and_a_session_is_renewed_once() {
    let (mut desk, photo) = with_a_photo();
    let (url, heard) = office(photo_answers());
    let mut link = Link::new(&url, &[], Some(tokens(0))).expect("a way");
    let sent = run(link.send_photos(&mut desk.phone, &OPEN, false)).expect("sends");
    assert_eq!((sent.confirmed, sent.refused), (1, 0));
    let asked: Vec<(String, Vec<u8>)> = heard.iter().collect();
    let lines: Vec<&str> =
        asked.iter().map(|(head, _)| head.split(" http").next().unwrap_or_default()).collect();
    let expected = [
        "post /api/v1/uploads",
        "post /api/v1/session/refresh",
        "post /api/v1/uploads",
        "patch /api/v1/uploads/a1",
        "post /api/v1/uploads",
        "patch /api/v1/uploads/a2",
    ];
    assert_eq!(lines, expected);
    for (head, _) in asked.iter().skip(2) {
        assert!(head.contains("tus-resumable: 1.0.0"), "{head}");
        assert!(head.contains(&format!("authorization: bearer {}", tokens(1).access_token.to_lowercase())));
    }
    let bytes = |kind| desk.phone.photo_file(photo.hash, kind).expect("reads").expect("lies here");
    assert_eq!(asked[3].1, bytes(UploadKind::Thumbnail));
    assert_eq!(asked[5].1, bytes(UploadKind::Photo));
    assert_eq!(desk.phone.photos().expect("reads")[0].state, PhotoState::Confirmed(Some(41)));
}

#[test]
fn an_office_out_of_reach_costs_a_photo_nothing() {
    let (mut desk, photo) = with_a_photo();
    let mut link = Link::new("http://127.0.0.1:1", &[], Some(tokens(0))).expect("a way");
    let error = run(link.send_photos(&mut desk.phone, &OPEN, false)).expect_err("nobody answers");
    assert_eq!(error.kind, ErrorKind::Offline);
    let view = desk.phone.photos().expect("reads").pop().expect("is there");
    assert_eq!((view.hash, view.state, view.here), (photo.hash, PhotoState::Queued, true));
}

/// A backlog larger than the office takes at once must not fill the phone: what is safe there is given up here.
#[test]
fn what_the_office_takes_later_is_told_and_room_is_given_back_all_the_same() {
    let (mut desk, photo) = with_a_photo();
    let (url, _heard) = office(photo_answers());
    let mut link = Link::new(&url, &[], Some(tokens(0))).expect("a way");
    run(link.send_photos(&mut desk.phone, &OPEN, false)).expect("sends");
    let second = taken_with(&mut desk, 91);
    desk.pos = 41;
    desk.sync_with(|_, taken| taken.backed_up_pos = 41);
    let much = br#"{"code":"too_often"}"#.to_vec();
    let too_often = ("429 Too Many Requests", "application/problem+json", much);
    let has = ("204 No Content\r\nlouan-position: 41", "text/plain", Vec::new());
    let (url, heard) = office(vec![too_often.clone(), too_often, has]);
    let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
    let error = run(link.send_photos(&mut desk.phone, &OPEN, false)).expect_err("some go later");
    assert_eq!(error.kind, ErrorKind::Offline);
    assert_eq!(heard.iter().count(), 3, "thumbnail, photo, and whether the first one is still there");
    let shown = desk.phone.photos().expect("reads");
    let here = |hash| shown.iter().find(|one| one.hash == hash).expect("is there").here;
    assert_eq!((here(photo.hash), here(second.hash)), (false, true));
}

#[test]
fn a_key_that_cannot_be_used_now_costs_no_session_and_no_request() {
    let (mut desk, _) = with_a_photo();
    let (url, heard) = office(Vec::new());
    let mut link = Link::new(&url, &[], Some(tokens(1))).expect("a way");
    let planned = desk.phone.next_photo(false).expect("plans").expect("a photo");
    let why = run(link.sync(&mut desk.phone, &LOCKED)).expect_err("nothing is signed");
    assert_eq!((why.kind, why.why.as_str()), (ErrorKind::SignInAgain, "the phone is locked"));
    let why = run(link.send_photos(&mut desk.phone, &LOCKED, false)).expect_err("nothing is signed");
    assert_eq!((why.kind, why.why.as_str()), (ErrorKind::SignInAgain, "the phone is locked"));
    assert_eq!(link.tokens(), Some(&tokens(1)), "nothing was exchanged");
    assert_eq!(heard.iter().count(), 0, "nothing was asked");
    assert_eq!(desk.phone.next_photo(false).expect("plans"), Some(planned), "nothing is in doubt");
}

#[test]
fn what_goes_with_a_token_is_signed_by_the_key() {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let (mut desk, _) = with_a_photo();
    let (url, heard) = office(photo_answers());
    let mut link = Link::new(&url, &[], Some(tokens(0))).expect("a way");
    run(link.send_photos(&mut desk.phone, &OPEN, false)).expect("sends");
    let text = Base64UrlUnpadded::encode_string;
    let said = format!("louan-proof: {}.{}", text(&[4; 16]), text(&[7; 64])).to_lowercase();
    for (head, _) in heard.iter() {
        let open = head.starts_with("post /api/v1/session/refresh");
        assert_eq!(head.contains(&said), !open, "{head}");
    }
}
