//! The long run, by hand: thousands of worlds, a hundred thousand power cuts a side, kill points.
//!
//! `soak` is all of it; `soak all SEEDS STATES POINTS` as much of it; `soak seeds FIRST COUNT`,
//! `soak cuts STATES [WHAT]` and `soak kills POINTS` are its parts. What was found is said with the command
//! that shows it again: `soak story SEED`, `soak state WHAT SEED NTH`, `soak kill SIDE WHEN WRITE`.
//! It ends with a count, and with 1 when anything was found. `soak victim …` is the child that is
//! killed. It judges nothing itself.

#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use louan_server::storage::sqlite::Mode;
use torture::cut::phone::Kept;
use torture::cut::{Tally, Trial, office, phone};
use torture::kill::{Manner, Point, Scaffold, Side, Victim, toll, victim};
use torture::world::{Outcome, run};

/// Worlds in the whole run.
const SEEDS: u64 = 10_000;
/// States a side in the whole run.
const STATES: u64 = 100_000;
/// Kill points a side in the whole run.
const POINTS: u64 = 1_000;
/// States of one recorded run; the next ones come from another run.
const STATES_A_RUN: u64 = 5_000;
/// An office inline, as only the simulator uses it, is examined in one state for so many of those that ship.
const INLINE_ONE_IN: u64 = 5;
/// Worlds between two lines of progress.
const SEEDS_A_LINE: u64 = 100;
/// Kill points between two lines of progress.
const POINTS_A_LINE: usize = 50;
/// How a served office uses its store.
const SERVICE: Mode = Mode::Service { readers: 1 };
/// How this program is started to look at something again.
const AGAIN: &str = "target/release/soak";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(count) = play(&words) else {
        println!("soak [all SEEDS STATES POINTS | seeds FIRST COUNT | cuts STATES [WHAT] | kills POINTS]");
        println!(
            "soak story SEED | state phone|browser|office|served SEED NTH | kill phone|office before|after WRITE"
        );
        return ExitCode::from(2);
    };
    count.code()
}

/// What was looked at, and how much of it was wrong.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    const fn of(all: u64, failed: u64) -> Self {
        Self { passed: all.saturating_sub(failed), failed }
    }

    const fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    fn code(self) -> ExitCode {
        // Nothing looked at is no success.
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn play(words: &[&str]) -> Option<Count> {
    let number = |word: &str| word.parse::<u64>().ok();
    match *words {
        [] => Some(told(all(SEEDS, STATES, POINTS))),
        ["all", seeds, states, points] => Some(told(all(number(seeds)?, number(states)?, number(points)?))),
        ["seeds", first, count] => Some(told(worlds(number(first)?, number(count)?))),
        ["cuts", states] => Some(told(cuts(number(states)?))),
        ["cuts", states, what] => {
            let runs = number(states)?.div_ceil(STATES_A_RUN);
            Some(told(cuts_of(Cut::named(what)?, runs)))
        }
        ["kills", points] => Some(told(kills(number(points)?))),
        ["story", seed] => Some(story(number(seed)?)),
        ["state", what, seed, nth] => Some(state(Cut::named(what)?, number(seed)?, number(nth)?)),
        ["kill", side, when @ ("before" | "after"), write] => {
            let write = usize::try_from(number(write)?).ok()?;
            Some(kill(&Point { side: Side::named(side)?, before: when == "before", write }))
        }
        ["victim", ref words @ ..] => Some(Count::of(1, u64::from(!victim::play(words)))),
        _ => None,
    }
}

fn told(count: Count) -> Count {
    println!("{} passed, {} failed", count.passed, count.failed);
    count
}

fn all(seeds: u64, states: u64, points: u64) -> Count {
    kills(points).and(cuts(states)).and(worlds(0, seeds))
}

/// Does `count` pieces of work on every core; `told` hears of each as it ends.
fn spread<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync, mut told: impl FnMut(T)) {
    let next = AtomicU64::new(0);
    let (done, results) = channel();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more when the main thread has given up.
                    if nth >= count || done.send(work(nth)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        results.into_iter().for_each(&mut told);
    });
}

fn worlds(first: u64, count: u64) -> Count {
    let mut happened: BTreeMap<String, u64> = BTreeMap::new();
    let (mut lived, mut broken) = (0, 0);
    spread(
        count,
        |nth| run(first + nth),
        |Outcome { seed, breaches, counts, .. }| {
            lived += 1;
            counts.into_iter().for_each(|(what, n)| *happened.entry(what).or_default() += n);
            if let Some(breach) = breaches.first() {
                broken += 1;
                println!(
                    "seed {seed}: {} breaches, first: {breach}\n    {AGAIN} story {seed}",
                    breaches.len()
                );
            }
            if lived % SEEDS_A_LINE == 0 {
                println!("worlds: {lived} of {count}, {broken} broken");
            }
        },
    );
    happened.iter().for_each(|(what, n)| println!("{n:>9} {what}"));
    println!("worlds: {lived} lived, {broken} broken");
    Count::of(lived, broken)
}

fn story(seed: u64) -> Count {
    let Outcome { breaches, story, .. } = run(seed);
    story.iter().for_each(|line| println!("{line}"));
    breaches.iter().for_each(|breach| println!("BREACH {breach}"));
    Count::of(1, u64::from(!breaches.is_empty()))
}

/// What is cut from power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Phone,
    Browser,
    Office,
    /// The office as in service. Which commits share a transaction there is up to the threads, so
    /// that a state looked at again is of a run like it, not of the same.
    Served,
}

impl Cut {
    const ALL: [Self; 4] = [Self::Phone, Self::Browser, Self::Office, Self::Served];

    const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Browser => "browser",
            Self::Office => "office",
            Self::Served => "served",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cut| cut.name() == word)
    }

    fn trial(self, trial: &Trial) -> Tally {
        match self {
            Self::Phone => phone::trial(trial, Kept::InAFile),
            Self::Browser => phone::trial(trial, Kept::InABrowser),
            Self::Office => office::trial(trial, Mode::Inline),
            Self::Served => office::trial(trial, SERVICE),
        }
    }
}

/// The trial of a recorded run; the same for whoever names the same seed.
fn trial_of(seed: u64) -> Trial {
    Trial::honest(usize::try_from(STATES_A_RUN).unwrap_or(usize::MAX), seed)
}

fn cuts(states: u64) -> Count {
    let runs = states.div_ceil(STATES_A_RUN);
    let fewer = runs.div_ceil(INLINE_ONE_IN);
    let sides = [(Cut::Phone, runs), (Cut::Browser, runs), (Cut::Served, runs), (Cut::Office, fewer)];
    sides.into_iter().map(|(cut, runs)| cuts_of(cut, runs)).fold(Count::default(), Count::and)
}

fn cuts_of(cut: Cut, runs: u64) -> Count {
    let mut sum = Tally::default();
    spread(
        runs,
        |run| (run + 1, cut.trial(&trial_of(run + 1))),
        |(seed, tally)| {
            for (nth, example) in &tally.examples {
                println!(
                    "{}: state {nth}, {example}\n    {AGAIN} state {} {seed} {nth}",
                    cut.name(),
                    cut.name()
                );
            }
            sum.states += tally.states;
            sum.losing += tally.losing;
            sum.damaged += tally.damaged;
            sum.promises += tally.promises;
            println!(
                "power cuts, {}: {} states so far; run {seed} had {} writes and {} promises",
                cut.name(),
                sum.states,
                tally.ops,
                tally.promises,
            );
        },
    );
    let Tally { states, losing, damaged, promises, .. } = sum;
    println!(
        "power cuts, {}: {states} states of {runs} runs, {promises} promises; {damaged} damaged, {losing} lost something promised",
        cut.name()
    );
    Count::of(states as u64, (losing + damaged) as u64)
}

fn state(cut: Cut, seed: u64, nth: u64) -> Count {
    let trial = Trial { only: usize::try_from(nth).ok(), ..trial_of(seed) };
    let tally = cut.trial(&trial);
    tally.examples.iter().for_each(|(_, example)| println!("{example}"));
    println!("{} states examined", tally.states);
    Count::of(tally.states as u64, (tally.losing + tally.damaged) as u64)
}

/// This very program, as the child that is killed.
fn myself() -> Victim {
    let program = std::env::current_exe().unwrap_or_else(|_| "soak".into());
    Victim { program, words: vec!["victim".to_owned()] }
}

fn kills(points: u64) -> Count {
    let points = usize::try_from(points).unwrap_or(usize::MAX);
    let of = |side: Side| {
        let mut done = 0;
        let toll = toll(myself(), side, points, Manner::Honest, |point, came_to| {
            done += 1;
            let when = if point.before { "before" } else { "after" };
            if let Err(why) = came_to {
                println!("{why}\n    {AGAIN} kill {} {when} {}", side.name(), point.write);
            }
            if done % POINTS_A_LINE == 0 {
                println!("kills, {}: {done} of {points}", side.name());
            }
        });
        println!(
            "kills, {}: {} points in a story of {} writes, {} promises; {} wrong",
            side.name(),
            toll.points,
            toll.writes,
            toll.promised,
            toll.wrong.len()
        );
        Count::of(toll.points as u64, toll.wrong.len() as u64)
    };
    Side::ALL.into_iter().map(of).fold(Count::default(), Count::and)
}

fn kill(point: &Point) -> Count {
    let stage = Scaffold::new(myself(), point.side);
    println!("{}", stage.name(point));
    match stage.kill(point, Manner::Honest) {
        Ok(promised) => println!("{promised} promises, all kept"),
        Err(why) => {
            println!("{why}");
            return Count::of(1, 1);
        }
    }
    Count::of(1, 0)
}
