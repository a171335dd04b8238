//! What a screen reads: plain rows of texts and numbers, one to one from the core's views.
//!
//! Instants are milliseconds since 1970, days `2020-03-31`, codes their strings, ids and
//! hashes their texts. Nothing is computed, counted or left out for a reason here.

use louan_client_core::schema::fold::hazard::StopStanding;
use louan_client_core::schema::fold::round::Unanswered;
use louan_client_core::schema::id::PersonId;
use louan_client_core::schema::registry::Person;
use louan_client_core::schema::ruling::Act;
use louan_client_core::view::{AnswerView, HazardView, RoundState, RoundSummary, RoundView};

/// A person enrolled on this phone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PersonRow {
    /// Identity.
    pub id: String,
    /// The appointing organisation.
    pub org: String,
    /// What the person may do, `property_manager`.
    pub role: String,
    /// Name as shown.
    pub name: String,
}

/// A round in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RoundRow {
    /// The visit.
    pub id: String,
    /// The compound.
    pub site: String,
    /// When it was opened.
    pub opened_at_ms: i64,
    /// Who opened or joined it on this phone.
    pub opened_by: Option<String>,
    /// `open`, `submitted_elsewhere` or `submitted`.
    pub state: String,
    /// The record it was submitted as from this phone.
    pub submitted_as: Option<String>,
}

/// One answer of a round.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct AnswerRow {
    /// The building; nothing for a shared place.
    pub building: Option<String>,
    /// The check item, `Q1-01`.
    pub item: String,
    /// The floor's local name.
    pub floor: Option<String>,
    /// `pass`, `fail` or `not_applicable`; the worst, where writers disagree.
    pub outcome: Option<String>,
    /// Why the item does not apply.
    pub reason: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// Counts in the order of the item's labels.
    pub counts: Option<Vec<u32>>,
    /// A measured value in thousandths of the item's unit.
    pub measure_milli: Option<i64>,
    /// Photos by hash.
    pub photos: Vec<String>,
    /// Writers disagree on it.
    pub contested: bool,
    /// Part of it has not been sent.
    pub unsent: bool,
}

/// A round being filled, or as submitted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RoundSheet {
    /// The line of the list.
    pub round: RoundRow,
    /// The buildings gone through.
    pub buildings: Vec<String>,
    /// Every answer, own and colleagues'.
    pub answers: Vec<AnswerRow>,
    /// Those on which writers disagree.
    pub contested: Vec<AnswerRow>,
    /// The sub-items nobody has answered yet, building by building.
    pub missing: Vec<MissingRow>,
}

/// A sub-item nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct MissingRow {
    /// The building; nothing for a round that goes through shared places only.
    pub building: Option<String>,
    /// The check item, `Q1-01`.
    pub item: String,
}

/// A hazard in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct HazardRow {
    /// Identity: the record that first reported it.
    pub id: String,
    /// The compound.
    pub site: String,
    /// The organisation that reported it.
    pub org: String,
    /// Leaf of the taxonomy.
    pub code: String,
    /// The building, or every building a shared place affects.
    pub buildings: Vec<String>,
    /// Whether the place belongs to the compound.
    pub shared: bool,
    /// The floor's local name.
    pub floor: Option<String>,
    /// The spot in words.
    pub spot: Option<String>,
    /// In words.
    pub text: String,
    /// The grade that counts.
    pub severity: String,
    /// When it was found.
    pub found_at_ms: i64,
    /// Its state with everything this phone knows.
    pub state: String,
    /// The last day on which it may stand open.
    pub due_on: Option<String>,
    /// Due, and the danger not gone.
    pub overdue: bool,
    /// When the danger was gone.
    pub disposed_at_ms: Option<i64>,
    /// When it was closed.
    pub closed_at_ms: Option<i64>,
    /// What a command must expect.
    pub version: u64,
    /// Who removed the danger: they may not recheck.
    pub fixed_by: Vec<String>,
    /// Photos of the danger, as far as records on this phone cite them.
    pub photos_before: Vec<String>,
    /// Photos that show it gone; the first stands beside the first of those before.
    pub photos_after: Vec<String>,
    /// Facts about it the office has not received.
    pub unsent: u32,
    /// What was requested and not yet answered.
    pub requested: Vec<String>,
    /// Whether work was stopped and reported; nothing where no record speaks of it.
    pub stop: Option<StopRow>,
}

/// Work stopped and reported, every record of it together.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct StopRow {
    /// When the work was first stopped.
    pub stopped_at_ms: Option<i64>,
    /// When it was first reported.
    pub reported_at_ms: Option<i64>,
    /// To which department.
    pub reported_to: Option<String>,
    /// Whether both instants are known.
    pub complete: bool,
}

impl From<Person> for PersonRow {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.to_string(),
            org: person.org.to_string(),
            role: person.role.to_string(),
            name: person.name,
        }
    }
}

impl From<RoundSummary> for RoundRow {
    fn from(round: RoundSummary) -> Self {
        let (state, submitted_as) = match round.state {
            RoundState::Open => ("open", None),
            RoundState::SubmittedElsewhere => ("submitted_elsewhere", None),
            RoundState::Submitted(record) => ("submitted", Some(record.to_string())),
        };
        Self {
            id: round.id.to_string(),
            site: round.site.to_string(),
            opened_at_ms: round.opened_at.ms(),
            opened_by: round.opened_by.map(|person| person.to_string()),
            state: state.to_owned(),
            submitted_as,
        }
    }
}

impl From<&AnswerView> for AnswerRow {
    fn from(answer: &AnswerView) -> Self {
        Self {
            building: answer.building.map(|id| id.to_string()),
            item: answer.item.to_string(),
            floor: answer.floor.clone(),
            outcome: answer.outcome.map(|code| code.to_string()),
            reason: answer.reason.clone(),
            note: answer.note.clone(),
            counts: answer.counts.clone(),
            measure_milli: answer.measure_milli,
            photos: texts(&answer.photos),
            contested: answer.contested,
            unsent: answer.unsent,
        }
    }
}

impl From<RoundView> for RoundSheet {
    fn from(view: RoundView) -> Self {
        Self {
            buildings: texts(&view.buildings),
            answers: view.answers.iter().map(AnswerRow::from).collect(),
            contested: view.contested().map(AnswerRow::from).collect(),
            missing: view.missing.iter().map(MissingRow::from).collect(),
            round: view.summary.into(),
        }
    }
}

impl From<&Unanswered> for MissingRow {
    fn from(lacking: &Unanswered) -> Self {
        Self { building: lacking.building.map(|id| id.to_string()), item: lacking.item.to_string() }
    }
}

impl From<StopStanding> for StopRow {
    fn from(stop: StopStanding) -> Self {
        Self {
            stopped_at_ms: stop.stopped_at.map(|at| at.ms()),
            reported_at_ms: stop.reported_at.map(|at| at.ms()),
            reported_to: stop.reported_to.map(|org| org.to_string()),
            complete: stop.is_complete(),
        }
    }
}

impl From<HazardView> for HazardRow {
    fn from(hazard: HazardView) -> Self {
        Self {
            stop: hazard.reading.stop_standing().map(StopRow::from),
            id: hazard.id.to_string(),
            site: hazard.site.to_string(),
            org: hazard.org.to_string(),
            code: hazard.code.to_string(),
            buildings: texts(&hazard.place.buildings),
            shared: hazard.place.shared,
            floor: hazard.place.floor,
            spot: hazard.place.spot,
            text: hazard.text,
            severity: hazard.severity.to_string(),
            found_at_ms: hazard.found_at.ms(),
            state: hazard.state.to_string(),
            due_on: hazard.due_on.map(|day| day.to_string()),
            overdue: hazard.overdue,
            disposed_at_ms: hazard.disposed_at.map(|at| at.ms()),
            closed_at_ms: hazard.closed_at.map(|at| at.ms()),
            photos_before: texts(&hazard.photos.before),
            photos_after: texts(&hazard.photos.after),
            version: hazard.version,
            fixed_by: texts::<PersonId>(&hazard.fixed_by),
            unsent: count(hazard.unsent),
            requested: hazard.requested.iter().map(|act| act_word(act).to_owned()).collect(),
        }
    }
}

/// Texts of several ids, codes or hashes.
fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A number of things; more than four thousand million are as good as that many.
pub(crate) fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}

/// The word for an act.
pub(crate) const fn act_word(act: &Act) -> &'static str {
    match act {
        Act::RegisterSite(..) => "register_site",
        Act::ConfirmHazard { .. } => "confirm_hazard",
        Act::CloseHazard { .. } => "close_hazard",
    }
}
