//! What colleagues signed, with their changes, until a verified backup has them.
//!
//! Kept only so that it can be brought back after a restore; lists and screens never read
//! it. A change without a signed list is kept too, as bytes nobody else may have any more.

use louan_schema::doc::Descriptor;
use louan_schema::id::{ChangeHash, DeviceId, DocId, Incarnation, PersonId, SiteId};
use louan_schema::wire::{Proof, Signed};
use rusqlite::{OptionalExtension, ToSql};

use super::{Reader, Writer, all, from_cbor, signed, to_cbor};
use crate::store::StoreError;

/// Where a change stands of which it is only known that the log has it: no backup covers it until a signed list says
/// where.
const SOMEWHERE: i64 = i64::MAX;

/// A colleague's change that the office's restored log lacks.
#[derive(Debug, Clone)]
pub(crate) struct MissingChange {
    pub hash: ChangeHash,
    pub descriptor: Descriptor,
    pub n: u32,
    pub raw: Vec<u8>,
    /// The row of its signed list.
    pub batch: i64,
    /// How often it was carried and could not be taken.
    pub tries: u32,
}

/// A colleague's signed list.
#[derive(Debug, Clone)]
pub(crate) struct ColleagueBatch {
    pub device: DeviceId,
    pub incarnation: Incarnation,
    pub person: PersonId,
    pub proof: Proof,
    pub signature: Vec<u8>,
}

impl Reader<'_> {
    /// Hashes of colleagues' changes still to be asked about after the office's log was restored.
    pub(crate) fn list_doubted(&self, limit: usize) -> Result<Vec<ChangeHash>, StoreError> {
        let sql = "SELECT hash FROM colleague_change WHERE state = 'doubted' ORDER BY id LIMIT ?1";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([limit], |row| Ok(ChangeHash(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Colleagues' changes to be brought back, in the order in which the office once had them; those that it
    /// could not take when they were last carried stand behind, so that none blocks the others.
    pub(crate) fn list_missing(&self, limit: usize) -> Result<Vec<MissingChange>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.missing_where("TRUE ORDER BY tries, pos, id LIMIT ?1", &[&limit])
    }

    /// One of them.
    pub(crate) fn find_missing(&self, hash: ChangeHash) -> Result<Option<MissingChange>, StoreError> {
        Ok(self.missing_where("hash = ?1", &[&hash.as_bytes()])?.pop())
    }

    fn missing_where(
        &self,
        condition: &str,
        params: &[&dyn ToSql],
    ) -> Result<Vec<MissingChange>, StoreError> {
        let sql = format!(
            "SELECT hash, descriptor, n, raw, batch, tries FROM colleague_change
             WHERE state = 'missing' AND batch IS NOT NULL AND {condition}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, |row| {
            let descriptor: Vec<u8> = row.get(1)?;
            let (hash, n, raw, batch) = (ChangeHash(row.get(0)?), row.get(2)?, row.get(3)?, row.get(4)?);
            let tries = row.get(5)?;
            Ok(from_cbor(&descriptor).map(|descriptor| MissingChange {
                hash,
                descriptor,
                n,
                raw,
                batch,
                tries,
            }))
        })?)
    }

    /// Whether something of a compound is still to be asked about or brought back after a restore.
    pub(crate) fn is_in_doubt(&self, site: SiteId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox WHERE site = ?1 AND unverified = 1
                   UNION ALL
                   SELECT 1 FROM colleague_change c JOIN doc ON doc.id = c.doc
                   WHERE doc.site = ?1 AND c.state <> 'kept' AND c.batch IS NOT NULL";
        Ok(self.0.prepare_cached(sql)?.exists([site.as_bytes()])?)
    }

    /// A colleague's signed list.
    pub(crate) fn find_colleague_batch(&self, batch: i64) -> Result<Option<ColleagueBatch>, StoreError> {
        let sql = "SELECT device, incarnation, person, proof, signature FROM colleague_batch WHERE id = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        let found = statement
            .query_row([batch], |row| {
                let proof: Vec<u8> = row.get(3)?;
                let (device, incarnation) = (DeviceId(row.get(0)?), Incarnation(row.get(1)?));
                let (person, signature) = (PersonId(row.get(2)?), row.get(4)?);
                Ok(from_cbor(&proof).map(|proof| ColleagueBatch {
                    device,
                    incarnation,
                    person,
                    proof,
                    signature,
                }))
            })
            .optional()?;
        found.transpose()
    }
}

impl Writer<'_> {
    /// Keeps a signed list; returns its row.
    pub(crate) fn keep_colleague_batch(&self, list: &Signed) -> Result<i64, StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO colleague_batch (device, incarnation, person, proof, signature) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (signature) DO UPDATE SET signature = excluded.signature RETURNING id",
        )?;
        Ok(statement.query_row(
            (
                list.device.as_bytes(),
                list.incarnation.as_bytes(),
                list.person.as_bytes(),
                to_cbor(&list.proof),
                list.signature.as_slice(),
            ),
            |row| row.get(0),
        )?)
    }

    /// Keeps a colleague's change, under its signed list when there is one.
    pub(crate) fn keep_colleague_change(
        &self,
        descriptor: &Descriptor,
        (n, hash): (u32, ChangeHash),
        raw: &[u8],
        list: Option<(i64, u64)>,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO colleague_change (hash, doc, descriptor, n, raw, batch, pos) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (hash) DO UPDATE SET
                 n = CASE WHEN excluded.batch IS NULL THEN n ELSE excluded.n END,
                 batch = coalesce(excluded.batch, batch),
                 pos = CASE WHEN pos = ?8 AND excluded.batch IS NOT NULL THEN excluded.pos
                            ELSE max(pos, excluded.pos) END",
        )?;
        statement.execute((
            hash.as_bytes(),
            descriptor.doc_id().as_bytes(),
            to_cbor(descriptor),
            n,
            raw,
            list.map(|(batch, _)| batch),
            signed(list.map_or(0, |(_, pos)| pos)),
            SOMEWHERE,
        ))?;
        Ok(())
    }

    /// The log was restored: everything kept is in doubt.
    pub(crate) fn doubt_colleagues(&self) -> Result<(), StoreError> {
        let sql = "UPDATE colleague_change SET state = 'doubted', tries = 0 WHERE batch IS NOT NULL";
        self.0.0.execute(sql, [])?;
        Ok(())
    }

    /// The restored log lacks a doubted change; nothing happens for any other.
    pub(crate) fn set_missing(&self, hash: ChangeHash) -> Result<(), StoreError> {
        let sql = "UPDATE colleague_change SET state = 'missing' WHERE hash = ?1 AND state = 'doubted'";
        self.0.0.prepare_cached(sql)?.execute([hash.as_bytes()])?;
        Ok(())
    }

    /// The restored log has a doubted change, no further on than `pos`; nothing happens for any other. Where it
    /// stood in the log before says nothing about the backups of this one.
    pub(crate) fn set_found(&self, hash: ChangeHash, pos: Option<u64>) -> Result<(), StoreError> {
        let sql =
            "UPDATE colleague_change SET state = 'kept', pos = ?2 WHERE hash = ?1 AND state = 'doubted'";
        self.0.0.prepare_cached(sql)?.execute((hash.as_bytes(), pos.map_or(SOMEWHERE, signed)))?;
        Ok(())
    }

    /// The office answered for a change brought back: settled, or to be carried again. It is never given up: its
    /// author may be unknown there yet, the day's quota used, what it follows under way on another phone.
    /// Whether it was a colleague's and is settled; it stands no further on than `pos` then.
    pub(crate) fn settle_missing(
        &self,
        hash: ChangeHash,
        settled: bool,
        pos: Option<u64>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE colleague_change
                   SET tries = tries + 1, state = CASE WHEN ?2 THEN 'kept' ELSE state END,
                       pos = CASE WHEN ?2 THEN ?3 ELSE pos END
                   WHERE hash = ?1 AND state = 'missing'";
        let pos = pos.map_or(SOMEWHERE, signed);
        let changed = self.0.0.prepare_cached(sql)?.execute((hash.as_bytes(), settled, pos))?;
        Ok(settled && changed > 0)
    }

    /// Forgets what a verified backup has.
    pub(crate) fn forget_colleagues(&self, pos: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM colleague_change WHERE state = 'kept' AND batch IS NOT NULL AND pos <= ?1";
        if self.0.0.prepare_cached(sql)?.execute([signed(pos)])? > 0 {
            self.0.0.execute(
                "DELETE FROM colleague_batch
                 WHERE NOT EXISTS (SELECT 1 FROM colleague_change WHERE batch = colleague_batch.id)",
                [],
            )?;
        }
        Ok(())
    }

    /// Forgets what was kept of a document that is no longer this phone's to have.
    pub(crate) fn forget_colleagues_of(&self, doc: DocId) -> Result<(), StoreError> {
        let sql = "DELETE FROM colleague_change WHERE doc = ?1";
        self.0.0.prepare_cached(sql)?.execute([doc.as_bytes()])?;
        Ok(())
    }
}
