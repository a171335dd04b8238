//! The description of the API: what is committed is what the code says, and it is of every route for programs.
//!
//! `OPENAPI=write` writes `schema/openapi.json` anew.

use std::path::PathBuf;

use louan_server::http::api_error::Problem;
use louan_server::http::openapi::document;
use louan_server::http::route::{ROUTES, Reader};
use serde_json::Value;

fn text() -> String {
    let mut text = document().to_pretty_json().expect("JSON");
    text.push('\n');
    text
}

fn described() -> Value {
    serde_json::from_str(&text()).expect("JSON")
}

#[test]
fn the_committed_description_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema/openapi.json");
    if std::env::var("OPENAPI").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, text()).expect("schema/openapi.json is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text(),
        "schema/openapi.json is not what the code says: run this with OPENAPI=write"
    );
}

#[test]
fn every_route_for_programs_is_described_and_nothing_else_is() {
    let whole = described();
    let paths = whole["paths"].as_object().expect("paths");
    let mut said: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            let verbs = item.as_object().expect("an item").keys();
            verbs.map(move |verb| format!("{} {path}", verb.to_ascii_uppercase()))
        })
        .collect();
    let mut routes: Vec<String> = ROUTES
        .iter()
        .filter(|route| route.reader != Reader::Person)
        .map(|route| format!("{} {}", route.method.name(), route.path))
        .collect();
    said.sort();
    routes.sort();
    assert_eq!(said, routes);
}

#[test]
fn every_status_is_one_the_code_has_and_none_stands_for_others() {
    let refusals: Vec<u16> = Problem::ALL.iter().map(|problem| problem.status().as_u16()).collect();
    let whole = described();
    let paths = whole["paths"].as_object().expect("paths");
    for (path, item) in paths {
        for (verb, operation) in item.as_object().expect("an item") {
            let responses = operation["responses"].as_object().expect("responses");
            for (status, response) in responses {
                let number: u16 = status.parse().unwrap_or_else(|_| panic!("{verb} {path}: {status}"));
                let refuses = response["$ref"] == "#/components/responses/Problem";
                assert_eq!(refuses, refusals.contains(&number), "{verb} {path}: {status}");
                let codes = response["description"].as_str().unwrap_or_default();
                let known = |problem: &&Problem| problem.status().as_u16() == number;
                let named = Problem::ALL.iter().filter(known).any(|problem| codes.contains(problem.code()));
                assert!(!refuses || named, "{verb} {path}: {status} says which codes: {codes}");
            }
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{verb} {path}");
        }
    }
}

#[test]
fn bodies_are_those_of_the_route_table_and_every_reference_leads_somewhere() {
    let whole = described();
    assert_eq!(whole["openapi"], "3.1.0");
    for route in ROUTES.iter().filter(|route| route.reader != Reader::Person) {
        let verb = route.method.name().to_ascii_lowercase();
        let body = &whole["paths"][route.path][&verb]["requestBody"]["content"];
        let types: Vec<&String> = body.as_object().map(|types| types.keys().collect()).unwrap_or_default();
        assert_eq!(types, route.body.media_type().into_iter().collect::<Vec<_>>(), "{verb} {}", route.path);
    }
    let mut open = vec![&whole];
    let mut references = 0;
    while let Some(value) = open.pop() {
        if let Some(place) = value.get("$ref").and_then(Value::as_str) {
            references += 1;
            assert!(whole.pointer(place.trim_start_matches('#')).is_some(), "{place}");
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    assert!(references > 30, "{references} references");
}
