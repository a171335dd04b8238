//! People who come later and people who become something else, and that they worked.
//!
//! What the desk enters after a backup, that backup does not know. Whose work was acknowledged meanwhile has a right
//! to it after the backup is put back, whether he is entered again before his phone asks or long after.

use louan_client_core::Enrolment;
use louan_schema::code::Role;
use louan_schema::id::PersonId;
use louan_schema::registry::Person;

use kit::DISTRICT_STREAM;
use kit::cast::person_id;

use super::World;
use super::desk::Entry;
use crate::oracle::{Edit, LifeId};

/// Steps from one change to the next, on average.
const CHANGE_ONE_IN: u64 = 40;
/// A backup is put back right after one change in so many.
const RESTORE_ONE_IN: u64 = 4;
/// Steps until somebody gets to the desk, on average.
const DESK_ONE_IN: u64 = 6;
/// Acts of somebody who is new to what he does.
const ACTS: u64 = 6;
/// Most phones of a world.
const PHONES_MAX: usize = 9;

/// A change among people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Somebody new, with a phone of his own.
    NewPhone,
    /// Somebody new, on a colleague's phone.
    SharedPhone,
    /// Somebody may do more than before.
    Wider,
    /// Somebody may do less than before, after he did what he may no longer do.
    Narrower,
}

impl Change {
    /// Every kind of change.
    pub(super) const ALL: [Self; 4] = [Self::NewPhone, Self::SharedPhone, Self::Wider, Self::Narrower];
}

impl World {
    /// Somebody acted on a phone.
    pub(super) fn acted(&mut self, life: LifeId, person: PersonId) {
        let hands = self.hands.entry(life).or_default();
        if hands.insert(person) && hands.len() == 2 {
            self.scribe.count("phone: two people act on it");
        }
    }

    /// What people entered or appointed since the last backup wrote since, as far as it was acknowledged.
    pub(super) fn work_of_the_changed(&self) -> impl Iterator<Item = Edit> {
        self.oracle.edits().filter_map(|(edit, saved)| {
            let since = self.changed.get(self.wrote.get(&edit)?)?;
            let theirs = saved.at >= *since && saved.acknowledged_at.is_some();
            (theirs && matches!(edit, Edit::Record(_))).then_some(edit)
        })
    }

    /// The desk gets to what it owes; in a restless world somebody new comes, or becomes something else.
    pub(super) fn people_come_and_change(&mut self) {
        let Some(turns) = &mut self.turns else { return };
        let (at_the_desk, change, restored) =
            (turns.once_in(DESK_ONE_IN), turns.once_in(CHANGE_ONE_IN), turns.once_in(RESTORE_ONE_IN));
        if at_the_desk && self.office.enter_owed(self.now) {
            self.scribe.count("office: people entered again later");
            self.tell("the desk enters again what the backup lacked");
        }
        if !(self.restless && change) {
            return;
        }
        if !self.office.has_backup() {
            self.back_up();
        }
        let kind = *self.pick(&Change::ALL);
        self.people_change(kind, None);
        if restored {
            self.restore();
        }
    }

    /// A change among people, of this one if it can be; whoever it is about works, and what he did is sent.
    pub(super) fn people_change(&mut self, kind: Change, whom: Option<(LifeId, Person)>) {
        let whom = whom.filter(|(life, _)| !self.lives[*life].destroyed);
        let changed = match (kind, whom) {
            (Change::NewPhone, _) => self.somebody_new_gets_a_phone(),
            (Change::SharedPhone, _) => self.somebody_new_joins(),
            (Change::Wider, Some((life, person))) => {
                wider(person.role).map(|role| (life, self.appoint(Person { role, ..person })))
            }
            (Change::Wider, None) => self.somebody_becomes(wider),
            (Change::Narrower, _) => self.somebody_who_may(narrower),
        };
        let Some((life, person)) = changed else { return };
        self.changed.entry(person.id).or_insert(self.step);
        self.works(life, &person);
        if let (Change::Narrower, Some(role)) = (kind, narrower(person.role)) {
            self.appoint(Person { role, ..person });
        }
    }

    /// Somebody works for a while, and what he did is sent if there is a link.
    fn works(&mut self, life: LifeId, person: &Person) {
        let linked = self.lives[life].offline_until <= self.step;
        if linked {
            self.sync_to_rest(life);
        }
        for _ in 0..ACTS {
            self.now = self.now.plus_ms(60_000);
            self.act_as(life, person);
        }
        if linked {
            self.sync_to_rest(life);
        }
    }

    /// An inspector or an officer, entered today.
    fn somebody_new(&mut self, like: &Person) -> Person {
        let nth = self.stage.later.len();
        let id = person_id(&format!("torture/later/{nth}"));
        let name = format!("示例新增人员{nth}");
        let role = wider(like.role).unwrap_or(like.role);
        let person = Person { id, org: like.org, role, name };
        self.scribe.count("person: entered later");
        self.office.enter(Entry::Person(person.clone()), self.now);
        self.stage.later.push(person.clone());
        person
    }

    fn somebody_new_gets_a_phone(&mut self) -> Option<(LifeId, Person)> {
        if self.lives.len() >= PHONES_MAX {
            return None;
        }
        let street = self.pick(&self.stage.cast.streets.clone()).clone();
        let like = if self.dice.once_in(2) { street.officer } else { street.inspectors[0].clone() };
        let person = self.somebody_new(&like);
        let life = self.hand_out("newcomer", vec![person.clone()]);
        Some((life, person))
    }

    /// A phone whose people may use it, and one of them.
    fn a_phone_in_use(&mut self, who: impl Fn(&Person) -> bool) -> Option<(LifeId, Person)> {
        let mut found = Vec::new();
        for life in self.lives.iter().filter(|life| !life.destroyed && !self.lost.contains(&life.device)) {
            let may = life.people.iter().filter(|person| !self.stage.revoked.contains(&person.id));
            let may = may.filter(|person| who(person));
            found.extend(may.map(|person| (life.id, person.clone())));
        }
        self.pick_of(found)
    }

    fn somebody_new_joins(&mut self) -> Option<(LifeId, Person)> {
        let (life, colleague) = self.a_phone_in_use(|_| true)?;
        let device = self.lives[life].device;
        // The desk names all people of a device, and a copy of the phone may have other ones in its store.
        if self.lives.iter().filter(|life| life.device == device).count() > 1 {
            return None;
        }
        let person = self.somebody_new(&colleague);
        self.lives[life].people.push(person.clone());
        let people = self.lives[life].people.clone();
        let ids = people.iter().map(|person| person.id).collect();
        self.office.enter(Entry::DevicePeople(device, ids), self.now);
        let orgs = self.stage.orgs_of(&people).into_iter().map(|org| self.stage.org(org)).collect();
        let enrolment = Enrolment { device, people, orgs, stream: DISTRICT_STREAM };
        self.lives[life].phone().enrol(enrolment).expect("a phone takes a second person");
        self.tell(format!("{} joins {}", person.name, self.lives[life].name));
        Some((life, person))
    }

    /// Somebody who may become something else by this rule.
    fn somebody_who_may(&mut self, rule: fn(Role) -> Option<Role>) -> Option<(LifeId, Person)> {
        self.a_phone_in_use(|person| rule(person.role).is_some())
    }

    /// Somebody becomes something else by this rule.
    pub(super) fn somebody_becomes(&mut self, rule: fn(Role) -> Option<Role>) -> Option<(LifeId, Person)> {
        let (life, person) = self.somebody_who_may(rule)?;
        let role = rule(person.role)?;
        Some((life, self.appoint(Person { role, ..person })))
    }

    /// A person is from now on what this row says.
    fn appoint(&mut self, person: Person) -> Person {
        self.scribe.count("person: another role");
        self.tell(format!("{} is {} from now on", person.name, person.role));
        self.office.enter(Entry::Person(person.clone()), self.now);
        self.stage.appoint(person.id, person.role);
        let rows = self.lives.iter_mut().flat_map(|life| &mut life.people);
        rows.filter(|row| row.id == person.id).for_each(|row| row.role = person.role);
        person
    }
}

/// What somebody may become who is to do less. Supervisors stay what they are, or nobody would supervise.
pub(super) const fn narrower(role: Role) -> Option<Role> {
    match role {
        Role::PropertyManager => Some(Role::BlockLeader),
        Role::Street => Some(Role::GridWorker),
        Role::Brigade => Some(Role::LeadDepartment),
        _ => None,
    }
}

/// What somebody may become who is to do more.
const fn wider(role: Role) -> Option<Role> {
    match role {
        Role::BlockLeader => Some(Role::PropertyManager),
        Role::GridWorker => Some(Role::Street),
        Role::LeadDepartment => Some(Role::Brigade),
        _ => None,
    }
}
