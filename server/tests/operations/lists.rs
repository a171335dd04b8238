//! `louan import` and `louan export` as a clerk meets them, beside the running server.

use std::path::Path;
use std::sync::Arc;

use calamine::{Reader, Xlsx, open_workbook};
use louan_schema::code::Severity;
use louan_schema::id::RecordId;
use louan_schema::record::Body;
use louan_schema::ruling::Act;
use louan_schema::wire::CommandVerdict;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};

use super::commands::{Serving, plain, run};
use super::kit::{self, COMPANY, EPOCH, MANAGER, OFFICER, Phone, STREAM, accepted, district, hazard};

const LIST: &str = "街镇,小区,栋号,使用性质,建筑高度,高度来源,经度,纬度,坐标系\n\
    古南街道,示例花园,１栋,住宅,54.5,图纸,106.651,29.028,WGS84\n\
    古南街道,示例花园,2栋,住宅,27,图纸,106.651,29.028,WGS84\n\
    古南街道,=1+1,主楼,住宅,99,实测,,,\n";

fn street(here: &Path) {
    assert_eq!(run(here, &["migrate"]).0, 0);
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

/// All texts of a workbook.
fn cells(path: &str) -> Vec<String> {
    let mut book: Xlsx<_> = open_workbook(path).expect("a workbook");
    let range = book.worksheet_range_at(0).expect("a sheet").expect("cells");
    range.rows().flatten().map(ToString::to_string).collect()
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
    let moved = ["export", "buildings", "--as", "clerk", "--to", &path("moved.geojson"), "--datum", "gcj02"];
    assert_eq!(run(here, &moved).0, 0);
    let moved = std::fs::read_to_string(path("moved.geojson")).expect("a map");
    assert!(moved.contains("\"datum\":\"GCJ02\"") && moved.contains("106.65474"), "{moved}");
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
        (&["import", "read", &path("list.csv"), "--as", "officer"], "没有建账权限"),
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
        (
            &["export", "hazards", "--as", "clerk", "--to", &path("a.xlsx"), "--state", "burning"],
            "没有这个隐患状态",
        ),
        (
            &["export", "buildings", "--as", "clerk", "--to", &path("a.gpkg"), "--datum", "mars"],
            "没有这个坐标系",
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

#[test]
fn a_ledger_taken_out_and_brought_back_as_it_is_changes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    street(here);
    let path = |name: &str| here.join(name).to_str().expect("a plain name").to_owned();
    let enter = |name: &str, list: &str| {
        std::fs::write(path(name), list).expect("a list");
        let (ended, said) = run(here, &["import", "read", &path(name), "--as", "clerk"]);
        assert_eq!(ended, 0, "{said}");
        let import = number(&said);
        let (ended, said) = run(here, &["import", "commit", &import, "--as", "clerk"]);
        assert_eq!(ended, 0, "{said}");
        import
    };
    enter("list.csv", LIST);
    // One building in the compound that stands, and one in a compound of its own; both are taken back.
    let gone = "街镇,小区,栋号,使用性质,建筑高度,高度来源\n\
        古南街道,示例花园,3栋,住宅,54.5,图纸\n古南街道,旧楼,1栋,住宅,60,图纸\n";
    let import = enter("gone.csv", gone);
    let (ended, said) = run(here, &["import", "undo", &import, "--as", "clerk"]);
    assert!(ended == 0 && said.contains("已撤销：2 个小区"), "{said}");
    let (ended, said) = run(here, &["export", "buildings", "--as", "clerk", "--to", &path("ledger.xlsx")]);
    assert_eq!(ended, 0, "{said}");
    let texts = cells(&path("ledger.xlsx"));
    let state = |wanted: &str| texts.iter().filter(|text| *text == wanted).count();
    assert_eq!((state("已建账"), state("已注销")), (2, 2), "{texts:?}");
    let (ended, said) = run(here, &["import", "read", &path("ledger.xlsx"), "--as", "clerk"]);
    assert!(ended == 0 && said.contains("新增 0，更新 0，重复 4，错误 0"), "{said}");
    assert!(said.contains("没有可以导入的内容") && !said.contains("重新建账"), "{said}");
}

#[tokio::test]
async fn hazards_of_one_state_are_exported_and_no_others() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };
    let hub = district(Arc::new(Sqlite::open(&here.join("louan.sqlite"), options).expect("opens"))).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws =
        [(1, "楼梯间堆物"), (2, "门不能关闭")].map(|(n, text)| phone.write(n, Body::Hazard(hazard(text))));
    assert!(accepted(&phone.push(&hub, &raws).await));
    let (hazard, severity) = (RecordId([1; 16]), Severity::General);
    let version = hub.find_hazard(hazard).await.expect("reads").expect("is there").version;
    let due_on = kit::noon().day();
    let verdict = kit::rule(&hub, OFFICER, version, Act::ConfirmHazard { hazard, severity, due_on }).await;
    assert!(matches!(verdict, CommandVerdict::Done(_)), "{verdict:?}");
    drop(hub);
    let clerk = kit::CLERK.to_string();
    for (state, wanted) in
        [("reported", [false, true]), ("rectifying", [true, false]), ("closed", [false, false])]
    {
        let to = here.join(format!("{state}.xlsx")).to_str().expect("a plain name").to_owned();
        let (ended, said) = run(here, &["export", "hazards", "--as", &clerk, "--to", &to, "--state", state]);
        assert_eq!(ended, 0, "{said}");
        let texts = cells(&to);
        let found = ["楼梯间堆物", "门不能关闭"].map(|text| texts.iter().any(|cell| cell == text));
        assert_eq!(found, wanted, "{state}: {texts:?}");
    }
}
