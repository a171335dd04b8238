//! The form of files: length, opening, place, names, encoding, and words that may not stand in them.
//!
//! What is judged here is what a reader meets first. Needles are put together from halves, so that this file does
//! not find itself.

use crate::rust::{line_of, parts, words};
use crate::{Finding, SourceFile};

/// Longest source file, in lines.
const LINES_MAX: usize = 400;
/// Longest opening comment, in lines.
const OPENING_MAX: usize = 15;
/// Sources whose length is not ours: written by a generator from a file that is checked in.
const GENERATED: &[&str] = &[];
/// Extensions of sources with a length limit.
const SOURCES: &[&str] = &["rs", "py", "ts", "vue"];
/// Extensions that must be UTF-8 with line feeds.
const TEXTS: &[&str] = &[
    "rs", "toml", "md", "py", "ts", "vue", "js", "mjs", "css", "html", "json", "txt", "sql", "yml", "yaml",
    "sh", "csv", "svg", "lock",
];
/// Folders with files of others, kept byte for byte.
const BYTE_FOR_BYTE: &[&str] = &["tests/data/"];
/// Names that say nothing; a thing lives with its user or gets a name of its own.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "manager", "helper", "helpers", "misc"];
/// Endings that say nothing, for types.
const EMPTY_ENDINGS: &[&str] = &["Manager", "Helper", "Util", "Utils", "Common", "Data", "Info"];

/// Every source longer than the limit.
#[must_use]
pub fn length(files: &[SourceFile]) -> Vec<Finding> {
    let sources =
        files.iter().filter(|file| file.has_extension(SOURCES) && !GENERATED.contains(&file.path.as_str()));
    sources
        .filter_map(|file| {
            let lines = file.text.lines().count();
            let what = format!("has {lines} lines; split it at a seam, {LINES_MAX} is the most");
            (lines > LINES_MAX).then(|| Finding::new(file.path.as_str(), 0, what))
        })
        .collect()
}

/// Every Rust file that does not open by saying what it is.
#[must_use]
pub fn opening(files: &[SourceFile]) -> Vec<Finding> {
    rust_files(files)
        .filter_map(|file| {
            let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
            let what = match lines {
                0 => "does not open with `//!`: say what this room is and what it refuses to do".to_owned(),
                n if n > OPENING_MAX => format!("opens with {n} lines of `//!`; {OPENING_MAX} are the most"),
                _ => return None,
            };
            Some(Finding::new(file.path.as_str(), 1, what))
        })
        .collect()
}

/// Every module written as a file beside its own folder.
#[must_use]
pub fn module_place(files: &[SourceFile]) -> Vec<Finding> {
    rust_files(files)
        .filter(|file| {
            let folder = format!("{}/", file.path.trim_end_matches(".rs"));
            rust_files(files).any(|other| other.path.starts_with(&folder))
        })
        .map(|file| {
            let folder = file.path.trim_end_matches(".rs");
            Finding::new(
                file.path.as_str(),
                0,
                format!("stands beside its folder; move it to {folder}/mod.rs"),
            )
        })
        .collect()
}

/// Every note to oneself without the number of an issue, every empty name of a file, module or type.
#[must_use]
pub fn words_and_names(files: &[SourceFile]) -> Vec<Finding> {
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut findings = Vec::new();
    for file in
        files.iter().filter(|file| file.has_extension(&["rs", "py", "ts", "vue", "js", "sql", "toml", "sh"]))
    {
        for (i, line) in file.text.lines().enumerate() {
            let numbered = line.split('#').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if !numbered && notes.iter().any(|note| words(line, note).next().is_some()) {
                findings.push(Finding::new(
                    file.path.as_str(),
                    i + 1,
                    "a note without an issue number, as in (#12)",
                ));
            }
        }
    }
    for file in files.iter().filter(|file| file.has_extension(SOURCES)) {
        let parts = file.path.trim_end_matches(".rs").split(['/', '.']);
        for name in parts.filter(|part| EMPTY_NAMES.contains(&part.to_lowercase().as_str())) {
            findings.push(Finding::new(
                file.path.as_str(),
                0,
                format!("`{name}` says nothing; name what it holds"),
            ));
        }
    }
    for file in rust_files(files) {
        declared_names(file, &mut findings);
    }
    findings
}

fn declared_names(file: &SourceFile, findings: &mut Vec<Finding>) {
    let code = parts(&file.text).code;
    for keyword in ["struct", "enum", "trait", "type", "mod"] {
        for at in words(&code, keyword) {
            let after = code[at + keyword.len()..].trim_start();
            let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
            let name = &after[..end];
            let ends_empty = |ending: &&'static str| name.ends_with(*ending);
            let empty = match keyword {
                "mod" => EMPTY_NAMES.contains(&name),
                // `type Data = …` alone is the associated type of somebody else's trait.
                "type" => EMPTY_ENDINGS.iter().any(|ending| ends_empty(ending) && name != *ending),
                _ => EMPTY_ENDINGS.iter().any(ends_empty),
            };
            if empty {
                let what = format!("`{name}` says nothing; name what it is");
                findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
            }
        }
    }
}

/// Every path of one machine and every host of a package registry; lock files name hosts by their nature.
#[must_use]
pub fn machine(files: &[SourceFile]) -> Vec<Finding> {
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tm", "p/"), concat!("/ho", "me/")];
    let hosts = [
        concat!("crates", ".io"),
        concat!("registry.npm", "js.org"),
        concat!("npm", "mirror.com"),
        concat!("py", "pi.org"),
        concat!("pythonhosted", ".org"),
    ];
    let mut findings = Vec::new();
    let lock = |path: &str| path.ends_with("Cargo.lock") || path.ends_with("package-lock.json");
    for file in files.iter().filter(|file| !lock(&file.path) && !byte_for_byte(&file.path)) {
        for (i, line) in file.text.lines().enumerate() {
            let path = paths.iter().find(|path| {
                // `client/work/` is a folder of ours; a path of a machine starts at its root.
                line.match_indices(*path)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.".contains(c)))
            });
            if let Some(found) = path.or_else(|| hosts.iter().find(|host| line.contains(*host))) {
                let what = format!("`{found}` belongs to one machine or registry; say it without");
                findings.push(Finding::new(file.path.as_str(), i + 1, what));
            }
        }
    }
    findings
}

/// Every text that is no UTF-8, has a byte order mark or carriage returns, or does not end its last line.
#[must_use]
pub fn encoding(files: &[SourceFile], binaries: &[String]) -> Vec<Finding> {
    let extension = |path: &str| path.rsplit_once('.').map(|(_, end)| end.to_owned()).unwrap_or_default();
    let mut findings: Vec<Finding> = binaries
        .iter()
        .filter(|path| TEXTS.contains(&extension(path).as_str()) && !byte_for_byte(path))
        .map(|path| Finding::new(path.as_str(), 0, "is not UTF-8"))
        .collect();
    for file in files.iter().filter(|file| file.has_extension(TEXTS) && !byte_for_byte(&file.path)) {
        let mut add = |what: &str| findings.push(Finding::new(file.path.as_str(), 0, what));
        if file.text.starts_with('\u{feff}') {
            add("starts with a byte order mark");
        }
        if file.text.contains('\r') {
            add("has carriage returns; end lines with a line feed only");
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            add("does not end its last line");
        }
    }
    findings
}

fn byte_for_byte(path: &str) -> bool {
    BYTE_FOR_BYTE.iter().any(|folder| path.starts_with(folder))
}

fn rust_files(files: &[SourceFile]) -> impl Iterator<Item = &SourceFile> {
    files.iter().filter(|file| file.has_extension(&["rs"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;
    use crate::tree::Tree;

    #[track_caller]
    fn found(rule: fn(&[SourceFile]) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&[SourceFile::new(path, text)]).len()
    }

    #[test]
    fn every_file_of_this_checkout_is_in_form() {
        let tree = Tree::read();
        let mut findings = encoding(&tree.texts, &tree.binaries);
        for rule in [length, opening, module_place, words_and_names, machine] {
            findings.extend(rule(&tree.texts));
        }
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn a_file_of_401_lines_is_too_long() {
        for path in ["a/b.rs", "a/b.py", "a/b.ts", "a/b.vue"] {
            assert_eq!(found(length, path, &"x\n".repeat(LINES_MAX)), 0);
            assert_eq!(found(length, path, &"x\n".repeat(LINES_MAX + 1)), 1);
        }
        assert_eq!(found(length, "a/b.md", &"x\n".repeat(LINES_MAX + 1)), 0);
    }

    #[test]
    fn a_rust_file_opens_by_saying_what_it_is_and_not_for_pages() {
        assert_eq!(found(opening, "a/b.rs", "//! A room.\nuse x;\n"), 0);
        assert_eq!(found(opening, "a/b.rs", "use x;\n//! late\n"), 1);
        assert_eq!(found(opening, "a/b.rs", "// a remark\n"), 1);
        assert_eq!(found(opening, "a/b.rs", &"//! line\n".repeat(OPENING_MAX + 1)), 1);
    }

    #[test]
    fn a_module_beside_its_folder_is_found() {
        let files = [SourceFile::new("a/src/room.rs", ""), SourceFile::new("a/src/room/wall.rs", "")];
        assert_eq!(module_place(&files).len(), 1);
        let files = [SourceFile::new("a/src/room/mod.rs", ""), SourceFile::new("a/src/roomy/wall.rs", "")];
        assert_eq!(module_place(&files), []);
    }

    #[test]
    fn a_note_needs_an_issue_number() {
        let note = concat!("TO", "DO");
        assert_eq!(found(words_and_names, "a/b.rs", &format!("// {note}: later\n")), 1);
        assert_eq!(found(words_and_names, "a/b.ts", &format!("// {}\n", concat!("FIX", "ME"))), 1);
        assert_eq!(found(words_and_names, "a/b.rs", &format!("// {note}(#12): later\n")), 0);
        assert_eq!(found(words_and_names, "a/b.rs", "let mastodon = 1;\n"), 0);
    }

    #[test]
    fn names_that_say_nothing_are_found_as_files_modules_and_types() {
        for path in ["a/src/util.rs", "a/src/common/mod.rs", "a/src/helpers.ts", "a/Manager.vue"] {
            assert_eq!(found(words_and_names, path, ""), 1, "{path}");
        }
        for text in ["mod helper {}", "pub struct SyncManager;", "enum HazardInfo {}", "type BlobData = u8;"]
        {
            assert_eq!(found(words_and_names, "a/b.rs", text), 1, "{text}");
        }
        for text in [
            "// a manager\nstruct Manage;",
            "enum Role { PropertyManager }",
            "impl Body for X { type Data = Bytes; }",
            "let data_info = \"struct XData\";",
        ] {
            assert_eq!(found(words_and_names, "a/b.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn a_path_of_a_machine_and_a_host_of_a_registry_are_found() {
        for text in [
            concat!("cd /wo", "rk/main\n"),
            concat!("path = \"/ro", "ot/x\"\n"),
            concat!("see https://crates", ".io/x\n"),
            concat!("https://registry.npm", "js.org\n"),
        ] {
            assert_eq!(found(machine, "a/b.md", text), 1, "{text}");
        }
        assert_eq!(found(machine, "a/b.md", concat!("client/wo", "rk/x and ./ro", "ot/x\n")), 0);
        assert_eq!(found(machine, "Cargo.lock", concat!("registry+https://crates", ".io-index\n")), 0);
    }

    #[test]
    fn a_text_is_utf8_with_line_feeds_and_a_last_line() {
        for text in ["a\r\n", "\u{feff}a\n", "a"] {
            assert_eq!(encoding(&[SourceFile::new("a/b.md", text)], &[]).len(), 1, "{text:?}");
        }
        assert_eq!(encoding(&[SourceFile::new("a/b.md", "綦\n")], &["a/b.png".to_owned()]), []);
        assert_eq!(encoding(&[], &["a/b.rs".to_owned()]).len(), 1);
        assert_eq!(encoding(&[SourceFile::new("tests/data/x.csv", "a\r\n")], &[]), []);
    }
}
