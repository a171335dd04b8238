//! The native calls and the lock they share the phone with: a screen is answered while a request is under way.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use louan_facade::{Desk, Failure, Host, Office, Place, SessionRow, Signer};

const ANNA: &str = "01DZ3Q8ZJ0000000000000000A";

#[derive(Clone)]
struct Pocket;

impl Host for Pocket {
    fn now_ms(&self) -> i64 {
        1_579_654_800_000
    }

    fn random(&self, count: u32) -> Vec<u8> {
        (0..count).map(|n| u8::try_from(n % 251).expect("a byte")).collect()
    }
}

impl Signer for Pocket {
    fn sign(&self, _: &[u8; 32]) -> Result<Vec<u8>, String> {
        Ok(vec![7; 64])
    }

    fn public_key(&self) -> Result<Vec<u8>, String> {
        Ok(vec![4; 65])
    }
}

fn enrolment() -> String {
    let org = "01DZ3Q8ZJ0000000000000000B";
    format!(
        r#"{{"device":"01DZ3Q8ZJ0000000000000000C","stream":500110,"access_token":"{0}","refresh_token":"{0}",
            "people":[{{"id":"{ANNA}","org":"{org}","role":"property_manager","name":"巡查员甲"}}],
            "orgs":[{{"id":"{org}","kind":"property_manager","name":"示例物业","street":null}}]}}"#,
        "A".repeat(43)
    )
}

/// A desk with a store of its own.
fn desk() -> (tempfile::TempDir, Arc<Mutex<Desk<Pocket>>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("phone.sqlite").display().to_string());
    let desk = Desk::open(place, Pocket).expect("a new store");
    (folder, Arc::new(Mutex::new(desk)))
}

/// Takes one request; `meanwhile` happens before it is answered with this JSON.
fn office<T: Send + 'static>(
    json: String,
    session: Option<SessionRow>,
    meanwhile: impl FnOnce() -> T + Send + 'static,
) -> (Office, std::thread::JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let asked = stream.read(&mut [0; 64 * 1024]).expect("reads");
        assert!(asked > 0);
        let seen = meanwhile();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            json.len()
        );
        stream.write_all((head + &json).as_bytes()).expect("writes");
        seen
    });
    (Office::open(&url, &[], session).expect("a way"), thread)
}

#[test]
fn a_screen_is_answered_while_an_enrolment_and_a_sync_are_under_way() {
    let (_folder, desk) = desk();
    let before = Arc::clone(&desk);
    let (mut way, answered) =
        office(enrolment(), None, move || before.try_lock().expect("nobody keeps the desk").people());
    let people = way.enrol(&desk, "ABCD-EFGH").expect("enrols");
    assert_eq!(answered.join().expect("answered").expect("reads"), [], "nobody was enrolled yet");
    assert_eq!(people[0].id, ANNA);

    let meanwhile = Arc::clone(&desk);
    let (mut way, answered) = office("{}".to_owned(), way.session(), move || {
        meanwhile.try_lock().expect("nobody keeps the desk").people()
    });
    let failure = way.sync(&desk).expect_err("JSON is no reply to a sync");
    assert!(matches!(failure, Failure::Offline { .. }), "{failure}");
    assert_eq!(answered.join().expect("answered").expect("reads"), people);
}

#[test]
fn a_host_without_its_key_is_told_to_sign_in_again_and_nothing_is_sent() {
    #[derive(Clone)]
    struct Locked;
    impl Host for Locked {
        fn now_ms(&self) -> i64 {
            Pocket.now_ms()
        }
        fn random(&self, count: u32) -> Vec<u8> {
            Pocket.random(count)
        }
    }
    impl Signer for Locked {
        fn sign(&self, _: &[u8; 32]) -> Result<Vec<u8>, String> {
            Err("locked".to_owned())
        }
        fn public_key(&self) -> Result<Vec<u8>, String> {
            Err("locked".to_owned())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::File(folder.path().join("phone.sqlite").display().to_string());
    let desk = Mutex::new(Desk::open(place, Locked).expect("a new store"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let mut way = Office::open(&url, &[], None).expect("a way");
    let failure = way.enrol(&desk, "ABCD-EFGH").expect_err("no key");
    assert_eq!(failure, Failure::SignInAgain { detail: "locked".to_owned() });
    assert!(listener.accept().is_err(), "nobody came");
}
