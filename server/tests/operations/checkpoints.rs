//! Checkpoints of the audit (A22): written by the server that serves, compared by the doctor.

use std::fs;

use super::commands::{Serving, plain, run};
use super::house::{House, is_left_alone, only};

/// An installation whose audit has grown since its backup, and whose server has written a checkpoint since.
fn house() -> House {
    let house = House::new();
    let file = house.at("checkpoints");
    fs::write(house.at("config.toml"), format!("[audit]\ncheckpoints = {file:?}\n"))
        .expect("a configuration");
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "note"), "{found:#?}");
    assert_eq!(run(house.here(), &["user", "disable", "office01"]).0, 0);
    served(&house);
    house
}

fn served(house: &House) {
    let mut serving = Serving::start(plain(house.here()));
    serving.wait_for("audit checkpoint written");
}

#[test]
fn an_audit_cut_since_the_last_backup_is_found_by_its_checkpoints() {
    let whole = house();
    let (code, found) = whole.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "well"), "{found:#?}");
    assert_eq!(run(whole.here(), &["user", "list", "--names"]).0, 0);
    assert_eq!(whole.examined().0, 0, "an audit that has grown since is well");

    let house = house();
    house.forge("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)");
    only(house.examined(), "audit_checkpoints", "末尾可能被删除过");
    assert!(is_left_alone(&house.told("审计检查点")));
    // Neither what is written over the cut nor a checkpoint of it hides it.
    assert_eq!(run(house.here(), &["user", "list", "--names"]).0, 0);
    only(house.examined(), "audit_checkpoints", "末尾可能被删除过");
    served(&house);
    only(house.examined(), "audit_checkpoints", "末尾可能被删除过");
}

#[test]
fn a_cut_is_not_hidden_by_calling_it_another_life_of_the_log() {
    let house = house();
    house.forge("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit); UPDATE stream SET epoch = randomblob(16)");
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (1, "fault"), "{found:#?}");
    served(&house);
    let (_, found) = house.examined();
    assert!(found["audit_checkpoints"].1.contains("末尾可能被删除过"), "{found:#?}");
}

#[test]
fn a_line_cut_short_is_noted_holds_nothing_up_and_hides_no_cut() {
    let house = house();
    let path = house.at("checkpoints");
    let text = fs::read_to_string(&path).expect("lines");
    fs::write(&path, format!("{text}{}", &text[..100])).expect("cut short");
    assert_eq!(run(house.here(), &["user", "list", "--names"]).0, 0);
    served(&house);
    assert_eq!(fs::read_to_string(&path).expect("lines").lines().count(), 3);
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "note"), "{found:#?}");
    assert!(found["audit_checkpoints"].1.contains("第 2 行没有写完"), "{found:#?}");
    house.forge("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)");
    only(house.examined(), "audit_checkpoints", "末尾可能被删除过");
    assert!(is_left_alone(&house.told("审计检查点")));
}

#[test]
fn a_pipe_that_nobody_reads_stops_neither_the_server_nor_the_doctor() {
    let house = House::new();
    let file = house.at("pipe");
    let made = std::process::Command::new("mkfifo").arg(&file).status().expect("mkfifo");
    assert!(made.success());
    fs::write(house.at("config.toml"), format!("[audit]\ncheckpoints = {file:?}\n"))
        .expect("a configuration");
    let mut serving = Serving::start(plain(house.here()));
    serving.wait_for("an audit checkpoint could not be written");
    drop(serving);
    only(house.examined(), "audit_checkpoints", "无法读取");
}

#[test]
fn a_file_of_checkpoints_that_was_changed_or_signed_by_somebody_else_is_found() {
    let house = house();
    let path = house.at("checkpoints");
    let text = fs::read_to_string(&path).expect("lines");
    fs::write(&path, text.replacen("louan-audit-1 2", "louan-audit-1 3", 1)).expect("changed");
    only(house.examined(), "audit_checkpoints", "第 1 行不是有效的检查点");
    fs::write(&path, &text).expect("as it was");
    assert_eq!(house.examined().0, 0);
    fs::remove_file(house.at("audit-checkpoint.key")).expect("gone");
    only(house.examined(), "audit_checkpoints", "不是用本机密钥签名");
    // The server makes a new key and goes on; what was signed with the old one is still not its own.
    served(&house);
    only(house.examined(), "audit_checkpoints", "第 1 行不是用本机密钥签名");
}

#[test]
fn a_restore_says_why_the_audit_ends_before_an_older_checkpoint() {
    let house = house();
    let backups = house.at("backups").display().to_string();
    let (code, said) = run(house.here(), &["restore", "--from", &backups]);
    assert_eq!(code, 0, "{said}");
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "note"), "{found:#?}");
    served(&house);
    let (code, found) = house.examined();
    assert_eq!((code, found["audit_checkpoints"].0.as_str()), (0, "well"), "{found:#?}");
    assert!(found["audit_checkpoints"].1.contains("另有 1 个在恢复时随之退回"), "{found:#?}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_logged_and_the_server_serves_on() {
    let house = House::new();
    let file = house.at("nowhere/checkpoints");
    fs::write(house.at("config.toml"), format!("[audit]\ncheckpoints = {file:?}\n"))
        .expect("a configuration");
    let mut serving = Serving::start(plain(house.here()));
    serving.wait_for("an audit checkpoint could not be written");
    assert!(serving.ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("ready\n"));
}
