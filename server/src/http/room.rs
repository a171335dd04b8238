//! Room for bodies: how many files are taken in, how many large bodies are worked on, how many are packed or unpacked, and
//! how much is on its way, at once.
//!
//! Memory is what a small office machine has least of. Who brings a file and finds no room comes again: nothing of it is
//! read. A phone that finds none waits with its body as it came, compressed; small ones wait for no large one. Nobody
//! waits for a slow phone to read its reply: while many do, the next replies are smaller and come in more trips.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use bytes::Bytes;
use louan_schema::id::PersonId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::api_error::{ApiError, Problem};

/// Files taken in at once, lists and parts of unsent data: of 16 MiB at most, and of twice that while they grow, so 128 MiB.
/// One is read, the others come.
const FILES_AT_ONCE: usize = 4;
/// Of these, of one person: who sends slowly keeps out himself and not the other offices.
const FILES_OF_ONE: usize = 2;
/// How long whoever brings one more should wait: a list is read within seconds.
const FILES_WAIT_MS: i64 = 5_000;
/// Large bodies of phones worked on at once: each may become 8 MiB and is there several times until it is stored.
const LARGE_AT_ONCE: usize = 2;
/// Bytes of a body, as sent, up to which it is worked on beside any number of others: some 300 records.
const LARGE_BYTES: usize = 48 * 1024;
/// Bytes of replies, as sent, that may be on their way before the next ones are made small: fifty phones in basements
/// that are each sent half a mebibyte would hold as much as everything else together.
const ON_THEIR_WAY_BYTES: usize = 3 * 1024 * 1024;
/// What a reply may carry then, before compression: some fifty kilobytes as sent.
const SMALL_DOWN_BYTES: u32 = 256 * 1024;

/// The room there is.
#[derive(Debug)]
pub(super) struct Room {
    files: Semaphore,
    senders: Mutex<HashMap<PersonId, usize>>,
    large: Arc<Semaphore>,
    turns: Semaphore,
    on_their_way: Arc<AtomicUsize>,
}

/// Room for one file of a person, given back when it is dropped.
pub(super) struct FileRoom<'a> {
    room: &'a Room,
    person: PersonId,
    _permit: SemaphorePermit<'a>,
}

impl Drop for FileRoom<'_> {
    fn drop(&mut self) {
        let mut senders = self.room.senders();
        match senders.get_mut(&self.person) {
            Some(his) if *his > 1 => *his -= 1,
            _ => drop(senders.remove(&self.person)),
        }
    }
}

/// A reply's bytes, counted until the last of them is sent or given up.
struct OnItsWay {
    bytes: Vec<u8>,
    all: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for OnItsWay {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

impl Room {
    pub(super) fn new() -> Self {
        // It is work for processors: more at once than there are would only be more tables in memory.
        let turns = Semaphore::new(available_parallelism().map_or(2, usize::from));
        let (files, large) = (Semaphore::new(FILES_AT_ONCE), Arc::new(Semaphore::new(LARGE_AT_ONCE)));
        Self { files, senders: Mutex::default(), large, turns, on_their_way: Arc::default() }
    }

    /// Room for a file, taken before its first byte is read and kept until it is done with.
    pub(super) fn for_file(&self, person: PersonId) -> Result<FileRoom<'_>, ApiError> {
        let none = || ApiError::later(Problem::Overloaded, FILES_WAIT_MS);
        let permit = self.files.try_acquire().map_err(|_| none())?;
        let mut senders = self.senders();
        let his = senders.entry(person).or_default();
        if *his >= FILES_OF_ONE {
            return Err(none());
        }
        *his += 1;
        Ok(FileRoom { room: self, person, _permit: permit })
    }

    fn senders(&self) -> MutexGuard<'_, HashMap<PersonId, usize>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// What a reply may carry now of what a phone asks for, in bytes before compression.
    pub(super) fn down_bytes(&self, asked: u32) -> u32 {
        let much = self.on_their_way.load(Ordering::Relaxed) > ON_THEIR_WAY_BYTES;
        if much { asked.min(SMALL_DOWN_BYTES) } else { asked }
    }

    /// A reply's bytes, counted from now on.
    pub(super) fn on_its_way(&self, bytes: Vec<u8>) -> Bytes {
        self.on_their_way.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(OnItsWay { bytes, all: Arc::clone(&self.on_their_way) })
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
    fn who_brings_a_file_too_many_is_told_to_come_again() {
        let room = Room::new();
        let [first, second, third] = [1, 2, 3].map(|n| PersonId([n; 16]));
        let one = |person| room.for_file(person);
        let mut held: Vec<_> = [first, first].map(|person| one(person).expect("there is room")).into();
        let told = one(first).map(drop).expect_err("he has his share");
        assert_eq!((told.problem, told.retry_after_s), (Problem::Overloaded, Some(5)));
        held.extend([second, second].map(|person| one(person).expect("there is room")));
        assert!(one(third).is_err(), "there is none");
        held.pop();
        assert!(one(third).is_ok(), "one is done with");
        held.clear();
        assert!(room.senders().is_empty(), "nobody is remembered");
    }

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
    fn replies_are_small_while_much_is_on_its_way() {
        const ASKED: u32 = 8 * 1024 * 1024;
        let room = Room::new();
        let half = || room.on_its_way(vec![0; ON_THEIR_WAY_BYTES / 2]);
        let (first, second) = (half(), half());
        assert_eq!(room.down_bytes(ASKED), ASKED);
        let third = half();
        assert_eq!(room.down_bytes(ASKED), SMALL_DOWN_BYTES);
        assert_eq!(room.down_bytes(64 * 1024), 64 * 1024, "who asks for less gets no more");
        // The connection takes pieces; a reply counts until the last of them is gone.
        let piece = first.slice(..16);
        drop(first);
        assert_eq!(room.down_bytes(ASKED), SMALL_DOWN_BYTES);
        drop(piece);
        assert_eq!(room.down_bytes(ASKED), ASKED);
        drop((second, third));
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
