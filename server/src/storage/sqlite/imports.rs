//! The imports' table.

use louan_schema::id::{OrgId, PersonId};
use louan_schema::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use crate::storage::Reply;
use crate::storage::imports::{Import, ImportId, ImportState, ImportStore, ImportWrite};

/// Writes what is written about imports.
pub(super) fn apply(tx: &Connection, write: &ImportWrite) -> rusqlite::Result<()> {
    match write {
        ImportWrite::Put(import, old) => {
            let seen = ImportState::Seen.number();
            let sql = "DELETE FROM import_batch WHERE state = ?1 AND made_at < ?2";
            tx.prepare_cached(sql)?.execute((seen, old.ms()))?;
            let sql = "INSERT INTO import_batch (id, person, org, made_at, state, plan, refused) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let row = (import.id.0, import.person.0, import.org.0, import.made_at.ms());
            let (id, person, org, at) = row;
            let state = import.state.number();
            tx.prepare_cached(sql)?.execute((id, person, org, at, state, &import.plan, &import.refused))?;
        }
        ImportWrite::State(id, state) => {
            let sql = "UPDATE import_batch SET state = ?2 WHERE id = ?1";
            tx.prepare_cached(sql)?.execute((id.0, state.number()))?;
        }
    }
    Ok(())
}

fn import(row: &Row<'_>) -> rusqlite::Result<Import> {
    let state = ImportState::of(row.get(4)?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(4, Type::Integer, "no state of an import".into())
    })?;
    Ok(Import {
        id: ImportId(row.get(0)?),
        person: PersonId(row.get(1)?),
        org: OrgId(row.get(2)?),
        made_at: Timestamp::from_ms(row.get(3)?),
        state,
        plan: row.get(5)?,
        refused: row.get(6)?,
    })
}

impl ImportStore for Sqlite {
    fn find_import(&self, id: ImportId) -> Reply<'_, Option<Import>> {
        self.read("find an import", move |tx| {
            let sql = "SELECT id, person, org, made_at, state, plan, refused FROM import_batch WHERE id = ?1";
            tx.prepare_cached(sql)?.query_row([id.0], import).optional()
        })
    }
}
