//! The kit: a world in one process, made of real parts.
//!
//! Real client cores with real SQLite stores, the real hub, real signatures; no port, no
//! clock, no sleep. Stories state what matters and nothing else. The kit knows no rule of
//! the domain: whatever it asserts, it reads from what a user could read.

pub mod cast;
pub mod demo;
pub mod dice;
pub mod handset;
pub mod proof;
pub mod replay;
pub mod world;

// What fuzzing runs, run over its seeds with the assertions of a test, on the phones and hostile rows of the server's.
#[cfg(test)]
#[path = "../fuzz/attack/mod.rs"]
mod attack;
#[cfg(test)]
#[path = "../../server/tests/kit/mod.rs"]
mod kit;
#[cfg(test)]
#[path = "../../server/tests/traps/mod.rs"]
mod traps;

use louan_client_core::Enrolment;
use louan_schema::id::DeviceId;
use louan_schema::registry::Person;

use crate::cast::Cast;

/// The stream of the district: its code.
pub const DISTRICT_STREAM: u32 = 500_110;

/// What enrolling `person` on `device` hands to the phone.
#[must_use]
pub fn enrolment(cast: &Cast, person: &Person, device: DeviceId) -> Enrolment {
    let org = cast.orgs().find(|o| o.id == person.org).expect("the cast is whole").clone();
    Enrolment { device, people: vec![person.clone()], orgs: vec![org], stream: DISTRICT_STREAM }
}
