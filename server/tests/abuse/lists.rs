//! Hostile lists read by real workers (X01, X02, X04), and what an import may not do (X06).

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::Response;
use louan_schema::area::StreetCode;
use louan_schema::code::{OrgKind, Role};
use louan_schema::registry::Org;
use louan_server::hub::Clocks;
use louan_server::storage::accounts::AccountStore;
use louan_server::table::{ReadTable, TableFault};
use louan_server::worker::Pool;
use minicbor::bytes::ByteVec;
use serde_json::Value;
use zip::write::SimpleFileOptions;

use super::edge_kit::house::{House, code, house, request};
use super::edge_kit::{STREET, noon, org_id, person_id};

const MIB: usize = 1024 * 1024;

/// An honest workbook whose one sheet is written by `fill`, as badly packed as asked.
fn workbook(fill: impl Fn(&mut dyn Write, &str)) -> Vec<u8> {
    let mut honest = rust_xlsxwriter::Workbook::new();
    honest.add_worksheet().write(0, 0, "名称").expect("writes");
    let honest = honest.save_to_buffer().expect("a workbook");
    let mut archive = zip::ZipArchive::new(Cursor::new(honest)).expect("a zip");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("an entry");
        let (name, mut text) = (entry.name().expect("a name").to_string(), String::new());
        entry.read_to_string(&mut text).expect("text");
        let is_sheet = name.ends_with("sheet1.xml");
        zip.start_file(name, options).expect("begins");
        if is_sheet {
            fill(&mut zip, &text);
        } else {
            zip.write_all(text.as_bytes()).expect("writes");
        }
    }
    zip.finish().expect("ends").into_inner()
}

/// Half a mebibyte that unpacks to 530.
fn bomb() -> Vec<u8> {
    let blanks = vec![b' '; MIB];
    workbook(|out, text| {
        let (begin, end) = text.split_once("<sheetData>").expect("cells");
        out.write_all(begin.as_bytes()).expect("writes");
        (0..530).for_each(|_| out.write_all(&blanks).expect("writes"));
        out.write_all(b"<sheetData>").expect("writes");
        out.write_all(end.as_bytes()).expect("writes");
    })
}

/// Runs a worker with the pipes it was given and says on another how much memory it had at most.
const GAUGE: &str = "\
import resource, subprocess, sys
subprocess.run([sys.argv[1], 'worker'], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
";

/// The peak memory, in KiB, of a worker that was given this file, and whether it lived to answer.
fn peak_kib(file: Vec<u8>) -> (u64, bool) {
    let mut gauge = Command::new("python3")
        .args(["-c", GAUGE, env!("CARGO_BIN_EXE_louan")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // A job about a table: number 2, with one field.
    let job = minicbor::to_vec((2_u32, (ByteVec::from(file),))).expect("encodes");
    let mut input = gauge.stdin.take().expect("piped");
    input.write_all(&u32::try_from(job.len()).expect("short").to_be_bytes()).expect("writes");
    input.write_all(&job).expect("the worker reads its job whole");
    drop(input);
    let done = gauge.wait_with_output().expect("ends");
    let peak = String::from_utf8_lossy(&done.stderr).trim().parse().expect("a number");
    (peak, !done.stdout.is_empty())
}

#[tokio::test]
async fn half_a_mebibyte_that_unpacks_to_530_is_refused_within_a_quarter_of_a_gibibyte() {
    let bomb = bomb();
    assert!(bomb.len() < MIB, "{} bytes", bomb.len());
    let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 1);
    assert_eq!(pool.read_table(bomb.clone()).await, Ok(Err(TableFault::Bomb)));
    let (peak, answered) = peak_kib(bomb);
    assert!(answered && peak < 256 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_range_that_is_only_claimed_costs_nothing() {
    let claimed = workbook(|out, text| {
        let text = text.replace("<dimension ref=\"A1\"/>", "<dimension ref=\"A1:XFD1048576\"/>");
        assert!(text.contains("XFD1048576"), "{text}");
        out.write_all(text.as_bytes()).expect("writes");
    });
    let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 1);
    let table = pool.read_table(claimed.clone()).await.expect("a worker").expect("a table");
    assert_eq!(table.lines.len(), 1);
    let (peak, answered) = peak_kib(claimed);
    assert!(answered && peak < 64 * 1024, "{peak} KiB");
}

pub(crate) async fn send(house: &House, path: &str, token: &str, file: &[u8]) -> Response<Bytes> {
    request("POST", path, 1)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream")
        .header("content-length", file.len())
        .body(file)
        .reply(&house.routes)
        .await
}

pub(crate) fn read(reply: &Response<Bytes>) -> Value {
    assert_eq!(reply.status().as_u16(), 200, "{:?}", String::from_utf8_lossy(reply.body()));
    serde_json::from_slice(reply.body()).expect("JSON")
}

#[tokio::test]
async fn text_that_is_no_list_is_refused_with_its_place() {
    let house = house().await;
    let street = house.sign_in(1).await;
    let before = house.hub.head().await.expect("a head").pos;
    let line = "长".repeat(5 * MIB);
    let wide = format!("{}\n{}x\n", "名称,".repeat(101), "a,".repeat(101));
    for (name, file, wanted) in [
        ("a NUL", b"\xe5\x90\x8d,b\n1,\0\n".to_vec(), ("not_a_table", "xlsx")),
        (
            "UTF-16 without its mark",
            "名称,街镇\n甲,乙\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ("not_a_table", "xlsx"),
        ),
        ("one line of 15 MiB", format!("名称\n{line}\n").into_bytes(), ("cell_too_long", "第 2 行A列")),
        ("a hundred and two columns", wide.into_bytes(), ("too_many_columns", "第 1 行")),
        ("too many lines", "a\n".repeat(50_002).into_bytes(), ("too_many_rows", "50000 行")),
        ("spoilt GB18030", b"\xc3\xfb,\xb3\xc6\n\x81\n".to_vec(), ("encoding", "第 2 行")),
    ] {
        let reply = send(&house, "/api/v1/imports", &street, &file).await;
        assert_eq!(reply.status().as_u16(), 422, "{name}");
        let problem: Value = serde_json::from_slice(reply.body()).expect("JSON");
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], wanted.0, "{name}");
        assert!(fault["detail"].as_str().expect("words").contains(wanted.1), "{name}: {fault}");
    }
    let huge = request("POST", "/api/v1/imports", 1)
        .header("authorization", format!("Bearer {street}"))
        .header("content-type", "application/octet-stream")
        .header("content-length", 1_u64 << 30)
        .reply(&house.routes)
        .await;
    assert_eq!((huge.status().as_u16(), code(&huge).as_str()), (413, "too_large"));
    assert_eq!(house.hub.head().await.expect("a head").pos, before, "nothing was written");
}

/// Everything an import could want to raise: accounts, people with their roles, organisations, devices.
async fn rights(house: &House) -> (usize, Vec<(String, Role, bool)>, usize, usize) {
    let people = house.hub.list_people().await.expect("people");
    let people = people.iter().map(|row| (row.person.id.to_string(), row.person.role, row.active)).collect();
    (
        house.store.list_accounts().await.expect("accounts").len(),
        people,
        house.hub.list_orgs().await.expect("organisations").len(),
        house.hub.list_devices().await.expect("devices").len(),
    )
}

/// Columns that speak of rights, and a value for each.
const TITLES: &str = "角色,岗位,权限,账号,登录名,密码,姓名,人员编号,单位类型,单位编号,role,is_admin,account,password,person,org,active,监管单位,supervised_by";
const VALUES: &str = "系统管理员,安全管理员,全部,admin,user-1,Tower-block 33,人员1,{own},operator,office,system_admin,true,user-1,x,{own},office,true,消防救援大队,office";

#[tokio::test]
async fn an_import_enters_compounds_and_raises_nobody_whatever_columns_it_has() {
    let house = house().await;
    let street = house.sign_in(1).await;
    let own = person_id(1).to_string();
    let list = format!(
        "街镇,小区名称,栋号,使用性质,建筑高度,高度来源,{TITLES}\n古南街道,示例花园,1栋,住宅,54.5,图纸,{}\n",
        VALUES.replace("{own}", &own)
    );
    let police = Org {
        id: org_id("police-1"),
        kind: OrgKind::Police,
        name: "派出所".to_owned(),
        street: StreetCode::new(STREET),
    };
    house.hub.add_org(police, None, Clocks::both(noon())).await.expect("a new organisation");
    let before = rights(&house).await;
    let seen = read(&send(&house, "/api/v1/imports", &street, list.as_bytes()).await);
    let left_alone: Vec<&str> =
        seen["left_alone"].as_array().expect("titles").iter().filter_map(Value::as_str).collect();
    assert!(TITLES.split(',').all(|title| left_alone.contains(&title)), "{left_alone:?}");
    let commit = format!("/api/v1/imports/{}/commit", seen["id"].as_str().expect("an id"));
    let carried = read(&send(&house, &commit, &street, b"").await);
    assert_eq!(
        (carried["done"].as_u64(), carried["left"].as_array().map(Vec::len)),
        (Some(1), Some(0)),
        "{carried}"
    );
    assert_eq!(rights(&house).await, before);
    let org = house.hub.find_org(org_id("street-1")).await.expect("reads").expect("an organisation");
    let (_, site, _) = house.hub.next_site(&org, None, None).await.expect("reads").expect("a compound");
    assert_ne!(site.supervised_by, org_id("office"), "who supervises follows from the plan, not from a list");
}
