//! Commands asked for, and what was signed.
//!
//! A command is *requested* until the office answers; it is never shown as done before.
//! Signed lists stay until what they cover is in a verified backup.

use louan_schema::id::{CommandId, Incarnation, PersonId};
use louan_schema::ruling::Command;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Code, SignedList};
use rusqlite::{OptionalExtension, Row, ToSql};

use super::outbox::{code_named, state_named};
use super::{Reader, Writer, all, from_cbor, signed, to_cbor, unsigned};
use crate::store::{CommandRow, EditState, StoreError};

fn read(row: &Row<'_>) -> rusqlite::Result<Result<CommandRow, StoreError>> {
    let body: Vec<u8> = row.get(1)?;
    let (state, code): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    let command: Command = match from_cbor(&body) {
        Ok(command) => command,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(CommandRow {
        person: PersonId(row.get(0)?),
        command,
        state: state_named(&state),
        code: code.as_deref().and_then(code_named),
        version: row.get::<_, Option<i64>>(4)?.map(unsigned),
        asked_at: Timestamp::from_ms(row.get(5)?),
        settled_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_ms),
    }))
}

/// What was signed and taken.
#[derive(Debug)]
pub(crate) struct SignedBatch<'a> {
    pub person: PersonId,
    pub incarnation: Incarnation,
    pub list: &'a SignedList,
    pub commands: &'a [Command],
    pub digest: [u8; 32],
    pub signature: &'a [u8],
    /// The highest position given to one of its changes.
    pub pos_max: u64,
}

impl Reader<'_> {
    fn commands_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<CommandRow>, StoreError> {
        let sql = format!(
            "SELECT person, body, state, code, version, asked_at, settled_at FROM command WHERE {condition}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, read)?)
    }

    pub(crate) fn list_commands(&self, state: EditState) -> Result<Vec<CommandRow>, StoreError> {
        self.commands_where("state = ?1 ORDER BY local_seq", &[&state.name()])
    }

    pub(crate) fn find_command(&self, id: CommandId) -> Result<Option<CommandRow>, StoreError> {
        Ok(self.commands_where("id = ?1", &[&id.as_bytes()])?.pop())
    }

    pub(super) fn find_command_by_number(&self, local_seq: i64) -> Result<Option<CommandRow>, StoreError> {
        Ok(self.commands_where("local_seq = ?1", &[&local_seq])?.pop())
    }

    /// The last version of a target that a verdict told.
    pub(crate) fn version_told(&self, target: &[u8; 16]) -> Result<Option<u64>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT max(version) FROM command WHERE target = ?1 AND version IS NOT NULL")?;
        let version: Option<i64> = statement.query_row([target], |row| row.get(0)).optional()?.flatten();
        Ok(version.map(unsigned))
    }

    /// How many signed lists are kept.
    pub(crate) fn signed_count(&self) -> Result<u64, StoreError> {
        Ok(unsigned(self.0.query_row("SELECT count(*) FROM signed_batch", [], |row| row.get(0))?))
    }
}

impl Writer<'_> {
    pub(crate) fn insert_command(
        &self,
        person: PersonId,
        target: &[u8; 16],
        command: &Command,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO command (id, person, target, body, asked_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((
            command.id.as_bytes(),
            person.as_bytes(),
            target,
            to_cbor(command),
            command.at.ms(),
        ))?;
        Ok(())
    }

    /// The office has answered; only a pending command can be settled.
    pub(crate) fn settle_command(
        &self,
        id: CommandId,
        state: EditState,
        code: Option<Code>,
        version: u64,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE command SET state = ?2, code = ?3, version = ?4, settled_at = ?5
             WHERE id = ?1 AND state = 'pending'",
        )?;
        let changed = statement.execute((
            id.as_bytes(),
            state.name(),
            code.map(Code::name),
            signed(version),
            at.ms(),
        ))?;
        Ok(changed > 0)
    }

    pub(crate) fn keep_signed(&self, batch: &SignedBatch<'_>) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT OR IGNORE INTO signed_batch (person, incarnation, list, commands, digest, signature, pos_max)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute((
            batch.person.as_bytes(),
            batch.incarnation.as_bytes(),
            to_cbor(batch.list),
            to_cbor(&batch.commands.to_vec()),
            batch.digest,
            batch.signature,
            signed(batch.pos_max),
        ))?;
        Ok(())
    }
}
