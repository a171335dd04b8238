//! The pulse of one connection: is a request under way, and if not, since when.
//!
//! The socket says when bytes arrive, the service when a request begins, the reply's body
//! when it ends. From these three follows until when the connection may stay silent; the
//! connection's task asks and waits. One rule covers HTTP/1.1, HTTP/2 and the moment before
//! it is known which of them is spoken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Limits;

#[derive(Debug, Clone)]
pub(super) struct Pulse {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    beat: Mutex<Beat>,
    changed: Notify,
    limits: Limits,
}

#[derive(Debug)]
struct Beat {
    under_way: usize,
    quiet_since: Instant,
    first_byte_at: Option<Instant>,
    served: bool,
    multiplexed: bool,
}

/// A request under way; over when dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Pulse);

impl Pulse {
    /// A connection fresh from its handshake. On a `multiplexed` one (HTTP/2) stray bytes such as
    /// pings begin no request, so only silence is measured.
    pub(super) fn new(limits: Limits, multiplexed: bool) -> Self {
        let beat = Beat {
            under_way: 0,
            quiet_since: Instant::now(),
            first_byte_at: None,
            served: false,
            multiplexed,
        };
        Self { shared: Arc::new(Shared { beat: Mutex::new(beat), changed: Notify::new(), limits }) }
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.shared.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have arrived.
    pub(super) fn bytes_arrived(&self) {
        let mut beat = self.beat();
        if beat.under_way == 0 && beat.first_byte_at.is_none() {
            beat.first_byte_at = Some(Instant::now());
            drop(beat);
            self.shared.changed.notify_one();
        }
    }

    /// A request's header is complete.
    pub(super) fn request_begins(&self) -> UnderWay {
        let mut beat = self.beat();
        beat.under_way += 1;
        beat.served = true;
        drop(beat);
        self.shared.changed.notify_one();
        UnderWay(self.clone())
    }

    fn request_ends(&self) {
        let mut beat = self.beat();
        beat.under_way = beat.under_way.saturating_sub(1);
        if beat.under_way == 0 {
            beat.quiet_since = Instant::now();
            beat.first_byte_at = None;
        }
        drop(beat);
        self.shared.changed.notify_one();
    }

    /// Until when the connection may go on as it is; `None` while a request is under way.
    fn deadline(&self) -> Option<Instant> {
        let beat = self.beat();
        let limits = &self.shared.limits;
        if beat.under_way > 0 {
            return None;
        }
        if !beat.served {
            return Some(beat.quiet_since + limits.header_read);
        }
        match beat.first_byte_at {
            Some(at) if !beat.multiplexed => Some(at + limits.header_read),
            _ => Some(beat.quiet_since + limits.idle),
        }
    }

    /// Returns when the connection has been silent, or at a header, for too long.
    pub(super) async fn stopped(&self) {
        loop {
            let changed = self.shared.changed.notified();
            match self.deadline() {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {
                            if self.deadline().is_some_and(|now| now <= Instant::now()) {
                                return;
                            }
                        }
                        () = changed => {}
                    }
                }
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limits() -> Limits {
        Limits { header_read: Duration::from_secs(10), idle: Duration::from_secs(30), ..Limits::default() }
    }

    /// How long, in paused time, until the pulse is given up.
    async fn lasts(pulse: &Pulse) -> Duration {
        let from = Instant::now();
        pulse.stopped().await;
        from.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_asks_is_given_the_time_of_a_header() {
        assert_eq!(lasts(&Pulse::new(limits(), false)).await, Duration::from_secs(10));
        assert_eq!(lasts(&Pulse::new(limits(), true)).await, Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_header_that_trickles_gains_no_time_by_trickling() {
        let pulse = Pulse::new(limits(), false);
        tokio::time::advance(Duration::from_secs(9)).await;
        pulse.bytes_arrived();
        assert_eq!(lasts(&pulse).await, Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_kept_alive_is_idle_for_thirty_seconds() {
        let pulse = Pulse::new(limits(), false);
        drop(pulse.request_begins());
        assert_eq!(lasts(&pulse).await, Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_second_header_has_ten_seconds_from_its_first_byte() {
        let pulse = Pulse::new(limits(), false);
        drop(pulse.request_begins());
        tokio::time::advance(Duration::from_secs(5)).await;
        pulse.bytes_arrived();
        tokio::time::advance(Duration::from_secs(5)).await;
        pulse.bytes_arrived();
        assert_eq!(lasts(&pulse).await, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_on_a_multiplexed_connection_do_not_prolong_it() {
        let pulse = Pulse::new(limits(), true);
        drop(pulse.request_begins());
        tokio::time::advance(Duration::from_secs(20)).await;
        pulse.bytes_arrived();
        assert_eq!(lasts(&pulse).await, Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_is_never_idle() {
        let pulse = Pulse::new(limits(), false);
        let first = pulse.request_begins();
        let second = pulse.request_begins();
        drop(first);
        let hour = Duration::from_secs(3_600);
        assert!(tokio::time::timeout(hour, pulse.stopped()).await.is_err());
        drop(second);
        assert_eq!(lasts(&pulse).await, Duration::from_secs(30));
    }
}
