//! The executable with a gauge on it: a worker with one job or a command, what it answered, and the most memory it had
//! at any moment.
//!
//! What a process had at most is known to the system once it has ended; a few lines of Python around it ask.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Most memory of a worker, in KiB (C01, P01).
pub(crate) const LIMIT_KIB: u64 = 512 * 1024;

/// Runs a process with the pipes it was given and says on another how much memory it had at most.
const GAUGE: &str = "\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
";

/// The peak memory, in KiB, of a worker that was given this job, and its answer: empty when it died over it.
pub(crate) fn gauged(job: &[u8]) -> (u64, Vec<u8>) {
    let mut gauge = begun(Command::new("python3").args(["-c", GAUGE, env!("CARGO_BIN_EXE_louan"), "worker"]));
    let mut input = gauge.stdin.take().expect("piped");
    input.write_all(&u32::try_from(job.len()).expect("small").to_be_bytes()).expect("writes");
    input.write_all(job).expect("the worker reads its job whole");
    drop(input);
    ended(gauge)
}

/// The same of a command beside a store, without a configuration of its own; what it said.
pub(crate) fn gauged_command(store: &Path, arguments: &[&str]) -> (u64, String) {
    let mut command = Command::new("python3");
    command.args(["-c", GAUGE, env!("CARGO_BIN_EXE_louan")]).args(arguments);
    let (peak, said) = ended(begun(command.env("LOUAN__STORE__PATH", store)));
    (peak, String::from_utf8(said).expect("a text"))
}

fn begun(gauge: &mut Command) -> Child {
    gauge.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")
}

fn ended(gauge: Child) -> (u64, Vec<u8>) {
    let done = gauge.wait_with_output().expect("ends");
    let peak = String::from_utf8_lossy(&done.stderr).trim().parse().expect("a number");
    (peak, done.stdout)
}
