//! Health, version, metrics: for machines that watch.
//!
//! `/healthz` says that the process answers, `/readyz` that the store does, too. Metrics are for this machine and an
//! allow-list; for everybody else the page does not exist.

use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::context::{Context, context};
use super::openapi::Operation;
use super::openapi::refusal::ABSENT;
use super::route::Verb;
use super::{Desk, at, reply};

/// The text every Prometheus reads.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Serialize, ToSchema)]
struct VersionView {
    name: &'static str,
    version: &'static str,
    protocol: u16,
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Get, "/healthz", "Whether the process answers")
            .open()
            .gives_text(TEXT, "It does."),
        Operation::new(Verb::Get, "/readyz", "Whether the store answers")
            .open()
            .gives_text(TEXT, "It does.")
            .refuses(&[Problem::Unavailable]),
        Operation::new(Verb::Get, "/version", "Which build this is")
            .open()
            .gives::<VersionView>("The build."),
        Operation::new(Verb::Get, "/metrics", "Metrics, for this machine and an allow-list")
            .open()
            .gives_text(METRICS, "Prometheus text.")
            .refuses(ABSENT),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let healthz = warp::path!("healthz").and(warp::get()).map(|| "ok\n".into_response());
    let readyz = warp::path!("readyz").and(warp::get()).and(at(desk)).then(check_store).map(reply);
    let version = warp::path!("version").and(warp::get()).map(|| {
        let (version, protocol) = (env!("CARGO_PKG_VERSION"), louan_schema::wire::PROTOCOL);
        warp::reply::json(&VersionView { name: "louan", version, protocol }).into_response()
    });
    let metrics = warp::path!("metrics")
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .then(print_metrics)
        .map(reply);
    healthz.or(readyz).unify().or(version).unify().or(metrics).unify().boxed()
}

async fn check_store(desk: Desk) -> Result<impl Reply, ApiError> {
    match desk.hub().head().await {
        Ok(_) => Ok("ready\n"),
        Err(error) => {
            tracing::error!(error = %error, "the store does not answer");
            Err(ApiError::later(Problem::Unavailable, 10_000))
        }
    }
}

async fn print_metrics(desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    // Through a proxy everybody seems to be this machine: only who connects directly, or is named, is let in.
    let here = context.direct && context.from.is_loopback() && !desk.believes_proxy();
    if here || desk.inner.furnishing.metrics_allow.contains(&context.from.to_canonical()) {
        let text = desk.inner.furnishing.metrics.render();
        return Ok(warp::reply::with_header(text, "content-type", METRICS));
    }
    Err(Problem::NotFound.into())
}
