//! `louan import` and `louan export` as a clerk meets them, beside the running server.

use std::path::Path;

use super::commands::{Serving, plain, run};

const LIST: &str = "街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系\n\
    古南街道,示例花园,１栋,住宅,54.5,图纸,106.651,29.028,WGS84\n\
    古南街道,示例花园,2栋,住宅,27,图纸,106.651,29.028,WGS84\n\
    古南街道,=1+1,主楼,住宅,99,实测,,,\n";

fn street(here: &Path) {
    for (code, kind) in [("street-1", "street"), ("police-1", "police")] {
        let add = ["org", "add", "--code", code, "--kind", kind, "--name", code, "--street", "500110001"];
        let (ended, said) = run(here, &add);
        assert_eq!(ended, 0, "{said}");
    }
    for (org, role, login) in [("street-1", "street", "clerk"), ("police-1", "police", "officer")] {
        let add = ["user", "add", "--org", org, "--role", role, "--name", "测试员甲", "--login", login];
        let (ended, said) = run(here, &add);
        assert_eq!(ended, 0, "{said}");
    }
}

/// The number that the last line of a preview tells to go on with.
fn number(said: &str) -> String {
    let (_, rest) = said.split_once("louan import commit ").expect("how to go on");
    rest.split_whitespace().next().expect("a number").to_owned()
}

#[test]
fn a_list_is_read_entered_exported_and_taken_back_while_the_server_runs() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    street(here);
    let serving = Serving::start(plain(here));
    let path = |name: &str| here.join(name).to_str().expect("a plain name").to_owned();
    std::fs::write(path("list.csv"), LIST).expect("a list");
    let read = ["import", "read", &path("list.csv"), "--as", "clerk", "--errors", &path("errors.xlsx")];
    let (ended, said) = run(here, &read);
    assert!(ended == 0 && said.contains("新增 2") && said.contains("错误 1"), "{said}");
    assert!(said.contains("第 3 行") && Path::new(&path("errors.xlsx")).exists(), "{said}");
    let import = number(&said);
    let export = |to: &str, what: &str| run(here, &["export", what, "--as", "clerk", "--to", &path(to)]);
    let map = |to: &str| {
        let (ended, said) = export(to, "buildings");
        assert_eq!(ended, 0, "{said}");
        std::fs::read_to_string(path(to)).expect("a map")
    };
    assert!(!map("before.geojson").contains("示例花园"), "nothing is entered by looking");

    let (ended, said) = run(here, &["import", "commit", &import, "--as", "clerk"]);
    assert!(ended == 0 && said.contains("已导入：2 个小区"), "{said}");
    assert!(map("entered.geojson").contains("示例花园"));
    assert!(serving.ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").contains("ready"));
    for (to, what) in [
        ("buildings.xlsx", "buildings"),
        ("hazards.xlsx", "hazards"),
        ("rounds.xlsx", "rounds"),
        ("map.gpkg", "buildings"),
    ] {
        let (ended, said) = export(to, what);
        assert!(ended == 0 && said.contains("已导出"), "{said}");
    }
    let (ended, said) = run(here, &["import", "undo", &import, "--as", "clerk"]);
    assert!(ended == 0 && said.contains("已撤销：2 个小区"), "{said}");
    let (ended, said) = run(here, &["import", "undo", &import, "--as", "clerk"]);
    assert!(ended == 1 && said.contains("已撤销") && said.contains("未作任何改动"), "{said}");
}

#[test]
fn what_cannot_be_is_said_in_words_and_leaves_every_file_as_it_was() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    street(here);
    let path = |name: &str| here.join(name).to_str().expect("a plain name").to_owned();
    std::fs::write(path("list.csv"), LIST).expect("a list");
    std::fs::write(path("letter.csv"), "此致敬礼\n").expect("a letter");
    std::fs::write(path("mine.xlsx"), "mine").expect("a file");
    for (arguments, part) in [
        (&["import", "read", &path("list.csv"), "--as", "nobody"][..], "没有人员或账号 nobody"),
        (&["import", "read", &path("list.csv"), "--as", "officer"], "不能建立建筑台账"),
        (&["import", "read", &path("none.csv"), "--as", "clerk"], "无法读取"),
        (&["import", "read", &path("letter.csv"), "--as", "clerk"], "找不到表头"),
        (&["import", "read", &path("list.csv"), "--as", "clerk", "--use", "castle"], "没有这个使用性质"),
        (&["import", "read", &path("list.csv"), "--as", "clerk", "--errors", &path("mine.xlsx")], "已存在"),
        (&["import", "commit", "12", "--as", "clerk"], "导入编号不正确"),
        (&["import", "commit", &"0".repeat(32), "--as", "clerk"], "没有这次导入"),
        (&["export", "hazards", "--as", "clerk", "--to", &path("hazards.gpkg")], "不能导出为"),
        (&["export", "hazards", "--as", "clerk", "--to", &path("mine.xlsx")], "已存在"),
        (&["export", "rounds", "--as", "clerk", "--to", &path("rounds.geojson")], "不能导出为"),
        (
            &["export", "rounds", "--as", "clerk", "--to", &path("a.xlsx"), "--until", "2020-02-30"],
            "日期不正确",
        ),
        (&["export", "buildings", "--as", "clerk", "--to", &path("no/such/map.gpkg")], "无法写入"),
        (
            &["export", "buildings", "--as", "clerk", "--to", &path("a.gpkg"), "--street", "万盛街道"],
            "街镇不在",
        ),
    ] {
        let (ended, said) = run(here, arguments);
        assert!(ended == 1 && said.contains(part) && said.contains("未作任何改动"), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(path("mine.xlsx")).expect("still there"), "mine");
    assert_eq!(super::place::names(here).iter().filter(|name| name.starts_with(".tmp")).count(), 0);
}
