//! `make demo`: the main job on real inspections, told so that a person can follow it.
//!
//! A readable slice of the inspection file goes through phones that are offline for a week
//! at a time, through the gate, rulings and the ledger, into the year's figures. Nothing
//! here is prepared: every line printed is read back from the ledger.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::process::ExitCode;

use kit::cast::Cast;
use kit::replay::{Options, Source, cut_off_days, replay, unsent};
use kit::world::{hub_on_disk, introduce};
use louan_schema::area::street;
use louan_schema::fold::month::Figures;
use louan_schema::policy::Policy;
use louan_schema::time::Timestamp;
use louan_server::hub::Hub;
use louan_server::storage::ledger::HazardQuery;

/// Buildings taken from each 街镇.
const BUILDINGS_PER_STREET: usize = 2;
/// Lines of the ledger shown.
const LINES_SHOWN: u64 = 8;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("演示没有完成: {what}\n没有数据受影响:演示只用临时文件夹。");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let source = Source::load()?.slice(BUILDINGS_PER_STREET);
    let folder = tempfile::tempdir().map_err(|e| format!("没有可用的临时文件夹: {e}"))?;
    println!("楼安 · 高层建筑消防安全突出问题专项整治(演示)\n");
    println!("1  在册: 21 个街镇, {} 栋建筑(真实检查数据,地址与人员均非本地)", source.streets.len());
    let hub = hub_on_disk(&folder.path().join("server.sqlite")).await;
    let cast = Cast::of_the_district();
    introduce(&hub, &cast, source.visits[0].opened_at).await;
    println!("2  手机: 每个街镇物业 2 部、派出所 1 部,共 63 部,平时离线,一周同步一次");
    let mut progress = |done: usize, all: usize| eprint!("\r   检查 {done}/{all} 次");
    let day = cut_off_days()[1];
    let source = source.before(day.end());
    let options = Options { seed: 2020, last_day: day, folder: folder.path(), progress: &mut progress };
    let outcome = replay(&source, &hub, &cast, options).await;
    eprintln!();
    println!(
        "   共检查 {} 次(其中 {} 次由两人同填一张检查表),登记隐患 {} 条,同步往返 {} 次,手机上未送达 {} 条\n",
        outcome.visits,
        outcome.together,
        outcome.hazards,
        outcome.trips,
        unsent(&outcome.phones)
    );
    ledger(&hub, day.end()).await?;
    figures(&hub, day.end()).await?;
    let before = hub.month(day.end()).await.map_err(|e| format!("汇总: {e}"))?;
    let lines = hub.rebuild().await.map_err(|e| format!("重建台账: {e}"))?;
    let again = hub.month(day.end()).await.map_err(|e| format!("汇总: {e}"))?;
    let same = if again == before {
        "与逐笔形成的台账数字一致"
    } else {
        "与逐笔形成的台账数字不一致,请报告"
    };
    println!("4  由原始记录重建台账({lines} 册): {same}");
    println!("\n`make replay` 用全部 9,648 次检查与独立统计核对;`make help` 列出其余命令。");
    Ok(())
}

async fn ledger(hub: &Hub, at: Timestamp) -> Result<(), String> {
    let day = at.plus_ms(-1).day();
    println!("3  火灾隐患台账:截至 {day} 24时逾期未改的");
    let query = HazardQuery { overdue_on: Some(day), limit: LINES_SHOWN, ..HazardQuery::default() };
    let page = hub.list_hazards(query).await.map_err(|e| format!("读台账: {e}"))?;
    println!("   街镇      类别                        发现        整改时限    状态");
    for status in &page.rows {
        let site = hub.find_site(status.site).await.map_err(|e| format!("读小区: {e}"))?;
        let name = site.and_then(|s| street(s.site.street).ok()).map_or("", |s| s.name);
        let leaf = Policy::qijiang_2020().hazard_type(status.reading.code);
        let standing = status.reading.standing_at(at);
        let due = standing.due_on.map(|d| d.to_string()).unwrap_or_default();
        println!(
            "   {} {} {}  {due}  {}{}",
            padded(name, 9),
            padded(leaf.map_or("", |l| l.name_zh.as_str()), 27),
            status.reading.found_at().day(),
            standing.state.label(),
            if standing.overdue { " · 逾期" } else { "" }
        );
    }
    println!("   …… 共 {} 条\n", page.total);
    Ok(())
}

async fn figures(hub: &Hub, at: Timestamp) -> Result<(), String> {
    let month = hub.month(at).await.map_err(|e| format!("汇总: {e}"))?;
    println!("   月度数据(统计截止 {} 24时)", at.plus_ms(-1).day());
    println!("   街镇      检查次数  发现隐患  处置完成  复查销号  逾期未改");
    for (code, figures) in &month.rows {
        println!("   {} {}", padded(street(*code).map_or("", |s| s.name), 9), row(figures));
    }
    println!("   {} {}\n", padded("合计", 9), row(&month.total));
    Ok(())
}

fn row(f: &Figures) -> String {
    format!("{:>8}  {:>8}  {:>8}  {:>8}  {:>8}", f.rounds, f.hazards_found, f.disposed, f.closed, f.overdue)
}

/// A text filled up to a number of terminal columns; a Chinese character takes two.
fn padded(text: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let width = if c.is_ascii() { 1 } else { 2 };
        if used + width > columns {
            break;
        }
        out.push(c);
        used += width;
    }
    out.push_str(&" ".repeat(columns - used));
    out
}
