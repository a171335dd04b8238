//! The restore drill: a backup at one moment, work until another, the backup put back; what came of it, counted.
//!
//! Between the two moments phones work, sync over a bad link and are killed, the office rules and is killed, and
//! something is acknowledged for certain. A phone may be lost with what only it had: the one loss that is allowed,
//! and counted. Photos are taken and sent all the while; at the end another backup is made, phones give the room of
//! photos back, and every photo must still lie somewhere.

use std::collections::BTreeMap;

use louan_schema::code::Role;
use louan_schema::registry::Person;
use louan_schema::wire::Cursor;
use rusqlite::Connection;

use super::desk::{Entering, Restoring};
use super::people::{Change, narrower};
use super::{World, breaches, office};
use crate::check::Breach;
use crate::oracle::{Edit, LifeId, Step};

/// Tries to get something acknowledged before the drill is given up as worth nothing.
const TRIES_MAX: usize = 400;

/// What the backup does not know of people, drill by drill.
const DRILLED: [Change; 4] = [Change::NewPhone, Change::SharedPhone, Change::Wider, Change::Narrower];

/// What a drill came to.
#[derive(Debug, Clone)]
pub struct Drill {
    /// The seed.
    pub seed: u64,
    /// How the backup was put back.
    pub how: Restoring,
    /// Records acknowledged between backup and restore.
    pub acknowledged: usize,
    /// Of these, at the office again.
    pub came_back: usize,
    /// Of these, at the office and waiting for a human.
    pub held: usize,
    /// Of those held, in the log once a supervisor has taken what can be taken.
    pub taken: usize,
    /// Held changes no supervisor could take, with the reason.
    pub left: Vec<String>,
    /// Of these, on no living phone any more.
    pub lost_with_phones: usize,
    /// Of those acknowledged, by people entered or appointed anew after the backup, whom the restored log knew
    /// otherwise or not at all.
    pub of_the_changed: usize,
    /// When these were entered again.
    pub entering: Entering,
    /// Living phones that stood at a position which the restored log has not, or has otherwise; after the command, all.
    pub phones: usize,
    /// Of these, phones that found out.
    pub found_out: usize,
    /// Of these, phones that others forestalled: what they brought back made the same log again, word for word.
    pub same_again: usize,
    /// What became of photos.
    pub photos: PhotosLeft,
    /// Everything wrong.
    pub breaches: Vec<Breach>,
    /// The story.
    pub story: Vec<String>,
}

/// What became of photos.
#[derive(Debug, Clone, Default)]
pub struct PhotosLeft {
    /// Photos that the office told a phone, between backup and restore, it has.
    pub confirmed: usize,
    /// Of these, at the office again.
    pub came_back: usize,
    /// Of these, not at the office, and on the phone that took them.
    pub on_phones: usize,
    /// Of these, on no living phone any more.
    pub lost_with_phones: usize,
    /// Photos whose bytes phones had given up by the end, because the office has them.
    pub given_up: usize,
    /// Photos of any time that are where they may not be, or nowhere.
    pub faults: Vec<String>,
}

/// Holds a drill.
#[must_use]
pub fn drill(seed: u64, how: Restoring) -> Drill {
    let mut world = World::new(seed);
    world.bring_a_camera(seed);
    let entering = if (seed / 2).is_multiple_of(2) { Entering::Later } else { Entering::AtOnce };
    let (backed_up_at, of_the_changed) = world.work_between_backup_and_restore(seed, how, entering);
    let knew = world.phones_of_another_log(how);
    let restored_at = world.step;
    world.found_out.clear();
    world.serve_without_the_changed(entering);
    world.heal();
    let found_out = knew.keys().filter(|life| world.found_out.contains(life)).count();
    let not_told = knew.iter().filter(|(life, _)| !world.found_out.contains(life));
    let same_again =
        not_told.filter(|(_, cursor)| how == Restoring::ByHand && world.stands(**cursor)).count();
    let picture = world.picture();
    let mut result = Drill {
        seed,
        how,
        acknowledged: 0,
        came_back: 0,
        held: 0,
        taken: 0,
        left: Vec::new(),
        lost_with_phones: 0,
        of_the_changed,
        entering,
        phones: knew.len(),
        found_out,
        same_again,
        photos: PhotosLeft::default(),
        breaches: breaches(&picture),
        story: Vec::new(),
    };
    let mut held = Vec::new();
    for (edit, saved) in world.oracle.edits() {
        let between = |at: Step| at > backed_up_at && at <= restored_at;
        if !matches!(edit, Edit::Record(_)) || !saved.acknowledged_at.is_some_and(between) {
            continue;
        }
        result.acknowledged += 1;
        if picture.office.edits.contains(&edit) {
            result.came_back += 1;
        } else if picture.office.held.contains(&edit) {
            result.held += 1;
            held.push(edit);
        } else if world.oracle.carriers(saved).is_empty() {
            result.lost_with_phones += 1;
        }
    }
    result.left = world.take_all_held();
    let taken = world.picture().office.edits;
    result.taken = held.iter().filter(|edit| taken.contains(*edit)).count();
    let wrong_before = world.seen.len();
    world.photos_are_safe();
    let later = world.seen[wrong_before..].iter();
    result.breaches.extend(later.map(|what| Breach::Story(what.clone())));
    result.photos = world.photos_left(how, |at| at > backed_up_at && at <= restored_at);
    result.story = world.scribe.lines().to_vec();
    result
}

impl World {
    /// Until the backup is put back; the step at which it was made, and what people it does not know as they were
    /// then got acknowledged.
    fn work_between_backup_and_restore(
        &mut self,
        seed: u64,
        how: Restoring,
        entering: Entering,
    ) -> (Step, usize) {
        self.work(40);
        let change = DRILLED[usize::try_from(seed).unwrap_or(0) % DRILLED.len()];
        let narrowed = if change == Change::Wider { self.somebody_becomes(narrower) } else { None };
        self.step += 1;
        let backed_up_at = self.step;
        self.back_up();
        self.work(20);
        self.step += 1;
        self.people_change(change, narrowed);
        self.work(20);
        self.get_acknowledged_since(backed_up_at);
        // A phone is lost with what nobody else has.
        if self.dice.once_in(3)
            && let Some(life) = self.somebody()
        {
            self.destroy(life);
        }
        if how == Restoring::Command && seed.is_multiple_of(2) {
            self.tell("the office's photos are gone, too");
            super::camera::empty(&self.office.photo_folder());
        }
        let of_the_changed = self.work_of_the_changed().count();
        self.put_back(how, entering);
        (backed_up_at, of_the_changed)
    }

    /// Every phone asks, and some work goes on, before somebody gets to the desk.
    fn serve_without_the_changed(&mut self, entering: Entering) {
        if entering == Entering::AtOnce {
            return;
        }
        let living: Vec<_> = self.lives.iter().filter(|life| !life.destroyed).map(|life| life.id).collect();
        self.step += 1;
        for life in living {
            self.sync_to_rest(life);
        }
        self.work(6);
    }

    /// Some steps of the story without backups, restores and leaps in time.
    fn work(&mut self, steps: usize) {
        for _ in 0..steps {
            self.next_step();
            let Some(life) = self.somebody() else { return };
            match self.dice.below(100) {
                0..55 => self.act(life),
                55..82 => {
                    self.sync(life);
                    self.send_photos(life);
                }
                82..88 => self.rule(),
                88..90 => self.decide(),
                90..94 => self.kill_phone(life),
                94..97 => self.kill_office(life),
                97..99 => self.move_site(),
                _ => self.revoke(),
            }
        }
    }

    /// A supervisor looks at everything that waits, and takes what can be taken.
    fn take_all_held(&mut self) -> Vec<String> {
        let stage = self.stage.clone();
        let supervisor = |site, author| {
            let (site, _) = stage.sites.get(&site)?;
            let may = |person: &&Person| {
                let supervises = person.org == site.supervised_by || person.role == Role::Brigade;
                supervises && person.id != author && !stage.revoked.contains(&person.id)
            };
            stage.people().find(may).map(|person| person.id)
        };
        self.office.open().expect("the office opens again");
        let left = self.office.take_all(supervisor, self.now);
        self.tell(format!("office takes everything that waits, but {}", left.len()));
        left
    }

    /// A backup is made of what there is now, and phones hear of it: whatever they may give up, they give up.
    fn photos_are_safe(&mut self) {
        self.all_open();
        self.heal();
        self.office.back_up(self.now);
        self.heal();
    }

    /// After a picture, for which everything was closed.
    fn all_open(&mut self) {
        self.office.open().expect("the office opens again");
        for life in self.lives.iter_mut().filter(|life| !life.destroyed) {
            life.open().expect("its own store opens again");
        }
    }

    /// Looks for every photo ever taken.
    fn photos_left(&mut self, how: Restoring, between: impl Fn(Step) -> bool) -> PhotosLeft {
        let accepted = self.picture().office.edits;
        self.all_open();
        let mut left = PhotosLeft::default();
        let taken: Vec<_> = self.photos_taken().map(|(hash, taken)| (hash, taken.clone())).collect();
        for (photo, taken) in taken {
            let life = taken.life;
            let (name, device) = (self.lives[life].name.clone(), self.lives[life].device);
            let living = !self.lives[life].destroyed;
            let here = self.office.has_photo(device, photo);
            let lies = living && self.lies_on(life, photo);
            let counts = usize::from(taken.confirmed_at.is_some_and(&between));
            left.confirmed += counts;
            left.given_up += usize::from(living && here && !lies);
            match (here, lies) {
                (true, _) => left.came_back += counts,
                (false, true) => left.on_phones += counts,
                (false, false) if !living => left.lost_with_phones += counts,
                (false, false) => left.faults.push(format!("{photo} of {name} is nowhere")),
            }
            // A log put back by hand tells nobody: there a phone keeps what it holds for confirmed until it has asked.
            if how == Restoring::Command && living && !here {
                if self.says_confirmed(life, photo) {
                    left.faults.push(format!("{name} says that {photo} is at the office"));
                }
                if taken.record.is_some_and(|record| accepted.contains(&Edit::Record(record))) {
                    left.faults.push(format!("{photo} waits on {name}, its record is at the office"));
                }
            }
        }
        left
    }

    /// Works on until a phone has taken in that a record was accepted after a step.
    fn get_acknowledged_since(&mut self, step: Step) {
        for _ in 0..TRIES_MAX {
            let since = |at: Step| at > step;
            let is_record = |edit: &Edit| matches!(edit, Edit::Record(_));
            let mut edits = self.oracle.edits().filter(|(edit, _)| is_record(edit));
            let found = edits.any(|(_, saved)| saved.acknowledged_at.is_some_and(since));
            drop(edits);
            if found {
                return;
            }
            self.next_step();
            let Some(life) = self.somebody() else { return };
            self.act(life);
            self.sync_to_rest(life);
            self.send_photos(life);
        }
    }

    /// Living phones that must find out, with where they stood. What the desk enters again word for word is the same
    /// log again.
    fn phones_of_another_log(&self, how: Restoring) -> BTreeMap<LifeId, Cursor> {
        let living = self.lives.iter().filter(|life| !life.destroyed);
        let standing = living.filter_map(|life| Some((life.id, life.cursor?)));
        standing.filter(|(_, cursor)| how == Restoring::Command || !self.stands(*cursor)).collect()
    }

    /// Whether the office's log is, up to a cursor, the one the cursor was given in.
    fn stands(&self, cursor: Cursor) -> bool {
        let office = Connection::open(self.office.folder.join(office::FILE)).expect("the office's file");
        let pos = i64::try_from(cursor.pos).expect("a position");
        let sql = "SELECT 1 FROM feed WHERE pos = ?1 AND chain = ?2";
        let same = office.prepare(sql).and_then(|mut query| query.exists((pos, cursor.chain.0)));
        cursor.pos == 0 || same.expect("the log reads")
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.now = self.now.plus_ms(i64::try_from(self.dice.below(3 * 3_600_000)).unwrap_or(0));
        self.arrivals();
    }
}
