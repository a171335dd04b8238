//! The doctor: looks at an installation and says in Chinese what is wrong, whether data is safe, what to do.
//!
//! It only looks: nothing is written, mended or started besides one worker that is given an empty job. Each check is
//! one finding, good or bad, so that what was looked at can be seen. What a machine is like (free space, who runs it)
//! is asked in `machine`; the clock comes in.

mod backup;
mod certificate;
mod checkpoint;
mod machine;
mod photo;
mod store;
mod worker;

use std::path::PathBuf;

use louan_schema::time::Timestamp;
use serde::Serialize;

use crate::config::Config;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Well,
    /// Works, but somebody should look soon.
    Note,
    /// Does not work, or data is in danger.
    Fault,
}

impl State {
    /// The word for it; colour says nothing that this does not.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Well => "正常",
            Self::Note => "注意",
            Self::Fault => "故障",
        }
    }
}

/// What a check found (诊断结果).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name, for programs.
    pub check: &'static str,
    /// The check's name, for people.
    pub title: &'static str,
    /// How it came out.
    pub state: State,
    /// What was found.
    pub what: String,
    /// Whether data is safe; empty when all is well.
    pub safe: &'static str,
    /// What to do; empty when all is well.
    pub next: String,
}

/// A check: its names.
#[derive(Debug, Clone, Copy)]
struct Check(&'static str, &'static str);

impl Check {
    fn well(self, what: impl Into<String>) -> Finding {
        self.found(State::Well, what, "", "")
    }

    fn note(self, what: impl Into<String>, safe: &'static str, next: impl Into<String>) -> Finding {
        self.found(State::Note, what, safe, next)
    }

    fn fault(self, what: impl Into<String>, safe: &'static str, next: impl Into<String>) -> Finding {
        self.found(State::Fault, what, safe, next)
    }

    fn found(
        self,
        state: State,
        what: impl Into<String>,
        safe: &'static str,
        next: impl Into<String>,
    ) -> Finding {
        let Self(check, title) = self;
        Finding { check, title, state, what: what.into(), safe, next: next.into() }
    }

    /// The worst of several, or this when none is bad.
    fn worst(self, found: Vec<Finding>, well: impl Into<String>) -> Vec<Finding> {
        if found.is_empty() { vec![self.well(well)] } else { found }
    }
}

/// What is looked at.
#[derive(Debug)]
pub struct Patient<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// System clock.
    pub now: Timestamp,
    /// The executable whose workers read phones' bytes.
    pub program: PathBuf,
    /// The folder of backups, if it is not the configured one.
    pub backups: Option<PathBuf>,
    /// Photos are counted, not read.
    pub quick: bool,
}

/// Looks at everything.
pub async fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut found = machine::space(patient);
    found.extend(machine::folders(patient));
    found.extend(machine::permissions(patient));
    found.extend(store::examine(patient));
    found.push(photo::examine(patient));
    found.push(backup::examine(patient));
    found.push(certificate::examine(patient));
    found.push(worker::examine(patient).await);
    found
}

impl Patient<'_> {
    fn backups(&self) -> Option<&PathBuf> {
        self.backups.as_ref().or(self.config.backup.to.as_ref())
    }
}
