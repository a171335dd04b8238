//! A phone's closed file → what the checker asks of it.
//!
//! Documents are read without what is pending, held or returned: that is the part the
//! office must have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louan_schema::doc::Descriptor;
use louan_schema::id::{CommandId, DocId, OrgId, RecordId, SiteId};
use louan_schema::wire::{Code, Cursor, HazardStatus, Scope};
use rusqlite::Connection;

use super::{cbor, documents, rows};
use crate::check::{Fate, PhonePicture, RowKey};
use crate::oracle::{Edit, LifeId};

/// What the world knows about a phone and its file does not.
#[derive(Debug, Clone)]
pub struct Known {
    /// For people.
    pub name: String,
    /// Which life it is.
    pub life: LifeId,
    /// The organisations of its active people.
    pub orgs: BTreeSet<OrgId>,
    /// The compounds these see.
    pub visible: BTreeSet<SiteId>,
}

/// Reads a phone's file.
///
/// # Panics
/// When the file is not a phone's whole store.
#[must_use]
pub fn read(file: &Path, known: Known) -> PhonePicture {
    let connection = Connection::open(file).expect("a phone's file opens");
    let (edits, unsettled) = edits(&connection);
    let scope: Option<Scope> = meta(&connection, "scope");
    let cursor: Option<Cursor> = meta(&connection, "cursor");
    PhonePicture {
        name: known.name,
        life: known.life,
        orgs: known.orgs,
        visible: known.visible,
        unsettled,
        sealed: meta(&connection, "sealed").unwrap_or(false),
        push_only: scope.is_some_and(|scope| scope.push_only),
        cursor: cursor.map(|cursor| (cursor.epoch, cursor.pos)),
        edits,
        documents: settled_documents(&connection),
        rows: server_rows(&connection),
    }
}

fn meta<T: for<'b> minicbor::Decode<'b, ()>>(connection: &Connection, key: &str) -> Option<T> {
    let sql = format!("SELECT value FROM meta WHERE key = '{key}'");
    rows(connection, &sql, |row| row.get::<_, Vec<u8>>(0)).first().map(|bytes| cbor(bytes))
}

/// The edits on a phone, by what became of them, and the compounds with something unsettled.
#[must_use]
pub fn edits(connection: &Connection) -> (BTreeMap<Edit, Fate>, BTreeSet<SiteId>) {
    let mut edits = BTreeMap::new();
    let mut unsettled = BTreeSet::new();
    let sql = "SELECT record, state, code, site FROM outbox ORDER BY local_seq";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, Option<[u8; 16]>>(0)?, fate(row.get(1)?, row.get(2)?), SiteId(row.get(3)?)))
    };
    for (record, fate, site) in rows(connection, sql, read) {
        if !matches!(fate, Fate::Acknowledged) {
            unsettled.insert(site);
        }
        if let Some(record) = record {
            edits.insert(Edit::Record(RecordId(record)), fate);
        }
    }
    let sql = "SELECT id, state, code FROM command";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, fate(row.get(1)?, row.get(2)?)));
    for (id, fate) in rows(connection, sql, read) {
        edits.insert(Edit::Command(CommandId(id)), fate);
    }
    (edits, unsettled)
}

fn fate(state: String, code: Option<String>) -> Fate {
    let code = code.and_then(|name| Code::ALL.iter().copied().find(|code| code.name() == name));
    match (state.as_str(), code) {
        ("pending", _) => Fate::Pending,
        ("held", _) => Fate::Held,
        ("returned", Some(code)) => Fate::Returned(code),
        ("acknowledged", _) => Fate::Acknowledged,
        _ => Fate::Unknown,
    }
}

fn settled_documents(connection: &Connection) -> BTreeMap<DocId, crate::check::Document> {
    let read = |row: &rusqlite::Row<'_>| {
        let descriptor: Descriptor = cbor(&row.get::<_, Vec<u8>>(0)?);
        Ok((descriptor, row.get(1)?, row.get(2)?))
    };
    let bases = rows(connection, "SELECT descriptor, frozen, snapshot FROM doc", read);
    let sql = "SELECT doc, raw FROM tail \
               WHERE hash NOT IN (SELECT hash FROM outbox WHERE state <> 'acknowledged') ORDER BY id";
    let changes: Vec<(DocId, Vec<u8>)> = rows(connection, sql, |row| Ok((DocId(row.get(0)?), row.get(1)?)));
    documents(bases, changes.iter().map(|(doc, raw)| (*doc, raw.as_slice())))
}

fn server_rows(connection: &Connection) -> BTreeMap<RowKey, Vec<u8>> {
    let mut found = BTreeMap::new();
    let sites = rows(connection, "SELECT id, body FROM site", |row| {
        Ok((RowKey::Site(SiteId(row.get(0)?)), row.get(1)?))
    });
    found.extend(sites);
    let sql = "SELECT site, id, body FROM building";
    found.extend(rows(connection, sql, |row| {
        Ok((RowKey::Building(SiteId(row.get(0)?), row.get(1)?), row.get(2)?))
    }));
    let sql = "SELECT id, body FROM hazard";
    found.extend(rows(connection, sql, |row| {
        let body: Vec<u8> = row.get(1)?;
        let status: HazardStatus = cbor(&body);
        Ok((RowKey::Hazard(status.site, row.get(0)?), body))
    }));
    found
}
