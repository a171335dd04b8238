//! Ledgers as files: the hazard ledger and the building ledger as workbooks, buildings as GeoJSON and GeoPackage.
//!
//! The same filters as the lists, the same sight: a filter only narrows (X07). Every export is a line of the audit, and
//! every workbook says at its foot who made it and when. Files are written to disk as they grow and sent from there.

use std::path::PathBuf;

use futures_util::stream;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use louan_schema::code::{Action, Datum, HazardState};
use tokio::io::AsyncReadExt;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::caller::Official;
use super::context::{Context, context};
use super::ledger::street;
use super::query::{Parameters, raw};
use super::{Desk, at, reply};
use crate::audit::Entry;
use crate::hub::{Clocks, HazardQuery};
use crate::report::{BuildingFile, BuildingSheet, HazardSheet, ReportError};

/// An xlsx file.
pub(super) const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Bytes of a file read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Exports at once: each writes a file as large as its ledger.
pub(super) const EXPORTS_AT_ONCE: usize = 1;

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let asked = warp::get().and(at(desk)).and(context(desk)).and(raw());
    let hazards = warp::path!("api" / "v1" / "exports" / "hazards.xlsx")
        .and(asked.clone())
        .then(export_hazards)
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
    hazards.or(buildings).unify().or(geojson).unify().or(geopackage).unify().boxed()
}

/// An export being made: by whom, when, into which folder, which goes with it.
struct Making {
    official: Official,
    now: Clocks,
    folder: tempfile::TempDir,
}

impl Making {
    async fn begin(desk: &Desk, context: &Context) -> Result<Self, ApiError> {
        let official = desk.official(context).await?;
        official.must(Action::ReadLedger)?;
        let now = desk.now();
        let rate = desk.inner.export_rate.take(official.person.id, now.system);
        rate.map_err(|later| ApiError::later(Problem::TooOften, later.after_ms))?;
        let folder = tempfile::tempdir().map_err(|_| Problem::DiskFull)?;
        Ok(Self { official, now, folder })
    }

    /// The small print of a workbook: by number, not by name, for files go further than screens.
    fn small_print(&self) -> String {
        let at = self.now.business;
        format!("导出人编号 {}，导出时间 {at}。仅供本次整治工作使用，请勿外传。", self.official.person.id)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("export")
    }

    /// Writes the audit's line, then sends the file.
    async fn send(
        self,
        desk: &Desk,
        name: &'static str,
        media_type: &'static str,
    ) -> Result<Response, ApiError> {
        let entry = Entry {
            at: self.now.system,
            person: Some(self.official.person.id),
            device: None,
            act: "export".to_owned(),
            subject: name.to_owned(),
            outcome: "made".to_owned(),
        };
        desk.hub().note(entry).await?;
        let file = tokio::fs::File::open(self.path()).await.map_err(|_| Problem::Internal)?;
        let bytes = file.metadata().await.map_err(|_| Problem::Internal)?.len();
        // The folder goes when the last piece is read, or when nobody reads any more.
        let pieces = stream::try_unfold((file, self.folder), |(mut file, folder)| async move {
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
}

async fn export_hazards(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    let making = Making::begin(&desk, &context).await?;
    let mut parameters = Parameters::of(&raw);
    let query = HazardQuery {
        seen_by: Some(making.official.org.id),
        street: parameters.find("street", "street", street),
        state: parameters.find("state", "state", |text| text.parse::<HazardState>().ok()),
        ..HazardQuery::default()
    };
    parameters.finish()?;
    let _turn = desk.inner.exports.acquire().await.map_err(|_| Problem::Unavailable)?;
    let mut sheet = HazardSheet::begin(making.now.business)?;
    let mut offset = 0;
    loop {
        let page = desk.hub().list_hazards(HazardQuery { offset, ..query.clone() }).await?;
        let read = page.rows.len() as u64;
        for status in &page.rows {
            let site = desk.hub().find_site(status.site).await?.map(|row| row.site);
            sheet.push(status, site.as_ref(), &desk.org_name(site.as_ref()).await?)?;
        }
        offset += read;
        if read == 0 || offset >= page.total {
            break;
        }
    }
    sheet.save(&making.small_print(), &making.path())?;
    making.send(&desk, "hazards.xlsx", WORKBOOK).await
}

impl Desk {
    /// The name of a site's supervisor.
    async fn org_name(&self, site: Option<&louan_schema::registry::Site>) -> Result<String, ApiError> {
        let Some(site) = site else { return Ok(String::new()) };
        Ok(self.hub().find_org(site.supervised_by).await?.map_or_else(String::new, |org| org.name))
    }
}

async fn export_buildings(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    let making = Making::begin(&desk, &context).await?;
    let mut parameters = Parameters::of(&raw);
    let wanted = parameters.find("street", "street", street);
    parameters.finish()?;
    let _turn = desk.inner.exports.acquire().await.map_err(|_| Problem::Unavailable)?;
    let orgs = desk.hub().list_orgs().await?;
    let mut sheet = BuildingSheet::begin(orgs)?;
    let mut after = None;
    while let Some((id, site, buildings)) = desk.hub().next_site(&making.official.org, after, wanted).await? {
        after = Some(id);
        buildings.iter().try_for_each(|building| sheet.push(&site, building))?;
    }
    sheet.save(&making.small_print(), &making.path())?;
    making.send(&desk, "buildings.xlsx", WORKBOOK).await
}

async fn export_geojson(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    export_places(desk, context, raw, BuildingFile::geojson, "buildings.geojson", "application/geo+json")
        .await
}

async fn export_geopackage(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    let media_type = "application/geopackage+sqlite3";
    export_places(desk, context, raw, BuildingFile::geopackage, "buildings.gpkg", media_type).await
}

async fn export_places(
    desk: Desk,
    context: Context,
    raw: String,
    begin: fn(PathBuf, Datum) -> Result<BuildingFile, ReportError>,
    name: &'static str,
    media_type: &'static str,
) -> Result<Response, ApiError> {
    let making = Making::begin(&desk, &context).await?;
    let mut parameters = Parameters::of(&raw);
    let wanted = parameters.find("street", "street", street);
    let datum = parameters.find("datum", "datum", |text| text.parse::<Datum>().ok());
    parameters.finish()?;
    let _turn = desk.inner.exports.acquire().await.map_err(|_| Problem::Unavailable)?;
    let mut file = begin(making.path(), datum.unwrap_or(Datum::Wgs84))?;
    let mut after = None;
    while let Some((id, site, buildings)) = desk.hub().next_site(&making.official.org, after, wanted).await? {
        after = Some(id);
        buildings.iter().try_for_each(|building| file.push(&site, building))?;
    }
    file.finish()?;
    making.send(&desk, name, media_type).await
}
