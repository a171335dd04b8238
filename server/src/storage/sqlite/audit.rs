//! The audit's table: appended to in the transaction of what a line describes, read in order.
//!
//! Nothing here updates or deletes; the schema's triggers refuse it even to a careless hand.

use rusqlite::{Connection, OptionalExtension};

use super::Sqlite;
use super::value::{count, int};
use crate::audit::next_line;
use crate::storage::Reply;
use crate::storage::audit::{AuditStore, Entry, Line};

/// Appends lines to the chain.
pub(super) fn append(tx: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut seq, mut chain) = head(tx)?;
    let mut insert = tx.prepare_cached("INSERT INTO audit (seq, bytes, chain) VALUES (?1, ?2, ?3)")?;
    for entry in entries {
        let line = next_line(&chain, seq + 1, entry);
        insert.execute((int(line.seq), &line.bytes, line.chain))?;
        (seq, chain) = (line.seq, line.chain);
    }
    Ok(())
}

fn head(tx: &Connection) -> rusqlite::Result<(u64, [u8; 32])> {
    let sql = "SELECT seq, chain FROM audit ORDER BY seq DESC LIMIT 1";
    let last = tx.prepare_cached(sql)?.query_row([], |row| Ok((count(row, 0)?, row.get(1)?))).optional()?;
    Ok(last.unwrap_or((0, [0; 32])))
}

impl AuditStore for Sqlite {
    fn audit_head(&self) -> Reply<'_, (u64, [u8; 32])> {
        self.read("read the audit", head)
    }

    fn audit_lines(&self, after: u64, limit: usize) -> Reply<'_, Vec<Line>> {
        self.read("read the audit", move |tx| {
            let sql = "SELECT seq, bytes, chain FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let line = |row: &rusqlite::Row<'_>| {
                Ok(Line { seq: count(row, 0)?, bytes: row.get(1)?, chain: row.get(2)? })
            };
            tx.prepare_cached(sql)?.query_map((int(after), int(limit as u64)), line)?.collect()
        })
    }
}
