//! Room for bodies: how many large ones are worked on, and how many are packed or unpacked, at once.
//!
//! Memory is what a small office machine has least of. Whoever finds no room waits with his body as it came,
//! compressed; small ones wait for no large one.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Large bodies of phones worked on at once: each may become 8 MiB and is there several times until it is stored.
const LARGE_AT_ONCE: usize = 2;
/// Bytes of a body, as sent, up to which it is worked on beside any number of others: some 300 records.
const LARGE_BYTES: usize = 48 * 1024;

/// The room there is.
#[derive(Debug)]
pub(super) struct Room {
    large: Arc<Semaphore>,
    turns: Semaphore,
}

impl Room {
    pub(super) fn new() -> Self {
        // It is work for processors: more at once than there are would only be more tables in memory.
        let turns = Semaphore::new(available_parallelism().map_or(2, usize::from));
        Self { large: Arc::new(Semaphore::new(LARGE_AT_ONCE)), turns }
    }

    /// Waits until a body of so many bytes, as sent, may be worked on; a large one keeps its room until it is
    /// stored.
    pub(super) async fn for_body(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        if bytes <= LARGE_BYTES {
            return None;
        }
        // Closed by nobody.
        Arc::clone(&self.large).acquire_owned().await.ok()
    }

    /// Waits for a turn to pack or unpack.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn large_bodies_wait_for_each_other_and_small_ones_for_nobody() {
        let room = Room::new();
        let large = || room.for_body(LARGE_BYTES + 1).now_or_never();
        let first = large().expect("there is room");
        let second = large().expect("there is room");
        assert!(first.is_some() && second.is_some());
        assert!(large().is_none(), "two are worked on");
        assert!(room.for_body(LARGE_BYTES).now_or_never().is_some(), "a small one goes past them");
        drop(first);
        assert!(large().is_some(), "one is stored");
    }

    #[test]
    fn no_more_is_packed_at_once_than_there_are_processors() {
        let room = Room::new();
        let mut taken = Vec::new();
        while let Some(turn) = room.turn().now_or_never() {
            taken.push(turn);
        }
        assert_eq!(taken.len(), available_parallelism().map_or(2, usize::from));
        taken.pop();
        assert!(room.turn().now_or_never().is_some());
    }
}
