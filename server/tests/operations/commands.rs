//! `louan backup` and `louan restore` as a clerk meets them.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use louan_server::backup::BackupFolder;

use super::place::names;

pub(crate) fn louan(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_louan"));
    let config = folder.join("config.toml");
    if !config.exists() {
        std::fs::write(&config, "").expect("an empty configuration");
    }
    command.arg("--config").arg(config).args(arguments).env_clear();
    command.env("LOUAN__STORE__PATH", folder.join("louan.sqlite"));
    command.env("LOUAN__STORE__PHOTOS", folder.join("photos"));
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    finished(&louan(folder, arguments).output().expect("the executable"))
}

pub(crate) fn finished(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code().expect("an exit code"), String::from_utf8(text).expect("a text"))
}

/// A server that serves; killed when dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    /// What it said before it listened.
    before: Vec<serde_json::Value>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the executable");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut before = Vec::new();
        let address = loop {
            let line = lines.next().expect("a line").expect("a text");
            let log: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if log["message"] == "listening" {
                break log["address"].as_str().expect("an address").to_owned();
            }
            before.push(log);
        };
        Self { child, address, lines, before }
    }

    /// A line with this message: one of before it listened, else the next.
    pub(crate) fn wait_for(&mut self, message: &str) -> serde_json::Value {
        if let Some(at) = self.before.iter().position(|log| log["message"] == message) {
            return self.before.remove(at);
        }
        loop {
            let line = self.lines.next().expect("a line").expect("a text");
            let log: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if log["message"] == message {
                return log;
            }
        }
    }

    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        std::io::read_to_string(stream).expect("it answers")
    }
}

pub(crate) fn plain(folder: &Path) -> Command {
    louan(folder, &["serve", "--listen", "127.0.0.1:0", "--tls", "off"])
}

/// The same, with a store to serve.
pub(crate) fn founded(folder: &Path) -> Command {
    assert_eq!(run(folder, &["migrate"]).0, 0);
    plain(folder)
}

pub(crate) fn office(folder: &Path) {
    assert_eq!(run(folder, &["migrate"]).0, 0);
    assert_eq!(run(folder, &["org", "add", "--code", "office", "--kind", "office", "--name", "办公室"]).0, 0);
    let add =
        ["user", "add", "--org", "office", "--role", "office", "--name", "测试员甲", "--login", "office01"];
    assert_eq!(run(folder, &add).0, 0);
}

#[test]
fn a_clerk_backs_up_beside_the_running_server_proves_it_and_restores_it_when_stopped() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let backups = here.join("backups");
    let to = backups.to_str().expect("a plain name");
    let serving = Serving::start(plain(here));
    let (code, said) = run(here, &["backup", "--to", to]);
    assert!(code == 0 && said.contains("备份完成并已验证") && said.contains("正在验证备份"), "{said}");
    let (code, said) = run(here, &["backup", "--verify", to]);
    assert!(code == 0 && said.contains("备份完好"), "{said}");
    let (code, said) = run(here, &["restore", "--from", to]);
    assert!(code == 1 && said.contains("请先停止服务") && said.contains("未作任何改动"), "{said}");
    let (code, said) = run(here, &["rebuild"]);
    assert!(code == 1 && said.contains("请先停止服务"), "{said}");
    assert_eq!(run(here, &["user", "list"]).0, 0, "a short look beside the server is no harm");
    let watermark = || {
        let connection = rusqlite::Connection::open(here.join("louan.sqlite")).expect("a database");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        connection.query_row("SELECT backed_up_pos, head FROM stream", [], row).expect("a stream")
    };
    let (told, head) = watermark();
    assert!(told > 0 && told == head, "{told} {head}");
    assert_eq!(run(here, &["user", "disable", "office01"]).0, 0);
    let add =
        ["user", "add", "--org", "office", "--role", "office", "--name", "测试员乙", "--login", "office02"];
    assert_eq!(run(here, &add).0, 0);
    drop(serving);

    let (code, said) = run(here, &["restore", "--from", to]);
    assert_eq!(code, 0, "{said}");
    for part in [
        "已恢复到",
        "没有删除",
        "登记码已失效",
        "已重新收回 2 项",
        "待手机补回的变更：0 条",
        "测试员乙",
        "请启动服务",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let (_, said) = run(here, &["user", "list"]);
    assert!(said.contains("账号停用") && said.contains("停用"), "{said}");
    let there = names(here);
    assert!(there.iter().any(|name| name.contains(".set-aside-")), "{there:?}");
    assert!(
        Serving::start(plain(here))
            .ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .ends_with("ready\n")
    );
}

#[test]
fn what_cannot_be_backed_up_or_restored_is_said_in_words() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    let nowhere = here.join("nothing");
    let nowhere = nowhere.to_str().expect("a plain name");
    for (arguments, ended, part) in [
        (&["backup"][..], 1, "没有给出备份目录"),
        (&["backup", "--to", nowhere][..], 4, "没有找到数据库"),
        (&["backup", "--verify", nowhere][..], 1, "没有找到完整的备份"),
        (&["restore", "--from", nowhere][..], 1, "没有找到完整的备份"),
    ] {
        let (code, said) = run(here, arguments);
        assert!(code == ended && said.contains(part), "{arguments:?}: {said}");
    }
    assert!(!here.join("louan.sqlite").exists(), "looking for a store makes none");
}

#[test]
fn an_unreadable_store_is_restored_over_and_the_clerk_is_told_what_to_enter_again() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let to = here.join("backups");
    assert_eq!(run(here, &["backup", "--to", to.to_str().expect("plain")]).0, 0);
    assert!(!here.join("louan.sqlite-wal").exists(), "a command closes the store in good order");
    std::fs::write(here.join("louan.sqlite"), vec![7; 9_000]).expect("rubbish");
    let (code, said) = run(here, &["restore", "--from", to.to_str().expect("plain")]);
    assert_eq!(code, 0, "{said}");
    for part in ["原有数据库无法读取", "louan user disable", "louan user erase", "须由各办公室重新录入"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
}

/// As after a kill between the note and the stroke: the copy is ready, the old store is half set aside.
fn broken_off(here: &Path) {
    office(here);
    let to = here.join("backups");
    assert_eq!(run(here, &["backup", "--to", to.to_str().expect("plain")]).0, 0);
    let add =
        ["user", "add", "--org", "office", "--role", "office", "--name", "测试员乙", "--login", "office02"];
    assert_eq!(run(here, &add).0, 0);
    let (folder, _) = BackupFolder::find(&to).expect("a backup");
    std::fs::copy(folder.join("louan.sqlite"), here.join("louan.sqlite.ready")).expect("a copy");
    let note = r#"{"aside":".set-aside-20200122120000","ready":"louan.sqlite.ready"}"#;
    std::fs::write(here.join("louan.sqlite.restoring"), note).expect("a note");
    std::fs::rename(here.join("louan.sqlite"), here.join("louan.sqlite.set-aside-20200122120000"))
        .expect("aside");
}

#[test]
fn a_restore_broken_off_is_finished_by_whoever_opens_the_store_next() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    broken_off(here);
    let (code, said) = run(here, &["user", "list"]);
    assert!(code == 0 && said.contains("office01"), "no empty store was made: {said}");
    let there = names(here);
    assert!(!there.iter().any(|name| name.ends_with(".restoring") || name.ends_with(".ready")), "{there:?}");
}

#[test]
fn the_same_command_again_finishes_a_restore_broken_off_and_says_what_the_first_could_not() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    broken_off(here);
    let (code, said) = run(here, &["restore", "--from", here.join("backups").to_str().expect("plain")]);
    assert_eq!(code, 0, "{said}");
    for part in ["现在已经完成", "set-aside-20200122120000", "测试员乙", "重新登记一次"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let aside = names(here)
        .iter()
        .filter(|name| name.contains(".set-aside-") && !name.contains("-shm") && !name.contains("-wal"))
        .count();
    assert_eq!(aside, 1, "it was not restored a second time");
}

#[test]
fn the_server_backs_up_by_itself_when_a_night_was_missed() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let to = here.join("backups");
    let mut command = plain(here);
    command.env("LOUAN__BACKUP__TO", &to).env("LOUAN__BACKUP__KEEP", "3");
    let mut serving = Serving::start(command);
    let line = serving.wait_for("backed up");
    assert_eq!(line["number"], 1);
    let (folder, manifest) = BackupFolder::find(&to).expect("a backup");
    assert_eq!(line["position"], manifest.pos);
    assert!(folder.ends_with(folder.file_name().expect("a name")));
    let connection = rusqlite::Connection::open(here.join("louan.sqlite")).expect("a database");
    let told: i64 =
        connection.query_row("SELECT backed_up_pos FROM stream", [], |row| row.get(0)).expect("told");
    assert_eq!(told.unsigned_abs(), manifest.pos);
}
