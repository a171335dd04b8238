//! A thousand worlds, each from its seed; one seed told line by line.
//!
//! `SEEDS=n` runs more or fewer, `SEED=n … replay_one -- --nocapture` tells one. That every
//! fault and every act really took place is part of the test.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use torture::world::{run, run_as_before};

/// What must have happened somewhere in a thousand worlds.
const MUST_HAPPEN: [&str; 49] = [
    "a year: others went on",
    "a year: unsent work accepted",
    "act answer",
    "act answer all",
    "act correct or withdraw",
    "act join round",
    "act recheck",
    "act report fix",
    "act report hazard",
    "act request a ruling",
    "act start round",
    "act stop and report",
    "act submit round",
    "device: reported lost",
    "held: refused",
    "held: taken",
    "link ReplyCut",
    "link ReplyLate",
    "link ReplyLost",
    "link ReplyTwice",
    "link RequestCut",
    "link RequestLate",
    "link RequestLost",
    "link Twice",
    "link TwiceSecondReply",
    "link: two people's work in one request",
    "more than a year passes",
    "not taken clone_detected",
    "not taken revoked",
    "not taken scope_lost",
    "office: killed",
    "office: people entered again later",
    "office: power cut",
    "office: restored by hand",
    "office: restored without somebody whose work was acknowledged",
    "office: restored, new epoch",
    "person: another role",
    "person: entered later",
    "person: revoked",
    "phone: clock jumps",
    "phone: copied",
    "phone: destroyed",
    "phone: epoch changed",
    "phone: killed",
    "phone: offline for long",
    "phone: power cut",
    "phone: two people act on it",
    "site: another grid",
    "site: moved",
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn every_world_comes_out_whole() {
    let (next, seeds) = (AtomicU64::new(0), number("SEEDS", 1_000));
    let found = Mutex::new((Vec::new(), BTreeMap::<String, u64>::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = run(seed);
                    let mut found = found.lock().expect("nobody panics with it");
                    outcome.counts.into_iter().for_each(|(what, n)| *found.1.entry(what).or_default() += n);
                    if let Some(first) = outcome.breaches.first() {
                        let line =
                            format!("SEED={seed}: {} breaches, first: {first}", outcome.breaches.len());
                        found.0.push(line);
                    }
                }
            });
        }
    });
    let (broken, counts) = found.into_inner().expect("nobody panicked with it");
    assert!(broken.is_empty(), "{} of {seeds} worlds are broken:\n{}", broken.len(), broken.join("\n"));
    let never: Vec<_> = MUST_HAPPEN.iter().filter(|what| !counts.contains_key(**what)).collect();
    assert!(seeds < 1_000 || never.is_empty(), "never happened: {never:?}\nof {counts:#?}");
}

/// Worlds beyond the thousand that once came out broken: a log put back by hand while a phone was being brought
/// everything, something held forgotten with a log put back, a decision taken twice.
const ONCE_BROKEN: [u64; 9] = [1_020, 4_241, 4_811, 5_233, 5_312, 5_708, 6_690, 7_797, 8_609];

/// The same, of the worlds as they are now: acknowledged work lost with a log put back, a copy's edit given up with
/// it, what was held gone from its sheet, and a checker that took one for the other.
const BROKEN_SINCE: [u64; 19] = [
    2_016, 2_358, 3_103, 3_512, 3_524, 4_422, 4_941, 8_911, 8_956, 9_357, 9_876, 10_302, 10_582, 11_067,
    16_547, 17_585, 19_886, 24_561, 24_686,
];

#[test]
fn worlds_that_once_were_broken_stay_whole() {
    for seed in ONCE_BROKEN {
        assert_eq!(run_as_before(seed).breaches, Vec::new(), "SEED={seed}");
    }
    for seed in BROKEN_SINCE {
        assert_eq!(run(seed).breaches, Vec::new(), "SEED={seed}");
    }
}

#[test]
fn replay_one() {
    let outcome = run(number("SEED", 0));
    outcome.story.iter().for_each(|line| println!("{line}"));
    let breaches: Vec<String> = outcome.breaches.iter().map(ToString::to_string).collect();
    assert!(breaches.is_empty(), "seed {}:\n{}", outcome.seed, breaches.join("\n"));
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [3, 4] {
        assert_eq!(run(seed).story, run(seed).story);
    }
}
