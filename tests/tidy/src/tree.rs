//! The checkout as a list of files: what git tracks, and what it would track if it were added.
//!
//! Ignored files (build folders, packages) are nobody's business. Files that are no UTF-8 text are listed by path
//! only; [`crate::form`] decides which may be so.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::SourceFile;

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the checkout consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Every text, by path.
    pub texts: Vec<SourceFile>,
    /// Paths of files that are no UTF-8.
    pub binaries: Vec<String>,
}

impl Tree {
    /// Reads the checkout.
    ///
    /// # Panics
    /// When git cannot list it or a listed file cannot be read: then no rule can be held against it.
    #[must_use]
    pub fn read() -> Self {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root())
            .output()
            .expect("git lists the checkout");
        assert!(listing.status.success(), "git could not list the checkout: {listing:?}");
        let mut tree = Self::default();
        let mut paths: Vec<&[u8]> =
            listing.stdout.split(|byte| *byte == 0).filter(|p| !p.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let path = std::str::from_utf8(path).expect("paths of this project are UTF-8").to_owned();
            // A file deleted but not yet committed is still listed.
            let Ok(bytes) = std::fs::read(root().join(&path)) else { continue };
            match String::from_utf8(bytes) {
                Ok(text) if !text.contains('\0') => tree.texts.push(SourceFile { path, text }),
                _ => tree.binaries.push(path),
            }
        }
        tree
    }

    /// Every path, texts and others.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|file| file.path.as_str()).chain(self.binaries.iter().map(String::as_str))
    }

    /// The text of one file.
    #[must_use]
    pub fn text_of(&self, path: &str) -> Option<&str> {
        self.texts.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_lists_itself_and_no_build_folder() {
        let tree = Tree::read();
        assert!(tree.text_of("tests/tidy/src/tree.rs").is_some_and(|text| text.contains("lists_itself")));
        assert!(!tree.paths().any(|path| path.starts_with("target/")));
    }
}
