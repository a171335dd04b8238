//! The nightly look at photos: every file compared with its name, uploads nobody finishes cleared away.
//!
//! Looked for every minute. A night that was missed, because the machine was off, is made up for when it is on again.

use std::time::Duration;

use louan_schema::time::{Day, Timestamp};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::night::causes;
use super::{Arc, Clock, Photos};

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
        if night_of(now) <= looked_on {
            continue;
        }
        looked_on = night_of(now);
        match photos.sweep(now).await {
            Ok(swept) => {
                metrics::gauge!("louan_photos_broken")
                    .set(f64::from(u32::try_from(swept.broken).unwrap_or(u32::MAX)));
                if swept.broken > 0 {
                    tracing::error!(photos = swept.photos, broken = swept.broken, "photos are broken");
                } else {
                    tracing::info!(photos = swept.photos, uploads = swept.uploads, "photos looked at");
                }
            }
            Err(error) => tracing::error!(error = %causes(&error), "photos could not be looked at"),
        }
    }
}

/// The day whose night has come: the day itself from three o'clock on, until then the day before.
fn night_of(now: Timestamp) -> Day {
    now.plus_ms(-NIGHT_MS).day()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_comes_at_three() {
        let night = |text: &str| night_of(text.parse().expect("an instant")).to_string();
        assert_eq!(night("2020-03-20T02:59:59+08:00"), "2020-03-19");
        assert_eq!(night("2020-03-20T03:00:00+08:00"), "2020-03-20");
        assert_eq!(night("2020-03-20T23:00:00+08:00"), "2020-03-20");
    }
}
