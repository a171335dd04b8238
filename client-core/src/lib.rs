//! The phone's brain: everything a field worker does works without a network.
//!
//! One object, [`Phone`], owns one SQLite store. Use cases save in one transaction and
//! return only after it is durable; sync is sans-IO: the core says what to sign and send
//! ([`Phone::prepare`], [`Phone::seal`]) and takes what came back ([`Phone::absorb`]).
//! It reads no clock, rolls no dice and opens no socket: time and chance come in with
//! every act. It compiles to native and wasm32; only [`driver`] (feature `http`) knows HTTP.
//!
//! Reading order: [`phone`](Phone) → `usecase` (one file an act) → `store` (what is
//! kept) → [`shelf`] (where photos lie) → `sync` (how it travels) → [`view`] (what a
//! screen prints).
#![deny(missing_docs)]

#[cfg(feature = "http")]
pub mod driver;
mod error;
mod phone;
pub mod shelf;
mod store;
mod sync;
mod usecase;
pub mod view;

pub use louan_photo as darkroom;
pub use louan_schema as schema;

pub use error::{Error, ErrorKind, OpenError};
pub use phone::{Acting, Enrolment, Phone};
pub use store::{Salvage, StorePlace};
pub use sync::backoff::wait_ms;
pub use sync::photo::{Method, PhotoReply, PhotoRequest, PhotoStep};
pub use sync::unsent::{UnsentDraft, UnsentMark};
pub use sync::{Absorbed, Prepared};
pub use usecase::photo::{PhotoSettings, Shot};
pub use usecase::round::AnswerDraft;
pub use view::HazardFilter;

/// The build number the phone reports; the office refuses pushes of builds it no longer understands.
pub const BUILD: u32 = 1;
