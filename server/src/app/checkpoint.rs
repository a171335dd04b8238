//! Checkpoints of the audit: one at start and every ten minutes, when it has grown since the last.
//!
//! They are taken beside everything else and hold nothing up; one that could not be written is tried again with the
//! next look.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::night::causes;
use super::{Arc, Clock, Config, Hub, Random};
use crate::audit::checkpoint::{Checkpoint, CheckpointKey, append};

/// What may be cut off unseen by everybody is as old as this at most (A22).
const LOOK_EVERY: Duration = Duration::from_secs(600);

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
        loop {
            tokio::select! {
                // Whoever could tell it to stop is gone: so is the server.
                _ = stop.wait_for(|stop| *stop) => return,
                _ = looks.tick() => {}
            }
            let (epoch, lines, chain) = match self.hub.audit_head().await {
                Ok(head) => head,
                Err(error) => {
                    tracing::error!(error = %causes(&error), "the audit cannot be read for a checkpoint");
                    continue;
                }
            };
            if lines == 0 || last == Some((epoch, lines)) {
                continue;
            }
            let checkpoint = Checkpoint { at: self.clock.system(), epoch, lines, chain };
            if self.written(checkpoint).await {
                last = Some((epoch, lines));
            }
        }
    }

    /// Writes a checkpoint; whether it is there.
    async fn written(&self, checkpoint: Checkpoint) -> bool {
        let (file, store, fresh) = (self.file.clone(), self.store.clone(), self.random.array());
        let work = move || {
            let key = CheckpointKey::of_or_new(&store, fresh)?;
            append(&file, &key.line(&checkpoint))
        };
        let done = tokio::task::spawn_blocking(work).await;
        let outcome = |outcome: &'static str| {
            metrics::counter!("louan_audit_checkpoint_total", "outcome" => outcome).increment(1);
        };
        match done.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
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
}
