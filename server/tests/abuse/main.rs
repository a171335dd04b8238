//! Abuse cases that no other test shows: attacks on photos, lists, pages, rights, the audit and connections.
//!
//! `tests/setup/abuse.toml` says which test proves which case; `make abuse` runs them.

#[path = "../edge_kit/mod.rs"]
mod edge_kit;
#[path = "../kit/mod.rs"]
mod kit;
#[path = "../photo_kit/mod.rs"]
mod photo_kit;

mod chain;
mod cites;
mod exports;
mod http2;
mod lists;
mod log;
mod markup;
mod outbound;
mod photos;
mod raw;
mod rights;
