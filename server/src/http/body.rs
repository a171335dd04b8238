//! Reading bodies: all of it, within its bound, into exactly the type that is expected.
//!
//! The header was believed by the front; here the bytes are counted again. JSON is read into
//! types that refuse unknown and repeated fields, never into a free value (A06).

use std::pin::pin;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use warp::{Filter, Rejection};

use super::SlowBody;
use super::api_error::{ApiError, Problem};
use super::route::Body;

/// A body read, or why not.
pub(super) type Read = Result<Bytes, ApiError>;

/// Reads a route's body.
pub(super) fn read(
    body: Body,
) -> impl Filter<Extract = (Read,), Error = Rejection> + Clone + Send + Sync + 'static {
    warp::body::stream().then(move |stream| collect(stream, body.bytes_max()))
}

async fn collect<B: Buf>(stream: impl Stream<Item = Result<B, warp::Error>>, bytes_max: u64) -> Read {
    let mut stream = pin!(stream);
    let mut whole = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| reason(&error))?;
        if (whole.len() + piece.remaining()) as u64 > bytes_max {
            return Err(Problem::TooLarge.into());
        }
        bytes::BufMut::put(&mut whole, piece);
    }
    Ok(whole.freeze())
}

/// A body that came too slowly is told so; one that broke off was nobody's to answer.
fn reason(error: &warp::Error) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<SlowBody>() {
            return Problem::SlowBody.into();
        }
        cause = inner.source();
    }
    Problem::Malformed.into()
}

/// Reads JSON into `T`.
pub(super) fn json<T: DeserializeOwned>(body: Read) -> Result<T, ApiError> {
    serde_json::from_slice(&body?).map_err(|error| {
        let detail = format!("第 {} 行第 {} 列：{}", error.line(), error.column(), kind(&error));
        let errors = vec![super::api_error::FieldError { pointer: String::new(), code: "json", detail }];
        ApiError { errors, ..Problem::Malformed.into() }
    })
}

/// What is wrong, without repeating what was sent.
fn kind(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Io | Category::Eof => "内容不完整",
        Category::Syntax => "不是 JSON",
        Category::Data => "字段缺失、重复、多余或类型不符",
    }
}
