//! `make replay`: every inspection of the file through phones and server, compared with
//! the independent count at the four dates; twice, with different chance, and once more
//! from a ledger rebuilt out of the log.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::process::ExitCode;

use kit::cast::Cast;
use kit::replay::{Options, Source, compare, cut_off_days, replay};
use kit::world::{hub_on_disk, introduce};
use louan_schema::fold::month::MonthFigures;

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

/// A folder in memory where there is one: what is compared here is figures, not durability.
fn in_memory() -> std::io::Result<tempfile::TempDir> {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

async fn run() -> Result<(), String> {
    let source = Source::load()?;
    println!("检查 {} 次,建筑 {} 栋", source.visits.len(), source.streets.len());
    let expected = compare::independent()?;
    let mut first: Option<Vec<MonthFigures>> = None;
    for seed in [1, 2] {
        let folder = in_memory().map_err(|e| format!("no temporary folder: {e}"))?;
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
        let figures = compare::figures(&hub).await?;
        compare::equal(&figures, &expected)?;
        hub.rebuild().await.map_err(|e| format!("rebuild: {e}"))?;
        let rebuilt = compare::figures(&hub).await?;
        if rebuilt != figures {
            return Err("the rebuilt ledger gives other figures than the incremental one".to_owned());
        }
        println!("第{seed}遍: 四个日期、21 个街镇与独立统计逐一相等;重建的台账与逐笔台账相等");
        if first.get_or_insert(figures.clone()) != &figures {
            return Err("two replays give different figures".to_owned());
        }
    }
    for month in first.into_iter().flatten() {
        println!("{}", compare::line(&month));
    }
    println!("{} passed, 0 failed", cut_off_days().len() * 2);
    Ok(())
}
