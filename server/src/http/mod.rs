//! HTTP: routes, problems, headers. Every route stands in one table ([`route::ROUTES`]).
//!
//! A handler reads a body, asks who is calling, calls the hub and writes what comes back;
//! rules live behind the hub. Handlers are attached with `.then` and return
//! `Result<_, ApiError>`; there is one `recover`, at the root. What is out of a caller's
//! scope is 404 in every verb. Nothing here opens a socket, reads a clock or rolls dice.

pub mod api_error;
mod body;
mod caller;
mod command;
mod context;
mod dress;
mod enrol;
mod event;
mod export;
mod front;
mod health;
mod import;
mod ledger;
mod month;
mod mount;
pub mod openapi;
mod page;
mod peer;
mod photo;
mod query;
mod rate;
mod refused;
mod room;
pub mod route;
mod session;
mod sync;
mod unsent;
mod upload;

pub use mount::Mount;
pub use peer::{Peer, SlowBody};

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Semaphore, watch};
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::auth::Identity;
use crate::clock::{Clock, Random};
use crate::config::Allowances;
use crate::hub::{Clocks, Hub};
use crate::photo::Photos;
use crate::table::ReadTable;
use api_error::{ApiError, Problem};
use context::{Context, context};
use rate::Rates;
use room::Room;

/// What the routes need from outside.
pub struct Furnishing {
    /// The core.
    pub hub: Hub,
    /// Who is calling.
    pub identity: Identity,
    /// Photos.
    pub photos: Photos,
    /// Who reads spreadsheets.
    pub tables: Arc<dyn ReadTable>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where request and command numbers come from.
    pub random: Arc<dyn Random>,
    /// Prints the metrics.
    pub metrics: PrometheusHandle,
    /// Who may read them besides this machine.
    pub metrics_allow: Vec<IpAddr>,
    /// Whether a proxy on this machine is believed about addresses.
    pub believes_proxy: bool,
    /// Requests worked on at once.
    pub requests_max: usize,
    /// How often one may ask.
    pub allowances: Allowances,
    /// Where the routes are mounted.
    pub mount: Mount,
    /// Turns true when the server is told to stop.
    pub stop: watch::Receiver<bool>,
}

/// What every handler has at hand. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    furnishing: Furnishing,
    places: Arc<Semaphore>,
    room: Room,
    rates: Rates,
    /// One list is read at a time, one ledger written.
    imports: Semaphore,
    exports: Semaphore,
}

impl Desk {
    /// A desk furnished.
    #[must_use]
    pub fn new(furnishing: Furnishing) -> Self {
        let places = Arc::new(Semaphore::new(furnishing.requests_max));
        let rates = Rates::new(&furnishing.allowances);
        let (imports, exports) = (Semaphore::new(1), Semaphore::new(export::EXPORTS_AT_ONCE));
        let room = Room::new();
        let inner = Inner { furnishing, places, room, rates, imports, exports };
        Self { inner: Arc::new(inner) }
    }

    fn hub(&self) -> &Hub {
        &self.inner.furnishing.hub
    }

    fn identity(&self) -> &Identity {
        &self.inner.furnishing.identity
    }

    fn photos(&self) -> &Photos {
        &self.inner.furnishing.photos
    }

    fn rates(&self) -> &Rates {
        &self.inner.rates
    }

    fn now(&self) -> Clocks {
        let clock = &self.inner.furnishing.clock;
        Clocks { business: clock.business(), system: clock.system() }
    }

    fn random(&self) -> &dyn Random {
        self.inner.furnishing.random.as_ref()
    }

    fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.places)
    }

    fn room(&self) -> &Room {
        &self.inner.room
    }

    fn mount(&self) -> &Mount {
        &self.inner.furnishing.mount
    }

    fn believes_proxy(&self) -> bool {
        self.inner.furnishing.believes_proxy
    }

    fn new_request_id(&self) -> String {
        self.random().array::<16>().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

/// Every route, dressed. It answers everything and fails never.
pub fn routes(
    desk: &Desk,
) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + Send + Sync + 'static {
    let all = program_routes(desk).or(person_routes(desk)).unify().boxed();
    let admitted = front::front(desk).and(all).map(|place: front::Admitted, reply: Response| {
        drop(place);
        reply
    });
    let answered = admitted.recover(recover).unify();
    context(desk).and(answered).map(|context: Context, reply: Response| dress::dress(&context, reply))
}

fn program_routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let sessions = enrol::routes(desk).or(session::routes(desk)).unify().boxed();
    let field = sync::routes(desk).or(event::routes(desk)).unify().boxed();
    let photos = upload::routes(desk).or(photo::routes(desk)).unify().boxed();
    let office =
        command::routes(desk).or(ledger::routes(desk)).unify().or(month::routes(desk)).unify().boxed();
    let lists = import::routes(desk).or(unsent::routes(desk)).unify();
    let files = lists.or(export::routes(desk)).unify().boxed();
    let rest = photos.or(files).unify().or(health::routes(desk)).unify().boxed();
    sessions.or(field).unify().or(office).unify().or(rest).unify().boxed()
}

fn person_routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    page::routes(desk)
}

/// Whatever a filter rejected, as a reply. Ours carry their reply; the router's own are about reading the request.
async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    let error = match rejection.find::<ApiError>() {
        Some(error) => error.clone(),
        None if rejection.is_not_found() => Problem::NotFound.into(),
        None => Problem::Malformed.into(),
    };
    Ok(error.into_response())
}

/// The desk, for a handler.
fn at(desk: &Desk) -> impl Filter<Extract = (Desk,), Error = Infallible> + Clone + Send + Sync + 'static {
    let desk = desk.clone();
    warp::any().map(move || desk.clone())
}

/// A handler's result as a reply.
fn reply<T: Reply, E: Reply>(result: Result<T, E>) -> Response {
    match result {
        Ok(reply) => reply.into_response(),
        Err(error) => error.into_response(),
    }
}
