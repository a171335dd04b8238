//! The description of the API for programs (接口说明): OpenAPI 3.1, made from code, committed as `schema/openapi.json`.
//!
//! Every module of routes describes its own beside its handlers, with the very types they read and write; what body a
//! route takes comes from the route table, what can go wrong from the table of problems. Nothing is served from here,
//! and pages for people are not described.

mod operation;
pub(super) mod refusal;
pub(super) mod shape;

use std::collections::BTreeMap;
use std::fmt::Write;

use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Operation as Described, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Response,
    ResponseBuilder, Schema,
};

pub(super) use operation::Operation;

use super::api_error::Problem;
use super::dress::Document;
use super::{
    command, enrol, event, export, health, import, ledger, month, photo, session, sync, unsent, upload,
};

/// The name of the response every refusal has.
const PROBLEM: &str = "Problem";
/// The name of the one way to be known: a bearer token from `/api/v1/session` or `/api/v1/enrol`.
const BEARER: &str = "bearer";

fn operations() -> Vec<Operation> {
    [
        enrol::describe(),
        session::describe(),
        sync::describe(),
        command::describe(),
        ledger::describe(),
        month::describe(),
        event::describe(),
        upload::describe(),
        photo::describe(),
        import::describe(),
        unsent::describe(),
        export::describe(),
        health::describe(),
    ]
    .concat()
}

/// The whole description.
#[must_use]
pub fn document() -> OpenApi {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    let mut by_path: BTreeMap<&'static str, Vec<(HttpMethod, Described)>> = BTreeMap::new();
    for operation in operations() {
        // serde takes one act by its name and nothing beside it; the derive leaves that open.
        schemas.extend(operation.schemas().into_iter().map(|(name, shape)| (name, shape::closed(shape))));
        by_path.entry(operation.path()).or_default().push((operation.method(), operation.described()));
    }
    let mut paths = Paths::new();
    for (path, described) in by_path {
        let mut item = PathItem::default();
        described.into_iter().for_each(|(method, operation)| place(&mut item, method, operation));
        paths.paths.insert(path.to_owned(), item);
    }
    schemas.push((Document::name().into_owned(), <Document<'_> as utoipa::PartialSchema>::schema()));
    <Document<'_>>::schemas(&mut schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .response(PROBLEM, problem())
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .build();
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("楼安 Louan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about()))
        .license(Some(license))
        .build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}

fn place(item: &mut PathItem, method: HttpMethod, operation: Described) {
    let slot = match method {
        HttpMethod::Post => &mut item.post,
        HttpMethod::Delete => &mut item.delete,
        HttpMethod::Patch => &mut item.patch,
        HttpMethod::Head => &mut item.head,
        HttpMethod::Options => &mut item.options,
        _ => &mut item.get,
    };
    *slot = Some(operation);
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(shape::named(&Document::name()))).build();
    ResponseBuilder::new()
        .description("The request was refused; `code` says why.")
        .content("application/problem+json", content)
        .build()
}

/// What holds for every route, and what can be answered instead of what was asked for.
fn about() -> String {
    let mut text = String::from(
        "Inspections of high-rise buildings: what phones and offices ask of the server.\n\n\
         Every request with a body says its length. A device's token goes with the device's signature over each request \
         (`Louan-Proof`), and without it is worth nothing. What is not in a caller's scope is 404 in every verb. Unknown \
         and repeated fields and parameters are refused. A refusal is RFC 9457 (`application/problem+json`); decide \
         by `code`, never by prose:\n\n| status | code | title |\n| --- | --- | --- |\n",
    );
    for problem in Problem::ALL {
        let (status, code, title) = (problem.status().as_u16(), problem.code(), problem.title());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {status} | `{code}` | {title} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_to_two_shapes() {
        let mut shapes: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
        for (name, shape) in operations().iter().flat_map(Operation::schemas) {
            let first = shapes.entry(name.clone()).or_insert_with(|| shape.clone());
            assert!(*first == shape, "`{name}` is two different shapes");
        }
    }
}
