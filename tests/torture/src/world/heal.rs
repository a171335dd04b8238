//! Everything heals: links hold, clocks are right, nobody is killed, and all sync until quiet.
//!
//! What then still waits, differs or is missing is wrong for good.

use super::World;
use super::link::Trouble;

/// Most rounds of syncing before a world counts as restless.
const PASSES_MAX: usize = 60;

impl World {
    /// Heals everything and lets all phones sync until nothing moves.
    pub fn heal(&mut self) {
        self.step += 1;
        self.tell("everything heals");
        for life in &mut self.lives {
            life.late.iter_mut().for_each(|late| late.due = 0);
            life.skew_ms = 0;
            life.offline_until = 0;
            life.disk.strike(None);
        }
        self.office.disk.strike(None);
        self.office.enter_owed(self.now);
        self.arrivals();
        let living: Vec<_> = self.lives.iter().filter(|life| !life.destroyed).map(|life| life.id).collect();
        for _ in 0..PASSES_MAX {
            self.step += 1;
            let mut moved = false;
            for life in &living {
                moved |= self.sync_to_rest(*life);
                moved |= self.send_all_photos(*life);
            }
            if !moved {
                self.tell("quiet");
                // Once more, so that a phone at rest is seen to stay there.
                for life in &living {
                    let exchange = self.exchange(*life, Trouble::None);
                    if exchange.more || exchange.moved {
                        self.breach(format!("{} does not stay at rest", self.lives[*life].name));
                    }
                }
                return;
            }
        }
        self.breach("the world never comes to rest".to_owned());
    }
}
