//! What is built in may be given on (A20): the licence of every package, as its manifest says it.
//!
//! Whoever runs this gives it to others as one program. A licence that is not on the list is not forbidden: it is read
//! by a person first, and then put on it.

use serde_json::Value;

use crate::Finding;

/// Licences that ask for no more than their text and, of MPL-2.0, for changes to its own files.
const READ: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with what is on the list. The slash of old manifests is an OR.
#[must_use]
pub fn can_be_met(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    alternatives(&words, &mut at) == Some(true) && at == words.len()
}

fn alternatives(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut met = all_of(words, at)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at)?;
    }
    Some(met)
}

fn all_of(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut met = one(words, at)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at)?;
    }
    Some(met)
}

fn one(words: &[&str], at: &mut usize) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    if word == "(" {
        let met = alternatives(words, at)?;
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return closed.then_some(met);
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1)?;
        *at += 2;
        return Some(READ.contains(&format!("{word} WITH {exception}").as_str()));
    }
    Some(READ.contains(&word))
}

/// Every package of `cargo metadata` whose licence nobody has read, or that names none.
#[must_use]
pub fn unread(metadata: &Value) -> Vec<Finding> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let strangers = packages.iter().filter(|package| !package["source"].is_null());
    let findings = strangers.filter_map(|package| {
        let name = package["name"].as_str().unwrap_or_default();
        match package["license"].as_str() {
            Some(licence) if can_be_met(licence) => None,
            Some(licence) => Some(format!("{name} is under `{licence}`, which is not on the list")),
            None => Some(format!("{name} names no licence")),
        }
    });
    findings.map(|what| Finding::new("Cargo.lock", 0, what)).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{listed, tree};

    #[test]
    fn everything_that_is_built_in_is_under_a_licence_somebody_has_read() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        // Of other platforms nothing has been fetched, and nothing is built.
        let words = [
            "metadata",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ];
        let output = Command::new(cargo).args(words).current_dir(tree::root()).output();
        let output = output.expect("cargo describes what is built in");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
        assert!(
            metadata["packages"].as_array().is_some_and(|packages| packages.len() > 100),
            "it is all there"
        );
        let findings = unread(&metadata);
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn a_licence_that_is_not_on_the_list_is_found_and_an_alternative_that_is_suffices() {
        for met in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR GPL-2.0) AND BSD-3-Clause",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0-only",
        ] {
            assert!(can_be_met(met), "{met}");
        }
        for unmet in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "(MIT",
            "MIT OR",
            "MIT MIT",
            "AGPL-3.0-only OR SSPL-1.0",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert!(!can_be_met(unmet), "{unmet}");
        }
        let package =
            |license: &str| format!(r#"{{"packages":[{{"name":"a","source":"x","license":{license}}}]}}"#);
        let found = |license| unread(&serde_json::from_str(&package(license)).expect("JSON")).len();
        assert_eq!([found("\"MIT\""), found("\"SSPL-1.0\""), found("null")], [0, 1, 1]);
    }
}
