//! Who is calling, and what he may do now.
//!
//! The token says who; role and standing are read from the registry at each request, so a
//! right withdrawn is gone with the next one. A browser's request that changes something must
//! come from our own page.

use http::Method;
use louan_schema::code::{Action, may};
use louan_schema::id::DeviceId;
use louan_schema::registry::{Org, Person};

use super::Desk;
use super::api_error::{ApiError, Problem};
use super::context::Context;
use crate::auth::Caller;

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
    /// The session behind a request.
    pub(super) async fn caller(&self, context: &Context) -> Result<Caller, ApiError> {
        let (token, by_cookie) = match (context.bearer(), context.cookie()) {
            (Some(token), _) => (token, false),
            (None, Some(token)) => (token, true),
            (None, None) => return Err(Problem::SignInAgain.into()),
        };
        let caller = self.identity().recognise(&token, by_cookie, self.now().system).await?;
        if by_cookie && context.method != Method::GET && !context.is_same_origin() {
            return Err(Problem::CrossOrigin.into());
        }
        Ok(caller)
    }

    /// The person behind a request, at the console.
    pub(super) async fn official(&self, context: &Context) -> Result<Official, ApiError> {
        let caller = self.caller(context).await?;
        let id = caller.person().ok_or(Problem::NotPermitted)?;
        let row = self.hub().find_person(id).await?.filter(|row| row.active).ok_or(Problem::SignInAgain)?;
        let org = self.hub().find_org(row.person.org).await?.ok_or(Problem::SignInAgain)?;
        Ok(Official { person: row.person, org })
    }

    /// The device behind a request. Whether it was given up as lost is the hub's to answer: it may still send.
    pub(super) async fn device(&self, context: &Context) -> Result<DeviceId, ApiError> {
        let caller = self.caller(context).await?;
        caller.device().ok_or_else(|| Problem::NotPermitted.into())
    }
}
