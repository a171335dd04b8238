//! The restore drill, a hundred times by the command and a hundred times by a file copied over the store, with photos.
//!
//! `SEED=n … one_drill -- --nocapture` tells one. A drill in which nothing was acknowledged between backup and restore
//! would prove nothing: there may be none. Nor one by the command in which no phone stood in another log; after a copy by
//! hand one may have forestalled all others, so there they are counted over all drills.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use torture::world::desk::Restoring;
use torture::world::drill::{Drill, drill};

const SEEDS: u64 = 100;

/// What is wrong with a drill, in words.
fn faults(drill: &Drill) -> Vec<String> {
    let mut faults: Vec<String> = drill.breaches.iter().map(ToString::to_string).collect();
    if drill.acknowledged == 0 {
        faults.push("nothing was acknowledged between backup and restore".to_owned());
    }
    if drill.how == Restoring::Command && drill.found_out == 0 {
        faults.push("no phone was there to find out".to_owned());
    }
    if drill.found_out + drill.same_again != drill.phones {
        faults.push(format!("{} of {} phones found out", drill.found_out, drill.phones));
    }
    let accounted = drill.came_back + drill.held + drill.lost_with_phones;
    if accounted != drill.acknowledged {
        faults
            .push(format!("{} of {} acknowledged records are accounted for", accounted, drill.acknowledged));
    }
    let photos = &drill.photos;
    faults.extend(photos.faults.iter().cloned());
    if drill.taken != drill.held {
        let (taken, held) = (drill.taken, drill.held);
        faults.push(format!("{taken} of {held} held records could be taken: {}", drill.left.join("; ")));
    }
    faults
}

/// Holds a hundred drills; what came of them, in words.
fn a_hundred(how: Restoring) -> String {
    let next = AtomicU64::new(0);
    let held = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let one = drill(seed, how);
                    held.lock().expect("nobody panics with it").push(one);
                }
            });
        }
    });
    let drills = held.into_inner().expect("nobody panicked with it");
    assert_eq!(drills.len() as u64, SEEDS);
    let wrong: Vec<String> = drills
        .iter()
        .flat_map(|one| faults(one).into_iter().map(|f| format!("SEED={}: {f}", one.seed)))
        .collect();
    assert!(wrong.is_empty(), "{how:?}: {} faults:\n{}", wrong.len(), wrong.join("\n"));
    let sum = |of: fn(&Drill) -> usize| drills.iter().map(of).sum::<usize>();
    assert!(sum(|d| d.found_out) >= drills.len(), "too few phones to prove anything");
    assert!(sum(|d| d.of_the_changed) > 0, "nobody the backup knew otherwise had anything to lose");
    // Nearly everything comes back by itself; what waits for a human is the exception.
    assert!(sum(|d| d.came_back) * 10 >= sum(|d| d.acknowledged) * 8);
    assert!(sum(|d| d.photos.confirmed) >= drills.len(), "too few photos to prove anything");
    assert!(sum(|d| d.photos.came_back) * 10 >= sum(|d| d.photos.confirmed) * 8);
    assert!(sum(|d| d.photos.given_up) >= drills.len(), "no phone gave a photo up: nothing could be lost");
    format!(
        "{how:?}: {SEEDS} drills, {} acknowledged since the backup: {} came back, {} waited for a \
         supervisor, who took {}, {} were lost with their phones; {} phones found out, {} were forestalled; {} photos \
         confirmed since, {} came back, {} were on their phones, {} lost with them; {} given up in the end",
        sum(|d| d.acknowledged),
        sum(|d| d.came_back),
        sum(|d| d.held),
        sum(|d| d.taken),
        sum(|d| d.lost_with_phones),
        sum(|d| d.found_out),
        sum(|d| d.same_again),
        sum(|d| d.photos.confirmed),
        sum(|d| d.photos.came_back),
        sum(|d| d.photos.on_phones),
        sum(|d| d.photos.lost_with_phones),
        sum(|d| d.photos.given_up),
    )
}

#[test]
fn every_phone_finds_out_and_every_acknowledged_record_comes_back_after_the_command() {
    println!("{}", a_hundred(Restoring::Command));
}

#[test]
fn every_phone_of_another_log_finds_out_and_every_record_comes_back_after_a_copy_by_hand() {
    println!("{}", a_hundred(Restoring::ByHand));
}

#[test]
fn one_drill() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for how in [Restoring::Command, Restoring::ByHand] {
        let one = drill(seed, how);
        one.story.iter().for_each(|line| println!("{line}"));
        assert_eq!(faults(&one), Vec::<String>::new(), "seed {seed}, {how:?}");
    }
}
