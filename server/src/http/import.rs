//! Lists of buildings over HTTP: sent, seen, carried out, taken back; the lines that are wrong as a workbook.
//!
//! `POST /api/v1/imports` takes the file as it is and answers with what it would do; nothing is entered before
//! `…/commit`. Whoever may not register buildings may not read what others would.

use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use louan_schema::code::{Action, BuildingUse, Datum};
use louan_schema::wire::Code;
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::body::{Coming, coming};
use super::caller::Official;
use super::context::{Context, context};
use super::export::WORKBOOK;
use super::openapi::refusal::{ABSENT, COUNTED, FILE};
use super::openapi::{Operation, shape};
use super::query::{Parameters, raw};
use super::route::{Body, Verb};
use super::{Desk, at, reply};
use crate::hub::{Carried, ImportError, ImportId, Imported};
use crate::import::{Defaults, NoHeader, Outcome, Remark, value};

/// Most remarks of one kind in a reply; the workbook has all of them.
const REMARKS_MAX: usize = 500;

#[derive(Serialize, ToSchema)]
struct ImportView {
    #[schema(schema_with = shape::draw)]
    id: String,
    #[schema(schema_with = shape::import_state)]
    state: &'static str,
    state_label: &'static str,
    new: usize,
    changed: usize,
    same: usize,
    refused: usize,
    compounds: usize,
    faults: Vec<RemarkView>,
    /// How many more faults there are than are listed here; the workbook has all of them.
    more_faults: usize,
    notices: Vec<RemarkView>,
    /// How many more notices there are than are listed here; the workbook has all of them.
    more_notices: usize,
    /// Titles of columns that are left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_alone: Vec<String>,
    /// Sheets of the workbook that were not read: one at a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets_left: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct RemarkView {
    row: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    reason: String,
}

#[derive(Serialize, ToSchema)]
struct CarriedView {
    done: usize,
    left: Vec<LeftView>,
}

#[derive(Serialize, ToSchema)]
struct LeftView {
    name: String,
    code: &'static str,
    reason: &'static str,
}

impl From<&Remark> for RemarkView {
    fn from(remark: &Remark) -> Self {
        Self { row: remark.number, column: remark.column.clone(), reason: remark.reason.clone() }
    }
}

impl From<Imported> for ImportView {
    fn from(import: Imported) -> Self {
        let plan = &import.plan;
        let remarks = |all: &[Remark]| all.iter().take(REMARKS_MAX).map(RemarkView::from).collect();
        Self {
            id: import.id.to_string(),
            state: import.state.name(),
            state_label: import.state.label(),
            new: plan.count(Outcome::New),
            changed: plan.count(Outcome::Changed),
            same: plan.count(Outcome::Same),
            refused: plan.refused(),
            compounds: plan.entries.len(),
            faults: remarks(&plan.faults),
            more_faults: plan.faults.len().saturating_sub(REMARKS_MAX),
            notices: remarks(&plan.notices),
            more_notices: plan.notices.len().saturating_sub(REMARKS_MAX),
            left_alone: import.left_alone,
            sheets_left: import.sheets_left,
        }
    }
}

impl From<Carried> for CarriedView {
    fn from(carried: Carried) -> Self {
        let left = |(name, code): (String, Code)| LeftView {
            name,
            code: code.name(),
            reason: Carried::reason(code),
        };
        Self { done: carried.done, left: carried.left.into_iter().map(left).collect() }
    }
}

pub(super) fn describe() -> Vec<Operation> {
    let wrong = "A workbook: the lines refused as they came, and why.";
    vec![
        Operation::new(
            Verb::Post,
            "/api/v1/imports",
            "Read a list of buildings (xlsx, csv, GeoJSON); nothing is entered",
        )
        .query("street", shape::any_text(), "The street of lines that name none, by code or name.")
        .query("use", shape::building_use(), "The use of lines that name none.")
        .query("datum", shape::datum(), "The datum of positions that name none.")
        .gives::<ImportView>("What carrying it out would do.")
        .refuses(COUNTED),
        Operation::new(Verb::Get, "/api/v1/imports/{import}", "An import as it stands")
            .gives::<ImportView>("The import.")
            .refuses(ABSENT)
            .refuses(COUNTED),
        Operation::new(Verb::Post, "/api/v1/imports/{import}/commit", "Carry an import out")
            .gives::<CarriedView>("Compounds entered, and those left alone.")
            .refuses(&[Problem::NotFound, Problem::Refused])
            .refuses(COUNTED),
        Operation::new(Verb::Post, "/api/v1/imports/{import}/undo", "Take an import back")
            .gives::<CarriedView>("Compounds taken back, and those changed since.")
            .refuses(&[Problem::NotFound, Problem::Refused])
            .refuses(COUNTED),
        Operation::new(Verb::Get, "/api/v1/imports/{import}/errors", "The lines that were refused")
            .gives_bytes(&[WORKBOOK], wrong)
            .refuses(&[ABSENT, COUNTED, FILE].concat()),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let all = warp::path!("api" / "v1" / "imports");
    let one = warp::path!("api" / "v1" / "imports" / String);
    let asked = at(desk).and(context(desk));
    let send = all
        .and(warp::post())
        .and(asked.clone())
        .and(raw())
        .and(coming(Body::File))
        .then(preview_import)
        .map(reply);
    let show = one.and(warp::get()).and(asked.clone()).then(show_import).map(reply);
    let carry = warp::path!("api" / "v1" / "imports" / String / "commit")
        .and(warp::post())
        .and(asked.clone())
        .then(carry_import)
        .map(reply);
    let undo = warp::path!("api" / "v1" / "imports" / String / "undo")
        .and(warp::post())
        .and(asked.clone())
        .then(undo_import)
        .map(reply);
    let wrong = warp::path!("api" / "v1" / "imports" / String / "errors")
        .and(warp::get())
        .and(asked)
        .then(show_errors)
        .map(reply);
    let acts = send.or(carry).unify().or(undo).unify().boxed();
    acts.or(show).unify().or(wrong).unify().boxed()
}

async fn importer(desk: &Desk, context: &Context) -> Result<Official, ApiError> {
    let official = desk.official(context).await?;
    official.must(Action::RegisterBuilding)?;
    Ok(official)
}

/// Who takes a step of an import: each is work for the office, so they are counted.
async fn stepping(desk: &Desk, context: &Context) -> Result<Official, ApiError> {
    let official = importer(desk, context).await?;
    desk.rates().import(official.person.id, desk.now().system)?;
    Ok(official)
}

async fn preview_import(
    desk: Desk,
    context: Context,
    raw: String,
    body: Coming,
) -> Result<impl Reply, ApiError> {
    let official = importer(&desk, &context).await?;
    // Who finds no room has taken no step.
    let _room = desk.room().for_file(official.person.id)?;
    desk.rates().import(official.person.id, desk.now().system)?;
    let mut parameters = Parameters::of(&raw);
    let defaults = Defaults {
        street: parameters.find("street", "street", |text| value::street(text).ok()),
        building_use: parameters.find("use", "use", |text| text.parse::<BuildingUse>().ok()),
        datum: parameters.find("datum", "datum", |text| text.parse::<Datum>().ok()),
    };
    parameters.finish()?;
    let file = Vec::from(body.read().await?);
    let _turn = desk.inner.imports.acquire().await.map_err(|_| Problem::Unavailable)?;
    let read = desk.inner.furnishing.tables.read_table(file).await;
    let table = read.map_err(|_| ApiError::later(Problem::Overloaded, 2_000))?;
    let table = table.map_err(|fault| ApiError::field("/", fault.code(), &fault.text()))?;
    let id = ImportId(desk.random().array());
    let asked = (&table, defaults);
    let import = desk.hub().preview_import(official.person.id, id, asked, desk.now()).await?;
    Ok(warp::reply::json(&ImportView::from(import)))
}

fn number(text: &str) -> Result<ImportId, ApiError> {
    text.parse().map_err(|_| Problem::NotFound.into())
}

async fn show_import(id: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let official = importer(&desk, &context).await?;
    desk.rates().read(official.person.id, desk.now().system)?;
    let import = desk.hub().find_import(official.person.id, number(&id)?).await?;
    Ok(warp::reply::json(&ImportView::from(import)))
}

async fn carry_import(id: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let official = stepping(&desk, &context).await?;
    let carried = desk.hub().carry_import(official.person.id, number(&id)?, desk.now()).await?;
    Ok(warp::reply::json(&CarriedView::from(carried)))
}

async fn undo_import(id: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let official = stepping(&desk, &context).await?;
    let carried = desk.hub().undo_import(official.person.id, number(&id)?, desk.now()).await?;
    Ok(warp::reply::json(&CarriedView::from(carried)))
}

async fn show_errors(id: String, desk: Desk, context: Context) -> Result<Response, ApiError> {
    let official = stepping(&desk, &context).await?;
    let import = desk.hub().find_import(official.person.id, number(&id)?).await?;
    let bytes = tokio::task::spawn_blocking(move || {
        crate::report::refused_lines(&import.refused, &import.plan.faults, &import.plan.notices)
    });
    let bytes = bytes.await.map_err(|_| Problem::Internal)??;
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(WORKBOOK));
    let name = HeaderValue::from_static("attachment; filename=\"errors.xlsx\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Unknown => Problem::NotFound.into(),
            ImportError::NoHeader(_) => Self::field("/", "no_header", NoHeader::TEXT),
            ImportError::State(state) => Self { code: Some(state.name()), ..Problem::Refused.into() },
            ImportError::Storage(error) => error.into(),
        }
    }
}
