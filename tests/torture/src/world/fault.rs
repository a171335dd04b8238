//! What goes wrong beside the link: kills, power cuts, copies, losses, restores, moves.
//!
//! After every kill the store must open by itself and have everything that was saved on it;
//! that is looked at here and now, not only at the end.

use louan_schema::registry::Site;
use rusqlite::Connection;

use super::World;
use super::desk::{Entering, Entry, Restoring};
use super::life;
use super::link::Trouble;
use crate::check::sqlite::phone::{edits, kept_for_colleagues};
use crate::oracle::LifeId;
use crate::vfs::{Blow, Fate};

pub(super) const DAY_MS: i64 = 86_400_000;

impl World {
    /// The phone's process dies, or its power goes, at some write of an act or an exchange.
    pub fn kill_phone(&mut self, life: LifeId) {
        let disk = self.lives[life].disk.clone();
        disk.strike(Some(Blow::SilentAfter(disk.ops() + self.dice.below(14))));
        if self.dice.once_in(2) || self.lives[life].offline_until > self.step {
            self.act(life);
        } else {
            self.exchange(life, Trouble::None);
        }
        let gone = self.power_gone();
        self.scribe.count(if gone.is_some() { "phone: power cut" } else { "phone: killed" });
        self.tell(format!("{} dies, power {gone:?}", self.lives[life].name));
        self.lives[life].die(gone);
        if let Err(why) = self.lives[life].open() {
            self.breach(format!("{} {why}", self.lives[life].name));
            self.lives[life].destroyed = true;
            return;
        }
        self.everything_saved_is_there(life);
        self.taps_are_there(life);
    }

    fn everything_saved_is_there(&mut self, life: LifeId) {
        let file = self.lives[life].folder.join(life::FILE);
        let (there, _) = edits(&Connection::open(file).expect("opened a moment ago"));
        for edit in self.oracle.edits_of(life) {
            if !there.contains_key(&edit) {
                self.breach(format!(
                    "{}: {edit} was saved and is gone after the kill",
                    self.lives[life].name
                ));
            }
        }
    }

    /// Notes what colleagues wrote and this phone can bring back.
    pub(super) fn keeps(&mut self, life: LifeId) {
        let file = Connection::open(self.lives[life].folder.join(life::FILE)).expect("a phone's file");
        let (kept, shown) = kept_for_colleagues(&file);
        self.oracle.keeps(life, &kept, &shown, self.step);
    }

    /// The office's process dies, or its power goes, at some write of an exchange.
    pub fn kill_office(&mut self, life: LifeId) {
        let disk = self.office.disk.clone();
        disk.strike(Some(Blow::SilentAfter(disk.ops() + self.dice.below(24))));
        if self.lives[life].offline_until <= self.step {
            self.exchange(life, Trouble::None);
            self.send_photos(life);
        }
        let gone = self.power_gone();
        self.scribe.count(if gone.is_some() { "office: power cut" } else { "office: killed" });
        self.tell(format!("the office dies, power {gone:?}"));
        self.office.die(gone);
        if let Err(why) = self.office.open() {
            panic!("the office does not open again: {why}");
        }
    }

    fn power_gone(&mut self) -> Option<Fate> {
        *self.pick(&[None, None, Some(Fate::Dropped), Some(Fate::Kept), Some(Fate::Torn), Some(Fate::Torn)])
    }

    /// The phone's files are copied to another phone; both go on (F15).
    pub fn copy(&mut self, life: LifeId) {
        if self.lives.len() >= 9 {
            return;
        }
        let id = self.lives.len();
        let folder = self.home.path().join(format!("phone-{id}"));
        let copy = self.lives[life].copy(id, folder);
        self.scribe.count("phone: copied");
        self.tell(format!("{} is copied to {}", self.lives[life].name, copy.name));
        self.lives.push(copy);
        self.oracle.cloned(life, id, self.step);
    }

    /// The phone falls into a river.
    pub fn destroy(&mut self, life: LifeId) {
        if self.lives.iter().filter(|l| !l.destroyed).count() <= 2 {
            return;
        }
        self.scribe.count("phone: destroyed");
        self.tell(format!("{} is destroyed", self.lives[life].name));
        self.lives[life].destroyed = true;
        self.lives[life].close();
        self.oracle.destroyed(life, self.step);
    }

    /// The office's last backup is put back, with a new epoch or by hand without one (F16).
    pub fn restore(&mut self) {
        if !self.office.has_backup() {
            return self.back_up();
        }
        let how = if self.dice.once_in(2) { Restoring::Command } else { Restoring::ByHand };
        let later = self.turns.as_mut().is_some_and(|turns| turns.once_in(2));
        self.put_back(how, if later { Entering::Later } else { Entering::AtOnce });
    }

    /// The office makes a backup.
    pub fn back_up(&mut self) {
        self.office.back_up(self.now);
        self.changed.clear();
    }

    /// The office's last backup is put back.
    pub fn put_back(&mut self, how: Restoring, entering: Entering) {
        if self.work_of_the_changed().next().is_some() {
            self.scribe.count("office: restored without somebody whose work was acknowledged");
        }
        self.scribe.count(match how {
            Restoring::Command => "office: restored, new epoch",
            Restoring::ByHand => "office: restored by hand",
        });
        self.tell(format!("the office's backup is put back: {how:?}, people and devices {entering:?}"));
        // Connections end with the old process: no reply of it can arrive any more.
        for life in &mut self.lives {
            life.late.retain(|late| late.reply.is_none());
        }
        self.office.restore(how, entering, self.now);
    }

    /// A ruling moves a compound to another manager, supervisor, street or grid.
    pub fn move_site(&mut self) {
        let (mut site, buildings) = {
            let entries: Vec<_> = self.stage.sites.values().cloned().collect();
            self.pick(&entries).clone()
        };
        let street = self.pick(&self.stage.cast.streets.clone()).clone();
        let regrid = self.turns.as_mut().is_some_and(|turns| turns.once_in(4));
        match if regrid { 3 } else { self.dice.below(3) } {
            0 => site.managed_by = Some(street.property.id),
            1 => site.supervised_by = street.police.id,
            2 => {
                site.street = street.street;
                site.supervised_by = street.police.id;
            }
            // Every grid is another one than before; sometimes there is none any more.
            _ => site.grid = (!self.dice.once_in(5)).then(|| format!("示例第{}网格", self.step)),
        }
        self.scribe.count(if regrid { "site: another grid" } else { "site: moved" });
        let Site { name, street, managed_by, grid, .. } = &site;
        self.tell(format!("{name} moves to {street} / {managed_by:?} / {grid:?}"));
        let clerk = self.stage.cast.office_clerk.id;
        self.office.enter(Entry::Site(clerk, Box::new(site.clone()), buildings.clone()), self.now);
        self.stage.sites.insert(site.id, (site, buildings));
    }

    /// Somebody's right to act is taken away.
    pub fn revoke(&mut self) {
        let people: Vec<_> = self.lives.iter().flat_map(|life| life.people.clone()).collect();
        let person = self.pick(&people).clone();
        if self.stage.revoked.len() >= 2 || !self.stage.revoked.insert(person.id) {
            return;
        }
        self.scribe.count("person: revoked");
        self.tell(format!("{} may no longer act", person.name));
        self.office.enter(Entry::Revoke(person.id), self.now);
    }

    /// A device is reported lost; whoever has it goes on.
    pub fn lose_device(&mut self, life: LifeId) {
        let device = self.lives[life].device;
        if !self.lost.is_empty() || self.lives.iter().filter(|l| l.device != device).count() < 2 {
            return;
        }
        self.lost.insert(device);
        self.scribe.count("device: reported lost");
        self.tell(format!("{} is reported lost", self.lives[life].name));
        self.office.enter(Entry::LostDevice(device), self.now);
    }

    /// The phone's clock jumps by up to some years, either way (F09).
    pub fn set_clock(&mut self, life: LifeId) {
        let days = i64::try_from(self.dice.below(1_400)).unwrap_or(0) - 700;
        self.lives[life].skew_ms = if self.dice.once_in(3) { 0 } else { days * DAY_MS };
        self.scribe.count("phone: clock jumps");
        self.tell(format!("{}: the clock is off by {days} days", self.lives[life].name));
    }

    /// The phone has no link for a while.
    pub fn go_offline(&mut self, life: LifeId) {
        // Who is away for longer does not come back sooner.
        let until = self.lives[life].offline_until.max(self.step + 30);
        self.lives[life].offline_until = until;
        self.scribe.count("phone: offline for long");
        self.tell(format!("{} goes offline", self.lives[life].name));
    }
}
