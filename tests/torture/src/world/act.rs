//! What people do on their phones, at random, through the same calls a screen makes.
//!
//! A refusal by the phone's own rules is part of life and no finding; a call that returns
//! `Ok` is a promise and goes to the oracle. The world picks what is likely to be allowed,
//! not only what is.

use kit::dice::Dice;
use louan_client_core::view::{HazardView, RoundView};
use louan_client_core::{Acting, Error, ErrorKind, HazardFilter};
use louan_schema::code::{DiscoveryMethod, HazardState, Outcome, Role, Severity};
use louan_schema::doc::scan::record_put;
use louan_schema::id::{CommandId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::{Answer, Body, Fix, Hazard, Place, Recheck, StopReport};
use louan_schema::registry::Person;
use louan_schema::ruling::Act;

use super::World;
use crate::oracle::{Edit, LifeId};

/// What came of an act.
type Done = Result<Option<Edit>, Refused>;

/// Why an act was not done.
enum Refused {
    /// There was nothing to do it on.
    NothingThere,
    /// The phone said no.
    Phone(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Phone(error)
    }
}

const ACTS: [&str; 14] = [
    "start round",
    "join round",
    "answer",
    "answer",
    "answer",
    "answer all",
    "submit round",
    "report hazard",
    "report hazard",
    "stop and report",
    "report fix",
    "recheck",
    "correct or withdraw",
    "request a ruling",
];

impl World {
    /// Somebody does something on a phone.
    pub fn act(&mut self, life: LifeId) {
        let people = &self.lives[life].people;
        let person = people[usize::try_from(self.dice.below(people.len() as u64)).unwrap_or(0)].clone();
        self.act_as(life, &person);
    }

    /// This person does something on a phone.
    pub(super) fn act_as(&mut self, life: LifeId, person: &Person) {
        let act = *self.pick(&ACTS);
        let acting = self.lives[life].acting(person.id, self.now);
        let done = match act {
            "start round" => self.start_round(life, &acting),
            "join round" => self.join_round(life, &acting),
            "answer" => self.answer(life, &acting, 1),
            "answer all" => self.answer(life, &acting, 16),
            "submit round" => self.submit_round(life, &acting),
            "report hazard" => self.report_hazard(life, &acting),
            "stop and report" => self.stop_and_report(life, &acting),
            "report fix" => self.report_fix(life, &acting),
            "recheck" => self.recheck(life, &acting),
            "correct or withdraw" => self.correct_or_withdraw(life, &acting),
            _ => self.request(life, &acting, person.role),
        };
        self.settle(life, act, &acting, done);
    }

    fn settle(&mut self, life: LifeId, act: &str, acting: &Acting, done: Done) {
        let name = self.lives[life].name.clone();
        match done {
            Ok(edit) => {
                self.scribe.count(format!("act {act}"));
                self.tell(format!("{name}: {act} {}", edit.map(|e| e.to_string()).unwrap_or_default()));
                self.acted(life, acting.person);
                if let Some(edit) = edit {
                    self.oracle.saved(edit, life, self.step);
                    self.wrote.insert(edit, acting.person);
                    if let (Edit::Record(id), "report hazard") = (edit, act) {
                        self.reported.insert(id);
                    }
                }
            }
            Err(Refused::NothingThere) => {}
            Err(Refused::Phone(error)) => {
                self.tell(format!("{name}: {act}: {error}"));
                if self.lives[life].disk.is_silent() {
                    // The transaction may have been durable before the process died; nobody was told so.
                    self.oracle.attempted(Edit::Record(RecordId::mint(acting.at, acting.random)));
                    self.oracle.attempted(Edit::Command(CommandId::mint(acting.at, acting.random)));
                } else if matches!(error.kind, ErrorKind::Bug | ErrorKind::StorageFull | ErrorKind::Offline) {
                    self.breach(format!("{name}: {act}: {error}"));
                } else {
                    self.scribe.count(format!("refused on the phone: {act}"));
                }
            }
        }
    }

    /// A compound the phone knows.
    fn known_site(&mut self, life: LifeId) -> Result<SiteId, Refused> {
        let sites: Vec<SiteId> = self.stage.sites.keys().copied().collect();
        let mut known = Vec::new();
        for site in sites {
            if self.lives[life].phone().site(site)?.is_some() {
                known.push(site);
            }
        }
        self.pick_of(known).ok_or(Refused::NothingThere)
    }

    /// A round this person can go on with.
    fn open_round(&mut self, life: LifeId) -> Result<(SiteId, RoundId), Refused> {
        let site = self.known_site(life)?;
        let rounds = self.lives[life].phone().open_rounds(site)?;
        let rounds = rounds.into_iter().map(|round| round.id).collect();
        Ok((site, self.pick_of(rounds).ok_or(Refused::NothingThere)?))
    }

    fn some_hazard(&mut self, life: LifeId, states: &[HazardState]) -> Result<HazardView, Refused> {
        let now = self.lives[life].clock(self.now);
        let mut hazards = self.lives[life].phone().hazards(HazardFilter::All, now)?;
        hazards.retain(|hazard| states.contains(&hazard.state));
        self.pick_of(hazards).ok_or(Refused::NothingThere)
    }

    fn start_round(&mut self, life: LifeId, a: &Acting) -> Done {
        let site = self.known_site(life)?;
        let buildings = self.lives[life].phone().site(site)?.map(|s| s.buildings).unwrap_or_default();
        let buildings = buildings.iter().map(|building| building.id).collect();
        self.lives[life].phone().start_round(a, site, buildings)?;
        Ok(None)
    }

    fn join_round(&mut self, life: LifeId, a: &Acting) -> Done {
        let (_, round) = self.open_round(life)?;
        self.lives[life].phone().join_round(a, round)?;
        Ok(None)
    }

    fn answer(&mut self, life: LifeId, a: &Acting, count: usize) -> Done {
        let (site, round) = self.open_round(life)?;
        let mut items: Vec<_> =
            Policy::qijiang_2020().completing_items(a.at.day()).map(|item| item.code).collect();
        items.sort_unstable();
        while items.len() > count {
            let at = usize::try_from(self.dice.below(items.len() as u64)).unwrap_or(0);
            items.swap_remove(at);
        }
        // What stands there word for word is no edit: the screen shows it already.
        let view = self.lives[life].phone().round(round)?.ok_or(Refused::NothingThere)?;
        for item in items {
            let answer = random_answer(&mut self.dice, item);
            let stands = says_the_same(&view, &answer);
            let acting = Acting { random: self.lives[life].dice.bytes(), ..*a };
            self.lives[life].phone().answer(&acting, round, answer)?;
            if !stands {
                self.oracle.tapped(life, site, round, item);
            }
        }
        Ok(None)
    }

    fn submit_round(&mut self, life: LifeId, a: &Acting) -> Done {
        let (_, round) = self.open_round(life)?;
        Ok(Some(Edit::Record(self.lives[life].phone().submit_round(a, round)?)))
    }

    fn report_hazard(&mut self, life: LifeId, a: &Acting) -> Done {
        let site = self.known_site(life)?;
        let buildings = self.lives[life].phone().site(site)?.map(|s| s.buildings).unwrap_or_default();
        let building = self.pick_of(buildings).ok_or(Refused::NothingThere)?.id;
        let rounds = self.lives[life].phone().open_rounds(site)?;
        let hazard = Hazard {
            code: self.pick(&["H1.06", "H1.01", "H2.03", "H4.02"]).parse().expect("a leaf"),
            place: Place {
                buildings: vec![building],
                shared: false,
                floor: Some(format!("{}", 1 + self.dice.below(18))),
                spot: None,
            },
            text: format!("示例隐患{}", self.step),
            found_at: a.at,
            method: DiscoveryMethod::ThreeChecks,
            severity: *self.pick(&[Severity::General, Severity::Serious, Severity::Severe]),
            round: rounds.first().map(|round| round.id),
            count: None,
            fixed_on_the_spot: false,
            synthetic: true,
        };
        let photos = self.take_photos(life, a, (site, building))?;
        let record = self.lives[life].phone().report_hazard(a, site, hazard, photos.clone())?;
        self.cited(&photos, record);
        Ok(Some(Edit::Record(record)))
    }

    fn stop_and_report(&mut self, life: LifeId, a: &Acting) -> Done {
        let hazard = self.some_hazard(life, &HazardState::ALL[..2])?.id;
        let report = StopReport {
            hazard,
            stopped_at: Some(a.at),
            reported_at: None,
            reported_to: None,
            text: "已制止".to_owned(),
        };
        Ok(Some(Edit::Record(self.lives[life].phone().stop_and_report(a, report, Vec::new())?)))
    }

    fn report_fix(&mut self, life: LifeId, a: &Acting) -> Done {
        let open = [HazardState::Reported, HazardState::Rectifying];
        let hazard = self.some_hazard(life, &open)?.id;
        let fix =
            Fix {
                hazard, fixed_at: a.at, fixed_by: a.person, measures: "已整改".to_owned(), cost_fen: None
            };
        Ok(Some(Edit::Record(self.lives[life].phone().report_fix(a, fix, Vec::new())?)))
    }

    fn recheck(&mut self, life: LifeId, a: &Acting) -> Done {
        let hazard = self.some_hazard(life, &[HazardState::FixReported])?.id;
        let passed = !self.dice.once_in(4);
        let recheck =
            Recheck { hazard, checked_at: a.at, checked_by: a.person, passed, text: "已复查".to_owned() };
        Ok(Some(Edit::Record(self.lives[life].phone().recheck(a, recheck, Vec::new())?)))
    }

    fn correct_or_withdraw(&mut self, life: LifeId, a: &Acting) -> Done {
        let hazard = self.some_hazard(life, &[HazardState::Reported, HazardState::Rectifying])?;
        let edit = if self.dice.once_in(3) {
            self.lives[life].phone().withdraw(a, hazard.id, "误报")?
        } else {
            let body = Hazard {
                code: hazard.code,
                place: hazard.place,
                text: format!("{}(更正)", hazard.text),
                found_at: hazard.found_at,
                method: DiscoveryMethod::ThreeChecks,
                severity: Severity::General,
                round: None,
                count: None,
                fixed_on_the_spot: false,
                synthetic: true,
            };
            self.lives[life].phone().correct(a, hazard.id, Body::Hazard(body), Vec::new())?
        };
        Ok(Some(Edit::Record(edit)))
    }

    fn request(&mut self, life: LifeId, a: &Acting, role: Role) -> Done {
        if matches!(role, Role::PropertyManager) {
            return Err(Refused::NothingThere);
        }
        let hazard = self.some_hazard(life, &[HazardState::Reported, HazardState::RecheckPassed])?;
        let act = ruling_on(&hazard);
        Ok(Some(Edit::Command(self.lives[life].phone().request(a, act)?)))
    }

    /// Somebody at the console confirms or closes a hazard the ledger has.
    pub fn rule(&mut self) {
        let hazards: Vec<RecordId> = self.reported.iter().copied().collect();
        let Some(id) = self.pick_of(hazards) else { return };
        let Some(status) = self.office.hazard(id) else { return };
        let Some((site, _)) = self.stage.sites.get(&status.site) else { return };
        let by: Option<PersonId> = self
            .stage
            .people()
            .find(|p| p.org == site.supervised_by && p.role != Role::GridWorker)
            .map(|p| p.id);
        let Some(by) = by else { return };
        let act = match status.state {
            HazardState::RecheckPassed => Act::CloseHazard { hazard: id },
            _ => confirm(&status.reading),
        };
        match self.office.command(by, status.version, act, self.now) {
            Ok(verdict) => {
                self.scribe.count("ruling at the console");
                self.tell(format!("console: {id}: {verdict:?}"));
            }
            Err(why) => self.tell(format!("console: no answer: {why}")),
        }
    }

    /// The supervisor decides on the oldest change that waits for the office.
    pub fn decide(&mut self) {
        let take = !self.dice.once_in(3);
        let stage = self.stage.clone();
        let supervisor = |site| {
            let (site, _) = stage.sites.get(&site)?;
            stage.people().find(|p| p.org == site.supervised_by).map(|p| p.id)
        };
        match self.office.decide(supervisor, take, self.now) {
            Ok(held) => {
                self.scribe.count(if take { "held: taken" } else { "held: refused" });
                self.tell(format!("office decides on {} of {}, taken: {take}", held.hash, held.device));
                if let Ok(put) = record_put(&held.raw) {
                    let edit = Edit::Record(put.id);
                    // Taken after all: whoever refused it in a log that is no more has been overruled.
                    if take {
                        self.refused.remove(&edit)
                    } else {
                        self.refused.insert(edit)
                    };
                }
            }
            Err(why) => self.tell(format!("office decides nothing: {why}")),
        }
    }
}

/// Whether a round shows all that an answer says.
fn says_the_same(round: &RoundView, answer: &Answer) -> bool {
    let building = answer.place.and_then(|place| round.buildings.get(usize::from(place) - 1));
    round.answers.iter().any(|there| {
        let note = answer.note.is_none() || there.note == answer.note;
        let place = there.building.as_ref() == building && there.floor == answer.floor;
        there.item == answer.item && place && there.outcome == Some(answer.outcome) && note
    })
}

fn random_answer(dice: &mut Dice, item: louan_schema::policy::ItemCode) -> Answer {
    let outcome = if dice.once_in(5) { Outcome::Fail } else { Outcome::Pass };
    let mut answer = Answer::plain(item, outcome, Some(1));
    if dice.once_in(6) {
        answer.note = Some("示例备注".to_owned());
    }
    if dice.once_in(4) {
        answer.floor = Some(format!("{}", 1 + dice.below(6)));
    }
    answer
}

fn ruling_on(hazard: &HazardView) -> Act {
    match hazard.state {
        HazardState::RecheckPassed => Act::CloseHazard { hazard: hazard.id },
        _ => confirm(&hazard.reading),
    }
}

fn confirm(hazard: &louan_schema::fold::hazard::HazardReading) -> Act {
    let found_at = hazard.found_at();
    let fixed = Policy::qijiang_2020().due_on(hazard.code, found_at);
    let due_on = fixed.unwrap_or_else(|| found_at.day().plus_days(30));
    Act::ConfirmHazard { hazard: hazard.id, severity: Severity::Serious, due_on }
}
