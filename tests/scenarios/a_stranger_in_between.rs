//! Somebody between phone and office with a certificate of his own (A19): the phone trusts the roots it was given and
//! tells him nothing.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::slice::from_ref;

use louan_client_core::driver::{Host, Link};
use louan_client_core::{ErrorKind, Phone, StorePlace};
use louan_schema::time::Timestamp;

use crate::story;

/// The server's program, which every build of the workspace makes beside the demonstration.
fn louan(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_demo")).with_file_name("louan"));
    let config = folder.join("config.toml");
    std::fs::write(&config, "").expect("an empty configuration");
    command.arg("--config").arg(config).args(arguments).env_clear();
    command.env("LOUAN__STORE__PATH", folder.join("louan.sqlite"));
    command
}

/// A root of somebody's own, with a certificate for this machine; the root.
fn certificate(folder: &Path, name: &str) -> Vec<u8> {
    let dir = folder.join(name);
    let init =
        ["tls", "init", "--dir", dir.to_str().expect("plain"), "--name", "localhost", "--ip", "127.0.0.1"];
    assert!(louan(folder, &init).output().expect("the executable").status.success());
    std::fs::read(dir.join("root.pem")).expect("a root")
}

/// An office with the certificate of one name; killed when dropped.
struct Office {
    child: Child,
    url: String,
    /// Kept open: what it says later goes somewhere.
    _said: std::io::Lines<BufReader<ChildStdout>>,
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Office {
    fn open(folder: &Path, name: &str) -> Self {
        assert!(louan(folder, &["migrate"]).status().expect("the executable").success());
        let mut command = louan(folder, &["serve", "--listen", "127.0.0.1:0"]);
        command.env("LOUAN__EDGE__CERTIFICATE", folder.join(name).join("server.pem"));
        command.env("LOUAN__EDGE__KEY", folder.join(name).join("server.key"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the executable");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines.find_map(|line| {
            let log: serde_json::Value = serde_json::from_str(&line.expect("a text")).expect("JSON");
            (log["message"] == "listening").then(|| log["address"].as_str().expect("an address").to_owned())
        });
        Self { child, url: format!("https://{}", address.expect("it listens")), _said: lines }
    }
}

struct Owner;

impl Host for Owner {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_580_000_000_000)
    }

    fn random(&self) -> [u8; 16] {
        [4; 16]
    }

    fn public_key(&self) -> Vec<u8> {
        vec![4; 65]
    }

    fn sign(&self, _: &[u8; 32]) -> Result<[u8; 64], String> {
        Err("nothing is signed here".to_owned())
    }
}

/// What a phone with these roots makes of an office, asked with a code that nobody has.
async fn asked(office: &Office, roots: &[Vec<u8>]) -> ErrorKind {
    let mut phone = Phone::open(StorePlace::Memory, [7; 16]).expect("a new store opens");
    let mut link = Link::new(&office.url, roots, None).expect("a way");
    let enrolled = link.enrol(&mut phone, &Owner, "0000-0000").await;
    assert!(link.tokens().is_none());
    enrolled.expect_err("nobody has this code").kind
}

#[test]
fn a_phone_talks_to_who_its_roots_vouch_for_and_to_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let (own, strange) = (certificate(here, "own"), certificate(here, "strange"));
    let (office, stranger) = (Office::open(here, "own"), {
        let elsewhere = here.join("elsewhere");
        std::fs::create_dir_all(&elsewhere).expect("a folder");
        std::fs::rename(here.join("strange"), elsewhere.join("strange")).expect("moves");
        Office::open(&elsewhere, "strange")
    });
    story(async move {
        assert_ne!(
            asked(&office, from_ref(&own)).await,
            ErrorKind::Offline,
            "the office answers that there is no such code"
        );
        assert_eq!(asked(&stranger, from_ref(&own)).await, ErrorKind::Offline, "to the phone he is nobody");
        // The platform's roots vouch for neither, and two roots of one's own for both.
        assert_eq!(asked(&office, &[]).await, ErrorKind::Offline);
        let both = [own.clone(), strange.clone()];
        assert_ne!(asked(&office, &both).await, ErrorKind::Offline);
        assert_ne!(asked(&stranger, &both).await, ErrorKind::Offline, "he is there, only not trusted");
    });
}
