//! What a record may say: by whom, in which book, about whose records.
//!
//! Pure, over what the gate was told of the log. A target that is not here yet is no fault:
//! the record is stored and waits. A target that is here must be of this site, and for a
//! correction or withdrawal of this organisation.

use louan_schema::code::{Action, Role, may};
use louan_schema::doc::{Descriptor, Kind};
use louan_schema::fold::Fact;
use louan_schema::fold::hazard::may_recheck;
use louan_schema::id::{PersonId, RecordId};
use louan_schema::policy::Policy;
use louan_schema::record::{Body, Record, check, reserved};
use louan_schema::wire::Code;

use crate::storage::log::{DocumentState, RecordHead};

/// The action a role needs for a record of this kind.
#[must_use]
pub const fn action(kind: Kind) -> Action {
    match kind {
        Kind::Round => Action::SubmitRound,
        Kind::Hazard | Kind::StopReport => Action::ReportHazard,
        Kind::Fix => Action::ReportFix,
        Kind::Recheck => Action::Recheck,
        Kind::Withdrawal => Action::Withdraw,
    }
}

/// Whether a record may stand in a book; if so, the state knows it from now on. Without a role a human has decided
/// by what right it was written; who looked must still be somebody who may.
///
/// # Errors
/// The first [`Code`] met.
pub fn admit(
    state: &mut DocumentState,
    descriptor: &Descriptor,
    (person, role): (PersonId, Option<Role>),
    (id, record): (RecordId, &Record),
) -> Result<(), Code> {
    if record.author != person {
        return Err(Code::AuthorMismatch);
    }
    let Descriptor::Book { site, org, year } = descriptor else { return Err(Code::Schema) };
    let written_in = u16::try_from(record.written_at.day().year()).ok();
    if written_in != Some(*year) || !check(record, Policy::qijiang_2020()).is_empty() {
        return Err(Code::Schema);
    }
    let kind = record.body.kind();
    let corrects = record.replaces.is_some();
    let allowed = |action| role.is_none_or(|role| may(role, action));
    if !allowed(action(kind)) || (corrects && !allowed(Action::Correct)) {
        return Err(Code::NotPermitted);
    }
    if role.is_some_and(|role| !reserved(&record.body, role, Policy::qijiang_2020()).is_empty()) {
        return Err(Code::NotPermitted);
    }
    if state.records.contains_key(&id) {
        return Err(Code::KeyExists);
    }
    let head = RecordHead { org: *org, site: *site, kind, subject: subject(state, id, record) };
    if let Some(replaced) = record.replaces {
        corrected(state, &head, replaced)?;
    }
    targeted(state, &head, &record.body)?;
    state.records.insert(id, head);
    let fact = Fact { id, org: *org, record: record.clone() };
    state.hazards.entry(RecordId(head.subject)).or_default().push(fact);
    Ok(())
}

/// The hazard or round a record belongs to, as far as it is known now.
fn subject(state: &DocumentState, id: RecordId, record: &Record) -> [u8; 16] {
    let of = |target: RecordId| state.records.get(&target).map_or(target.0, |head| head.subject);
    match (&record.body, record.replaces) {
        (Body::Round(round), _) => round.round.0,
        (Body::Hazard(_), None) => id.0,
        (Body::Hazard(_), Some(replaced)) => of(replaced),
        (body, _) => body.target().map_or(id.0, of),
    }
}

/// A correction stands for a record of the same organisation, kind, site and subject.
fn corrected(state: &DocumentState, head: &RecordHead, replaced: RecordId) -> Result<(), Code> {
    match state.records.get(&replaced) {
        None => Ok(()),
        Some(before) if before.org != head.org => Err(Code::NotPermitted),
        Some(before) if before == head => Ok(()),
        Some(_) => Err(Code::Schema),
    }
}

fn targeted(state: &DocumentState, head: &RecordHead, body: &Body) -> Result<(), Code> {
    let target = body.target().and_then(|id| state.records.get(&id));
    match (body, target) {
        (Body::Withdrawal(_), Some(target)) if target.org != head.org => return Err(Code::NotPermitted),
        (Body::Withdrawal(_), Some(target)) if target.kind == Kind::Withdrawal => return Err(Code::Schema),
        (_, Some(target)) if target.site != head.site => return Err(Code::OutOfScope),
        (Body::Fix(_) | Body::Recheck(_) | Body::StopReport(_), Some(target))
            if target.kind != Kind::Hazard =>
        {
            return Err(Code::Schema);
        }
        _ => {}
    }
    let Body::Recheck(recheck) = body else { return Ok(()) };
    // Who looked must be somebody who may look; a name nobody has would defeat the two-person rule.
    if !state.roles.get(&recheck.checked_by).is_some_and(|role| may(*role, Action::Recheck)) {
        return Err(Code::NotPermitted);
    }
    let facts = state.hazards.get(&RecordId(head.subject)).map_or(&[][..], Vec::as_slice);
    if may_recheck(recheck.checked_by, facts) { Ok(()) } else { Err(Code::SamePerson) }
}
