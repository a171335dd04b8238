//! The doctor, with each fault really planted; and that a healthy installation is called so and left alone.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use louan_schema::id::Epoch;
use louan_schema::time::Timestamp;
use louan_server::audit::Entry;
use louan_server::backup::{self, Plan};
use louan_server::clock::{Clock, MachineClock, released_at};
use louan_server::config::Config;
use louan_server::doctor::{Patient, State, examine};
use louan_server::storage::Storage;
use louan_server::storage::commit::Commit;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};

use super::commands::{Serving, finished, plain, run};
use super::house::{House, NOBODY, is_left_alone, only, read};
use super::services::tell;

#[test]
fn a_healthy_installation_is_called_so_and_left_exactly_as_it_was() {
    let house = House::new();
    vouched_for(&house);
    let everything = || {
        let mut seen = BTreeMap::new();
        let mut folders = vec![house.here().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let changed = path.metadata().expect("there").modified().expect("a time");
                if path.is_dir() {
                    folders.push(path.clone());
                }
                seen.insert(path.clone(), (changed, fs::read(&path).unwrap_or_default()));
            }
        }
        seen
    };
    let before = everything();
    let (code, found) = house.examined();
    assert_eq!(code, 0, "{found:#?}");
    assert_eq!(found.len(), 13, "{found:#?}");
    // The machine these tests run on may be short of space; everything else must be well.
    assert!(found.iter().all(|(check, (state, _))| state == "well" || check == "space"), "{found:#?}");
    assert_eq!(everything(), before);
    let (code, said) = finished(&house.doctor_of("--quick").output().expect("the executable"));
    assert!(code == 0 && said.lines().count() == 14 && said.contains("正常  证书：有效至"), "{said}");
}

/// A file of checkpoints outside, with the one that a server writes when it starts.
fn vouched_for(house: &House) {
    let file = house.at("checkpoints");
    fs::write(house.at("config.toml"), format!("[audit]\ncheckpoints = {file:?}\n"))
        .expect("a configuration");
    let mut serving = Serving::start(plain(house.here()));
    serving.wait_for("audit checkpoint written");
    tell(&serving, "-TERM");
    serving.wait_for("stopped");
    assert!(serving.child.wait().expect("it ends").success());
}

#[test]
fn an_audit_that_nobody_outside_vouches_for_is_a_hint_and_no_fault() {
    let house = House::new();
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "note"), "{found:#?}");
    let (_, said) = finished(&house.doctor_of("--quick").output().expect("the executable"));
    let line = said.lines().find(|line| line.contains("审计检查点")).expect("a line");
    assert!(line.starts_with("注意") && line.contains("设置 audit.checkpoints"), "{line}");
    vouched_for(&house);
    assert_eq!(house.examined().1["audit_checkpoints"].0, "well");
}

#[test]
fn it_looks_beside_a_running_server_too() {
    let house = House::new();
    let serving = Serving::start(plain(house.here()));
    assert_eq!(house.examined().0, 0);
    assert!(serving.ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("ready\n"));
}

#[test]
fn a_full_disk() {
    let house = House::new();
    let full = house.at("full");
    fs::create_dir(&full).expect("a folder");
    let told = house.doctor();
    let mut command = Command::new("unshare");
    let root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    command.args(if root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"][..] });
    // The photos' folder becomes a disk of one mebibyte, in a world of its own that ends with the process.
    let script = "mount -t tmpfs -o size=1m,mode=700 none \"$0\" && exec \"$@\"";
    command.args(["sh", "-c", script]).arg(&full).arg(told.get_program()).args(told.get_args()).env_clear();
    for (name, value) in told.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("LOUAN__STORE__PHOTOS", &full).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let (code, found) = read(command);
    assert_eq!((code, found["space"].0.as_str()), (1, "fault"), "{found:#?}");
    assert!(found["space"].1.contains("照片目录") && found["space"].1.contains("只剩 1 MiB"), "{found:#?}");
}

type Seen = Vec<(&'static str, State, String)>;

async fn as_of(house: &House, now: Timestamp) -> Seen {
    looked_at(house, now, PathBuf::from(env!("CARGO_BIN_EXE_louan"))).await
}

async fn looked_at(house: &House, now: Timestamp, program: PathBuf) -> Seen {
    let mut config = Config::default();
    config.store.path = house.at("louan.sqlite");
    config.store.photos = Some(house.at("photos"));
    config.edge.certificate = house.at("tls/server.pem");
    config.edge.key = house.at("tls/server.key");
    let patient = Patient { config: &config, now, program, backups: Some(house.at("backups")), quick: false };
    examine(&patient).await.into_iter().map(|found| (found.check, found.state, found.what)).collect()
}

fn state(found: &[(&'static str, State, String)], check: &str) -> State {
    found.iter().find(|(name, ..)| *name == check).expect("the check").1
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let house = House::new();
    let now = MachineClock::new(None).system();
    assert_eq!(state(&as_of(&house, now).await, "clock"), State::Well);
    let found = as_of(&house, released_at().plus_ms(-1)).await;
    assert_eq!(state(&found, "clock"), State::Fault, "earlier than the build's release: {found:?}");
    // Somebody worked while the clock was a day ahead; then it was put right, or the other way round.
    let options = Options { stream: 500_110, fresh_epoch: Epoch([1; 16]), mode: Mode::Inline };
    let storage = Sqlite::open(&house.at("louan.sqlite"), options).expect("opens");
    let text = |text: &str| text.to_owned();
    let at = now.plus_ms(86_400_000);
    let entry = Entry {
        at,
        person: None,
        device: None,
        act: text("note"),
        subject: text("x"),
        outcome: text("done"),
    };
    storage.commit(Commit { audit: vec![entry], ..Commit::default() }).await.expect("written");
    drop(storage);
    only(house.examined(), "clock", "早于数据库中最近的记录");
}

fn certificate(house: &House, from: (i32, u8, u8), until: (i32, u8, u8)) {
    let mut params = rcgen::CertificateParams::new(vec!["louan.test".to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
    params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    let key = rcgen::KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("a certificate").pem();
    fs::write(house.at("tls/server.pem"), pem).expect("written");
    fs::write(house.at("tls/server.key"), key.serialize_pem()).expect("written");
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_about_to_or_does_not_fit_its_key() {
    let house = House::new();
    certificate(&house, (2020, 1, 1), (2021, 1, 1));
    only(house.examined(), "certificate", "已于 2021-01-01");
    certificate(&house, (2099, 1, 1), (2100, 1, 1));
    only(house.examined(), "certificate", "起才有效");
    certificate(&house, (2027, 1, 1), (2027, 12, 31));
    let december = "2027-12-10T12:00:00+08:00".parse().expect("an instant");
    assert_eq!(state(&as_of(&house, december).await, "certificate"), State::Note);
    let other = rcgen::KeyPair::generate().expect("a key");
    fs::write(house.at("tls/server.key"), other.serialize_pem()).expect("written");
    only(house.examined(), "certificate", "无法使用");
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let house = House::new();
    fs::set_permissions(house.at("photos"), Permissions::from_mode(0o500)).expect("set");
    only(house.as_nobody(|_| {}), "folders", "照片目录");
    fs::set_permissions(house.at("photos"), Permissions::from_mode(0o700)).expect("set");
    assert_eq!(house.as_nobody(|_| {}).0, 0, "and nobody's own installation is well");
}

#[test]
fn a_photo_whose_bytes_are_not_its_name() {
    let house = House::new();
    fs::write(house.photo(), "a stairCase").expect("rot of the same length");
    only(house.examined(), "photos", "1 张照片的内容已损坏");
}

/// A list of files names none that is gone: the store knows of it.
#[test]
fn a_photo_whose_file_is_gone() {
    let house = House::new();
    let photo = house.photo();
    let name = photo.file_name().expect("a name").to_str().expect("hex");
    house.forge(&format!("INSERT INTO photo VALUES (x'{name}', 0, 11, 1, 1, 0, NULL, 1, 0, NULL)"));
    assert_eq!(house.examined().0, 0, "it is there");
    fs::remove_file(&photo).expect("gone");
    only(house.examined(), "photos", "1 张照片缺失");
    assert!(house.examined().1["photos"].1.contains(name));
    let (code, said) = finished(&house.doctor_of("--quick").output().expect("the executable"));
    assert!(code == 1 && said.contains("1 张照片缺失"), "a quick look sees it, too: {said}");
}

#[test]
fn a_chain_that_is_broken_in_log_or_audit() {
    let house = House::new();
    house.forge("UPDATE feed SET content = zeroblob(32) WHERE pos = 1");
    only(house.examined(), "log", "从第 1 位起");
    let house = House::new();
    house.forge("UPDATE audit SET bytes = (SELECT bytes FROM audit WHERE seq = 1) WHERE seq = 2");
    only(house.examined(), "audit", "从第 2 条起");
    assert!(is_left_alone(&house.told("审计记录")));
}

/// A chain cut at its end follows from its beginning as well as before; the backup knew more.
#[test]
fn an_audit_whose_end_was_cut_off_is_found_by_the_newest_backup() {
    for cut in ["DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)", "DELETE FROM audit"] {
        let house = House::new();
        house.forge(cut);
        only(house.examined(), "audit", "末尾可能被删除过");
        assert!(is_left_alone(&house.told("审计记录")));
        // What is written over the cut does not hide it.
        assert_eq!(run(house.here(), &["user", "disable", "office01"]).0, 0);
        only(house.examined(), "audit", "末尾可能被删除过");
    }
    let house = House::new();
    assert_eq!(run(house.here(), &["user", "disable", "office01"]).0, 0);
    assert_eq!(house.examined().0, 0, "an audit that has grown since is well");
}

#[test]
fn a_database_that_is_rubbish_or_changed_by_hand() {
    let house = House::new();
    house.forge("UPDATE person SET bytes = CAST(bytes || x'00' AS BLOB)");
    only(house.examined(), "database", "登记表 person");
    fs::write(house.at("louan.sqlite"), vec![7; 9_000]).expect("rubbish");
    only(house.examined(), "database", "无法读取");
}

#[test]
fn a_backup_that_is_old_missing_or_rotten() {
    let house = House::new();
    fs::remove_dir_all(house.at("backups")).expect("gone");
    only(house.examined(), "backup", "没有完整的备份");
    let ago = |hours: i64| MachineClock::new(None).system().plus_ms(-hours * 3_600_000);
    let make = |made_at| {
        let plan = Plan {
            store: house.at("louan.sqlite"),
            photos: house.at("photos"),
            to: house.at("backups"),
            workshop: house.here().to_owned(),
            made_at,
            keep: Some(1),
        };
        backup::make(&plan, &mut |_| {}).expect("a backup").folder
    };
    make(ago(75));
    only(house.examined(), "backup", "距今 75 小时");
    make(ago(30));
    assert_eq!(house.examined().1["backup"].0, "note");
    let folder = make(ago(1));
    assert_eq!(house.examined().0, 0);
    let path = folder.join("louan.sqlite");
    let mut bytes = fs::read(&path).expect("a file");
    bytes[4_000] ^= 1;
    fs::write(&path, bytes).expect("rot");
    only(house.examined(), "backup", "已损坏");
}

#[test]
fn files_that_others_can_read() {
    for (name, mode, part) in [
        ("tls/server.key", 0o644, "密钥文件"),
        ("tls/server.key", 0o640, "密钥文件"),
        ("louan.sqlite", 0o644, "louan.sqlite"),
        ("photos", 0o755, "photos"),
        ("backups", 0o755, "backups"),
    ] {
        let house = House::new();
        fs::set_permissions(house.at(name), Permissions::from_mode(mode)).expect("set");
        only(house.examined(), "permissions", part);
    }
}

#[test]
fn a_worker_that_cannot_limit_itself() {
    let house = House::new();
    // A hard limit below what a worker takes for itself: he may not raise it, and refuses to work.
    only(
        house.as_nobody(|command| {
            let words: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
            let (uid, vars): (_, Vec<_>) = (
                fs::metadata("/proc/self").expect("a process").uid(),
                command
                    .get_envs()
                    .map(|(name, value)| (name.to_owned(), value.expect("set").to_owned()))
                    .collect(),
            );
            let mut limited = Command::new("sh");
            limited
                .arg("-c")
                .arg("ulimit -v 400000 && exec \"$0\" \"$@\"")
                .args(&words[1..])
                .env_clear()
                .envs(vars);
            if uid == 0 {
                limited.uid(NOBODY).gid(NOBODY);
            }
            *command = limited;
        }),
        "worker",
        "不能限制自身资源",
    );
}

#[tokio::test]
async fn a_worker_whose_executable_is_missing_may_not_be_started_or_exits_at_once() {
    let house = House::new();
    let now = MachineClock::new(None).system();
    fs::write(house.at("locked"), "#!/bin/sh\n").expect("a program");
    fs::set_permissions(house.at("locked"), Permissions::from_mode(0o600)).expect("set");
    for (program, part) in [
        (house.at("nowhere/louan"), "不存在"),
        (house.here().to_owned(), "不是文件"),
        (house.at("locked"), "不能执行"),
        (PathBuf::from("/bin/true"), "立即退出"),
    ] {
        let found = looked_at(&house, now, program).await;
        let faults: Vec<_> = found.iter().filter(|(_, state, _)| *state == State::Fault).collect();
        assert!(matches!(faults[..], [("worker", _, what)] if what.contains(part)), "{part}: {found:#?}");
    }
}

/// The command starts workers from the file it was itself started from: gone, as in the middle of an upgrade.
#[test]
fn the_command_whose_own_file_is_gone_says_so() {
    let house = House::new();
    // A second name of the same file, beside it: nothing is written that somebody could still have open.
    let program = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = program.path().join("louan");
    fs::hard_link(env!("CARGO_BIN_EXE_louan"), &path).expect("a second name");
    let script = "exec 3<\"$0\" && rm \"$0\" && exec /proc/self/fd/3 \"$@\"";
    let told = house.doctor();
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(&path).args(told.get_args()).env_clear();
    for (name, value) in told.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("PATH", "/usr/bin:/bin");
    only(read(command), "worker", "不存在");
}

#[test]
fn a_database_of_a_newer_build() {
    let house = House::new();
    house.forge("PRAGMA user_version = 99");
    only(house.examined(), "version", "第 99 版");
}

#[test]
fn a_restore_that_was_broken_off_and_a_configuration_that_is_wrong() {
    let house = House::new();
    fs::write(house.at("louan.sqlite.restoring"), "{}").expect("a note");
    let (code, found) = house.examined();
    assert_eq!((code, found["restore"].0.as_str()), (1, "fault"));
    let mut command = house.doctor();
    command.env("LOUAN__EDGE__TLS", "perhaps");
    let (code, found) = read(command);
    assert_eq!((code, found.len(), found["configuration"].0.as_str()), (1, 1, "fault"));
}
