//! A database looked through from its first row: is it whole, and does everything follow.
//!
//! Structure (SQLite's own check), the log's running hash and the hash of every change in it, the audit's chain,
//! the registry's rows against what the log says of them; in a copy also the ledger against one made again from
//! the log. Nothing is mended here, and nothing is held in memory that grows with the database, besides the names of
//! photos, which whoever asks compares with files.

use std::collections::BTreeSet;
use std::path::Path;

use louan_schema::doc::scan::scan;
use louan_schema::id::{BlobHash, Chain, Epoch};
use louan_schema::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::apply::kind;
use super::tenancy::beside;
use super::value::{count, database, decoded, int};
use super::{connect, connect_still, copy, fold, migrate};
use crate::audit::{Entry, Line, Verifier};
use crate::storage::StorageError;
use crate::storage::log::Head;

const DOING: &str = "look through the database";
/// The tables that a rebuild makes again, each in the order of its key.
const DERIVED: [(&str, &str); 3] = [("fact", "id"), ("hazard_row", "id"), ("round_row", "id, org, site")];
/// Tables whose rows name the position at which the log last told of them, with the hash of their bytes.
const TOLD: [&str; 4] = ["org", "person", "site", "building"];

/// Something that does not follow (损坏之处).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// SQLite finds its own structure broken; its first words.
    Structure(String),
    /// The first position at which the log does not follow from what stands before it.
    Log(u64),
    /// The first line of the audit that does not follow from the one before.
    Audit(u64),
    /// A row of this table is not what the log says of it.
    Row(&'static str),
    /// This derived table is not what the log makes of it.
    Ledger(&'static str),
}

/// How many there are of what a backup must bring back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Changes in the log.
    pub changes: u64,
    /// Changes refused or held.
    pub held: u64,
    /// Documents.
    pub documents: u64,
    /// Rulings.
    pub rulings: u64,
    /// Hazards in the ledger.
    pub hazards: u64,
    /// Compounds.
    pub sites: u64,
    /// Organisations.
    pub orgs: u64,
    /// People.
    pub people: u64,
    /// Devices.
    pub devices: u64,
    /// Lines of the audit.
    pub audit: u64,
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its version.
    pub version: i64,
    /// Where its log stands.
    pub head: Head,
    /// How many of what.
    pub counts: Counts,
    /// The audit's running hash.
    pub audit_chain: [u8; 32],
}

/// What was found in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What it says of itself.
    pub summary: Summary,
    /// The newest instant of receipt or audit, by the system clock that then was.
    pub newest: Option<Timestamp>,
    /// Everything that does not follow.
    pub damages: Vec<Damage>,
}

/// What the database at `path` says of itself; nothing of it is checked.
///
/// # Errors
/// As for [`examine`].
pub fn summary(path: &Path) -> Result<Summary, StorageError> {
    let connection = connect(path, true)?;
    let version = copy::version(&connection)?;
    migrate::refuse_newer(version)?;
    let read = || -> rusqlite::Result<Summary> {
        let tx = connection.unchecked_transaction()?;
        summed(&tx, version)
    };
    read().map_err(|e| database(DOING, e))
}

/// A connection for a short look: beside whoever has the database open, or without making anything beside it.
fn looking(path: &Path) -> Result<Connection, StorageError> {
    if beside(path, "-wal").exists() { connect(path, true) } else { connect_still(path) }
}

/// The audit's running hash at some of its lines, nothing where it ends before; nothing is written or made.
///
/// # Errors
/// [`StorageError::Database`].
pub fn audit_chains_at(path: &Path, lines: &[u64]) -> Result<Vec<Option<[u8; 32]>>, StorageError> {
    let connection = looking(path)?;
    let read = || -> rusqlite::Result<_> {
        let mut chain = connection.prepare("SELECT chain FROM audit WHERE seq = ?1")?;
        lines.iter().map(|line| chain.query_row([int(*line)], |row| row.get(0)).optional()).collect()
    };
    read().map_err(|e| database(DOING, e))
}

/// The lines of the audit that tell of a restore: the number of each, and the life of the log that was put back;
/// nothing is written or made.
///
/// # Errors
/// [`StorageError::Database`].
pub fn audit_restores(path: &Path) -> Result<Vec<(u64, String)>, StorageError> {
    let connection = looking(path)?;
    let read = || -> rusqlite::Result<_> {
        let mut restores = Vec::new();
        let mut lines = connection.prepare("SELECT seq, bytes FROM audit ORDER BY seq")?;
        let mut rows = lines.query([])?;
        while let Some(row) = rows.next()? {
            let bytes: Vec<u8> = row.get(1)?;
            // A line that cannot be read tells of nothing; that it is damaged is found elsewhere.
            let Ok(entry) = minicbor::decode::<Entry>(&bytes) else { continue };
            if entry.act == "restore" {
                let life = entry.subject.split(' ').next().unwrap_or_default();
                restores.push((count(row, 0)?, life.to_owned()));
            }
        }
        Ok(restores)
    };
    read().map_err(|e| database(DOING, e))
}

/// Every photo that the database at `path` speaks of; nothing is written or made. One of before there were photos speaks
/// of none. Thumbnails are not among them: the office makes its own, and no phone is asked to send one again.
///
/// # Errors
/// [`StorageError::Database`].
pub fn photo_hashes(path: &Path) -> Result<BTreeSet<BlobHash>, StorageError> {
    let connection = looking(path)?;
    let read = || -> rusqlite::Result<_> {
        let exists = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'photo'";
        if !connection.prepare(exists)?.exists([])? {
            return Ok(BTreeSet::new());
        }
        let sql = "SELECT hash FROM photo WHERE kind <> 2";
        connection.prepare(sql)?.query_map([], |row| row.get(0).map(BlobHash))?.collect()
    };
    read().map_err(|e| database(DOING, e))
}

/// Looks through the database at `path`, which may be in use; nothing is written to it or made beside it.
///
/// # Errors
/// [`StorageError::Ahead`] for one of a newer build; [`StorageError::Database`] and [`StorageError::Damaged`] when
/// it cannot even be read.
pub fn examine(path: &Path) -> Result<Examined, StorageError> {
    // Without a log beside it nobody has it open for writing, and it can be read without making one. If somebody
    // opens it meanwhile, what was read may be of two moments: it is read again.
    let log = beside(path, "-wal");
    if !log.exists() {
        let examined = examine_by(connect_still(path)?);
        if !log.exists() {
            return examined;
        }
    }
    examine_by(connect(path, true)?)
}

fn examine_by(connection: Connection) -> Result<Examined, StorageError> {
    let version = copy::version(&connection)?;
    migrate::refuse_newer(version)?;
    let tx = connection.unchecked_transaction().map_err(|e| database(DOING, e))?;
    look_through(&tx, version).map_err(|e| database(DOING, e))
}

/// Looks through a copy that is nobody's store: brings it to this build's version, makes its ledger again and
/// compares. The copy is changed by it, and of no use afterwards.
///
/// # Errors
/// As for [`examine`].
pub fn examine_copy(path: &Path) -> Result<Examined, StorageError> {
    let mut connection = connect(path, false)?;
    let version = copy::version(&connection)?;
    migrate::migrate(&mut connection)?;
    let look = || -> rusqlite::Result<Examined> {
        let tx = connection.unchecked_transaction()?;
        let mut examined = look_through(&tx, version)?;
        // On a log that does not hold, nothing can be made again.
        if examined.damages.is_empty() {
            examined.damages.extend(ledger_damages(&tx)?);
        }
        tx.rollback()?;
        Ok(examined)
    };
    look().map_err(|e| database(DOING, e))
}

fn summed(tx: &Connection, version: i64) -> rusqlite::Result<Summary> {
    let sql = "SELECT chain FROM audit ORDER BY seq DESC LIMIT 1";
    let audit_chain = tx.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or([0; 32]);
    Ok(Summary { version, head: head(tx)?, counts: counts(tx)?, audit_chain })
}

fn look_through(tx: &Connection, version: i64) -> rusqlite::Result<Examined> {
    let mut damages = Vec::new();
    damages.extend(structure_damage(tx)?);
    let summary = summed(tx, version)?;
    let log = log_damage(tx, &summary.head)?;
    let log_holds = log.is_none();
    damages.extend(log);
    let (newest_audit, broken) = audit_damage(tx)?;
    damages.extend(broken);
    // What rows are compared with must hold itself.
    for table in TOLD.into_iter().filter(|_| log_holds) {
        damages.extend(row_damage(tx, table)?);
    }
    let newest: Option<i64> = tx.query_row("SELECT MAX(received_at) FROM change", [], |row| row.get(0))?;
    let newest = newest.map(Timestamp::from_ms).max(newest_audit);
    Ok(Examined { summary, newest, damages })
}

fn head(tx: &Connection) -> rusqlite::Result<Head> {
    tx.query_row("SELECT id, epoch, head, chain, backed_up_pos FROM stream", [], |row| {
        Ok(Head {
            stream: row.get(0)?,
            epoch: Epoch(row.get(1)?),
            pos: count(row, 2)?,
            chain: Chain(row.get(3)?),
            backed_up_pos: count(row, 4)?,
        })
    })
}

fn counts(tx: &Connection) -> rusqlite::Result<Counts> {
    let of = |table: &str| tx.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| count(row, 0));
    Ok(Counts {
        changes: of("change")?,
        held: of("held")?,
        documents: of("doc")?,
        rulings: of("ruling")?,
        hazards: of("hazard_row")?,
        sites: of("site")?,
        orgs: of("org")?,
        people: of("person")?,
        devices: of("device")?,
        audit: of("audit")?,
    })
}

fn structure_damage(tx: &Connection) -> rusqlite::Result<Option<Damage>> {
    let said: String = tx.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Ok(Some(Damage::Structure(said)));
    }
    let dangling = tx.prepare("PRAGMA foreign_key_check")?.exists([])?;
    Ok(dangling.then(|| Damage::Structure("a row refers to one that is not there".to_owned())))
}

/// The log from its first position: none left out, each with the running hash that follows, each change with the
/// hash of its bytes, and as many changes as the log tells of.
fn log_damage(tx: &Connection, head: &Head) -> rusqlite::Result<Option<Damage>> {
    let sql = "SELECT feed.pos, feed.kind, feed.subject, feed.content, feed.chain, change.hash, change.raw \
               FROM feed LEFT JOIN change ON change.pos = feed.pos WHERE feed.stream = ?1 ORDER BY feed.pos";
    let mut query = tx.prepare(sql)?;
    let mut rows = query.query([head.stream])?;
    let (mut pos, mut chain, mut changes) = (0_u64, [0_u8; 16], 0_u64);
    while let Some(row) = rows.next()? {
        pos += 1;
        let content: [u8; 32] = row.get(3)?;
        let told: [u8; 16] = row.get(4)?;
        let hash = Sha256::new()
            .chain_update(chain)
            .chain_update(pos.to_be_bytes())
            .chain_update(content)
            .finalize();
        chain.copy_from_slice(&hash[..16]);
        let kind: u8 = row.get(1)?;
        changes += u64::from(kind == kind::CHANGE);
        if count(row, 0)? != pos || chain != told || !content_holds(row, kind, &content)? {
            return Ok(Some(Damage::Log(pos)));
        }
    }
    let stored: u64 = tx.query_row("SELECT COUNT(*) FROM change", [], |row| count(row, 0))?;
    let ends = (pos, chain, changes) == (head.pos, head.chain.0, stored);
    Ok((!ends).then_some(Damage::Log(pos + 1)))
}

fn content_holds(row: &rusqlite::Row<'_>, kind: u8, content: &[u8; 32]) -> rusqlite::Result<bool> {
    Ok(match kind {
        kind::CHANGE => {
            let hash: Option<[u8; 32]> = row.get(5)?;
            let raw = row.get_ref(6)?.as_blob_or_null()?;
            let scanned = raw.and_then(|raw| scan(raw).ok());
            hash == Some(*content) && scanned.is_some_and(|scanned| scanned.hash.0 == *content)
        }
        kind::VISIBLE | kind::DEVICE_ORG | kind::DECIDED | kind::FROZEN | kind::HELD => {
            Sha256::digest(row.get_ref(2)?.as_blob()?).as_slice() == content
        }
        // A row's bytes have been written over since, unless this is where it stands: see `row_damage`.
        _ => true,
    })
}

/// Newest instant and first break of the audit.
fn audit_damage(tx: &Connection) -> rusqlite::Result<(Option<Timestamp>, Option<Damage>)> {
    let mut query = tx.prepare("SELECT seq, bytes, chain FROM audit ORDER BY seq")?;
    let mut rows = query.query([])?;
    let (mut verifier, mut newest) = (Verifier::default(), None);
    while let Some(row) = rows.next()? {
        let line = Line { seq: count(row, 0)?, bytes: row.get(1)?, chain: row.get(2)? };
        if let Err(seq) = verifier.check(std::slice::from_ref(&line)) {
            return Ok((newest, Some(Damage::Audit(seq))));
        }
        let entry: Entry = decoded(&line.bytes, 1)?;
        newest = newest.max(Some(entry.at));
    }
    Ok((newest, None))
}

fn row_damage(tx: &Connection, table: &'static str) -> rusqlite::Result<Option<Damage>> {
    let sql = format!(
        "SELECT {table}.bytes, feed.content FROM {table} LEFT JOIN feed \
         ON feed.pos = {table}.pos AND feed.stream = (SELECT id FROM stream) AND feed.subject = {table}.id"
    );
    let mut query = tx.prepare(&sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let told = row.get_ref(1)?.as_blob_or_null()?;
        if told != Some(Sha256::digest(row.get_ref(0)?.as_blob()?).as_slice()) {
            return Ok(Some(Damage::Row(table)));
        }
    }
    Ok(None)
}

fn ledger_damages(tx: &Connection) -> rusqlite::Result<Vec<Damage>> {
    let digests = || -> rusqlite::Result<Vec<[u8; 32]>> {
        DERIVED.iter().map(|(table, key)| digest(tx, table, key)).collect()
    };
    let before = digests()?;
    fold::rebuild(tx)?;
    let after = digests()?;
    let pairs = DERIVED.iter().zip(before.iter().zip(&after));
    Ok(pairs.filter(|(_, (a, b))| a != b).map(|((table, _), _)| Damage::Ledger(table)).collect())
}

/// The hash of everything in a table, in the order of its key.
fn digest(tx: &Connection, table: &str, key: &str) -> rusqlite::Result<[u8; 32]> {
    let mut query = tx.prepare(&format!("SELECT * FROM {table} ORDER BY {key}"))?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    let mut hash = Sha256::new();
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => hash.update([0]),
                ValueRef::Integer(number) => hash.update([&[1], &number.to_be_bytes()[..]].concat()),
                ValueRef::Real(number) => hash.update([&[2], &number.to_be_bytes()[..]].concat()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    hash.update([3]);
                    hash.update((bytes.len() as u64).to_be_bytes());
                    hash.update(bytes);
                }
            }
        }
    }
    Ok(hash.finalize().into())
}
