//! The front: what can be refused by looking at the header alone.
//!
//! In this order: no such path, no such method, too much work already, compressed, the wrong
//! type, no length, too long. Nothing behind this line has to think of any of it.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::{Filter, Rejection};

use super::Desk;
use super::api_error::{ApiError, Problem};
use super::context::{Context, context};
use super::route::{Body, Found, Route};

/// How long a caller should wait when the server has its hands full.
const BUSY_MS: i64 = 2_000;

/// A request let in; one of those worked on at once, until dropped.
pub(super) type Admitted = Arc<OwnedSemaphorePermit>;

/// Lets a request in, or rejects it with the reply it gets.
pub(super) fn front(
    desk: &Desk,
) -> impl Filter<Extract = (Admitted,), Error = Rejection> + Clone + Send + Sync + 'static {
    let places = desk.places();
    context(desk).and_then(move |context: Context| {
        let admitted = admit(&context, &places);
        async move { admitted.map_err(warp::reject::custom) }
    })
}

fn admit(context: &Context, places: &Arc<Semaphore>) -> Result<Admitted, ApiError> {
    let route = match &context.found {
        Found::Route(route) => route,
        Found::Nothing => return Err(Problem::NotFound.into()),
        Found::OtherMethods(allow) => {
            return Err(ApiError { allow: Some(allow.clone()), ..Problem::MethodNotAllowed.into() });
        }
    };
    let place = Arc::clone(places).try_acquire_owned();
    let place = place.map_err(|_| ApiError::later(Problem::Overloaded, BUSY_MS))?;
    check_body(route, &context.headers)?;
    Ok(Arc::new(place))
}

fn check_body(route: &Route, headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::UnsupportedMediaType);
    }
    let length = length(headers)?;
    let Some(wanted) = route.body.media_type() else {
        // Nobody will read a body here; one of unknown length is not let in to find out.
        let chunked = headers.contains_key(TRANSFER_ENCODING);
        return match (length, chunked) {
            (_, true) => Err(Problem::LengthRequired),
            (Some(bytes), false) if bytes > Body::Empty.bytes_max() => Err(Problem::TooLarge),
            _ => Ok(()),
        };
    };
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if !given.eq_ignore_ascii_case(wanted) {
        return Err(Problem::UnsupportedMediaType);
    }
    match length {
        None => Err(Problem::LengthRequired),
        Some(bytes) if bytes > route.body.bytes_max() => Err(Problem::TooLarge),
        Some(_) => Ok(()),
    }
}

/// The length said. Said beside chunked framing, or twice, or as something else than a number, it is a trick (R05).
fn length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut said = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = said.next() else { return Ok(None) };
    if said.next().is_some() || headers.contains_key(TRANSFER_ENCODING) {
        return Err(Problem::Malformed);
    }
    let text = first.to_str().map_err(|_| Problem::Malformed)?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Problem::Malformed);
    }
    // More digits than a number has is more than any route takes.
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}
