//! An installation that is well, for the doctor to look at, and what he says of it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use super::commands::{finished, louan, office, run};

/// An installation that is well.
pub(crate) struct House(tempfile::TempDir);

/// Somebody who is nobody: rights count for him, also where these tests run as root.
pub(crate) const NOBODY: u32 = 65_534;

impl House {
    pub(crate) fn new() -> Self {
        let house = Self(tempfile::tempdir().expect("a folder"));
        let dir = house.at("tls");
        let init = ["tls", "init", "--dir", dir.to_str().expect("plain"), "--name", "louan.test"];
        assert_eq!(run(house.here(), &init).0, 0);
        office(house.here());
        let photo = house.photo();
        fs::create_dir_all(photo.parent().expect("a shelf")).expect("a folder");
        fs::write(&photo, "a staircase").expect("a photo");
        fs::set_permissions(house.at("photos"), Permissions::from_mode(0o700)).expect("set");
        assert_eq!(run(house.here(), &["backup", "--to", house.at("backups").to_str().expect("plain")]).0, 0);
        house
    }

    pub(crate) fn here(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.here().join(name)
    }

    pub(crate) fn photo(&self) -> PathBuf {
        let hash: String = <sha2::Sha256 as sha2::Digest>::digest("a staircase")
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        self.at("photos").join(&hash[..2]).join(hash)
    }

    pub(crate) fn doctor(&self) -> Command {
        self.doctor_of("--json")
    }

    pub(crate) fn doctor_of(&self, flag: &str) -> Command {
        let mut command = louan(self.here(), &["doctor", flag]);
        command
            .env("LOUAN__EDGE__CERTIFICATE", self.at("tls/server.pem"))
            .env("LOUAN__EDGE__KEY", self.at("tls/server.key"))
            .env("LOUAN__BACKUP__TO", self.at("backups"));
        command
    }

    /// Exit code, and each check with its state and what was found.
    pub(crate) fn examined(&self) -> (i32, BTreeMap<String, (String, String)>) {
        read(self.doctor())
    }

    /// The line that a person reads about a check with this title.
    pub(crate) fn told(&self, title: &str) -> String {
        let (_, said) = finished(&self.doctor_of("--quick").output().expect("the executable"));
        let line = said.lines().find(|line| line.contains(&format!("  {title}：")));
        line.unwrap_or_else(|| panic!("{title}: {said}")).to_owned()
    }

    /// Does something to the store's tables, past its triggers.
    pub(crate) fn forge(&self, sql: &str) {
        let connection = Connection::open(self.at("louan.sqlite")).expect("a database");
        let triggers: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
            .expect("triggers");
        for name in triggers {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("gone");
        }
        connection.execute_batch(sql).expect("forged");
    }

    /// Gives everything, and a program of his own, to somebody without privileges, and runs the doctor as him.
    pub(crate) fn as_nobody(
        &self,
        run: impl FnOnce(&mut Command),
    ) -> (i32, BTreeMap<String, (String, String)>) {
        let program = self.at("louan");
        // A worker of an earlier doctor may still be on its way out of the old one.
        let _ = fs::remove_file(&program);
        fs::copy(env!("CARGO_BIN_EXE_louan"), &program).expect("a copy");
        let root = fs::metadata("/proc/self").expect("a process").uid() == 0;
        let told = self.doctor();
        let mut command = Command::new("sh");
        command.arg("-c").arg("exec \"$0\" \"$@\"").arg(&program).args(told.get_args()).env_clear();
        for (name, value) in told.get_envs() {
            command.env(name, value.expect("set"));
        }
        if root {
            give(self.here());
            command.uid(NOBODY).gid(NOBODY);
        }
        run(&mut command);
        read(command)
    }
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("given");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            give(&entry.expect("an entry").path());
        }
    }
}

pub(crate) fn read(mut command: Command) -> (i32, BTreeMap<String, (String, String)>) {
    let (code, said) = finished(&command.output().expect("the executable"));
    let found: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let mut worst = BTreeMap::<String, (String, String)>::new();
    for finding in &found {
        let state = text(&finding["state"]);
        if state != "well" {
            assert!(!text(&finding["safe"]).is_empty() && !text(&finding["next"]).is_empty(), "{finding}");
        }
        let one = (state, text(&finding["what"]));
        let old = worst.entry(text(&finding["check"])).or_insert_with(|| one.clone());
        let rank = |state: &str| ["well", "note", "fault"].iter().position(|s| *s == state);
        if rank(&one.0) > rank(&old.0) {
            *old = one;
        }
    }
    (code, worst)
}

/// This check is a fault that says so, and nothing else is.
#[track_caller]
pub(crate) fn only(found: (i32, BTreeMap<String, (String, String)>), check: &str, part: &str) {
    let (code, found) = found;
    let faults: Vec<_> = found.iter().filter(|(_, (state, _))| state == "fault").collect();
    assert_eq!(faults.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [check], "{found:#?}");
    assert!(found[check].1.contains(part), "{part} in {:?}", found[check]);
    assert_eq!(code, 1);
}

/// Whether a line asks to keep everything as it is: an audit that was changed is evidence, and a restore puts another
/// in its place.
pub(crate) fn is_left_alone(line: &str) -> bool {
    line.contains("保留现状，不要恢复、不要删除任何文件") && !line.contains("louan restore")
}
