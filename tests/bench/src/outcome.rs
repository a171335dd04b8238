//! Outcomes: what a run cost, whether targets are reached, as JSON and as a table for people.
//!
//! A target states a bound and a figure; it is printed as reached or not and never fails a
//! run. Bytes and trips are exact and also stand in tests; times are whatever the machine gave.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

/// What one run of one workload cost.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// The workload's name.
    pub workload: String,
    /// The link's name.
    pub link: String,
    /// Whether it came to its end; if not, it was given up and its figures are those until then.
    pub finished: bool,
    /// From the first byte to rest, in milliseconds.
    pub wall_ms: f64,
    /// Requests answered, all phones together.
    pub trips: u64,
    /// Requests that were cut off and sent again.
    pub cut_off: u64,
    /// Bytes of request bodies.
    pub up_body_bytes: u64,
    /// Bytes of reply bodies.
    pub down_body_bytes: u64,
    /// Bytes above TCP towards the server: bodies, HTTP headers, TLS with its handshakes.
    pub up_wire_bytes: u64,
    /// The same towards the phones.
    pub down_wire_bytes: u64,
    /// Connections opened.
    pub connections: u64,
    /// CPU time of the serving process, in milliseconds.
    pub server_cpu_ms: u64,
    /// CPU time of the workers, in milliseconds.
    pub workers_cpu_ms: u64,
    /// CPU time of the phones, TLS included, in milliseconds.
    pub client_cpu_ms: f64,
    /// Most memory of the serving process during the run, in KiB.
    pub server_peak_rss_kib: u64,
    /// Most memory of one worker during the run, in KiB.
    pub worker_peak_rss_kib: u64,
    /// Most memory of this program, which holds all phones of the run, in KiB.
    pub phones_peak_rss_kib: u64,
    /// The server's folder after the run, on disk.
    pub server_disk_bytes: u64,
    /// The same before the run.
    pub server_disk_bytes_before: u64,
    /// The phones' folders after the run, on disk.
    pub client_disk_bytes: u64,
    /// What only this workload has to say.
    pub more: BTreeMap<String, Value>,
}

/// A bound on a figure.
#[derive(Debug, Clone, Serialize)]
pub struct Target {
    /// What is bounded.
    pub name: String,
    /// The bound, in words.
    pub bound: String,
    /// The figure.
    pub measured: f64,
    /// Whether the figure keeps the bound.
    pub reached: bool,
}

/// Everything a call of the program measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// How and on what it was measured.
    pub conditions: BTreeMap<String, Value>,
    /// One entry a run.
    pub runs: Vec<Outcome>,
    /// The targets for which there is a figure.
    pub targets: Vec<Target>,
}

/// At most.
#[must_use]
pub fn at_most(name: &str, measured: f64, bound: f64, unit: &str) -> Target {
    Target {
        name: name.to_owned(), bound: format!("≤ {bound} {unit}"), measured, reached: measured <= bound
    }
}

/// At least.
#[must_use]
pub fn at_least(name: &str, measured: f64, bound: f64, unit: &str) -> Target {
    Target {
        name: name.to_owned(), bound: format!("≥ {bound} {unit}"), measured, reached: measured >= bound
    }
}

impl Report {
    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{:<12} {:<15} {:>9} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}",
            "workload",
            "link",
            "wall ms",
            "trips",
            "up body",
            "down body",
            "up wire",
            "down wire",
            "srv cpu",
            "wrk cpu",
            "cli cpu",
            "srv MiB",
            "wrk MiB"
        );
        for run in &self.runs {
            let _ = writeln!(
                text,
                "{:<12} {:<15} {:>9.0} {:>6} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7.0} {:>7.1} {:>7.1}",
                run.workload,
                run.link,
                run.wall_ms,
                run.trips,
                run.up_body_bytes,
                run.down_body_bytes,
                run.up_wire_bytes,
                run.down_wire_bytes,
                run.server_cpu_ms,
                run.workers_cpu_ms,
                run.client_cpu_ms,
                mib(run.server_peak_rss_kib),
                mib(run.worker_peak_rss_kib),
            );
        }
        for target in &self.targets {
            let sign = if target.reached { "reached" } else { "MISSED " };
            let _ =
                writeln!(text, "{sign}  {:<44} {:>14.1}   {}", target.name, target.measured, target.bound);
        }
        text
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}

/// Middle and hundredth-part values of a list of figures.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// Only one in twenty is larger.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// The spread of figures; zeros when there are none.
    #[must_use]
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |share: usize| {
            figures.get(figures.len() * share / 100).or(figures.last()).copied().unwrap_or(0.0)
        };
        Self { median: at(50), p95: at(95), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_middle_and_the_ends() {
        let spread = Spread::of((1..=100).rev().map(f64::from).collect());
        assert_eq!((spread.median, spread.p95, spread.max), (51.0, 96.0, 100.0));
        assert_eq!(Spread::of(Vec::new()).max, 0.0);
    }

    #[test]
    fn a_target_is_reached_on_its_bound_and_missed_beyond() {
        assert!(at_most("x", 150.0, 150.0, "kB").reached && !at_most("x", 150.1, 150.0, "kB").reached);
        assert!(at_least("x", 3.0, 3.0, "/s").reached && !at_least("x", 2.9, 3.0, "/s").reached);
        let report = Report { targets: vec![at_most("x", 151.0, 150.0, "kB")], ..Report::default() };
        assert!(report.table().contains("MISSED   x"));
    }
}
