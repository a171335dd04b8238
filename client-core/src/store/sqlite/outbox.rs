//! The outbox: every local edit, in exactly one state, for ever.
//!
//! A row is never deleted. Its raw change goes once it is in a verified backup at the
//! office; its state, reason and position stay.

use louan_schema::id::{ChangeHash, DeviceId, DocId, Incarnation, PersonId, RecordId, SiteId};
use louan_schema::time::Timestamp;
use louan_schema::wire::Code;
use rusqlite::{Row, ToSql};

use super::{Reader, Writer, all, from_cbor, signed, to_cbor, unsigned};
use crate::store::commit::LocalChange;
use crate::store::{EditState, OutboxRow, StoreError};

const COLUMNS: &str = "local_seq, person, doc, descriptor, site, record, device, incarnation, n, hash, raw, state, \
                       code, pos, unverified, sent, actor_refusals, written_at, settled_at, reissued, first_pos";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<OutboxRow, StoreError>> {
    let descriptor: Vec<u8> = row.get(3)?;
    let (state, code): (String, Option<String>) = (row.get(11)?, row.get(12)?);
    let descriptor = match from_cbor(&descriptor) {
        Ok(descriptor) => descriptor,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(OutboxRow {
        local_seq: row.get(0)?,
        person: PersonId(row.get(1)?),
        doc: DocId(row.get(2)?),
        descriptor,
        site: SiteId(row.get(4)?),
        record: row.get::<_, Option<_>>(5)?.map(RecordId),
        device: DeviceId(row.get(6)?),
        incarnation: Incarnation(row.get(7)?),
        n: row.get(8)?,
        hash: ChangeHash(row.get(9)?),
        raw: row.get(10)?,
        state: state_named(&state),
        code: code.as_deref().and_then(code_named),
        pos: row.get::<_, Option<i64>>(13)?.map(unsigned),
        unverified: row.get(14)?,
        sent: row.get(15)?,
        actor_refusals: row.get(16)?,
        written_at: Timestamp::from_ms(row.get(17)?),
        settled_at: row.get::<_, Option<i64>>(18)?.map(Timestamp::from_ms),
        reissued: row.get::<_, Option<_>>(19)?.map(RecordId),
        first_pos: row.get::<_, Option<i64>>(20)?.map(unsigned),
    }))
}

/// The state of this name; the column admits no other, and what is not known to be settled is pending.
pub(super) fn state_named(name: &str) -> EditState {
    EditState::ALL.into_iter().find(|state| state.name() == name).unwrap_or(EditState::Pending)
}

pub(super) fn code_named(name: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| code.name() == name)
}

impl Reader<'_> {
    fn outbox_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE {condition}");
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, read)?)
    }

    pub(crate) fn find_outbox(&self, local_seq: i64) -> Result<Option<OutboxRow>, StoreError> {
        Ok(self.outbox_where("local_seq = ?1", &[&local_seq])?.pop())
    }

    pub(crate) fn find_outbox_by_hash(&self, hash: ChangeHash) -> Result<Option<OutboxRow>, StoreError> {
        Ok(self.outbox_where("hash = ?1", &[&hash.as_bytes()])?.pop())
    }

    /// The latest edit that carries this record.
    pub(crate) fn find_outbox_by_record(&self, record: RecordId) -> Result<Option<OutboxRow>, StoreError> {
        Ok(self.outbox_where("record = ?1 ORDER BY local_seq DESC LIMIT 1", &[&record.as_bytes()])?.pop())
    }

    /// Every edit in a state, in the order written.
    pub(crate) fn list_outbox(&self, state: EditState) -> Result<Vec<OutboxRow>, StoreError> {
        self.outbox_where("state = ?1 ORDER BY local_seq", &[&state.name()])
    }

    /// The first pending edits, in the order written.
    pub(crate) fn list_pending(&self, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.outbox_where("state = 'pending' AND raw IS NOT NULL ORDER BY local_seq LIMIT ?1", &[&limit])
    }

    /// The first pending edits behind a place in the order.
    pub(crate) fn list_pending_after(
        &self,
        local_seq: i64,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let condition =
            "state = 'pending' AND raw IS NOT NULL AND local_seq > ?1 ORDER BY local_seq LIMIT ?2";
        self.outbox_where(condition, &[&local_seq, &limit])
    }

    /// Pending edits of one actor behind a place in the order.
    pub(crate) fn list_pending_behind(
        &self,
        doc: DocId,
        n: u32,
        local_seq: i64,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let condition = "doc = ?1 AND n = ?2 AND local_seq > ?3 AND state = 'pending' ORDER BY local_seq";
        self.outbox_where(condition, &[&doc.as_bytes(), &n, &local_seq])
    }

    /// Edits in one document that the office has not, as far as is known here.
    pub(crate) fn list_untaken_in(&self, doc: DocId) -> Result<Vec<OutboxRow>, StoreError> {
        self.outbox_where("doc = ?1 AND state <> 'acknowledged' ORDER BY local_seq", &[&doc.as_bytes()])
    }

    /// Pending edits in one document.
    pub(crate) fn list_pending_in(&self, doc: DocId) -> Result<Vec<OutboxRow>, StoreError> {
        self.outbox_where("doc = ?1 AND state = 'pending' ORDER BY local_seq", &[&doc.as_bytes()])
    }

    /// Acknowledged edits of one document still to be asked about.
    pub(crate) fn list_unverified_in(&self, doc: DocId) -> Result<Vec<OutboxRow>, StoreError> {
        self.outbox_where(
            "doc = ?1 AND state = 'acknowledged' AND unverified = 1 ORDER BY local_seq",
            &[&doc.as_bytes()],
        )
    }

    /// Edits still to be asked about after the office's log was restored.
    pub(crate) fn list_unverified(&self, limit: usize) -> Result<Vec<ChangeHash>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self
            .0
            .prepare_cached("SELECT hash FROM outbox WHERE unverified = 1 ORDER BY local_seq LIMIT ?1")?;
        let rows = statement.query_map([limit], |row| Ok(ChangeHash(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returned records that came down from the office all the same.
    pub(crate) fn list_returned_received(&self) -> Result<Vec<OutboxRow>, StoreError> {
        let condition = "state = 'returned' AND EXISTS \
                         (SELECT 1 FROM record r WHERE r.id = outbox.record AND r.doc = outbox.doc AND r.received = 1)";
        self.outbox_where(condition, &[])
    }

    /// How many edits are pending; of one compound, when named.
    pub(crate) fn pending_count(&self, site: Option<SiteId>) -> Result<u64, StoreError> {
        let site = site.as_ref().map(SiteId::as_bytes);
        let mut statement = self.0.prepare_cached(
            "SELECT count(*) FROM outbox WHERE state = 'pending' AND (?1 IS NULL OR site = ?1)",
        )?;
        Ok(unsigned(statement.query_row([site], |row| row.get(0))?))
    }
}

impl Writer<'_> {
    pub(crate) fn insert_outbox(&self, change: &LocalChange<'_>) -> Result<i64, StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO outbox (person, doc, descriptor, site, record, device, incarnation, n, hash, raw, written_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        statement.execute((
            change.person.as_bytes(),
            change.descriptor.doc_id().as_bytes(),
            to_cbor(&change.descriptor),
            change.descriptor.site().as_bytes(),
            change.record.as_ref().map(RecordId::as_bytes),
            change.actor.device.as_bytes(),
            change.actor.incarnation.as_bytes(),
            change.actor.n,
            change.written.tip.hash.as_bytes(),
            &change.written.raw,
            change.written_at.ms(),
        ))?;
        Ok(self.0.0.last_insert_rowid())
    }

    /// The same edit in a new change: pending again, under another actor.
    pub(crate) fn rewrite_outbox(&self, local_seq: i64, change: &LocalChange<'_>) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE outbox SET device = ?2, incarnation = ?3, n = ?4, hash = ?5, raw = ?6, state = 'pending', code = NULL,
                    pos = NULL, unverified = 0, sent = 0, settled_at = NULL
             WHERE local_seq = ?1",
        )?;
        statement.execute((
            local_seq,
            change.actor.device.as_bytes(),
            change.actor.incarnation.as_bytes(),
            change.actor.n,
            change.written.tip.hash.as_bytes(),
            &change.written.raw,
        ))?;
        Ok(())
    }

    /// Puts an edit behind every other one; its number is then another. What it carries goes with it.
    pub(crate) fn put_last(&self, local_seq: i64) -> Result<i64, StoreError> {
        let sql = "UPDATE outbox SET local_seq = (SELECT max(local_seq) + 1 FROM outbox) WHERE local_seq = ?1 RETURNING local_seq";
        let last: i64 = self.0.0.prepare_cached(sql)?.query_row([local_seq], |row| row.get(0))?;
        self.0
            .0
            .prepare_cached("UPDATE tap SET settled = ?2 WHERE settled = ?1")?
            .execute((local_seq, last))?;
        Ok(last)
    }

    /// An edit that was part of another: what is known of that one's past is known of it.
    pub(crate) fn set_part_of(&self, part: i64, whole: i64) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET (actor_refusals, first_pos) =
                       (SELECT actor_refusals, first_pos FROM outbox WHERE local_seq = ?2) WHERE local_seq = ?1";
        self.0.0.prepare_cached(sql)?.execute((part, whole))?;
        Ok(())
    }

    pub(crate) fn set_acknowledged(
        &self,
        local_seq: i64,
        pos: Option<u64>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE outbox SET state = 'acknowledged', code = NULL, pos = ?2, unverified = 0, settled_at = ?3,
                    first_pos = coalesce(first_pos, ?2, 0)
             WHERE local_seq = ?1",
        )?;
        statement.execute((local_seq, pos.map(signed), at.ms()))?;
        Ok(())
    }

    /// The office had it, in a log that is no more and at a place that nobody here knows.
    pub(crate) fn set_taken_before(&self, local_seq: i64) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET first_pos = coalesce(first_pos, 0) WHERE local_seq = ?1";
        self.0.0.prepare_cached(sql)?.execute([local_seq])?;
        Ok(())
    }

    /// Held or returned, with the reason.
    pub(crate) fn set_not_taken(
        &self,
        local_seq: i64,
        state: EditState,
        code: Option<Code>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE outbox SET state = ?2, code = ?3, settled_at = ?4, unverified = 0 WHERE local_seq = ?1",
        )?;
        statement.execute((local_seq, state.name(), code.map(Code::name), at.ms()))?;
        Ok(())
    }

    /// Pending again, unchanged: the office's restored log does not have it, or what it made of it is not known.
    pub(crate) fn set_pending(&self, local_seq: i64) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE outbox SET state = 'pending', pos = NULL, code = NULL, unverified = 0, sent = 0, settled_at = NULL
             WHERE local_seq = ?1",
        )?;
        statement.execute([local_seq])?;
        Ok(())
    }

    pub(crate) fn set_reissued(&self, local_seq: i64, by: RecordId) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("UPDATE outbox SET reissued = ?2 WHERE local_seq = ?1")?;
        statement.execute((local_seq, by.as_bytes()))?;
        Ok(())
    }

    pub(crate) fn set_sent(&self, hash: ChangeHash) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("UPDATE outbox SET sent = 1 WHERE hash = ?1 AND sent = 0")?;
        statement.execute([hash.as_bytes()])?;
        Ok(())
    }

    /// Counts that the edit itself, not one before it, was refused for its actor.
    pub(crate) fn count_actor_refused(&self, local_seq: i64) -> Result<(), StoreError> {
        let mut statement = self
            .0
            .0
            .prepare_cached("UPDATE outbox SET actor_refusals = actor_refusals + 1 WHERE local_seq = ?1")?;
        statement.execute([local_seq])?;
        Ok(())
    }

    /// After a restored log: what was acknowledged and is not in a verified backup is to be asked about, and what was
    /// returned, because this log may have taken it from a copy of this phone.
    pub(crate) fn doubt_settled(&self) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET unverified = 1 WHERE state IN ('acknowledged', 'returned') AND raw IS NOT NULL";
        self.0.0.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// An edit whose bytes had been given up is in doubt after all: it has them again.
    pub(crate) fn doubt_again(&self, local_seq: i64, raw: &[u8]) -> Result<(), StoreError> {
        let sql =
            "UPDATE outbox SET raw = ?2, unverified = 1 WHERE local_seq = ?1 AND state = 'acknowledged'";
        self.0.0.prepare_cached(sql)?.execute((local_seq, raw))?;
        Ok(())
    }

    /// A log that was put back has the edit, no further on than `pos`. Its position of old was another log's: a
    /// backup up to there need not cover it.
    pub(crate) fn set_verified(&self, hash: ChangeHash, pos: Option<u64>) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET unverified = 0, pos = ?2 WHERE hash = ?1";
        self.0.0.prepare_cached(sql)?.execute((hash.as_bytes(), pos.map(signed)))?;
        Ok(())
    }

    /// Drops raw changes that are in a verified backup, and the signed lists over them.
    pub(crate) fn forget_backed_up(&self, pos: u64) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "UPDATE outbox SET raw = NULL
             WHERE state = 'acknowledged' AND unverified = 0 AND pos <= ?1 AND raw IS NOT NULL",
        )?;
        statement.execute([signed(pos)])?;
        self.0.0.prepare_cached("DELETE FROM signed_batch WHERE pos_max <= ?1")?.execute([signed(pos)])?;
        Ok(())
    }
}
