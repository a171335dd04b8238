//! One Chinese term, one identifier: `schema/GLOSSARY.md` against the sources.
//!
//! Every identifier of the glossary is defined somewhere with a doc comment whose first line carries its Chinese
//! term; no term and no identifier stands twice; nothing is declared under a name the glossary rules out. Whether
//! a name is pinyin, no machine can tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust::{line_of, parts, words};
use crate::{Finding, SourceFile};

/// Where the glossary stands.
pub const GLOSSARY: &str = "schema/GLOSSARY.md";

/// A row of the glossary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Line in the glossary.
    pub line: usize,
    /// The Chinese term.
    pub chinese: String,
    /// The identifier.
    pub identifier: String,
    /// Names not to be used for it.
    pub not: Vec<String>,
}

/// The rows of the glossary's tables: `| 术语 | identifier | meaning | not to be called |`.
#[must_use]
pub fn terms(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let [chinese, identifier, _, not] = cells[..] else { continue };
        let Some(identifier) = identifier.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        let not = not
            .split(',')
            .map(|name| name.trim().trim_matches('`').to_owned())
            .filter(|name| !name.is_empty());
        terms.push(Term {
            line: i + 1,
            chinese: chinese.to_owned(),
            identifier: identifier.to_owned(),
            not: not.collect(),
        });
    }
    terms
}

/// Every identifier without its term, every term or identifier twice, every name ruled out.
#[must_use]
pub fn kept(files: &[SourceFile]) -> Vec<Finding> {
    let Some(glossary) = files.iter().find(|file| file.path == GLOSSARY) else {
        return vec![Finding::new(GLOSSARY, 0, "is missing")];
    };
    let terms = terms(&glossary.text);
    if terms.is_empty() {
        return vec![Finding::new(
            GLOSSARY,
            0,
            "has no row; write | 术语 | `Identifier` | meaning | not to be called |",
        )];
    }
    let definitions = definitions(files);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for term in &terms {
        for name in [&term.chinese, &term.identifier] {
            if !seen.insert(name) {
                findings.push(Finding::new(
                    GLOSSARY,
                    term.line,
                    format!("`{name}` stands twice; one term, one name"),
                ));
            }
        }
        let first_lines = definitions.get(&term.identifier).map(Vec::as_slice).unwrap_or_default();
        if !first_lines.iter().any(|line| line.contains(&term.chinese)) {
            let what = format!(
                "`{}` has no definition whose doc comment says ({}) in its first line",
                term.identifier, term.chinese
            );
            findings.push(Finding::new(GLOSSARY, term.line, what));
        }
    }
    findings.extend(ruled_out(files, &terms));
    findings
}

/// Identifier → first doc lines of everything defined under that name, also inside macros and enums.
fn definitions(files: &[SourceFile]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        let mut doc: Option<&str> = None;
        let mut attribute_depth = 0_i32;
        for line in file.text.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                doc = doc.or(Some(text));
            } else if attribute_depth > 0 || line.starts_with("#[") {
                let count = |c: char| i32::try_from(line.matches(c).count()).unwrap_or(0);
                attribute_depth += count('[') - count(']');
            } else {
                if let (Some(doc), Some(name)) = (doc, defined_name(line)) {
                    found.entry(name.to_owned()).or_default().push(doc.to_owned());
                }
                doc = None;
            }
        }
    }
    found
}

/// The name a line defines: behind its keyword, or first on the line inside a macro or an enum.
fn defined_name(line: &str) -> Option<&str> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let passed_over = ["pub", "crate", "super", "const", "static", "async", "unsafe", "mut"];
    let keywords = ["struct", "enum", "trait", "type", "fn", "mod", "macro_rules"];
    words.into_iter().find(|word| !passed_over.contains(word) && !keywords.contains(word))
}

fn ruled_out(files: &[SourceFile], terms: &[Term]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        let code = parts(&file.text).code;
        for keyword in ["struct", "enum", "trait", "type"] {
            for at in words(&code, keyword) {
                let after = code[at + keyword.len()..].trim_start();
                let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
                for term in terms.iter().filter(|term| term.not.iter().any(|name| *name == after[..end])) {
                    let what =
                        format!("`{}` is called `{}` ({})", &after[..end], term.identifier, term.chinese);
                    findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
                }
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

    const HEAD: &str = "| 术语 | identifier | meaning | not to be called |\n|---|---|---|---|\n";

    fn found(rows: &str, source: &str) -> Vec<String> {
        let files =
            [SourceFile::new(GLOSSARY, &format!("{HEAD}{rows}")), SourceFile::new("a/src/lib.rs", source)];
        kept(&files).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn this_checkout_keeps_its_glossary() {
        let findings = kept(&Tree::read().texts);
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn an_identifier_without_its_term_is_found() {
        let row = "| 火灾隐患 | `Hazard` | what is wrong | `Risk`, `Danger` |\n";
        assert_eq!(
            found(row, "/// A hazard (火灾隐患): what.\n#[derive(\n    Debug,\n)]\npub struct Hazard;").len(),
            0
        );
        assert_eq!(
            found(row, "/// A hazard.\n/// (火灾隐患)\npub struct Hazard;").len(),
            1,
            "not in the first line"
        );
        assert_eq!(
            found(row, "/// A hazard (火灾隐患).\n\nstruct Other;\nstruct Hazard;").len(),
            1,
            "another's comment"
        );
        assert_eq!(found(row, "").len(), 1);
    }

    #[test]
    fn definitions_inside_macros_enums_and_functions_count() {
        for (name, source) in [
            ("RoundId", "id_type!(\n    /// One round (轮).\n    RoundId\n);"),
            ("Role", "code_list! {\n    /// A role (轮).\n    Role {\n"),
            ("Fix", "enum Kind {\n    /// A fix (轮).\n    Fix,\n"),
            ("may", "/// Whether (轮).\n#[must_use]\npub const fn may(role: Role) -> bool {"),
            ("LIMIT", "/// A limit (轮).\npub const LIMIT: u8 = 1;"),
        ] {
            assert_eq!(found(&format!("| 轮 | `{name}` | x | |\n"), source), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_name_ruled_out_is_found_where_it_is_declared() {
        let row = "| 火灾隐患 | `Hazard` | what is wrong | `Risk`, `Danger` |\n";
        let defined = "/// A hazard (火灾隐患).\nstruct Hazard;\n";
        assert_eq!(found(row, &format!("{defined}enum Risk {{}}")), ["`Risk` is called `Hazard` (火灾隐患)"]);
        assert_eq!(
            found(row, &format!("{defined}// enum Risk\nlet risk = \"struct Danger\";")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_term_or_an_identifier_twice_is_found() {
        let source = "/// A hazard (火灾隐患).\nstruct Hazard;\n";
        let twice = "| 火灾隐患 | `Hazard` | a | |\n| 火灾隐患 | `Hazard` | b | |\n";
        assert_eq!(found(twice, source).len(), 2);
    }

    #[test]
    fn a_missing_or_empty_glossary_is_found() {
        assert_eq!(kept(&[]).len(), 1);
        assert_eq!(found("", "").len(), 1);
    }
}
