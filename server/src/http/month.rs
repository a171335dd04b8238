//! `GET /api/v1/months/{cut_off}`: the figures by 街镇 of what happened before 24:00 of a day.
//!
//! An office of a 街镇 gets its own row, one above the streets gets all.

use louan_schema::area;
use louan_schema::code::Action;
use louan_schema::fold::month::{Figures, MonthFigures};
use louan_schema::registry::Org;
use louan_schema::time::Day;
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::context::{Context, context};
use super::openapi::refusal::{ABSENT, COUNTED};
use super::openapi::{Operation, shape};
use super::route::Verb;
use super::{Desk, at, reply};

#[derive(Serialize, ToSchema)]
struct MonthView {
    #[schema(schema_with = shape::day)]
    cut_off: String,
    rows: Vec<StreetFigures>,
    total: FiguresView,
}

/// Figures as JSON: [`Figures`] by the same names.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(super) struct FiguresView {
    pub(super) rounds: u64,
    pub(super) hazards_found: u64,
    pub(super) disposed: u64,
    pub(super) closed: u64,
    pub(super) overdue: u64,
    pub(super) unconfirmed: u64,
}

impl From<Figures> for FiguresView {
    fn from(figures: Figures) -> Self {
        let Figures { rounds, hazards_found, disposed, closed, overdue, unconfirmed } = figures;
        Self { rounds, hazards_found, disposed, closed, overdue, unconfirmed }
    }
}

/// One 街镇's row.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct StreetFigures {
    #[schema(schema_with = shape::street)]
    pub(super) street: String,
    pub(super) name: &'static str,
    #[serde(flatten)]
    pub(super) figures: FiguresView,
}

/// The figures somebody may see.
#[derive(Debug, Clone)]
pub(super) struct SeenFigures {
    pub(super) rows: Vec<StreetFigures>,
    pub(super) total: FiguresView,
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Get, "/api/v1/months/{cut_off}", "The figures by street up to the end of a day")
            .gives::<MonthView>("The rows in sight, and their total.")
            .refuses(ABSENT)
            .refuses(COUNTED),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "months" / String)
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .then(show_month)
        .map(reply)
        .boxed()
}

async fn show_month(cut_off: String, desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let official = desk.official(&context).await?;
    official.must(Action::ReadFigures)?;
    desk.rates().read(official.person.id, desk.now().system)?;
    let day: Day = cut_off.parse().map_err(|_| Problem::NotFound)?;
    let figures = desk.hub().month(day.end()).await?;
    let SeenFigures { rows, total } = seen(&official.org, &figures);
    Ok(warp::reply::json(&MonthView { cut_off: day.to_string(), rows, total }))
}

/// What an organisation may see of a month's figures; the total is that of the rows shown.
pub(super) fn seen(org: &Org, month: &MonthFigures) -> SeenFigures {
    let everything = org.sees_everything();
    let rows: Vec<StreetFigures> = month
        .rows
        .iter()
        .filter(|(street, _)| everything || org.street_seen() == Some(*street))
        .map(|(street, figures)| {
            let name = area::street(*street).map_or("", |street| street.name);
            StreetFigures { street: street.to_string(), name, figures: (*figures).into() }
        })
        .collect();
    let total =
        if everything { month.total.into() } else { rows.first().map(|row| row.figures).unwrap_or_default() };
    SeenFigures { rows, total }
}
