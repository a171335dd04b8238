//! Submitting a round: the answers become one immutable record.
//!
//! Own and colleagues' answers alike, as they stand on this phone. It names the
//! submissions its author had before him, so that it supersedes them and no others. Where
//! writers disagree somebody must settle it first; the faults name every such answer.

use louan_schema::id::{BlobHash, BuildingId, RecordId, RoundId};
use louan_schema::record::{Answer, Body, Fault, Round, Rule};

use super::record::{Draft, save};
use super::round::open_round;
use super::sheet;
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::{Reader, RoundRow};
use crate::view::AnswerView;

impl Phone {
    /// Submits a round (提交检查).
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then and the round stays open.
    pub fn submit_round(&mut self, a: &Acting, round: RoundId) -> Result<RecordId, Error> {
        self.submit(a, round, false)
    }

    /// Submits a round made up from real inspections of another place, marked as such for ever.
    ///
    /// # Errors
    /// As [`Phone::submit_round`].
    pub fn submit_synthetic_round(&mut self, a: &Acting, round: RoundId) -> Result<RecordId, Error> {
        self.submit(a, round, true)
    }

    fn submit(&mut self, a: &Acting, round: RoundId, synthetic: bool) -> Result<RecordId, Error> {
        let doing = "submitting a round";
        self.store.write(|w| {
            let row = open_round(w, a, round, doing)?;
            let person = a.permitted(w, louan_schema::code::Action::SubmitRound, doing)?;
            let (body, photos, faults) = assemble(w, &row, synthetic)?;
            let draft = Draft { site: row.site, replaces: None, photos, body: Body::Round(body) };
            let (id, local_seq) = save(w, a, &person, draft, faults, doing)?;
            w.set_submitted(round, id, local_seq)?;
            Ok(id)
        })
    }
}

fn assemble(
    r: &Reader<'_>,
    row: &RoundRow,
    synthetic: bool,
) -> Result<(Round, Vec<BlobHash>, Vec<Fault>), Error> {
    let sheet = sheet::read(r, row)?;
    let views = sheet.answers();
    let buildings = gone_through(row, &views);
    let mut photos = Vec::new();
    let mut faults = Vec::new();
    let mut answers: Vec<(&AnswerView, Answer)> =
        views.iter().map(|view| (view, answer(view, &buildings, &mut photos))).collect();
    answers.sort_by(|(_, a), (_, b)| a.about().cmp(&b.about()));
    for (i, (view, _)) in answers.iter().enumerate() {
        if view.contested {
            faults.push(Fault { pointer: format!("/answers/{i}"), rule: Rule::Contradiction });
        }
        if view.outcome.is_none() {
            faults.push(Fault { pointer: format!("/answers/{i}/outcome"), rule: Rule::Missing });
        }
    }
    if photos.len() > usize::from(u8::MAX) {
        faults.push(Fault { pointer: "/photos".into(), rule: Rule::TooMuch });
    }
    let mut seen: Vec<RecordId> = r
        .records_about(&row.id.0)?
        .into_iter()
        .filter(|record| record.org == row.org && matches!(record.record.body, Body::Round(_)))
        .map(|record| record.id)
        .collect();
    seen.sort_unstable();
    seen.dedup();
    let body = Round {
        round: row.id,
        opened_at: sheet.opened_at.unwrap_or(row.opened_at),
        buildings,
        answers: answers.into_iter().map(|(_, answer)| answer).collect(),
        seen,
        synthetic,
    };
    Ok((body, photos, faults))
}

/// The buildings with an answer: those named at the start in that order, then those colleagues added.
fn gone_through(row: &RoundRow, views: &[AnswerView]) -> Vec<BuildingId> {
    let mut answered: Vec<BuildingId> = views.iter().filter_map(|view| view.building).collect();
    answered.sort_unstable();
    answered.dedup();
    let mut buildings: Vec<BuildingId> =
        row.buildings.iter().copied().filter(|building| answered.contains(building)).collect();
    buildings.extend(answered.into_iter().filter(|building| !row.buildings.contains(building)));
    buildings
}

fn answer(view: &AnswerView, buildings: &[BuildingId], photos: &mut Vec<BlobHash>) -> Answer {
    let place = view.building.and_then(|building| {
        let at = buildings.iter().position(|b| *b == building)?;
        u8::try_from(at + 1).ok()
    });
    let mut positions: Vec<u8> = view
        .photos
        .iter()
        .map(|hash| {
            let at = photos.iter().position(|known| known == hash).unwrap_or_else(|| {
                photos.push(*hash);
                photos.len() - 1
            });
            u8::try_from(at).unwrap_or(u8::MAX)
        })
        .collect();
    positions.sort_unstable();
    positions.dedup();
    Answer {
        item: view.item,
        // A missing outcome is a fault of its own; what stands here is never saved.
        outcome: view.outcome.unwrap_or(louan_schema::code::Outcome::Fail),
        place,
        floor: view.floor.clone(),
        counts: view.counts.clone(),
        reason: view.reason.clone(),
        note: view.note.clone(),
        measure_milli: view.measure_milli,
        photos: (!positions.is_empty()).then_some(positions),
    }
}
