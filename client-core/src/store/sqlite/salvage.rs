//! Carrying over what can be read of a damaged store.
//!
//! Everything the phone alone knows: who it is, the outbox, the command queue, photos,
//! open rounds and taps. What the office has comes down again. Rows are read one by one from
//! both ends, so one unreadable page costs the rows on it and no others. Done once per
//! damaged store, in one transaction.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use louan_schema::doc::scan::{record_put, scan};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params_from_iter};

use super::meta::Meta;
use super::{Store, Writer, open};
use crate::store::{EditState, Salvage, StoreError};

const SALVAGED: &str = "salvaged";
/// What is carried over of the single values; where the phone stood in the feed is not.
const KEPT: [Meta; 8] = [
    Meta::Device,
    Meta::People,
    Meta::Orgs,
    Meta::Stream,
    Meta::Scope,
    Meta::BackedUp,
    Meta::KeepOriginals,
    Meta::SendOriginals,
];
const NUMBERED: [(&str, &str); 3] = [("outbox", "local_seq"), ("command", "local_seq"), ("tap", "id")];
const WHOLE: [&str; 3] = ["round", "person", "org"];
/// Tables that stores of the first layout do not have.
const SECOND_LAYOUT: [&str; 3] = ["photo", "photo_file", "photo_cite"];

/// Carries over from the store put aside as `number`, unless that was done before.
pub(super) fn from_aside(
    store: &mut Store,
    number: u32,
    aside: &Path,
) -> Result<Option<Salvage>, StoreError> {
    if store.read().salvaged()? >= number {
        return Ok(None);
    }
    let copy = open::open_copy(aside).ok();
    carried_over(store, number, aside.to_owned(), copy.as_ref().map(|(source, _)| source))
}

/// The same from a store that stays under its name in a virtual file system, as the `number`th damaged one.
pub(super) fn from_name(
    store: &mut Store,
    number: u32,
    vfs: &str,
    name: &str,
) -> Result<Option<Salvage>, StoreError> {
    if store.read().salvaged()? >= number {
        return Ok(None);
    }
    let source = Connection::open_with_flags_and_vfs(name, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs).ok();
    carried_over(store, number, PathBuf::from(name), source.as_ref())
}

fn carried_over(
    store: &mut Store,
    number: u32,
    aside: PathBuf,
    source: Option<&Connection>,
) -> Result<Option<Salvage>, StoreError> {
    store.write(|w| {
        let mut salvage = Salvage { aside, edits_saved: 0, unreadable_rows: true };
        if let Some(source) = source {
            salvage.unreadable_rows = carry(w, source)? | leave_out_rotten(w)?;
            salvage.edits_saved = w.unsent_count()?;
        }
        w.burn_foreign_actors()?;
        restore_rows(w)?;
        w.set_meta_bytes_of(SALVAGED, &number.to_be_bytes())?;
        Ok(Some(salvage))
    })
}

/// Copies what is readable; tells whether something was not.
fn carry(w: &Writer<'_>, source: &Connection) -> Result<bool, StoreError> {
    let mut unreadable = false;
    for key in KEPT {
        let value: rusqlite::Result<Option<Vec<u8>>> = source
            .query_row("SELECT value FROM meta WHERE key = ?1", [key.key()], |row| row.get(0))
            .optional();
        match value {
            Ok(Some(value)) => w.set_meta_bytes(key, &value)?,
            Ok(None) => {}
            Err(_) => unreadable = true,
        }
    }
    for (table, key) in NUMBERED {
        unreadable |= carry_numbered(w, source, table, key)?;
    }
    let layout: rusqlite::Result<i64> = source.query_row("PRAGMA user_version", [], |row| row.get(0));
    let photos: &[&str] = if matches!(layout, Ok(1)) { &[] } else { &SECOND_LAYOUT };
    for table in WHOLE.iter().chain(photos) {
        unreadable |= carry_whole(w, source, table)?;
    }
    Ok(unreadable)
}

/// Leaves out what was carried over and is not what this phone once wrote; it stays in the store put aside.
/// Tells whether there was any.
fn leave_out_rotten(w: &Writer<'_>) -> Result<bool, StoreError> {
    let mut rotten = w.leave_out_unreadable_photos()?;
    for (table, key) in NUMBERED {
        let mut statement = w.0.0.prepare(&format!("SELECT {key} FROM {table}"))?;
        let keys = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        for number in keys {
            if !is_whole(w, table, number) {
                w.0.0.execute(&format!("DELETE FROM {table} WHERE {key} = ?1"), [number])?;
                rotten = true;
            }
        }
    }
    Ok(rotten)
}

fn is_whole(w: &Writer<'_>, table: &str, number: i64) -> bool {
    match table {
        "outbox" => match w.find_outbox(number) {
            // A change is named by the hash of its bytes: rot in them shows.
            Ok(Some(row)) => row.raw.is_none_or(|raw| scan(&raw).is_ok_and(|s| s.hash == row.hash)),
            _ => false,
        },
        "command" => w.find_command_by_number(number).is_ok_and(|found| found.is_some()),
        _ => w.find_tap(number).is_ok_and(|found| found.is_some()),
    }
}

/// Puts what is still to be sent back into tails and lists.
fn restore_rows(w: &Writer<'_>) -> Result<(), StoreError> {
    for row in w.list_outbox(EditState::Pending)? {
        let Some(raw) = &row.raw else { continue };
        w.ensure_doc(&row.descriptor)?;
        w.insert_tail(row.doc, row.hash, raw)?;
        if let (true, Ok(put)) = (row.descriptor.is_book(), record_put(raw)) {
            w.insert_record(&row.descriptor, &put, false)?;
        }
    }
    Ok(())
}

fn columns(w: &Writer<'_>, table: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = w.0.0.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn insert(w: &Writer<'_>, table: &str, columns: &[String], row: Vec<Value>) -> Result<(), StoreError> {
    let marks = vec!["?"; columns.len()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({marks})", columns.join(", "));
    w.0.0.prepare_cached(&sql)?.execute(params_from_iter(row))?;
    Ok(())
}

/// Copies a numbered table upwards until a row cannot be read, then downwards from the end. Rows are
/// taken as they come and never asked for by number: in a damaged tree numbers may be out of order,
/// and whoever asks for the next one goes round for ever or skips what is there.
fn carry_numbered(w: &Writer<'_>, source: &Connection, table: &str, key: &str) -> Result<bool, StoreError> {
    let columns = columns(w, table)?;
    let list = columns.join(", ");
    let at = columns.iter().position(|name| name == key).unwrap_or(0);
    let mut seen = BTreeSet::new();
    let mut unreadable = false;
    for order in ["ASC", "DESC"] {
        let sql = format!("SELECT {list} FROM {table} ORDER BY {key} {order}");
        let Ok(mut statement) = source.prepare(&sql) else { return Ok(true) };
        let Ok(mut rows) = statement.query([]) else { return Ok(true) };
        loop {
            let values = match rows.next() {
                Ok(Some(row)) => (0..columns.len()).map(|i| row.get(i)).collect(),
                Ok(None) if order == "ASC" => return Ok(unreadable),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            let values: rusqlite::Result<Vec<Value>> = values;
            let Ok(values) = values else {
                unreadable = true;
                break;
            };
            let Value::Integer(number) = values[at] else { break };
            // Upwards each number is the highest so far; downwards one seen before is where upwards ended.
            unreadable |= order == "ASC" && seen.last().is_some_and(|last| *last >= number);
            if !seen.insert(number) {
                break;
            }
            insert(w, table, &columns, values)?;
        }
    }
    Ok(unreadable)
}

fn carry_whole(w: &Writer<'_>, source: &Connection, table: &str) -> Result<bool, StoreError> {
    let columns = columns(w, table)?;
    let sql = format!("SELECT {} FROM {table}", columns.join(", "));
    let Ok(mut statement) = source.prepare(&sql) else { return Ok(true) };
    let Ok(mut rows) = statement.query([]) else { return Ok(true) };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let values: rusqlite::Result<Vec<Value>> = (0..columns.len()).map(|i| row.get(i)).collect();
                let Ok(values) = values else { return Ok(true) };
                insert(w, table, &columns, values)?;
            }
            Ok(None) => return Ok(false),
            Err(_) => return Ok(true),
        }
    }
}

impl super::Reader<'_> {
    /// Number of the last damaged store that was carried over.
    pub(crate) fn salvaged(&self) -> Result<u32, StoreError> {
        let value: Option<[u8; 4]> = self
            .0
            .query_row("SELECT value FROM meta WHERE key = ?1", [SALVAGED], |row| row.get(0))
            .optional()?;
        Ok(value.map_or(0, u32::from_be_bytes))
    }
}

impl Writer<'_> {
    fn set_meta_bytes_of(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.0.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", (key, value))?;
        Ok(())
    }

    fn unsent_count(&self) -> Result<usize, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM outbox WHERE state = 'pending')
                        + (SELECT count(*) FROM command WHERE state = 'pending')
                        + (SELECT count(*) FROM tap WHERE settled IS NULL)";
        let count: i64 = self.0.0.query_row(sql, [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Marks every actor the outbox knows as used up, so that numbers go on rising from there.
    fn burn_foreign_actors(&self) -> Result<(), StoreError> {
        self.0.0.execute(
            "INSERT OR IGNORE INTO actor (doc, n, device, incarnation, burnt, seq, hash, max_op)
             SELECT doc, n, device, incarnation, 1, 0, hash, 0 FROM outbox",
            [],
        )?;
        Ok(())
    }
}
