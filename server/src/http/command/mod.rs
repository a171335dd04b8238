//! `POST /api/v1/commands`: an office asks for a ruling.
//!
//! `{id, expected_version, act}`; the id is minted by who asks, so asking twice is harmless. A
//! moved version is 409 `version_moved` with the present one. Dates are the server's business
//! clock: nobody back-dates a ruling from here.

mod site;

use louan_schema::code::Severity;
use louan_schema::id::{CommandId, HazardId};
use louan_schema::registry::Building;
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Day;
use louan_schema::wire::CommandVerdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::body::{Coming, coming, json};
use super::context::{Context, context};
use super::openapi::refusal::COUNTED;
use super::openapi::{Operation, shape};
use super::route::{Body, Verb};
use super::{Desk, at, reply};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CommandRequest {
    #[schema(schema_with = shape::id)]
    id: CommandId,
    expected_version: u64,
    act: ActRequest,
}

/// One of the acts, by its name; exactly one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActRequest {
    RegisterSite(Box<site::Entry>),
    ConfirmHazard(Confirm),
    CloseHazard(Close),
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    #[schema(schema_with = shape::id)]
    hazard: HazardId,
    #[schema(schema_with = shape::severity)]
    severity: Severity,
    #[schema(schema_with = shape::day)]
    due_on: Day,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    #[schema(schema_with = shape::id)]
    hazard: HazardId,
}

#[derive(Serialize, ToSchema)]
struct CommandReply {
    outcome: &'static str,
    version: u64,
}

impl ActRequest {
    fn into_act(self, standing: &[Building]) -> Result<Act, ApiError> {
        match self {
            Self::RegisterSite(entry) => entry.into_act(standing),
            Self::ConfirmHazard(Confirm { hazard, severity, due_on }) => {
                Ok(Act::ConfirmHazard { hazard, severity, due_on })
            }
            Self::CloseHazard(Close { hazard }) => Ok(Act::CloseHazard { hazard }),
        }
    }
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(
            Verb::Post,
            "/api/v1/commands",
            "Ask for a ruling; asking twice with one id is harmless",
        )
        .takes::<CommandRequest>()
        .gives::<CommandReply>("Done, now or before; the version is the target's.")
        .refuses(&[Problem::Invalid, Problem::NotFound, Problem::VersionMoved, Problem::Refused])
        .refuses(COUNTED),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "commands")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(coming(Body::Json))
        .then(give_command)
        .map(reply)
        .boxed()
}

async fn give_command(desk: Desk, context: Context, body: Coming) -> Result<impl Reply, ApiError> {
    let official = desk.official(&context).await?;
    let now = desk.now();
    desk.rates().command(official.person.id, now.system)?;
    let CommandRequest { id, expected_version, act } = json(body.read().await)?;
    let standing = match &act {
        ActRequest::RegisterSite(entry) => match entry.leaves_something() {
            Some(site) => desk.hub().list_buildings(site).await?,
            None => Vec::new(),
        },
        ActRequest::ConfirmHazard(_) | ActRequest::CloseHazard(_) => Vec::new(),
    };
    let command = Command { id, expected_version, at: now.business, act: act.into_act(&standing)? };
    let (outcome, version) = match desk.hub().command(official.person.id, command, now).await? {
        CommandVerdict::Done(version) => ("done", version),
        CommandVerdict::Duplicate(version) => ("duplicate", version),
        CommandVerdict::Refused(code, version) => return Err(ApiError::refused(code, version)),
    };
    Ok(warp::reply::json(&CommandReply { outcome, version }))
}
