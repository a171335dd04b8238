//! Power cuts of a phone: everything it called saved is there, everything it took in as
//! received still says so, every answer is on the screen.
//!
//! The run is a world with no fault in it; only the phone's disk is recorded. The store is
//! closed and opened now and then, so that checkpoints and a vanishing log are part of it.

use std::path::Path;

use louan_client_core::view::RoundState;
use louan_client_core::{Phone, StorePlace};
use louan_schema::id::{RoundId, SiteId};
use louan_schema::policy::ItemCode;
use rusqlite::Connection;

use super::{Finding, Tally, Trial, integrity};
use crate::check::{Fate, sqlite};
use crate::oracle::Edit;
use crate::vfs::Tape;
use crate::world::World;
use crate::world::life::FILE;
use crate::world::link::Trouble;

/// Acts in the recorded run.
const ACTS: usize = 150;

/// Something a phone must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    Saved(Edit),
    Received(Edit),
    Answered(SiteId, RoundId, ItemCode),
}

/// Runs a trial.
#[must_use]
pub fn trial(trial: &Trial) -> Tally {
    let (tape, promises) = record(trial);
    trial.judge(&tape, |folder, promised| {
        let promised: Vec<Promise> = promised.iter().map(|n| promises[*n as usize]).collect();
        examine(folder, &promised)
    })
}

fn record(trial: &Trial) -> (Tape, Vec<Promise>) {
    let mut world = World::new(trial.seed);
    let disk = world.lives[0].disk.clone();
    world.lives[0].close();
    if let Some(weakness) = trial.weakness {
        disk.weaken(weakness);
    }
    disk.record();
    let mut promises: Vec<Promise> = Vec::new();
    for act in 0..ACTS {
        if act % 25 == 0 {
            world.lives[0].close();
            world.lives[0].open().expect("a closed store opens");
        }
        world.step += 1;
        world.now = world.now.plus_ms(60_000);
        if act % 9 == 8 {
            world.exchange(0, Trouble::None);
        } else {
            world.act(0);
        }
        for promise in made(&world) {
            if !promises.contains(&promise) {
                disk.promise(u32::try_from(promises.len()).expect("few promises"));
                promises.push(promise);
            }
        }
    }
    assert_eq!(
        disk.weakened() > 0,
        trial.weakness.is_some(),
        "the weakness took hold exactly when asked for"
    );
    assert!(promises.len() > ACTS / 2, "a run that promises little proves little: {}", promises.len());
    (disk.take_tape(), promises)
}

fn made(world: &World) -> Vec<Promise> {
    let mut made = Vec::new();
    for (edit, saved) in world.oracle.edits().filter(|(_, saved)| saved.life == 0) {
        made.push(Promise::Saved(edit));
        if saved.acknowledged_at.is_some() {
            made.push(Promise::Received(edit));
        }
    }
    for (site, round, items) in world.oracle.taps_of(0) {
        made.extend(items.into_iter().map(|item| Promise::Answered(site, round, item)));
    }
    made
}

fn examine(folder: &Path, promised: &[Promise]) -> Finding {
    let file = folder.join(FILE);
    let phone = match Phone::open(StorePlace::File(file.clone()), [9; 16]) {
        Ok(phone) => phone,
        Err(error) => return Finding::Damaged(format!("does not open: {error}")),
    };
    if let Some(salvage) = phone.salvage() {
        return Finding::Damaged(format!("was put aside: {salvage:?}"));
    }
    let answered = |round: RoundId, item: ItemCode| match phone.round(round) {
        Ok(Some(view)) => {
            view.summary.state != RoundState::Open || view.answers.iter().any(|a| a.item == item)
        }
        _ => false,
    };
    let taps = promised
        .iter()
        .filter(|p| matches!(p, Promise::Answered(_, round, item) if !answered(*round, *item)));
    let mut lost = taps.count();
    drop(phone);
    if let Err(why) = integrity(&file) {
        return Finding::Damaged(why);
    }
    let (edits, _) = sqlite::phone::edits(&Connection::open(&file).expect("opened a moment ago"));
    lost += promised
        .iter()
        .filter(|promise| match promise {
            Promise::Saved(edit) => !edits.contains_key(edit),
            Promise::Received(edit) => !matches!(edits.get(edit), Some(Fate::Acknowledged)),
            Promise::Answered(..) => false,
        })
        .count();
    if lost == 0 { Finding::Whole } else { Finding::Lost(lost) }
}
