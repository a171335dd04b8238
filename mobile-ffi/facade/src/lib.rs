//! The facade: what both shores share. Plain records and texts in, the core's calls, plain
//! records and texts out.
//!
//! Translation only: an `if` about the domain is a defect here. It keeps no rule, reads no
//! clock, makes no chance and holds no key; those come from the [`Host`] and the
//! [`Signer`]. UniFFI (`mobile-ffi`) and wasm-bindgen (`mobile-ffi/web`) wrap [`Desk`]
//! call by call. Of our crates it uses client-core alone, and the rulebook through it.
#![deny(missing_docs)]

mod building;
mod courier;
mod desk;
mod draft;
mod enrolment;
mod failure;
mod host;
#[cfg(feature = "http")]
mod native;
mod photo;
mod read;
mod receipt;
mod row;

pub use building::{BuildingRow, FloorRow, PositionRow};
pub use courier::{PhotoAnswer, PhotoErrand};
pub use desk::{Desk, Place};
pub use draft::{AnswerDraft, CorrectionDraft, FixDraft, HazardDraft, HazardFilter, RecheckDraft, StopDraft};
pub use failure::{Failure, InputFault};
pub use host::{Host, Signer};
pub use louan_client_core::darkroom::watermark::{Lettering, Letters};
#[cfg(feature = "http")]
pub use native::{Office, SessionRow, held};
pub use photo::{PhotoCountRow, PhotoRow, PhotoSettingsRow, SensorDraft, ShotDraft};
pub use receipt::{EditRow, TripRow};
pub use row::{AnswerRow, HazardRow, MissingRow, PersonRow, RoundRow, RoundSheet, StopRow};

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();
