//! The demonstration: the product as it is delivered, on one machine, with a slice of the
//! real inspections.
//!
//! The real executable sets up, serves over TLS and judges in its worker processes; the
//! phones are real cores with files of their own and real links; confirmations and closures
//! are asked for over HTTPS by the police's accounts. Nothing here opens the server's
//! database, and every figure shown is read back from the server.

mod desk;
mod folder;
mod people;
mod phone;
mod server;
pub mod table;
mod year;

pub use desk::{Desk, HazardLine, MonthLine, StreetLine};
pub use folder::{Cleared, Folder};
pub use people::{Account, Crew, Staff, set_up};
pub use server::{Office, Running};
pub use year::{Played, Week, Year};

use std::fmt;

/// What went wrong, and what to do next (演示中断).
#[derive(Debug)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// What to do next.
    pub next: String,
}

impl Trouble {
    /// What happened, and what to do next.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }

    /// Something nobody expects: to be reported.
    pub fn odd(what: impl Into<String>) -> Self {
        Self::new(what, "请重试；如仍失败，请连同数据文件夹里的 server.log 一起报告。")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.next)
    }
}

/// A step of the demonstration.
pub type Step<T> = Result<T, Trouble>;
