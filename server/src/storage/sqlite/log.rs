//! The log as read: documents' state, changes, what was not taken.
//!
//! Each method is one snapshot of the database.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::doc::Kind;
use louan_schema::id::{
    ActorId, Chain, ChangeHash, DeviceId, DocId, Epoch, Incarnation, OrgId, PersonId, RecordId, SiteId,
};
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::Code;
use rusqlite::{Connection, OptionalExtension, Row};

use super::value::{count, damaged, int, read, small};
use super::{Sqlite, apply, feed, fold, registry};
use crate::ledger::facts_of;
use crate::storage::Reply;
use crate::storage::commit::Upload;
use crate::storage::log::{
    ActorState, DocumentHead, DocumentState, FeedEntry, Head, Held, HeldVerdict, Known, LogStore,
    LoggedChange, RecordHead, StateQuery,
};

const LOGGED: &str = "SELECT change.pos, doc.descriptor, change.hash, change.upload, change.raw \
                      FROM change JOIN doc ON doc.id = change.doc";
const HELD: &str = "SELECT hash, device, descriptor, person, incarnation, n, upload, received_at, code, decided, raw \
                    FROM held";
const UPLOAD: &str = "SELECT device, incarnation, person, list, commands_digest, commands, signature, received_at \
                      FROM upload WHERE digest = ?1";

impl LogStore for Sqlite {
    fn head(&self) -> Reply<'_, Head> {
        self.read("read where the log stands", |tx| {
            let sql = "SELECT id, epoch, head, chain, backed_up_pos FROM stream";
            tx.prepare_cached(sql)?.query_row([], |row| {
                Ok(Head {
                    stream: row.get(0)?,
                    epoch: Epoch(row.get(1)?),
                    pos: count(row, 2)?,
                    chain: Chain(row.get(3)?),
                    backed_up_pos: count(row, 4)?,
                })
            })
        })
    }

    fn chain_at(&self, pos: u64) -> Reply<'_, Option<Chain>> {
        self.read("read the log's running hash", move |tx| {
            if pos == 0 {
                return Ok(Some(Chain([0; 16])));
            }
            let sql = "SELECT chain FROM feed WHERE pos = ?1 AND stream = (SELECT id FROM stream)";
            tx.prepare_cached(sql)?.query_row([int(pos)], |row| Ok(Chain(row.get(0)?))).optional()
        })
    }

    fn document_state(&self, query: StateQuery) -> Reply<'_, DocumentState> {
        self.read("load a document's state", move |tx| document_state(tx, &query))
    }

    fn find_hashes(&self, hashes: Vec<ChangeHash>) -> Reply<'_, BTreeSet<ChangeHash>> {
        self.read("look up changes", move |tx| {
            let mut query = tx.prepare_cached("SELECT 1 FROM change WHERE hash = ?1")?;
            let mut found = BTreeSet::new();
            for hash in hashes {
                if query.exists([hash.0])? {
                    found.insert(hash);
                }
            }
            Ok(found)
        })
    }

    fn feed_after(&self, after: u64, limit: usize) -> Reply<'_, Vec<FeedEntry>> {
        self.read("read the feed", move |tx| feed::after(tx, after, limit))
    }

    fn changes_at(&self, positions: Vec<u64>) -> Reply<'_, Vec<LoggedChange>> {
        self.read("read changes", move |tx| {
            let mut query = tx.prepare_cached(&format!("{LOGGED} WHERE change.pos = ?1"))?;
            positions.into_iter().map(|pos| query.query_row([int(pos)], logged)).collect()
        })
    }

    fn changes_of(&self, doc: DocId) -> Reply<'_, Vec<LoggedChange>> {
        self.read("read a document's changes", move |tx| {
            let sql = format!("{LOGGED} WHERE change.doc = ?1 ORDER BY change.pos");
            tx.prepare_cached(&sql)?.query_map([doc.0], logged)?.collect()
        })
    }

    fn uploads_of(&self, doc: DocId, behind: u64) -> Reply<'_, Vec<(u64, [u8; 32])>> {
        self.read("list a document's signed lists", move |tx| {
            let sql =
                "SELECT MAX(pos), upload FROM change WHERE doc = ?1 AND pos > ?2 GROUP BY upload ORDER BY 1";
            let row = |row: &Row<'_>| Ok((count(row, 0)?, row.get(1)?));
            tx.prepare_cached(sql)?.query_map((doc.0, int(behind)), row)?.collect()
        })
    }

    fn smallest_uploads(&self, digests: Vec<[u8; 32]>, bytes_max: usize) -> Reply<'_, Vec<Upload>> {
        self.read("read signed lists", move |tx| {
            let mut size_of = tx.prepare_cached("SELECT length(list) FROM upload WHERE digest = ?1")?;
            let mut sized = Vec::with_capacity(digests.len());
            for digest in digests {
                let size = size_of.query_row([digest], |row| count(row, 0)).optional()?;
                sized.extend(size.map(|size| (usize::try_from(size).unwrap_or(usize::MAX), digest)));
            }
            sized.sort_unstable();
            let mut left = bytes_max;
            let mut uploads = Vec::new();
            let mut query = tx.prepare_cached(UPLOAD)?;
            for (size, digest) in sized {
                let Some(rest) = left.checked_sub(size) else { break };
                left = rest;
                uploads.push(query.query_row([digest], |row| upload(row, digest))?);
            }
            Ok(uploads)
        })
    }

    fn documents_after(
        &self,
        after: Option<DocId>,
        site: Option<SiteId>,
        limit: usize,
    ) -> Reply<'_, Vec<DocumentHead>> {
        self.read("list documents", move |tx| {
            let sql = "SELECT descriptor, frozen, head_pos FROM doc WHERE (?1 IS NULL OR id > ?1) \
                       AND (?2 IS NULL OR site = ?2) ORDER BY id LIMIT ?3";
            let params = (after.map(|id| id.0), site.map(|id| id.0), int(limit as u64));
            tx.prepare_cached(sql)?.query_map(params, document_row)?.collect()
        })
    }

    fn snapshot(&self, doc: DocId) -> Reply<'_, Option<Vec<u8>>> {
        self.read("read a document", move |tx| {
            let sql = "SELECT snapshot FROM doc WHERE id = ?1";
            tx.prepare_cached(sql)?.query_row([doc.0], |row| row.get(0)).optional()
        })
    }

    fn find_document(&self, doc: DocId) -> Reply<'_, Option<DocumentHead>> {
        self.read("look up a document", move |tx| {
            let sql = "SELECT descriptor, frozen, head_pos FROM doc WHERE id = ?1";
            tx.prepare_cached(sql)?.query_row([doc.0], document_row).optional()
        })
    }

    fn quota_used(&self, device: DeviceId, day: Day) -> Reply<'_, u32> {
        self.read("read a device's quota", move |tx| {
            let sql = "SELECT used FROM quota WHERE device = ?1 AND day = ?2";
            let used = tx.prepare_cached(sql)?.query_row((device.0, day.count()), |row| small(row, 0));
            Ok(used.optional()?.unwrap_or(0))
        })
    }

    fn find_held(&self, hash: ChangeHash, device: DeviceId) -> Reply<'_, Option<Held>> {
        self.read("look up a held change", move |tx| {
            let sql = format!("{HELD} WHERE hash = ?1 AND device = ?2");
            tx.prepare_cached(&sql)?.query_row((hash.0, device.0), held).optional()
        })
    }

    fn list_held(&self, limit: usize) -> Reply<'_, Vec<Held>> {
        self.read("list held changes", move |tx| {
            let codes: Vec<&str> = Code::ALL
                .iter()
                .filter(|c| c.disposition() == louan_schema::wire::Disposition::Held)
                .map(|c| c.name())
                .collect();
            let sql = format!(
                "{HELD} WHERE decided IS NULL AND code IN ('{}') ORDER BY received_at, doc, seq LIMIT ?1",
                codes.join("','")
            );
            tx.prepare_cached(&sql)?.query_map([int(limit as u64)], held)?.collect()
        })
    }
}

fn logged(row: &Row<'_>) -> rusqlite::Result<LoggedChange> {
    Ok(LoggedChange {
        pos: count(row, 0)?,
        descriptor: read(row, 1)?,
        hash: ChangeHash(row.get(2)?),
        upload: row.get(3)?,
        raw: row.get(4)?,
    })
}

fn document_row(row: &Row<'_>) -> rusqlite::Result<DocumentHead> {
    Ok(DocumentHead { descriptor: read(row, 0)?, frozen: row.get(1)?, head_pos: count(row, 2)? })
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held> {
    Ok(Held {
        hash: ChangeHash(row.get(0)?),
        device: DeviceId(row.get(1)?),
        descriptor: read(row, 2)?,
        person: PersonId(row.get(3)?),
        incarnation: Incarnation(row.get(4)?),
        n: small(row, 5)?,
        upload: row.get(6)?,
        received_at: Timestamp::from_ms(row.get(7)?),
        verdict: HeldVerdict { code: code(row, 8)?, decided: row.get(9)? },
        raw: row.get(10)?,
    })
}

fn code(row: &Row<'_>, column: usize) -> rusqlite::Result<Code> {
    let name = row.get_ref(column)?.as_str()?;
    Code::ALL.iter().find(|code| code.name() == name).copied().ok_or_else(|| damaged(column))
}

fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    let name = row.get_ref(column)?.as_str()?;
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| damaged(column))
}

fn document_state(tx: &Connection, query: &StateQuery) -> rusqlite::Result<DocumentState> {
    let doc = query.descriptor.doc_id();
    let (head_pos, frozen) = apply::document_head(tx, &query.descriptor)?;
    let sql = "SELECT snapshot, bytes FROM doc WHERE id = ?1";
    let found = tx.prepare_cached(sql)?.query_row([doc.0], |row| Ok((row.get(0)?, count(row, 1)?)));
    let (snapshot, bytes) = found.optional()?.unzip();
    let bytes = bytes.unwrap_or(0);
    let mut state = DocumentState { snapshot, head_pos, frozen, bytes, ..DocumentState::default() };
    for actor in &query.actors {
        state.actors.insert(*actor, actor_state(tx, doc, *actor)?);
    }
    let sql = "SELECT MAX(n) FROM (SELECT MAX(n) AS n FROM change WHERE doc = ?1 AND device = ?2 AND incarnation = ?3 \
               UNION ALL SELECT MAX(n) FROM held WHERE doc = ?1 AND device = ?2 AND incarnation = ?3 AND burns = 1)";
    let life = (doc.0, query.device.0, query.incarnation.0);
    state.n_max = tx.prepare_cached(sql)?.query_row(life, |row| row.get(0))?;
    changes_known(tx, query, &mut state)?;
    for id in &query.records {
        let sql = "SELECT org, site, kind, subject, iif(doc = ?2, bytes, NULL) FROM fact WHERE id = ?1";
        let found = tx.prepare_cached(sql)?.query_row((id.0, doc.0), |row| {
            let head = RecordHead {
                org: OrgId(row.get(0)?),
                site: SiteId(row.get(1)?),
                kind: kind(row, 2)?,
                subject: row.get(3)?,
            };
            Ok((head, row.get::<_, Option<Vec<u8>>>(4)?))
        });
        if let Some((head, bytes)) = found.optional()? {
            state.records.insert(*id, head);
            state.stored.extend(bytes.map(|bytes| (*id, bytes)));
        }
    }
    state.hazards = hazards(tx, query)?;
    for id in &query.people {
        state.roles.extend(registry::person(tx, *id)?.map(|row| (*id, row.person.role)));
    }
    Ok(state)
}

fn changes_known(tx: &Connection, query: &StateQuery, state: &mut DocumentState) -> rusqlite::Result<()> {
    let doc = query.descriptor.doc_id();
    let mut known = tx.prepare_cached("SELECT pos, max_op FROM change WHERE hash = ?1 AND doc = ?2")?;
    let mut held =
        tx.prepare_cached("SELECT code, decided FROM held WHERE hash = ?1 AND device = ?2 AND doc = ?3")?;
    for hash in &query.hashes {
        let row = |row: &Row<'_>| Ok(Known { pos: count(row, 0)?, max_op: count(row, 1)? });
        if let Some(found) = known.query_row((hash.0, doc.0), row).optional()? {
            state.known.insert(*hash, found);
        }
        let row = |row: &Row<'_>| Ok(HeldVerdict { code: code(row, 0)?, decided: row.get(1)? });
        if let Some(found) = held.query_row((hash.0, query.device.0, doc.0), row).optional()? {
            state.held.insert(*hash, found);
        }
    }
    Ok(())
}

fn upload(row: &Row<'_>, digest: [u8; 32]) -> rusqlite::Result<Upload> {
    Ok(Upload {
        digest,
        device: DeviceId(row.get(0)?),
        incarnation: Incarnation(row.get(1)?),
        person: PersonId(row.get(2)?),
        list: row.get(3)?,
        commands_digest: row.get(4)?,
        commands: row.get(5)?,
        signature: row.get(6)?,
        received_at: Timestamp::from_ms(row.get(7)?),
    })
}

fn actor_state(tx: &Connection, doc: DocId, actor: ActorId) -> rusqlite::Result<ActorState> {
    let sql = "SELECT seq, hash, max_op FROM change WHERE doc = ?1 AND actor = ?2 ORDER BY seq DESC LIMIT 1";
    let row = |row: &Row<'_>| Ok((count(row, 0)?, ChangeHash(row.get(1)?), count(row, 2)?));
    let tip = tx.prepare_cached(sql)?.query_row((doc.0, actor.0), row).optional()?;
    let sql = "SELECT seq, code, decided FROM held WHERE doc = ?1 AND actor = ?2 AND burns = 1 AND seq > ?3 \
               ORDER BY seq LIMIT 1";
    let after = int(tip.map_or(0, |(seq, ..)| seq));
    let row = |row: &Row<'_>| Ok((count(row, 0)?, HeldVerdict { code: code(row, 1)?, decided: row.get(2)? }));
    let burnt = tx.prepare_cached(sql)?.query_row((doc.0, actor.0, after), row).optional()?;
    Ok(ActorState { tip, burnt })
}

type Facts = BTreeMap<RecordId, Vec<louan_schema::fold::Fact>>;

fn hazards(tx: &Connection, query: &StateQuery) -> rusqlite::Result<Facts> {
    let mut hazards = BTreeMap::new();
    for record in &query.hazards_of {
        let Some(subject) = fold::subject_of(tx, *record)? else { continue };
        let root = RecordId(subject);
        if let Some((_, facts)) = facts_of(root, &fold::facts(tx, &subject)?) {
            hazards.insert(root, facts);
        }
    }
    Ok(hazards)
}
