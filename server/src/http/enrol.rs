//! `POST /api/v1/enrol`: a phone becomes a device.
//!
//! In: `{code, public_key}`, the key as base64url of its SEC1 form. Out: the device's id, its
//! tokens, and the rows of its people and their organisations.

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::registry::{Org, Person};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::{ApiError, Problem};
use super::body::{Read, json, read};
use super::context::{Context, context};
use super::openapi::refusal::STORE;
use super::openapi::{Operation, shape};
use super::route::{Body, Verb};
use super::session::Tokens;
use super::{Desk, at, reply};
use crate::auth::Enrolment;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnrolRequest {
    code: String,
    public_key: String,
}

#[derive(Serialize, ToSchema)]
struct EnrolReply {
    #[schema(schema_with = shape::id)]
    device: String,
    stream: u32,
    #[serde(flatten)]
    tokens: Tokens,
    people: Vec<PersonView>,
    orgs: Vec<OrgView>,
    #[schema(schema_with = shape::instant)]
    now: String,
}

/// A person as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonView {
    #[schema(schema_with = shape::id)]
    id: String,
    #[schema(schema_with = shape::id)]
    org: String,
    #[schema(schema_with = shape::role)]
    role: &'static str,
    name: String,
}

impl From<Person> for PersonView {
    fn from(row: Person) -> Self {
        Self { id: row.id.to_string(), org: row.org.to_string(), role: row.role.as_str(), name: row.name }
    }
}

/// An organisation as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct OrgView {
    #[schema(schema_with = shape::id)]
    id: String,
    #[schema(schema_with = shape::org_kind)]
    kind: &'static str,
    name: String,
    #[schema(schema_with = shape::street_or_null)]
    street: Option<String>,
}

impl From<Org> for OrgView {
    fn from(row: Org) -> Self {
        let street = row.street.map(|street| street.to_string());
        Self { id: row.id.to_string(), kind: row.kind.as_str(), name: row.name, street }
    }
}

pub(super) fn describe() -> Vec<Operation> {
    let about = "The phone is a device now; the code is spent.";
    vec![
        Operation::new(Verb::Post, "/api/v1/enrol", "Make a phone a device, with a code and its public key")
            .open()
            .takes::<EnrolRequest>()
            .gives::<EnrolReply>(about)
            .refuses(&[Problem::Invalid, Problem::CodeUnknown, Problem::CodeSpent, Problem::TooOften])
            .refuses(STORE),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path!("api" / "v1" / "enrol")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(read(Body::Json))
        .then(enrol_device)
        .map(reply)
        .boxed()
}

async fn enrol_device(desk: Desk, context: Context, body: Read) -> Result<impl Reply, ApiError> {
    let request: EnrolRequest = json(body)?;
    let public_key = Base64UrlUnpadded::decode_vec(&request.public_key)
        .map_err(|_| ApiError::field("/public_key", "base64url", "不是 base64url（无填充）"))?;
    let now = desk.now();
    let enrolment = Enrolment { code: request.code, public_key, from: context.from };
    let enrolled = desk.identity().enrol(enrolment, now.system).await?;
    let (mut people, mut named) = (Vec::new(), Vec::new());
    let mut orgs: Vec<Org> = Vec::new();
    for id in enrolled.people {
        let Some(row) = desk.hub().find_person(id).await? else { continue };
        if !orgs.iter().any(|org| org.id == row.person.org) {
            orgs.extend(desk.hub().find_org(row.person.org).await?);
        }
        named.extend((!row.erased).then_some(id));
        people.push(PersonView::from(row.person));
    }
    // Who shares a phone is chosen on it by name: of its own people, and of nobody else, it is told the whole one.
    desk.hub().note_names(&named, (None, Some(enrolled.device)), now).await?;
    Ok(warp::reply::json(&EnrolReply {
        device: enrolled.device.to_string(),
        stream: desk.hub().head().await?.stream,
        tokens: Tokens::from(enrolled.issued),
        people,
        orgs: orgs.into_iter().map(OrgView::from).collect(),
        now: now.business.to_string(),
    }))
}
