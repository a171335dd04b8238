//! Rounds as lists and as one filled form.
//!
//! What is being filled comes from the sheet and the taps, what is submitted from the
//! records, folded as everywhere. A round is one visit whoever filled it.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::fold::Fact;
use louan_schema::fold::round::{RoundReading, Unanswered, read as fold, unanswered};
use louan_schema::id::{BuildingId, RoundId, SiteId};
use louan_schema::policy::{ItemCode, Policy};
use louan_schema::record::{Body, Round};

use crate::error::Error;
use crate::phone::Phone;
use crate::store::{Reader, RecordRow, RoundRow};
use crate::usecase::sheet;
use crate::view::{AnswerView, RoundState, RoundSummary, RoundView};

impl Phone {
    /// Every round of a compound this phone knows, the earliest first.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn rounds_of(&self, site: SiteId) -> Result<Vec<RoundSummary>, Error> {
        let r = self.showing("listing rounds")?;
        let mut by_round: BTreeMap<RoundId, Vec<RecordRow>> = BTreeMap::new();
        for row in r.records_on_rounds(site)? {
            if let Some(subject) = row.subject {
                by_round.entry(RoundId(subject)).or_default().push(row);
            }
        }
        let mut summaries = Vec::new();
        for row in r.list_rounds_of(site)? {
            let records = by_round.remove(&row.id).unwrap_or_default();
            summaries.push(summary_of(&r, &row, &records)?);
        }
        summaries.extend(by_round.into_iter().filter_map(|(id, records)| submitted_only(id, site, &records)));
        summaries.sort_by_key(|summary| (summary.opened_at, summary.id));
        Ok(summaries)
    }

    /// The rounds of a compound that are still being filled, the earliest first.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn open_rounds(&self, site: SiteId) -> Result<Vec<RoundSummary>, Error> {
        let mut rounds = self.rounds_of(site)?;
        rounds.retain(|summary| summary.state == RoundState::Open);
        Ok(rounds)
    }

    /// One round with its answers, own and colleagues'; nothing when the phone does not know it.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn round(&self, id: RoundId) -> Result<Option<RoundView>, Error> {
        let r = self.showing("showing a round")?;
        let records = r.records_about(&id.0)?;
        let Some(row) = r.find_round(id)? else {
            let site = records.first().map(|row| row.site);
            let summary = site.and_then(|site| submitted_only(id, site, &records));
            return Ok(summary.map(|summary| submitted_view(summary, &records)));
        };
        let mut summary = summary_of(&r, &row, &records)?;
        let untouched = r.list_open_taps(id)?.is_empty();
        match summary.state {
            RoundState::Submitted(_) => return Ok(Some(submitted_view(summary, &records))),
            RoundState::SubmittedElsewhere if untouched => {
                return Ok(Some(submitted_view(summary, &records)));
            }
            RoundState::SubmittedElsewhere | RoundState::Open => {}
        }
        let sheet = sheet::read(&r, &row)?;
        if let Some(opened_at) = sheet.opened_at {
            summary.opened_at = opened_at;
        }
        let answers = sheet.answers();
        let missing = missing(&summary, &row.buildings, &answers);
        Ok(Some(RoundView { summary, buildings: row.buildings, answers, missing }))
    }
}

fn facts(records: &[RecordRow]) -> Vec<Fact> {
    records.iter().map(RecordRow::fact).collect()
}

fn read(id: RoundId, records: &[RecordRow]) -> Option<RoundReading> {
    fold(id, &facts(records), Policy::qijiang_2020())
}

fn summary_of(r: &Reader<'_>, row: &RoundRow, records: &[RecordRow]) -> Result<RoundSummary, Error> {
    let reading = read(row.id, records);
    let frozen = r.find_doc(sheet::descriptor(row).doc_id())?.is_some_and(|doc| doc.frozen);
    let state = match row.submitted {
        Some(record) => RoundState::Submitted(record),
        None if frozen || reading.is_some() => RoundState::SubmittedElsewhere,
        None => RoundState::Open,
    };
    Ok(RoundSummary {
        id: row.id,
        site: row.site,
        opened_at: row.opened_at,
        opened_by: row.opened_by,
        state,
        reading,
    })
}

/// A round this phone knows from records alone; nothing when all of them are withdrawn.
fn submitted_only(id: RoundId, site: SiteId, records: &[RecordRow]) -> Option<RoundSummary> {
    let reading = read(id, records)?;
    Some(RoundSummary {
        id,
        site,
        opened_at: reading.opened_at,
        opened_by: None,
        state: RoundState::SubmittedElsewhere,
        reading: Some(reading),
    })
}

/// The answers of the submissions that stand; where they differ the worst, marked.
fn submitted_view(summary: RoundSummary, records: &[RecordRow]) -> RoundView {
    let standing = summary.reading.as_ref().map(|reading| reading.standing.clone()).unwrap_or_default();
    let mut answers: BTreeMap<(Option<BuildingId>, ItemCode, Option<String>), AnswerView> = BTreeMap::new();
    for row in records.iter().filter(|row| standing.contains(&row.id)) {
        let Body::Round(round) = &row.record.body else { continue };
        for answer in answers_of(row, round) {
            let about = (answer.building, answer.item, answer.floor.clone());
            match answers.get_mut(&about) {
                None => {
                    answers.insert(about, answer);
                }
                Some(other) => {
                    other.contested |= other.outcome != answer.outcome;
                    other.outcome = match (other.outcome, answer.outcome) {
                        (Some(a), Some(b)) => Some(sheet::worst(a, b)),
                        (a, b) => a.or(b),
                    };
                }
            }
        }
    }
    let buildings = summary.reading.as_ref().map(|reading| reading.buildings.clone()).unwrap_or_default();
    let answers: Vec<AnswerView> = answers.into_values().collect();
    let missing = missing(&summary, &buildings, &answers);
    RoundView { summary, buildings, answers, missing }
}

fn answers_of(row: &RecordRow, round: &Round) -> Vec<AnswerView> {
    let photo = |at: &u8| row.record.photos.get(usize::from(*at)).copied();
    round
        .answers
        .iter()
        .map(|answer| {
            let position = answer.place.and_then(|place| usize::from(place).checked_sub(1));
            let building = position.and_then(|at| round.buildings.get(at).copied());
            AnswerView {
                outcome: Some(answer.outcome),
                reason: answer.reason.clone(),
                note: answer.note.clone(),
                counts: answer.counts.clone(),
                measure_milli: answer.measure_milli,
                photos: answer.photos.iter().flatten().filter_map(photo).collect(),
                ..sheet::blank(building, answer.item, answer.floor.clone())
            }
        })
        .collect()
}

/// What the round lacks, by the rule that makes a submitted round complete: in the buildings named here and in
/// those that colleagues answered for. Who joined before anything was answered named none and is told of every
/// building he was offered, because a sheet does not say which its starter meant to go through.
fn missing(summary: &RoundSummary, named: &[BuildingId], answers: &[AnswerView]) -> Vec<Unanswered> {
    let answered: BTreeSet<(Option<BuildingId>, ItemCode)> =
        answers.iter().filter(|a| a.outcome.is_some()).map(|a| (a.building, a.item)).collect();
    let mut buildings = named.to_vec();
    for building in answers.iter().filter_map(|a| a.building) {
        if !buildings.contains(&building) {
            buildings.push(building);
        }
    }
    let is_answered = |building, item| answered.contains(&(building, item));
    unanswered(summary.opened_at.day(), &buildings, is_answered, Policy::qijiang_2020())
}
