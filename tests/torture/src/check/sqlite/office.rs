//! The office's closed file → what the checker asks of it.
//!
//! Documents are made again from the change log alone; that the saved ones agree is part of
//! the picture, under what a rebuild would change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louan_schema::doc::scan::record_put;
use louan_schema::doc::{Descriptor, Document as Opened};
use louan_schema::id::{ChangeHash, CommandId, DocId, Epoch, RecordId, SiteId};
use louan_schema::wire::{Code, CommandVerdict, Disposition};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::{cbor, documents, rows};
use crate::check::{OfficePicture, RowKey};
use crate::oracle::Edit;

/// The tables that a rebuild throws away and makes again.
const DERIVED: [&str; 3] = ["fact", "hazard_row", "round_row"];

/// Reads the office's file.
///
/// # Panics
/// When the file is not an office's whole store.
#[must_use]
pub fn read(file: &Path) -> OfficePicture {
    let connection = Connection::open(file).expect("the office's file opens");
    let read = |row: &rusqlite::Row<'_>| Ok((Epoch(row.get(0)?), row.get::<_, i64>(1)?));
    let (epoch, head) = rows(&connection, "SELECT epoch, head FROM stream", read)[0];
    let sql = "SELECT doc, hash, raw FROM change ORDER BY pos";
    let read = |row: &rusqlite::Row<'_>| Ok((DocId(row.get(0)?), ChangeHash(row.get(1)?), row.get(2)?));
    let changes: Vec<(DocId, ChangeHash, Vec<u8>)> = rows(&connection, sql, read);
    let read = |row: &rusqlite::Row<'_>| {
        let descriptor: Descriptor = cbor(&row.get::<_, Vec<u8>>(0)?);
        Ok((descriptor, row.get(1)?, None))
    };
    let bases = rows(&connection, "SELECT descriptor, frozen FROM doc", read);
    OfficePicture {
        epoch,
        head: u64::try_from(head).expect("a position"),
        was_restored: false,
        edits: edits(&connection),
        held: held(&connection),
        changes: changes.iter().map(|(_, hash, _)| *hash).collect(),
        documents: documents(bases, changes.iter().map(|(doc, _, raw)| (*doc, raw.as_slice()))),
        rows: server_rows(&connection),
        rebuilt_differs: Vec::new(),
        audit_broken: None,
    }
}

fn edits(connection: &Connection) -> BTreeSet<Edit> {
    let mut edits: BTreeSet<Edit> =
        rows(connection, "SELECT id FROM fact", |row| Ok(Edit::Record(RecordId(row.get(0)?))))
            .into_iter()
            .collect();
    let sql = "SELECT id, verdict FROM command";
    let read = |row: &rusqlite::Row<'_>| Ok((CommandId(row.get(0)?), row.get::<_, Vec<u8>>(1)?));
    for (id, verdict) in rows(connection, sql, read) {
        if matches!(cbor(&verdict), CommandVerdict::Done(_) | CommandVerdict::Duplicate(_)) {
            edits.insert(Edit::Command(id));
        }
    }
    edits
}

/// Records among the changes that wait, or waited, for a human. What was refused by a rule is not among them.
fn held(connection: &Connection) -> BTreeSet<Edit> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?));
    let found = rows(connection, "SELECT code, raw FROM held", read);
    let waits = |name: &str| {
        let code = Code::ALL.iter().find(|code| code.name() == name);
        code.is_some_and(|code| code.disposition() == Disposition::Held)
    };
    let records = found.iter().filter(|(code, _)| waits(code)).filter_map(|(_, raw)| record_put(raw).ok());
    records.map(|put| Edit::Record(put.id)).collect()
}

/// The hashes of changes in the log, for a look while the office is closed.
#[must_use]
pub fn change_hashes(connection: &Connection) -> BTreeSet<ChangeHash> {
    rows(connection, "SELECT hash FROM change", |row| Ok(ChangeHash(row.get(0)?))).into_iter().collect()
}

fn server_rows(connection: &Connection) -> BTreeMap<RowKey, Vec<u8>> {
    let mut found = BTreeMap::new();
    found.extend(rows(connection, "SELECT id, bytes FROM site", |row| {
        Ok((RowKey::Site(SiteId(row.get(0)?)), row.get(1)?))
    }));
    found.extend(rows(connection, "SELECT site, id, bytes FROM building", |row| {
        Ok((RowKey::Building(SiteId(row.get(0)?), row.get(1)?), row.get(2)?))
    }));
    found.extend(rows(connection, "SELECT site, id, bytes FROM hazard_row", |row| {
        Ok((RowKey::Hazard(SiteId(row.get(0)?), row.get(1)?), row.get(2)?))
    }));
    found
}

/// Everything a rebuild makes again, as text, a line a row; saved documents by their heads.
///
/// # Panics
/// When the file is not an office's whole store.
#[must_use]
pub fn derived(file: &Path) -> BTreeSet<String> {
    let connection = Connection::open(file).expect("the office's file opens");
    let mut lines = BTreeSet::new();
    for table in DERIVED {
        let found = rows(&connection, &format!("SELECT * FROM {table}"), |row| {
            let columns = row.as_ref().column_count();
            let values: Vec<Value> = (0..columns).map(|i| row.get(i)).collect::<Result<_, _>>()?;
            Ok(format!("{table} {values:?}"))
        });
        lines.extend(found);
    }
    let read = |row: &rusqlite::Row<'_>| {
        let snapshot: Vec<u8> = row.get(1)?;
        let heads = Opened::load(&snapshot).map(|document| document.heads());
        Ok(format!("doc {} {heads:?}", DocId(row.get(0)?)))
    };
    lines.extend(rows(&connection, "SELECT id, snapshot FROM doc", read));
    lines
}
