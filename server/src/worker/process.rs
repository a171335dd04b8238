//! The worker process: `louan worker`, one job after another over stdin and stdout.
//!
//! Before it reads anything it limits itself, and it refuses to work without limits: 512 MiB
//! of memory, five CPU seconds a job, no files, no cores. It ends when its parent is gone.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use rlimit::Resource;

use super::frame::{Answer, Job, MESSAGE_BYTES_MAX};
use super::{JudgeCase, judged, picture};

/// Memory a worker may use, in bytes.
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// CPU time a job may take, in seconds.
const JOB_CPU_S: u64 = 5;
/// Ticks a second in which Linux reports CPU time to programs.
const TICKS_PER_S: u64 = 100;

/// Runs the worker until its input ends. Meant for a process of its own: it lowers the
/// limits of the process it runs in and silences panics, whose texts may quote a phone's bytes.
#[must_use]
pub fn worker_main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let limited = Resource::AS
        .set(MEMORY_BYTES_MAX, MEMORY_BYTES_MAX)
        .and_then(|()| Resource::CORE.set(0, 0))
        .and_then(|()| Resource::FSIZE.set(0, 0));
    if limited.is_err() {
        return ExitCode::FAILURE;
    }
    match serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    loop {
        limit_cpu()?;
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let length = u32::from_be_bytes(length);
        if length > MESSAGE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = Vec::new();
        input.take(u64::from(length)).read_to_end(&mut bytes)?;
        let job: Job = minicbor::decode(&bytes).map_err(io::Error::other)?;
        drop(bytes);
        let answer = match job {
            Job::Judge(job) => Answer::from(judged(&JudgeCase::from(job))),
            Job::Picture(kind, bytes) => match picture::look(kind, &bytes) {
                Ok(picture) => Answer::Seen(picture),
                Err(unfit) => Answer::Refused(unfit),
            },
            Job::Table(bytes) => match crate::table::read(&bytes) {
                Ok(table) => Answer::Table(table),
                Err(fault) => Answer::NoTable(fault),
            },
        };
        let bytes = minicbor::to_vec(&answer).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        output.write_all(&length.to_be_bytes())?;
        output.write_all(&bytes)?;
        output.flush()?;
    }
}

/// Allows the next job its CPU time on top of what was used so far.
fn limit_cpu() -> io::Result<()> {
    let (_, hard) = Resource::CPU.get()?;
    let soft = cpu_used_s()?.saturating_add(JOB_CPU_S).min(hard);
    Resource::CPU.set(soft, hard)
}

/// CPU time this process has used, in whole seconds, rounded up.
fn cpu_used_s() -> io::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in brackets may contain anything; the numbers follow the last bracket.
    let numbers = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let tick = |field: usize| numbers.split_whitespace().nth(field).and_then(|n| n.parse::<u64>().ok());
    match (tick(11), tick(12)) {
        (Some(user), Some(system)) => Ok((user + system).div_ceil(TICKS_PER_S)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
