//! Ledgers handed out as files: hazards, visits and buildings as workbooks, buildings as GeoJSON and GeoPackage.
//!
//! The same filters as the lists, the same sight. What is in them is the hub's business; here a file is written to disk
//! as it grows and sent from there.

use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use louan_schema::code::{Action, Datum, HazardState};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::context::{Context, context};
use super::ledger::street;
use super::openapi::refusal::{COUNTED, FILE};
use super::openapi::{Operation, shape};
use super::query::{Parameters, raw};
use super::route::Verb;
use super::{Desk, at, reply};
use crate::hub::{Export, ExportError, LedgerFile};
use crate::report::ReportError;

/// An xlsx file.
pub(super) const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const GEOJSON: &str = "application/geo+json";
const GEOPACKAGE: &str = "application/geopackage+sqlite3";
/// Bytes of a file read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Exports at once: each writes a file as large as its ledger.
pub(super) const EXPORTS_AT_ONCE: usize = 1;

pub(super) fn describe() -> Vec<Operation> {
    let of = |path, summary| {
        Operation::new(Verb::Get, path, summary)
            .query("street", shape::street(), "Of this street.")
            .refuses(&[COUNTED, FILE].concat())
    };
    let places = |path, summary| {
        let about = "The datum of the positions; WGS84 when none is said.";
        of(path, summary).query("datum", shape::datum(), about)
    };
    vec![
        of("/api/v1/exports/hazards.xlsx", "The hazard ledger as a workbook")
            .query("state", shape::hazard_state(), "In this state.")
            .gives_bytes(&[WORKBOOK], "The file."),
        of("/api/v1/exports/rounds.xlsx", "The visits as a workbook")
            .query("until", shape::day(), "Begun up to the end of this day.")
            .gives_bytes(&[WORKBOOK], "The file."),
        of("/api/v1/exports/buildings.xlsx", "The building ledger as a workbook")
            .gives_bytes(&[WORKBOOK], "The file."),
        places("/api/v1/exports/buildings.geojson", "Buildings for a map, as GeoJSON")
            .gives_document(GEOJSON, "The file."),
        places("/api/v1/exports/buildings.gpkg", "Buildings for a map, as a GeoPackage")
            .gives_bytes(&[GEOPACKAGE], "The file."),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let asked = warp::get().and(at(desk)).and(context(desk)).and(raw());
    let hazards = warp::path!("api" / "v1" / "exports" / "hazards.xlsx")
        .and(asked.clone())
        .then(export_hazards)
        .map(reply);
    let rounds = warp::path!("api" / "v1" / "exports" / "rounds.xlsx")
        .and(asked.clone())
        .then(export_rounds)
        .map(reply);
    let buildings = warp::path!("api" / "v1" / "exports" / "buildings.xlsx")
        .and(asked.clone())
        .then(export_buildings)
        .map(reply);
    let geojson = warp::path!("api" / "v1" / "exports" / "buildings.geojson")
        .and(asked.clone())
        .then(export_geojson)
        .map(reply);
    let geopackage = warp::path!("api" / "v1" / "exports" / "buildings.gpkg")
        .and(asked)
        .then(export_geopackage)
        .map(reply);
    hazards.or(rounds).unify().or(buildings).unify().or(geojson).unify().or(geopackage).unify().boxed()
}

async fn export_hazards(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    hand_out(desk, context, raw, WORKBOOK, |parameters| {
        let state = |text: &str| text.parse::<HazardState>().ok();
        LedgerFile::Hazards(parameters.find("state", "state", state))
    })
    .await
}

async fn export_rounds(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    hand_out(desk, context, raw, WORKBOOK, |parameters| {
        LedgerFile::Rounds(parameters.find("until", "until", |text| text.parse().ok()))
    })
    .await
}

async fn export_buildings(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    hand_out(desk, context, raw, WORKBOOK, |_| LedgerFile::Buildings).await
}

async fn export_geojson(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    hand_out(desk, context, raw, GEOJSON, |parameters| LedgerFile::GeoJson(datum(parameters))).await
}

async fn export_geopackage(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    hand_out(desk, context, raw, GEOPACKAGE, |parameters| LedgerFile::GeoPackage(datum(parameters))).await
}

fn datum(parameters: &mut Parameters) -> Datum {
    parameters.find("datum", "datum", |text| text.parse().ok()).unwrap_or(Datum::Wgs84)
}

async fn hand_out(
    desk: Desk,
    context: Context,
    raw: String,
    media_type: &'static str,
    which: impl FnOnce(&mut Parameters) -> LedgerFile,
) -> Result<Response, ApiError> {
    let official = desk.official(&context).await?;
    official.must(Action::ReadLedger)?;
    let now = desk.now();
    let mut parameters = Parameters::of(&raw);
    let (ledger, street) = (which(&mut parameters), parameters.find("street", "street", street));
    parameters.finish()?;
    // A street misspelt costs nobody one of the few.
    desk.rates().export(official.person.id, now.system)?;
    let folder = tempfile::tempdir().map_err(ReportError::from)?;
    let path = folder.path().join("export");
    let (person, org) = (&official.person, &official.org);
    let turn = desk.inner.exports.acquire().await.map_err(|_| Problem::Unavailable)?;
    desk.hub().export(Export { ledger, street, person, org, now, path: &path }).await?;
    drop(turn);
    send(folder, ledger.file_name(), media_type).await
}

async fn send(folder: TempDir, name: &str, media_type: &'static str) -> Result<Response, ApiError> {
    let file = tokio::fs::File::open(folder.path().join("export")).await.map_err(|_| Problem::Internal)?;
    let bytes = file.metadata().await.map_err(|_| Problem::Internal)?.len();
    // The folder goes when the last piece is read, or when nobody reads any more.
    let pieces = stream::try_unfold((file, folder), |(mut file, folder)| async move {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then_some((piece, (file, folder))))
    });
    let mut response = warp::reply::stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    headers.insert(CONTENT_DISPOSITION, disposition.map_err(|_| Problem::Internal)?);
    Ok(response)
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotPermitted => Problem::NotPermitted.into(),
            ExportError::Storage(error) => error.into(),
            ExportError::Report(error) => error.into(),
        }
    }
}
