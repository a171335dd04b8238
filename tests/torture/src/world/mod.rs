//! The simulated world: phones, an office and everything that happens to them, from a seed.
//!
//! Real cores on real files, one thread, a clock that only the story moves, chance from one
//! seed. The world does what people, networks and disks do; whether it came out whole is
//! the checker's business ([`crate::check`]).

mod act;
mod camera;
pub mod desk;
pub mod drill;
mod fault;
mod heal;
pub mod life;
pub mod link;
pub mod office;
mod people;
mod picture;
mod screen;
mod scribe;
pub mod stage;
mod year;

use std::collections::{BTreeMap, BTreeSet};

use kit::DISTRICT_STREAM;
use kit::dice::Dice;
use louan_client_core::Enrolment;
use louan_schema::id::{DeviceId, PersonId, RecordId};
use louan_schema::registry::Person;
use louan_schema::time::Timestamp;

use crate::check::{Breach, breaches};
use crate::oracle::{Edit, LifeId, Oracle, Step};
use camera::Camera;
use desk::Entry;
use life::Life;
use link::Trouble;
use office::Office;
use scribe::Scribe;
use stage::Scene;
use year::Away;

/// Keeps the chance of turns apart from a world's other dice.
const TURNS: u64 = 0x7475_726e_7300_0000;

/// What a seed came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// Everything wrong with it.
    pub breaches: Vec<Breach>,
    /// Its story, line by line.
    pub story: Vec<String>,
    /// What happened how often.
    pub counts: BTreeMap<String, u64>,
}

/// The world.
pub struct World {
    /// The present instant, by the office's clock.
    pub now: Timestamp,
    /// The step of the story.
    pub step: Step,
    /// Who is in it.
    pub stage: Scene,
    /// The office.
    pub office: Office,
    /// Every phone's life, destroyed ones included.
    pub lives: Vec<Life>,
    /// What was promised.
    pub oracle: Oracle,
    /// Devices reported lost.
    lost: BTreeSet<DeviceId>,
    /// Hazards ever reported on a phone.
    reported: BTreeSet<RecordId>,
    /// Phones that found out that the office's log is another one.
    found_out: BTreeSet<LifeId>,
    /// Who takes photos, where photos are taken.
    camera: Option<Camera>,
    /// Who is away for a year.
    away: Option<Away>,
    /// Who did what.
    wrote: BTreeMap<Edit, PersonId>,
    /// Records a human refused.
    refused: BTreeSet<Edit>,
    /// Who acted on which phone.
    hands: BTreeMap<LifeId, BTreeSet<PersonId>>,
    /// People entered or appointed anew since the last backup, and when.
    changed: BTreeMap<PersonId, Step>,
    scribe: Scribe,
    dice: Dice,
    /// Chance of what stories learned later: years in which others work on, other grids, other people. A story told
    /// as before has none.
    turns: Option<Dice>,
    /// Whether people come and change in this world.
    restless: bool,
    /// What was seen to be wrong on the way.
    seen: Vec<String>,
    home: tempfile::TempDir,
}

/// Runs a seed to its end and judges it. A core that panics is a breach like any other.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    told(seed, World::new(seed))
}

/// Runs a seed as it was told before years, grids and people took their turns: what such a world once showed it can
/// only show again as the same story.
#[must_use]
pub fn run_as_before(seed: u64) -> Outcome {
    let mut world = World::new(seed);
    (world.turns, world.restless) = (None, false);
    told(seed, world)
}

fn told(seed: u64, mut world: World) -> Outcome {
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.live();
        world.heal();
        breaches(&world.picture())
    }));
    let breaches = lived.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![Breach::Story(format!("panicked at step {}: {}", world.step, words.unwrap_or_default()))]
    });
    Outcome { seed, breaches, story: world.scribe.lines().to_vec(), counts: world.scribe.counts().clone() }
}

impl World {
    /// A world on the campaign's second day: registry entered, phones enrolled, nobody has worked yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let home = crate::cut::scratch();
        let mut dice = Dice::seeded(seed);
        let mut turns = Dice::seeded(seed ^ TURNS);
        let office = Office::new(home.path().join("office"), u64::from_be_bytes(dice.bytes()));
        let mut world = Self {
            now: "2020-01-22T08:00:00+08:00".parse().expect("an instant"),
            step: 0,
            stage: Scene::new(),
            office,
            lives: Vec::new(),
            oracle: Oracle::default(),
            lost: BTreeSet::new(),
            reported: BTreeSet::new(),
            found_out: BTreeSet::new(),
            camera: None,
            away: None,
            wrote: BTreeMap::new(),
            refused: BTreeSet::new(),
            hands: BTreeMap::new(),
            changed: BTreeMap::new(),
            scribe: Scribe::default(),
            dice,
            restless: turns.once_in(3),
            turns: Some(turns),
            seen: Vec::new(),
            home,
        };
        world.open_the_office();
        let count = 3 + usize::try_from(world.dice.below(4)).unwrap_or(0);
        for (name, people) in world.stage.phones().into_iter().take(count) {
            world.hand_out(name, people);
        }
        world
    }

    fn open_the_office(&mut self) {
        let (orgs, people): (Vec<_>, Vec<_>) =
            (self.stage.cast.orgs().cloned().collect(), self.stage.cast.people().cloned().collect());
        for org in orgs {
            self.office.enter(Entry::Org(org), self.now);
        }
        for person in people {
            self.office.enter(Entry::Person(person), self.now);
        }
        let clerk = self.stage.cast.office_clerk.id;
        for n in 0..3 {
            let (site, buildings) = self.stage.entry(n);
            self.office.enter(Entry::Site(clerk, Box::new(site.clone()), buildings.clone()), self.now);
            self.stage.sites.insert(site.id, (site, buildings));
        }
    }

    /// A new phone for these people, enrolled and bootstrapped.
    fn hand_out(&mut self, name: &str, people: Vec<Person>) -> LifeId {
        let id = self.lives.len();
        let folder = self.home.path().join(format!("phone-{id}"));
        let mut life = Life::new(id, name, people, folder, u64::from_be_bytes(self.dice.bytes()));
        let ids = life.people.iter().map(|person| person.id).collect();
        self.office.enter(Entry::Device(life.device, life.public_key(), ids), self.now);
        let orgs = self.stage.orgs_of(&life.people).into_iter().map(|org| self.stage.org(org)).collect();
        let enrolment =
            Enrolment { device: life.device, people: life.people.clone(), orgs, stream: DISTRICT_STREAM };
        life.phone().enrol(enrolment).expect("a new phone takes its enrolment");
        self.tell(format!("{} is handed out", life.name));
        self.lives.push(life);
        self.put_up_a_shelf(id);
        self.sync_to_rest(id);
        id
    }

    /// The story itself.
    pub fn live(&mut self) {
        let steps = 80 + usize::try_from(self.dice.below(80)).unwrap_or(0);
        let mut done = 0;
        while done < steps || self.away.is_some() {
            done += 1;
            self.step += 1;
            self.now = self.now.plus_ms(i64::try_from(self.dice.below(3 * 3_600_000)).unwrap_or(0));
            self.arrivals();
            self.the_year_goes_on();
            self.people_come_and_change();
            self.something_happens();
        }
    }

    fn something_happens(&mut self) {
        let Some(life) = self.somebody() else { return };
        match self.dice.below(1_000) {
            0..560 => self.act(life),
            560..820 => self.sync(life),
            820..870 => self.rule(),
            870..880 => self.decide(),
            880..915 => self.kill_phone(life),
            915..945 => self.kill_office(life),
            945..955 => self.copy(life),
            955..960 => self.destroy(life),
            960..968 => self.back_up(),
            968..973 => self.restore(),
            973..983 => self.move_site(),
            983..986 => self.revoke(),
            986..988 => self.lose_device(life),
            988..992 => self.set_clock(life),
            992..997 => self.go_offline(life),
            _ => self.years_pass(life),
        }
    }

    /// A living phone.
    fn somebody(&mut self) -> Option<LifeId> {
        let living = self.lives.iter().filter(|life| !life.destroyed).map(|life| life.id).collect();
        self.pick_of(living)
    }

    /// A phone syncs for a while, with or without trouble.
    fn sync(&mut self, life: LifeId) {
        if self.lives[life].offline_until > self.step {
            return;
        }
        for _ in 0..=self.dice.below(4) {
            let trouble = if self.dice.once_in(3) { *self.pick(&Trouble::ALL) } else { Trouble::None };
            let exchange = self.exchange(life, trouble);
            self.keeps(life);
            if exchange.done && !exchange.more {
                self.taps_are_there(life);
            }
            if !exchange.done {
                break;
            }
        }
    }

    /// Exchanges without trouble until a phone has nothing more to do; whether anything moved.
    fn sync_to_rest(&mut self, life: LifeId) -> bool {
        let mut moved = false;
        for _ in 0..200 {
            let exchange = self.exchange(life, Trouble::None);
            self.keeps(life);
            moved |= exchange.moved;
            if !exchange.more {
                return moved;
            }
        }
        self.breach(format!("{} never comes to rest", self.lives[life].name));
        false
    }

    fn tell(&mut self, what: impl std::fmt::Display) {
        self.scribe.tell(self.step, self.now, what);
    }

    /// Something is wrong here and now.
    fn breach(&mut self, what: String) {
        self.tell(format!("BREACH {what}"));
        self.seen.push(format!("step {}: {what}", self.step));
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[usize::try_from(self.dice.below(list.len() as u64)).unwrap_or(0)]
    }

    /// One of a list, which may have none.
    fn pick_of<T>(&mut self, mut list: Vec<T>) -> Option<T> {
        if list.is_empty() {
            return None;
        }
        let at = usize::try_from(self.dice.below(list.len() as u64)).unwrap_or(0);
        Some(list.swap_remove(at))
    }
}
