//! Is the world whole? One pure function over a picture of it.
//!
//! The picture is taken from closed files ([`sqlite`]) and from the oracle; the judgement
//! asks no core and shares no code with one. Every rule here is shown a broken world by a
//! test of its own (`tests/the_checker_sees_what_is_broken.rs`).

mod picture;
pub mod sqlite;

use std::collections::BTreeSet;
use std::fmt;

pub use picture::{Document, EditPicture, Fate, OfficePicture, PhonePicture, Picture, RowKey};

use louan_schema::wire::Code;

use crate::oracle::Edit;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// A saved edit is on no living phone that had it.
    EditGone(Edit),
    /// A phone has an edit in no state, or in a state that does not exist.
    EditStateless(String, Edit),
    /// An acknowledged edit is not at the office, though a phone that had it lives.
    AcknowledgedLost(Edit),
    /// An acknowledged change of a sheet is not in the office's log, though nothing was destroyed.
    SheetLost(String),
    /// An edit is still waiting though everything is quiet.
    Stuck(String, Edit),
    /// An honest phone's edit was returned for a reason that only a faulty one can have.
    Returned(String, Edit, Code),
    /// A phone believes an edit acknowledged that the office does not have.
    FalselyAcknowledged(String, Edit),
    /// The office has a record nobody wrote.
    FromNowhere(Edit),
    /// A document differs between a phone and the office.
    Divergent(String, String),
    /// A phone lacks a document of its organisation.
    DocumentMissing(String, String),
    /// A phone has something of a compound it may not see.
    Leaked(String, String),
    /// A row differs between a phone and the office.
    RowDiffers(String, RowKey),
    /// A phone lacks a row of its scope.
    RowMissing(String, RowKey),
    /// Rebuilding the ledger changed it.
    RebuiltDiffers(String),
    /// The audit's chain does not verify.
    AuditBroken(String),
    /// A phone at rest does not stand at the office's head.
    CursorBehind(String, Option<u64>, u64),
    /// Somebody's cursor went back, or the office said no where it must not.
    Story(String),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EditGone(edit) => write!(f, "{edit} was saved and is on no living phone"),
            Self::EditStateless(phone, edit) => write!(f, "{phone}: {edit} is in no state"),
            Self::AcknowledgedLost(edit) => write!(f, "{edit} was acknowledged and the office has it not"),
            Self::SheetLost(hash) => write!(f, "sheet change {hash} was acknowledged and is not in the log"),
            Self::Stuck(phone, edit) => write!(f, "{phone}: {edit} still waits though all is quiet"),
            Self::Returned(phone, edit, code) => write!(f, "{phone}: {edit} was returned, `{}`", code.name()),
            Self::FalselyAcknowledged(phone, edit) => {
                write!(f, "{phone} believes {edit} acknowledged, the office has it not")
            }
            Self::FromNowhere(edit) => write!(f, "the office has {edit}, which nobody wrote"),
            Self::Divergent(phone, doc) => write!(f, "{phone}: {doc} is not the office's"),
            Self::DocumentMissing(phone, doc) => write!(f, "{phone}: {doc} is missing"),
            Self::Leaked(phone, what) => write!(f, "{phone}: {what} is outside its scope"),
            Self::RowDiffers(phone, row) => write!(f, "{phone}: {row} is not the office's"),
            Self::RowMissing(phone, row) => write!(f, "{phone}: {row} is missing"),
            Self::RebuiltDiffers(what) => write!(f, "rebuilt, the ledger differs: {what}"),
            Self::AuditBroken(why) => write!(f, "the audit's chain is broken: {why}"),
            Self::CursorBehind(phone, at, head) => write!(f, "{phone} rests at {at:?}, the office at {head}"),
            Self::Story(what) => f.write_str(what),
        }
    }
}

/// Everything wrong with a world at rest.
#[must_use]
pub fn breaches(world: &Picture) -> Vec<Breach> {
    let mut found: Vec<Breach> = world.story.iter().cloned().map(Breach::Story).collect();
    edits(world, &mut found);
    for phone in &world.phones {
        outbox(world, phone, &mut found);
        if !phone.sealed {
            documents(world, phone, &mut found);
            rows(world, phone, &mut found);
        }
        if !phone.push_only {
            leaks(phone, &mut found);
        }
        if !phone.push_only && phone.cursor != Some((world.office.epoch, world.office.head)) {
            found.push(Breach::CursorBehind(
                phone.name.clone(),
                phone.cursor.map(|c| c.1),
                world.office.head,
            ));
        }
    }
    found.extend(world.office.rebuilt_differs.iter().cloned().map(Breach::RebuiltDiffers));
    found.extend(world.office.audit_broken.iter().cloned().map(Breach::AuditBroken));
    found
}

/// Nothing saved disappears, nothing acknowledged is lost, nothing comes from nowhere.
fn edits(world: &Picture, found: &mut Vec<Breach>) {
    for edit in &world.edits {
        let at_office = world.office.edits.contains(&edit.edit);
        let carried = || world.phones.iter().filter(|p| edit.carriers.contains(&p.life));
        let on_phone = carried().any(|p| p.edits.contains_key(&edit.edit));
        let living = carried().count() > 0;
        if living && !on_phone {
            found.push(Breach::EditGone(edit.edit));
        }
        // After a restore a human may have to decide again by what right it was written; it is there, though.
        let kept = at_office || (world.office.was_restored && world.office.held.contains(&edit.edit));
        // Refused by a human in a log that is no more, and whoever wrote it knows: nobody sends it again.
        let refused = carried().any(|p| matches!(p.edits.get(&edit.edit), Some(Fate::Returned(_))))
            && world.refused.contains(&edit.edit);
        if edit.acknowledged && !kept && !refused && promised(world, edit.edit, edit.heard) {
            found.push(Breach::AcknowledgedLost(edit.edit));
        }
    }
    if !world.office.was_restored {
        let lost = world.sheets_acknowledged.difference(&world.office.changes);
        found.extend(lost.map(|hash| Breach::SheetLost(hash.to_string())));
    }
    let records = world.office.edits.iter().filter(|e| matches!(e, Edit::Record(_)));
    found.extend(records.filter(|e| !world.known.contains(e)).map(|e| Breach::FromNowhere(*e)));
}

/// Whether the office must still have an acknowledged edit. Rulings since a backup that was put back are entered
/// again by people; records come back from every phone that had them, as long as one knows that they were taken.
const fn promised(world: &Picture, edit: Edit, known: bool) -> bool {
    !world.office.was_restored || (known && matches!(edit, Edit::Record(_)))
}

/// What each phone says about its edits, against what is so.
fn outbox(world: &Picture, phone: &PhonePicture, found: &mut Vec<Breach>) {
    for (edit, fate) in &phone.edits {
        let name = || phone.name.clone();
        let at_office = world.office.edits.contains(edit);
        match fate {
            Fate::Unknown => found.push(Breach::EditStateless(name(), *edit)),
            Fate::Pending => found.push(Breach::Stuck(name(), *edit)),
            Fate::Acknowledged if !at_office && promised(world, *edit, true) => {
                found.push(Breach::FalselyAcknowledged(name(), *edit));
            }
            Fate::Returned(code) if never_honest(*code) => {
                found.push(Breach::Returned(name(), *edit, *code));
            }
            // What was acknowledged once is not sent back, by whatever life of the log: only a human may refuse it.
            Fate::Returned(code) if was_acknowledged(world, *edit) && !world.refused.contains(edit) => {
                found.push(Breach::Returned(name(), *edit, *code));
            }
            // Told that it is not in while it is: the user would write it a second time.
            Fate::Returned(code) if at_office && matches!(edit, Edit::Record(_)) => {
                found.push(Breach::Returned(name(), *edit, *code));
            }
            Fate::Acknowledged | Fate::Held | Fate::Returned(_) => {}
        }
    }
}

/// Whether a record was acknowledged to somebody who can still say so. Rulings are made again by people.
fn was_acknowledged(world: &Picture, edit: Edit) -> bool {
    let known = |e: &EditPicture| e.acknowledged && (e.heard || !world.office.was_restored);
    matches!(edit, Edit::Record(_)) && world.edits.iter().any(|e| e.edit == edit && known(e))
}

/// Reasons that no phone of ours, cloned, restored or offline for a year, may ever give.
const fn never_honest(code: Code) -> bool {
    !matches!(
        code,
        Code::NotPermitted
            | Code::OutOfScope
            | Code::SamePerson
            | Code::VersionMoved
            | Code::UnknownTarget
            | Code::WrongState
            | Code::Erased
            // Held first, then refused by a human.
            | Code::Revoked
            | Code::ScopeLost
            | Code::TakenBefore
            | Code::Frozen
    )
}

/// A phone's documents are the office's, leaving out what the office holds or refused.
fn documents(world: &Picture, phone: &PhonePicture, found: &mut Vec<Breach>) {
    for (id, theirs) in &world.office.documents {
        let mine =
            phone.orgs.contains(&theirs.org) && phone.visible.contains(&theirs.site) && !phone.push_only;
        match phone.documents.get(id) {
            // A sheet closed before a bootstrap is not part of it: whoever had it has its record instead, and of
            // the sheet at most what he wrote again himself. It is less than the office's, never something else.
            Some(own) if theirs.frozen && world.office.was_restored && known_there(world, own) => {}
            Some(own) if own.heads != theirs.heads && mine => {
                let difference = format!("{}, {}, there {}", theirs.name, own.tips(), theirs.tips());
                found.push(Breach::Divergent(phone.name.clone(), difference));
            }
            // Frozen sheets are not part of a bootstrap.
            None if mine && !theirs.frozen => {
                found.push(Breach::DocumentMissing(phone.name.clone(), theirs.name.clone()));
            }
            _ => {}
        }
    }
}

/// Whether everything a document has is in the office's log; what its heads rest on then is, too.
fn known_there(world: &Picture, own: &Document) -> bool {
    own.heads.iter().all(|head| world.office.changes.contains(head))
}

/// A phone's rows are the office's rows in its scope.
fn rows(world: &Picture, phone: &PhonePicture, found: &mut Vec<Breach>) {
    if phone.push_only {
        return;
    }
    for (key, theirs) in world.office.rows.iter().filter(|(key, _)| key.is_of(&phone.visible)) {
        match phone.rows.get(key) {
            None => found.push(Breach::RowMissing(phone.name.clone(), *key)),
            Some(own) if own != theirs => found.push(Breach::RowDiffers(phone.name.clone(), *key)),
            Some(_) => {}
        }
    }
}

/// Nothing of a compound outside a phone's scope is on it; what its own people wrote there
/// and the office has not taken stays, because it is theirs.
fn leaks(phone: &PhonePicture, found: &mut Vec<Breach>) {
    let mut leaked = BTreeSet::new();
    for key in phone.rows.keys() {
        if let Some(site) = key.site()
            && !phone.visible.contains(&site)
            && !phone.unsettled.contains(&site)
        {
            leaked.insert(key.to_string());
        }
    }
    for document in phone.documents.values() {
        let foreign_org = !phone.orgs.contains(&document.org);
        let foreign_site =
            !phone.visible.contains(&document.site) && !phone.unsettled.contains(&document.site);
        if !document.heads.is_empty() && (foreign_org || foreign_site) {
            leaked.insert(document.name.clone());
        }
    }
    found.extend(leaked.into_iter().map(|what| Breach::Leaked(phone.name.clone(), what)));
}
