//! Three requests: enrol, refresh, sync.
//!
//! Whatever goes with a token is signed by the device's key. A refused token is exchanged once and the request
//! repeated; everything else is told to the host. Bodies are read within a bound. The tokens change as the office
//! says; the host keeps them ([`Link::tokens`]).

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::registry::{Org, Person};
use louan_schema::wire::proof::{PROOF_HEADER, ProvenRequest};
use louan_schema::wire::{MEDIA_TYPE, StreamId, frame};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{AtHand, Host, problem};
use crate::error::{Error, ErrorKind};
use crate::phone::{Enrolment, Phone};
use crate::sync::Absorbed;

const JSON: &str = "application/json";
const SYNC: &str = "/api/v1/sync";
/// Longest a request may take, answer included; a mebibyte at 64 kbit/s takes two minutes.
const REQUEST_MAX: Duration = Duration::from_secs(180);
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// Most trips of one call; a phone that needs more goes on with the next call.
const TRIPS_MAX: usize = 256;

/// A device's tokens (令牌): opaque, changed with every refresh, kept by the host in its key store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Goes with every request, which the device's key signs.
    pub access_token: String,
    /// Is exchanged for the next pair.
    pub refresh_token: String,
}

/// The way to one office (办公端连接).
#[derive(Debug)]
pub struct Link {
    client: reqwest::Client,
    /// Longest a request may take.
    limit: Duration,
    office: String,
    tokens: Option<Tokens>,
}

#[derive(Serialize)]
struct EnrolRequest<'a> {
    code: &'a str,
    public_key: String,
}

#[derive(Serialize)]
struct RefreshRequest<'a> {
    refresh_token: &'a str,
    signature: String,
}

#[derive(Deserialize)]
struct EnrolReply {
    device: String,
    stream: StreamId,
    #[serde(flatten)]
    tokens: Tokens,
    people: Vec<PersonReply>,
    orgs: Vec<OrgReply>,
}

#[derive(Deserialize)]
struct PersonReply {
    id: String,
    org: String,
    role: String,
    name: String,
}

#[derive(Deserialize)]
struct OrgReply {
    id: String,
    kind: String,
    name: String,
    street: Option<String>,
}

impl Link {
    /// A way to the office at `office` (`https://…`, with the path it is mounted under, if any), trusting these root
    /// certificates (PEM) and no others; those of the platform when there are none.
    ///
    /// # Errors
    /// [`Error`] when a certificate cannot be read.
    pub fn new(office: &str, roots: &[Vec<u8>], tokens: Option<Tokens>) -> Result<Self, Error> {
        let doing = "preparing the way to the office";
        // Another part of the host may have installed one already: then that one stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots: Result<Vec<_>, _> = roots.iter().map(|pem| reqwest::Certificate::from_pem(pem)).collect();
        let client = roots.and_then(|roots| {
            let builder = reqwest::Client::builder().connect_timeout(CONNECT_MAX);
            if roots.is_empty() { builder.build() } else { builder.tls_certs_only(roots).build() }
        });
        let client = client.map_err(|e| Error::bug(doing, e.to_string()).because(e))?;
        Ok(Self { client, limit: REQUEST_MAX, office: office.trim_end_matches('/').to_owned(), tokens })
    }

    /// Waits no longer than this for the answer to a request, whole; three minutes when nothing else is said.
    #[must_use]
    pub const fn waiting_at_most(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The tokens as they are now, for the host to keep.
    #[must_use]
    pub const fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Enrols the phone with a code from the office.
    ///
    /// # Errors
    /// [`Error`] by what to do next; asking again with the same code and key is safe.
    pub async fn enrol(&mut self, phone: &mut impl AtHand, host: &dyn Host, code: &str) -> Result<(), Error> {
        let doing = "enrolling";
        let public_key = Base64UrlUnpadded::encode_string(&host.public_key());
        let reply: EnrolReply = self.post_json(doing, "enrol", &EnrolRequest { code, public_key }).await?;
        let tokens = reply.tokens.clone();
        let enrolment = enrolment(doing, reply)?;
        phone.with(|phone| phone.enrol(enrolment))?;
        self.tokens = Some(tokens);
        Ok(())
    }

    /// Exchanges the refresh token for the next pair.
    ///
    /// # Errors
    /// [`Error`] by what to do next.
    pub async fn refresh(&mut self, host: &dyn Host) -> Result<(), Error> {
        let doing = "renewing the session";
        let sign_in = || Error::new(ErrorKind::SignInAgain, doing, "there is no session");
        let tokens = self.tokens.clone().ok_or_else(sign_in)?;
        let proof = proof_message(&tokens.refresh_token).ok_or_else(sign_in)?;
        let signature = host.sign(&proof).map_err(|why| Error::new(ErrorKind::SignInAgain, doing, why))?;
        let signature = Base64UrlUnpadded::encode_string(&signature);
        let request = RefreshRequest { refresh_token: &tokens.refresh_token, signature };
        self.tokens = Some(self.post_json(doing, "session/refresh", &request).await?);
        Ok(())
    }

    /// Sends and fetches until there is nothing more; what every trip brought is added up. Acts may happen
    /// while a request is under way; they go with the next one.
    ///
    /// # Errors
    /// [`Error`] by what to do next; what earlier trips brought is stored.
    pub async fn sync(&mut self, phone: &mut impl AtHand, host: &dyn Host) -> Result<Absorbed, Error> {
        let mut total = Absorbed::default();
        for _ in 0..TRIPS_MAX {
            let absorbed = self.trip(phone, host).await?;
            total = add(total, absorbed);
            if !absorbed.more {
                break;
            }
        }
        Ok(total)
    }

    async fn trip(&mut self, phone: &mut impl AtHand, host: &dyn Host) -> Result<Absorbed, Error> {
        let doing = "talking to the office";
        let now = host.now();
        let prepared = phone.with(|phone| phone.prepare(now))?;
        let signatures: Result<Vec<_>, _> =
            prepared.digests().iter().map(|digest| host.sign(digest)).collect();
        let signatures = signatures.map_err(|why| Error::new(ErrorKind::SignInAgain, doing, why))?;
        let body = phone.with(|phone| phone.seal(&prepared, signatures))?;
        // A key that cannot be used now is no session that has ended: nothing is exchanged for it.
        let request = self.signed(doing, (reqwest::Method::POST, SYNC), &body, host)?;
        let mut sent = self.post(doing, request, MEDIA_TYPE, body.clone()).await;
        if sent.as_ref().is_err_and(|e| e.kind == ErrorKind::SignInAgain) {
            self.refresh(host).await?;
            let request = self.signed(doing, (reqwest::Method::POST, SYNC), &body, host)?;
            sent = self.post(doing, request, MEDIA_TYPE, body).await;
        }
        match sent {
            Ok(reply) => {
                let (now, random) = (host.now(), host.random());
                phone.with(|phone| phone.absorb(prepared, &reply, now, random))
            }
            Err(error) => {
                if error.kind == ErrorKind::Offline && !never_left(&error) {
                    phone.with(Phone::lost);
                }
                Err(error)
            }
        }
    }

    async fn post_json<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        path: &str,
        request: &impl Serialize,
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(request).map_err(|e| Error::bug(doing, e.to_string()).because(e))?;
        let request = self.request(reqwest::Method::POST, &format!("/api/v1/{path}"));
        let reply = self.post(doing, request, JSON, body).await?;
        serde_json::from_slice(&reply).map_err(|e| {
            Error::new(ErrorKind::Offline, doing, "what came back is not the office's answer").because(e)
        })
    }

    /// A request to a path of the office.
    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.office)).timeout(self.limit)
    }

    /// A request to a path of the office with the device's token, and its key's word that it is the device's own.
    pub(super) fn signed(
        &self,
        doing: &'static str,
        (method, path): (reqwest::Method, &str),
        body: &[u8],
        host: &dyn Host,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let again = |why: String| Error::new(ErrorKind::SignInAgain, doing, why);
        let tokens = self.tokens.as_ref().ok_or_else(|| again("there is no session".to_owned()))?;
        let token = tokens.access_token.as_str();
        let nonce = host.random();
        let said = ProvenRequest { method: method.as_str(), target: path, body, token };
        let signature = host.sign(&said.message(&nonce)).map_err(again)?;
        let text = Base64UrlUnpadded::encode_string;
        let proof = format!("{}.{}", text(&nonce), text(&signature));
        let request = self.request(method, path).header(AUTHORIZATION, format!("Bearer {token}"));
        Ok(request.header(PROOF_HEADER, proof))
    }

    /// Posts a body and reads the answer, which must be of the same media type.
    async fn post(
        &self,
        doing: &'static str,
        request: reqwest::RequestBuilder,
        media: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let offline = |e: reqwest::Error| offline(doing, e);
        let mut response = request.header(CONTENT_TYPE, media).body(body).send().await.map_err(offline)?;
        let of = |response: &reqwest::Response| {
            let value =
                response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
            value.split(';').next().unwrap_or_default().trim().to_owned()
        };
        let (taken, answered) = (response.status().is_success(), of(&response));
        let mut whole = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(offline)? {
            whole.extend_from_slice(&piece);
            if whole.len() > frame::PLAIN_BYTES_MAX {
                return Err(Error::new(
                    ErrorKind::Offline,
                    doing,
                    "the answer is larger than any of the office's",
                ));
            }
        }
        match (taken, answered == media) {
            (true, true) => Ok(whole),
            (false, _) if answered == problem::PROBLEM => Err(problem::read(doing, &whole)),
            _ => Err(Error::new(ErrorKind::Offline, doing, "what came back is not the office's answer")),
        }
    }
}

/// A request that got no answer.
pub(super) fn offline(doing: &'static str, error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Offline, doing, "the office does not answer").because(error)
}

/// Whether there was no link at all: nothing was lost on it then, and it says nothing about the next one.
fn never_left(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref::<reqwest::Error>()).is_some_and(reqwest::Error::is_connect)
}

/// What a device signs to show that a refresh token is its own.
fn proof_message(refresh_token: &str) -> Option<[u8; 32]> {
    use sha2::{Digest, Sha256};
    let bytes = Base64UrlUnpadded::decode_vec(refresh_token).ok()?;
    Some(Sha256::new_with_prefix(b"louan/refresh/1\0").chain_update(bytes).finalize().into())
}

fn enrolment(doing: &'static str, reply: EnrolReply) -> Result<Enrolment, Error> {
    let odd = |what: String| Error::new(ErrorKind::UpdateApp, doing, format!("the office names {what}"));
    let mut people = Vec::new();
    for row in reply.people {
        people.push(Person {
            id: row.id.parse().map_err(|_| odd(row.id.clone()))?,
            org: row.org.parse().map_err(|_| odd(row.org.clone()))?,
            role: row.role.parse().map_err(|_| odd(row.role.clone()))?,
            name: row.name,
        });
    }
    let mut orgs = Vec::new();
    for row in reply.orgs {
        let street = match row.street {
            Some(street) => Some(street.parse().map_err(|_| odd(street.clone()))?),
            None => None,
        };
        orgs.push(Org {
            id: row.id.parse().map_err(|_| odd(row.id.clone()))?,
            kind: row.kind.parse().map_err(|_| odd(row.kind.clone()))?,
            name: row.name,
            street,
        });
    }
    let device = reply.device.parse().map_err(|_| odd(reply.device.clone()))?;
    Ok(Enrolment { device, people, orgs, stream: reply.stream })
}

fn add(total: Absorbed, trip: Absorbed) -> Absorbed {
    Absorbed {
        more: trip.more,
        accepted: total.accepted + trip.accepted,
        held: total.held + trip.held,
        returned: total.returned + trip.returned,
        rewritten: total.rewritten + trip.rewritten,
        received: total.received + trip.received,
        unread: total.unread + trip.unread,
        missing: total.missing + trip.missing,
        relayed: total.relayed + trip.relayed,
        epoch_changed: total.epoch_changed || trip.epoch_changed,
        update_app: trip.update_app,
        sealed: trip.sealed,
    }
}
