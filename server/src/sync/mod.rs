//! Sync: what phones send is judged, what is new to them is gathered.
//!
//! * [`batch`]: a signed batch, opened and taken apart
//! * [`gate`]: stage 1, every change against the log's state, without automerge
//! * [`settle`]: stage 1 and the worker's word together
//! * [`fact`]: what a record may say, by whom, about whose
//! * [`scope`]: what a device may see now
//! * [`feed`]: what is new after a cursor
//! * [`bootstrap`]: everything, in pages, for a new phone or a gained scope
//!
//! The gate refuses before anybody else has seen a change; nothing here stores anything.

pub mod batch;
pub mod bootstrap;
pub mod fact;
pub mod feed;
pub mod gate;
pub mod scope;
pub mod settle;

pub use gate::{Candidate, Gate, Rights, Stage1, rights};
