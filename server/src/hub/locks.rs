//! One lock a document: two requests never judge the same document at once.
//!
//! Locks are made when asked for and forgotten when nobody holds them. Nobody ever holds
//! two, so nobody waits in a circle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use louan_schema::id::DocId;
use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

/// Forgotten locks are swept when the table has grown by this much.
const SWEEP_EVERY: usize = 1_024;

/// The locks.
#[derive(Debug, Default)]
pub(super) struct Locks {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    locks: HashMap<DocId, Weak<Waiting<()>>>,
    sweep_at: usize,
}

impl Locks {
    /// Waits until nobody else holds the document.
    pub(super) async fn hold(&self, doc: DocId) -> OwnedMutexGuard<()> {
        self.of(doc).lock_owned().await
    }

    fn of(&self, doc: DocId) -> Arc<Waiting<()>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = table.locks.get(&doc).and_then(Weak::upgrade) {
            return lock;
        }
        if table.locks.len() >= table.sweep_at {
            table.locks.retain(|_, lock| lock.strong_count() > 0);
            table.sweep_at = table.locks.len() + SWEEP_EVERY;
        }
        let lock = Arc::new(Waiting::new(()));
        table.locks.insert(doc, Arc::downgrade(&lock));
        lock
    }
}
