//! `POST /api/v1/sync`: bytes in, bytes out. What they mean is the hub's business.
//!
//! Reading and writing zstd takes processor time and is done beside the sockets' threads.

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use louan_schema::wire::frame::{self, FrameError};
use louan_schema::wire::{MEDIA_TYPE, SyncRequest};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::api_error::{ApiError, Problem};
use super::body::{Coming, coming};
use super::context::{Context, context};
use super::openapi::Operation;
use super::openapi::refusal::COUNTED;
use super::route::{Body, Verb};
use super::{Desk, at, reply};
use crate::hub::Answer;

pub(super) fn describe() -> Vec<Operation> {
    let about = "zstd over CBOR, as `louan_schema::wire::SyncReply` has it.";
    vec![
        Operation::new(Verb::Post, "/api/v1/sync", "A device's changes up, what it lacks down")
            .signed(true)
            .gives_bytes(&[MEDIA_TYPE], about)
            .refuses(&[Problem::NotFound, Problem::UpdateApp])
            .refuses(COUNTED),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "sync")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(coming(Body::Sync))
        .then(sync_device)
        .map(reply)
        .boxed()
}

async fn sync_device(desk: Desk, context: Context, body: Coming) -> Result<Response, ApiError> {
    let (device, body) = desk.device_sending(&context, body).await?;
    let now = desk.now();
    desk.rates().sync(device, now.system)?;
    let _room = desk.room().for_body(body.len()).await;
    let request = decoded(&desk, body).await?;
    let down_bytes = |asked| desk.room().down_bytes(asked);
    let answer = desk.hub().answer(device, request, now, &down_bytes).await?;
    let bytes = encoded(&desk, answer).await?;
    let mut response = Response::new(desk.room().on_its_way(bytes).into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}

async fn decoded(desk: &Desk, body: Bytes) -> Result<SyncRequest, ApiError> {
    let _turn = desk.room().turn().await;
    match tokio::task::spawn_blocking(move || frame::decode(&body)).await {
        Ok(Ok(request)) => Ok(request),
        Ok(Err(FrameError::TooLarge)) => Err(Problem::TooLarge.into()),
        Ok(Err(FrameError::Compression(_) | FrameError::Cbor(_))) => Err(Problem::Malformed.into()),
        Err(_) => Err(Problem::Internal.into()),
    }
}

async fn encoded(desk: &Desk, answer: Answer) -> Result<Vec<u8>, ApiError> {
    let _turn = desk.room().turn().await;
    match tokio::task::spawn_blocking(move || frame::encode(answer.reply)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) | Err(_) => Err(Problem::Internal.into()),
    }
}
