//! Opening, joining and filling a round.
//!
//! A tap is saved the moment it is made, as a local row. Whether it travels on the sheet
//! or inside the submission is decided later: a round submitted before its first sync
//! never has a sheet. What could not be accepted later is refused now, except what is
//! merely not there yet.

mod list;

use louan_schema::code::{Action, Outcome, Role};
use louan_schema::doc::read::FieldValue;
use louan_schema::doc::{Field, SheetKey};
use louan_schema::id::{BlobHash, BuildingId, RoundId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::check::BUILDINGS_MAX;
use louan_schema::record::{Answer, Body, Fault, RECORD_LAYOUT, Record, Round, Rule, check, reserved};
use louan_schema::registry::Person;

use super::hazard::strangers;
use super::record::{site_fault, unknown};
use super::sheet;
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::{Reader, RoundRow};

/// An answer as it is being given (作答草稿): like a record's, its photos by hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDraft {
    /// The answer; its own photo positions are ignored.
    pub answer: Answer,
    /// Photos by hash.
    pub photos: Vec<BlobHash>,
}

impl From<Answer> for AnswerDraft {
    fn from(answer: Answer) -> Self {
        Self { answer, photos: Vec::new() }
    }
}

impl Phone {
    /// Opens a round (开始检查) on a compound and some of its buildings; answers refer to them by position.
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn start_round(
        &mut self,
        a: &Acting,
        site: SiteId,
        buildings: Vec<BuildingId>,
    ) -> Result<RoundId, Error> {
        let doing = "opening a round";
        self.store.write(|w| {
            let person = a.permitted(w, Action::SubmitRound, doing)?;
            Error::unless_faulty(doing, place_faults(w, &person, site, &buildings)?)?;
            let id = RoundId::mint(a.at, a.random);
            if w.find_round(id)?.is_some() {
                return Err(Error::bug(doing, "the same chance was handed in for two acts"));
            }
            w.insert_round(&RoundRow {
                id,
                site,
                org: person.org,
                opened_at: a.at,
                opened_by: Some(person.id),
                header_owed: true,
                buildings,
                submitted: None,
            })?;
            Ok(id)
        })
    }

    /// Joins a colleague's open round (加入检查) that has come down.
    ///
    /// # Errors
    /// [`Error`] when the round is not here, not the person's organisation's, or submitted from this phone.
    pub fn join_round(&mut self, a: &Acting, round: RoundId) -> Result<(), Error> {
        let doing = "joining a round";
        self.store.write(|w| {
            let row = open_round(w, a, round, doing)?;
            let sheet = sheet::read(w, &row)?;
            let mut buildings = row.buildings.clone();
            let answered = sheet.cells.keys().filter_map(|key| key.place);
            for building in answered {
                if !buildings.contains(&building) {
                    buildings.push(building);
                }
            }
            if buildings.is_empty() {
                buildings =
                    w.list_buildings_of(row.site)?.into_iter().map(|b| b.id).take(BUILDINGS_MAX).collect();
            }
            let opened_at = sheet.opened_at.unwrap_or(row.opened_at);
            Ok(w.set_joined(round, a.person, opened_at, &buildings)?)
        })
    }

    /// Joins a colleague's round of which nothing has come down: its id was read from his screen, both offline.
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn join_round_offline(
        &mut self,
        a: &Acting,
        site: SiteId,
        round: RoundId,
        buildings: Vec<BuildingId>,
    ) -> Result<(), Error> {
        let doing = "joining a round";
        self.store.write(|w| {
            let person = a.permitted(w, Action::SubmitRound, doing)?;
            Error::unless_faulty(doing, place_faults(w, &person, site, &buildings)?)?;
            w.insert_round(&RoundRow {
                id: round,
                site,
                org: person.org,
                opened_at: louan_schema::time::Timestamp::from_ms(round.minted_at_ms()),
                opened_by: Some(person.id),
                header_owed: false,
                buildings,
                submitted: None,
            })?;
            open_round(w, a, round, doing).map(|_| ())
        })
    }

    /// Answers one item of an open round (作答). An earlier answer to the same is replaced; where colleagues
    /// disagreed this settles it.
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then. What is merely missing is no fault yet.
    pub fn answer(&mut self, a: &Acting, round: RoundId, draft: impl Into<AnswerDraft>) -> Result<(), Error> {
        let doing = "answering an item";
        let draft = trimmed(draft.into());
        self.store.write(|w| {
            let row = open_round(w, a, round, doing)?;
            let role = a.permitted(w, Action::SubmitRound, doing)?.role;
            Error::unless_faulty(doing, draft_faults(a, role, &row, &draft))?;
            let place = draft.answer.place.and_then(|p| row.buildings.get(usize::from(p) - 1).copied());
            let standing = sheet::read(w, &row)?;
            for (field, value) in fields(&draft) {
                let key =
                    SheetKey { place, item: draft.answer.item, floor: draft.answer.floor.clone(), field };
                let cell = standing.cells.get(&key);
                let value = match (value, cell) {
                    (Some(value), _) => value,
                    (None, Some(_)) => sheet::cleared(field),
                    (None, None) => continue,
                };
                // What is on the screen already is no edit, whoever wrote it: a remark added to a colleague's answer
                // says nothing about the answer, which may be another by the time the remark is sent.
                if cell.is_none_or(|cell| cell.values != [value.clone()]) {
                    w.insert_tap(round, a.person, &sheet::tap(key, value), a.at)?;
                }
            }
            Ok(())
        })
    }
}

/// The round, when it is open on this phone for this person.
pub(crate) fn open_round(
    r: &Reader<'_>,
    a: &Acting,
    round: RoundId,
    doing: &'static str,
) -> Result<RoundRow, Error> {
    let person = a.permitted(r, Action::SubmitRound, doing)?;
    let row = r.find_round(round)?.ok_or_else(|| Error::faulty(doing, vec![unknown("/round")]))?;
    if row.org != person.org {
        return Err(Error::ask_admin(doing, "the round is another organisation's"));
    }
    if row.submitted.is_some() {
        let fault = Fault { pointer: "/round".into(), rule: Rule::Contradiction };
        return Err(Error::faulty(doing, vec![fault]));
    }
    Ok(row)
}

fn place_faults(
    r: &Reader<'_>,
    person: &Person,
    site: SiteId,
    buildings: &[BuildingId],
) -> Result<Vec<Fault>, Error> {
    let mut faults = strangers(r, site, buildings, "/buildings")?;
    faults.extend(site_fault(r, person, site)?);
    if buildings.len() > BUILDINGS_MAX {
        faults.push(Fault { pointer: "/buildings".into(), rule: Rule::TooMuch });
    }
    let mut distinct = buildings.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != buildings.len() {
        faults.push(Fault { pointer: "/buildings".into(), rule: Rule::Twice });
    }
    Ok(faults)
}

/// Texts of blanks are none, empty lists are none.
fn trimmed(mut draft: AnswerDraft) -> AnswerDraft {
    let present = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
    draft.answer.reason = present(draft.answer.reason);
    draft.answer.note = present(draft.answer.note);
    draft.answer.counts = draft.answer.counts.filter(|counts| !counts.is_empty());
    draft
}

/// What could never be accepted in a submission with this answer alone.
fn draft_faults(a: &Acting, role: Role, row: &RoundRow, draft: &AnswerDraft) -> Vec<Fault> {
    let policy = Policy::qijiang_2020();
    let photos = u8::try_from(draft.photos.len()).unwrap_or(u8::MAX);
    let answer = Answer { photos: (photos > 0).then(|| (0..photos).collect()), ..draft.answer.clone() };
    let probe = Record {
        layout: RECORD_LAYOUT,
        author: a.person,
        written_at: a.at,
        catalogue: policy.catalogue(),
        replaces: None,
        photos: draft.photos.clone(),
        body: Body::Round(Round {
            round: row.id,
            opened_at: row.opened_at,
            buildings: row.buildings.clone(),
            answers: vec![answer],
            seen: Vec::new(),
            synthetic: false,
        }),
    };
    let faults = check(&probe, policy).into_iter().filter(|fault| fault.rule != Rule::Missing);
    faults
        .chain(reserved(&probe.body, role, policy))
        .map(|fault| Fault {
            pointer: fault.pointer.strip_prefix("/answers/0").unwrap_or(&fault.pointer).to_owned(),
            rule: fault.rule,
        })
        .collect()
}

/// What each field of the sheet is to hold. Where an item does not apply nothing is counted or measured.
fn fields(draft: &AnswerDraft) -> [(Field, Option<FieldValue>); 6] {
    let answer = &draft.answer;
    let applies = answer.outcome != Outcome::NotApplicable;
    let text = |text: &Option<String>| text.clone().map(FieldValue::Text);
    let counts = answer.counts.as_ref().filter(|_| applies);
    let list = |bytes: Result<Vec<u8>, _>| bytes.ok().map(FieldValue::Bytes);
    let photos = (!draft.photos.is_empty()).then_some(&draft.photos);
    [
        (Field::Outcome, Some(FieldValue::Number(u64::from(answer.outcome.number())))),
        (Field::Reason, text(&answer.reason)),
        (Field::Note, text(&answer.note)),
        (Field::Counts, counts.and_then(|counts| list(minicbor::to_vec(counts)))),
        (Field::Measure, answer.measure_milli.filter(|_| applies).map(FieldValue::Signed)),
        (Field::Photos, photos.and_then(|photos| list(minicbor::to_vec(photos)))),
    ]
}
