//! Reading bodies: all of it, within its bound, into exactly the type that is expected.
//!
//! A body comes unread, so that a handler may first look at who sends it: nothing is kept of one that nobody took. The
//! header was believed by the front; here the bytes are counted again. JSON is read into types that refuse unknown and
//! repeated fields, never into a free value (A06).

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use warp::{Filter, Rejection};

use super::SlowBody;
use super::api_error::{ApiError, Problem};
use super::route::Body;

/// A body read, or why not.
pub(super) type Read = Result<Bytes, ApiError>;

/// Longest that the rest of a body is let run out which nobody took.
const RUN_OUT: Duration = Duration::from_secs(10);

/// A body on its way, of which nothing was read yet.
pub(super) struct Coming {
    stream: Option<BoxStream<'static, Result<Bytes, warp::Error>>>,
    bytes_max: u64,
}

/// A route's body, unread: for a handler that asks first who sends it.
pub(super) fn coming(
    body: Body,
) -> impl Filter<Extract = (Coming,), Error = Rejection> + Clone + Send + Sync + 'static {
    warp::body::stream().map(move |stream| Coming::new(stream, body.bytes_max()))
}

/// Reads the body of a route that asks nobody who he is.
pub(super) fn read(
    body: Body,
) -> impl Filter<Extract = (Read,), Error = Rejection> + Clone + Send + Sync + 'static {
    coming(body).then(Coming::read)
}

impl Coming {
    fn new<B: Buf>(
        stream: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
        bytes_max: u64,
    ) -> Self {
        let whole = |mut piece: B| piece.copy_to_bytes(piece.remaining());
        let stream = stream.map(move |piece| piece.map(whole)).boxed();
        Self { stream: Some(stream), bytes_max }
    }

    /// All of it, as far as it may go.
    pub(super) async fn read(mut self) -> Read {
        let mut stream = self.stream.take().ok_or(Problem::Internal)?;
        let mut whole = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| reason(&error))?;
            if (whole.len() + piece.len()) as u64 > self.bytes_max {
                return Err(Problem::TooLarge.into());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

impl Drop for Coming {
    /// Whoever was refused may be in the middle of sending: on HTTP/1.1 a connection closed over unread bytes is torn down
    /// by the system, and the refusal with it. So what comes runs out for a moment, and nothing of it is kept.
    fn drop(&mut self) {
        let Some(mut rest) = self.stream.take() else { return };
        let run_out = async move { while let Some(Ok(_)) = rest.next().await {} };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(tokio::time::timeout(RUN_OUT, run_out)));
        }
    }
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
