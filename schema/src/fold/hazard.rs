//! A hazard's state: a pure function of what was said about it and what was ruled.
//!
//! 处置完成 (the danger is gone, the clock stops) and 复查销号 (someone else has looked and
//! the office has closed it) are two steps. The recheck after the latest fix decides.
//! Every step is kept with the instant at which it happened, so that the state of any
//! past day can be told from one row. That work was stopped and reported stands
//! beside the steps: it moves no state, for the danger is still there.

use minicbor::{Decode, Encode};

use super::{Fact, effective};
use crate::code::{HazardState, Severity};
use crate::id::{HazardId, OrgId, RecordId};
use crate::policy::HazardCode;
use crate::record::{Body, Place};
use crate::ruling::{Act, Ruling};
use crate::time::{Day, Timestamp};

/// One step in a hazard's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Step {
    /// Found and reported.
    #[n(0)]
    Found,
    /// Confirmed, with the last day on which it may stand open.
    #[n(1)]
    Confirmed(#[n(0)] Day),
    /// The danger is gone, says who removed it.
    #[n(2)]
    Fixed,
    /// Looked at again: not gone.
    #[n(3)]
    RecheckFailed,
    /// Looked at again: gone.
    #[n(4)]
    RecheckPassed,
    /// Closed by the office.
    #[n(5)]
    Closed,
}

/// A step and its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(array)]
pub struct Event {
    /// When it happened, by the clock of who says so.
    #[n(0)]
    pub at: Timestamp,
    /// What happened. Steps of one instant stand in the order of a hazard's life.
    #[n(1)]
    pub step: Step,
}

/// A hazard read (隐患读数): one line of the hazard ledger.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HazardReading {
    /// Identity: the record that first reported it.
    #[n(0)]
    pub id: HazardId,
    /// The organisation that reported it.
    #[n(1)]
    pub org: OrgId,
    /// Leaf of the taxonomy.
    #[n(2)]
    pub code: HazardCode,
    /// Where.
    #[n(3)]
    pub place: Place,
    /// In words.
    #[n(4)]
    pub text: String,
    /// The supervisor's grade once confirmed, the finder's until then.
    #[n(5)]
    pub severity: Severity,
    /// Every step so far, by instant.
    #[n(6)]
    pub events: Vec<Event>,
    /// Withdrawn by who reported it; counts nowhere.
    #[n(7)]
    pub void: bool,
    /// What was said of stopping and reporting, by record. Left out when nothing was: most hazards are
    /// no work that can be stopped, and rows from before this field read the same.
    #[cbor(n(8), skip_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
}

/// What one record says of work stopped and reported (立即制止并报告).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stop {
    /// The record.
    #[n(0)]
    pub record: RecordId,
    /// When the work was stopped.
    #[n(1)]
    pub stopped_at: Option<Timestamp>,
    /// When it was reported.
    #[n(2)]
    pub reported_at: Option<Timestamp>,
    /// To which department.
    #[n(3)]
    pub reported_to: Option<OrgId>,
    /// What was said or handed over.
    #[n(4)]
    pub text: String,
}

/// How stopping and reporting stand, all records together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopStanding {
    /// When the work was first stopped.
    pub stopped_at: Option<Timestamp>,
    /// When it was first reported; that may be before it was stopped.
    pub reported_at: Option<Timestamp>,
    /// To which department it was first reported.
    pub reported_to: Option<OrgId>,
}

impl StopStanding {
    /// Whether both instants are known; until then half of what A-147 asks is open.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.stopped_at.is_some() && self.reported_at.is_some()
    }
}

/// How a hazard stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HazardStanding {
    /// Its state.
    pub state: HazardState,
    /// The last day on which it may stand open, once confirmed.
    pub due_on: Option<Day>,
    /// When the danger was gone, unless a later recheck found otherwise (处置完成).
    pub disposed_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Due, and the danger not gone (逾期).
    pub overdue: bool,
}

impl HazardReading {
    /// When it was found.
    #[must_use]
    pub fn found_at(&self) -> Timestamp {
        self.events.iter().find(|e| e.step == Step::Found).map_or(Timestamp::from_ms(i64::MAX), |e| e.at)
    }

    /// How it stood at `at`, counting what happened before that instant. 24:00 of a day is
    /// [`Day::end`]: what was due on the day and not done is overdue then.
    #[must_use]
    pub fn standing_at(&self, at: Timestamp) -> HazardStanding {
        let mut s = HazardStanding {
            state: if self.void { HazardState::Void } else { HazardState::Reported },
            due_on: None,
            disposed_at: None,
            closed_at: None,
            overdue: false,
        };
        if self.void {
            return s;
        }
        for event in self.events.iter().filter(|e| e.at < at) {
            s.apply(*event);
        }
        s.overdue = s.disposed_at.is_none() && s.due_on.is_some_and(|due| due.end() <= at);
        s
    }

    /// How stopping and reporting stand; nothing when no record speaks of it. Two records may each
    /// bring one of the instants.
    #[must_use]
    pub fn stop_standing(&self) -> Option<StopStanding> {
        self.stops.first()?;
        let reported = self.stops.iter().filter_map(|stop| Some((stop.reported_at?, stop.reported_to)));
        let first = reported.min_by_key(|(at, _)| *at);
        Some(StopStanding {
            stopped_at: self.stops.iter().filter_map(|stop| stop.stopped_at).min(),
            reported_at: first.map(|(at, _)| at),
            reported_to: first.and_then(|(_, to)| to),
        })
    }

    /// The due date that held at `at`: the last one ruled before, or else the first ruled
    /// later, because a due date counts from the finding and not from the ruling.
    #[must_use]
    pub fn due_on_at(&self, at: Timestamp) -> Option<Day> {
        let mut due = None;
        for event in &self.events {
            if let Step::Confirmed(day) = event.step
                && (due.is_none() || event.at < at)
            {
                due = Some(day);
            }
        }
        due
    }

    /// How it stands with everything known.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> HazardStanding {
        let mut s = self.standing_at(Timestamp::from_ms(i64::MAX));
        s.overdue = s.disposed_at.is_none() && s.due_on.is_some_and(|due| due.end() <= now);
        s
    }
}

impl HazardStanding {
    fn apply(&mut self, event: Event) {
        let closed = self.closed_at.is_some();
        match event.step {
            Step::Found => {}
            Step::Confirmed(due) => {
                self.due_on = Some(due);
                if self.state == HazardState::Reported {
                    self.state = HazardState::Rectifying;
                }
            }
            Step::Fixed if !closed => {
                self.disposed_at = Some(event.at);
                self.state = HazardState::FixReported;
            }
            Step::RecheckFailed if !closed => {
                self.disposed_at = None;
                self.state =
                    if self.due_on.is_some() { HazardState::Rectifying } else { HazardState::Reported };
            }
            Step::RecheckPassed if !closed && self.disposed_at.is_some() => {
                self.state = HazardState::RecheckPassed;
            }
            Step::Closed => {
                self.closed_at.get_or_insert(event.at);
                self.state = HazardState::Closed;
            }
            // What is said after the closure stays in the dossier and moves nothing.
            Step::Fixed | Step::RecheckFailed | Step::RecheckPassed => {}
        }
    }
}

/// Reads a hazard from every fact that names it (its own record, its corrections,
/// withdrawals, fixes, rechecks) and every ruling on it. `None` when its record is not here yet.
#[must_use]
pub fn read(id: HazardId, facts: &[Fact], rulings: &[Ruling]) -> Option<HazardReading> {
    let counted = effective(facts);
    let body_of = |f: &Fact| match &f.record.body {
        Body::Hazard(h) => Some(h.clone()),
        _ => None,
    };
    let live = counted.iter().find_map(|f| body_of(f).map(|h| (f.org, h)));
    let void = live.is_none();
    let (org, hazard) = live.or_else(|| {
        let original = facts.iter().find(|f| f.id == id)?;
        body_of(original).map(|h| (original.org, h))
    })?;
    let mut events = vec![Event { at: hazard.found_at, step: Step::Found }];
    if hazard.fixed_on_the_spot {
        events.push(Event { at: hazard.found_at, step: Step::Fixed });
    }
    for fact in &counted {
        match &fact.record.body {
            Body::Fix(b) => events.push(Event { at: b.fixed_at, step: Step::Fixed }),
            Body::Recheck(b) => {
                let step = if b.passed { Step::RecheckPassed } else { Step::RecheckFailed };
                events.push(Event { at: b.checked_at, step });
            }
            _ => {}
        }
    }
    let mut severity = hazard.severity;
    for ruling in rulings {
        match &ruling.act {
            Act::ConfirmHazard { severity: grade, due_on, .. } => {
                severity = *grade;
                events.push(Event { at: ruling.at, step: Step::Confirmed(*due_on) });
            }
            Act::CloseHazard { .. } => events.push(Event { at: ruling.at, step: Step::Closed }),
            Act::RegisterSite(..) => {}
        }
    }
    events.sort_unstable();
    Some(HazardReading {
        id,
        org,
        code: hazard.code,
        place: hazard.place,
        text: hazard.text,
        severity,
        events,
        void,
        stops: stops(&counted),
    })
}

/// What the facts that count say of stopping and reporting, by record.
#[must_use]
pub fn stops(counted: &[&Fact]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = counted
        .iter()
        .filter_map(|fact| match &fact.record.body {
            Body::StopReport(b) => Some(Stop {
                record: fact.id,
                stopped_at: b.stopped_at,
                reported_at: b.reported_at,
                reported_to: b.reported_to,
                text: b.text.clone(),
            }),
            _ => None,
        })
        .collect();
    stops.sort_by_key(|stop| stop.record);
    stops
}

/// Whether a person may recheck: not who removed the danger, by any of the fixes that count (two-person rule).
#[must_use]
pub fn may_recheck(checker: crate::id::PersonId, facts: &[Fact]) -> bool {
    !effective(facts).iter().any(|f| match &f.record.body {
        Body::Fix(b) => b.fixed_by == checker,
        Body::Hazard(h) => h.fixed_on_the_spot && f.record.author == checker,
        _ => false,
    })
}

/// The hazard a record belongs to, following corrections back to the first report.
/// `replaced` tells what a record replaces; a chain longer than 64 or a circle ends where it is.
#[must_use]
pub fn root(mut id: RecordId, replaced: impl Fn(RecordId) -> Option<RecordId>) -> HazardId {
    for _ in 0..64 {
        match replaced(id) {
            Some(earlier) if earlier != id => id = earlier,
            _ => break,
        }
    }
    id
}
