//! `make bench`: plays the workloads and prints one JSON object; a table for people goes to stderr.
//!
//! The server is `louan serve` beside this program. Nothing is asserted on time: a missed target
//! is printed as missed.
#![allow(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose work is to print")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::outcome::{Outcome, Report, Target, at_least, at_most};
use bench::run::{Plan, all};
use bench::shaper::Quality;
use bench::workload::Workload;
use serde_json::{Value, json};

const USAGE: &str = "bench [--only NAME,NAME] [--fast-link] [--folder FOLDER]\n\
    NAMES: save W1 W1d W2 W3 W4-100 W4-2000 W4-10000 ingest";

/// Most memory of the serving process: 64 MB, of a million bytes each.
const RESIDENT_BYTES_MAX: f64 = 64_000_000.0;

/// Bytes by which a reply may grow because positions in a longer log have more digits.
const DIGITS: f64 = 16.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match measure(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> io::Result<()> {
    let plan = plan(arguments)?;
    let runs = all(&plan, |line| eprintln!("{line}"))?;
    let report = Report { conditions: conditions(&plan)?, targets: targets(&runs), runs };
    eprint!("{}", report.table());
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn plan(arguments: &[String]) -> io::Result<Plan> {
    let beside = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
    let memory = PathBuf::from("/dev/shm");
    let mut plan = Plan {
        workloads: Workload::ALL.to_vec(),
        links: vec![Quality::LOOPBACK, Quality::BASEMENT],
        rigs: if memory.is_dir() { memory } else { beside.clone() },
        folder: beside,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let wrong = || io::Error::other(format!("`{argument}` is not understood here"));
        match argument.as_str() {
            "--fast-link" => plan.links = vec![Quality::LOOPBACK],
            "--folder" => plan.folder = PathBuf::from(arguments.next().ok_or_else(wrong)?),
            "--only" => {
                let names: Vec<&str> = arguments.next().ok_or_else(wrong)?.split(',').collect();
                plan.workloads.retain(|workload| names.contains(&workload.name().as_str()));
                if plan.workloads.len() != names.len() {
                    return Err(wrong());
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(plan)
}

fn conditions(plan: &Plan) -> io::Result<BTreeMap<String, Value>> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    Ok(BTreeMap::from([
        ("cores".to_owned(), json!(std::thread::available_parallelism()?.get())),
        ("kernel".to_owned(), json!(kernel.trim())),
        ("profile".to_owned(), json!(profile)),
        ("synced_write_ms".to_owned(), json!(synced_write_ms(&plan.folder)?)),
        (
            "transport".to_owned(),
            json!("HTTPS, one client a phone, as the client core's own driver sets it up"),
        ),
        (
            "server".to_owned(),
            json!("louan serve: TLS, SQLite WAL synchronous=FULL, writer thread, worker processes"),
        ),
        ("phones".to_owned(), json!("files on disk, WAL synchronous=FULL")),
    ]))
}

/// What one synced write of 4 KiB costs on the disk measured, the middle of a hundred.
fn synced_write_ms(folder: &Path) -> io::Result<f64> {
    use std::io::Write;
    let mut file = tempfile::tempfile_in(folder)?;
    let mut figures = Vec::new();
    for _ in 0..100 {
        let begun = std::time::Instant::now();
        file.write_all(&[1; 4_096])?;
        file.sync_data()?;
        figures.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(bench::outcome::Spread::of(figures).median)
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn targets(runs: &[Outcome]) -> Vec<Target> {
    let on_loopback = |name: &str| runs.iter().find(|run| run.workload == name && run.link == "loopback");
    let mut targets = Vec::new();
    if let Some(run) = on_loopback("W1") {
        targets.push(at_most("W1 body bytes up", run.up_body_bytes as f64, 150_000.0, "B"));
        targets.push(at_most("W1 trips", run.trips as f64, 1.0, "trip"));
    }
    if let Some(run) = on_loopback("W3") {
        targets.push(at_most("W3 body bytes down", run.down_body_bytes as f64, 2_800_000.0, "B"));
        targets.push(at_most("W3 trips", run.trips as f64, 4.0, "trips"));
    }
    if let Some(documents) = on_loopback("W3").and_then(|run| run.more.get("documents_before_list")?.as_f64())
    {
        targets.push(at_most("W3 documents come before the list can be read", documents, 0.0, "documents"));
    }
    for name in ["W4-100", "W4-2000", "W4-10000"] {
        if let Some(run) = on_loopback(name) {
            let bytes = run.up_body_bytes + run.down_body_bytes;
            targets.push(at_most(&format!("{name} body bytes up and down"), bytes as f64, 1_000.0, "B"));
            targets.push(at_most(&format!("{name} trips"), run.trips as f64, 1.0, "trip"));
        }
    }
    if let (Some(few), Some(many)) = (on_loopback("W4-100"), on_loopback("W4-10000")) {
        let bytes = |run: &Outcome| run.up_body_bytes + run.down_body_bytes;
        let more = bytes(many).abs_diff(bytes(few));
        targets.push(at_most("W4 difference between 100 and 10,000 buildings", more as f64, DIGITS, "B"));
    }
    if let Some(us) = on_loopback("save").and_then(|run| run.more["submit_cpu_us"]["median"].as_f64()) {
        targets.push(at_most("save: CPU of one submission, median", us, 1_000.0, "µs"));
    }
    if let Some(rate) = on_loopback("ingest").and_then(|run| run.more["durable_records_per_s"].as_f64()) {
        targets.push(at_least("ingest: durable records", rate, 3_000.0, "/s"));
    }
    for run in runs.iter().filter(|run| !run.finished) {
        let name = format!("{} over {} comes to its end", run.workload, run.link);
        targets.push(Target { name, bound: "in time".to_owned(), measured: run.wall_ms, reached: false });
    }
    if let Some(peak) = runs.iter().map(|run| run.server_peak_rss_kib).max() {
        targets.push(resident(peak));
    }
    targets
}

/// How much memory the serving process had at its peak, of which the kernel counts KiB.
#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn resident(peak_kib: u64) -> Target {
    at_most("serving process, peak resident", peak_kib as f64 * 1_024.0, RESIDENT_BYTES_MAX, "B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_megabytes_are_64_000_000_bytes() {
        for (peak_kib, reached) in [(62_500, true), (62_501, false), (65_536, false)] {
            assert_eq!(resident(peak_kib).reached, reached, "{peak_kib} KiB");
        }
    }
}
