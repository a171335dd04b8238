//! A phone's closed file → what the checker asks of it.
//!
//! Documents are read without what is pending, held or returned: that is the part the
//! office must have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louan_schema::doc::Descriptor;
use louan_schema::doc::scan::record_put;
use louan_schema::id::{CommandId, DocId, OrgId, RecordId, RoundId, SiteId};
use louan_schema::policy::ItemCode;
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

/// Whether a round's sheet went from the phone with its organisation, which none of its people belongs to any more: no
/// sooner than the office had everything that was answered on it.
///
/// # Panics
/// When the file is not a phone's store.
#[must_use]
pub fn went_with_its_organisation(
    connection: &Connection,
    round: RoundId,
    answered: &BTreeSet<ItemCode>,
) -> bool {
    let Some(scope) = meta::<Scope>(connection, "scope") else { return false };
    let sheets: Vec<Descriptor> =
        rows(connection, "SELECT descriptor FROM outbox WHERE record IS NULL", |row| {
            Ok(cbor(&row.get::<_, Vec<u8>>(0)?))
        });
    let org = sheets.iter().find_map(|sheet| match sheet {
        Descriptor::Sheet { org, round: of, .. } if *of == round => Some(*org),
        _ => None,
    });
    let sql = "SELECT t.round, t.key, o.state IS 'acknowledged' FROM tap t LEFT JOIN outbox o ON o.local_seq = t.settled";
    let taps: Vec<(RoundId, String, bool)> =
        rows(connection, sql, |row| Ok((RoundId(row.get(0)?), row.get(1)?, row.get(2)?)));
    let here = || taps.iter().filter(|(of, ..)| *of == round);
    // A key names building, item, floor and field.
    let carried: BTreeSet<&str> = here().filter_map(|(_, key, _)| key.split('/').nth(1)).collect();
    let all_taken = here().all(|(.., taken)| *taken)
        && answered.iter().all(|item| carried.contains(item.to_string().as_str()));
    org.is_some_and(|org| !scope.orgs.contains(&org)) && all_taken
}

/// What colleagues wrote and this phone can bring back with their signed lists, and every record it shows.
///
/// # Panics
/// When the file is not a phone's store.
#[must_use]
pub fn kept_for_colleagues(connection: &Connection) -> (BTreeSet<Edit>, BTreeSet<Edit>) {
    let sql = "SELECT raw FROM colleague_change WHERE batch IS NOT NULL";
    let kept = rows(connection, sql, |row| row.get::<_, Vec<u8>>(0));
    let kept = kept.iter().filter_map(|raw| record_put(raw).ok()).map(|put| Edit::Record(put.id));
    let shown = rows(connection, "SELECT id FROM record", |row| Ok(Edit::Record(RecordId(row.get(0)?))));
    (kept.collect(), shown.into_iter().collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use louan_schema::time::Timestamp;

    const ROUND: RoundId = RoundId([4; 16]);

    fn bytes<T: minicbor::Encode<()>>(value: T) -> Vec<u8> {
        minicbor::to_vec(value).expect("encodes")
    }

    /// A phone told of this organisation, with one answer on a sheet of the first, carried by an edit in this state.
    fn went(told: OrgId, state: &str, settled: i64, answered: &[&str]) -> bool {
        let file = Connection::open_in_memory().expect("opens");
        let tables =
            "CREATE TABLE meta (key, value); CREATE TABLE outbox (local_seq, record, descriptor, state);
                      CREATE TABLE tap (round, key, settled)";
        file.execute_batch(tables).expect("tables");
        let sheet = Descriptor::Sheet { site: SiteId([1; 16]), org: OrgId([1; 16]), round: ROUND };
        let edit = (bytes(sheet), state);
        file.execute("INSERT INTO outbox VALUES (7, NULL, ?1, ?2)", edit).expect("an edit");
        for field in ["outcome", "note"] {
            let tap = (ROUND.as_bytes(), format!("0/L2-02/6/{field}"), settled);
            file.execute("INSERT INTO tap VALUES (?1, ?2, ?3)", tap).expect("an answer");
        }
        let scope = Scope {
            version: 1,
            orgs: vec![told],
            people: Vec::new(),
            streets: Vec::new(),
            push_only: false,
            lease_until: Timestamp::from_ms(0),
        };
        file.execute("INSERT INTO meta VALUES ('scope', ?1)", [bytes(scope)]).expect("a scope");
        let answered = answered.iter().map(|item| item.parse().expect("an item")).collect();
        went_with_its_organisation(&file, ROUND, &answered)
    }

    #[test]
    fn a_sheet_goes_with_its_organisation_and_not_before_all_of_it_was_taken() {
        let (own, other) = (OrgId([1; 16]), OrgId([2; 16]));
        assert!(went(other, "acknowledged", 7, &["L2-02"]));
        assert!(!went(own, "acknowledged", 7, &["L2-02"]), "the phone may have it");
        assert!(!went(other, "pending", 7, &["L2-02"]), "the office has it not");
        assert!(!went(other, "acknowledged", 8, &["L2-02"]), "no edit carries the answer");
        assert!(!went(other, "acknowledged", 7, &["L2-02", "L3-01"]), "an answer is nowhere");
    }
}
