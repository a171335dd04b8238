//! Records of the books this phone replicates, parsed for lists.
//!
//! A record names what it is about; what that is may arrive later. Until then it waits
//! without a subject and is found again when its target comes. Corrections lead back to
//! the first report, so that a hazard and everything said about it have one subject.

use std::collections::BTreeSet;

use louan_schema::doc::scan::RecordPut;
use louan_schema::doc::{Descriptor, Kind};
use louan_schema::id::{DocId, OrgId, RecordId, SiteId};
use louan_schema::record::{Body, Record};
use rusqlite::{OptionalExtension, Row, ToSql};

use super::{Reader, Writer, all};
use crate::store::{RecordRow, StoreError};

fn read(row: &Row<'_>) -> rusqlite::Result<Result<RecordRow, StoreError>> {
    let body: Vec<u8> = row.get(4)?;
    let (id, org, site) = (RecordId(row.get(0)?), OrgId(row.get(1)?), SiteId(row.get(2)?));
    let subject = row.get(3)?;
    let record = Record::from_bytes(&body).map_err(|e| StoreError::Unreadable(e.to_string()));
    Ok(record.map(|record| RecordRow { id, org, site, subject, record }))
}

impl Reader<'_> {
    fn records_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<RecordRow>, StoreError> {
        let sql = format!("SELECT id, org, site, subject, body FROM record WHERE {condition}");
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params, read)?)
    }

    /// A record by its id; of several books' the own organisation's, when named.
    pub(crate) fn find_record(
        &self,
        id: RecordId,
        org: Option<OrgId>,
    ) -> Result<Option<RecordRow>, StoreError> {
        let mut rows = self.records_where("id = ?1 ORDER BY doc", &[&id.as_bytes()])?;
        rows.retain(|row| org.is_none_or(|org| row.org == org));
        Ok(rows.into_iter().next())
    }

    /// Everything said about a hazard or a round, in the order of writing.
    pub(crate) fn records_about(&self, subject: &[u8; 16]) -> Result<Vec<RecordRow>, StoreError> {
        self.records_where("subject = ?1 ORDER BY id", &[subject])
    }

    /// Records about hazards (everything but rounds), of one compound when named.
    pub(crate) fn records_on_hazards(&self, site: Option<SiteId>) -> Result<Vec<RecordRow>, StoreError> {
        let condition = "kind <> 'round' AND (?1 IS NULL OR site = ?1) ORDER BY id";
        self.records_where(condition, &[&site.as_ref().map(SiteId::as_bytes)])
    }

    /// Submitted rounds of a compound, and what was withdrawn there.
    pub(crate) fn records_on_rounds(&self, site: SiteId) -> Result<Vec<RecordRow>, StoreError> {
        let condition = "site = ?1 AND kind IN ('round', 'withdrawal') ORDER BY id";
        self.records_where(condition, &[&site.as_bytes()])
    }

    fn subject_of(&self, id: RecordId, org: Option<OrgId>) -> Result<Option<[u8; 16]>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT subject FROM record WHERE id = ?1 AND (?2 IS NULL OR org = ?2) AND subject IS NOT NULL LIMIT 1",
        )?;
        let org = org.as_ref().map(OrgId::as_bytes);
        Ok(statement.query_row((id.as_bytes(), org), |row| row.get(0)).optional()?)
    }

    /// What a record is about, as far as it can be told now.
    fn subject(&self, id: RecordId, org: OrgId, record: &Record) -> Result<Option<[u8; 16]>, StoreError> {
        match &record.body {
            Body::Round(round) => Ok(Some(round.round.0)),
            Body::Hazard(_) => match record.replaces {
                None => Ok(Some(id.0)),
                Some(earlier) => self.subject_of(earlier, Some(org)),
            },
            Body::Withdrawal(withdrawal) => self.subject_of(withdrawal.target, Some(org)),
            Body::StopReport(_) | Body::Fix(_) | Body::Recheck(_) => {
                let Some(named) = record.body.target() else { return Ok(None) };
                Ok(Some(self.subject_of(named, None)?.unwrap_or(named.0)))
            }
        }
    }
}

impl Writer<'_> {
    /// Stores a record found in a book's change. `false` when this build cannot read it.
    pub(crate) fn insert_record(
        &self,
        descriptor: &Descriptor,
        put: &RecordPut,
        received: bool,
    ) -> Result<bool, StoreError> {
        let Ok(record) = Record::from_bytes(&put.bytes) else { return Ok(false) };
        let (doc, org) = (descriptor.doc_id(), descriptor.org());
        let subject = self.subject(put.id, org, &record)?;
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO record (doc, id, kind, org, site, subject, target, replaces, received, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (doc, id) DO UPDATE SET received = max(received, excluded.received) WHERE body = excluded.body",
        )?;
        statement.execute((
            doc.as_bytes(),
            put.id.as_bytes(),
            put.kind.name(),
            org.as_bytes(),
            descriptor.site().as_bytes(),
            subject,
            record.body.target().as_ref().map(RecordId::as_bytes),
            record.replaces.as_ref().map(RecordId::as_bytes),
            received,
            &put.bytes,
        ))?;
        self.cite(put.id, &record.photos, received)?;
        if let Some(subject) = subject {
            self.found(put.id, org, subject, put.kind == Kind::Hazard)?;
        }
        Ok(true)
    }

    /// Tells everything that waited for the record `id` what it is about.
    fn found(&self, id: RecordId, org: OrgId, subject: [u8; 16], hazard: bool) -> Result<(), StoreError> {
        if hazard && subject != id.0 {
            // Said about a correction before it was known to be one.
            let mut statement =
                self.0.0.prepare_cached("UPDATE record SET subject = ?2 WHERE subject = ?1")?;
            statement.execute((id.as_bytes(), subject))?;
        }
        let mut known = vec![id];
        while let Some(id) = known.pop() {
            let mut statement = self.0.0.prepare_cached(
                "UPDATE record SET subject = ?3
                 WHERE subject IS NULL AND org = ?2 AND (target = ?1 OR replaces = ?1) RETURNING id",
            )?;
            let rows = statement.query_map((id.as_bytes(), org.as_bytes(), subject), |row| row.get(0))?;
            for row in rows {
                known.push(RecordId(row?));
            }
        }
        Ok(())
    }

    /// After a restored log: that an own record came down from the office is the log before's word.
    pub(crate) fn doubt_received(&self) -> Result<(), StoreError> {
        let sql = "UPDATE record SET received = 0
                   WHERE received = 1 AND EXISTS (SELECT 1 FROM outbox o WHERE o.record = record.id)";
        self.0.0.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Takes colleagues' records out of the lists that a book no longer has; own ones stay, whatever became of
    /// them.
    pub(crate) fn delete_records_beyond(
        &self,
        doc: DocId,
        has: &BTreeSet<RecordId>,
    ) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "SELECT id FROM record WHERE doc = ?1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.record = record.id)",
        )?;
        let ids = statement.query_map([doc.as_bytes()], |row| Ok(RecordId(row.get(0)?)))?;
        let ids: Vec<RecordId> = ids.collect::<rusqlite::Result<_>>()?;
        for id in ids.iter().filter(|id| !has.contains(id)) {
            let sql = "DELETE FROM record WHERE doc = ?1 AND id = ?2";
            self.0.0.prepare_cached(sql)?.execute((doc.as_bytes(), id.as_bytes()))?;
        }
        Ok(())
    }

    /// Takes a record out of the lists; it stays readable in the outbox.
    pub(crate) fn delete_record(&self, doc: DocId, id: RecordId) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("DELETE FROM record WHERE doc = ?1 AND id = ?2 AND received = 0")?;
        statement.execute((doc.as_bytes(), id.as_bytes()))?;
        Ok(())
    }
}
