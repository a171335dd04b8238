//! The page about logs and metrics: every message and every figure of the source stands on it, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/LOGGING.md");

fn sources() -> Vec<String> {
    let (mut folders, mut texts) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                texts.push(fs::read_to_string(path).expect("a source"));
            }
        }
    }
    texts
}

/// The literals within the brackets that open at the beginning of a text.
fn literals(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut literal, mut escaped) = (Vec::new(), 0, None::<String>, false);
    for c in text.chars() {
        match (&mut literal, c) {
            (Some(_), '"') if !escaped => found.extend(literal.take()),
            (Some(so_far), c) => so_far.push(c),
            (None, '"') => literal = Some(String::new()),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        escaped = c == '\\' && !escaped;
        if depth == 0 {
            break;
        }
    }
    found
}

/// The literals of each call of a macro.
fn calls(text: &str, name: &str) -> Vec<Vec<String>> {
    text.split(name).skip(1).map(literals).collect()
}

/// What stands between backquotes in the first column of a table that begins with this word.
fn column(head: &str) -> BTreeSet<String> {
    let table = PAGE.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    let first = rows.filter_map(|row| row.split('|').nth(1));
    first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_message_stands_on_the_page() {
    let mut said = BTreeSet::new();
    for text in sources() {
        for level in ["error!", "warn!", "info!"] {
            // The message comes last, after the fields.
            let messages = calls(&text, &format!("tracing::{level}"));
            said.extend(messages.into_iter().map(|mut parts| parts.pop().expect("a message")));
        }
    }
    assert!(said.len() > 15, "{said:?}");
    assert_eq!(said, column("message"));
}

#[test]
fn every_figure_stands_on_the_page() {
    let mut counted = BTreeSet::new();
    for text in sources() {
        for kind in ["counter!", "gauge!", "histogram!"] {
            let named = calls(&text, &format!("metrics::{kind}"));
            counted.extend(named.into_iter().map(|mut parts| parts.swap_remove(0)));
        }
    }
    assert!(counted.len() > 10, "{counted:?}");
    assert_eq!(counted, column("metric"));
}
