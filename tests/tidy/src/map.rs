//! The root: what may stand there, and whether the README's map is the checkout.
//!
//! The map is a fenced block opened with ```` ```tree ````: one path a line from the root, folders with a slash at
//! the end, then at least two blanks and a remark. Indented lines stand below the last less indented folder.

use std::collections::BTreeSet;

use crate::{Finding, SourceFile};

/// Everything that may stand at the root besides dot-files.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "server",
    "client-core",
    "mobile-ffi",
    "schema",
    "tests",
    "README.md",
    "Makefile",
    "package.json",
    "package-lock.json",
    "LICENSE",
    "CHANGELOG.md",
];
/// Crates whose rooms the map must show.
const CRATES: &[&str] = &["schema", "client-core", "mobile-ffi", "server"];
const README: &str = "README.md";

/// Everything at the root that may not stand there.
pub fn top_level<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let tops: BTreeSet<&str> = paths.filter_map(|path| path.split('/').next()).collect();
    tops.into_iter()
        .filter(|top| !top.starts_with('.') && !TOP_LEVEL.contains(top))
        .map(|top| {
            Finding::new(top, 0, format!("may not stand at the root; only {TOP_LEVEL:?} and dot-files may"))
        })
        .collect()
}

/// Every path of the map that is not on disk, and every room on disk that is not in the map.
pub fn readme<'a>(files: &[SourceFile], paths: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let Some(readme) = files.iter().find(|file| file.path == README) else {
        return vec![Finding::new(README, 0, "is missing")];
    };
    let mapped = mapped(&readme.text);
    if mapped.is_empty() {
        return vec![Finding::new(README, 0, "has no map; open a fenced block with ```tree")];
    }
    let mut on_disk: BTreeSet<String> = BTreeSet::new();
    for path in paths {
        on_disk.insert(path.to_owned());
        on_disk.extend(path.match_indices('/').map(|(at, _)| path[..=at].to_owned()));
    }
    let listed: BTreeSet<&str> = mapped.iter().map(|(_, path)| path.as_str()).collect();
    let mut findings: Vec<Finding> = mapped
        .iter()
        .filter(|(_, path)| !on_disk.contains(path))
        .map(|(line, path)| {
            Finding::new(README, *line, format!("`{path}` is not on disk; folders end in a slash"))
        })
        .collect();
    for path in on_disk.iter().filter(|path| is_shown(path) && !listed.contains(path.as_str())) {
        findings.push(Finding::new(README, 0, format!("the map does not show `{path}`")));
    }
    findings
}

/// Whether the map must show a path: folders at the root, and folders directly below a crate's `src`.
fn is_shown(path: &str) -> bool {
    let Some(folder) = path.strip_suffix('/') else { return false };
    let parts: Vec<&str> = folder.split('/').collect();
    match parts[..] {
        [top] => !top.starts_with('.'),
        [top, "src", _] => CRATES.contains(&top),
        _ => false,
    }
}

/// The paths of the map with their lines.
fn mapped(text: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    let mut inside = false;
    let mut above: Vec<(usize, String)> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim_end() == "```tree" {
            inside = true;
        } else if line.starts_with("```") {
            inside = false;
        } else if inside && !line.trim().is_empty() {
            let indent = line.len() - line.trim_start().len();
            let name = line.trim().split("  ").next().unwrap_or_default().trim();
            above.retain(|(outer, _)| *outer < indent);
            let path = format!("{}{name}", above.last().map(|(_, path)| path.as_str()).unwrap_or_default());
            paths.push((i + 1, path.clone()));
            above.push((indent, path));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;
    use crate::tree::Tree;

    fn found(readme_text: &str, paths: &[&str]) -> Vec<String> {
        let files = [SourceFile::new(README, readme_text)];
        readme(&files, paths.iter().copied()).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn nothing_stands_at_the_root_of_this_checkout_that_may_not() {
        let tree = Tree::read();
        let findings = top_level(tree.paths());
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn the_map_in_the_readme_is_this_checkout() {
        let tree = Tree::read();
        let findings = readme(&tree.texts, tree.paths());
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn a_new_folder_or_file_at_the_root_is_found() {
        let paths = ["docs/a.md", "notes.txt", "schema/src/lib.rs", ".github/x.yml", "README.md"];
        let names: Vec<String> =
            top_level(paths.into_iter()).into_iter().map(|finding| finding.path).collect();
        assert_eq!(names, ["docs", "notes.txt"]);
    }

    #[test]
    fn a_path_of_the_map_that_is_not_on_disk_is_found() {
        let map =
            "```tree\nschema/           the rulebook\n  src/record/     records\n  src/gone/       x\n```\n";
        let paths = ["schema/src/record/mod.rs", "README.md"];
        assert_eq!(found(map, &paths), ["`schema/src/gone/` is not on disk; folders end in a slash"]);
        let flat = "```tree\nschema/\nschema/src/record/  records\nschema/src/record/mod.rs\n```\n";
        assert_eq!(found(flat, &paths), Vec::<String>::new());
    }

    #[test]
    fn a_room_on_disk_that_the_map_does_not_show_is_found() {
        let map = "# x\n```tree\nschema/\n```\nschema/src/fold/\n";
        let paths = ["schema/src/fold/mod.rs", "schema/src/id.rs", "server/src/main.rs", ".config/x.toml"];
        assert_eq!(
            found(map, &paths),
            ["the map does not show `schema/src/fold/`", "the map does not show `server/`"]
        );
    }

    #[test]
    fn a_readme_without_a_map_is_found() {
        assert_eq!(found("# Louan\n```text\nschema/\n```\n", &["schema/src/lib.rs"]).len(), 1);
        assert_eq!(readme(&[], std::iter::empty()).len(), 1);
    }
}
