//! Correcting, withdrawing, and entering again what was returned.
//!
//! Nothing is changed and nothing is deleted: a correction is a new record that names the
//! one it replaces, a withdrawal hides exactly the one it names, both only of one's own
//! organisation, of any year.

use louan_schema::code::Action;
use louan_schema::doc::scan::record_put;
use louan_schema::id::{BlobHash, RecordId};
use louan_schema::record::{Body, Fault, Record, Rule, Withdrawal};
use louan_schema::registry::Person;

use super::hazard::strangers;
use super::record::{Draft, find_hazard_site, save, unknown};
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::{EditState, RecordRow, Writer};

impl Phone {
    /// Corrects a record of one's own organisation (更正): the new content counts from now on.
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn correct(
        &mut self,
        a: &Acting,
        target: RecordId,
        body: Body,
        photos: Vec<BlobHash>,
    ) -> Result<RecordId, Error> {
        let doing = "correcting a record";
        self.store.write(|w| {
            let person = a.permitted(w, Action::Correct, doing)?;
            let row = own(w, &person, target, doing)?;
            let mut faults = about_the_same(&row.record.body, &body);
            if let Body::Hazard(hazard) = &body {
                faults.extend(strangers(w, row.site, &hazard.place.buildings, "/place/buildings")?);
            }
            let draft = Draft { site: row.site, replaces: Some(target), photos, body };
            save(w, a, &person, draft, faults, doing).map(|(id, _)| id)
        })
    }

    /// Withdraws a record of one's own organisation (撤回).
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn withdraw(&mut self, a: &Acting, target: RecordId, reason: &str) -> Result<RecordId, Error> {
        let doing = "withdrawing a record";
        self.store.write(|w| {
            let person = a.permitted(w, Action::Withdraw, doing)?;
            let row = own(w, &person, target, doing)?;
            let body = Body::Withdrawal(Withdrawal { target, reason: reason.to_owned() });
            let mut faults = Vec::new();
            if matches!(row.record.body, Body::Withdrawal(_)) {
                faults.push(Fault { pointer: "/target".into(), rule: Rule::Contradiction });
            }
            let draft = Draft { site: row.site, replaces: None, photos: Vec::new(), body };
            save(w, a, &person, draft, faults, doing).map(|(id, _)| id)
        })
    }

    /// Enters again, as a new record, what was returned; `body` where something is to be changed. The returned
    /// edit stays in its list and names the record that took its place.
    ///
    /// # Errors
    /// [`Error`] when the edit was not returned, is no record, was entered again before, or has faults.
    pub fn reissue(&mut self, a: &Acting, seq: i64, body: Option<Body>) -> Result<RecordId, Error> {
        let doing = "entering a returned record again";
        self.store.write(|w| {
            let edit =
                w.find_outbox(seq)?.filter(|row| row.state == EditState::Returned && row.reissued.is_none());
            let put = edit.as_ref().and_then(|row| record_put(row.raw.as_deref()?).ok());
            let (Some(edit), Some(put)) = (edit, put) else {
                return Err(Error::faulty(doing, vec![unknown("/seq")]));
            };
            let record = Record::from_bytes(&put.bytes).map_err(|e| Error::bug(doing, e.to_string()))?;
            let person = a.permitted(w, action(&record.body), doing)?;
            let body = body.unwrap_or_else(|| record.body.clone());
            let faults = about_the_same(&record.body, &body);
            let site = match body.target() {
                Some(hazard) => find_hazard_site(w, hazard)?.map_or(edit.site, |(_, site)| site),
                None => edit.site,
            };
            let draft = Draft { site, replaces: record.replaces, photos: record.photos, body };
            let (id, local_seq) = save(w, a, &person, draft, faults, doing)?;
            if let Body::Round(round) = &record.body {
                w.set_submitted(round.round, id, local_seq)?;
            }
            w.set_reissued(seq, id)?;
            Ok(id)
        })
    }
}

/// The record, when it stands in a book of the person's organisation.
fn own(w: &Writer<'_>, person: &Person, target: RecordId, doing: &'static str) -> Result<RecordRow, Error> {
    let row = w.find_record(target, Some(person.org))?;
    row.ok_or_else(|| Error::faulty(doing, vec![unknown("/target")]))
}

/// A correction speaks about what the corrected record spoke about, in the same kind.
fn about_the_same(before: &Body, after: &Body) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut unless = |holds: bool, pointer: &str| {
        if !holds {
            faults.push(Fault { pointer: pointer.into(), rule: Rule::Contradiction });
        }
    };
    unless(before.kind() == after.kind(), "/body");
    if before.kind() == after.kind() {
        unless(before.target() == after.target(), "/hazard");
        if let (Body::Round(before), Body::Round(after)) = (before, after) {
            unless(before.round == after.round, "/round");
        }
    }
    faults
}

/// What a person must be allowed to do to write a record of this kind.
pub(crate) const fn action(body: &Body) -> Action {
    match body {
        Body::Round(_) => Action::SubmitRound,
        Body::Hazard(_) | Body::StopReport(_) => Action::ReportHazard,
        Body::Fix(_) => Action::ReportFix,
        Body::Recheck(_) => Action::Recheck,
        Body::Withdrawal(_) => Action::Withdraw,
    }
}
