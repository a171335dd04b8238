//! The darkroom as a whole: honest pictures come out upright, small and clean, whatever else is refused by name.
//!
//! `samples/` holds eight small pictures, one for each way of holding a camera, made smaller from a set under the
//! MIT licence beside them. Everything hostile is made here.
#![allow(clippy::print_stdout, reason = "figures, and what was skipped")]

mod bombs;
mod honest;
mod hostile;
#[cfg(feature = "font")]
mod lettered;
mod make;
mod measured;
