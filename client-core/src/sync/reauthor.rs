//! Writing edits anew under another actor.
//!
//! What was refused only for its actor — a clone, a gap, a change behind a refused one —
//! or for what its author had not seen is the same edit in a new change: same record id,
//! same bytes, same taps. The old change is nowhere but on this phone, so nobody can ever
//! have both. Taps that no longer fit one change become several edits.

use std::collections::{BTreeMap, VecDeque};

use louan_schema::doc::scan::record_put;
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::wire::Code;

use super::fold;
use crate::error::Error;
use crate::store::commit::{Actor, LocalChange};
use crate::store::{EditState, OutboxRow, Writer};
use crate::usecase::{record, sheet};

/// What one reply refused and is to be written anew, and the sheets on which it took not everything.
pub(super) struct Refused {
    pub(super) rewrite: Vec<OutboxRow>,
    pub(super) sheets: Vec<Descriptor>,
}

impl Refused {
    /// Writes it anew, as it now stands: an edit that came down with the news is in the log, and one resting on what a
    /// whole copy lacks has been written anew with that already. How many edits were.
    pub(super) fn write(mut self, w: &Writer<'_>) -> Result<usize, Error> {
        self.rewrite.sort_by_key(|row| row.local_seq);
        self.rewrite.dedup_by_key(|row| row.local_seq);
        let mut now = Vec::new();
        for row in self.rewrite {
            now.extend(w.find_outbox_by_hash(row.hash)?.filter(|row| row.state == EditState::Pending));
        }
        // On a sheet an edit may rest on another actor's refused one.
        Ok(rows(w, now)? + on_sheets(w, self.sheets)?)
    }
}

/// Edits of these sheets that rest on a change that is no longer there are written anew; how many.
pub(super) fn on_sheets(w: &Writer<'_>, mut sheets: Vec<Descriptor>) -> Result<usize, Error> {
    sheets.sort_unstable();
    sheets.dedup();
    sheets.iter().map(|descriptor| stranded(w, descriptor)).sum()
}

/// Writes every pending edit anew: the device has become another one.
pub(crate) fn everything_pending(w: &Writer<'_>) -> Result<(), Error> {
    rows(w, w.list_outbox(EditState::Pending)?)?;
    Ok(())
}

/// Writes anew every pending edit that was never sent: the store has a new life.
pub(crate) fn everything_unsent(w: &Writer<'_>) -> Result<(), Error> {
    let mut unsent = w.list_outbox(EditState::Pending)?;
    unsent.retain(|row| !row.sent);
    rows(w, unsent)?;
    Ok(())
}

/// Writes these edits anew, in order; how many. The caller has seen to it that their documents have a new actor.
///
/// On a sheet an edit may rest on another actor's; those resting on one of these follow it.
pub(crate) fn rows(w: &Writer<'_>, rows: Vec<OutboxRow>) -> Result<usize, Error> {
    let mut sheets: Vec<Descriptor> =
        rows.iter().map(|row| row.descriptor).filter(|descriptor| !descriptor.is_book()).collect();
    sheets.sort_unstable();
    sheets.dedup();
    let written = write(w, rows)?;
    for descriptor in sheets {
        stranded(w, &descriptor)?;
    }
    Ok(written)
}

fn write(w: &Writer<'_>, mut rows: Vec<OutboxRow>) -> Result<usize, Error> {
    rows.sort_by_key(|row| row.local_seq);
    let mut written = 0;
    let mut sheets: BTreeMap<Descriptor, Vec<OutboxRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.descriptor.is_book()) {
        w.delete_tail(row.hash)?;
    }
    for row in rows {
        if row.descriptor.is_book() {
            book_row(w, &row)?;
            written += 1;
        } else {
            sheets.entry(row.descriptor).or_default().push(row);
        }
    }
    for (descriptor, rows) in sheets {
        let count = rows.len();
        match w.apart(|| sheet_rows(w, &descriptor, rows)) {
            // As they are they will be refused again, a few times, and then shown to their author: a sheet that
            // does not open keeps nothing else from being taken.
            Err(error) if error.document_fault().is_some() => {}
            done => {
                done?;
                written += count;
            }
        }
    }
    Ok(written)
}

/// Writes an edit of a book anew.
fn book_row(w: &Writer<'_>, row: &OutboxRow) -> Result<(), Error> {
    let Some(put) = row.raw.as_deref().and_then(|raw| record_put(raw).ok()) else {
        // Our own change cannot be taken apart: only its author can say what it said.
        return Ok(w.set_not_taken(
            row.local_seq,
            EditState::Returned,
            Some(Code::Malformed),
            row.written_at,
        )?);
    };
    let (actor, written) = record::change(w, &row.descriptor, &put)?;
    change(row, actor, &written).rewrite(w, row.local_seq)?;
    Ok(())
}

/// Writes edits of one sheet anew. An edit that becomes several takes further numbers, and what was written behind
/// it is put behind all of them: the office must get an actor's changes in their order, and a later answer must stay
/// the later one.
fn sheet_rows(w: &Writer<'_>, descriptor: &Descriptor, rows: Vec<OutboxRow>) -> Result<(), Error> {
    for row in &rows {
        w.delete_tail(row.hash)?;
    }
    let mut document = opened(w, descriptor)?;
    let mut left = VecDeque::from(rows);
    let mut split = false;
    while let Some(mut row) = left.pop_front() {
        if split {
            row.local_seq = w.put_last(row.local_seq)?;
        }
        let taps = taps(w, &row, &document)?;
        let values: Vec<Tap> = taps.iter().map(|(_, tap)| tap.clone()).collect();
        if !split && needs_parts(w, &document, descriptor, &values)? {
            split = true;
            if follow(w, &row, &mut left)? {
                document = opened(w, descriptor)?;
            }
        }
        let mut written_once = false;
        // Even what a colleague says in the same words by now: his may be lost, or held.
        fold::parts(w, &mut document, descriptor, &values, |part, (actor, written)| {
            if !written_once {
                written_once = true;
                return Ok(change(&row, actor, written).rewrite(w, row.local_seq)?);
            }
            let local_seq = change(&row, actor, written).commit(w)?;
            w.set_part_of(local_seq, row.local_seq)?;
            let ids = taps[part].iter().filter_map(|(id, _)| *id);
            Ok(ids.into_iter().try_for_each(|id| w.settle_tap(id, local_seq))?)
        })?;
        if !written_once {
            // A header that a colleague has written by now: nothing is left to send.
            w.set_acknowledged(row.local_seq, None, row.written_at)?;
        }
    }
    Ok(())
}

/// Adds every pending edit of the sheet behind this one that is not there yet; whether there were any.
fn follow(w: &Writer<'_>, row: &OutboxRow, left: &mut VecDeque<OutboxRow>) -> Result<bool, Error> {
    let before = left.len();
    for later in w.list_pending_in(row.doc)? {
        if later.local_seq > row.local_seq && left.iter().all(|known| known.local_seq != later.local_seq) {
            w.burn_actor(later.doc, later.n)?;
            w.delete_tail(later.hash)?;
            left.push_back(later);
        }
    }
    left.make_contiguous().sort_by_key(|row| row.local_seq);
    Ok(left.len() > before)
}

fn opened(w: &Writer<'_>, descriptor: &Descriptor) -> Result<Document, Error> {
    Ok(sheet::load_document(w, descriptor)?.unwrap_or_else(|| Document::fresh(descriptor.doc_id())))
}

fn needs_parts(
    w: &Writer<'_>,
    document: &Document,
    descriptor: &Descriptor,
    taps: &[Tap],
) -> Result<bool, Error> {
    match fold::write(w, document, descriptor, taps) {
        Err(error) if fold::is_too_much(&error) => Ok(true),
        other => other.map(|_| false),
    }
}

/// What an edit puts on its sheet, with the rows it comes from.
fn taps(w: &Writer<'_>, row: &OutboxRow, document: &Document) -> Result<Vec<(Option<i64>, Tap)>, Error> {
    let mut taps: Vec<_> =
        w.list_taps_of(row.local_seq)?.into_iter().map(|tap| (Some(tap.id), tap.tap)).collect();
    if let Descriptor::Sheet { round, .. } = row.descriptor
        && let Some(round) = w.find_round(round)?
        && round.opened_by == Some(row.person)
        && !round.header_owed
        && sheet::reading(document)?.template.is_none()
    {
        // Two writers of the same header say the same: no disagreement.
        taps.splice(0..0, fold::header(&round).map(|tap| (None, tap)));
    }
    Ok(taps)
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
    let document = match sheet::load_document(w, descriptor) {
        Ok(Some(document)) => document,
        Ok(None) => return Ok(0),
        // What is in a sheet that does not open cannot be told.
        Err(error) if error.document_fault().is_some() => return Ok(0),
        Err(error) => return Err(error),
    };
    let Some(first) = pending.iter().position(|row| !document.contains(row.hash)) else { return Ok(0) };
    let stranded: Vec<OutboxRow> = pending.into_iter().skip(first).collect();
    for row in &stranded {
        w.burn_actor(doc, row.n)?;
    }
    write(w, stranded)
}
