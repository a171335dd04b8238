//! The nightly look at photos: every file compared with its name, uploads nobody finishes cleared away.
//!
//! Looked for every minute. A night that was missed, because the machine was off, is made up for when it is on again.

use std::time::Duration;

use louan_schema::time::{Day, Timestamp};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::night::causes;
use super::{Arc, Clock, Photos};
use crate::photo::{PhotoError, Swept};

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Three in the morning, when nobody inspects and nobody reads figures.
const NIGHT_MS: i64 = 3 * 3_600_000;

/// Starts looking. It ends when `stop` turns true.
pub(super) fn start(photos: &Photos, clock: &Arc<dyn Clock>, stop: watch::Receiver<bool>) {
    tokio::spawn(keep_looking(photos.clone(), Arc::clone(clock), stop));
}

async fn keep_looking(photos: Photos, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Started by day, the server has the night before it.
    let mut looked_on = night_of(clock.system());
    loop {
        tokio::select! {
            // Whoever could tell it to stop is gone: so is the server.
            _ = stop.wait_for(|stop| *stop) => return,
            _ = looks.tick() => {}
        }
        let now = clock.system();
        if night_of(now) > looked_on {
            looked_on = night_of(now);
            told(photos.sweep(now).await);
        }
    }
}

/// Tells the log of a night, and whoever watches the server.
fn told(swept: Result<Swept, PhotoError>) {
    let swept = match swept {
        Ok(swept) => swept,
        Err(error) => {
            tracing::error!(error = %causes(&error), "photos could not be looked at");
            return;
        }
    };
    metrics::gauge!("louan_photos_broken").set(f64::from(u32::try_from(swept.broken).unwrap_or(u32::MAX)));
    if swept.broken > 0 {
        tracing::error!(photos = swept.photos, broken = swept.broken, "photos are broken");
    } else {
        tracing::info!(photos = swept.photos, uploads = swept.uploads, "photos looked at");
    }
}

/// The day whose night has come: the day itself from three o'clock on, until then the day before.
fn night_of(now: Timestamp) -> Day {
    now.plus_ms(-NIGHT_MS).day()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::path::PathBuf;
    use std::sync::Mutex;

    use futures_util::FutureExt;
    use louan_schema::id::{BlobHash, DeviceId, Epoch};
    use louan_schema::photo::UploadKind;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::blob::{Blobs, Folder, UploadId};
    use crate::hub::{Hub, Limits};
    use crate::photo::{Ground, Photo, PhotoLimits};
    use crate::storage::Storage;
    use crate::storage::commit::{Commit, Write};
    use crate::storage::photos::{PhotoStore, PhotoUpload, PhotoWrite, UploadState};
    use crate::storage::sqlite::Sqlite;
    use crate::worker::InProcess;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_night_comes_at_three() {
        let night = |text: &str| night_of(at(text)).to_string();
        assert_eq!(night("2020-03-20T02:59:59+08:00"), "2020-03-19");
        assert_eq!(night("2020-03-20T03:00:00+08:00"), "2020-03-20");
        assert_eq!(night("2020-03-20T23:00:00+08:00"), "2020-03-20");
    }

    const BYTES: &[u8] = b"a staircase";

    fn hash() -> BlobHash {
        BlobHash(Sha256::digest(BYTES).into())
    }

    /// An office with one photo, whose file is at the path.
    async fn office(place: &tempfile::TempDir) -> (Arc<Sqlite>, Photos, PathBuf) {
        let storage = Arc::new(Sqlite::in_memory(500_110, Epoch([7; 16])).expect("memory opens"));
        let hub = Hub::open(Arc::clone(&storage) as Arc<dyn Storage>, Arc::new(InProcess), Limits::default());
        let blobs = Folder::open(place.path().join("photos")).expect("a folder");
        let (id, hash, kind, received_at) = (UploadId([1; 16]), hash(), UploadKind::Photo, at(NOON));
        blobs.append(id, 0, bytes::Bytes::from_static(BYTES)).await.expect("written");
        blobs.keep(id, hash).await.expect("kept");
        let (device, bytes, state) = (DeviceId([2; 16]), BYTES.len() as u64, UploadState::UnderWay);
        let upload =
            PhotoUpload { id, device, hash, kind, bytes, card: Vec::new(), begun_at: received_at, state };
        let (width, height, likeness, belongs_to, pos, broken_at) = (1, 1, 0, None, 0, None);
        let photo =
            Photo { hash, kind, bytes, width, height, likeness, belongs_to, pos, received_at, broken_at };
        let writes = [PhotoWrite::Begin(upload), PhotoWrite::Store(id, photo)].map(Write::Photo).into();
        storage.commit(Commit { writes, ..Commit::default() }).await.expect("written");
        let path = blobs.path(hash);
        let ground = Ground {
            hub: hub.await.expect("opens"),
            storage: Arc::clone(&storage) as Arc<dyn Storage>,
            blobs: Arc::new(blobs),
            examine: Arc::new(InProcess),
            limits: PhotoLimits::default(),
        };
        (storage, Photos::new(ground), path)
    }

    /// A clock that tells these instants one after the other, notes what is known of the photo each time, and with the
    /// last one has the server stop.
    struct Told {
        instants: Mutex<VecDeque<(&'static str, &'static [u8])>>,
        seen: Mutex<Vec<(&'static str, Option<Timestamp>)>>,
        storage: Arc<Sqlite>,
        file: PathBuf,
        stop: watch::Sender<bool>,
    }

    impl Clock for Told {
        fn system(&self) -> Timestamp {
            let mut instants = self.instants.lock().expect("whole");
            let (now, bytes) = instants.pop_front().expect("nobody asks once it has stopped");
            let found = self.storage.find_photo(hash()).now_or_never().expect("memory answers at once");
            let broken_at = found.expect("reads").expect("a photo").broken_at;
            self.seen.lock().expect("whole").push((now, broken_at));
            std::fs::write(&self.file, bytes).expect("a photo");
            self.stop.send_replace(instants.is_empty());
            at(now)
        }

        fn business(&self) -> Timestamp {
            self.system()
        }
    }

    const NOON: &str = "2020-03-19T12:00:00+08:00";

    #[tokio::test(start_paused = true)]
    async fn photos_are_looked_at_once_a_night() {
        let place = tempfile::tempdir().expect("a folder");
        let (storage, photos, file) = office(&place).await;
        let (stop, stopped) = watch::channel(false);
        let night = "2020-03-20T03:00:00+08:00";
        // When it is, and what the file is from then on.
        let instants: [(_, &[u8]); 9] = [
            (NOON, BYTES),
            ("2020-03-19T12:01:00+08:00", b"a stairCase"),
            ("2020-03-20T02:59:00+08:00", b"a stairCase"),
            (night, b"a stairCase"),
            ("2020-03-20T03:01:00+08:00", BYTES),
            ("2020-03-20T15:00:00+08:00", BYTES),
            ("2020-03-21T02:59:00+08:00", BYTES),
            ("2020-03-21T03:07:00+08:00", BYTES),
            ("2020-03-21T03:08:00+08:00", BYTES),
        ];
        let (instants, seen) = (Mutex::new(instants.into()), Mutex::default());
        let clock = Arc::new(Told { instants, seen, storage, file, stop });
        keep_looking(photos, Arc::clone(&clock) as Arc<dyn Clock>, stopped).await;
        let known: Vec<bool> = clock.seen.lock().expect("whole").iter().map(|(_, at)| at.is_some()).collect();
        // Found in the first night; whole again by day, which only the next night finds.
        assert_eq!(known, [false, false, false, false, true, true, true, true, false]);
        let broken_at = clock.seen.lock().expect("whole")[4].1;
        assert_eq!(broken_at, Some(at(night)));
    }
}
