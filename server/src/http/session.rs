//! Sessions over HTTP: sign in, exchange a refresh token, sign out.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use zeroize::Zeroizing;

use super::api_error::{ApiError, Problem};
use super::body::{Read, json, read};
use super::context::{Context, context};
use super::openapi::refusal::STORE;
use super::openapi::{Operation, shape};
use super::refused::not_signed_in;
use super::route::{Body, Verb};
use super::{Desk, at, reply};
use crate::auth::token::Token;
use crate::auth::{Credentials, Issued};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    account: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    refresh_token: String,
    /// A device's proof, base64url of r‖s; a console's session has none.
    #[serde(default)]
    signature: Option<String>,
}

/// Tokens as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    token_type: &'static str,
    access_token: String,
    #[schema(schema_with = shape::instant)]
    access_expires_at: String,
    refresh_token: String,
    #[schema(schema_with = shape::instant)]
    refresh_expires_at: String,
}

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            token_type: "Bearer",
            access_token: issued.access.text(),
            access_expires_at: issued.access_until.to_string(),
            refresh_token: issued.refresh.text(),
            refresh_expires_at: issued.refresh_until.to_string(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct SignInReply {
    #[schema(schema_with = shape::id)]
    person: String,
    #[serde(flatten)]
    tokens: Tokens,
}

#[derive(Serialize, ToSchema)]
struct Ended {
    ended: bool,
}

pub(super) fn describe() -> Vec<Operation> {
    vec![
        Operation::new(Verb::Post, "/api/v1/session", "Sign in with account and password")
            .open()
            .takes::<SignInRequest>()
            .gives::<SignInReply>("Signed in.")
            .refuses(&[Problem::BadCredentials, Problem::SignInPaused, Problem::TooOften])
            .refuses(STORE),
        Operation::new(Verb::Delete, "/api/v1/session", "Sign out")
            .signed(false)
            .gives::<Ended>("The session has ended."),
        Operation::new(Verb::Post, "/api/v1/session/refresh", "Exchange a refresh token for new tokens")
            .open()
            .takes::<RefreshRequest>()
            .gives::<Tokens>("New tokens; the old refresh token is spent.")
            .refuses(&[Problem::SignInAgain, Problem::Invalid, Problem::TooOften])
            .refuses(STORE),
    ]
}

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let sign_in = warp::path!("api" / "v1" / "session")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(read(Body::Json))
        .then(begin_session)
        .map(reply);
    let sign_out = warp::path!("api" / "v1" / "session")
        .and(warp::delete())
        .and(at(desk))
        .and(context(desk))
        .then(end_session)
        .map(reply);
    let refresh = warp::path!("api" / "v1" / "session" / "refresh")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(read(Body::Json))
        .then(refresh_session)
        .map(reply);
    sign_in.or(sign_out).unify().or(refresh).unify().boxed()
}

async fn begin_session(desk: Desk, context: Context, body: Read) -> Result<impl Reply, ApiError> {
    let request: SignInRequest = json(body)?;
    let credentials = Credentials {
        login: request.account,
        password: Zeroizing::new(request.password),
        from: context.from,
    };
    let signed_in = desk.identity().sign_in(credentials, desk.now().system).await.map_err(not_signed_in)?;
    let (person, tokens) = (signed_in.person.to_string(), Tokens::from(signed_in.issued));
    Ok(warp::reply::json(&SignInReply { person, tokens }))
}

async fn refresh_session(desk: Desk, context: Context, body: Read) -> Result<impl Reply, ApiError> {
    let request: RefreshRequest = json(body)?;
    let token = Token::read(&request.refresh_token).ok_or(Problem::SignInAgain)?;
    let proof = match request.signature.as_deref().map(Base64UrlUnpadded::decode_vec) {
        None => None,
        Some(Ok(bytes)) => Some(bytes),
        Some(Err(_)) => return Err(ApiError::field("/signature", "base64url", "不是 base64url（无填充）")),
    };
    let issued = desk.identity().refresh(&token, proof.as_deref(), context.from, desk.now().system).await?;
    Ok(warp::reply::json(&Tokens::from(issued)))
}

async fn end_session(desk: Desk, context: Context) -> Result<impl Reply, ApiError> {
    let caller = desk.caller(&context).await?;
    desk.identity().sign_out(&caller, desk.now().system).await?;
    Ok(warp::reply::json(&Ended { ended: true }))
}
