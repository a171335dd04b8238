//! The native shore: the facade through UniFFI, for Kotlin, Swift and Python.
//!
//! Only translation: a lock around the one phone, foreign traits for host and key, and
//! call by call what `louan-facade` has. No rule stands here; an `if` about the domain is
//! a defect. The browser's shore is `mobile-ffi/web`.
#![deny(missing_docs)]

mod host;
mod louan;
mod office;

pub use host::{DeviceHost, HostFailure};
pub use louan::Louan;
pub use office::Office;

uniffi::setup_scaffolding!();
