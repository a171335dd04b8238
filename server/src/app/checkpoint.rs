//! Checkpoints of the audit: one at start and every ten minutes, when it has grown since the last, and one as soon as
//! it has grown by a thousand lines.
//!
//! They are taken beside everything else and hold nothing up; one that could not be written is tried again after as
//! long, or as many lines. Whoever writes to the audit is not asked: what a command beside the server wrote counts too.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use louan_schema::time::Timestamp;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::night::causes;
use super::{Arc, Clock, Config, Hub, Random};
use crate::audit::checkpoint::{Checkpoint, CheckpointKey, append};

/// How late a thousandth line may be seen. A look reads one row.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What may be cut off unseen by everybody is as old as this at most, but for the look (A22).
const REST_MS: i64 = 600_000;
/// And it is no longer than this, but for what is written between two looks.
const LINES_MAX: u64 = 1_000;
/// After this a file is taken not to answer; what is under way goes on, and nothing new is begun before it ends.
const LONGEST: Duration = Duration::from_secs(60);

/// Starts looking, if a file for checkpoints is configured. It ends when `stop` turns true.
pub(super) fn start(
    config: &Config,
    hub: &Hub,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    stop: watch::Receiver<bool>,
) {
    let Some(file) = config.audit.checkpoints.clone() else { return };
    let notary = Notary {
        file,
        store: config.store.path.clone(),
        hub: hub.clone(),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        written: None,
        tried: None,
        under_way: None,
    };
    tokio::spawn(notary.keep_looking(stop));
}

/// A checkpoint being written, with what comes of it.
type UnderWay = (Checkpoint, oneshot::Receiver<io::Result<()>>);

struct Notary {
    file: PathBuf,
    store: PathBuf,
    hub: Hub,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// The last one that is in the file.
    written: Option<Checkpoint>,
    /// The last one begun.
    tried: Option<Checkpoint>,
    /// One whose file did not answer within a minute.
    under_way: Option<UnderWay>,
}

impl Notary {
    async fn keep_looking(mut self, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Whoever could tell it to stop is gone: so is the server.
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.look() => {}
            }
        }
    }

    /// Writes a checkpoint, if one is due and none is still being written.
    async fn look(&mut self) {
        if let Some((checkpoint, mut done)) = self.under_way.take() {
            match done.try_recv() {
                Ok(outcome) => self.ended(checkpoint, outcome),
                Err(TryRecvError::Closed) => self.ended(checkpoint, Err(io::ErrorKind::BrokenPipe.into())),
                // That it does not answer is told already.
                Err(TryRecvError::Empty) => self.under_way = Some((checkpoint, done)),
            }
            return;
        }
        let Some(checkpoint) = self.due().await else { return };
        self.tried = Some(checkpoint);
        match finished(self.begun(checkpoint)).await {
            Ok(outcome) => self.ended(checkpoint, outcome),
            Err(still) => {
                told(checkpoint, Err(io::ErrorKind::TimedOut.into()));
                self.under_way = Some((checkpoint, still));
            }
        }
    }

    fn ended(&mut self, checkpoint: Checkpoint, outcome: io::Result<()>) {
        if told(checkpoint, outcome) {
            self.written = Some(checkpoint);
        }
    }

    /// A checkpoint of where the audit stands, if it is time for one.
    async fn due(&self) -> Option<Checkpoint> {
        let (epoch, lines, chain) = match self.hub.audit_head().await {
            Ok(head) => head,
            Err(error) => {
                tracing::error!(error = %causes(&error), "the audit cannot be read for a checkpoint");
                return None;
            }
        };
        let checkpoint = Checkpoint { at: self.clock.system(), epoch, lines, chain };
        let grown = lines > 0 && self.written.is_none_or(|last| (last.epoch, last.lines) != (epoch, lines));
        let rested = self.tried.is_none_or(|last| has_rested(&last, &checkpoint));
        (grown && rested).then_some(checkpoint)
    }

    /// Begins to write it, in a thread that nobody waits for when the server stops: the file is on another machine,
    /// which may not answer.
    fn begun(&self, checkpoint: Checkpoint) -> oneshot::Receiver<io::Result<()>> {
        let (done, outcome) = oneshot::channel();
        let (file, store, fresh) = (self.file.clone(), self.store.clone(), self.random.array());
        let work = move || {
            let written =
                CheckpointKey::of_or_new(&store, fresh).and_then(|key| append(&file, &key.line(&checkpoint)));
            // Whoever asked may have stopped.
            drop(done.send(written));
        };
        // A thread that cannot be had drops the sender, which is heard as an error.
        drop(std::thread::Builder::new().name("checkpoint".to_owned()).spawn(work));
        outcome
    }
}

/// Whether enough has happened since the last one, in time or in lines. A clock put back says nothing about time.
fn has_rested(last: &Checkpoint, now: &Checkpoint) -> bool {
    let Checkpoint { at, epoch, lines, .. } = *now;
    let rest: std::ops::Range<Timestamp> = last.at..last.at.plus_ms(REST_MS);
    epoch != last.epoch || lines >= last.lines.saturating_add(LINES_MAX) || !rest.contains(&at)
}

/// What came of it, or that it is still under way after a minute.
async fn finished(
    mut done: oneshot::Receiver<io::Result<()>>,
) -> Result<io::Result<()>, oneshot::Receiver<io::Result<()>>> {
    match timeout(LONGEST, &mut done).await {
        Ok(outcome) => Ok(outcome.unwrap_or_else(|error| Err(io::Error::other(error)))),
        Err(_) => Err(done),
    }
}

/// Tells figures and log of it; whether it is there.
fn told(checkpoint: Checkpoint, done: io::Result<()>) -> bool {
    let outcome = |outcome: &'static str| {
        metrics::counter!("louan_audit_checkpoint_total", "outcome" => outcome).increment(1);
    };
    match done {
        Ok(()) => {
            outcome("done");
            tracing::info!(lines = checkpoint.lines, "audit checkpoint written");
            true
        }
        Err(error) => {
            outcome("failed");
            tracing::error!(error = %causes(&error), "an audit checkpoint could not be written");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use louan_schema::id::Epoch;

    use super::*;
    use crate::audit::Entry;
    use crate::audit::checkpoint::{SignedCheckpoint, text};
    use crate::clock::SystemRandom;
    use crate::hub::Limits;
    use crate::storage::commit::Commit;
    use crate::storage::sqlite::Sqlite;
    use crate::worker::InProcess;

    /// A clock that the test moves.
    struct Moved(Mutex<Timestamp>);

    impl Clock for Moved {
        fn system(&self) -> Timestamp {
            *self.0.lock().expect("nobody panicked with it")
        }

        fn business(&self) -> Timestamp {
            self.system()
        }
    }

    impl Moved {
        fn by(&self, ms: i64) {
            let mut now = self.0.lock().expect("nobody panicked with it");
            *now = now.plus_ms(ms);
        }
    }

    async fn notary(folder: &std::path::Path) -> (Notary, Arc<Moved>) {
        let storage = Arc::new(Sqlite::in_memory(500_110, Epoch([1; 16])).expect("memory opens"));
        let hub = Hub::open(storage, Arc::new(InProcess), Limits::default()).await.expect("opens");
        let clock = Arc::new(Moved(Mutex::new(Timestamp::from_ms(1_580_000_000_000))));
        let notary = Notary {
            file: folder.join("checkpoints"),
            store: folder.join("louan.sqlite"),
            hub,
            clock: Arc::<Moved>::clone(&clock),
            random: Arc::new(SystemRandom),
            written: None,
            tried: None,
            under_way: None,
        };
        (notary, clock)
    }

    async fn grow(notary: &Notary, by: u64) {
        let entry = |n: u64| Entry {
            at: notary.clock.system(),
            person: None,
            device: None,
            act: "note".to_owned(),
            subject: n.to_string(),
            outcome: "done".to_owned(),
        };
        let audit = (0..by).map(entry).collect();
        notary.hub.commit(Commit { audit, ..Commit::default() }).await.expect("written");
    }

    /// How many lines the audit had at each checkpoint in the file, after another look.
    async fn seen(notary: &mut Notary) -> Vec<u64> {
        notary.look().await;
        let said = text(&notary.file).expect("reads").unwrap_or_default();
        let read = |line: &str| line.parse::<SignedCheckpoint>().expect("signed").checkpoint.lines;
        said.lines().map(read).collect()
    }

    #[tokio::test]
    async fn a_checkpoint_is_written_at_the_start_after_a_thousand_lines_and_after_ten_minutes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut notary, clock) = notary(folder.path()).await;
        assert_eq!(seen(&mut notary).await, [0; 0], "nothing has happened");
        grow(&notary, 1).await;
        assert_eq!(seen(&mut notary).await, [1]);
        grow(&notary, LINES_MAX - 1).await;
        assert_eq!(seen(&mut notary).await, [1], "neither a thousand lines nor ten minutes");
        grow(&notary, 1).await;
        assert_eq!(seen(&mut notary).await, [1, 1_001], "a thousand lines in no time");
        clock.by(REST_MS);
        assert_eq!(seen(&mut notary).await, [1, 1_001], "nothing has happened since");
        grow(&notary, 1).await;
        assert_eq!(seen(&mut notary).await, [1, 1_001, 1_002], "one line, and ten minutes since the last");
        grow(&notary, 1).await;
        clock.by(REST_MS - 1);
        assert_eq!(seen(&mut notary).await, [1, 1_001, 1_002], "one line, and not yet ten minutes");
        clock.by(-2 * REST_MS);
        assert_eq!(seen(&mut notary).await, [1, 1_001, 1_002, 1_003], "a clock put back holds nothing up");
    }

    #[tokio::test]
    async fn one_that_could_not_be_written_is_tried_again_after_as_long_or_as_many_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut notary, clock) = notary(folder.path()).await;
        std::fs::create_dir(&notary.file).expect("a folder in its place");
        grow(&notary, 1).await;
        notary.look().await;
        std::fs::remove_dir(&notary.file).expect("gone");
        assert_eq!(seen(&mut notary).await, [0; 0], "not with every look");
        clock.by(REST_MS);
        assert_eq!(seen(&mut notary).await, [1]);
    }
}
