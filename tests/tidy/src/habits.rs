//! Habits: tests are sentences and all of them run; the two stores are mirrors of each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust::{line_of, parts, words};
use crate::{Finding, SourceFile};

/// The two folders that mirror each other wherever both stand, file by file.
const TWINS: [&str; 2] = ["/sqlite/", "/postgres/"];

/// Every test named by a prefix instead of a sentence, and every test that is switched off.
#[must_use]
pub fn tests_run(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        let code = parts(&file.text).code;
        for (at, _) in code.match_indices("fn test_") {
            let what = "say in the name what holds, as a sentence, without the prefix";
            findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
        }
        for at in words(&code, "#[ignore").chain(words(&code, "should_panic]")) {
            let what = "a test that is switched off, or passes on any panic, proves nothing";
            findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
        }
    }
    findings
}

/// Every file of one store without its twin in the other, where both stores exist side by side.
pub fn twins<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let mut rooms: BTreeMap<String, [BTreeSet<&str>; 2]> = BTreeMap::new();
    for path in paths {
        for (side, folder) in TWINS.iter().enumerate() {
            if let Some((room, name)) = path.split_once(folder) {
                rooms.entry(room.to_owned()).or_default()[side].insert(name);
            }
        }
    }
    let mut findings = Vec::new();
    for (room, [left, right]) in rooms.iter().filter(|(_, sides)| sides.iter().all(|side| !side.is_empty())) {
        for (mine, others, folder) in [(left, right, TWINS[0]), (right, left, TWINS[1])] {
            for name in mine.difference(others) {
                findings.push(Finding::new(
                    format!("{room}{folder}{name}"),
                    0,
                    "has no twin in the other store",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;
    use crate::tree::Tree;

    fn found(text: &str) -> usize {
        tests_run(&[SourceFile::new("a/src/lib.rs", text)]).len()
    }

    #[test]
    fn this_checkout_keeps_its_habits() {
        let tree = Tree::read();
        let mut findings = tests_run(&tree.texts);
        findings.extend(twins(tree.paths()));
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn a_prefix_and_a_switched_off_test_are_found() {
        assert_eq!(found("#[test]\nfn test_round() {}"), 1);
        assert_eq!(found("#[test]\n#[ignore]\nfn a_round_ends() {}"), 1);
        assert_eq!(found("#[test]\n#[ignore = \"slow\"]\nfn a_round_ends() {}"), 1);
        assert_eq!(found("#[test]\n#[should_panic]\nfn a_round_ends() {}"), 1);
        assert_eq!(found("#[test]\n#[should_panic(expected = \"no\")]\nfn a_round_ends() {}"), 0);
        assert_eq!(found("// fn test_round\nfn a_tested_round() {}"), 0);
    }

    #[test]
    fn a_file_without_its_twin_is_found_once_both_stores_exist() {
        let left = "server/src/storage/sqlite/ledger.rs";
        assert_eq!(twins([left].into_iter()), []);
        assert_eq!(twins([left, "server/src/storage/postgres/ledger.rs"].into_iter()), []);
        assert_eq!(twins([left, "server/src/storage/postgres/mod.rs"].into_iter()).len(), 2);
        assert_eq!(
            twins([left, "client-core/src/postgres/mod.rs"].into_iter()),
            [],
            "stores of two crates are no twins"
        );
    }
}
