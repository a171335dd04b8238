//! The house rules as ordinary tests.
//!
//! Every rule is a pure function from a list of files to a list of findings, so that each can be shown a bad
//! sample and seen to fail; beside that stands one test that holds the rule against this checkout. The rules read
//! text, they do not compile: what they cannot see (a path built by a macro, a re-export under another name) they
//! do not claim. To change a wall, change its table here in the same commit and say why.

pub mod crates;
pub mod form;
pub mod glossary;
pub mod habits;
pub mod licences;
pub mod map;
pub mod names;
pub mod outbound;
pub mod rooms;
pub mod rust;
pub mod supply;
pub mod tree;

use std::fmt;

/// A file of the checkout: its path from the root, with `/`, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path from the root.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// A file by path and text; tests make up whole trees of these.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the file ends in one of these extensions, given without the dot.
    #[must_use]
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, end)| extensions.contains(&end))
    }

    /// Whether the file is a test or bench as a whole, not production code.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || ["/tests/", "/benches/"].iter().any(|folder| self.path.contains(folder))
            || self.path.ends_with("/tests.rs")
    }
}

/// A rule broken: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the root, or the name of a crate.
    pub path: String,
    /// The line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl Finding {
    /// A finding in a line, or with 0 in a whole file.
    pub fn new(path: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// One line a finding, for the message of a failing test.
#[must_use]
pub fn listed(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n  {finding}")).collect()
}
