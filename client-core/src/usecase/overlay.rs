//! The office's hazard row with this phone's own facts on top.
//!
//! Which facts count is `schema`'s fold; here only the steps they make are put into the
//! row, and the steps of facts that no longer count are taken out. A fact the office has
//! already folded in makes the same step and changes nothing.

use louan_schema::fold::hazard::{self, Event, HazardReading, Step};
use louan_schema::fold::{Fact, effective};
use louan_schema::id::{HazardId, PersonId};
use louan_schema::record::Body;

/// The hazard as this phone sees it; nothing when neither the row nor its own record is here.
pub(crate) fn read(id: HazardId, row: Option<&HazardReading>, facts: &[Fact]) -> Option<HazardReading> {
    let Some(row) = row else { return hazard::read(id, facts, &[]) };
    let mut reading = row.clone();
    let counted = effective(facts);
    for fact in facts.iter().filter(|fact| !counted.iter().any(|c| c.id == fact.id && c.org == fact.org)) {
        for event in steps(fact) {
            if let Some(at) = reading.events.iter().position(|e| *e == event) {
                reading.events.remove(at);
            }
        }
    }
    for event in counted.iter().flat_map(|fact| steps(fact)) {
        if !reading.events.contains(&event) {
            reading.events.push(event);
        }
    }
    reading.events.sort_unstable();
    // What a record of this phone says is known here; the office may have folded an earlier state of it in.
    reading.stops.retain(|stop| !facts.iter().any(|fact| fact.id == stop.record));
    reading.stops.extend(hazard::stops(&counted));
    reading.stops.sort_by_key(|stop| stop.record);
    if let Some(own) = hazard::read(id, facts, &[]) {
        let confirmed = reading.events.iter().any(|e| matches!(e.step, Step::Confirmed(_)));
        if !confirmed {
            reading.severity = own.severity;
        }
        reading.void |= own.void;
        (reading.code, reading.place, reading.text) = (own.code, own.place, own.text);
    }
    if !reading.events.iter().any(|e| e.step == Step::Found) {
        // Its own record no longer counts; when it was found stays readable.
        reading.events.insert(0, Event { at: row.found_at(), step: Step::Found });
    }
    Some(reading)
}

/// Who removed the danger, by the facts that count.
pub(crate) fn fixed_by(facts: &[Fact]) -> Vec<PersonId> {
    let counted = effective(facts);
    counted
        .iter()
        .filter_map(|fact| match &fact.record.body {
            Body::Fix(fix) => Some(fix.fixed_by),
            Body::Hazard(hazard) if hazard.fixed_on_the_spot => Some(fact.record.author),
            _ => None,
        })
        .collect()
}

/// The steps a fact makes in a hazard's life, as the fold makes them.
fn steps(fact: &Fact) -> Vec<Event> {
    let event = |at, step| Event { at, step };
    match &fact.record.body {
        Body::Hazard(hazard) => {
            let mut steps = vec![event(hazard.found_at, Step::Found)];
            if hazard.fixed_on_the_spot {
                steps.push(event(hazard.found_at, Step::Fixed));
            }
            steps
        }
        Body::Fix(fix) => vec![event(fix.fixed_at, Step::Fixed)],
        Body::Recheck(recheck) if recheck.passed => vec![event(recheck.checked_at, Step::RecheckPassed)],
        Body::Recheck(recheck) => vec![event(recheck.checked_at, Step::RecheckFailed)],
        // Stopping and reporting is no step: the danger is as it was.
        Body::Round(_) | Body::StopReport(_) | Body::Withdrawal(_) => Vec::new(),
    }
}
