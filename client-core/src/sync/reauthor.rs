//! Writing edits anew under another actor.
//!
//! What was refused only for its actor — a clone, a gap, a change behind a refused one —
//! is the same edit in a new change: same record id, same bytes, same taps. The old
//! change is nowhere but on this phone, so nobody can ever have both.

use louan_schema::doc::scan::record_put;
use louan_schema::doc::write::record_change;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::wire::Code;

use super::fold;
use crate::error::Error;
use crate::store::commit::{Actor, LocalChange};
use crate::store::{EditState, OutboxRow, Writer};
use crate::usecase::sheet;

/// Writes every pending edit anew: the device has become another one.
pub(crate) fn everything_pending(w: &Writer<'_>) -> Result<(), Error> {
    rows(w, w.list_outbox(EditState::Pending)?)
}

/// Writes anew every pending edit that was never sent: the store has a new life.
pub(crate) fn everything_unsent(w: &Writer<'_>) -> Result<(), Error> {
    let mut unsent = w.list_outbox(EditState::Pending)?;
    unsent.retain(|row| !row.sent);
    rows(w, unsent)
}

/// Writes these edits anew, in order. The caller has seen to it that their documents have a new actor.
///
/// On a sheet an edit may rest on another actor's; those resting on one of these follow it.
pub(crate) fn rows(w: &Writer<'_>, rows: Vec<OutboxRow>) -> Result<(), Error> {
    let mut sheets: Vec<Descriptor> =
        rows.iter().map(|row| row.descriptor).filter(|descriptor| !descriptor.is_book()).collect();
    sheets.sort_unstable();
    sheets.dedup();
    write(w, rows)?;
    for descriptor in sheets {
        stranded(w, &descriptor)?;
    }
    Ok(())
}

fn write(w: &Writer<'_>, mut rows: Vec<OutboxRow>) -> Result<(), Error> {
    rows.sort_by_key(|row| row.local_seq);
    for row in &rows {
        w.delete_tail(row.hash)?;
    }
    let mut open: Vec<(Descriptor, Document)> = Vec::new();
    for row in &rows {
        if row.descriptor.is_book() {
            record(w, row)?;
            continue;
        }
        let at = match open.iter().position(|(descriptor, _)| *descriptor == row.descriptor) {
            Some(at) => at,
            None => {
                let loaded = sheet::load_document(w, &row.descriptor)?;
                open.push((row.descriptor, loaded.unwrap_or_else(|| Document::fresh(row.doc))));
                open.len() - 1
            }
        };
        taps(w, row, &mut open[at].1)?;
    }
    Ok(())
}

fn record(w: &Writer<'_>, row: &OutboxRow) -> Result<(), Error> {
    let Some(put) = row.raw.as_deref().and_then(|raw| record_put(raw).ok()) else {
        // Our own change cannot be taken apart: only its author can say what it said.
        return Ok(w.set_not_taken(
            row.local_seq,
            EditState::Returned,
            Some(Code::Malformed),
            row.written_at,
        )?);
    };
    let actor = Actor::current(w, row.doc)?;
    let written =
        record_change(&row.descriptor, actor.id(row.doc), actor.tip, (put.kind, put.id), put.bytes)?;
    change(row, actor, &written).rewrite(w, row.local_seq)?;
    Ok(())
}

fn taps(w: &Writer<'_>, row: &OutboxRow, document: &mut Document) -> Result<(), Error> {
    let mut taps: Vec<_> = w.list_taps_of(row.local_seq)?.into_iter().map(|tap| tap.tap).collect();
    if let Descriptor::Sheet { round, .. } = row.descriptor
        && let Some(round) = w.find_round(round)?
        && round.opened_by == Some(row.person)
        && !round.header_owed
        && document.read_sheet().template.is_none()
    {
        // Two writers of the same header say the same: no disagreement.
        taps.splice(0..0, fold::header(&round));
    }
    match fold::write(w, document, &row.descriptor, &taps)? {
        // All of it stands there by now: nothing is left to send.
        None => w.set_acknowledged(row.local_seq, None, row.written_at)?,
        Some((next, actor, written)) => {
            *document = next;
            change(row, actor, &written).rewrite(w, row.local_seq)?;
        }
    }
    Ok(())
}

const fn change<'a>(
    row: &OutboxRow,
    actor: Actor,
    written: &'a louan_schema::doc::Written,
) -> LocalChange<'a> {
    LocalChange {
        person: row.person,
        descriptor: row.descriptor,
        actor,
        written,
        record: row.record,
        written_at: row.written_at,
    }
}

/// Pending edits of a sheet that its document, as it now stands, cannot take are written anew: what they
/// rest on is no longer there.
pub(crate) fn stranded(w: &Writer<'_>, descriptor: &Descriptor) -> Result<usize, Error> {
    let doc = descriptor.doc_id();
    let pending = w.list_pending_in(doc)?;
    let Some(document) = sheet::load_document(w, descriptor)? else { return Ok(0) };
    let Some(first) = pending.iter().position(|row| !document.contains(row.hash)) else { return Ok(0) };
    let stranded: Vec<OutboxRow> = pending.into_iter().skip(first).collect();
    for row in &stranded {
        w.burn_actor(doc, row.n)?;
    }
    let count = stranded.len();
    write(w, stranded)?;
    Ok(count)
}
