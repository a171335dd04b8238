//! A round's reading: one visit, however many submissions it has.
//!
//! A submission names the submissions its author saw and supersedes them. Those nobody
//! saw stand beside each other, contested, and the worst answer per item counts until a
//! later submission names them all. What makes a round complete stands in ADR 0026.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, effective};
use crate::code::Outcome;
use crate::id::{BuildingId, OrgId, RecordId, RoundId};
use crate::policy::{ItemCode, Policy};
use crate::record::{Body, Round};
use crate::time::{Day, Timestamp};

/// What an answer is about: building or shared place, item, floor.
pub type About = (Option<BuildingId>, ItemCode, Option<String>);

/// A round read (检查读数): one line of the inspection ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundReading {
    /// The visit.
    pub id: RoundId,
    /// The organisation that made it.
    pub org: OrgId,
    /// When it began: the earliest of its standing submissions.
    pub opened_at: Timestamp,
    /// The buildings gone through, in order.
    pub buildings: Vec<BuildingId>,
    /// The worst standing outcome of everything answered.
    pub answers: BTreeMap<About, Outcome>,
    /// The submissions that stand; more than one means contested.
    pub standing: Vec<RecordId>,
    /// Whether nothing is [`unanswered`]: 三查三清 was done in every building gone through.
    pub complete: bool,
}

/// A sub-item of 三查三清 that nobody has answered (未查项目), and in which building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unanswered {
    /// The building; nothing for a round that goes through shared places only.
    pub building: Option<BuildingId>,
    /// The sub-item.
    pub item: ItemCode,
}

/// What a round of that day still lacks, building by building in their order, each in the order of the
/// catalogue. An item answered for the shared place is answered for every building, one answered for a
/// building for that building alone. `answered` tells it of a place, nothing being the shared one.
#[must_use]
pub fn unanswered(
    opened_on: Day,
    buildings: &[BuildingId],
    answered: impl Fn(Option<BuildingId>, ItemCode) -> bool,
    policy: &Policy,
) -> Vec<Unanswered> {
    let items: Vec<ItemCode> = policy
        .completing_items(opened_on)
        .map(|item| item.code)
        .filter(|item| !answered(None, *item))
        .collect();
    // Without a building the shared place stands alone; else a round through nothing would lack nothing.
    let places: Vec<Option<BuildingId>> =
        if buildings.is_empty() { vec![None] } else { buildings.iter().copied().map(Some).collect() };
    let lacking = |building: Option<BuildingId>| {
        let items = items.iter().filter(|item| building.is_none() || !answered(building, **item));
        items.map(|item| Unanswered { building, item: *item }).collect::<Vec<_>>()
    };
    places.into_iter().flat_map(lacking).collect()
}

impl RoundReading {
    /// Whether concurrent submissions stand beside each other.
    #[must_use]
    pub const fn is_contested(&self) -> bool {
        self.standing.len() > 1
    }

    /// How many answers failed.
    #[must_use]
    pub fn failed_count(&self) -> usize {
        self.answers.values().filter(|o| **o == Outcome::Fail).count()
    }
}

/// Reads a round from every submission of it and every withdrawal that may concern one.
/// `None` when nothing stands: all withdrawn, or none here.
#[must_use]
pub fn read(id: RoundId, facts: &[Fact], policy: &Policy) -> Option<RoundReading> {
    let submissions: Vec<(&Fact, &Round)> = effective(facts)
        .into_iter()
        .filter_map(|f| match &f.record.body {
            Body::Round(round) if round.round == id => Some((f, round)),
            _ => None,
        })
        .collect();
    let seen: BTreeSet<RecordId> = submissions.iter().flat_map(|(_, r)| r.seen.iter().copied()).collect();
    let mut heads: Vec<_> = submissions.iter().filter(|(f, _)| !seen.contains(&f.id)).collect();
    if heads.is_empty() {
        // Two submissions cannot honestly have seen each other; if they claim so, both stand.
        heads = submissions.iter().collect();
    }
    let (first, _) = heads.first()?;
    let mut reading = RoundReading {
        id,
        org: first.org,
        opened_at: heads.iter().map(|(_, r)| r.opened_at).min()?,
        buildings: Vec::new(),
        answers: BTreeMap::new(),
        standing: heads.iter().map(|(f, _)| f.id).collect(),
        complete: false,
    };
    for (_, round) in &heads {
        reading.buildings.extend(&round.buildings);
        for answer in &round.answers {
            let place =
                answer.place.and_then(|p| round.buildings.get(usize::from(p).checked_sub(1)?).copied());
            let about = (place, answer.item, answer.floor.clone());
            let worst = reading.answers.entry(about).or_insert(answer.outcome);
            if badness(answer.outcome) > badness(*worst) {
                *worst = answer.outcome;
            }
        }
    }
    reading.buildings.sort_unstable();
    reading.buildings.dedup();
    reading.standing.sort_unstable();
    let answered: BTreeSet<(Option<BuildingId>, ItemCode)> =
        reading.answers.keys().map(|(place, item, _)| (*place, *item)).collect();
    let is_answered = |place, item| answered.contains(&(place, item));
    reading.complete =
        unanswered(reading.opened_at.day(), &reading.buildings, is_answered, policy).is_empty();
    Some(reading)
}

/// A failure outweighs a pass, a pass outweighs "does not apply".
const fn badness(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::NotApplicable => 0,
        Outcome::Pass => 1,
        Outcome::Fail => 2,
    }
}
