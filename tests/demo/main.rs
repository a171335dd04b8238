//! The demonstration as a person starts it: what it prints is what the file says, and where
//! it cannot run it says why, changes nothing and ends.
//!
//! Needs the `louan` executable beside `demo`, which every build of the workspace makes.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use kit::replay::Source;
use louan_schema::policy::Policy;
use louan_schema::time::Day;

/// A Friday.
const LAST_DAY: &str = "2020-03-13";

fn demo(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--buildings", "1", "--until", LAST_DAY, "--folder"])
        .arg(folder)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("a text")
}

/// What the file says happened in the slice: visits, hazards found, put right, closed, overdue.
fn expected() -> [usize; 5] {
    let day: Day = LAST_DAY.parse().expect("a day");
    let evening = day.start().plus_ms(18 * 3_600_000);
    let slice = Source::load().expect("the file").slice(1).before(evening);
    let (mut found, mut disposed, mut overdue) = (0, 0, 0);
    for visit in &slice.visits {
        for (code, _) in &visit.hazards {
            let plan = Policy::qijiang_2020().due_on(*code, visit.opened_at);
            let due_on = plan.unwrap_or_else(|| visit.opened_at.day().plus_days(30));
            found += 1;
            disposed += usize::from(visit.closed_at < evening);
            overdue += usize::from(visit.closed_at >= evening && due_on <= day);
        }
    }
    [slice.visits.len(), found, disposed, disposed, overdue]
}

#[test]
fn a_small_demonstration_over_an_earlier_one_prints_what_the_file_says_and_ends_by_itself() {
    let outer = tempfile::tempdir().expect("a folder");
    let folder = outer.path().join("demo");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("louan-demo"), "").expect("the mark");
    std::fs::write(folder.join("server.sqlite"), "what an earlier run left").expect("a file");
    let output = demo(&folder, &["--port", "0"]);
    let text = said(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", said(&output.stderr));
    for part in [
        "上次演示的数据已清空",
        "21 个街镇，21 栋建筑",
        "63 部已凭登记码经 HTTPS 登记",
        "未送达、暂存或退回的内容 0 条",
        "台账已由变更日志重建",
        "21 个街镇的数字逐一相同",
        "地址  https://127.0.0.1:",
        "自动结束",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for login in ["office ", "brigade ", "street-001 ", "police-001 "] {
        let line = text.lines().find(|l| l.trim_start().starts_with(login)).expect("an account's line");
        assert_eq!(line.split_whitespace().nth(1).expect("a password").len(), 16, "{line}");
    }
    let total = text.lines().find(|l| l.trim_start().starts_with("合计")).expect("the month's last line");
    let figures: Vec<usize> =
        total.split_whitespace().skip(1).map(|n| n.parse().expect("a figure")).collect();
    let expected = expected();
    assert!(expected.iter().all(|n| *n > 0), "a slice with something of everything in it: {expected:?}");
    assert_eq!(figures[..5], expected, "{total}");
    assert_eq!(figures[5], 0, "nothing is left unconfirmed on a Friday evening: {total}");
    let address = text.split("https://").nth(1).and_then(|rest| rest.split_whitespace().next());
    let address = address.expect("an address").trim_end_matches('/');
    assert!(std::net::TcpStream::connect(address).is_err(), "the service ended with the demonstration");
}

#[test]
fn a_port_in_use_is_said_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let outer = tempfile::tempdir().expect("a folder");
    let folder = outer.path().join("demo");
    let output = demo(&folder, &["--port", &port]);
    let text = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("端口 {port} 不能使用")) && text.contains("--port"), "{text}");
    assert!(!folder.exists(), "nothing was made");
}

#[test]
fn a_folder_that_cannot_be_used_is_said_with_what_to_do() {
    let outer = tempfile::tempdir().expect("a folder");
    std::fs::write(outer.path().join("letter.txt"), "dear").expect("a file");
    for folder in [outer.path().to_owned(), outer.path().join("letter.txt").join("demo")] {
        let output = demo(&folder, &["--port", "0"]);
        let text = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("没有改动任何文件") && text.contains("--folder"), "{text}");
    }
    assert_eq!(std::fs::read_to_string(outer.path().join("letter.txt")).expect("still there"), "dear");
}
