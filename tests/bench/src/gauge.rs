//! Gauges: CPU time, memory and disk, read from the operating system. Linux only.
//!
//! Own CPU time comes from the kernel's clocks in nanoseconds; other processes' from
//! `/proc/<pid>/stat` in hundredths of a second. A process that ends takes its live figures
//! with it; its parent keeps the CPU time of those it waited for, which is counted too.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Length of the kernel's CPU tick as programs see it, in milliseconds.
const TICK_MS: u64 = 10;

/// CPU time the calling thread has used.
#[must_use]
pub fn thread_cpu() -> Duration {
    cpu_of(ClockId::ThreadCPUTime)
}

/// CPU time this process has used, all threads together.
#[must_use]
pub fn process_cpu() -> Duration {
    cpu_of(ClockId::ProcessCPUTime)
}

fn cpu_of(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    let (s, ns) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(s.unwrap_or(0), ns.unwrap_or(0))
}

/// What another process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// CPU time of the process itself, in milliseconds.
    pub cpu_ms: u64,
    /// CPU time of its children, living ones and those it has waited for, in milliseconds.
    pub children_cpu_ms: u64,
    /// Most memory resident at once since the last [`forget_peak`], in KiB.
    pub peak_rss_kib: u64,
    /// The same of its living children, the largest of them.
    pub child_peak_rss_kib: u64,
    /// How many children are alive.
    pub children: usize,
}

/// Reads what `pid` and its children have used; zeros for a process that is gone.
#[must_use]
pub fn used_by(pid: u32) -> Used {
    let Some(own) = stat(pid) else { return Used::default() };
    let children: Vec<(u32, ProcessLine)> = children_of(pid);
    let alive: u64 = children.iter().map(|(_, stat)| stat.cpu_ticks).sum();
    Used {
        cpu_ms: own.cpu_ticks * TICK_MS,
        children_cpu_ms: (own.waited_ticks + alive) * TICK_MS,
        peak_rss_kib: peak_rss_kib(pid),
        child_peak_rss_kib: children.iter().map(|(pid, _)| peak_rss_kib(*pid)).max().unwrap_or(0),
        children: children.len(),
    }
}

/// Lets the peak of `pid` and its children start anew from what is resident now.
pub fn forget_peak(pid: u32) {
    let children = children_of(pid);
    for pid in children.iter().map(|(pid, _)| *pid).chain([pid]) {
        // Where the kernel does not offer it, the peak stays that of the process's whole life, which errs on the dear side.
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
}

/// Bytes that the files below `folder`, or the one file, take on disk.
#[must_use]
pub fn disk_bytes(place: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(meta) = fs::symlink_metadata(place) else { return 0 };
    if !meta.is_dir() {
        return meta.blocks() * 512;
    }
    let Ok(entries) = fs::read_dir(place) else { return 0 };
    entries.flatten().map(|entry| disk_bytes(&entry.path())).sum()
}

struct ProcessLine {
    parent: u32,
    cpu_ticks: u64,
    waited_ticks: u64,
}

fn stat(pid: u32) -> Option<ProcessLine> {
    read_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads one line of `/proc/<pid>/stat`.
fn read_stat(line: &str) -> Option<ProcessLine> {
    // The name in brackets may contain anything; the numbers follow the last bracket.
    let (_, numbers) = line.rsplit_once(')')?;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let number = |at: usize| numbers.get(at)?.parse::<u64>().ok();
    Some(ProcessLine {
        parent: u32::try_from(number(1)?).ok()?,
        cpu_ticks: number(11)? + number(12)?,
        waited_ticks: number(13)? + number(14)?,
    })
}

fn children_of(parent: u32) -> Vec<(u32, ProcessLine)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| stat(pid).map(|stat| (pid, stat)))
        .filter(|(_, stat)| stat.parent == parent)
        .collect()
}

fn peak_rss_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_name_has_brackets_is_read() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194560 100 0 0 0 11 5 3 2 20 0 1 0 100 0 0";
        let stat = read_stat(line).expect("a line of the kernel");
        assert_eq!((stat.parent, stat.cpu_ticks, stat.waited_ticks), (7, 16, 5));
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let mut sum = 0_u64;
        while thread_cpu() < Duration::from_millis(1) {
            sum = sum.wrapping_add(1);
        }
        assert!(process_cpu() >= Duration::from_millis(1), "after {sum} rounds");
        let used = used_by(std::process::id());
        assert!(used.peak_rss_kib > 100, "{used:?}");
        assert_eq!(used_by(u32::MAX), Used::default());
    }
}
