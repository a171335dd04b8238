//! The nightly backup: looked for every minute, made in a thread of its own, told to phones when it is proven.
//!
//! A night that was missed is made up for at the next look. One that failed is tried again an hour later: each try
//! reads the whole store. A server that is told to stop does not wait for it: killed anywhere, there is no backup or a
//! whole one.

use std::time::Duration;

use louan_schema::time::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::{Arc, Clock, Config, Hub};
use crate::backup::{BackupError, BackupFolder, Made, Plan, folder_of, is_due, make};

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Looks after a failure before the next try.
const REST_LOOKS: u32 = 60;

/// Starts looking, if a folder for backups is configured. It ends when `stop` turns true.
pub(super) fn start(config: &Config, hub: &Hub, clock: &Arc<dyn Clock>, stop: watch::Receiver<bool>) {
    let (Some(to), Some(minutes)) = (config.backup.to.clone(), config.backup.minutes()) else { return };
    let store = config.store.path.clone();
    let plan = Plan {
        workshop: folder_of(&store).to_owned(),
        store,
        photos: config.store.photos_folder(),
        to,
        made_at: clock.system(),
        keep: Some(config.backup.keep),
    };
    tokio::spawn(keep_nights(plan, minutes, hub.clone(), Arc::clone(clock), stop));
}

async fn keep_nights(
    plan: Plan,
    minutes: i64,
    hub: Hub,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rest = 0;
    loop {
        tokio::select! {
            // Whoever could tell it to stop is gone: so is the server.
            _ = stop.wait_for(|stop| *stop) => return,
            _ = looks.tick() => {}
        }
        if rest > 0 {
            rest -= 1;
            continue;
        }
        let now = clock.system();
        let last = BackupFolder::complete(&plan.to).ok().and_then(|mut made| made.pop());
        if !is_due(now, minutes, last.and_then(|(_, manifest)| manifest.made_at())) {
            continue;
        }
        let plan = Plan { made_at: now, ..plan.clone() };
        let made = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            made = in_a_thread(plan) => made,
        };
        rest = if told(&hub, made, now).await { 0 } else { REST_LOOKS };
    }
}

/// Makes a backup in a thread that nobody waits for when the server stops.
async fn in_a_thread(plan: Plan) -> Result<Made, BackupError> {
    let (done, made) = oneshot::channel();
    let folder = plan.to.clone();
    let work = move || drop(done.send(make(&plan, &mut |_| {})));
    let gone = |source| BackupError::Io { doing: "make a backup in", path: folder.clone(), source };
    std::thread::Builder::new().name("backup".to_owned()).spawn(work).map_err(gone)?;
    made.await.unwrap_or_else(|e| Err(gone(std::io::Error::other(e))))
}

/// Tells phones of a backup, and the log of what came of it; whether it is good.
async fn told(hub: &Hub, made: Result<Made, BackupError>, at: Timestamp) -> bool {
    let outcome =
        |outcome: &'static str| metrics::counter!("louan_backup_total", "outcome" => outcome).increment(1);
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            outcome("failed");
            tracing::error!(error = %causes(&error), "a backup failed");
            return false;
        }
    };
    let (epoch, pos) = (made.manifest.epoch, made.manifest.pos);
    if let Err(error) = hub.set_backed_up(epoch, pos, made.broken.iter().copied(), at).await {
        outcome("untold");
        tracing::error!(error = %causes(&error), "phones cannot be told of a backup");
        return false;
    }
    if !made.broken.is_empty() {
        outcome("photos_broken");
        tracing::error!(
            broken = made.broken.len(),
            "photos are broken; phones that have them send them again"
        );
        return false;
    }
    outcome("done");
    tracing::info!(number = made.manifest.number, position = made.manifest.pos, "backed up");
    true
}

pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
