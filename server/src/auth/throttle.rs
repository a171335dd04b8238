//! Throttles: how often somebody may try, counted with the time handed in.
//!
//! Two kinds. A [`Rate`] lets so many through per minute or hour and address, device or person. A [`Lockout`]
//! looks at failures of one account: each makes the next try wait longer, and the fifth
//! within a quarter of an hour shuts the account for a quarter of an hour (A01). Both
//! remember a bounded number of keys; when full, the one closest to being forgotten anyway
//! goes first, so a flood of made-up names pushes out made-up names.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use louan_schema::time::Timestamp;

/// Keys remembered: 20,000 × about 64 bytes = 1.3 MB.
const KEYS_MAX: usize = 20_000;
/// Failures after which an account is shut.
pub const FAILURES_MAX: u32 = 5;
/// How long failures are remembered, and an account stays shut.
pub const LOCK_MS: i64 = 15 * 60_000;
/// Wait after the first failure; doubled with each further one.
const FIRST_DELAY_MS: i64 = 1_000;

/// Not now; try again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryLater {
    /// Milliseconds to wait, at least 1.
    pub after_ms: i64,
}

/// So many per minute or hour and key, evenly, with a burst of the same size unless another is said (GCRA).
#[derive(Debug)]
pub struct Rate<K: Eq + Hash + Copy> {
    limiter: RateLimiter<K, Shares<K>, Running, NoOpMiddleware<Duration>>,
    running: Running,
}

impl<K: Eq + Hash + Copy> Rate<K> {
    /// At most `per_minute` for each key.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self::with(Quota::per_minute(at_least_one(per_minute)))
    }

    /// At most `per_minute` for each key in the long run, and `at_once` after a while without any.
    #[must_use]
    pub fn with_burst(per_minute: u32, at_once: u32) -> Self {
        Self::with(Quota::per_minute(at_least_one(per_minute)).allow_burst(at_least_one(at_once)))
    }

    /// At most `per_hour` for each key.
    #[must_use]
    pub fn per_hour(per_hour: u32) -> Self {
        Self::with(Quota::per_hour(at_least_one(per_hour)))
    }

    fn with(quota: Quota) -> Self {
        let running = Running::default();
        let shares = Shares { used_until: Mutex::default(), running: running.clone() };
        Self { limiter: RateLimiter::new(quota, shares, running.clone()), running }
    }

    /// Takes one from the key's allowance.
    ///
    /// # Errors
    /// [`TryLater`] when nothing is left; nothing is taken then.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), TryLater> {
        self.running.show(now);
        self.limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.running.now());
            let after_ms = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
            TryLater { after_ms: after_ms.max(1) }
        })
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// What the instants handed in add up to. A system clock that is set back stands still here, so that nobody waits until
/// it has caught up; requests that come a little out of order do not make it run faster.
#[derive(Debug, Clone, Default)]
struct Running(Arc<Mutex<Elapsed>>);

#[derive(Debug, Default)]
struct Elapsed {
    shown: Option<Timestamp>,
    ran: Duration,
}

/// A step back that is no clock set back, but a request that was overtaken.
const OVERTAKEN_MS: i64 = 60_000;
/// A clock set forward counts as a day: everything is allowed again after that.
const STEP_MAX_MS: i64 = 86_400_000;

impl Running {
    /// Shows an instant; what has run by then.
    fn show(&self, now: Timestamp) -> Duration {
        let mut elapsed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let step = elapsed.shown.map_or(0, |shown| now.ms().saturating_sub(shown.ms()));
        if !(-OVERTAKEN_MS..0).contains(&step) {
            elapsed.shown = Some(now);
            elapsed.ran += Duration::from_millis(step.clamp(0, STEP_MAX_MS).unsigned_abs());
        }
        elapsed.ran
    }
}

impl Clock for Running {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ran
    }
}

/// By key: up to when, on the limiter's clock, its allowance is used.
#[derive(Debug)]
struct Shares<K> {
    used_until: Mutex<HashMap<K, Nanos>>,
    running: Running,
}

impl<K: Eq + Hash + Copy> StateStore for Shares<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shares = self.used_until.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, used_until) = measure(shares.get(key).copied())?;
        if !shares.contains_key(key) {
            make_room(&mut shares, |until| *until, Nanos::from(self.running.now()));
        }
        shares.insert(*key, used_until);
        Ok(outcome)
    }
}

/// Failures by account.
#[derive(Debug)]
pub struct Lockout<K> {
    failures: Mutex<HashMap<K, Failures>>,
    running: Running,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_at: Duration,
}

impl<K: Eq + Hash + Copy> Default for Lockout<K> {
    fn default() -> Self {
        Self { failures: Mutex::default(), running: Running::default() }
    }
}

impl<K: Eq + Hash + Copy> Lockout<K> {
    /// Whether a try is allowed now.
    ///
    /// # Errors
    /// [`TryLater`] while the account is shut or the last failure is too recent.
    pub fn check(&self, key: K, now: Timestamp) -> Result<(), TryLater> {
        let now = self.running.show(now);
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(&key).map_or(Ok(()), |failed| failed.allow(now))
    }

    /// A try begins: counted as a failure until [`Self::succeeded`] says otherwise, so that a
    /// hundred tries at once are not all judged by the same past. Says how many there are now.
    ///
    /// # Errors
    /// [`TryLater`] as [`Self::check`]; nothing is counted then.
    pub fn begin(&self, key: K, now: Timestamp) -> Result<u32, TryLater> {
        let now = self.running.show(now);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let past = failures.get(&key).filter(|failed| failed.forgotten_at() > now);
        past.map_or(Ok(()), |failed| failed.allow(now))?;
        let before = past.map_or(0, |failed| failed.count);
        make_room(&mut failures, Failures::forgotten_at, now);
        failures.insert(key, Failures { count: before + 1, last_at: now });
        Ok(before + 1)
    }

    /// The try was a success: the past is forgotten.
    pub fn succeeded(&self, key: K) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

impl Failures {
    /// 1, 2, 4, 8 seconds, then shut.
    const fn wait_ms(&self) -> i64 {
        if self.count >= FAILURES_MAX { LOCK_MS } else { FIRST_DELAY_MS << (self.count - 1) }
    }

    fn allow(&self, now: Duration) -> Result<(), TryLater> {
        let since = i64::try_from(now.saturating_sub(self.last_at).as_millis()).unwrap_or(i64::MAX);
        let after_ms = self.wait_ms() - since;
        if after_ms > 0 { Err(TryLater { after_ms }) } else { Ok(()) }
    }

    fn forgotten_at(&self) -> Duration {
        self.last_at + Duration::from_millis(LOCK_MS.unsigned_abs())
    }
}

/// One more will be remembered: when full, what is forgotten by now goes, and else what is nearest to it.
fn make_room<K: Eq + Hash + Copy, V, T: Ord>(map: &mut HashMap<K, V>, forget_at: impl Fn(&V) -> T, now: T) {
    if map.len() < KEYS_MAX {
        return;
    }
    map.retain(|_, value| forget_at(value) > now);
    if map.len() >= KEYS_MAX
        && let Some(oldest) = map.iter().min_by_key(|(_, value)| forget_at(value)).map(|(key, _)| *key)
    {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_580_000_000_000 + ms)
    }

    #[test]
    fn a_minute_lets_its_number_through_and_then_one_at_a_time() {
        let rate = Rate::new(30);
        let passed = (0..100).filter(|_| rate.take("a", at(0)).is_ok()).count();
        assert_eq!(passed, 30);
        assert_eq!(rate.take("a", at(0)), Err(TryLater { after_ms: 2_000 }));
        assert_eq!(rate.take("a", at(2_000)), Ok(()));
        assert_eq!(rate.take("a", at(2_000)), Err(TryLater { after_ms: 2_000 }));
        assert_eq!(rate.take("b", at(0)), Ok(()), "another key is not concerned");
    }

    #[test]
    fn an_hour_lets_its_number_through() {
        let rate = Rate::per_hour(5);
        assert_eq!((0..9).filter(|_| rate.take("a", at(0)).is_ok()).count(), 5);
        assert_eq!(rate.take("a", at(0)), Err(TryLater { after_ms: 720_000 }));
    }

    #[test]
    fn a_burst_goes_at_once_and_comes_back_at_the_pace_of_the_minute() {
        let rate = Rate::with_burst(10, 48);
        assert_eq!((0..60).filter(|_| rate.take("a", at(0)).is_ok()).count(), 48);
        assert_eq!(rate.take("a", at(0)), Err(TryLater { after_ms: 6_000 }));
        assert_eq!(rate.take("a", at(6_000)), Ok(()));
        assert!(rate.take("a", at(6_000)).is_err());
        assert_eq!((0..60).filter(|_| rate.take("a", at(6_000 + 48 * 6_000)).is_ok()).count(), 48);
    }

    #[test]
    fn a_system_clock_set_back_makes_nobody_wait_for_it() {
        let rate = Rate::new(30);
        assert_eq!((0..30).filter(|_| rate.take("a", at(86_400_000)).is_ok()).count(), 30);
        assert_eq!(rate.take("a", at(0)), Err(TryLater { after_ms: 2_000 }));
        assert_eq!(rate.take("a", at(2_000)), Ok(()));
    }

    #[test]
    fn requests_out_of_order_do_not_make_the_time_run_faster() {
        let rate = Rate::new(30);
        assert_eq!((0..30).filter(|_| rate.take("a", at(10)).is_ok()).count(), 30);
        for n in 0..300 {
            assert!(rate.take("a", at(if n % 2 == 0 { 0 } else { 10 })).is_err(), "{n}");
        }
    }

    #[test]
    fn a_clock_set_forward_by_centuries_breaks_nothing() {
        let rate = Rate::new(30);
        let far = at(700 * 365 * 86_400_000);
        assert_eq!((0..31).filter(|_| rate.take("a", far).is_ok()).count(), 30);
        assert!(rate.take("a", at(0)).is_err());
        assert_eq!(rate.take("a", at(2_000)), Ok(()));
    }

    #[test]
    fn an_account_shut_under_a_wrong_clock_opens_after_its_quarter_of_an_hour_all_the_same() {
        let lockout = Lockout::default();
        assert!(lockout.begin(1, at(86_400_000)).is_ok());
        assert_eq!(lockout.begin(1, at(0)), Err(TryLater { after_ms: 1_000 }));
        assert_eq!(lockout.begin(1, at(1_000)), Ok(2));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_forgets_what_is_nearly_forgotten_anyway() {
        let rate = Rate::new(1);
        let keys = i64::try_from(KEYS_MAX).expect("a small number");
        assert!((0..keys).all(|key| rate.take(key, at(key)).is_ok()));
        assert!(rate.take(keys - 1, at(keys)).is_err(), "known");
        assert_eq!(rate.take(keys, at(keys)), Ok(()));
        assert_eq!(rate.take(0, at(keys)), Ok(()), "the oldest went");
        assert!(rate.take(keys - 1, at(keys)).is_err(), "the others stayed");
    }

    #[test]
    fn each_failure_makes_the_next_try_wait_longer_and_the_fifth_shuts_the_account() {
        let lockout = Lockout::default();
        let mut now = at(0);
        for wait_ms in [1_000, 2_000, 4_000, 8_000, LOCK_MS] {
            assert!(lockout.begin(1, now).is_ok());
            assert_eq!(lockout.begin(1, now), Err(TryLater { after_ms: wait_ms }));
            now = now.plus_ms(wait_ms);
        }
        assert_eq!(lockout.begin(1, now), Ok(1), "after a quarter of an hour the past is forgotten");
        assert!(lockout.begin(2, at(0)).is_ok(), "another account is not concerned");
    }

    #[test]
    fn tries_at_the_same_instant_are_not_judged_by_the_same_past() {
        let lockout = Lockout::default();
        assert_eq!((0..100).filter(|_| lockout.begin(1, at(0)).is_ok()).count(), 1);
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let lockout = Lockout::default();
        assert!(lockout.begin(1, at(0)).is_ok());
        lockout.succeeded(1);
        assert_eq!(lockout.begin(1, at(0)), Ok(1));
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_forgets_the_oldest_first() {
        let lockout = Lockout::default();
        let keys = u64::try_from(KEYS_MAX).expect("a small number");
        for key in 0..keys {
            assert!(lockout.begin(key, at(i64::try_from(key).expect("small"))).is_ok());
        }
        let later = at(i64::try_from(keys).expect("small"));
        assert!(lockout.begin(keys, later).is_ok());
        assert_eq!(lockout.failures.lock().expect("nobody panicked").len(), KEYS_MAX);
        assert_eq!(lockout.begin(0, later), Ok(1), "the oldest went");
    }
}
