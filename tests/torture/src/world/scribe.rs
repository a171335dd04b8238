//! What happened, line by line, and how often.
//!
//! A failing seed is read like a story; a thousand passing ones are only worth something if
//! every fault and every act really took place, so both are counted.

use std::collections::BTreeMap;
use std::fmt::Display;

use louan_schema::time::Timestamp;

/// Writes the story down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scribe {
    lines: Vec<String>,
    counts: BTreeMap<String, u64>,
}

impl Scribe {
    /// A line of the story.
    pub(crate) fn tell(&mut self, step: usize, now: Timestamp, what: impl Display) {
        self.lines.push(format!("{step:>4} {now} {what}"));
    }

    /// Something countable happened.
    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// The story so far.
    #[must_use]
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What happened how often.
    #[must_use]
    pub(crate) const fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }
}
