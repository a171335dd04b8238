//! A whole server without its sockets: store, core, identity, routes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};

use louan_schema::wire::proof::{PROOF_HEADER, ProvenRequest};
use louan_server::auth::Identity;
use louan_server::blob::Folder;
use louan_server::config::Allowances;
use louan_server::edge::Peer;
use louan_server::http::openapi::document;
use louan_server::http::route::{Found, Reader, find};
use louan_server::http::{Desk, Furnishing, Mount};
use louan_server::hub::{Hub, Limits};
use louan_server::photo::{Ground, PhotoLimits, Photos};
use louan_server::storage::Storage;
use louan_server::storage::sqlite::Sqlite;
use louan_server::worker::InProcess;
use metrics_exporter_prometheus::PrometheusBuilder;
use p256::ecdsa::SigningKey;
use serde_json::Value;
use tokio::sync::watch;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use super::proof::proof;
use super::{Dice, Hands, PASSWORD, account, credentials, identity, store};

/// The server, its clock and its doors.
pub(crate) struct House {
    pub(crate) store: Arc<Sqlite>,
    pub(crate) hub: Hub,
    pub(crate) identity: Identity,
    pub(crate) hands: Arc<Hands>,
    pub(crate) routes: BoxedFilter<(Response,)>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) photos: Photos,
    pub(crate) folder: tempfile::TempDir,
    keys: Mutex<HashMap<String, SigningKey>>,
}

/// What a test may want otherwise.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) requests_max: Option<usize>,
    pub(crate) believes_proxy: bool,
    pub(crate) metrics_allow: Vec<IpAddr>,
    pub(crate) photos: Option<PhotoLimits>,
    pub(crate) allowances: Allowances,
    pub(crate) base_path: String,
}

pub(crate) async fn house() -> House {
    house_with(Wishes::default()).await
}

/// A house where one may ask as often as one likes: for who tries hundreds of things.
pub(crate) async fn patient_house() -> House {
    let often = 1_000_000;
    let allowances = Allowances {
        sync_per_minute: often,
        photos_per_minute: often,
        photos_at_once: often,
        commands_per_minute: often,
        reads_per_minute: often,
        pictures_per_minute: often,
        imports_per_hour: often,
        parts_per_minute: often,
        exports_per_hour: often,
    };
    house_with(Wishes { allowances, ..Wishes::default() }).await
}

pub(crate) async fn house_with(wishes: Wishes) -> House {
    let store = store().await;
    let identity = identity(&store);
    let hands = Arc::new(Hands::new());
    let storage = Arc::clone(&store) as Arc<dyn Storage>;
    let hub = Hub::open(storage, Arc::new(InProcess), Limits::default()).await.expect("a hub");
    let (stop, stopping) = watch::channel(false);
    let folder = tempfile::tempdir().expect("a folder");
    let photos = Photos::new(Ground {
        hub: hub.clone(),
        storage: Arc::clone(&store) as Arc<dyn Storage>,
        blobs: Arc::new(Folder::open(folder.path().join("photos")).expect("opens")),
        examine: Arc::new(InProcess),
        limits: wishes.photos.unwrap_or_default(),
    });
    let desk = Desk::new(Furnishing {
        hub: hub.clone(),
        identity: identity.clone(),
        photos: photos.clone(),
        tables: Arc::new(InProcess),
        clock: Arc::clone(&hands) as Arc<dyn louan_server::clock::Clock>,
        random: Arc::new(Dice::default()),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        metrics_allow: wishes.metrics_allow,
        believes_proxy: wishes.believes_proxy,
        requests_max: wishes.requests_max.unwrap_or(200),
        allowances: wishes.allowances,
        mount: Mount::at(&wishes.base_path),
        stop: stopping,
    });
    let routes = as_described(louan_server::http::routes(&desk).boxed());
    House { store, hub, identity, hands, routes, stop, photos, folder, keys: Mutex::default() }
}

/// The same routes, held to the description of the API: an answer that it does not list fails the test that saw it.
fn as_described(routes: BoxedFilter<(Response,)>) -> BoxedFilter<(Response,)> {
    let asked = warp::method().and(warp::path::full()).and(routes);
    asked
        .map(|method: http::Method, path: FullPath, reply: Response| {
            must_be_listed(&method, path.as_str(), reply.status().as_u16());
            reply
        })
        .boxed()
}

/// # Panics
/// When a route for programs is not described with this status.
pub(crate) fn must_be_listed(method: &http::Method, path: &str, status: u16) {
    static DESCRIBED: OnceLock<Value> = OnceLock::new();
    let Found::Route(route) = find(method, path) else { return };
    if route.reader == Reader::Person {
        return;
    }
    let whole = DESCRIBED.get_or_init(|| serde_json::to_value(document()).expect("JSON"));
    let verb = route.method.name().to_ascii_lowercase();
    let listed = &whole["paths"][route.path][&verb]["responses"];
    assert!(
        listed.get(status.to_string()).is_some(),
        "{method} {} answered {status}; say so where the route is described: {listed}",
        route.path
    );
}

impl House {
    /// A device's token is this key's: [`Self::bearing`] signs with it.
    pub(crate) fn keep(&self, token: &str, key: SigningKey) {
        self.keys.lock().expect("nobody panicked").insert(token.to_owned(), key);
    }

    /// From now on requests with this token are not signed: somebody found it.
    pub(crate) fn lose_key(&self, token: &str) {
        self.keys.lock().expect("nobody panicked").remove(token);
    }

    /// A request of whoever has this token, from `10.0.0.<last>`; a device's is signed, with the body it will have.
    pub(crate) fn bearing(
        &self,
        (method, path, last): (&str, &str, u8),
        token: &str,
        body: &[u8],
    ) -> warp::test::RequestBuilder {
        let asked = request(method, path, last).header("authorization", format!("Bearer {token}"));
        match self.keys.lock().expect("nobody panicked").get(token) {
            Some(key) => {
                let said = ProvenRequest { method, target: path, body, token };
                asked.header(PROOF_HEADER, proof(key, &said)).body(body)
            }
            None => asked.body(body),
        }
    }

    /// An access token of person `number`.
    pub(crate) async fn sign_in(&self, number: u8) -> String {
        let now = self.hands.now();
        let login = account(&self.identity, number, now).await;
        let from = super::address(number);
        let signed_in = self.identity.sign_in(credentials(&login, PASSWORD, from), now).await;
        signed_in.expect("a session").issued.access.text()
    }

    /// The cookie of person `number`'s browser.
    pub(crate) async fn browser(&self, number: u8) -> String {
        let now = self.hands.now();
        let login = account(&self.identity, number, now).await;
        let from = super::address(number);
        let signed_in = self.identity.sign_in_browser(credentials(&login, PASSWORD, from), now).await;
        format!("__Host-louan={}", signed_in.expect("a session").0.text())
    }
}

/// A request from `10.0.0.<last>`.
pub(crate) fn request(method: &str, path: &str, last: u8) -> warp::test::RequestBuilder {
    let peer = Peer { ip: super::address(last), encrypted: true };
    warp::test::request().method(method).path(path).extension(peer).header("host", "louan.test")
}

/// A JSON body, with its headers.
pub(crate) fn json(request: warp::test::RequestBuilder, body: &str) -> warp::test::RequestBuilder {
    request.header("content-type", "application/json").body(body)
}

/// The problem code of a reply.
pub(crate) fn code(reply: &http::Response<bytes::Bytes>) -> String {
    let value: serde_json::Value = serde_json::from_slice(reply.body()).expect("problem+json");
    value["code"].as_str().expect("a code").to_owned()
}
