//! `GET /api/v1/events`: a poke whenever the log has moved (SSE).
//!
//! An event says how far the log is and nothing else; what is new is fetched by whoever may see it. A
//! stream ends after a quarter of an hour, so that a session that was ended does not listen on.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use http::HeaderName;
use tokio::sync::watch;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use warp::sse::Event;

use super::api_error::ApiError;
use super::context::{Context, context};
use super::openapi::{Operation, shape};
use super::route::Verb;
use super::{Desk, at, reply};

/// Proxies cut connections that are silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// As long as an access token lives.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Wait before a browser comes back.
const RETRY: Duration = Duration::from_secs(3);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Get, "/api/v1/events", "A poke whenever the log has moved (SSE)")
            .signed(false)
            .header("Last-Event-ID", false, shape::any_text(), "The position already known.")
            .gives_text("text/event-stream", "Events `head` with `{\"pos\": n}`, for a quarter of an hour."),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "events")
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .then(stream_events)
        .map(reply)
        .boxed()
}

async fn stream_events(desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let caller = desk.caller(&context).await?;
    if caller.person().is_some() {
        // Whoever may not act any more is told nothing either.
        desk.official(&context).await?;
    }
    let known = context.headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let events = pokes(desk.hub().subscribe(), desk.inner.furnishing.stop.clone(), known);
    Ok(warp::sse::reply(warp::sse::keep_alive().interval(HEARTBEAT).stream(events)))
}

struct Listening {
    head: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    told: Option<u64>,
}

/// The log's position: at once unless the listener knows it, then whenever it moves.
fn pokes(
    head: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    known: Option<u64>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send + Sync + 'static {
    let listening = Listening { head, stop, told: known };
    let events = futures_util::stream::unfold(listening, |mut listening| async move {
        let pos = next(&mut listening).await?;
        listening.told = Some(pos);
        let event = Event::default().event("head").id(pos.to_string()).data(format!("{{\"pos\":{pos}}}"));
        Some((Ok(event.retry(RETRY)), listening))
    });
    events.take_until(tokio::time::timeout(LIFE, std::future::pending::<()>()))
}

/// The next position to tell; nothing when the stream is over.
async fn next(listening: &mut Listening) -> Option<u64> {
    loop {
        let pos = *listening.head.borrow_and_update();
        if listening.told != Some(pos) {
            return Some(pos);
        }
        tokio::select! {
            changed = listening.head.changed() => changed.ok()?,
            () = stopped(&mut listening.stop) => return None,
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(events: impl Stream<Item = Result<Event, Infallible>>) -> Vec<String> {
        events.map(|event| event.expect("never fails").to_string()).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_is_told_where_the_log_is_unless_it_knows() {
        for (known, events) in [(None, 1), (Some(6), 1), (Some(7), 0), (Some(99), 1)] {
            let (_head, receiver) = watch::channel(7);
            let (_stop, stop) = watch::channel(false);
            // The stream ends by itself when its life is over; time is paused and runs to that point.
            assert_eq!(told(pokes(receiver, stop, known)).await.len(), events, "{known:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_pokes_when_the_log_moves_and_ends_when_the_server_stops() {
        let (head, receiver) = watch::channel(7);
        let (stop, stopping) = watch::channel(false);
        let mut events = Box::pin(pokes(receiver, stopping, Some(7)));
        head.send_replace(9);
        let event = events.next().await.expect("a poke").expect("never fails").to_string();
        assert!(event.contains("id:9") && event.contains("{\"pos\":9}"), "{event}");
        stop.send_replace(true);
        assert!(events.next().await.is_none());
    }
}
