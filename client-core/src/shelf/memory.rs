//! A shelf in memory: gone when the phone is dropped. For tests, as [`StorePlace::Memory`] is.
//!
//! [`StorePlace::Memory`]: crate::StorePlace::Memory

use std::collections::BTreeMap;

use louan_schema::id::BlobHash;

use super::{Shelf, ShelfError};

/// Photos in memory (内存存放处).
#[derive(Debug, Clone, Default)]
pub struct MemoryShelf(BTreeMap<BlobHash, Vec<u8>>);

impl Shelf for MemoryShelf {
    fn put(&mut self, hash: BlobHash, bytes: &[u8]) -> Result<(), ShelfError> {
        self.0.insert(hash, bytes.to_vec());
        Ok(())
    }

    fn get(&self, hash: BlobHash) -> Result<Option<Vec<u8>>, ShelfError> {
        Ok(self.0.get(&hash).cloned())
    }

    fn remove(&mut self, hash: BlobHash) -> Result<(), ShelfError> {
        self.0.remove(&hash);
        Ok(())
    }

    fn list(&self) -> Result<Vec<BlobHash>, ShelfError> {
        Ok(self.0.keys().copied().collect())
    }
}
