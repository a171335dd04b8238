//! What is built is what was locked (A20): every package from a registry with the hash of its content, every build
//! from the lock file.

use serde_json::Value;

use crate::{Finding, SourceFile};

/// Commands of cargo that read the lock file, and would write it anew without being told not to.
const BUILDS: &[&str] =
    &["build", "test", "run", "clippy", "doc", "bench", "install", "rustc", "check", "metadata"];
/// Files with commands in them.
const COMMANDS: &[&str] = &["sh", "mjs", "yml", "yaml"];

/// Every package of a `Cargo.lock` that is not ours and not of the registry with its hash. Ours have no source; `ours`
/// names them.
#[must_use]
pub fn cargo_lock(file: &SourceFile, ours: &[&str]) -> Vec<Finding> {
    let registry = concat!("registry+https://github.com/rust-lang/crates", ".io-index");
    let mut findings = Vec::new();
    for block in file.text.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.map(|text| text.trim_matches('"').to_owned())
        };
        let name = value("name").unwrap_or_default();
        let what = match (value("source"), value("checksum")) {
            (None, _) if ours.contains(&name.as_str()) => continue,
            (Some(source), Some(hash)) if source == registry && hash.len() == 64 => continue,
            (None, _) => "comes from nowhere that is locked",
            (Some(source), _) if source != registry => "comes from elsewhere than the registry",
            _ => "has no hash of its content",
        };
        findings.push(Finding::new(file.path.as_str(), 0, format!("{name} {what}")));
    }
    findings
}

/// Every package of a `package-lock.json` without the hash of its content.
#[must_use]
pub fn npm_lock(file: &SourceFile) -> Vec<Finding> {
    let lock: Value = serde_json::from_str(&file.text).unwrap_or_default();
    let Some(packages) = lock["packages"].as_object() else {
        return vec![Finding::new(file.path.as_str(), 0, "lists no packages")];
    };
    let hashed = |entry: &Value| entry["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-"));
    let bare = packages.iter().filter(|(name, entry)| !name.is_empty() && !hashed(entry));
    bare.map(|(name, _)| Finding::new(file.path.as_str(), 0, format!("{name} has no hash of its content")))
        .collect()
}

/// Every line of a requirements file that leaves a version open.
#[must_use]
pub fn requirements(file: &SourceFile) -> Vec<Finding> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter(|(_, line)| !line.contains("=="))
        .map(|(i, line)| Finding::new(file.path.as_str(), i + 1, format!("`{line}` leaves the version open")))
        .collect()
}

/// Every command that builds without the lock file, or installs what npm likes.
#[must_use]
pub fn commands(files: &[SourceFile]) -> Vec<Finding> {
    let is_script = |file: &SourceFile| file.has_extension(COMMANDS) || file.path == "Makefile";
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_script(file)) {
        for (i, line) in
            file.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with(['#', '/']))
        {
            let mut add = |what: &str| findings.push(Finding::new(file.path.as_str(), i + 1, what));
            for part in line.split("cargo ").skip(1) {
                let mut words = part.split_whitespace().skip_while(|word| word.starts_with('+'));
                let built = words.next().is_some_and(|word| BUILDS.contains(&word));
                if built && !part.contains("--locked") && !part.contains("--version") {
                    add("builds without --locked");
                }
            }
            if line.contains("npm install") || line.contains("npm i ") {
                add("installs what npm likes; npm ci installs what is locked");
            }
        }
    }
    findings
}

/// Crates that files taken in by path use and a manifest does not name. `known` are those that could be meant; only
/// what is built apart from the workspace can lack one unseen.
#[must_use]
pub fn unnamed(manifest: &SourceFile, files: &[&SourceFile], known: &[String]) -> Vec<Finding> {
    let named = |name: &str| manifest.text.lines().any(|line| line.starts_with(&format!("{name} = ")));
    let uses = |file: &SourceFile, name: &str| {
        let path = format!("{}::", name.replace('-', "_"));
        let starts = |(at, _): (usize, &str)| {
            !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
        };
        file.text.match_indices(&path).any(starts)
    };
    let lacking = known.iter().filter(|name| !named(name));
    let mut findings = Vec::new();
    for name in lacking {
        let by = files.iter().filter(|file| uses(file, name));
        findings.extend(by.map(|file| {
            Finding::new(manifest.path.as_str(), 0, format!("{name} is not named, and {} uses it", file.path))
        }));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;
    use crate::{crates, listed};

    /// Crates of ours that are built apart from the workspace.
    const APART: [&str; 3] = ["louan-mobile-bind", "louan-web-bind", "louan-wasm-probe"];

    #[test]
    fn everything_this_checkout_is_built_of_is_locked_with_its_hash() {
        let tree = Tree::read();
        let manifests = crates::manifests();
        let mut ours: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
        ours.extend(APART);
        let mut findings = commands(&tree.texts);
        let named =
            |name: &str| tree.texts.iter().filter(move |file| file.path.ends_with(name)).collect::<Vec<_>>();
        for file in named("Cargo.lock") {
            assert!(file.text.matches("checksum").count() > 10, "{} is read", file.path);
            findings.extend(cargo_lock(file, &ours));
        }
        named("package-lock.json").into_iter().for_each(|file| findings.extend(npm_lock(file)));
        named("requirements.txt").into_iter().for_each(|file| findings.extend(requirements(file)));
        assert_eq!(
            [named("Cargo.lock").len(), named("package-lock.json").len(), named("requirements.txt").len()],
            [4, 1, 1]
        );
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    /// What fuzzing takes in by path; its tests are compiled with the kit and not there.
    const FUZZED: [&str; 4] =
        ["tests/fuzz/targets/", "tests/fuzz/attack/", "server/tests/kit/", "server/tests/traps/"];

    fn names_of(manifest: &SourceFile) -> Vec<String> {
        let behind = manifest.text.split("dependencies]").skip(1);
        let lines = behind.flat_map(|part| part.lines().take_while(|line| !line.starts_with('[')));
        let names = lines.filter_map(|line| line.split(['.', ' ']).next().filter(|name| !name.is_empty()));
        names.map(str::to_owned).collect()
    }

    #[test]
    fn fuzzing_names_every_crate_that_what_it_takes_in_uses() {
        let tree = Tree::read();
        let file = |path: &str| tree.texts.iter().find(|file| file.path == path).expect("is there");
        let mut taken_in: Vec<SourceFile> = tree
            .texts
            .iter()
            .filter(|file| FUZZED.iter().any(|at| file.path.starts_with(at)))
            .cloned()
            .collect();
        for file in &mut taken_in {
            let end = file.text.find("#[cfg(test)]").unwrap_or(file.text.len());
            file.text.truncate(end);
        }
        assert!(taken_in.len() > 8, "{} files", taken_in.len());
        let known = names_of(file("server/Cargo.toml"));
        assert!(known.len() > 20, "{known:?}");
        let files: Vec<&SourceFile> = taken_in.iter().collect();
        let findings = unnamed(file("tests/fuzz/Cargo.toml"), &files, &known);
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn a_crate_that_is_used_and_not_named_is_found() {
        let manifest = SourceFile::new("Cargo.toml", "[dependencies]\nsha2 = \"0.11\"\n");
        let known = ["sha2", "serde-json"].map(str::to_owned);
        let found = |text: &str| unnamed(&manifest, &[&SourceFile::new("a.rs", text)], &known).len();
        assert_eq!(found("use sha2::Digest;"), 0);
        assert_eq!(found("let seed = serde_json::to_vec(&act);"), 1);
        assert_eq!(found("use crate::serde_json::to_vec; my_serde_json::x();"), 0, "a module of its own");
    }

    #[test]
    fn a_package_from_elsewhere_or_without_its_hash_is_found() {
        let registry = concat!("registry+https://github.com/rust-lang/crates", ".io-index");
        let hash = "0".repeat(64);
        let found = |lines: &str| {
            let text = format!("version = 4\n\n[[package]]\nname = \"a\"\n{lines}\n");
            cargo_lock(&SourceFile::new("Cargo.lock", &text), &["ours"]).len()
        };
        assert_eq!(found(&format!("source = \"{registry}\"\nchecksum = \"{hash}\"")), 0);
        assert_eq!(found(&format!("source = \"{registry}\"")), 1);
        assert_eq!(found(&format!("source = \"git+https://x.test/a#1\"\nchecksum = \"{hash}\"")), 1);
        assert_eq!(found("version = \"1.0.0\""), 1, "a path that is not of this workspace");
        let ours = SourceFile::new("Cargo.lock", "[[package]]\nname = \"ours\"\nversion = \"1.0.0\"\n");
        assert_eq!(cargo_lock(&ours, &["ours"]), []);
    }

    #[test]
    fn a_package_of_npm_and_a_version_left_open_are_found() {
        let lock = |entry: &str| {
            SourceFile::new(
                "package-lock.json",
                &format!("{{\"packages\":{{\"\":{{}},\"node_modules/a\":{entry}}}}}"),
            )
        };
        assert_eq!(npm_lock(&lock("{\"integrity\":\"sha512-x\"}")), []);
        assert_eq!(npm_lock(&lock("{\"resolved\":\"x\"}")).len(), 1);
        assert_eq!(npm_lock(&SourceFile::new("package-lock.json", "{")).len(), 1);
        assert_eq!(requirements(&SourceFile::new("requirements.txt", "# x\na==1\nb>=2\n")).len(), 1);
    }

    #[test]
    fn a_build_that_may_write_the_lock_anew_is_found() {
        let found = |line: &str| commands(&[SourceFile::new("Makefile", &format!("x:\n\t{line}\n"))]).len();
        for line in
            ["cargo build", "cargo +nightly test --workspace", "A=b cargo run --bin x", "npm install x"]
        {
            assert_eq!(found(line), 1, "{line}");
        }
        for line in
            ["cargo build --locked", "cargo fmt --all", "cargo clippy --version", "npm ci", "# cargo build"]
        {
            assert_eq!(found(line), 0, "{line}");
        }
        assert_eq!(commands(&[SourceFile::new("README.md", "cargo build\n")]), []);
    }
}
