//! When the office's log was put back from a backup: what is in doubt then, and what its answers settle.
//!
//! Everything that the log before took and no verified backup has is asked about; what this log lacks is sent again,
//! unchanged if it can be. What was returned is asked about, too: the log may have taken it from a copy. A position is
//! a place in one log: what the log before said of places and backups is worth nothing in this one. How a phone learns
//! that the log is another one is the office's to say and `answered`'s to show.

use louan_schema::id::{DocId, Epoch};
use louan_schema::time::Timestamp;
use louan_schema::wire::{Cursor, Taken};

use super::absorb::stands;
use super::{Absorbed, Prepared, answered, item, photo, reauthor};
use crate::error::Error;
use crate::store::{EditState, Meta, Writer};

/// The office's log was restored from a backup: everything settled and not in a verified backup is in
/// doubt, and the phone starts over from a bootstrap with the documents it has.
pub(super) fn epoch_changed(w: &Writer<'_>, prepared: &Prepared, epoch: Epoch) -> Result<Absorbed, Error> {
    // A repeated reply finds the phone elsewhere.
    let request = &prepared.request;
    let stood = request.cursor.is_some() || request.page.is_some() || !request.answered_at.is_empty();
    if stood && stands(w, prepared)? {
        doubt(w)?;
        w.unset_meta(Meta::Cursor)?;
        w.unset_meta(Meta::Page)?;
        w.set_meta(Meta::Epoch, &epoch)?;
    }
    Ok(Absorbed { epoch_changed: true, more: true, ..Absorbed::default() })
}

/// How far the log had come that gave the reply, if it says so; it does when it answers for anything.
pub(super) fn reached(reply: &Taken) -> Option<Cursor> {
    reply.answered_at.or(reply.cursor)
}

/// Puts everything in doubt if the log was restored while this phone had no cursor to be found out by; whether it was.
pub(super) fn another_log(w: &Writer<'_>, reply: &Taken) -> Result<bool, Error> {
    let Some(here) = reached(reply) else { return Ok(false) };
    let known: Option<Epoch> = w.meta(Meta::Epoch)?;
    let another = known.is_some_and(|known| known != here.epoch);
    if another {
        doubt(w)?;
    }
    w.set_meta(Meta::Epoch, &here.epoch)?;
    Ok(another)
}

/// Everything settled and not in a verified backup is to be asked about, everything held is sent again.
fn doubt(w: &Writer<'_>) -> Result<(), Error> {
    w.doubt_settled()?;
    w.doubt_received()?;
    send_held_again(w)?;
    w.doubt_colleagues()?;
    photo::doubt(w)?;
    answered::forget(w)
}

/// What is held is to be sent again: whatever was decided meanwhile did not come down. It stands where its author put
/// it until it is answered for, like anything else that is pending.
pub(super) fn send_held_again(w: &Writer<'_>) -> Result<(), Error> {
    for row in w.list_outbox(EditState::Held)? {
        w.set_pending(row.local_seq)?;
        // A compound that has left the phone is not brought back by what is sent about it; a phone told to do nothing
        // but send has whatever it had.
        let here = w.find_descriptor(row.doc)?.is_some() || item::in_scope(w, &row.descriptor)?;
        if let Some(raw) = row.raw.as_ref().filter(|_| here) {
            w.ensure_doc(&row.descriptor)?;
            w.insert_tail(row.doc, row.hash, raw)?;
        }
    }
    Ok(())
}

/// What a restored log still has is certain again; what it lacks is to be sent again, unchanged if it can be. What was
/// returned is not sent again, but taken if this log has it. The documents touched.
pub(super) fn verify(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    now: Timestamp,
    absorbed: &mut Absorbed,
) -> Result<Vec<DocId>, Error> {
    let mut touched = Vec::new();
    let mut sheets = Vec::new();
    let mut others = Vec::new();
    let device = w.meta(Meta::Device)?;
    let pos = reached(reply).map(|here| here.pos);
    for hash in &prepared.request.verify {
        let missing = reply.missing.contains(hash);
        if missing {
            w.set_missing(*hash)?;
        } else {
            w.set_found(*hash, pos)?;
        }
        let Some(row) = w.find_outbox_by_hash(*hash)?.filter(|row| row.unverified) else { continue };
        if row.state == EditState::Returned {
            w.set_verified(*hash, None)?;
            if !missing {
                item::taken_after_all(w, &row, &mut touched, now)?;
            }
            continue;
        }
        if !missing {
            w.set_verified(*hash, pos)?;
            continue;
        }
        absorbed.missing += 1;
        w.set_pending(row.local_seq)?;
        if let Some(raw) = &row.raw {
            w.ensure_doc(&row.descriptor)?;
            w.insert_tail(row.doc, row.hash, raw)?;
        }
        if Some(row.device) != device {
            others.push(row);
        } else if !row.descriptor.is_book() {
            sheets.push(row.descriptor);
        }
    }
    reauthor::rows(w, others)?;
    absorbed.rewritten += reauthor::on_sheets(w, sheets)?;
    Ok(touched)
}
