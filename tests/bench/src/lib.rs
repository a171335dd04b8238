//! What the system costs, measured on real parts: bytes, trips, CPU, memory, disk.
//!
//! A workload is a made-up district, phones and a server that do one named thing; the same
//! code runs in one process for tests of bytes and trips (which are exact) and over HTTPS
//! against a server process for `make bench` (which also reads clocks). Nothing here asserts
//! on time, and nothing here knows a rule of the domain.
//!
//! Reading order: [`district`] and [`answers`] (what is made up) → [`pen`] (a device that only
//! writes) → [`mod@line`] (how bodies travel) → [`workload`] (what is measured) → [`outcome`]
//! (what is printed); [`host`] and [`run`] put them together. [`shaper`] and [`gauge`] are the
//! instruments.
#![deny(missing_docs)]
#![allow(clippy::disallowed_methods, reason = "a bench reads the machine's clock and waits by it")]

pub mod answers;
pub mod district;
pub mod gauge;
pub mod host;
pub mod line;
pub mod outcome;
pub mod pen;
pub mod rig;
pub mod run;
pub mod shaper;
pub mod workload;
