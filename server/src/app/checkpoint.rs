//! Checkpoints of the audit: one at start and every ten minutes, when it has grown since the last.
//!
//! They are taken beside everything else and hold nothing up; one that could not be written is tried again with the
//! next look.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use louan_schema::id::Epoch;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::night::causes;
use super::{Arc, Clock, Config, Hub, Random};
use crate::audit::checkpoint::{Checkpoint, CheckpointKey, append};

/// What may be cut off unseen by everybody is as old as this at most (A22).
const LOOK_EVERY: Duration = Duration::from_secs(600);
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
    };
    tokio::spawn(notary.keep_looking(stop));
}

struct Notary {
    file: PathBuf,
    store: PathBuf,
    hub: Hub,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Notary {
    async fn keep_looking(self, mut stop: watch::Receiver<bool>) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        let mut under_way: Option<(Checkpoint, oneshot::Receiver<io::Result<()>>)> = None;
        loop {
            tokio::select! {
                // Whoever could tell it to stop is gone: so is the server.
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            let (checkpoint, done) = match under_way.take() {
                Some(still) => still,
                None => match self.due(last).await {
                    Some(checkpoint) => (checkpoint, self.begun(checkpoint)),
                    None => continue,
                },
            };
            under_way = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                outcome = finished(done) => match outcome {
                    Ok(done) => {
                        if told(checkpoint, done) {
                            last = Some((checkpoint.epoch, checkpoint.lines));
                        }
                        None
                    }
                    Err(still) => {
                        told(checkpoint, Err(io::ErrorKind::TimedOut.into()));
                        Some((checkpoint, still))
                    }
                },
            };
        }
    }

    /// A checkpoint, if the audit has grown since the last.
    async fn due(&self, last: Option<(Epoch, u64)>) -> Option<Checkpoint> {
        match self.hub.audit_head().await {
            Ok((epoch, lines, chain)) => {
                let grown = lines > 0 && last != Some((epoch, lines));
                grown.then(|| Checkpoint { at: self.clock.system(), epoch, lines, chain })
            }
            Err(error) => {
                tracing::error!(error = %causes(&error), "the audit cannot be read for a checkpoint");
                None
            }
        }
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
