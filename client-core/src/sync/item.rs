//! Storing what comes down.
//!
//! A book's change costs a row of the tail and the rows its record makes; automerge is
//! not opened for it. A snapshot is opened once, to take its records out, and takes the
//! place of what was here. What this build cannot read is kept for a later one, and the
//! rest goes on.

use std::collections::BTreeSet;

use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::DocId;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Item, Row, Scope};

use super::{Absorbed, colleague, reauthor};
use crate::error::Error;
use crate::store::{EditState, Meta, OutboxRow, RoundRow, Writer};
use crate::usecase::{search, sheet};

/// Takes one item; documents it touched are added to `touched`.
pub(super) fn take(
    w: &Writer<'_>,
    item: &Item,
    now: Timestamp,
    absorbed: &mut Absorbed,
    touched: &mut Vec<DocId>,
) -> Result<(), Error> {
    absorbed.received += 1;
    let read = match item {
        Item::Change { doc, raw } => {
            touched.push(doc.doc_id());
            change(w, doc, raw, now)?
        }
        Item::Row(row) => {
            store_row(w, row)?;
            true
        }
        Item::Snapshot { doc, bytes } => snapshot(w, doc, bytes, now, absorbed)?,
        Item::Gone(site) => {
            w.set_gone(*site)?;
            true
        }
        Item::Decided { change, taken } => {
            if let Some(row) = w.find_outbox_by_hash(*change)? {
                match row.state {
                    EditState::Held => decided(w, &row, *taken, now)?,
                    EditState::Returned if *taken => taken_after_all(w, &row, touched, now)?,
                    _ => {}
                }
            }
            true
        }
        Item::Signed(list) => {
            colleague::keep(w, list)?;
            true
        }
        Item::Frozen(doc) => {
            w.ensure_doc(doc)?;
            w.set_frozen(doc.doc_id(), true)?;
            true
        }
    };
    if !read {
        absorbed.unread += 1;
    }
    Ok(())
}

fn store_row(w: &Writer<'_>, row: &Row) -> Result<(), Error> {
    match row {
        Row::Org(org) => w.upsert_org(org)?,
        Row::Person(person) => w.upsert_person(person)?,
        Row::Site(site) => search::store_site(w, site)?,
        Row::Building(building) => search::store_building(w, building)?,
        Row::Hazard(hazard) => w.upsert_hazard(hazard)?,
    }
    Ok(())
}

/// `false` when this build cannot read it.
fn change(w: &Writer<'_>, doc: &Descriptor, raw: &[u8], now: Timestamp) -> Result<bool, Error> {
    let Ok(scanned) = scan(raw) else {
        w.keep_unread(raw)?;
        return Ok(false);
    };
    w.ensure_doc(doc)?;
    // Whatever this phone thought of it: it is in the log.
    if let Some(own) = w.find_outbox_by_hash(scanned.hash)?
        && own.state != EditState::Acknowledged
    {
        w.set_acknowledged(own.local_seq, None, now)?;
    }
    w.insert_tail(doc.doc_id(), scanned.hash, raw)?;
    // Where it stands, its signed list says.
    w.settle_missing(scanned.hash, true, None)?;
    match doc {
        Descriptor::Book { .. } => match record_put(raw) {
            Ok(put) => Ok(w.insert_record(doc, &put, true)?),
            Err(_) => Ok(false),
        },
        Descriptor::Sheet { .. } => {
            remember_round(w, doc)?;
            Ok(true)
        }
    }
}

/// A colleague's round becomes visible with the first thing that comes of its sheet.
fn remember_round(w: &Writer<'_>, doc: &Descriptor) -> Result<(), Error> {
    if let Descriptor::Sheet { site, org, round } = *doc {
        w.insert_round(&RoundRow {
            id: round,
            site,
            org,
            opened_at: Timestamp::from_ms(round.minted_at_ms()),
            opened_by: None,
            header_owed: false,
            buildings: Vec::new(),
            submitted: None,
        })?;
    }
    Ok(())
}

/// Whether a document is this phone's to have: of a compound that lies here and an organisation of its people.
pub(super) fn in_scope(w: &Writer<'_>, doc: &Descriptor) -> Result<bool, Error> {
    let orgs = w.meta::<Scope>(Meta::Scope)?.map(|scope| scope.orgs);
    Ok(w.is_here(doc.site())? && orgs.is_none_or(|orgs| orgs.contains(&doc.org())))
}

fn decided(w: &Writer<'_>, row: &OutboxRow, taken: bool, now: Timestamp) -> Result<(), Error> {
    if taken {
        w.set_acknowledged(row.local_seq, None, now)?;
        // A compound that has left the phone is not brought back by a decision about it.
        if let Some(raw) = row.raw.as_ref()
            && in_scope(w, &row.descriptor)?
        {
            w.ensure_doc(&row.descriptor)?;
            w.insert_tail(row.doc, row.hash, raw)?;
        }
        return Ok(());
    }
    w.set_not_taken(row.local_seq, EditState::Returned, row.code, now)?;
    if let Some(record) = row.record {
        w.delete_record(row.doc, record)?;
    }
    Ok(())
}

/// Refused once and taken since: the office decided a second time, in a log put back to before it had decided.
pub(super) fn taken_after_all(
    w: &Writer<'_>,
    row: &OutboxRow,
    touched: &mut Vec<DocId>,
    now: Timestamp,
) -> Result<(), Error> {
    w.set_acknowledged(row.local_seq, None, now)?;
    if let Some(raw) = row.raw.as_ref()
        && in_scope(w, &row.descriptor)?
    {
        touched.push(row.doc);
        // Bytes of this phone's own making.
        change(w, &row.descriptor, raw, now)?;
    }
    Ok(())
}

/// `false` when this build cannot read it.
fn snapshot(
    w: &Writer<'_>,
    doc: &Descriptor,
    bytes: &[u8],
    now: Timestamp,
    absorbed: &mut Absorbed,
) -> Result<bool, Error> {
    w.ensure_doc(doc)?;
    let Ok(incoming) = Document::load_guarded(bytes) else {
        w.keep_unread(bytes)?;
        // The office has it; that this build cannot read it is no reason to empty what is here.
        w.set_confirmed(doc.doc_id())?;
        return Ok(false);
    };
    // A whole copy comes of a document that takes changes; of one that does not, the next item says so.
    w.set_frozen(doc.doc_id(), false)?;
    for row in w.list_untaken_in(doc.doc_id())? {
        if incoming.contains(row.hash) {
            w.set_acknowledged(row.local_seq, None, now)?;
        }
    }
    if !doc.is_book() {
        remember_round(w, doc)?;
    }
    replace(w, doc, (&incoming, Some(bytes)), absorbed)
}

/// Documents that a whole bootstrap did not bring: the office's log has nothing of them, or they are sheets
/// closed long ago.
pub(super) fn unconfirmed(w: &Writer<'_>, absorbed: &mut Absorbed) -> Result<(), Error> {
    for doc in w.list_stale_docs()? {
        replace(w, &doc, (&Document::fresh(doc.doc_id()), None), absorbed)?;
    }
    Ok(())
}

/// The office's copy takes the place of this phone's. What the phone had beyond it is not forgotten: own edits
/// are in the outbox and stay visible, colleagues' changes are kept to be brought back.
/// `false` when a record in it is not for this build to read.
fn replace(
    w: &Writer<'_>,
    doc: &Descriptor,
    (incoming, bytes): (&Document, Option<&[u8]>),
    absorbed: &mut Absorbed,
) -> Result<bool, Error> {
    let id = doc.doc_id();
    match sheet::load_document(w, doc) {
        Ok(Some(before)) => colleague::keep_lost(w, doc, &before, incoming)?,
        Ok(None) => {}
        // A copy that does not open is kept as it is, and the office's takes its place all the same.
        Err(error) if error.document_fault().is_some() => {
            let damaged = w.find_doc(id)?.and_then(|row| row.snapshot);
            damaged.map_or(Ok(()), |bytes| w.keep_unread(&bytes))?;
        }
        Err(error) => return Err(error),
    }
    w.set_snapshot(id, bytes)?;
    w.set_confirmed(id)?;
    for change in w.tail(id)? {
        if !change.own_unsettled || incoming.contains(change.hash) {
            w.delete_tail(change.hash)?;
        }
    }
    for row in w.list_unverified_in(id)? {
        if let Some(raw) = row.raw.filter(|_| !incoming.contains(row.hash)) {
            w.insert_tail(id, row.hash, &raw)?;
        }
    }
    if !doc.is_book() {
        absorbed.rewritten += reauthor::stranded(w, doc)?;
        return Ok(true);
    }
    let mut read = true;
    let mut has = BTreeSet::new();
    for (kind, record, bytes) in incoming.read_book() {
        has.insert(record);
        let put = louan_schema::doc::scan::RecordPut { kind, id: record, bytes };
        read &= w.insert_record(doc, &put, true)?;
    }
    w.delete_records_beyond(id, &has)?;
    Ok(read)
}
