//! Lines: how a phone's body reaches the server and the reply comes back.
//!
//! Either straight into a hub in this process, or over HTTPS as the field app does it. A line
//! counts bodies and trips; bytes of TLS and HTTP are counted by the link below it.

use std::time::Duration;

use kit::handset::{Handset, both};
use kit::proof::proof;
use louan_client_core::Absorbed;
use louan_schema::id::DeviceId;
use louan_schema::time::Timestamp;
use louan_schema::wire::proof::{PROOF_HEADER, ProvenRequest};
use louan_schema::wire::{Item, MEDIA_TYPE, SyncReply, SyncRequest, frame};
use louan_server::clock::{Random, SystemRandom};
use louan_server::hub::Hub;
use p256::ecdsa::SigningKey;

use crate::pen::Pen;

/// More trips than any workload needs; a phone that never comes to rest must not run for ever.
const TRIPS_MAX: usize = 20_000;
/// Longest wait for a reply: a mebibyte takes two minutes in a basement.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often one request is sent again after it was cut off.
const CUT_OFF_MAX: usize = 5;

/// A way to the server.
#[derive(Debug, Clone)]
pub enum Line {
    /// The hub in this process.
    Hub(Hub),
    /// The server's edge.
    Https {
        /// A client that trusts the server's certificate.
        client: reqwest::Client,
        /// Where the link to the server listens.
        origin: String,
        /// The device's access token.
        token: String,
        /// The device's key: each request is signed.
        key: SigningKey,
    },
}

/// What went over a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trips {
    /// Requests answered.
    pub trips: u64,
    /// Bytes of request bodies.
    pub up_bytes: u64,
    /// Bytes of reply bodies.
    pub down_bytes: u64,
    /// Requests that were cut off before their reply was whole, and sent again.
    pub cut_off: u64,
}

impl Trips {
    /// Adds what another line carried.
    pub const fn add(&mut self, other: Self) {
        self.trips += other.trips;
        self.up_bytes += other.up_bytes;
        self.down_bytes += other.down_bytes;
        self.cut_off += other.cut_off;
    }
}

impl Line {
    /// A client as phones have it, that trusts one certificate authority, PEM.
    ///
    /// # Panics
    /// When the certificate cannot be read.
    #[must_use]
    pub fn client(authority_pem: &[u8]) -> reqwest::Client {
        // Another client of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = reqwest::Certificate::from_pem(authority_pem).expect("a certificate");
        reqwest::Client::builder()
            .tls_certs_only([authority])
            .timeout(PATIENCE)
            .build()
            .expect("a client with ring")
    }

    /// One trip: a body goes up, the reply's body comes down. All phones of a workload share one thread: while one of
    /// them writes, another's handshake may be given up by the server. Like a phone it tries again then, and counts it.
    ///
    /// # Panics
    /// When there is still no reply: a workload that fails measures nothing.
    pub async fn carry(&self, device: DeviceId, body: Vec<u8>, now: Timestamp, trips: &mut Trips) -> Vec<u8> {
        trips.trips += 1;
        trips.up_bytes += body.len() as u64;
        let reply = match self {
            Self::Hub(hub) => {
                let request: SyncRequest = frame::decode(&body).expect("our own request");
                let reply = hub.sync(device, request, both(now)).await.expect("the hub answers");
                frame::encode(&reply).expect("a reply fits")
            }
            Self::Https { client, origin, token, key } => {
                let path = "/api/v1/sync";
                let url = format!("{origin}{path}");
                let random: &dyn Random = &SystemRandom;
                let said = ProvenRequest { method: "POST", target: path, body: &body, token };
                let send = async || -> reqwest::Result<_> {
                    let request = client.post(&url).bearer_auth(token).header("content-type", MEDIA_TYPE);
                    // One cut off may have arrived: it is said anew.
                    let request = request.header(PROOF_HEADER, proof(key, &said, random.array()));
                    let reply = request.body(body.clone()).send().await?;
                    Ok((reply.status(), reply.bytes().await?))
                };
                let mut reply = send().await;
                for _ in 0..CUT_OFF_MAX {
                    if reply.is_ok() {
                        break;
                    }
                    trips.cut_off += 1;
                    reply = send().await;
                }
                let (status, bytes) = reply.expect("the server answers");
                assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
                bytes.to_vec()
            }
        };
        trips.down_bytes += reply.len() as u64;
        reply
    }
}

/// What one reply brought, by what a phone has to do for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Rows, which are only stored.
    pub rows: usize,
    /// Documents and changes of documents: the only things automerge may ever be opened for.
    pub documents: usize,
}

impl Brought {
    fn of(reply: &[u8]) -> Self {
        let mut brought = Self::default();
        let Ok(SyncReply::Taken(taken)) = frame::decode(reply) else { return brought };
        for item in &taken.items {
            match item {
                Item::Snapshot { .. } | Item::Change { .. } => brought.documents += 1,
                Item::Row(_) | Item::Gone(_) | Item::Decided { .. } | Item::Frozen(_) => brought.rows += 1,
                Item::Signed(_) => {}
            }
        }
        brought
    }
}

/// A phone on a line.
pub struct Station {
    /// The phone.
    pub handset: Handset,
    /// Its way to the server.
    pub line: Line,
    /// What went over it.
    pub trips: Trips,
    last_reply: Vec<u8>,
}

impl Station {
    /// A phone that has not used its line yet.
    #[must_use]
    pub fn new(handset: Handset, line: Line) -> Self {
        Self { handset, line, trips: Trips::default(), last_reply: Vec::new() }
    }

    /// One trip.
    pub async fn sync_once(&mut self, now: Timestamp) -> Absorbed {
        let (prepared, body) = self.handset.request(now);
        let reply = self.line.carry(self.handset.device, body, now, &mut self.trips).await;
        let random = self.handset.dice.bytes();
        let absorbed = self.handset.phone.absorb(prepared, &reply, now, random);
        self.last_reply = reply;
        absorbed.expect("a whole reply is absorbed")
    }

    /// What the last reply brought. Reading it once more costs time: not for while a watch runs.
    #[must_use]
    pub fn brought(&self) -> Brought {
        Brought::of(&self.last_reply)
    }

    /// Trips until there is nothing more to send or to fetch. Everything sent must have been taken.
    ///
    /// # Panics
    /// When the server refuses anything, or the phone never comes to rest.
    pub async fn sync(&mut self, now: Timestamp) -> usize {
        let mut accepted = 0;
        for _ in 0..TRIPS_MAX {
            let absorbed = self.sync_once(now).await;
            assert!(
                absorbed.held + absorbed.returned + absorbed.rewritten + absorbed.unread == 0,
                "not everything was taken: {absorbed:?}"
            );
            accepted += absorbed.accepted;
            if !absorbed.more {
                return accepted;
            }
        }
        panic!("a phone that never comes to rest");
    }
}

/// Sends everything a pen has written, `changes_max` a request; how many were made durable.
pub async fn send_all(
    pen: &mut Pen,
    line: &Line,
    changes_max: usize,
    now: Timestamp,
    trips: &mut Trips,
) -> usize {
    let mut durable = 0;
    while !pen.is_dry() {
        let body = frame::encode(pen.request(changes_max, now)).expect("a request fits");
        let reply = line.carry(pen.device, body, now, trips).await;
        let reply: SyncReply = frame::decode(&reply).expect("a reply of ours");
        durable += pen.take(reply);
    }
    durable
}

/// Lets a pen find out where the feed stands.
pub async fn settle(pen: &mut Pen, line: &Line, now: Timestamp) {
    let mut trips = Trips::default();
    while !pen.is_settled() {
        let body = frame::encode(pen.request(0, now)).expect("a request fits");
        let reply = line.carry(pen.device, body, now, &mut trips).await;
        pen.take(frame::decode(&reply).expect("a reply of ours"));
    }
}
