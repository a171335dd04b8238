//! The shelf: where photo bytes lie, each file under its SHA-256.
//!
//! A file that was put is durable when the call returns; only then a row may speak of it (F04). What lies here
//! without a row costs room and nothing else. The shelf knows no row, no network and no picture, and renames or
//! overwrites nothing that has a name.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod disk;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
mod memory;
mod sqlite;

use std::fmt::Debug;

use louan_schema::id::BlobHash;

#[cfg(not(target_arch = "wasm32"))]
pub use disk::{Disk, RealDisk};
#[cfg(not(target_arch = "wasm32"))]
pub use folder::FolderShelf;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use folder::beside;
pub use memory::MemoryShelf;
pub use sqlite::DatabaseShelf;

/// What the name of a store's photos has behind the store's own.
pub(crate) const PHOTOS: &str = ".photos";

/// Where photo bytes lie (照片存放处): a folder, a browser's private file system, or memory.
pub trait Shelf: Debug + Send {
    /// Keeps bytes under their hash; durable when this returns. Putting the same again is harmless.
    ///
    /// # Errors
    /// [`ShelfError`]; nothing is kept then, or it is kept whole.
    fn put(&mut self, hash: BlobHash, bytes: &[u8]) -> Result<(), ShelfError>;

    /// The bytes under a hash, as they lie there; nothing when there are none.
    ///
    /// # Errors
    /// [`ShelfError`] when they are there and cannot be read.
    fn get(&self, hash: BlobHash) -> Result<Option<Vec<u8>>, ShelfError>;

    /// Gives the room of a file back; one that is not there is no error.
    ///
    /// # Errors
    /// [`ShelfError`]; the file is whole or gone.
    fn remove(&mut self, hash: BlobHash) -> Result<(), ShelfError>;

    /// Every hash under which something lies.
    ///
    /// # Errors
    /// [`ShelfError`] when that cannot be told.
    fn list(&self) -> Result<Vec<BlobHash>, ShelfError>;
}

/// What a shelf answers instead of doing its work.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// No room on the device.
    #[error("no room on the device for the photo")]
    Full,
    /// Anything else the device answered.
    #[error("the device could not keep or read the photo")]
    Refused(#[source] std::io::Error),
}

impl From<std::io::Error> for ShelfError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Refused(error),
        }
    }
}
