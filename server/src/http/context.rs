//! What a request says about itself besides its body, taken out once.
//!
//! No filter reads a header by itself: everything a handler may look at is here, so a test
//! can say what that is.

use std::net::{IpAddr, Ipv4Addr};

use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Method};
use louan_schema::wire::proof::PROOF_HEADER;
use warp::Filter;
use warp::path::FullPath;

use super::route::{self, Found};
use super::{Desk, Mount, Peer, query};
use crate::auth::token::Token;

/// The header with a request's number.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header a proxy puts the address in.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What a browser says about where a request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request without its body (请求上下文).
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) method: Method,
    pub(super) found: Found,
    /// Path and query, without what everything is mounted under.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) host: Option<String>,
    pub(super) from: IpAddr,
    pub(super) direct: bool,
    pub(super) request_id: String,
    pub(super) mount: Mount,
}

/// Takes the context out; fails never.
pub(super) fn context(
    desk: &Desk,
) -> impl Filter<Extract = (Context,), Error = std::convert::Infallible> + Clone + Send + Sync + 'static {
    let desk = desk.clone();
    let host = warp::host::optional()
        .or(warp::any().map(|| None))
        .unify()
        .map(|host: Option<warp::host::Authority>| host.map(|host| host.to_string()));
    let peer = warp::ext::optional::<Peer>();
    let target = warp::path::full().and(query::raw());
    warp::method().and(target).and(warp::header::headers_cloned()).and(host).and(peer).map(
        move |method: Method, path: FullPath, query: String, headers: HeaderMap, host, peer: Option<Peer>| {
            let found = route::find(&method, path.as_str());
            let peer_ip = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip);
            let forwarded =
                forwarded_for(&headers).filter(|_| desk.believes_proxy() && peer_ip.is_loopback());
            Context {
                request_id: request_id(&headers).unwrap_or_else(|| desk.new_request_id()),
                from: forwarded.unwrap_or(peer_ip),
                direct: forwarded.is_none(),
                mount: desk.mount().clone(),
                target: if query.is_empty() {
                    path.as_str().to_owned()
                } else {
                    format!("{}?{query}", path.as_str())
                },
                method,
                found,
                headers,
                host,
            }
        },
    )
}

/// The last address a proxy wrote: the one it saw itself; those before it are hearsay.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// A caller's own number, if it can stand in a log line.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && (8..=64).contains(&text.len())).then(|| text.to_owned())
}

impl Context {
    /// The token of `Authorization: Bearer`.
    pub(super) fn bearer(&self) -> Option<Token> {
        let text = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Token::read(token.trim())).flatten()
    }

    /// What the device says, signed, about the request.
    pub(super) fn proof(&self) -> Option<&str> {
        self.headers.get(PROOF_HEADER)?.to_str().ok()
    }

    /// The token of the console's cookie.
    pub(super) fn cookie(&self) -> Option<Token> {
        let cookies = self.headers.get_all(COOKIE);
        let mut pairs =
            cookies.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
        let text = pairs.find_map(|pair| pair.trim().strip_prefix(self.mount.cookie())?.strip_prefix('='))?;
        Token::read(text)
    }

    /// Whether a browser's page of ours sent the request: its origin is the host it asks, or, where no
    /// origin is said, the browser says so itself (A11). Our own forms say `null`, because our pages name no
    /// referrer; so does a page in a sandbox, but of that one the browser says `cross-site`.
    pub(super) fn is_same_origin(&self) -> bool {
        let host = self.host.as_deref().or_else(|| self.headers.get(HOST)?.to_str().ok());
        match self.headers.get(ORIGIN).map(|origin| origin.to_str()) {
            None | Some(Ok("null")) => self.headers.get(FETCH_SITE).is_some_and(|site| site == "same-origin"),
            Some(Ok(origin)) => {
                let origin_host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
                origin_host.is_some() && origin_host == host
            }
            Some(Err(_)) => false,
        }
    }

    /// Whether the reply is a picture.
    pub(super) fn shows_picture(&self) -> bool {
        matches!(&self.found, Found::Route(route) if route.reader == route::Reader::Picture)
    }

    /// Whether whoever asks would rather see a page than JSON.
    pub(super) fn wants_page(&self) -> bool {
        let accept = self.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        match &self.found {
            Found::Route(route) => route.reader == route::Reader::Person,
            Found::OtherMethods(_) | Found::Nothing => {
                accept.is_some_and(|accept| accept.contains("text/html"))
            }
        }
    }

    /// The route's path as written in the table, for logs and metrics: never a caller's own text.
    pub(super) fn route_name(&self) -> &'static str {
        match &self.found {
            Found::Route(route) => route.path,
            Found::OtherMethods(_) => "(other method)",
            Found::Nothing => "(none)",
        }
    }
}
