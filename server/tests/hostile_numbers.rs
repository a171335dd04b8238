//! Every trap and abuse case of the design is proven somewhere: counted here, so that none gets lost.
//!
//! A number counts where it is carried out: at the head of a row's name in a table that a test goes through, or at
//! the head of the comment directly above a test. In any other comment it proves nothing and counts for nothing.

mod kit;
mod traps;

use std::collections::BTreeSet;

use traps::Row;
use traps::header::HEADERS;
use traps::operation::OPERATIONS;
use traps::sheet::SHEETS;

/// The traps of the design that bytes can be made of; the others are about how automerge is called.
const TRAPS: [&str; 20] = [
    "T1", "T2", "T3", "T3b", "T4", "T5", "T6b", "T6c", "T7", "T8", "T8b", "T9", "T9b", "T9c", "T10", "T11",
    "T15", "T17", "T18", "T19",
];

/// Where the tests stand.
const SOURCES: [&str; 8] = [
    include_str!("hostile.rs"),
    include_str!("hostile_served.rs"),
    include_str!("flood.rs"),
    include_str!("trust.rs"),
    include_str!("bombs.rs"),
    include_str!("records.rs"),
    include_str!("erasure.rs"),
    include_str!("storage.rs"),
];

/// A test that runs: the comment directly above it, and what it does.
struct Test<'a> {
    comment: Vec<&'a str>,
    body: Vec<&'a str>,
}

/// The tests of a source file.
fn tests(source: &str) -> Vec<Test<'_>> {
    let mut tests = Vec::new();
    let (mut comment, mut attributes) = (Vec::new(), Vec::new());
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line.starts_with("#[") {
            attributes.push(line);
        } else {
            let is_test = attributes.iter().any(|a| *a == "#[test]" || a.starts_with("#[tokio::test"));
            let is_left_out = attributes.iter().any(|a| a.starts_with("#[ignore") || a.starts_with("#[cfg"));
            if is_test && !is_left_out && (line.starts_with("fn ") || line.starts_with("async fn ")) {
                let body = lines.by_ref().take_while(|line| *line != "}").collect();
                tests.push(Test { comment: std::mem::take(&mut comment), body });
            }
            comment.clear();
            attributes.clear();
        }
    }
    tests
}

/// The numbers a text begins with.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().take_while(|word| {
        let digits = word.strip_prefix(['C', 'T']).map(|rest| rest.trim_end_matches(['b', 'c']));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The numbers that these tables and sources prove.
fn proven<'a>(tables: &[(&str, &[Row])], sources: &[&'a str]) -> BTreeSet<&'a str> {
    let tests: Vec<Test<'a>> = sources.iter().flat_map(|source| tests(source)).collect();
    let goes_through = |table: &str| {
        let head = format!("for row in {table} {{");
        tests.iter().flat_map(|test| &test.body).any(|line| line.trim() == head)
    };
    let rows = tables.iter().filter(|(table, _)| goes_through(table)).flat_map(|(_, rows)| *rows);
    let named = rows.flat_map(|(name, ..)| numbers(name));
    named.chain(tests.iter().filter_map(|test| test.comment.first()).flat_map(|text| numbers(text))).collect()
}

#[test]
fn every_number_of_the_design_is_proven_somewhere() {
    let tables = [("HEADERS", HEADERS), ("OPERATIONS", OPERATIONS), ("SHEETS", SHEETS)];
    let proven = proven(&tables, &SOURCES);
    let cases: Vec<String> = (1..=25).map(|n| format!("C{n:02}")).collect();
    let wanted = TRAPS.into_iter().chain(cases.iter().map(String::as_str));
    let missing: Vec<&str> = wanted.filter(|number| !proven.contains(number)).collect();
    assert!(missing.is_empty(), "nothing proves {missing:?}");
}

#[test]
fn a_number_counts_directly_above_a_test_that_runs_and_nowhere_else() {
    let run = "#[test]\nfn a() {\n}\n";
    for (what, source, expected) in [
        ("a test", format!("/// C07 refused.\n{run}"), vec!["C07"]),
        (
            "a test of the runtime",
            "/// C02 T9b x\n#[tokio::test]\nasync fn a() {\n}\n".to_owned(),
            vec!["C02", "T9b"],
        ),
        ("a comment of two lines", format!("/// C07 it is\n/// C08 refused.\n{run}"), vec!["C07"]),
        ("no test", "/// C07 refused.\nfn a() {\n}\n".to_owned(), vec![]),
        ("no test, and one behind it", format!("/// C07 refused.\nfn a() {{\n}}\n\n{run}"), vec![]),
        (
            "something else, and a test behind it",
            format!("/// C07 refused.\nconst A: u8 = 1;\n{run}"),
            vec![],
        ),
        ("a test apart from it", format!("/// C07 refused.\n\n{run}"), vec![]),
        ("a plain comment", format!("// C07 refused.\n{run}"), vec![]),
        ("a test that does not run", format!("/// C07 refused.\n#[ignore = \"slow\"]\n{run}"), vec![]),
        ("a test of another build", format!("/// C07 refused.\n#[cfg(windows)]\n{run}"), vec![]),
        (
            "a comment inside a test",
            "#[test]\nfn a() {\n    /// C07 refused.\n    let b = 1;\n}\n".to_owned(),
            vec![],
        ),
        ("a mention", format!("/// As in C07, refused.\n{run}"), vec![]),
        ("another word", format!("/// CO2 Tea T C\n{run}"), vec![]),
    ] {
        let found = proven(&[], &[&source]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{what}: {source}");
    }
}

#[test]
fn a_table_counts_when_a_test_goes_through_it() {
    let tables = [("HEADERS", HEADERS)];
    let through = "#[test]\nfn a() {\n    for row in HEADERS {\n    }\n}\n";
    assert!(proven(&tables, &[through]).contains("C05"));
    for idle in [
        "// for row in HEADERS {\n",
        "fn a() {\n    for row in HEADERS {\n    }\n}\n",
        "const A: &[Row] = HEADERS;\n",
    ] {
        assert!(proven(&tables, &[idle]).is_empty(), "{idle}");
    }
}
