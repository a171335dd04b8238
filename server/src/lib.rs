//! Louan's server as a library: the gate, the log, the ledger, rulings, reports, and the edge.
//!
//! Reading order: [`hub`] (the one door) → [`sync`] (what phones send and get) → [`worker`]
//! (where automerge runs) → [`ledger`], [`ruling`], [`registry`], [`report`] (what it adds up
//! to) → [`photo`] and [`blob`] (evidence) → [`audit`] → [`storage`] (what is remembered). Nothing here reads a clock or rolls
//! dice: time comes in as [`hub::Clocks`].
#![deny(missing_docs)]

pub mod app;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod blob;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod edge;
pub mod http;
pub mod hub;
pub mod import;
pub mod ledger;
mod lock;
pub mod photo;
pub mod registry;
pub mod report;
pub mod restore;
pub mod ruling;
pub mod storage;
pub mod sync;
pub mod table;
pub mod telemetry;
pub mod unsent;
pub mod worker;
