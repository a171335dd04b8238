//! `make replay`: every inspection of the file through phones and server, compared with
//! the independent count at the four dates and row by row; twice, with different chance,
//! and each time with a ledger rebuilt out of the log. The first difference ends it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::process::ExitCode;

use kit::cast::Cast;
use kit::replay::compare::{self, Independent};
use kit::replay::ledger::Ledger;
use kit::replay::{Options, Outcome, Source, at_rest, cut_off_days, replay, scratch};
use kit::world::{hub_on_disk, introduce};
use louan_schema::fold::month::MonthFigures;
use louan_server::hub::Hub;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("重放未通过: {what}");
            ExitCode::FAILURE
        }
    }
}

/// Figures and rows of one replay beside the independent ones, the phones at rest, the ledger made again.
async fn compared(
    seed: u64,
    hub: &Hub,
    outcome: &Outcome,
    expected: &Independent,
) -> Result<Vec<MonthFigures>, String> {
    let figures = compare::figures(hub).await?;
    compare::equal(&figures, &expected.figures)?;
    println!("第{seed}遍: 四个日期、21 个街镇与独立统计逐一相等");
    let ledger = Ledger::read(hub).await?;
    compare::same_visits(&compare::held(&ledger)?, &expected.visits)?;
    println!(
        "第{seed}遍: 检查 {} 次(每次十六项齐全)、隐患 {} 条,地点、时间、类别、到期日、闭环时间与独立统计逐条相等",
        ledger.rounds.len(),
        ledger.hazards.len()
    );
    let [pending, held, returned] = at_rest(&outcome.phones)?;
    println!(
        "第{seed}遍: {} 部手机上待上传 {pending}、暂存待审 {held}、退回 {returned}",
        outcome.phones.len()
    );
    hub.rebuild().await.map_err(|e| format!("rebuild: {e}"))?;
    let rebuilt = Ledger::read(hub).await?;
    ledger.same(&rebuilt).map_err(|e| format!("incremental and rebuilt ledger differ: {e}"))?;
    if compare::figures(hub).await? != figures {
        return Err("the rebuilt ledger gives other figures than the incremental one".to_owned());
    }
    println!("第{seed}遍: 重建的台账与逐笔台账逐行相等");
    Ok(figures)
}

async fn run() -> Result<(), String> {
    let source = Source::load()?;
    println!("检查 {} 次,建筑 {} 栋", source.visits.len(), source.streets.len());
    let expected = compare::independent(None)?;
    let mut first: Option<Vec<MonthFigures>> = None;
    for seed in [1, 2] {
        let folder = scratch().map_err(|e| format!("no temporary folder: {e}"))?;
        let hub = hub_on_disk(&folder.path().join("server.sqlite")).await;
        let cast = Cast::of_the_district();
        let now = source.visits[0].opened_at;
        introduce(&hub, &cast, now).await;
        let mut progress = |done: usize, all: usize| eprint!("\r第{seed}遍 {done}/{all}");
        let last_day = cut_off_days()[3];
        let options = Options { seed, last_day, folder: folder.path(), progress: &mut progress };
        let outcome = replay(&source, &hub, &cast, options).await;
        eprintln!();
        println!(
            "第{seed}遍: 建筑 {}, 检查 {}, 两人同填 {}, 隐患 {}, 往返 {}",
            outcome.sites, outcome.visits, outcome.together, outcome.hazards, outcome.trips
        );
        let figures = compared(seed, &hub, &outcome, &expected).await?;
        if first.get_or_insert(figures.clone()) != &figures {
            return Err("two replays give different figures".to_owned());
        }
    }
    for month in first.into_iter().flatten() {
        println!("{}", compare::line(&month));
    }
    println!("两遍重放的数字相同");
    // In either replay: each date, the rows, the phones, the rebuilt ledger; and the two beside each other.
    println!("{} passed, 0 failed", (cut_off_days().len() + 3) * 2 + 1);
    Ok(())
}
