//! The office's reply to an enrolment code, read into the core's enrolment.
//!
//! The reply is JSON as the office's API document says; tokens in it are the transport's
//! and are passed over here.

use louan_client_core::Enrolment;
use louan_client_core::schema::registry::{Org, Person};
use louan_client_core::schema::wire::StreamId;
use serde::Deserialize;

use crate::failure::Failure;
use crate::read::{code, id};

#[derive(Deserialize)]
struct Reply {
    device: String,
    stream: StreamId,
    people: Vec<PersonReply>,
    orgs: Vec<OrgReply>,
}

#[derive(Deserialize)]
struct PersonReply {
    id: String,
    org: String,
    role: String,
    name: String,
}

#[derive(Deserialize)]
struct OrgReply {
    id: String,
    kind: String,
    name: String,
    street: Option<String>,
}

/// Reads the reply.
pub(crate) fn read(text: &str) -> Result<Enrolment, Failure> {
    let reply: Reply =
        serde_json::from_str(text).map_err(|error| Failure::misused(format!("no enrolment: {error}")))?;
    let person = |row: PersonReply| -> Result<Person, Failure> {
        Ok(Person { id: id(&row.id)?, org: id(&row.org)?, role: code(&row.role, "/role")?, name: row.name })
    };
    let org = |row: OrgReply| -> Result<Org, Failure> {
        let street = row.street.map(|text| code(&text, "/street")).transpose()?;
        Ok(Org { id: id(&row.id)?, kind: code(&row.kind, "/kind")?, name: row.name, street })
    };
    Ok(Enrolment {
        device: id(&reply.device)?,
        people: reply.people.into_iter().map(person).collect::<Result<_, _>>()?,
        orgs: reply.orgs.into_iter().map(org).collect::<Result<_, _>>()?,
        stream: reply.stream,
    })
}
