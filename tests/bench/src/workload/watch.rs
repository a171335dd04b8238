//! A stopwatch over wall and CPU time of the calling thread, started and stopped as often as needed.
//!
//! It runs only while what a workload is about goes on: typing between two syncs is not sync.

use std::time::{Duration, Instant};

use crate::gauge::thread_cpu;

/// A stopwatch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watch {
    /// Wall time while it ran.
    pub wall: Duration,
    /// CPU time of the thread that started and stopped it.
    pub cpu: Duration,
    since: Option<(Instant, Duration)>,
}

impl Watch {
    /// Lets it run.
    pub fn start(&mut self) {
        self.since = Some((Instant::now(), thread_cpu()));
    }

    /// Stops it; what it measured since it was started.
    pub fn stop(&mut self) -> (Duration, Duration) {
        let Some((wall, cpu)) = self.since.take() else { return (Duration::ZERO, Duration::ZERO) };
        let lap = (wall.elapsed(), thread_cpu().saturating_sub(cpu));
        self.wall += lap.0;
        self.cpu += lap.1;
        lap
    }
}

/// A duration in milliseconds, with fractions.
#[must_use]
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
