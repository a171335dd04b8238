//! The real program over HTTPS: `louan serve` as a process of its own with workers of its own, and devices that
//! call it over connections of their own.
//!
//! Limits are as delivered. What the processes are and how much memory they had is asked of the system, not of them.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::id::{OrgId, PersonId};
use louan_schema::wire::proof::{PROOF_HEADER, ProvenRequest};
use louan_schema::wire::{Batch, MEDIA_TYPE, SyncReply, Taken, frame};
use p256::ecdsa::SigningKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json as value};

use crate::edge_kit::proof::proof;
use crate::kit::Phone;

const NAME: &str = "louan.test";
const SYNC: &str = "/api/v1/sync";

/// The server in a folder; killed when dropped.
pub(crate) struct Office {
    child: Child,
    address: String,
    trust: Arc<ClientConfig>,
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program on a folder's store.
pub(crate) fn louan(folder: &Path, arguments: &[&str]) -> Command {
    let config = folder.join("config.toml");
    std::fs::write(&config, "").expect("an empty configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_louan"));
    command.arg("--config").arg(config).args(arguments).env_clear();
    command.env("LOUAN__STORE__PATH", folder.join("louan.sqlite"));
    command.env("LOUAN__STORE__PHOTOS", folder.join("photos"));
    command.env("LOUAN__EDGE__CERTIFICATE", folder.join("tls/server.pem"));
    command.env("LOUAN__EDGE__KEY", folder.join("tls/server.key"));
    command
}

fn said(mut command: Command) -> String {
    let done = command.output().expect("the executable");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("a text")
}

impl Office {
    /// Opens it over the store in the folder.
    pub(crate) fn open(folder: &Path) -> Self {
        let tls = folder.join("tls");
        said(louan(folder, &["tls", "init", "--dir", tls.to_str().expect("plain"), "--name", NAME]));
        said(louan(folder, &["migrate"]));
        let mut serve = louan(folder, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child = serve.stdout(Stdio::piped()).spawn().expect("the executable");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines.find_map(|line| {
            let log: Value = serde_json::from_str(&line.expect("a text")).expect("JSON");
            (log["message"] == "listening").then(|| log["address"].as_str().expect("an address").to_owned())
        });
        // Its log goes on being read, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(tls.join("root.pem")).expect("a root");
        roots.add(CertificateDer::from_pem_slice(&pem).expect("PEM")).expect("a root");
        let trust = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { child, address: address.expect("it listens"), trust: Arc::new(trust) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection after its handshake.
    pub(crate) fn line(&self) -> Line {
        let name = ServerName::try_from(NAME).expect("a name");
        let connection = ClientConnection::new(Arc::clone(&self.trust), name).expect("a client");
        let stream = TcpStream::connect(&self.address).expect("it listens");
        Line(StreamOwned::new(connection, stream))
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status().expect("kill");
        assert!(told.success() && self.child.wait().expect("it ends").success());
    }
}

/// A connection that is kept.
pub(crate) struct Line(StreamOwned<ClientConnection, TcpStream>);

impl Line {
    /// Sends a request; status and body of the reply.
    pub(crate) fn ask(&mut self, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let head = format!("{head}\r\nHost: {NAME}\r\nContent-Length: {}\r\n\r\n", body.len());
        self.0.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("it answers");
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("a head").to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.expect("a length").parse().expect("a number")];
        self.0.read_exact(&mut body).expect("a body");
        (head[9..12].parse().expect("a status"), body)
    }

    /// Whether the server says that it is well.
    pub(crate) fn is_well(&mut self) -> bool {
        self.ask("GET /healthz HTTP/1.1", b"") == (200, b"ok\n".to_vec())
    }
}

/// A phone with a token and a connection of its own.
pub(crate) struct Device {
    pub(crate) phone: Phone,
    key: SigningKey,
    token: String,
    line: Line,
}

impl Device {
    /// Enrols with a code of the office's, as a new phone does.
    pub(crate) fn enrolled(folder: &Path, office: &Office, seed: u8, who: (PersonId, OrgId)) -> Self {
        let made = said(louan(folder, &["enrol", "new", &who.0.to_string()]));
        let code = made.split_once('：').and_then(|(_, rest)| rest.lines().next()).expect("a code");
        let key = SigningKey::from_slice(&[seed; 32]).expect("a scalar");
        let public = Base64UrlUnpadded::encode_string(key.verifying_key().to_sec1_point(true).as_bytes());
        let body = value!({ "code": code, "public_key": public }).to_string();
        let mut line = office.line();
        let head = "POST /api/v1/enrol HTTP/1.1\r\nContent-Type: application/json";
        let (status, reply) = line.ask(head, body.as_bytes());
        let reply: Value = serde_json::from_slice(&reply).expect("JSON");
        assert_eq!(status, 200, "{reply}");
        let text = |name: &str| reply[name].as_str().expect("text").to_owned();
        let mut phone = Phone::unknown(seed, who.0, who.1);
        phone.device = text("device").parse().expect("an id");
        Self { phone, key, token: text("access_token"), line }
    }

    /// Sends a body to be synced, signed as the device's own; status and body of the reply.
    pub(crate) fn post(&mut self, body: &[u8]) -> (u16, Vec<u8>) {
        let said = ProvenRequest { method: "POST", target: SYNC, body, token: &self.token };
        let proof = proof(&self.key, &said);
        let head = format!(
            "POST {SYNC} HTTP/1.1\r\nContent-Type: {MEDIA_TYPE}\r\nAuthorization: Bearer {}\r\n{PROOF_HEADER}: {proof}",
            self.token
        );
        self.line.ask(&head, body)
    }

    /// Sends batches and takes what is new, its cursor kept; or the status it was refused with.
    pub(crate) fn sync(&mut self, batches: Vec<Batch>) -> Result<Taken, u16> {
        let request = self.phone.request(batches);
        let (status, body) = self.post(&frame::encode(&request).expect("a body"));
        if status != 200 {
            return Err(status);
        }
        match frame::decode(&body).expect("a reply") {
            SyncReply::Taken(taken) => {
                self.phone.cursor = taken.cursor.or(self.phone.cursor);
                Ok(*taken)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Parent and instant of start of a process, as the system counts them; nothing when there is no such process.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may contain anything; the numbers follow the last bracket.
    let (_, numbers) = stat.rsplit_once(')')?;
    let number = |place: usize| numbers.split_whitespace().nth(place)?.parse::<u64>().ok();
    Some((u32::try_from(number(1)?).ok()?, number(19)?))
}

/// When a process was started: with its number, who it is.
pub(crate) fn started(pid: u32) -> Option<u64> {
    stat(pid).map(|(_, start)| start)
}

/// The processes that this one has started and that live, each with its start and the most memory it had, in KiB.
pub(crate) fn children(pid: u32) -> BTreeMap<(u32, u64), u64> {
    let processes = std::fs::read_dir("/proc").expect("the system's processes");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|number| match stat(number) {
            Some((parent, start)) if parent == pid => Some(((number, start), peak_kib(number)?)),
            _ => None,
        })
        .collect()
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
