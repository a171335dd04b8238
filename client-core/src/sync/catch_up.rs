//! Hearing everything first, before what a flood refused is sent again.
//!
//! An edit refused because too much stood under its key that its author had not seen is written anew on what the
//! reply brings. Where one reply does not bring all of it, the next attempt would be refused like the first. So
//! nothing of any sheet is sent or folded until nothing more is to be fetched; books and commands go on. It ends by
//! itself, because there is only so much to fetch.

use louan_schema::wire::{Code, Taken, Verdict};

use super::reauthor;
use crate::error::Error;
use crate::store::{EditState, Meta, OutboxRow, Reader, Writer};

/// Whether sheets have to wait.
pub(super) fn is_on(r: &Reader<'_>) -> Result<bool, Error> {
    Ok(r.meta(Meta::CatchUp)?.unwrap_or(false))
}

/// Takes notice of a reply whose news have been taken; how many edits were written anew because nothing more is to
/// come.
pub(super) fn heard(w: &Writer<'_>, reply: &Taken) -> Result<usize, Error> {
    let flooded = |verdict: &Verdict| *verdict == Verdict::NotTaken(Code::ConflictFlood);
    if reply.more {
        if reply.changes.iter().flatten().any(flooded) {
            w.set_meta(Meta::CatchUp, &true)?;
        }
        return Ok(0);
    }
    if !is_on(w)? {
        return Ok(0);
    }
    w.unset_meta(Meta::CatchUp)?;
    // They were written on a part of what has come since, and have not been sent.
    let refused = |row: &OutboxRow| !row.descriptor.is_book() && row.actor_refusals > 0 && !row.sent;
    let rows: Vec<_> = w.list_outbox(EditState::Pending)?.into_iter().filter(refused).collect();
    for row in &rows {
        w.burn_actor(row.doc, row.n)?;
    }
    reauthor::rows(w, rows)
}
