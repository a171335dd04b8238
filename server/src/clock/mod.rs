//! The clocks and the dice: the one place of the server that asks what time it is, or rolls.
//!
//! Two of them. The *system* clock (tokens, limits, the audit) cannot be set. The *business*
//! clock (dates, deadlines, cut-offs) runs beside it at a fixed distance, which a
//! demonstration or a replay may choose. Everybody else is told the time.

mod random;

pub use random::{Random, SystemRandom};

use louan_schema::time::Timestamp;

/// When this build's release was made; set anew with each release. A clock that shows an earlier time is wrong.
const RELEASED_AT: &str = "2026-11-26T00:00:00+08:00";

/// No clock that is right shows an earlier instant to this build.
///
/// # Panics
/// Never: a test reads the text.
#[must_use]
pub fn released_at() -> Timestamp {
    RELEASED_AT.parse().expect("an instant")
}

/// Tells the time (时钟).
pub trait Clock: Send + Sync {
    /// Now, for tokens, limits and the audit.
    fn system(&self) -> Timestamp;
    /// Now, for dates and deadlines.
    fn business(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineClock {
    business_ahead_ms: i64,
}

impl MachineClock {
    /// A clock whose business time is the machine's, or begins at `business_now`.
    #[must_use]
    pub fn new(business_now: Option<Timestamp>) -> Self {
        let business_ahead_ms = business_now.map_or(0, |then| then.ms().saturating_sub(machine_now().ms()));
        Self { business_ahead_ms }
    }
}

impl Clock for MachineClock {
    fn system(&self) -> Timestamp {
        machine_now()
    }

    fn business(&self) -> Timestamp {
        machine_now().plus_ms(self.business_ahead_ms)
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the clock boundary")]
fn machine_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A machine set before 1970 is treated as standing at 1970.
    let ms = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Timestamp::from_ms(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_business_clock_leaves_the_system_clock_alone() {
        let demo = "2020-03-31T23:59:00+08:00".parse().expect("an instant");
        let clock = MachineClock::new(Some(demo));
        assert_eq!(clock.business().day().to_string(), "2020-03-31");
        assert!(clock.system().day().year() >= 2024, "the machine's own time");
        assert!(clock.system() >= released_at(), "a machine that builds this shows a later time");
        let plain = MachineClock::new(None);
        assert!(plain.business() >= plain.system().plus_ms(-1_000));
    }
}
