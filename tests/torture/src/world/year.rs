//! A year in which one phone is away with work nobody has (F17), and everybody else works on.
//!
//! The clock moves in strides of some days, so that a year has ordinary steps in it: rounds, rulings, moves, kills,
//! restores. When the phone comes back, everything it wrote must get its verdict there and then; that is looked at
//! here, not only when the world heals.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::World;
use super::fault::DAY_MS;
use super::life;
use crate::check::Fate;
use crate::check::sqlite::phone::edits;
use crate::oracle::{Edit, LifeId, Step};

/// How long it is, in days.
const DAYS: i64 = 380;
/// Fewest ordinary steps in it.
const STEPS_MIN: usize = 40;
/// How many more there may be.
const STEPS_MORE: u64 = 20;
/// Acts after which a phone that has written nothing has nothing to write.
const TRIES_MAX: usize = 40;

/// Who is away, and until when.
#[derive(Debug)]
pub(super) struct Away {
    life: LifeId,
    since: Step,
    until: Step,
    stride_ms: i64,
}

impl World {
    /// More than a year passes; this phone stays offline all the while, with something it has not sent.
    pub fn years_pass(&mut self, life: LifeId) {
        if self.now.day().year() > 2022 || self.away.is_some() {
            return;
        }
        let Some(turns) = &mut self.turns else { return self.leap(life) };
        let steps = STEPS_MIN + usize::try_from(turns.below(STEPS_MORE)).unwrap_or(0);
        // A reply that is under way would be a link.
        self.lives[life].late.retain(|late| late.reply.is_none());
        self.lives[life].offline_until = self.step + steps;
        for _ in 0..TRIES_MAX {
            if !self.unsent(life).is_empty() {
                break;
            }
            self.act(life);
        }
        if self.unsent(life).is_empty() {
            return self.tell(format!("{} is offline and has nothing to write", self.lives[life].name));
        }
        let stride_ms = DAYS * DAY_MS / i64::try_from(steps).unwrap_or(1);
        self.away = Some(Away { life, since: self.step, until: self.step + steps, stride_ms });
        self.scribe.count("more than a year passes");
        self.tell(format!("{} is away for a year", self.lives[life].name));
    }

    /// A year passes in which nobody does anything.
    fn leap(&mut self, life: LifeId) {
        self.lives[life].offline_until = self.step + 20;
        self.now = self.now.plus_ms(DAYS * DAY_MS);
        self.scribe.count("more than a year passes");
        self.tell(format!("a year passes, {} is offline", self.lives[life].name));
    }

    /// Some days of it pass, or it is over.
    pub(super) fn the_year_goes_on(&mut self) {
        let step = self.step;
        if let Some(away) = &self.away {
            self.now = self.now.plus_ms(away.stride_ms);
        }
        if let Some(away) = self.away.take_if(|away| away.until <= step) {
            self.comes_back(&away);
        }
    }

    fn comes_back(&mut self, away: &Away) {
        let name = self.lives[away.life].name.clone();
        if self.lives[away.life].destroyed {
            return self.tell(format!("{name} does not come back"));
        }
        let others = self.oracle.edits().filter(|(_, saved)| saved.acknowledged_at > Some(away.since));
        if others.count() > 0 {
            self.scribe.count("a year: others went on");
        }
        self.tell(format!("{name} comes back after a year"));
        let wrote = self.unsent(away.life);
        if wrote.is_empty() {
            self.breach(format!("{name}: what it had not sent is gone"));
        }
        self.lives[away.life].offline_until = self.step;
        self.office.enter_owed(self.now);
        self.sync_to_rest(away.life);
        let now = self.fates(away.life);
        for edit in wrote {
            match now.get(&edit) {
                Some(Fate::Acknowledged) => self.scribe.count("a year: unsent work accepted"),
                Some(Fate::Held) => self.scribe.count("a year: unsent work held"),
                Some(Fate::Returned(code)) => {
                    self.scribe.count(format!("a year: unsent work returned, {}", code.name()));
                }
                other => self.breach(format!("{name}: {edit} has no verdict after a year: {other:?}")),
            }
        }
    }

    /// What waits on a phone, as its file says.
    fn unsent(&self, life: LifeId) -> Vec<Edit> {
        let waits = |(_, fate): &(Edit, Fate)| *fate == Fate::Pending;
        self.fates(life).into_iter().filter(waits).map(|(edit, _)| edit).collect()
    }

    fn fates(&self, life: LifeId) -> BTreeMap<Edit, Fate> {
        let file = self.lives[life].folder.join(life::FILE);
        edits(&Connection::open(file).expect("an open phone's file")).0
    }
}
