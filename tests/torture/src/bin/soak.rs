//! The long run, by hand: thousands of seeds, a hundred thousand power cuts a side, all kill points.
//!
//! `soak seeds FIRST COUNT`, `soak cuts STATES`, `soak kills POINTS VICTIM`, `soak story SEED`.
//! It prints what it found and ends with 1 when that is anything.

#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use torture::cut::{Trial, office, phone};
use torture::kill::{Side, toll};
use torture::world::{Outcome, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let clean = match words[..] {
        ["seeds", first, count] => seeds(number(first), number(count)),
        ["cuts", states] => cuts(number(states)),
        ["kills", points, victim] => kills(number(points), Path::new(victim)),
        ["story", seed] => story(number(seed)),
        _ => return ExitCode::from(2),
    };
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or(0)
}

fn seeds(first: u64, count: u64) -> bool {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut broken = 0_u64;
    for seed in first..first + count {
        let outcome = run(seed);
        outcome.counts.iter().for_each(|(what, n)| *counts.entry(what.clone()).or_default() += n);
        if !outcome.breaches.is_empty() {
            broken += 1;
            println!("seed {seed}: {} breaches, first: {}", outcome.breaches.len(), outcome.breaches[0]);
        }
    }
    println!("{count} seeds from {first}, {broken} broken");
    counts.iter().for_each(|(what, n)| println!("{n:>9} {what}"));
    broken == 0
}

fn story(seed: u64) -> bool {
    let Outcome { breaches, story, .. } = run(seed);
    story.iter().for_each(|line| println!("{line}"));
    breaches.iter().for_each(|breach| println!("BREACH {breach}"));
    breaches.is_empty()
}

fn cuts(states: u64) -> bool {
    let trial = Trial { states: usize::try_from(states).unwrap_or(usize::MAX), seed: 11, weakness: None };
    let tallies = [("phone", phone::trial(&trial)), ("office", office::trial(&trial))];
    tallies.iter().for_each(|(side, tally)| println!("{side}: {tally:?}"));
    tallies.iter().all(|(_, tally)| tally.is_clean())
}

fn kills(points: u64, victim: &Path) -> bool {
    let points = usize::try_from(points).unwrap_or(usize::MAX);
    let tolls = [Side::Phone, Side::Office].map(|side| (side, toll(victim, side, points)));
    tolls.iter().for_each(|(side, toll)| println!("{side:?}: {toll:?}"));
    tolls.iter().all(|(_, toll)| toll.wrong.is_empty())
}
