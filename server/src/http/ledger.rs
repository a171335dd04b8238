//! `GET /api/v1/hazards` and `/api/v1/rounds`: pages of the two ledgers, as far as the caller sees.
//!
//! Filters only narrow. 逾期 is computed for the day asked, today when none is.

use louan_schema::area::StreetCode;
use louan_schema::code::{Action, HazardState};
use louan_schema::policy::Policy;
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::HazardStatus;
use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::ApiError;
use super::context::{Context, context};
use super::openapi::refusal::COUNTED;
use super::openapi::{Operation, shape};
use super::query::{PageAsked, Parameters, raw};
use super::route::Verb;
use super::{Desk, at, reply};
use crate::hub::{HazardQuery, Page, RoundQuery, RoundRow};
use crate::photo::{PhotoTally, Subject};

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $row:ty;)*) => {
        $($(#[$doc])*
        #[derive(Serialize, ToSchema)]
        struct $name {
            rows: Vec<$row>,
            total: u64,
            page: u64,
            page_size: u64,
        }

        impl $name {
            fn of(page: Page<$row>, asked: PageAsked) -> Self {
                let PageAsked { page: number, page_size } = asked;
                Self { rows: page.rows, total: page.total, page: number, page_size }
            }
        })*
    };
}

// One type each: a description has no generic ones.
pages! {
    /// A page of the hazard ledger.
    HazardPage of HazardView;
    /// A page of the visits.
    RoundPage of RoundView;
}

/// A line of the hazard ledger, for programs and for the page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct HazardView {
    #[schema(schema_with = shape::id)]
    pub(super) id: String,
    pub(super) version: u64,
    #[schema(schema_with = shape::id)]
    pub(super) site: String,
    pub(super) site_name: String,
    #[schema(schema_with = shape::street_or_null)]
    pub(super) street: Option<String>,
    pub(super) street_name: &'static str,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) text: String,
    #[schema(schema_with = shape::severity)]
    pub(super) severity: &'static str,
    pub(super) severity_label: &'static str,
    #[schema(schema_with = shape::hazard_state)]
    pub(super) state: &'static str,
    pub(super) state_label: &'static str,
    #[schema(schema_with = shape::instant)]
    pub(super) found_at: String,
    #[schema(schema_with = shape::day)]
    pub(super) found_on: String,
    #[schema(schema_with = shape::day_or_null)]
    pub(super) due_on: Option<String>,
    pub(super) overdue: bool,
    #[schema(schema_with = shape::instant_or_null)]
    pub(super) disposed_at: Option<String>,
    #[schema(schema_with = shape::instant_or_null)]
    pub(super) closed_at: Option<String>,
    /// Photos its records cite.
    pub(super) photos: u64,
    /// Those that are not here yet, or whose file was found missing or altered: the line is complete without any.
    pub(super) photos_missing: u64,
}

#[derive(Serialize, ToSchema)]
struct RoundView {
    #[schema(schema_with = shape::id)]
    id: String,
    #[schema(schema_with = shape::id)]
    org: String,
    #[schema(schema_with = shape::id)]
    site: String,
    #[schema(schema_with = shape::instant)]
    opened_at: String,
    #[schema(schema_with = shape::ids)]
    buildings: Vec<String>,
    complete: bool,
    contested: bool,
    failed: u32,
    /// Photos its records cite.
    photos: u64,
    /// Those that are not here yet, or whose file was found missing or altered.
    photos_missing: u64,
}

impl RoundView {
    fn of(row: RoundRow, photos: PhotoTally) -> Self {
        Self {
            id: row.id.to_string(),
            org: row.org.to_string(),
            site: row.site.to_string(),
            opened_at: row.opened_at.to_string(),
            buildings: row.buildings.iter().map(ToString::to_string).collect(),
            complete: row.complete,
            contested: row.contested,
            failed: row.failed,
            photos: photos.cited,
            photos_missing: photos.missing,
        }
    }
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Get, "/api/v1/hazards", "A page of the hazard ledger")
            .query("street", shape::street(), "Of this street.")
            .query("site", shape::id(), "Of this compound.")
            .query("state", shape::hazard_state(), "In this state.")
            .query("overdue", shape::any_text(), "Overdue after this day, or `today`.")
            .paged()
            .gives::<HazardPage>("A page.")
            .refuses(COUNTED),
        Operation::new(Verb::Get, "/api/v1/rounds", "A page of the visits")
            .query("street", shape::street(), "Of this street.")
            .query("site", shape::id(), "Of this compound.")
            .query("until", shape::day(), "Begun up to the end of this day.")
            .paged()
            .gives::<RoundPage>("A page.")
            .refuses(COUNTED),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let hazards = warp::path!("api" / "v1" / "hazards")
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .and(raw())
        .then(list_hazards)
        .map(reply);
    let rounds = warp::path!("api" / "v1" / "rounds")
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .and(raw())
        .then(list_rounds)
        .map(reply);
    hazards.or(rounds).unify().boxed()
}

/// A 街镇 of the programme, as a query names it.
pub(super) fn street(text: &str) -> Option<StreetCode> {
    text.parse().ok().filter(|code| louan_schema::area::street(*code).is_ok())
}

async fn list_hazards(desk: Desk, context: Context, raw: String) -> Result<impl Reply, ApiError> {
    let official = desk.official(&context).await?;
    official.must(Action::ReadLedger)?;
    desk.rates().read(official.person.id, desk.now().system)?;
    let now = desk.now().business;
    let mut parameters = Parameters::of(&raw);
    let asked = parameters.page();
    let query = HazardQuery {
        seen_by: Some(official.org.id),
        street: parameters.find("street", "street", street),
        site: parameters.find("site", "site", |text| text.parse().ok()),
        state: parameters.find("state", "state", |text| text.parse::<HazardState>().ok()),
        overdue_on: parameters.find("overdue", "overdue", |text| overdue_on(text, now)),
        after: None,
        offset: asked.offset(),
        limit: asked.page_size,
    };
    parameters.finish()?;
    let page = desk.hub().list_hazards(query).await?;
    Ok(warp::reply::json(&HazardPage::of(desk.hazard_views(page, now).await?, asked)))
}

/// A day, or `today`.
fn overdue_on(text: &str, now: Timestamp) -> Option<Day> {
    if text == "today" { Some(now.day().plus_days(-1)) } else { text.parse().ok() }
}

async fn list_rounds(desk: Desk, context: Context, raw: String) -> Result<impl Reply, ApiError> {
    let official = desk.official(&context).await?;
    official.must(Action::ReadLedger)?;
    desk.rates().read(official.person.id, desk.now().system)?;
    let mut parameters = Parameters::of(&raw);
    let asked = parameters.page();
    let query = RoundQuery {
        seen_by: Some(official.org.id),
        street: parameters.find("street", "street", street),
        site: parameters.find("site", "site", |text| text.parse().ok()),
        before: parameters.find("until", "until", |text| text.parse::<Day>().ok().map(Day::end)),
        after: None,
        offset: asked.offset(),
        limit: asked.page_size,
    };
    parameters.finish()?;
    let page = desk.hub().list_rounds(query).await?;
    let subjects = page.rows.iter().map(|row| Subject { id: row.id.0, site: row.site, org: Some(row.org) });
    let tallies = desk.photos().tally(subjects.collect()).await?;
    let rows = page.rows.into_iter().zip(tallies).map(|(row, photos)| RoundView::of(row, photos)).collect();
    Ok(warp::reply::json(&RoundPage::of(Page { rows, total: page.total }, asked)))
}

impl Desk {
    /// Ledger lines with the names of their sites, as they stand at `now`.
    pub(super) async fn hazard_views(
        &self,
        page: Page<HazardStatus>,
        now: Timestamp,
    ) -> Result<Page<HazardView>, ApiError> {
        let subject =
            |status: &HazardStatus| Subject { id: status.reading.id.0, site: status.site, org: None };
        let tallies = self.photos().tally(page.rows.iter().map(subject).collect()).await?;
        let mut rows: Vec<HazardView> = Vec::with_capacity(page.rows.len());
        let mut site = None;
        for (status, photos) in page.rows.into_iter().zip(tallies) {
            // Lines of one site often follow each other; its name is then read once.
            if site.as_ref().is_none_or(|(id, _)| *id != status.site) {
                site = Some((status.site, self.hub().find_site(status.site).await?));
            }
            let place = site.as_ref().and_then(|(_, row)| row.as_ref()).map(|row| &row.site);
            rows.push(HazardView {
                site_name: place.map_or_else(String::new, |site| site.name.clone()),
                street: place.map(|site| site.street.to_string()),
                street_name: place
                    .and_then(|site| louan_schema::area::street(site.street).ok())
                    .map_or("", |street| street.name),
                photos: photos.cited,
                photos_missing: photos.missing,
                ..line(&status, now)
            });
        }
        Ok(Page { rows, total: page.total })
    }
}

fn line(status: &HazardStatus, now: Timestamp) -> HazardView {
    let reading = &status.reading;
    let standing = reading.standing(now);
    let kind = Policy::qijiang_2020().hazard_type(reading.code);
    HazardView {
        id: reading.id.to_string(),
        version: status.version,
        site: status.site.to_string(),
        site_name: String::new(),
        street: None,
        street_name: "",
        code: reading.code.to_string(),
        name: kind.map_or_else(String::new, |kind| kind.name_zh.clone()),
        text: reading.text.clone(),
        severity: reading.severity.as_str(),
        severity_label: reading.severity.label(),
        state: standing.state.as_str(),
        state_label: standing.state.label(),
        found_at: reading.found_at().to_string(),
        found_on: reading.found_at().day().to_string(),
        due_on: standing.due_on.map(|day| day.to_string()),
        overdue: standing.overdue,
        disposed_at: standing.disposed_at.map(|at| at.to_string()),
        closed_at: standing.closed_at.map(|at| at.to_string()),
        photos: 0,
        photos_missing: 0,
    }
}
