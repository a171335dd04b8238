//! Rounds and taps: what is being filled in.
//!
//! A tap is a row at once; it becomes part of a change when the phone next syncs, or of
//! the record when the round is submitted, whichever comes first.

use louan_schema::doc::Field;
use louan_schema::doc::key::{SHEET_OPENED, SHEET_TEMPLATE};
use louan_schema::doc::write::Tap;
use louan_schema::id::{BuildingId, OrgId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::time::Timestamp;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, ToSql};

use super::{Reader, Writer, all, from_cbor, to_cbor, unsigned};
use crate::store::{RoundRow, StoreError, TapRow};

fn read_round(row: &Row<'_>) -> rusqlite::Result<Result<RoundRow, StoreError>> {
    let buildings: Vec<u8> = row.get(6)?;
    let round = RoundRow {
        id: RoundId(row.get(0)?),
        site: SiteId(row.get(1)?),
        org: OrgId(row.get(2)?),
        opened_at: Timestamp::from_ms(row.get(3)?),
        opened_by: row.get::<_, Option<_>>(4)?.map(PersonId),
        header_owed: row.get(5)?,
        buildings: Vec::new(),
        submitted: row.get::<_, Option<_>>(7)?.map(RecordId),
    };
    Ok(from_cbor::<Vec<BuildingId>>(&buildings).map(|buildings| RoundRow { buildings, ..round }))
}

/// A tap from its key text and stored value; a header never stands in the table.
fn tap(key: &str, value: ValueRef<'_>) -> Option<Tap> {
    if key == SHEET_TEMPLATE || key == SHEET_OPENED {
        return None;
    }
    let key: louan_schema::doc::SheetKey = key.parse().ok()?;
    match (key.field, value) {
        (Field::Outcome, ValueRef::Integer(n)) => Some(Tap::Number(key, u64::try_from(n).ok()?)),
        (Field::Measure, ValueRef::Integer(n)) => Some(Tap::Signed(key, n)),
        (Field::Reason | Field::Note, ValueRef::Text(t)) => {
            Some(Tap::Text(key, core::str::from_utf8(t).ok()?.to_owned()))
        }
        (Field::Counts | Field::Photos, ValueRef::Blob(b)) => Some(Tap::Bytes(key, b.to_vec())),
        _ => None,
    }
}

fn read_tap(row: &Row<'_>) -> rusqlite::Result<Result<TapRow, StoreError>> {
    let key: String = row.get(2)?;
    let (id, person, tapped_at) = (row.get(0)?, PersonId(row.get(1)?), Timestamp::from_ms(row.get(4)?));
    let settled = row.get(5)?;
    let tap = tap(&key, row.get_ref(3)?).ok_or_else(|| StoreError::Unreadable(key.clone()));
    Ok(tap.map(|tap| TapRow { id, person, tap, tapped_at, settled }))
}

impl Reader<'_> {
    fn rounds_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<RoundRow>, StoreError> {
        let sql = format!(
            "SELECT id, site, org, opened_at, opened_by, header_owed, buildings, submitted FROM round WHERE {condition}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, read_round)?)
    }

    pub(crate) fn find_round(&self, round: RoundId) -> Result<Option<RoundRow>, StoreError> {
        Ok(self.rounds_where("id = ?1", &[&round.as_bytes()])?.pop())
    }

    pub(crate) fn list_rounds_of(&self, site: SiteId) -> Result<Vec<RoundRow>, StoreError> {
        self.rounds_where("site = ?1 ORDER BY opened_at, id", &[&site.as_bytes()])
    }

    /// Rounds of which something is still to be written on their sheet.
    pub(crate) fn list_rounds_to_fold(&self) -> Result<Vec<RoundRow>, StoreError> {
        self.rounds_where(
            "submitted IS NULL AND (header_owed = 1 OR EXISTS
               (SELECT 1 FROM tap t WHERE t.round = round.id AND t.settled IS NULL)) ORDER BY opened_at, id",
            &[],
        )
    }

    fn taps_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<TapRow>, StoreError> {
        let sql = format!("SELECT id, person, key, value, tapped_at, settled FROM tap WHERE {condition}");
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, read_tap)?)
    }

    pub(super) fn find_tap(&self, id: i64) -> Result<Option<TapRow>, StoreError> {
        Ok(self.taps_where("id = ?1", &[&id])?.pop())
    }

    /// Taps of a round that no change carries yet, in the order made.
    pub(crate) fn list_open_taps(&self, round: RoundId) -> Result<Vec<TapRow>, StoreError> {
        self.taps_where("round = ?1 AND settled IS NULL ORDER BY id", &[&round.as_bytes()])
    }

    /// The taps that an edit carries, in the order made.
    pub(crate) fn list_taps_of(&self, local_seq: i64) -> Result<Vec<TapRow>, StoreError> {
        self.taps_where("settled = ?1 ORDER BY id", &[&local_seq])
    }

    /// The rounds with taps that no change carries yet, with who made them.
    pub(crate) fn list_tapped(&self) -> Result<Vec<(RoundId, PersonId)>, StoreError> {
        let sql =
            "SELECT round, person FROM tap WHERE settled IS NULL GROUP BY round, person ORDER BY min(id)";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((RoundId(row.get(0)?), PersonId(row.get(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many taps no change carries yet; of one compound, when named.
    pub(crate) fn open_tap_count(&self, site: Option<SiteId>) -> Result<u64, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT count(*) FROM tap t JOIN round r ON r.id = t.round
             WHERE t.settled IS NULL AND (?1 IS NULL OR r.site = ?1)",
        )?;
        let site = site.as_ref().map(SiteId::as_bytes);
        Ok(unsigned(statement.query_row([site], |row| row.get(0))?))
    }
}

impl Writer<'_> {
    /// Adds a round; one already there stays as it is.
    pub(crate) fn insert_round(&self, round: &RoundRow) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT OR IGNORE INTO round (id, site, org, opened_at, opened_by, header_owed, buildings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute((
            round.id.as_bytes(),
            round.site.as_bytes(),
            round.org.as_bytes(),
            round.opened_at.ms(),
            round.opened_by.as_ref().map(PersonId::as_bytes),
            round.header_owed,
            to_cbor(&round.buildings),
        ))?;
        Ok(())
    }

    pub(crate) fn set_joined(
        &self,
        round: RoundId,
        person: PersonId,
        opened_at: Timestamp,
        buildings: &[BuildingId],
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE round SET opened_by = coalesce(opened_by, ?2), opened_at = ?3, buildings = ?4 WHERE id = ?1",
        )?;
        statement.execute((
            round.as_bytes(),
            person.as_bytes(),
            opened_at.ms(),
            to_cbor(&buildings.to_vec()),
        ))?;
        Ok(())
    }

    pub(crate) fn set_header_written(&self, round: RoundId) -> Result<(), StoreError> {
        self.0
            .0
            .prepare_cached("UPDATE round SET header_owed = 0 WHERE id = ?1")?
            .execute([round.as_bytes()])?;
        Ok(())
    }

    /// The round is submitted: the record carries every tap that no change carries.
    pub(crate) fn set_submitted(
        &self,
        round: RoundId,
        record: RecordId,
        local_seq: i64,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached("UPDATE round SET submitted = ?2 WHERE id = ?1")?;
        statement.execute((round.as_bytes(), record.as_bytes()))?;
        let mut statement =
            self.0.0.prepare_cached("UPDATE tap SET settled = ?2 WHERE round = ?1 AND settled IS NULL")?;
        statement.execute((round.as_bytes(), local_seq))?;
        Ok(())
    }

    /// Writes a tap; an earlier one of the same person under the same key that nothing carries yet gives way.
    pub(crate) fn insert_tap(
        &self,
        round: RoundId,
        person: PersonId,
        tap: &Tap,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (key, value) = match tap {
            Tap::Template(_) | Tap::Opened(_) => return Ok(()),
            Tap::Number(key, n) => (key, Value::Integer(i64::try_from(*n).unwrap_or(i64::MAX))),
            Tap::Signed(key, n) => (key, Value::Integer(*n)),
            Tap::Text(key, text) => (key, Value::Text(text.clone())),
            Tap::Bytes(key, bytes) => (key, Value::Blob(bytes.clone())),
        };
        let key = key.to_string();
        let mut statement = self.0.0.prepare_cached(
            "DELETE FROM tap WHERE round = ?1 AND person = ?2 AND key = ?3 AND settled IS NULL",
        )?;
        statement.execute((round.as_bytes(), person.as_bytes(), &key))?;
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO tap (round, person, key, value, tapped_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((round.as_bytes(), person.as_bytes(), key, value, at.ms()))?;
        Ok(())
    }

    pub(crate) fn settle_tap(&self, id: i64, local_seq: i64) -> Result<(), StoreError> {
        self.0.0.prepare_cached("UPDATE tap SET settled = ?2 WHERE id = ?1")?.execute((id, local_seq))?;
        Ok(())
    }

    pub(crate) fn delete_rounds_of(&self, site: SiteId) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM round WHERE site = ?1")?.execute([site.as_bytes()])?;
        Ok(())
    }
}
