//! A disk that fails an office in service while it commits (F05, F06): a write or a sync that reports an error, and a
//! disk without room, at every operation of an exchange in turn.
//!
//! Whatever fails, nothing is acknowledged that is not there after a power cut; what a failed sync did not bring to the
//! disk no later one brings. After an error of the disk the writer writes nothing more, until the store is opened again;
//! for want of room it refuses and goes on when there is room. The phone's work waits, and comes in afterwards.

use std::collections::BTreeSet;

use kit::dice::Dice;
use louan_server::storage::sqlite::Mode;
use torture::check::breaches;
use torture::cut::promise::{Promise, received};
use torture::oracle::LifeId;
use torture::vfs::{Blow, Failure, Fate};
use torture::world::World;

/// Worlds whose office is failed at every operation of an exchange.
const SEEDS: u64 = 6;
/// How a served office uses its store.
const SERVICE: Mode = Mode::Service { readers: 1 };
/// Acts before the disk fails, so that there is something to lose.
const ACTS: usize = 24;

/// A served office that has acknowledged something, and phones with something more to send.
struct Trial {
    world: World,
    acknowledged: BTreeSet<Promise>,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.office.close();
        world.office.mode = SERVICE;
        world.office.open().expect("a closed store opens");
        let mut trial = Self { world, acknowledged: BTreeSet::new() };
        for act in 0..ACTS {
            trial.works(act % trial.world.lives.len());
        }
        for life in 0..trial.world.lives.len() {
            trial.asks(life).expect("a whole disk takes everything");
        }
        assert!(!trial.acknowledged.is_empty(), "there is something to lose");
        for life in 0..trial.world.lives.len() {
            (0..4).for_each(|_| trial.works(life));
        }
        trial
    }

    fn works(&mut self, life: LifeId) {
        self.world.step += 1;
        self.world.now = self.world.now.plus_ms(60_000);
        self.world.act(life);
    }

    /// A phone asks once; what the answer acknowledges is remembered.
    fn asks(&mut self, life: LifeId) -> Result<(), String> {
        let now = self.world.now;
        let (prepared, body) = self.world.lives[life].request(now).expect("a phone can ask");
        let reply = self.world.office.answer(self.world.lives[life].device, &body, now);
        self.hears(life, (prepared, &body), reply)
    }

    fn hears(
        &mut self,
        life: LifeId,
        (prepared, body): (louan_client_core::Prepared, &[u8]),
        reply: Result<Vec<u8>, String>,
    ) -> Result<(), String> {
        let now = self.world.now;
        match reply {
            Ok(reply) => {
                self.acknowledged.extend(received(body, &reply));
                self.world.lives[life].absorb(prepared, &reply, now).expect("a reply is taken in");
                Ok(())
            }
            Err(why) => {
                self.world.lives[life].phone().lost();
                Err(why)
            }
        }
    }

    /// Two phones ask together.
    fn both_ask(&mut self, lives: [LifeId; 2]) -> [Result<(), String>; 2] {
        let now = self.world.now;
        let asked = lives.map(|life| self.world.lives[life].request(now).expect("a phone can ask"));
        let [first, second] = lives.map(|life| self.world.lives[life].device);
        let requests = [(first, asked[0].1.as_slice()), (second, asked[1].1.as_slice())];
        let [one, two] = self.world.office.answer_both(requests, now);
        let [(first, body), (second, other)] = asked;
        [self.hears(lives[0], (first, &body), one), self.hears(lives[1], (second, &other), two)]
    }

    fn strike(&self, operation: u64, failure: Failure) {
        let disk = &self.world.office.disk;
        disk.strike(Some(Blow::FailAt(disk.ops() + operation, failure)));
    }

    fn has_failed(&self) -> bool {
        self.world.office.disk.failed() > 0
    }

    /// The power goes, the office opens again: everything acknowledged is there, and what waited comes in.
    fn comes_out_whole(mut self, fate: Fate, told: &str) {
        self.world.office.disk.strike(None);
        self.world.office.close();
        self.world.office.disk.cut(fate, &mut Dice::seeded(1)).expect("the folder takes files");
        self.world.office.open().unwrap_or_else(|why| panic!("{told}: {why}"));
        let picture = self.world.picture();
        for promise in &self.acknowledged {
            let kept = match promise {
                Promise::Received(edit) => picture.office.edits.contains(edit),
                Promise::Sheet(hash) => picture.office.changes.contains(hash),
                Promise::Saved(_) | Promise::Answered(..) => true,
            };
            assert!(kept, "{told}: {promise} was acknowledged and is gone");
        }
        self.world.office.open().expect("a closed store opens");
        self.world.lives.iter_mut().for_each(|life| life.open().expect("its own store opens again"));
        self.world.heal();
        assert_eq!(breaches(&self.world.picture()), [], "{told}");
    }
}

/// Fails the operations of one exchange in turn, each in a world of its own, until there is none left; how many.
fn at_every_operation(failure: Failure, seed: u64, then: impl Fn(&mut Trial, &str)) -> u64 {
    for operation in 1.. {
        let mut trial = Trial::new(seed);
        trial.strike(operation, failure);
        let answer = trial.asks(0);
        let told = format!("seed {seed}, {failure:?} at operation {operation}");
        if !trial.has_failed() {
            assert_eq!(answer, Ok(()), "{told}");
            return operation - 1;
        }
        assert!(answer.is_err(), "{told}: answered all the same");
        then(&mut trial, &told);
        let fates = [Fate::Dropped, Fate::Kept, Fate::Torn];
        trial.comes_out_whole(fates[usize::try_from(operation).unwrap_or(0) % fates.len()], &told);
    }
    unreachable!("an exchange comes to an end")
}

#[test]
fn after_an_error_of_the_disk_the_writer_writes_nothing_more_and_nothing_acknowledged_is_lost() {
    let mut points = 0;
    let stopped = std::cell::Cell::new(0);
    for seed in 0..SEEDS {
        points += at_every_operation(Failure::Broken, seed, |trial, told| {
            let before = trial.world.office.disk.ops();
            for life in 1..trial.world.lives.len() {
                // Who brings nothing is answered: that only reads.
                if let Err(why) = trial.asks(life) {
                    assert!(why.contains("Stopped"), "{told}: {why}");
                    stopped.set(stopped.get() + 1);
                }
            }
            assert_eq!(trial.world.office.disk.ops(), before, "{told}: something was written");
            trial.world.office.reads().expect("what is on the disk can be read");
        });
    }
    assert!(points >= 60, "only {points} operations failed");
    assert!(stopped.get() >= points, "only {} were refused behind {points} failures", stopped.get());
}

#[test]
fn for_want_of_room_nothing_is_acknowledged_and_everything_is_when_there_is_room() {
    let mut points = 0;
    for seed in 0..SEEDS {
        points += at_every_operation(Failure::Full, seed, |trial, told| {
            let before = trial.acknowledged.len();
            // A sync that fails is an error of the disk, not want of room.
            let stopped = trial.asks(0).is_err();
            assert_eq!(stopped, trial.asks(1).is_err(), "{told}");
            assert!(stopped || trial.acknowledged.len() > before, "{told}: nothing more is taken");
        });
    }
    assert!(points >= 60, "only {points} operations failed");
}

#[test]
fn of_two_phones_that_ask_together_none_is_told_what_the_failing_disk_does_not_have() {
    let mut failed = 0;
    for operation in 1..=30 {
        let mut trial = Trial::new(3);
        trial.strike(operation, Failure::Broken);
        let answers = trial.both_ask([0, 1]);
        let told = format!("two phones, broken at operation {operation}: {answers:?}");
        if trial.has_failed() {
            failed += 1;
            assert!(answers.iter().any(Result::is_err), "{told}");
        }
        trial.comes_out_whole(Fate::Dropped, &told);
    }
    assert!(failed >= 10, "only {failed} operations failed");
}
