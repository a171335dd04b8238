//! Storing what comes down.
//!
//! A book's change costs a row of the tail and the rows its record makes; automerge is
//! not opened for it. A snapshot is opened once, to take its records out. What this build
//! cannot read is kept for a later one, and the rest goes on.

use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::DocId;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Item, Row};

use super::{Absorbed, reauthor};
use crate::error::Error;
use crate::store::{EditState, OutboxRow, RoundRow, Writer};
use crate::usecase::search;

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
            if let Some(row) = w.find_outbox_by_hash(*change)?.filter(|row| row.state == EditState::Held) {
                decided(w, &row, *taken, now)?;
            }
            true
        }
        Item::Frozen(doc) => {
            w.ensure_doc(doc)?;
            w.set_frozen(doc.doc_id())?;
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

fn decided(w: &Writer<'_>, row: &OutboxRow, taken: bool, now: Timestamp) -> Result<(), Error> {
    if taken {
        w.set_acknowledged(row.local_seq, None, now)?;
        if let Some(raw) = &row.raw {
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

/// `false` when this build cannot read it.
fn snapshot(
    w: &Writer<'_>,
    doc: &Descriptor,
    bytes: &[u8],
    now: Timestamp,
    absorbed: &mut Absorbed,
) -> Result<bool, Error> {
    let Ok(incoming) = Document::load(bytes) else {
        w.keep_unread(bytes)?;
        return Ok(false);
    };
    w.ensure_doc(doc)?;
    for row in w.list_pending_in(doc.doc_id())? {
        if incoming.contains(row.hash) {
            w.set_acknowledged(row.local_seq, None, now)?;
        }
    }
    if doc.is_book() {
        book(w, doc, incoming, bytes)
    } else {
        sheet(w, doc, &incoming, bytes, absorbed)?;
        Ok(true)
    }
}

/// A book's copies are added up: what a restored office has lost stays here.
fn book(w: &Writer<'_>, doc: &Descriptor, incoming: Document, bytes: &[u8]) -> Result<bool, Error> {
    let id = doc.doc_id();
    let mut read = true;
    for (kind, record, bytes) in incoming.read_book() {
        let put = louan_schema::doc::scan::RecordPut { kind, id: record, bytes };
        read &= w.insert_record(doc, &put, true)?;
    }
    let before = w.find_doc(id)?.and_then(|row| row.snapshot);
    let mut whole = incoming;
    let mut changed = false;
    if let Some(before) = before.and_then(|bytes| Document::load(&bytes).ok()) {
        let mut both = whole.clone();
        if both.merge(&before).is_ok() {
            (whole, changed) = (both, true);
        }
    }
    for change in w.tail(id)?.into_iter().filter(|change| !change.own_unsettled) {
        if !whole.contains(change.hash) {
            let mut copy = whole.clone();
            if copy.add(&change.raw).is_err() {
                continue;
            }
            (whole, changed) = (copy, true);
        }
        w.delete_tail(change.hash)?;
    }
    if changed {
        w.set_snapshot(id, &whole.save())?
    } else {
        w.set_snapshot(id, bytes)?
    }
    Ok(read)
}

/// A sheet's copy is replaced: further answers must rest on what the office has.
fn sheet(
    w: &Writer<'_>,
    doc: &Descriptor,
    incoming: &Document,
    bytes: &[u8],
    absorbed: &mut Absorbed,
) -> Result<(), Error> {
    let id = doc.doc_id();
    remember_round(w, doc)?;
    w.set_snapshot(id, bytes)?;
    for change in w.tail(id)? {
        if !change.own_unsettled || incoming.contains(change.hash) {
            w.delete_tail(change.hash)?;
        }
    }
    absorbed.rewritten += reauthor::stranded(w, doc)?;
    Ok(())
}
