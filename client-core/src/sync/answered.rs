//! Where the log stood when it answered for edits: the positions beyond the cursor by which a log that was put back is
//! found out.
//!
//! An answer is worth as much as the log that gave it. The phone's cursor vouches for answers up to its own position;
//! while a bootstrap goes on there is none, and a page that was begun long before knows nothing of them. So the phone
//! keeps the position that came with an answer, shows it with every request, and lets it go only once its cursor, in
//! the same log, has come as far. Nothing here decides what is in doubt then: see `absorb`.

use louan_schema::wire::{ANSWERED_AT_MAX, Cursor, Taken};

use super::Prepared;
use crate::error::Error;
use crate::store::{Meta, Writer};

/// The positions to be shown with a request.
pub(super) fn shown(w: &Writer<'_>) -> Result<Vec<Cursor>, Error> {
    let mut kept: Vec<Cursor> = w.meta(Meta::AnsweredAt)?.unwrap_or_default();
    kept.truncate(ANSWERED_AT_MAX);
    Ok(kept)
}

/// Whether a request still shows what is kept: a repeated reply to it finds something else.
pub(super) fn stands(w: &Writer<'_>, prepared: &Prepared) -> Result<bool, Error> {
    Ok(shown(w)? == prepared.request.answered_at)
}

/// Lets all of them go: everything they vouched for is in doubt, and will be answered for again.
pub(super) fn forget(w: &Writer<'_>) -> Result<(), Error> {
    w.unset_meta(Meta::AnsweredAt)?;
    Ok(())
}

/// Keeps what a reply vouches for; `stood` when the phone stood where it had asked from, so that the cursor it has now
/// is of the log that gave the reply.
pub(super) fn keep(w: &Writer<'_>, prepared: &Prepared, reply: &Taken, stood: bool) -> Result<(), Error> {
    let before: Vec<Cursor> = w.meta(Meta::AnsweredAt)?.unwrap_or_default();
    let cursor: Option<Cursor> = w.meta(Meta::Cursor)?;
    let request = &prepared.request;
    let asked = !request.batches.is_empty() || !request.verify.is_empty();
    // A cursor that was let go again vouched for everything before it.
    let vouches = asked || (stood && cursor.is_none());
    let here = reply.answered_at.or(reply.cursor).filter(|_| vouches);
    let (shown, mut kept): (Vec<Cursor>, Vec<Cursor>) =
        before.iter().copied().partition(|at| request.answered_at.contains(at));
    if stood {
        // All of one log: the furthest vouches for the others, the cursor for what it has reached.
        let furthest = shown.into_iter().chain(here).max_by_key(|at| at.pos);
        kept.extend(furthest.filter(|at| cursor.is_none_or(|cursor| cursor.pos < at.pos)));
    } else {
        // A late reply may be another log's than the one the phone stands in now.
        kept.extend(shown);
        kept.extend(here.filter(|at| cursor != Some(*at) && !before.contains(at)));
    }
    if kept != before {
        w.set_meta(Meta::AnsweredAt, &kept)?;
    }
    Ok(())
}
