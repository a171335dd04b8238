//! The fixed story a victim lives: one phone, one office, some forty acts.
//!
//! Every act's instant and chance follow from its number, so that whoever tells the story
//! again sees from the phone how far it got, goes on there and makes the same records.
//! Whoever has it told hears every promise the moment it is made.

use std::collections::BTreeSet;
use std::path::Path;

use kit::DISTRICT_STREAM;
use kit::dice::Dice;
use louan_client_core::{Acting, Enrolment, Error, HazardFilter};
use louan_schema::code::{DiscoveryMethod, HazardState, Outcome, Severity};
use louan_schema::id::{CommandId, OrgId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::{Answer, Fix, Hazard, Place, Recheck, StopReport};
use louan_schema::ruling::Act;
use louan_schema::time::Timestamp;
use rusqlite::Connection;

use super::Manner;
use crate::check::sqlite::phone::edits;
use crate::cut::promise::{Promise, received};
use crate::oracle::Edit;
use crate::world::desk::Entry;
use crate::world::life::{FILE, Life};
use crate::world::office::Office;
use crate::world::stage::Scene;

/// Minutes between two acts.
const PACE_MS: i64 = 600_000;

/// One act of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    StartRound,
    /// Answers these items of the chapter's round.
    Answer(usize, usize),
    SubmitRound,
    ReportHazard,
    StopAndReport,
    ReportFix,
    Recheck,
    Withdraw,
    RequestConfirmation,
    Sync,
}

/// How much of a turn was done.
enum Reached {
    Nothing,
    Part,
    All,
}

const CHAPTER: [Turn; 16] = [
    Turn::StartRound,
    Turn::Answer(0, 3),
    Turn::Sync,
    Turn::Answer(2, 9),
    Turn::ReportHazard,
    Turn::Sync,
    Turn::Answer(9, 16),
    Turn::SubmitRound,
    Turn::StopAndReport,
    Turn::RequestConfirmation,
    Turn::Sync,
    Turn::ReportFix,
    Turn::ReportHazard,
    Turn::Withdraw,
    Turn::Recheck,
    Turn::Sync,
];
const CHAPTERS: usize = 3;

/// Who is in the story.
#[derive(Debug, Clone)]
pub struct Cast {
    stage: Scene,
    clerk: PersonId,
    site: SiteId,
}

impl Cast {
    /// The organisations of the phone's people.
    #[must_use]
    pub fn orgs(&self) -> BTreeSet<OrgId> {
        self.stage.orgs_of(&self.stage.phones()[4].1)
    }

    /// The compounds they see.
    #[must_use]
    pub fn visible(&self) -> BTreeSet<SiteId> {
        self.stage.visible(&self.orgs())
    }
}

/// The story, being told.
pub struct Story {
    cast: Cast,
    office: Office,
    /// The phone, for whoever watches its disk.
    pub life: Life,
    start: Timestamp,
    /// The act being told, by number.
    turn: usize,
    manner: Manner,
    /// What was saved since the office last answered.
    saved: Vec<Edit>,
    /// Hears what is promised.
    hear: fn(Promise),
}

impl Story {
    /// Who is in it.
    #[must_use]
    pub fn cast() -> Cast {
        let mut stage = Scene::new();
        let (mut site, buildings) = stage.entry(0);
        // The street itself supervises, so that its clerk may ask for a confirmation.
        site.supervised_by = stage.cast.streets[0].office.id;
        let (clerk, id) = (stage.cast.streets[0].clerk.id, site.id);
        stage.sites.insert(id, (site, buildings));
        Cast { stage, clerk, site: id }
    }

    /// Opens both sides from their folders, new or not.
    #[must_use]
    pub fn open(folder: &Path, manner: Manner, hear: fn(Promise)) -> Self {
        let cast = Self::cast();
        let people = cast.stage.phones()[4].1.clone();
        let office = Office::new(folder.join("office"), 1);
        let life = Life::new(0, "clerk", people, folder.join("phone"), 2);
        let start = "2020-01-22T08:00:00+08:00".parse().expect("an instant");
        Self { cast, office, life, start, turn: 0, manner, saved: Vec::new(), hear }
    }

    /// Makes the folder of a story not yet begun: registry entered, phone enrolled and synced.
    pub fn set_up(folder: &Path) {
        let mut story = Self::open(folder, Manner::Honest, drop);
        let (stage, start) = (story.cast.stage.clone(), story.start);
        stage.cast.orgs().for_each(|org| story.office.enter(Entry::Org(org.clone()), start));
        stage.cast.people().for_each(|person| story.office.enter(Entry::Person(person.clone()), start));
        for (site, buildings) in stage.sites.values() {
            let by = stage.cast.office_clerk.id;
            story.office.enter(Entry::Site(by, Box::new(site.clone()), buildings.clone()), start);
        }
        let ids = story.life.people.iter().map(|person| person.id).collect();
        story.office.enter(Entry::Device(story.life.device, story.life.public_key(), ids), start);
        let orgs = story.cast.orgs().into_iter().map(|org| stage.org(org)).collect();
        let (device, people) = (story.life.device, story.life.people.clone());
        let enrolment = Enrolment { device, people, orgs, stream: DISTRICT_STREAM };
        story.life.phone().enrol(enrolment).expect("a new phone takes its enrolment");
        story.sync();
    }

    /// The disk of one side.
    #[must_use]
    pub const fn disk(&self, side: super::Side) -> &crate::vfs::Disk {
        match side {
            super::Side::Phone => &self.life.disk,
            super::Side::Office => &self.office.disk,
        }
    }

    /// Tells the story to its end, from where the phone says it was left.
    pub fn tell(&mut self) {
        let turns = CHAPTERS * CHAPTER.len();
        let reached = (0..turns).rev().find_map(|turn| match self.reached(turn) {
            Reached::Nothing => None,
            // A sync before a turn half done must not come again: it would send half of it.
            Reached::Part => Some(turn),
            Reached::All => Some(turn + 1),
        });
        for turn in reached.unwrap_or(0)..turns {
            self.turn = turn;
            self.act();
        }
        self.turn = turns;
        self.sync();
    }

    fn acting(&self, turn: usize) -> Acting {
        let at = self.start.plus_ms(PACE_MS * (1 + i64::try_from(turn).unwrap_or(0)));
        Acting { person: self.cast.clerk, at, random: Dice::seeded(7_000 + turn as u64).bytes() }
    }

    fn now(&self) -> Timestamp {
        self.acting(self.turn).at
    }

    /// The latest turn of a kind before a turn, in its chapter.
    fn earlier(&self, before: usize, kind: Turn) -> Acting {
        let turn = (0..before).rev().find(|turn| CHAPTER[turn % CHAPTER.len()] == kind);
        self.acting(turn.expect("the story is well made"))
    }

    fn hazard(&self) -> RecordId {
        let a = self.earlier(self.turn, Turn::ReportHazard);
        RecordId::mint(a.at, a.random)
    }

    fn round(&self, turn: usize) -> RoundId {
        let a = self.earlier(turn, Turn::StartRound);
        RoundId::mint(a.at, a.random)
    }

    /// The edit that a turn makes, if it makes one.
    fn edit(&self, turn: usize) -> Option<Edit> {
        let a = self.acting(turn);
        match CHAPTER[turn % CHAPTER.len()] {
            Turn::StartRound | Turn::Answer(..) | Turn::Sync => None,
            Turn::RequestConfirmation => Some(Edit::Command(CommandId::mint(a.at, a.random))),
            _ => Some(Edit::Record(RecordId::mint(a.at, a.random))),
        }
    }

    /// How much the phone has of what a turn makes; what a sync does is on no phone to see.
    fn reached(&mut self, turn: usize) -> Reached {
        let all = |done| if done { Reached::All } else { Reached::Nothing };
        match CHAPTER[turn % CHAPTER.len()] {
            Turn::StartRound => {
                let round = self.round(turn + 1);
                all(matches!(self.life.phone().round(round), Ok(Some(_))))
            }
            Turn::Answer(from, to) => match self.unanswered(turn, from, to).len() {
                0 => Reached::All,
                left if left < to - from => Reached::Part,
                _ => Reached::Nothing,
            },
            Turn::Sync => Reached::Nothing,
            _ => {
                let connection = Connection::open(self.life.folder.join(FILE)).expect("an open store's file");
                all(self.edit(turn).is_some_and(|edit| edits(&connection).0.contains_key(&edit)))
            }
        }
    }

    fn act(&mut self) {
        let (kind, a) = (CHAPTER[self.turn % CHAPTER.len()], self.acting(self.turn));
        let edit = self.edit(self.turn);
        if let (Manner::Hasty, Some(edit)) = (self.manner, edit) {
            (self.hear)(Promise::Saved(edit));
        }
        let done = self.attempt(kind, &a);
        let done = done.unwrap_or_else(|error| panic!("turn {}, {kind:?}: {error}", self.turn));
        let Some(edit) = edit.filter(|_| done) else { return };
        self.saved.push(edit);
        if self.manner == Manner::Honest {
            (self.hear)(Promise::Saved(edit));
        }
    }

    /// Whether there was something to do, and it was done.
    fn attempt(&mut self, turn: Turn, a: &Acting) -> Result<bool, Error> {
        let (site, buildings) = self.cast.stage.sites[&self.cast.site].clone();
        match turn {
            Turn::StartRound => {
                let buildings = buildings.iter().map(|building| building.id).collect();
                self.life.phone().start_round(a, site.id, buildings).map(|_| true)
            }
            Turn::Answer(from, to) => self.answer(a, from, to).map(|()| true),
            Turn::SubmitRound => {
                let round = self.round(self.turn);
                self.life.phone().submit_round(a, round).map(|_| true)
            }
            Turn::ReportHazard => {
                let hazard = found(a, buildings[0].id, self.turn);
                self.life.phone().report_hazard(a, site.id, hazard, Vec::new()).map(|_| true)
            }
            Turn::StopAndReport => {
                let (hazard, text) = (self.hazard(), "已制止".to_owned());
                let report =
                    StopReport { hazard, stopped_at: Some(a.at), reported_at: None, reported_to: None, text };
                self.life.phone().stop_and_report(a, report, Vec::new()).map(|_| true)
            }
            Turn::ReportFix => {
                let (hazard, measures) = (self.hazard(), "已整改".to_owned());
                let fix = Fix { hazard, fixed_at: a.at, fixed_by: a.person, measures, cost_fen: None };
                self.life.phone().report_fix(a, fix, Vec::new()).map(|_| true)
            }
            Turn::Recheck => self.recheck(a),
            Turn::Withdraw => {
                let hazard = self.hazard();
                self.life.phone().withdraw(a, hazard, "误报").map(|_| true)
            }
            Turn::RequestConfirmation => {
                let (hazard, due_on) = (self.hazard(), a.at.day());
                let act = Act::ConfirmHazard { hazard, severity: Severity::Serious, due_on };
                self.life.phone().request(a, act).map(|_| true)
            }
            Turn::Sync => {
                self.sync();
                Ok(true)
            }
        }
    }

    /// What this turn is to answer and the phone does not show answered so.
    fn unanswered(&mut self, turn: usize, from: usize, to: usize) -> Vec<Answer> {
        let (a, round) = (self.acting(turn), self.round(turn));
        let mut items: Vec<_> = Policy::qijiang_2020().completing_items(a.at.day()).map(|i| i.code).collect();
        items.sort_unstable();
        // The second of a chapter's turns answers one item of the first otherwise.
        let outcome = if from == 0 { Outcome::Pass } else { Outcome::Fail };
        let mut answers: Vec<_> =
            items[from..to].iter().map(|item| Answer::plain(*item, outcome, Some(1))).collect();
        let shown = self.life.phone().round(round).expect("an open store reads").map(|view| view.answers);
        let shown = shown.unwrap_or_default();
        answers.retain(|answer| !shown.iter().any(|s| s.item == answer.item && s.outcome == Some(outcome)));
        answers
    }

    fn answer(&mut self, a: &Acting, from: usize, to: usize) -> Result<(), Error> {
        let round = self.round(self.turn);
        for answer in self.unanswered(self.turn, from, to) {
            let promise = Promise::Answered(self.cast.site, round, answer.item);
            if self.manner == Manner::Hasty {
                (self.hear)(promise);
            }
            self.life.phone().answer(a, round, answer)?;
            if self.manner == Manner::Honest {
                (self.hear)(promise);
            }
        }
        Ok(())
    }

    /// Somebody else looks at the hazard that is said to be fixed.
    fn recheck(&mut self, a: &Acting) -> Result<bool, Error> {
        let now = self.now();
        let fixed = self.life.phone().hazards(HazardFilter::InState(HazardState::FixReported), now)?;
        let Some(hazard) = fixed.first().map(|hazard| hazard.id) else { return Ok(false) };
        let checked_by = self.cast.stage.cast.streets[1].clerk.id;
        let recheck = Recheck { hazard, checked_at: a.at, checked_by, passed: true, text: String::new() };
        self.life.phone().recheck(a, recheck, Vec::new()).map(|_| true)
    }

    fn sync(&mut self) {
        for _ in 0..100 {
            let now = self.now();
            let (prepared, body) = self.life.request(now).expect("a request");
            if self.manner == Manner::Hasty {
                self.saved.drain(..).map(Promise::Received).for_each(self.hear);
            }
            let reply = self.office.answer(self.life.device, &body, now).expect("an answer");
            let more = self.life.absorb(prepared, &reply, now).expect("taken in").more;
            if self.manner == Manner::Honest {
                received(&body, &reply).into_iter().for_each(self.hear);
            }
            if !more {
                return;
            }
        }
        panic!("a phone that never comes to rest");
    }
}

fn found(a: &Acting, building: louan_schema::id::BuildingId, turn: usize) -> Hazard {
    Hazard {
        code: "H1.06".parse().expect("a leaf"),
        place: Place { buildings: vec![building], shared: false, floor: Some("3".to_owned()), spot: None },
        text: format!("示例隐患{turn}"),
        found_at: a.at,
        method: DiscoveryMethod::ThreeChecks,
        severity: Severity::Serious,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: true,
    }
}
