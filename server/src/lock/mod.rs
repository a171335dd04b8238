//! One lock a thing, by its key: two requests never judge the same document, or write the same upload, at once.
//!
//! Locks are made when asked for and forgotten when nobody holds them. Nobody ever holds
//! two, so nobody waits in a circle.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

/// Forgotten locks are swept when the table has grown by this much.
const SWEEP_EVERY: usize = 1_024;

/// The locks (互斥锁) of one kind of thing.
#[derive(Debug)]
pub(crate) struct Locks<K> {
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    locks: HashMap<K, Weak<Waiting<()>>>,
    sweep_at: usize,
}

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self { table: Mutex::new(Table { locks: HashMap::new(), sweep_at: 0 }) }
    }
}

impl<K: Copy + Eq + Hash> Locks<K> {
    /// Waits until nobody else holds the thing.
    pub(crate) async fn hold(&self, key: K) -> OwnedMutexGuard<()> {
        self.of(key).lock_owned().await
    }

    fn of(&self, key: K) -> Arc<Waiting<()>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = table.locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        if table.locks.len() >= table.sweep_at {
            table.locks.retain(|_, lock| lock.strong_count() > 0);
            table.sweep_at = table.locks.len() + SWEEP_EVERY;
        }
        let lock = Arc::new(Waiting::new(()));
        table.locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}
