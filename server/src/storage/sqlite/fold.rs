//! Facts and the rows folded from them, inside the write transaction.
//!
//! A fact belongs to a subject: a hazard (by the id of the record that first reported it) or
//! a round. What speaks of a record that is not here yet waits under that record's id and
//! moves with it when it comes, so the outcome does not depend on the order of arrival.

use std::collections::BTreeMap;

use louan_schema::doc::Descriptor;
use louan_schema::fold::Fact;
use louan_schema::id::{HazardId, OrgId, RecordId, RoundId, SiteId};
use louan_schema::record::{Body, Record};
use louan_schema::wire::HazardStatus;
use rusqlite::{Connection, OptionalExtension};

use super::apply::{Applying, Entry, kind, rulings};
use super::photos;
use super::value::{cbor, int, read};
use crate::ledger::{hazard_status, round_rows};
use crate::storage::ledger::StoredFact;

/// Stores a fact and gives the subject it belongs to.
pub(super) fn insert_fact(
    tx: &Connection,
    descriptor: &Descriptor,
    pos: u64,
    id: RecordId,
    record: &Record,
) -> rusqlite::Result<[u8; 16]> {
    let subject = match (&record.body, record.replaces) {
        (Body::Round(round), _) => round.round.0,
        (Body::Hazard(_), None) => id.0,
        (Body::Hazard(_), Some(replaced)) => subject_of(tx, replaced)?.unwrap_or(replaced.0),
        (body, _) => {
            let target = body.target().map_or(id, |target| target);
            subject_of(tx, target)?.unwrap_or(target.0)
        }
    };
    let sql = "INSERT INTO fact (id, doc, kind, org, site, subject, pos, author, written_at, bytes) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    tx.prepare_cached(sql)?.execute((
        id.0,
        descriptor.doc_id().0,
        record.body.kind().name(),
        descriptor.org().0,
        descriptor.site().0,
        subject,
        int(pos),
        record.author.0,
        record.written_at.ms(),
        record.to_bytes(),
    ))?;
    photos::cite(tx, id, record)?;
    if subject != id.0 {
        // What waited for this record now waits where it belongs.
        tx.prepare_cached("UPDATE fact SET subject = ?2 WHERE subject = ?1")?.execute((id.0, subject))?;
    }
    Ok(subject)
}

/// The hazard or round a record belongs to.
pub(super) fn subject_of(tx: &Connection, id: RecordId) -> rusqlite::Result<Option<[u8; 16]>> {
    tx.prepare_cached("SELECT subject FROM fact WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()
}

/// The facts of a subject, in the order of their ids.
pub(super) fn facts(tx: &Connection, subject: &[u8; 16]) -> rusqlite::Result<Vec<StoredFact>> {
    let sql = "SELECT id, org, site, bytes FROM fact WHERE subject = ?1 ORDER BY id";
    let row = |row: &rusqlite::Row<'_>| {
        let fact = Fact { id: RecordId(row.get(0)?), org: OrgId(row.get(1)?), record: read(row, 3)? };
        Ok(StoredFact { fact, site: SiteId(row.get(2)?) })
    };
    tx.prepare_cached(sql)?.query_map([subject], row)?.collect()
}

/// A hazard's row.
pub(super) fn hazard_row(tx: &Connection, id: HazardId) -> rusqlite::Result<Option<HazardStatus>> {
    let sql = "SELECT bytes FROM hazard_row WHERE id = ?1";
    tx.prepare_cached(sql)?.query_row([id.0], |row| read(row, 0)).optional()
}

/// Folds a hazard or round again, and tells the feed what changed.
pub(super) fn refold(applying: &mut Applying<'_>, subject: [u8; 16]) -> rusqlite::Result<()> {
    let facts = facts(applying.tx, &subject)?;
    write_rounds(applying.tx, RoundId(subject), &facts)?;
    let Some(status) = hazard_status(RecordId(subject), &facts, &rulings(applying.tx, &subject)?) else {
        return Ok(());
    };
    let entry = Entry { kind: kind::HAZARD, subject: &subject, site: Some(status.site), ..Entry::default() };
    applying
        .unless_same("hazard_row", &entry, &status, |tx, pos, bytes| write_hazard(tx, &status, pos, bytes))?;
    Ok(())
}

fn write_hazard(tx: &Connection, status: &HazardStatus, pos: u64, bytes: &[u8]) -> rusqlite::Result<usize> {
    let standing = status.reading.standing_at(louan_schema::time::Timestamp::from_ms(i64::MAX));
    let sql = "INSERT OR REPLACE INTO hazard_row (id, site, org, state, found_at, due_on, disposed_at, pos, bytes) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    tx.prepare_cached(sql)?.execute((
        status.reading.id.0,
        status.site.0,
        status.reading.org.0,
        status.state.number(),
        status.reading.found_at().ms(),
        status.due_on.map(|day| day.count()),
        standing.disposed_at.map(|at| at.ms()),
        int(pos),
        bytes,
    ))
}

fn write_rounds(tx: &Connection, id: RoundId, facts: &[StoredFact]) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM round_row WHERE id = ?1")?.execute([id.0])?;
    let sql = "INSERT INTO round_row (id, org, site, opened_at, complete, contested, failed, buildings) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    for row in round_rows(id, facts) {
        tx.prepare_cached(sql)?.execute((
            row.id.0,
            row.org.0,
            row.site.0,
            row.opened_at.ms(),
            row.complete,
            row.contested,
            row.failed,
            cbor(&row.buildings),
        ))?;
    }
    Ok(())
}

/// Throws facts and rows away and makes them again from the change log and the rulings.
/// Rows keep the position at which the feed last told of them: the feed is not rebuilt.
pub(super) fn rebuild(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch("DELETE FROM fact; DELETE FROM hazard_row; DELETE FROM round_row;")?;
    photos::forget_cites(tx)?;
    let sql = "SELECT change.pos, doc.descriptor, change.raw FROM change JOIN doc ON doc.id = change.doc \
               ORDER BY change.pos";
    let mut log = tx.prepare(sql)?;
    let mut rows = log.query([])?;
    while let Some(row) = rows.next()? {
        let descriptor: Descriptor = read(row, 1)?;
        if !descriptor.is_book() {
            continue;
        }
        let put = louan_schema::doc::scan::record_put(row.get_ref(2)?.as_blob()?)
            .map_err(|_| super::value::damaged(2))?;
        let record = Record::from_bytes(&put.bytes).map_err(|_| super::value::damaged(2))?;
        insert_fact(tx, &descriptor, super::value::count(row, 0)?, put.id, &record)?;
    }
    let subjects: Vec<[u8; 16]> = tx
        .prepare("SELECT DISTINCT subject FROM fact ORDER BY subject")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // Once through the feed for all hazards: it has no index by subject, and is long.
    let told: BTreeMap<Vec<u8>, u64> = tx
        .prepare("SELECT subject, MAX(pos) FROM feed WHERE kind = ?1 GROUP BY subject")?
        .query_map([kind::HAZARD], |row| Ok((row.get(0)?, super::value::count(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for subject in subjects {
        let facts = facts(tx, &subject)?;
        write_rounds(tx, RoundId(subject), &facts)?;
        if let Some(status) = hazard_status(RecordId(subject), &facts, &rulings(tx, &subject)?) {
            let pos = told.get(subject.as_slice()).copied().unwrap_or(0);
            write_hazard(tx, &status, pos, &cbor(&status))?;
        }
    }
    Ok(())
}
