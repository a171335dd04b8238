//! Photos on their way up: tus 1.0.0 with creation, checksum and termination.
//!
//! `POST /api/v1/uploads` announces, `PATCH` brings pieces, `HEAD` asks how far it is, `DELETE` gives up. Devices only;
//! what somebody else has sent does not exist. The last piece is answered once the photo is kept for good, with
//! the position of the log that has it (`Louan-Position`).

use base64ct::{Base64, Encoding};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue};
use louan_schema::id::{BlobHash, DeviceId};
use louan_schema::photo::{ORIGINAL_BYTES_MAX, PHOTO_BYTES_MAX, PhotoCard, UploadKind};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Gives, Problem};
use super::body::{Coming, coming};
use super::context::{Context, context};
use super::openapi::refusal::{COUNTED, PICTURE, UPLOAD};
use super::openapi::{Operation, shape};
use super::route::{Body, Verb};
use super::{Desk, at, reply};
use crate::photo::{NewUpload, PhotoError, Progress, UploadId};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSION: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const POSITION: HeaderName = HeaderName::from_static("louan-position");
/// The one version spoken.
const TUS: HeaderValue = HeaderValue::from_static("1.0.0");

// No upload is longer than an original, so one number is told for both kinds.
const _: () = assert!(PHOTO_BYTES_MAX <= ORIGINAL_BYTES_MAX);

pub(super) fn describe() -> Vec<Operation> {
    let one = "/api/v1/uploads/{upload}";
    let number = || shape::number(0, None);
    let tus = |operation: Operation| {
        operation.signed(true).header("Tus-Resumable", true, shape::tus(), "The version spoken.")
    };
    let far = |operation: Operation, status, about| {
        let headers = [("Upload-Offset", number()), ("Louan-Position", number())];
        operation.gives_empty(status, &headers, about)
    };
    let able = |path| {
        Operation::new(Verb::Options, path, "What of tus 1.0.0 is spoken").open().gives_empty(
            Gives::NoContent,
            &[("Tus-Extension", shape::any_text()), ("Tus-Max-Size", number())],
            "In header fields.",
        )
    };
    let cards = "`sha256`, `kind` and `card` (see `louan_schema::photo`), each base64.";
    vec![
        able("/api/v1/uploads"),
        tus(Operation::new(Verb::Post, "/api/v1/uploads", "Announce a photo (tus creation)"))
            .header("Upload-Length", true, number(), "Bytes of the whole.")
            .header("Upload-Metadata", true, shape::any_text(), cards)
            .gives_empty(Gives::Created, &[("Location", shape::any_text())], "Announced.")
            .refuses(&[Problem::TusVersion, Problem::Invalid, Problem::PictureRefused, Problem::Quota])
            .refuses(COUNTED),
        able(one),
        far(
            tus(Operation::new(Verb::Head, one, "How far an upload is")),
            Gives::NoContent,
            "Its offset; the position of the log once it is kept for good.",
        )
        .refuses(UPLOAD)
        .refuses(PICTURE),
        far(
            tus(Operation::new(Verb::Patch, one, "A piece of a photo"))
                .header("Upload-Offset", true, number(), "Where the piece begins.")
                .header(
                    "Upload-Checksum",
                    false,
                    shape::any_text(),
                    "`sha256` and the base64 of the piece's hash.",
                ),
            Gives::NoContent,
            "The piece is kept; after the last one, the photo is.",
        )
        .refuses(&[Problem::Invalid, Problem::OffsetMoved, Problem::ChecksumMismatch])
        .refuses(UPLOAD)
        .refuses(PICTURE),
        tus(Operation::new(Verb::Delete, one, "Give an upload up (tus termination)"))
            .gives_empty(Gives::NoContent, &[], "Given up.")
            .refuses(UPLOAD),
        Operation::new(Verb::Head, "/api/v1/blobs/{hash}", "Whether a photo this device has sent is kept")
            .signed(true)
            .gives_empty(Gives::NoContent, &[("Louan-Position", number())], "It is.")
            .refuses(&[Problem::NotPermitted, Problem::NotFound]),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let all = warp::path!("api" / "v1" / "uploads");
    let one = warp::path!("api" / "v1" / "uploads" / String);
    let able = warp::options().and(all.map(able).or(one.map(|_| able())).unify());
    let begin = all.and(warp::post()).and(at(desk)).and(context(desk)).then(begin_upload).map(reply);
    let ask = one.and(warp::head()).and(at(desk)).and(context(desk)).then(ask_upload).map(reply);
    let append = one
        .and(warp::patch())
        .and(at(desk))
        .and(context(desk))
        .and(coming(Body::Piece))
        .then(append_upload)
        .map(reply);
    let end = one.and(warp::delete()).and(at(desk)).and(context(desk)).then(end_upload).map(reply);
    let has = warp::path!("api" / "v1" / "blobs" / String)
        .and(warp::head())
        .and(at(desk))
        .and(context(desk))
        .then(has_blob)
        .map(reply);
    let changing = begin.or(append).unify().or(end).unify().boxed();
    able.or(changing).unify().or(ask).unify().or(has).unify().map(resumable).boxed()
}

/// Every reply says which version it speaks, a refusal too.
fn resumable(mut response: Response) -> Response {
    response.headers_mut().insert(RESUMABLE, TUS);
    if response.extensions().get::<ApiError>().is_some_and(|error| error.problem == Problem::TusVersion) {
        response.headers_mut().insert(VERSION, TUS);
    }
    response
}

fn able() -> Response {
    let mut response = Gives::NoContent.bare();
    let headers = response.headers_mut();
    headers.insert(VERSION, TUS);
    headers.insert(EXTENSION, HeaderValue::from_static("creation,checksum,termination"));
    headers.insert(ALGORITHM, HeaderValue::from_static("sha256"));
    headers.insert(MAX_SIZE, HeaderValue::from(ORIGINAL_BYTES_MAX));
    response
}

/// Whether this version is spoken.
fn must_speak(context: &Context) -> Result<(), Problem> {
    if context.headers.get(RESUMABLE) == Some(&TUS) { Ok(()) } else { Err(Problem::TusVersion) }
}

/// The device, if it speaks this version.
async fn sender(desk: &Desk, context: &Context) -> Result<DeviceId, ApiError> {
    must_speak(context)?;
    desk.device(context).await
}

async fn begin_upload(desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let device = sender(&desk, &context).await?;
    let now = desk.now().system;
    let id = UploadId(desk.random().array());
    let new = announced(&context.headers, id)?;
    desk.rates().photo(device, new.kind, now)?;
    desk.photos().begin(device, new, now).await?;
    let mut response = Gives::Created.bare();
    // As a client that knows nothing of mounts has to ask for it.
    let place = HeaderValue::from_str(&desk.mount().path(&format!("/api/v1/uploads/{id}")));
    response.headers_mut().insert(LOCATION, place.map_err(|_| Problem::Internal)?);
    Ok(response)
}

/// What a phone announces: length, and three entries of metadata.
fn announced(headers: &HeaderMap, id: UploadId) -> Result<NewUpload, ApiError> {
    let wrong = |code, detail| ApiError::field("/Upload-Metadata", code, detail);
    let bytes = number(headers, &LENGTH)?;
    let metadata = headers.get(METADATA).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let entry = |wanted: &str| {
        let mut entries = metadata.split(',').filter_map(|entry| entry.trim().split_once(' '));
        let (_, value) = entries.find(|(key, _)| *key == wanted)?;
        Base64::decode_vec(value).ok()
    };
    let text = |wanted: &str| entry(wanted).and_then(|bytes| String::from_utf8(bytes).ok());
    let hash = text("sha256").and_then(|text| text.parse().ok());
    let hash = hash.ok_or_else(|| wrong("sha256", "缺少照片摘要，或不是 64 位小写十六进制"))?;
    let kind = text("kind").and_then(|text| text.parse::<UploadKind>().ok());
    let kind = kind.ok_or_else(|| wrong("kind", "上传内容类别不正确"))?;
    let card = entry("card").and_then(|bytes| PhotoCard::from_bytes(&bytes).ok());
    let card = card.ok_or_else(|| wrong("card", "缺少照片卡，或无法读取"))?;
    Ok(NewUpload { id, hash, kind, bytes, card })
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, ApiError> {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| ApiError::field(&format!("/{name}"), "number", "不是非负整数"))
}

async fn ask_upload(id: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let device = sender(&desk, &context).await?;
    let progress = desk.photos().progress(device, upload(&id)?, desk.now().system).await?;
    let mut response = Gives::NoContent.bare();
    let headers = response.headers_mut();
    tell(headers, &progress);
    headers.insert(LENGTH, HeaderValue::from(progress.bytes));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn append_upload(
    id: String,
    desk: Desk,
    context: Context,
    piece: Coming,
) -> Result<impl Reply, ApiError> {
    must_speak(&context)?;
    let (device, piece) = desk.device_sending(&context, piece).await?;
    let id = upload(&id)?;
    let offset = number(&context.headers, &OFFSET)?;
    let checksum = checksum(&context.headers)?;
    let piece = (offset, piece);
    let progress = desk.photos().append(device, id, piece, checksum, desk.now().system).await;
    let mut response = match progress {
        Err(PhotoError::Offset(offset)) => {
            // tus says that a conflict is a conflict; where to go on is one question less this way.
            let mut response = ApiError::from(Problem::OffsetMoved).into_response();
            response.headers_mut().insert(OFFSET, HeaderValue::from(offset));
            return Ok(response);
        }
        progress => {
            let mut response = Gives::NoContent.bare();
            tell(response.headers_mut(), &progress?);
            response
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn end_upload(id: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let device = sender(&desk, &context).await?;
    desk.photos().give_up(device, upload(&id)?).await?;
    Ok(Gives::NoContent.bare())
}

async fn has_blob(hash: String, desk: Desk, context: Context) -> Result<Response, ApiError> {
    let device = desk.device(&context).await?;
    let hash: BlobHash = hash.parse().map_err(|_| Problem::NotFound)?;
    let pos = desk.photos().sent(hash, device).await?.ok_or(Problem::NotFound)?;
    let mut response = Gives::NoContent.bare();
    response.headers_mut().insert(POSITION, HeaderValue::from(pos));
    Ok(response)
}

fn upload(text: &str) -> Result<UploadId, ApiError> {
    text.parse().map_err(|_| Problem::NotFound.into())
}

/// `sha256 <base64>`; nothing said is nothing checked: the whole photo is checked against its name anyway.
fn checksum(headers: &HeaderMap) -> Result<Option<[u8; 32]>, ApiError> {
    let Some(value) = headers.get(CHECKSUM) else { return Ok(None) };
    let wrong = || ApiError::field("/Upload-Checksum", "checksum", "校验方式不支持，或校验值无法读取");
    let (algorithm, value) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    let bytes = Base64::decode_vec(value).ok().and_then(|bytes| bytes.try_into().ok());
    if algorithm == "sha256" { bytes.map(Some).ok_or_else(wrong) } else { Err(wrong()) }
}

fn tell(headers: &mut HeaderMap, progress: &Progress) {
    headers.insert(OFFSET, HeaderValue::from(progress.offset));
    if let Some(pos) = progress.pos {
        headers.insert(POSITION, HeaderValue::from(pos));
    }
}
