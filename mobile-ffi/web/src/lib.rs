//! The web shore: the facade as one JavaScript class, in a dedicated module worker.
//!
//! Only translation: texts and objects in, objects or a thrown failure out. The store is
//! SQLite on OPFS through the access-handle pool, one owner at a time; where OPFS is not
//! to be had, opening fails; there is no store in memory to fall back to. Signing is the
//! page's: WebCrypto answers later, so `prepare`, `seal` and `absorb` are three calls.
//! On other targets this crate is empty, so that the workspace builds everywhere.
#![deny(missing_docs)]
#![cfg(target_arch = "wasm32")]

mod convert;
mod host;
mod louan;
mod opfs;

pub use host::JsHost;
pub use louan::Louan;
pub use opfs::leave_stores;
