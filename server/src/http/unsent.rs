//! `POST /api/v1/unsent`: one part of the file of what a phone could not send.
//!
//! Whoever enters buildings may bring one; a console sends part after part and adds up what it is told.

use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use louan_schema::code::Action;

use super::api_error::{ApiError, Problem};
use super::body::{Coming, coming};
use super::context::{Context, context};
use super::openapi::Operation;
use super::openapi::refusal::{COUNTED, PICTURE};
use super::route::{Body, Verb};
use super::{Desk, at, reply};
use crate::photo::UploadId;
use crate::unsent::{ReadIn, Unsent};

#[derive(Serialize, ToSchema)]
struct ReadInView {
    taken: usize,
    known: usize,
    held: usize,
    returned: usize,
    waiting: usize,
    photos: usize,
}

impl From<ReadIn> for ReadInView {
    fn from(read: ReadIn) -> Self {
        let ReadIn { taken, known, held, returned, waiting, photos } = read;
        Self { taken, known, held, returned, waiting, photos }
    }
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Post, "/api/v1/unsent", "Read in a part of what a phone could not send")
            .gives::<ReadInView>("What became of it; the same part again changes nothing.")
            .refuses(&[Problem::Invalid, Problem::UpdateApp, Problem::Quota])
            .refuses(COUNTED)
            .refuses(PICTURE),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "unsent")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(coming(Body::Unsent))
        .then(read_part)
        .map(reply)
        .boxed()
}

async fn read_part(desk: Desk, context: Context, body: Coming) -> Result<impl Reply, ApiError> {
    let official = desk.official(&context).await?;
    official.must(Action::RegisterBuilding)?;
    let _room = desk.room().for_file(official.person.id)?;
    desk.rates().part(official.person.id, desk.now().system)?;
    let body = body.read().await?;
    // One after the other: a part may be as large as a list.
    let _turn = desk.inner.imports.acquire().await.map_err(|_| Problem::Unavailable)?;
    let upload = UploadId(desk.random().array());
    let unsent = Unsent::new(desk.hub().clone(), desk.photos().clone());
    let read = unsent.read_in(official.person.id, &body, upload, desk.now()).await?;
    Ok(warp::reply::json(&ReadInView::from(read)))
}
