//! Who is calling, and what he may do now.
//!
//! The token says who; role and standing are read from the registry at each request, so a
//! right withdrawn is gone with the next one. A browser's request that changes something must
//! come from our own page; a device's must bear its signature.

use bytes::Bytes;
use http::Method;
use louan_schema::code::{Action, may};
use louan_schema::id::DeviceId;
use louan_schema::registry::{Org, Person};
use louan_schema::wire::proof::ProvenRequest;

use super::Desk;
use super::api_error::{ApiError, Problem};
use super::body::Coming;
use super::context::Context;
use crate::auth::Caller;
use crate::auth::token::Token;

/// A person at the console, as the registry has him now.
#[derive(Debug, Clone)]
pub(super) struct Official {
    pub(super) person: Person,
    pub(super) org: Org,
}

impl Official {
    /// Whether the role may do this at all; where, is the hub's business.
    pub(super) fn must(&self, action: Action) -> Result<(), Problem> {
        if may(self.person.role, action) { Ok(()) } else { Err(Problem::NotPermitted) }
    }
}

impl Desk {
    /// The session a request's token opens; of a device it is not yet known whether the request is its own.
    async fn recognised(&self, context: &Context) -> Result<(Caller, Token), ApiError> {
        let (token, by_cookie) = match (context.bearer(), context.cookie()) {
            (Some(token), _) => (token, false),
            (None, Some(token)) => (token, true),
            (None, None) => return Err(Problem::SignInAgain.into()),
        };
        let caller = self.identity().recognise(&token, by_cookie, self.now().system).await?;
        if by_cookie && context.method != Method::GET && !context.is_same_origin() {
            return Err(Problem::CrossOrigin.into());
        }
        Ok((caller, token))
    }

    /// The session behind a request that has no body, or none that a device sends.
    pub(super) async fn caller(&self, context: &Context) -> Result<Caller, ApiError> {
        let (caller, token) = self.recognised(context).await?;
        self.prove(&caller, &token, context, b"").await?;
        Ok(caller)
    }

    /// Whether a device signed what it asks; a console's session has nothing to sign with.
    async fn prove(
        &self,
        caller: &Caller,
        token: &Token,
        context: &Context,
        body: &[u8],
    ) -> Result<(), ApiError> {
        let token = token.text();
        let (method, target) = (context.method.as_str(), context.target.as_str());
        let request = ProvenRequest { method, target, body, token: &token };
        Ok(self.identity().prove(caller, &request, context.proof(), self.now().system).await?)
    }

    /// The person behind a request, at the console.
    pub(super) async fn official(&self, context: &Context) -> Result<Official, ApiError> {
        let (caller, _) = self.recognised(context).await?;
        let id = caller.person().ok_or(Problem::NotPermitted)?;
        let row = self.hub().find_person(id).await?.filter(|row| row.active).ok_or(Problem::SignInAgain)?;
        let org = self.hub().find_org(row.person.org).await?.ok_or(Problem::SignInAgain)?;
        Ok(Official { person: row.person, org })
    }

    /// The device behind a request that has no body. Whether it was given up as lost is the hub's to answer: it may
    /// still send.
    pub(super) async fn device(&self, context: &Context) -> Result<DeviceId, ApiError> {
        let (caller, token) = self.recognised(context).await?;
        let device = caller.device().ok_or(Problem::NotPermitted)?;
        self.prove(&caller, &token, context, b"").await?;
        Ok(device)
    }

    /// The device behind a request that it signed with its body, and the body. It is read for a device that is known and
    /// says that it signed it; whether it did is seen only then.
    pub(super) async fn device_sending(
        &self,
        context: &Context,
        body: Coming,
    ) -> Result<(DeviceId, Bytes), ApiError> {
        let (caller, token) = self.recognised(context).await?;
        let device = caller.device().ok_or(Problem::NotPermitted)?;
        if context.proof().is_none() {
            // Fails, whatever the body, and leaves its line in the audit.
            self.prove(&caller, &token, context, b"").await?;
        }
        let body = body.read().await?;
        self.prove(&caller, &token, context, &body).await?;
        Ok((device, body))
    }
}
