//! The executable as an operator meets it: what it says, what it leaves, how it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn louan(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_louan"));
    let config = folder.join("config.toml");
    if !config.exists() {
        std::fs::write(&config, "").expect("an empty configuration");
    }
    command.arg("--config").arg(config).args(arguments).env_clear();
    command.env("LOUAN__STORE__PATH", folder.join("louan.sqlite"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    finished(&louan(folder, arguments).output().expect("the executable"))
}

fn finished(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code().expect("an exit code"), String::from_utf8(text).expect("a text"))
}

#[test]
fn an_installation_goes_from_nothing_to_a_person_with_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    assert_eq!(run(&["migrate"]).0, 0);
    let org = ["org", "add", "--code", "office", "--kind", "office", "--name", "办公室"];
    assert_eq!(run(&org).0, 0);
    let add =
        ["user", "add", "--org", "office", "--role", "office", "--name", "测试员甲", "--login", "office01"];
    let (code, said) = run(&add);
    assert!(code == 0 && said.contains("初始密码"), "{said}");
    let (code, said) = run(&["user", "list"]);
    assert!(code == 0 && said.contains("office01") && said.contains("在用"), "{said}");
    assert!(
        said.contains("测＊＊") && !said.contains("测试员甲"),
        "a name is masked unless it is asked for: {said}"
    );
    let (code, said) = run(&["user", "list", "--names"]);
    assert!(code == 0 && said.contains("测试员甲"), "{said}");
    let store = rusqlite::Connection::open(folder.path().join("louan.sqlite")).expect("the store");
    let read = "SELECT count(*) FROM audit WHERE instr(bytes, CAST('read_name' AS BLOB)) > 0 \
                AND instr(bytes, CAST(?1 AS BLOB)) > 0";
    let id = said.split('\t').next().expect("an id");
    let lines: u32 = store.query_row(read, [id], |row| row.get(0)).expect("the audit");
    assert_eq!(lines, 1, "and then it is a line of the audit, by the id of who is called so: {id}");
    let (code, said) = run(&["enrol", "new", "office01"]);
    assert!(code == 0 && said.contains("登记码"), "{said}");
    assert_eq!(run(&["user", "password", "office01"]).0, 0);
    assert_eq!(run(&["user", "disable", "office01"]).0, 0);
    let (_, said) = run(&["user", "list"]);
    assert!(said.contains("账号停用") && said.contains("停用"), "{said}");
    let (code, said) = run(&["enrol", "new", "office01"]);
    assert!(code == 1 && said.contains("office01 已停用") && !said.contains("登记码（"), "{said}");
    assert_eq!(run(&["rebuild"]).0, 0);
}

#[test]
fn a_typed_password_is_checked_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["migrate"]);
    run(folder.path(), &["org", "add", "--code", "o", "--kind", "office", "--name", "办公室"]);
    let add = [
        "user",
        "add",
        "--org",
        "o",
        "--role",
        "office",
        "--name",
        "甲",
        "--login",
        "jia",
        "--password-stdin",
    ];
    for (typed, code) in [("short\n", 1), ("Good-enough 1\n", 0)] {
        let mut child = louan(folder.path(), &add)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable");
        child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("it reads");
        let (ended, said) = finished(&child.wait_with_output().expect("it ends"));
        assert_eq!(ended, code, "{said}");
        assert!(!said.contains(typed.trim()), "a password is never printed back");
    }
    assert_eq!(run(folder.path(), &["user", "list"]).1.lines().count(), 1, "the refused one left no person");
}

#[test]
fn what_is_wrong_is_said_in_words_and_by_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    assert_eq!(run(here, &["migrate"]).0, 0);
    for (arguments, code, part) in [
        (&["nonsense"][..], 2, "参数有误。未作任何改动。请用 louan --help 查看用法。\nerror: "),
        (&["user", "add"][..], 2, "参数有误。未作任何改动。请用 louan --help 查看用法。"),
        (&["--help"][..], 0, "用法：louan [选项] <命令>"),
        (&["help", "export"][..], 0, "hazards（火灾隐患台账）"),
        (&["config", "check", "--tls", "maybe"][..], 3, "配置值的类型不正确"),
        (&["config", "check", "--tls", "off"][..], 3, "回环地址"),
        (&["migrate", "--store", "/no/such/folder/x.sqlite"][..], 4, "数据库无法使用"),
        (&["user", "add", "--org", "none", "--role", "office", "--name", "甲"][..], 1, "没有单位 none"),
        (&["user", "add", "--org", "none", "--role", "boss", "--name", "甲"][..], 1, "没有这个岗位"),
        (&["org", "add", "--code", "o", "--kind", "office", "--name", "甲\u{1b}[2J"][..], 1, "不可见字符"),
        (&["org", "add", "--code", "o", "--kind", "office", "--name", "甲\n乙"][..], 1, "不可见字符或换行"),
        (&["user", "add", "--org", "o", "--role", "office", "--name", "\u{202e}甲"][..], 1, "不可见字符"),
        (&["user", "add", "--org", "o", "--role", "office", "--name", " "][..], 1, "名称不能为空"),
        (&["--version"][..], 0, concat!("louan ", env!("CARGO_PKG_VERSION"))),
        (&["enrol", "new", "nobody"][..], 1, "没有人员或账号 nobody"),
        (&["serve", "--listen", "127.0.0.1:0"][..], 5, "证书或私钥无法使用"),
    ] {
        let (ended, said) = run(here, arguments);
        assert_eq!(ended, code, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    std::fs::write(here.join("config.toml"), "[limits]\nidel_ms = 1\n").expect("a file");
    let (ended, said) = run(here, &["config", "check"]);
    assert!(ended == 3 && said.contains("limits.idel_ms") && said.contains("limits.idle_ms"), "{said}");
}

#[test]
fn only_migrate_makes_a_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, store) = (folder.path(), folder.path().join("louan.sqlite"));
    let commands: [&[&str]; 5] = [
        &["user", "list"],
        &["org", "add", "--code", "o", "--kind", "office", "--name", "甲"],
        &["serve", "--listen", "127.0.0.1:0", "--tls", "off"],
        &["rebuild"],
        &["export", "hazards", "--as", "clerk", "--to", "h.xlsx"],
    ];
    for arguments in commands {
        let (ended, said) = run(here, arguments);
        assert!(ended == 4 && said.contains("没有找到数据库") && said.contains("louan migrate"), "{said}");
        assert!(!store.exists(), "{arguments:?}");
    }
    std::fs::write(&store, "").expect("an empty file");
    assert_eq!(run(here, &["user", "list"]).0, 4);
    assert_eq!(run(here, &["migrate"]).0, 0);
    assert_eq!(run(here, &["user", "list"]).0, 0);
}

#[test]
fn a_file_that_is_no_store_of_ours_is_said_to_be_that_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (here, store) = (folder.path(), folder.path().join("louan.sqlite"));
    assert_eq!(run(here, &["migrate"]).0, 0);
    let whole = std::fs::read(&store).expect("a store");
    let foreign = here.join("other.sqlite");
    let other = rusqlite::Connection::open(&foreign).expect("a database");
    other.execute_batch("CREATE TABLE letter (text TEXT)").expect("a table");
    drop(other);
    let torn = whole.iter().enumerate().map(|(at, byte)| if at < 4_096 { *byte } else { 0 }).collect();
    for (bytes, what) in [
        (b"not a database at all".repeat(400), "数据库文件已损坏"),
        (torn, "数据库文件已损坏"),
        (std::fs::read(&foreign).expect("a file"), "其他程序的数据库"),
    ] {
        std::fs::write(&store, &bytes).expect("a file");
        for arguments in [&["user", "list"][..], &["migrate"], &["rebuild"]] {
            let (ended, said) = run(here, arguments);
            assert!(ended == 4 && said.contains(what), "{arguments:?}: {said}");
            assert!(!said.contains("未受影响"), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn the_configuration_in_force_is_shown_without_its_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = louan(folder.path(), &["config", "show", "--listen", "127.0.0.1:9"]);
    command.env("LOUAN__AUTH__PEPPER", "0123456789abcdefgh");
    let (ended, said) = finished(&command.output().expect("the executable"));
    assert_eq!(ended, 0, "{said}");
    assert!(said.contains("listen = \"127.0.0.1:9\"") && said.contains("pepper = \"***\""), "{said}");
    assert!(!said.contains("0123456789abcdefgh"), "{said}");
}

#[test]
fn the_service_says_where_it_listens_in_one_json_line_and_stops_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(run(folder.path(), &["migrate"]).0, 0);
    let mut child = louan(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--tls", "off"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the executable");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("a text");
    let log: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(log["message"], "listening");
    let address = log["address"].as_str().expect("an address");
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
    let reply = std::io::read_to_string(stream).expect("it answers");
    assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("ready\n"), "{reply}");
    let second = run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--tls", "off"]);
    assert!(second.0 == 1 && second.1.contains("正被其他 louan 程序使用"), "{}", second.1);
    let told = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().expect("kill");
    assert!(told.success());
    assert!(child.wait().expect("it ends").success());
    let rest: Vec<String> = lines.map(|line| line.expect("a text")).collect();
    assert!(rest.iter().any(|line| line.contains("\"stopped\"")), "{rest:?}");
    assert!(
        rest.iter().any(|line| line.contains("/readyz")) && !rest.concat().contains("127.0.0.1"),
        "{rest:?}"
    );
}
