//! Names that may stand in one room only: automerge, SQL, clocks and chance, HTTP status codes, and the libraries
//! behind them.
//!
//! Read from code, not from comments; `#[cfg(test)]` items are left out, except for automerge and for clocks: a
//! test that sleeps or reads a clock is no test of ours either.

use crate::rust::{line_of, parts, production, words};
use crate::{Finding, SourceFile};

/// A name and the only places where it may stand.
struct Home {
    /// The name, found as a whole word in code.
    name: &'static str,
    /// Path prefixes, or path segments written with both slashes.
    only_in: &'static [&'static str],
    /// Whether test code is bound as well.
    tests_too: bool,
    /// Why.
    reason: &'static str,
}

const HOMES: &[Home] = &[
    Home {
        name: "automerge",
        only_in: &["schema/src/doc/"],
        tests_too: true,
        reason: "documents are opaque outside schema::doc, so that one crate decides what they say",
    },
    Home {
        name: "StatusCode::",
        only_in: &["server/src/http/api_error.rs"],
        tests_too: false,
        reason: "status codes stand in one error table; answer with an ApiError",
    },
    Home {
        name: "rusqlite",
        only_in: &["/sqlite/", "tests/"],
        tests_too: false,
        reason: "SQLite is one of two stores and stays behind its trait",
    },
    Home {
        name: "tokio_postgres",
        only_in: &["/postgres/", "tests/"],
        tests_too: false,
        reason: "PostgreSQL is one of two stores and stays behind its trait",
    },
    Home {
        name: "warp",
        only_in: &["server/src/http/", "server/src/edge/", "server/src/edge.rs", "server/src/app", "tests/"],
        tests_too: false,
        reason: "only the edge speaks HTTP",
    },
    Home {
        name: "uniffi",
        only_in: &["mobile-ffi/"],
        tests_too: true,
        reason: "bindings are translation and stay in their crate",
    },
];

/// Files that may ask for the time, for chance, or wait; everything else is handed them.
const CLOCKS: &[(&str, &str)] = &[
    ("server/src/main.rs", "composition root"),
    ("server/src/clock", "the two clocks, business and system"),
    ("server/src/app", "composition root: hands the clocks on"),
    ("server/src/edge", "timeouts of connections and bodies"),
    ("client-core/src/driver", "performs the requests the engine plans"),
    ("client-core/src/sync/driver", "performs the requests the engine plans"),
    ("mobile-ffi/src/driver", "the phone's clock and chance enter here"),
    ("mobile-ffi/src/clock", "the phone's clock and chance enter here"),
    ("tests/kit/clock", "a clock that stories set"),
    ("tests/bench/", "measures real time"),
];

const CLOCK_NAMES: &[&str] = &[
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "Zoned::now",
    "Timestamp::now",
    "time::sleep",
    "thread::sleep",
    "getrandom",
    "OsRng",
    "thread_rng",
    "Ulid::generate",
    "Uuid::now_v7",
];

/// Folders in which SQL may stand.
const SQL_HOMES: &[&str] = &["/sqlite/", "/postgres/", "/migrations/"];

/// Every name that stands outside its home.
#[must_use]
pub fn homes(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in rust_files(files) {
        let (all, without_tests) = (parts(&file.text).code, production(&file.text).code);
        for home in HOMES.iter().filter(|home| !is_at_home(&file.path, home.only_in)) {
            if file.is_test() && !home.tests_too {
                continue;
            }
            let code = if home.tests_too { &all } else { &without_tests };
            for at in words(code, home.name) {
                let what = format!("`{}` may only stand in {:?}: {}", home.name, home.only_in, home.reason);
                findings.push(Finding::new(file.path.as_str(), line_of(code, at), what));
            }
        }
    }
    findings
}

/// Every place outside the list that reads a clock, makes chance or waits.
#[must_use]
pub fn clocks(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in rust_files(files) {
        if CLOCKS.iter().any(|(path, _)| file.path.starts_with(path)) {
            continue;
        }
        let code = parts(&file.text).code;
        for name in CLOCK_NAMES {
            for at in words(&code, name) {
                let what = format!("`{name}`: take the instant or the random bytes as a parameter");
                findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
            }
        }
    }
    findings
}

/// Every text that looks like SQL outside the folders for it.
#[must_use]
pub fn sql(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in rust_files(files).filter(|file| !file.is_test() && !is_at_home(&file.path, SQL_HOMES)) {
        for (line, text) in production(&file.text).strings.iter().filter(|(_, text)| is_sql(text)) {
            let start: String = text.trim().chars().take(40).collect();
            let what = format!(
                "SQL `{start}` stands outside {SQL_HOMES:?}; move the query behind the store's trait"
            );
            findings.push(Finding::new(file.path.as_str(), *line, what));
        }
    }
    findings
}

fn is_sql(text: &str) -> bool {
    let update = text.find("UPDATE ").is_some_and(|at| text[at..].contains("SET "));
    let plain = ["SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE", "CREATE INDEX", "PRAGMA "];
    update || plain.iter().any(|word| text.contains(word))
}

fn is_at_home(path: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| path.starts_with(home) || (home.starts_with('/') && path.contains(home)))
}

fn rust_files(files: &[SourceFile]) -> impl Iterator<Item = &SourceFile> {
    files.iter().filter(|file| file.has_extension(&["rs"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;
    use crate::tree::Tree;

    const NOWHERE: [usize; 0] = [];

    fn found(rule: fn(&[SourceFile]) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&[SourceFile::new(path, text)]).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_name_of_this_checkout_is_at_home() {
        let files = Tree::read().texts;
        let mut findings = homes(&files);
        findings.extend(clocks(&files));
        findings.extend(sql(&files));
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn automerge_outside_schema_doc_is_found_even_in_a_test() {
        assert_eq!(found(homes, "schema/src/fold/round.rs", "fn a() {}\nuse automerge::ROOT;\n"), [2]);
        assert_eq!(found(homes, "tests/kit/lib.rs", "#[cfg(test)]\nmod tests { use automerge::ROOT; }"), [2]);
        assert_eq!(found(homes, "schema/src/doc/open.rs", "use automerge::ROOT;"), NOWHERE);
        assert_eq!(
            found(homes, "client-core/src/lib.rs", "// as automerge does\nlet x = \"automerge\";"),
            NOWHERE
        );
    }

    #[test]
    fn a_status_code_outside_the_error_table_is_found() {
        let text = "fn a() -> StatusCode { StatusCode::NOT_FOUND }";
        assert_eq!(found(homes, "server/src/http/sync.rs", text), [1]);
        assert_eq!(found(homes, "server/src/http/api_error.rs", text), NOWHERE);
        assert_eq!(found(homes, "server/tests/http/sync.rs", text), NOWHERE);
    }

    #[test]
    fn a_library_outside_its_room_is_found() {
        for (path, text) in [
            ("server/src/ledger/mod.rs", "use rusqlite::Connection;"),
            ("server/src/storage/sqlite/ledger.rs", "use tokio_postgres::Client;"),
            ("server/src/sync/mod.rs", "use warp::Filter;"),
            ("client-core/src/lib.rs", "#[derive(uniffi::Record)]"),
        ] {
            assert_eq!(found(homes, path, text), [1], "{path}");
        }
        assert_eq!(found(homes, "server/src/storage/sqlite/ledger.rs", "use rusqlite::Connection;"), NOWHERE);
        assert_eq!(found(homes, "server/src/http/mod.rs", "use warp::Filter;"), NOWHERE);
    }

    #[test]
    fn a_clock_or_a_sleep_below_the_edge_is_found_even_in_a_test() {
        for text in [
            "let a = std::time::SystemTime::now();",
            "let a = Instant::now();",
            "tokio::time::sleep(d).await;",
            "std::thread::sleep(d);",
            "getrandom::fill(&mut bytes);",
            "#[cfg(test)]\nmod tests { fn a() { OsRng; } }",
        ] {
            assert_eq!(found(clocks, "server/src/ledger/mod.rs", text).len(), 1, "{text}");
        }
        assert_eq!(found(clocks, "server/src/clock.rs", "SystemTime::now()"), NOWHERE);
        assert_eq!(
            found(clocks, "server/src/sync/mod.rs", "let instant_now = \"Instant::now\"; // thread::sleep"),
            NOWHERE
        );
    }

    #[test]
    fn sql_outside_its_folders_is_found_and_prose_is_not() {
        for text in [
            "q(\"SELECT id FROM hazard\")",
            "q(\"INSERT INTO hazard\")",
            "q(\"UPDATE hazard\n SET a = 1\")",
            "q(r#\"DELETE FROM \"x\"\"#)",
            "q(\"CREATE TABLE x\")",
        ] {
            assert_eq!(found(sql, "server/src/ledger/mod.rs", text), [1], "{text}");
            assert_eq!(found(sql, "server/src/storage/sqlite/ledger.rs", text), NOWHERE);
            assert_eq!(found(sql, "server/src/storage/postgres/ledger.rs", text), NOWHERE);
            assert_eq!(found(sql, "server/tests/http/ledger.rs", text), NOWHERE);
        }
        assert_eq!(
            found(sql, "server/src/ledger/mod.rs", "// SELECT a\nlet selected = \"select one of them\";"),
            NOWHERE
        );
        assert_eq!(
            found(
                sql,
                "server/src/ledger/mod.rs",
                "#[cfg(test)]\nmod tests { const Q: &str = \"SELECT 1\"; }"
            ),
            NOWHERE
        );
    }
}
