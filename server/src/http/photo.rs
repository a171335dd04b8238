//! Photos shown: the picture, its thumbnail, the list beside a hazard or round, what looks alike.
//!
//! Whoever does not see the compound gets the same 404 as for a photo that never was. A picture is served as a
//! picture whatever its bytes might be read as (P03). A camera's own file may say where somebody was: it is handed
//! out to officials only, as a file, and never without a line in the audit.

use base64ct::{Base64UrlUnpadded, Encoding};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use louan_schema::code::Action;
use louan_schema::fold::before_after::BeforeAfter;
use louan_schema::id::{BlobHash, HazardId, OrgId, RoundId};
use louan_schema::photo::{OnSite, PhotoCard, UploadKind};
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Gives, Problem};
use super::caller::Official;
use super::context::{Context, context};
use super::openapi::{Operation, shape};
use super::rate::Viewer;
use super::route::Verb;
use super::{Desk, at, reply};
use crate::audit::Entry;
use crate::photo::{CitedPhoto, Shown, Size};

const JPEG: &str = "image/jpeg";
/// Who does not see a photo, whose role looks at none, and who looks too often.
const SEEN: &[Problem] = &[Problem::NotFound, Problem::NotPermitted, Problem::TooOften];

/// A photo beside a hazard or round.
#[derive(Serialize, ToSchema)]
struct PhotoView {
    #[schema(schema_with = shape::hash)]
    hash: String,
    #[schema(schema_with = shape::id)]
    record: String,
    /// Whether its bytes are here; a record is complete once all its photos are.
    here: bool,
    /// Whether its file was found missing or altered.
    broken: bool,
    /// Whether its record stands; photos of one that was withdrawn or corrected are not missed.
    counts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<SaidView>,
}

/// What its sender's phone knew about it: flags for who reviews, never the position itself.
#[derive(Serialize, ToSchema)]
struct SaidView {
    #[schema(schema_with = shape::instant)]
    taken_at: String,
    #[schema(schema_with = shape::taken_by)]
    taken_by: &'static str,
    taken_by_label: &'static str,
    #[schema(schema_with = shape::on_site)]
    on_site: &'static str,
    on_site_label: String,
    blurred: bool,
    dark: bool,
}

#[derive(Serialize, ToSchema)]
struct HazardPhotosView {
    photos: Vec<PhotoView>,
    /// Photos cited that are not here yet, or whose file was found missing or altered.
    missing: usize,
    /// Before and after side by side, the longer side's rest alone.
    pairs: Vec<PairView>,
}

/// What was wrong, and that it is gone.
#[derive(Serialize, ToSchema)]
struct PairView {
    #[schema(schema_with = shape::hash)]
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[schema(schema_with = shape::hash)]
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct RoundPhotosView {
    photos: Vec<PhotoView>,
    /// Photos cited that are not here yet, or whose file was found missing or altered.
    missing: usize,
}

#[derive(Serialize, ToSchema)]
struct AlikeView {
    #[schema(schema_with = shape::hash)]
    hash: String,
    /// The same photo, or one developed from the same file.
    same_file: bool,
    /// Bits in which the two differ, of 64.
    distance: u32,
    #[schema(schema_with = shape::id)]
    record: String,
    #[schema(schema_with = shape::id)]
    site: String,
}

pub(super) fn describe() -> Vec<Operation> {
    let picture = |path, summary, media_types| {
        Operation::new(Verb::Get, path, summary)
            .signed(false)
            .header("If-None-Match", false, shape::any_text(), "The tag of what is at hand.")
            .gives_bytes(media_types, "The picture; an original only as a file, for officials.")
            .gives_empty(Gives::NotModified, &[], "What is at hand is what would come.")
            .refuses(SEEN)
    };
    let original = "application/octet-stream";
    vec![
        Operation::new(Verb::Get, "/api/v1/hazards/{hazard}/photos", "The photos beside a hazard")
            .signed(false)
            .gives::<HazardPhotosView>("Those cited, here or not, and before and after side by side.")
            .refuses(SEEN),
        Operation::new(Verb::Get, "/api/v1/rounds/{round}/photos", "The photos of a round")
            .signed(false)
            .gives::<RoundPhotosView>("Those cited, here or not.")
            .refuses(SEEN),
        picture("/api/v1/photos/{hash}", "A photo", &[JPEG, original]),
        picture("/api/v1/photos/{hash}/thumbnail", "A photo, small", &[JPEG])
            .refuses(&[Problem::PictureRefused]),
        Operation::new(
            Verb::Get,
            "/api/v1/photos/{hash}/alike",
            "Photos in sight of the same file, or that look the same: a hint",
        )
        .signed(false)
        .gives_list::<AlikeView>("The same file first, then the nearest.")
        .refuses(SEEN),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let asked = warp::get().and(at(desk)).and(context(desk));
    let list = warp::path!("api" / "v1" / "hazards" / String / "photos")
        .and(asked.clone())
        .then(list_hazard_photos)
        .map(reply);
    let round = warp::path!("api" / "v1" / "rounds" / String / "photos")
        .and(asked.clone())
        .then(list_round_photos)
        .map(reply);
    let full = warp::path!("api" / "v1" / "photos" / String).and(asked.clone()).then(show_photo).map(reply);
    let small = warp::path!("api" / "v1" / "photos" / String / "thumbnail")
        .and(asked.clone())
        .then(show_thumbnail)
        .map(reply);
    let alike =
        warp::path!("api" / "v1" / "photos" / String / "alike").and(asked).then(list_alike).map(reply);
    list.or(round).unify().or(full).unify().or(small).unify().or(alike).unify().boxed()
}

impl Desk {
    /// Who looks, and the organisations whose photos he may see: an official's own, or those of a device's people.
    async fn viewing(&self, context: &Context) -> Result<(Viewer, Vec<OrgId>), ApiError> {
        let caller = self.caller(context).await?;
        let Some(device) = caller.device() else {
            let official = self.official(context).await?;
            official.must(Action::ReadLedger)?;
            return Ok((Viewer::Person(official.person.id), vec![official.org.id]));
        };
        let device = self.hub().find_device(device).await?.ok_or(Problem::SignInAgain)?;
        if device.revoked {
            return Err(Problem::NotPermitted.into());
        }
        Ok((Viewer::Device(device.device), device.orgs.into_iter().map(|org| org.id).collect()))
    }

    /// The same, for who asks for a list.
    async fn listing(&self, context: &Context) -> Result<Vec<OrgId>, ApiError> {
        let (viewer, orgs) = self.viewing(context).await?;
        self.rates().list(viewer, self.now().system)?;
        Ok(orgs)
    }
}

async fn list_hazard_photos(hazard: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let orgs = desk.listing(&context).await?;
    let id: HazardId = hazard.parse().map_err(|_| Problem::NotFound)?;
    let found = desk.photos().of_hazard(id, orgs).await?;
    let missing = missing(&found.cited);
    let photos = found.cited.iter().map(view).collect();
    Ok(warp::reply::json(&HazardPhotosView { photos, missing, pairs: pairs(&found.sides) }))
}

async fn list_round_photos(round: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let orgs = desk.listing(&context).await?;
    let id: RoundId = round.parse().map_err(|_| Problem::NotFound)?;
    let cited = desk.photos().of_round(id, orgs).await?;
    let missing = missing(&cited);
    Ok(warp::reply::json(&RoundPhotosView { photos: cited.iter().map(view).collect(), missing }))
}

/// How many of those that count are not here whole.
fn missing(cited: &[CitedPhoto]) -> usize {
    let whole = |cited: &CitedPhoto| cited.photo.as_ref().is_some_and(|photo| photo.broken_at.is_none());
    cited.iter().filter(|cited| cited.counts && !whole(cited)).count()
}

fn pairs(sides: &BeforeAfter) -> Vec<PairView> {
    let name = |hash: Option<BlobHash>| hash.map(|hash| hash.to_string());
    sides.pairs().map(|(before, after)| PairView { before: name(before), after: name(after) }).collect()
}

fn view(cited: &CitedPhoto) -> PhotoView {
    let card = cited.card.as_deref().and_then(|bytes| PhotoCard::from_bytes(bytes).ok());
    let photo = cited.photo.as_ref();
    PhotoView {
        hash: cited.hash.to_string(),
        record: cited.record.to_string(),
        here: photo.is_some(),
        broken: photo.is_some_and(|photo| photo.broken_at.is_some()),
        counts: cited.counts,
        width: photo.map(|photo| photo.width),
        height: photo.map(|photo| photo.height),
        said: card.as_ref().map(said),
    }
}

fn said(card: &PhotoCard) -> SaidView {
    let (on_site, on_site_label) = match card.on_site {
        OnSite::Proven { .. } => ("proven", "现场位置已证实".to_owned()),
        OnSite::Unproven { reason, .. } => (reason.as_str(), format!("现场位置未证实：{}", reason.label())),
    };
    SaidView {
        taken_at: card.taken.at.to_string(),
        taken_by: card.taken.by.as_str(),
        taken_by_label: card.taken.by.label(),
        on_site,
        on_site_label,
        blurred: card.blurred,
        dark: card.dark,
    }
}

async fn show_photo(hash: String, desk: Desk, context: Context) -> Result<Response, ApiError> {
    show(&hash, &desk, &context, Size::Full).await
}

async fn show_thumbnail(hash: String, desk: Desk, context: Context) -> Result<Response, ApiError> {
    show(&hash, &desk, &context, Size::Thumbnail).await
}

async fn show(hash: &str, desk: &Desk, context: &Context, size: Size) -> Result<Response, ApiError> {
    let (viewer, orgs) = desk.viewing(context).await?;
    desk.rates().picture(viewer, desk.now().system)?;
    let hash: BlobHash = hash.parse().map_err(|_| Problem::NotFound)?;
    // The name says what the bytes are: whoever has them needs only to be told that he may still look.
    let tag = format!("\"{}\"", Base64UrlUnpadded::encode_string(&hash.0));
    let known = context.headers.get(IF_NONE_MATCH).is_some_and(|value| value == tag.as_str());
    let shown = desk.photos().show(hash, orgs, size).await?;
    if shown.kind == UploadKind::Original {
        let official = desk.official(context).await?;
        desk.hub().note(reading(desk, &official, hash)).await?;
    }
    let mut response = if known { Gives::NotModified.bare() } else { picture(&shown, size) };
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(|_| Problem::Internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// The line of the audit about an original that is handed out.
fn reading(desk: &Desk, official: &Official, hash: BlobHash) -> Entry {
    Entry {
        at: desk.now().system,
        person: Some(official.person.id),
        device: None,
        act: "read_original".to_owned(),
        subject: hash.to_string(),
        outcome: "read".to_owned(),
    }
}

fn picture(shown: &Shown, size: Size) -> Response {
    let mut response = Response::new(shown.bytes.clone().into());
    let as_file = shown.kind == UploadKind::Original && size == Size::Full;
    let (media_type, disposition) = if as_file {
        ("application/octet-stream", "attachment; filename=\"photo.bin\"")
    } else {
        (JPEG, "inline; filename=\"photo.jpg\"")
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

async fn list_alike(hash: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let orgs = desk.listing(&context).await?;
    let hash: BlobHash = hash.parse().map_err(|_| Problem::NotFound)?;
    let found = desk.photos().alike(hash, orgs).await?;
    let rows: Vec<AlikeView> = found
        .into_iter()
        .map(|alike| AlikeView {
            hash: alike.hash.to_string(),
            same_file: alike.same_file,
            distance: alike.distance,
            record: alike.record.to_string(),
            site: alike.site.to_string(),
        })
        .collect();
    Ok(warp::reply::json(&rows))
}
