//! The rulebook of Louan: what a record is, what a policy says, what facts add up to.
//!
//! One crate, used by phone and server alike, so that both say the same. It does no I/O,
//! reads no clock, rolls no dice, waits for nothing, and compiles to wasm32.
//!
//! Reading order: [`id`] and [`time`] (how things are named and dated) → [`area`] and
//! [`policy`] (the district and the campaign, as data) → [`record`] (what people write
//! down) → [`photo`] (what is known about a picture) → [`doc`] (how it merges) →
//! [`ruling`] and [`registry`] (what offices decide) → [`fold`] (what it adds up to) →
//! [`wire`] (how it travels) and [`unsent`] (how it is carried by hand).
#![deny(missing_docs)]

pub mod area;
pub mod code;
pub mod doc;
pub mod fold;
mod footprint;
pub mod id;
pub mod photo;
pub mod policy;
pub mod record;
pub mod registry;
pub mod ruling;
pub mod spelling;
pub mod time;
pub mod unsent;
pub mod wire;
