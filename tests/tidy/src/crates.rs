//! Which crate may depend on which (`cargo metadata`), and what each may never bring in.
//!
//! The arrow points one way: mobile-ffi → facade → client-core → schema ← server. The rulebook is also checked through
//! `Cargo.lock`: nothing it depends on, at any depth, may bring in a runtime, a database or a network.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::{Finding, tree};

/// What a crate of ours may use of ours, and what it may never name in its manifest.
struct Wall {
    name: &'static str,
    ours: &'static [&'static str],
    never: &'static [&'static str],
}

const WALLS: &[Wall] = &[
    Wall {
        name: "louan-schema",
        ours: &[],
        never: &[
            "tokio",
            "warp",
            "rusqlite",
            "reqwest",
            "uniffi",
            "tokio-postgres",
            "getrandom",
            "rand",
            "hyper",
            "sqlx",
        ],
    },
    // Pixels; both ends develop alike, neither a network nor a file in sight.
    Wall {
        name: "louan-photo",
        ours: &["louan-schema"],
        never: &["tokio", "warp", "rusqlite", "reqwest", "uniffi", "automerge", "getrandom", "rand", "hyper"],
    },
    Wall {
        name: "louan-client-core",
        ours: &["louan-schema", "louan-photo"],
        never: &["warp", "uniffi", "automerge", "sqlx"],
    },
    // What both shores share; the shores themselves see nothing below it.
    Wall {
        name: "louan-facade",
        ours: &["louan-client-core"],
        never: &["rusqlite", "automerge", "warp", "sqlx"],
    },
    Wall {
        name: "louan-mobile-ffi",
        ours: &["louan-facade"],
        never: &["rusqlite", "automerge", "warp", "sqlx"],
    },
    Wall {
        name: "louan-web",
        ours: &["louan-facade"],
        never: &["rusqlite", "automerge", "warp", "sqlx", "uniffi", "tokio", "reqwest"],
    },
    Wall {
        name: "louan-server",
        ours: &["louan-schema", "louan-photo"],
        never: &["uniffi", "automerge", "reqwest", "sqlx"],
    },
    Wall { name: "tidy", ours: &[], never: &[] },
];

/// Crates that only test: they may use everything.
const TESTS_ONLY: &[&str] = &["scenarios", "bench", "torture"];

/// What nothing below the rulebook may bring in, at any depth.
const NEVER_BELOW_SCHEMA: &[&str] =
    &["tokio", "warp", "rusqlite", "libsqlite3-sys", "reqwest", "hyper", "uniffi", "tokio-postgres", "mio"];

/// A crate of the workspace with the names of what its manifest depends on. Development dependencies stand apart:
/// they may bring in any tool, but no crate of ours beyond the wall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the package.
    pub name: String,
    /// Normal and build dependencies.
    pub uses: BTreeSet<String>,
    /// Development dependencies.
    pub tests_with: BTreeSet<String>,
}

/// The manifests of the workspace.
///
/// # Panics
/// When cargo cannot describe the workspace.
#[must_use]
pub fn manifests() -> Vec<Manifest> {
    from_metadata(&metadata())
}

/// What cargo says of the workspace.
///
/// # Panics
/// When it cannot describe it.
#[must_use]
pub fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(tree::root())
        .output()
        .expect("cargo describes the workspace");
    assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

/// The manifests in the answer of `cargo metadata`.
#[must_use]
pub fn from_metadata(metadata: &Value) -> Vec<Manifest> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    packages
        .iter()
        .map(|package| {
            let mut manifest = Manifest { name: text(&package["name"]), ..Manifest::default() };
            for dependency in list(&package["dependencies"]) {
                let kind = dependency["kind"].as_str();
                let names = if kind == Some("dev") { &mut manifest.tests_with } else { &mut manifest.uses };
                names.insert(text(&dependency["name"]));
            }
            manifest
        })
        .collect()
}

/// Every edge that crosses a wall.
#[must_use]
pub fn edges(manifests: &[Manifest]) -> Vec<Finding> {
    let ours: BTreeSet<&str> = manifests.iter().map(|m| m.name.as_str()).collect();
    let mut findings = Vec::new();
    for manifest in manifests.iter().filter(|m| !TESTS_ONLY.contains(&m.name.as_str())) {
        let mut add = |what: String| findings.push(Finding::new(manifest.name.as_str(), 0, what));
        let Some(wall) = WALLS.iter().find(|wall| wall.name == manifest.name) else {
            add("is a new crate; give it a row in tests/tidy/src/crates.rs".to_owned());
            continue;
        };
        for name in manifest.uses.union(&manifest.tests_with) {
            if ours.contains(name.as_str()) && !wall.ours.contains(&name.as_str()) {
                add(format!("may not depend on {name}; of ours it may use {:?}", wall.ours));
            }
        }
        for name in manifest.uses.iter().filter(|name| wall.never.contains(&name.as_str())) {
            add(format!("may never depend on {name}; put what needs it behind a trait in another crate"));
        }
    }
    findings
}

/// What `Cargo.lock` brings in below the rulebook that may not be there.
#[must_use]
pub fn below_schema(manifests: &[Manifest], lock: &str) -> Vec<Finding> {
    let graph = lock_graph(lock);
    let mut todo: Vec<(String, String)> = manifests
        .iter()
        .filter(|m| m.name == "louan-schema")
        .flat_map(|m| m.uses.iter().map(|name| (name.clone(), name.clone())))
        .collect();
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    while let Some((name, path)) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if NEVER_BELOW_SCHEMA.contains(&name.as_str()) {
            findings.push(Finding::new("louan-schema", 0, format!("brings in {name} by way of {path}")));
        }
        let below = graph.get(&name).into_iter().flatten();
        todo.extend(below.map(|next| (next.clone(), format!("{path} → {next}"))));
    }
    findings
}

/// Package name → names of its dependencies; versions of one name are thrown together, which errs on the safe side.
pub(crate) fn lock_graph(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
        let name = block.lines().find(|line| line.starts_with("name = ")).map(quoted).unwrap_or_default();
        let dependencies = block.lines().filter(|line| line.starts_with(" \"")).map(quoted);
        // "name version": the version is only written where two are present.
        let names = dependencies.map(|text| text.split(' ').next().unwrap_or_default().to_owned());
        graph.entry(name).or_default().extend(names);
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;

    fn manifest(name: &str, uses: &[&str], tests_with: &[&str]) -> Manifest {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Manifest { name: name.to_owned(), uses: set(uses), tests_with: set(tests_with) }
    }

    #[track_caller]
    fn refused(manifests: &[Manifest], expected: &str) {
        let found = edges(manifests);
        assert!(
            found.iter().any(|f| f.to_string() == expected || f.what.contains(expected)),
            "{}",
            listed(&found)
        );
    }

    #[test]
    fn no_crate_of_this_workspace_crosses_a_wall() {
        let manifests = manifests();
        assert!(manifests.len() >= 6, "the workspace has six crates, cargo listed {}", manifests.len());
        let found = edges(&manifests);
        assert!(found.is_empty(), "{}", listed(&found));
    }

    #[test]
    fn nothing_below_the_rulebook_of_this_workspace_does_io() {
        let lock = std::fs::read_to_string(tree::root().join("Cargo.lock")).expect("a lock file");
        let found = below_schema(&manifests(), &lock);
        assert!(found.is_empty(), "{}", listed(&found));
        assert!(
            lock_graph(&lock).get("louan-server").is_some_and(|names| names.contains("warp")),
            "the graph is read"
        );
    }

    #[test]
    fn an_edge_against_the_arrow_is_found_even_among_development_dependencies() {
        let schema = manifest("louan-schema", &[], &[]);
        let core = manifest("louan-client-core", &["louan-schema"], &[]);
        let server = manifest("louan-server", &["louan-schema", "louan-client-core"], &[]);
        refused(&[schema.clone(), core.clone(), server], "may not depend on louan-client-core");
        let core_tests = manifest("louan-client-core", &["louan-schema"], &["louan-server"]);
        refused(&[core_tests, manifest("louan-server", &[], &[])], "may not depend on louan-server");
        refused(
            &[manifest("louan-schema", &["louan-client-core"], &[]), core],
            "may not depend on louan-client-core",
        );
        let ffi = manifest("louan-mobile-ffi", &["louan-schema"], &[]);
        refused(&[ffi, schema], "may not depend on louan-schema");
    }

    #[test]
    fn what_a_crate_may_never_name_is_found() {
        for (name, never) in [
            ("louan-schema", "tokio"),
            ("louan-schema", "rusqlite"),
            ("louan-client-core", "automerge"),
            ("louan-client-core", "warp"),
            ("louan-mobile-ffi", "rusqlite"),
            ("louan-server", "uniffi"),
            ("louan-server", "reqwest"),
        ] {
            refused(
                &[manifest(name, &[never], &[])],
                &format!(
                    "{name}: may never depend on {never}; put what needs it behind a trait in another crate"
                ),
            );
        }
        assert_eq!(
            edges(&[manifest("louan-schema", &[], &["tokio"])]),
            [],
            "a tool of its tests is its own affair"
        );
    }

    #[test]
    fn a_new_crate_needs_a_row_and_a_crate_of_stories_needs_none() {
        refused(&[manifest("louan-gadget", &[], &[])], "is a new crate");
        assert_eq!(edges(&[manifest("scenarios", &["louan-server", "louan-client-core"], &[])]), []);
    }

    #[test]
    fn a_runtime_brought_in_from_afar_is_found_with_its_way() {
        let lock = "[[package]]\nname = \"a\"\ndependencies = [\n \"b 2.0.0\",\n]\n\n[[package]]\nname = \"b\"\ndependencies = [\n \"tokio\",\n]\n";
        let found = below_schema(&[manifest("louan-schema", &["a"], &[])], lock);
        assert_eq!(found, [Finding::new("louan-schema", 0, "brings in tokio by way of a → b → tokio")]);
        assert_eq!(below_schema(&[manifest("louan-server", &["a"], &[])], lock), []);
    }

    #[test]
    fn metadata_is_read_with_its_kinds() {
        let metadata = serde_json::json!({"packages": [{"name": "x", "dependencies": [
            {"name": "a", "kind": null}, {"name": "b", "kind": "dev"}, {"name": "c", "kind": "build"}]}]});
        assert_eq!(from_metadata(&metadata), [manifest("x", &["a", "c"], &["b"])]);
    }
}
