//! Documents: snapshot, tail and this phone's actors.
//!
//! The snapshot holds only what the office has; everything else is in the tail, so that a
//! refused change can be left out by reading the document again without it.

use louan_schema::doc::{Descriptor, Tip};
use louan_schema::id::{ChangeHash, DeviceId, DocId, Incarnation, OrgId, RoundId, SiteId};
use rusqlite::{OptionalExtension, params_from_iter};

use super::{Reader, Writer, all, from_cbor, signed, to_cbor, unsigned};
use crate::store::commit::Actor;
use crate::store::{DocRow, StoreError};

/// A change of a tail.
#[derive(Debug, Clone)]
pub(crate) struct TailRow {
    pub hash: ChangeHash,
    pub raw: Vec<u8>,
    /// Not known to the office: pending, held or returned.
    pub own_unsettled: bool,
}

impl Reader<'_> {
    pub(crate) fn find_doc(&self, doc: DocId) -> Result<Option<DocRow>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT snapshot, frozen FROM doc WHERE id = ?1")?;
        let row = statement
            .query_row([doc.as_bytes()], |row| Ok(DocRow { snapshot: row.get(0)?, frozen: row.get(1)? }));
        Ok(row.optional()?)
    }

    /// The changes after the snapshot, in the order in which they were stored.
    pub(crate) fn tail(&self, doc: DocId) -> Result<Vec<TailRow>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT t.hash, t.raw, coalesce(o.state <> 'acknowledged', 0)
             FROM tail t LEFT JOIN outbox o ON o.hash = t.hash WHERE t.doc = ?1 ORDER BY t.id",
        )?;
        let rows = statement.query_map([doc.as_bytes()], |row| {
            Ok(TailRow { hash: ChangeHash(row.get(0)?), raw: row.get(1)?, own_unsettled: row.get(2)? })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What a document is about, when it lies here.
    pub(crate) fn find_descriptor(&self, doc: DocId) -> Result<Option<Descriptor>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT descriptor FROM doc WHERE id = ?1")?;
        let bytes: Option<Vec<u8>> = statement.query_row([doc.as_bytes()], |row| row.get(0)).optional()?;
        bytes.map(|bytes| from_cbor(&bytes)).transpose()
    }

    /// A change of a tail.
    pub(crate) fn find_tail(&self, hash: ChangeHash) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT raw FROM tail WHERE hash = ?1")?;
        Ok(statement.query_row([hash.as_bytes()], |row| row.get(0)).optional()?)
    }

    /// Documents that the bootstrap under way has not brought.
    pub(crate) fn list_stale_docs(&self) -> Result<Vec<Descriptor>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT descriptor FROM doc WHERE stale = 1 ORDER BY id")?;
        all(statement.query_map([], |row| Ok(from_cbor(&row.get::<_, Vec<u8>>(0)?)))?)
    }

    /// How many changes of the tail could be folded into the snapshot, and their bytes.
    pub(crate) fn foldable(&self, doc: DocId) -> Result<(u64, u64), StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT count(*), coalesce(sum(length(t.raw)), 0) FROM tail t LEFT JOIN outbox o ON o.hash = t.hash
             WHERE t.doc = ?1 AND coalesce(o.state, 'acknowledged') = 'acknowledged'",
        )?;
        let counted: (i64, i64) =
            statement.query_row([doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((unsigned(counted.0), unsigned(counted.1)))
    }

    /// The highest actor number ever used in a document, and that actor, burnt or not.
    pub(crate) fn last_actor(&self, doc: DocId) -> Result<Option<(Actor, bool)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT device, incarnation, n, seq, hash, max_op, burnt FROM actor WHERE doc = ?1 ORDER BY n DESC LIMIT 1",
        )?;
        let found = statement.query_row([doc.as_bytes()], |row| {
            let tip = Tip {
                seq: unsigned(row.get(3)?),
                hash: ChangeHash(row.get(4)?),
                max_op: unsigned(row.get(5)?),
            };
            let actor = Actor {
                device: DeviceId(row.get(0)?),
                incarnation: Incarnation(row.get(1)?),
                n: row.get(2)?,
                tip: Some(tip),
            };
            Ok((actor, row.get(6)?))
        });
        Ok(found.optional()?)
    }

    /// Documents of other organisations than these on which nothing unsent hangs.
    pub(crate) fn docs_of_others(&self, orgs: &[OrgId]) -> Result<Vec<DocId>, StoreError> {
        let places: Vec<String> = (1..=orgs.len()).map(|i| format!("?{i}")).collect();
        let sql = format!(
            "SELECT id FROM doc WHERE org NOT IN ({})
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.doc = doc.id AND (state = 'pending' OR unverified = 1))
                AND NOT EXISTS (SELECT 1 FROM colleague_change c
                                WHERE c.doc = doc.id AND c.state <> 'kept' AND c.batch IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM tap WHERE tap.round = doc.round AND settled IS NULL)",
            places.join(", ")
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement
            .query_map(params_from_iter(orgs.iter().map(OrgId::as_bytes)), |row| Ok(DocId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The documents of a compound.
    pub(crate) fn docs_of_site(&self, site: SiteId) -> Result<Vec<DocId>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT id FROM doc WHERE site = ?1 ORDER BY id")?;
        let rows = statement.query_map([site.as_bytes()], |row| Ok(DocId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    pub(crate) fn ensure_doc(&self, descriptor: &Descriptor) -> Result<(), StoreError> {
        let round: Option<RoundId> = match descriptor {
            Descriptor::Sheet { round, .. } => Some(*round),
            Descriptor::Book { .. } => None,
        };
        let mut statement = self.0.0.prepare_cached(
            "INSERT OR IGNORE INTO doc (id, descriptor, site, org, round) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((
            descriptor.doc_id().as_bytes(),
            to_cbor(descriptor),
            descriptor.site().as_bytes(),
            descriptor.org().as_bytes(),
            round.as_ref().map(RoundId::as_bytes),
        ))?;
        Ok(())
    }

    pub(crate) fn set_frozen(&self, doc: DocId, frozen: bool) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached("UPDATE doc SET frozen = ?2 WHERE id = ?1")?;
        statement.execute((doc.as_bytes(), frozen))?;
        Ok(())
    }

    /// The copy the office has; nothing when it has none.
    pub(crate) fn set_snapshot(&self, doc: DocId, snapshot: Option<&[u8]>) -> Result<(), StoreError> {
        let sql = "UPDATE doc SET snapshot = ?2 WHERE id = ?1";
        let mut statement = self.0.0.prepare_cached(sql)?;
        statement.execute((doc.as_bytes(), snapshot))?;
        Ok(())
    }

    /// The bootstrap under way has told what the office has of a document.
    pub(crate) fn set_confirmed(&self, doc: DocId) -> Result<(), StoreError> {
        self.0.0.prepare_cached("UPDATE doc SET stale = 0 WHERE id = ?1")?.execute([doc.as_bytes()])?;
        Ok(())
    }

    /// Adds a change to a tail; one already there stays where it is.
    pub(crate) fn insert_tail(&self, doc: DocId, hash: ChangeHash, raw: &[u8]) -> Result<bool, StoreError> {
        let mut statement =
            self.0.0.prepare_cached("INSERT OR IGNORE INTO tail (doc, hash, raw) VALUES (?1, ?2, ?3)")?;
        Ok(statement.execute((doc.as_bytes(), hash.as_bytes(), raw))? > 0)
    }

    pub(crate) fn delete_tail(&self, hash: ChangeHash) -> Result<(), StoreError> {
        self.0.0.prepare_cached("DELETE FROM tail WHERE hash = ?1")?.execute([hash.as_bytes()])?;
        Ok(())
    }

    /// Where an actor stands after a change.
    pub(crate) fn set_actor(&self, doc: DocId, actor: &Actor, tip: Tip) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO actor (doc, n, device, incarnation, seq, hash, max_op) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (doc, n) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, max_op = excluded.max_op",
        )?;
        statement.execute((
            doc.as_bytes(),
            actor.n,
            actor.device.as_bytes(),
            actor.incarnation.as_bytes(),
            signed(tip.seq),
            tip.hash.as_bytes(),
            signed(tip.max_op),
        ))?;
        Ok(())
    }

    /// An actor whose (actor, seq) was refused is never used again.
    pub(crate) fn burn_actor(&self, doc: DocId, n: u32) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("UPDATE actor SET burnt = 1 WHERE doc = ?1 AND n = ?2")?;
        statement.execute((doc.as_bytes(), n))?;
        Ok(())
    }

    /// Takes a document away with what was read out of it; a sheet with its round.
    pub(crate) fn delete_doc(&self, doc: DocId) -> Result<(), StoreError> {
        self.forget_colleagues_of(doc)?;
        for sql in [
            "DELETE FROM round WHERE id = (SELECT round FROM doc WHERE id = ?1)",
            "DELETE FROM tail WHERE doc = ?1",
            "DELETE FROM record WHERE doc = ?1",
            "DELETE FROM doc WHERE id = ?1",
        ] {
            self.0.0.prepare_cached(sql)?.execute([doc.as_bytes()])?;
        }
        Ok(())
    }

    /// Keeps what this build cannot read, for a later one.
    pub(crate) fn keep_unread(&self, raw: &[u8]) -> Result<(), StoreError> {
        self.0.0.prepare_cached("INSERT OR IGNORE INTO unread (raw) VALUES (?1)")?.execute([raw])?;
        Ok(())
    }
}
