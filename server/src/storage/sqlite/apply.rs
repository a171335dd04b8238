//! One commit inside the write transaction: guards, writes, folds, audit, and the feed.
//!
//! Positions are given here and nowhere else, each with its running hash. What fails, fails
//! whole: the caller rolls back to before the commit.

use std::collections::BTreeSet;

use louan_schema::doc::Descriptor;
use louan_schema::id::{DeviceId, OrgId, SiteId};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::value::{cbor, count, int, read};
use super::{audit, fold, imports, photos, scope, sessions};
use crate::storage::commit::{Commit, Committed, Guard, HeldChange, NewChange, NewRuling, Upload, Write};

/// Why a commit was not written.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A guard does not hold.
    Moved,
    /// The database refused.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Numbers of the kinds of feed entries; never renumbered.
pub(super) mod kind {
    pub(crate) const CHANGE: u8 = 1;
    pub(crate) const ORG: u8 = 2;
    pub(crate) const PERSON: u8 = 3;
    pub(crate) const SITE: u8 = 4;
    pub(crate) const BUILDING: u8 = 5;
    pub(crate) const HAZARD: u8 = 6;
    pub(crate) const VISIBLE: u8 = 7;
    pub(crate) const DEVICE_ORG: u8 = 8;
    pub(crate) const DECIDED: u8 = 9;
    pub(crate) const FROZEN: u8 = 10;
    pub(crate) const PHOTO: u8 = 11;
    pub(crate) const HELD: u8 = 12;
}

/// A position's content, before it has one.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) kind: u8,
    pub(super) subject: &'a [u8],
    pub(super) site: Option<SiteId>,
    pub(super) org: Option<OrgId>,
    pub(super) device: Option<DeviceId>,
    /// What the running hash covers; nothing: the subject itself.
    pub(super) content: Option<[u8; 32]>,
}

/// A commit being written.
pub(super) struct Applying<'a> {
    pub(super) tx: &'a Connection,
    stream: u32,
    head: u64,
    chain: [u8; 16],
    /// Hazards and rounds to be folded again.
    pub(super) touched: BTreeSet<[u8; 16]>,
    positions: Vec<u64>,
}

/// Writes a commit.
pub(super) fn apply(tx: &Connection, commit: &Commit) -> Result<Committed, Refusal> {
    for guard in &commit.guards {
        if !holds(tx, guard)? {
            return Err(Refusal::Moved);
        }
    }
    let mut applying = Applying::begin(tx)?;
    for write in &commit.writes {
        applying.write(write)?;
    }
    for subject in std::mem::take(&mut applying.touched) {
        fold::refold(&mut applying, subject)?;
    }
    audit::append(tx, &commit.audit)?;
    applying.finish().map_err(Refusal::from)
}

fn holds(tx: &Connection, guard: &Guard) -> rusqlite::Result<bool> {
    Ok(match guard {
        Guard::Document { descriptor, head_pos, frozen } => {
            let now = document_head(tx, descriptor)?;
            now == (*head_pos, *frozen)
        }
        Guard::RecordsFree(ids) => {
            let mut taken = tx.prepare_cached("SELECT 1 FROM fact WHERE id = ?1")?;
            for id in ids {
                if taken.exists([id.0])? {
                    return Ok(false);
                }
            }
            true
        }
        Guard::Hazard(status) => fold::hazard_row(tx, status.reading.id)?.as_ref() == Some(&**status),
        Guard::Site(id, version) => {
            let sql = "SELECT version FROM site WHERE id = ?1";
            let now = tx.prepare_cached(sql)?.query_row([id.0], |row| count(row, 0)).optional()?;
            now.unwrap_or(0) == *version
        }
        Guard::CommandFresh(id, person) => {
            let sql = "SELECT 1 FROM command WHERE id = ?1 AND person = ?2";
            !tx.prepare_cached(sql)?.exists((id.0, person.0))?
        }
        Guard::Epoch(epoch) => {
            tx.prepare_cached("SELECT 1 FROM stream WHERE epoch = ?1")?.exists([epoch.0])?
        }
        Guard::Identity(guard) => sessions::holds(tx, guard)?,
        Guard::Photos(allowance) => photos::holds(tx, allowance)?,
    })
}

/// Position of a document's last change, and whether it takes more. A sheet whose round has
/// been submitted takes none, whether or not the sheet was ever here.
pub(super) fn document_head(tx: &Connection, descriptor: &Descriptor) -> rusqlite::Result<(u64, bool)> {
    let sql = "SELECT head_pos, frozen FROM doc WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((count(row, 0)?, row.get::<_, bool>(1)?));
    let found = tx.prepare_cached(sql)?.query_row([descriptor.doc_id().0], row).optional()?;
    let (head_pos, frozen) = found.unwrap_or((0, false));
    let submitted = match descriptor {
        Descriptor::Book { .. } => false,
        Descriptor::Sheet { site, org, round } => {
            let sql = "SELECT 1 FROM fact WHERE subject = ?1 AND org = ?2 AND site = ?3 AND kind = ?4";
            let kind = louan_schema::doc::Kind::Round.name();
            tx.prepare_cached(sql)?.exists((round.0, org.0, site.0, kind))?
        }
    };
    Ok((head_pos, frozen || submitted))
}

impl<'a> Applying<'a> {
    pub(super) fn begin(tx: &'a Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT id, head, chain FROM stream";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, count(row, 1)?, row.get(2)?));
        let (stream, head, chain) = tx.prepare_cached(sql)?.query_row([], row)?;
        Ok(Self { tx, stream, head, chain, touched: BTreeSet::new(), positions: Vec::new() })
    }

    pub(super) fn finish(self) -> rusqlite::Result<Committed> {
        let sql = "UPDATE stream SET head = ?1, chain = ?2";
        self.tx.prepare_cached(sql)?.execute((int(self.head), self.chain))?;
        Ok(Committed { positions: self.positions, head: self.head })
    }

    /// The position the next entry will get.
    pub(super) const fn next_pos(&self) -> u64 {
        self.head + 1
    }

    /// Puts an entry at the end of the feed.
    pub(super) fn append(&mut self, entry: &Entry<'_>) -> rusqlite::Result<u64> {
        let pos = self.head + 1;
        let content = entry.content.unwrap_or_else(|| Sha256::digest(entry.subject).into());
        let hash =
            Sha256::new().chain_update(self.chain).chain_update(pos.to_be_bytes()).chain_update(content);
        self.chain.copy_from_slice(&hash.finalize()[..16]);
        let sql = "INSERT INTO feed (stream, pos, kind, subject, site, org, device, content, chain) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.tx.prepare_cached(sql)?.execute((
            self.stream,
            int(pos),
            entry.kind,
            entry.subject,
            entry.site.map(|s| s.0),
            entry.org.map(|o| o.0),
            entry.device.map(|d| d.0),
            content,
            self.chain,
        ))?;
        self.head = pos;
        Ok(pos)
    }

    fn write(&mut self, write: &Write) -> rusqlite::Result<()> {
        match write {
            Write::Upload(upload) => self.upload(upload),
            Write::Change(change) => self.change(change),
            Write::Snapshot(descriptor, bytes) => {
                let sql = "UPDATE doc SET snapshot = ?2 WHERE id = ?1";
                self.run(sql, (descriptor.doc_id().0, bytes))
            }
            Write::Hold(held) => self.hold(held),
            Write::Decide { change, device, taken, by, at } => {
                let sql = "UPDATE held SET decided = ?3, decided_by = ?4, decided_at = ?5 \
                           WHERE hash = ?1 AND device = ?2";
                self.run(sql, (change.0, device.0, taken, by.0, at.ms()))?;
                let mut subject = change.0.to_vec();
                subject.push(u8::from(*taken));
                let entry = Entry {
                    kind: kind::DECIDED,
                    subject: &subject,
                    device: Some(*device),
                    ..Entry::default()
                };
                self.append(&entry).map(drop)
            }
            Write::Freeze(descriptor) => self.freeze(descriptor),
            Write::Quota(device, day, used) => {
                let sql = "INSERT INTO quota (device, day, used) VALUES (?1, ?2, ?3) \
                           ON CONFLICT (device, day) DO UPDATE SET used = used + excluded.used";
                self.run(sql, (device.0, day.count(), used))
            }
            Write::Contact(device, pos) => {
                self.run("UPDATE device SET last_pos = ?2 WHERE id = ?1", (device.0, int(*pos)))
            }
            Write::Ruling(ruling) => self.ruling(ruling),
            Write::Command(id, person, target, verdict) => {
                let sql = "INSERT INTO command (id, person, target, verdict) VALUES (?1, ?2, ?3, ?4)";
                self.run(sql, (id.0, person.0, target, cbor(verdict)))
            }
            Write::Org(org) => scope::write_org(self, org),
            Write::Person(person, active) => scope::write_person(self, person, *active),
            Write::Erase(person, at) => scope::erase_person(self, *person, *at),
            Write::Device(device, key, at) => {
                let sql = "INSERT INTO device (id, public_key, enrolled_at) VALUES (?1, ?2, ?3)";
                self.run(sql, (device.0, key, at.ms()))
            }
            Write::DevicePeople(device, people) => scope::write_device_people(self, *device, people),
            Write::RevokeDevice(device) => {
                let sql = "UPDATE device SET revoked = 1, scope_version = scope_version + 1 WHERE id = ?1";
                self.run(sql, [device.0])
            }
            Write::BackedUp(pos) => {
                self.run("UPDATE stream SET backed_up_pos = max(backed_up_pos, ?1)", [int(*pos)])
            }
            Write::Epoch(epoch) => self.run("UPDATE stream SET epoch = ?1", [epoch.0]),
            Write::Identity(write) => sessions::apply(self.tx, write),
            Write::Photo(write) => photos::apply(self, write),
            Write::Import(write) => imports::apply(self.tx, write),
        }
    }

    pub(super) fn run(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.tx.prepare_cached(sql)?.execute(params).map(drop)
    }

    fn upload(&self, u: &Upload) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO upload \
                   (digest, device, incarnation, person, list, commands_digest, commands, signature, received_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let at = u.received_at.ms();
        let signer = (u.device.0, u.incarnation.0, u.person.0);
        let (device, incarnation, person) = signer;
        let commands = (u.commands_digest, &u.commands);
        self.run(
            sql,
            (u.digest, device, incarnation, person, &u.list, commands.0, commands.1, &u.signature, at),
        )
    }

    fn change(&mut self, c: &NewChange) -> rusqlite::Result<()> {
        let (doc, site, org) = (c.descriptor.doc_id(), c.descriptor.site(), c.descriptor.org());
        let pos = self.append(&Entry {
            kind: kind::CHANGE,
            subject: &c.hash.0,
            site: Some(site),
            org: Some(org),
            device: Some(c.sender.device),
            content: Some(c.hash.0),
        })?;
        self.positions.push(pos);
        let sql = "INSERT INTO change (pos, doc, hash, actor, seq, n, max_op, device, incarnation, person, \
                   received_at, upload, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let s = &c.sender;
        self.tx.prepare_cached(sql)?.execute(rusqlite::params![
            int(pos),
            doc.0,
            c.hash.0,
            c.actor.0,
            int(c.seq),
            c.n,
            int(c.max_op),
            s.device.0,
            s.incarnation.0,
            s.person.0,
            s.received_at.ms(),
            s.upload,
            c.raw,
        ])?;
        let sql = "INSERT INTO doc (id, descriptor, site, org, snapshot, head_pos, bytes) \
                   VALUES (?1, ?2, ?3, ?4, x'', ?5, ?6) \
                   ON CONFLICT (id) DO UPDATE SET head_pos = excluded.head_pos, bytes = bytes + excluded.bytes";
        self.run(sql, (doc.0, cbor(&c.descriptor), site.0, org.0, int(pos), int(c.raw.len() as u64)))?;
        if let Some((id, record)) = &c.record {
            let subject = fold::insert_fact(self.tx, &c.descriptor, pos, *id, record)?;
            self.touched.insert(subject);
        }
        Ok(())
    }

    /// What is held is answered for like what is accepted: it has a position in the log, by which a phone finds out
    /// that a log put back has it no more.
    fn hold(&mut self, h: &HeldChange) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO held (hash, device, doc, descriptor, actor, seq, n, incarnation, person, \
                   received_at, upload, code, burns, raw) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let s = &h.sender;
        let new = self.tx.prepare_cached(sql)?.execute(rusqlite::params![
            h.hash.0,
            s.device.0,
            h.descriptor.doc_id().0,
            cbor(&h.descriptor),
            h.actor.0,
            int(h.seq),
            h.n,
            s.incarnation.0,
            s.person.0,
            s.received_at.ms(),
            s.upload,
            h.code.name(),
            h.burns,
            h.raw,
        ])?;
        if new == 0 {
            return Ok(());
        }
        let device = Some(s.device);
        self.append(&Entry { kind: kind::HELD, subject: &h.hash.0, device, ..Entry::default() }).map(drop)
    }

    fn freeze(&mut self, descriptor: &Descriptor) -> rusqlite::Result<()> {
        let doc = descriptor.doc_id();
        let sql = "UPDATE doc SET frozen = 1 WHERE id = ?1 AND frozen = 0";
        if self.tx.prepare_cached(sql)?.execute([doc.0])? == 0 {
            return Ok(());
        }
        let (site, org) = (Some(descriptor.site()), Some(descriptor.org()));
        self.append(&Entry { kind: kind::FROZEN, subject: &doc.0, site, org, ..Entry::default() }).map(drop)
    }

    fn ruling(&mut self, new: &NewRuling) -> rusqlite::Result<()> {
        let sql = "INSERT INTO ruling (command, target, bytes) VALUES (?1, ?2, ?3)";
        self.run(sql, (new.ruling.command.0, new.target, cbor(&new.ruling)))?;
        match &new.site {
            Some((site, buildings)) => scope::write_site(self, site, buildings),
            None => {
                self.touched.insert(new.target);
                Ok(())
            }
        }
    }

    /// Writes a row of a table with the columns `id, pos, bytes` and whatever else `set` sets,
    /// unless it stands there already; its position, if it was written.
    pub(super) fn unless_same<T: minicbor::Encode<()>>(
        &mut self,
        table: &str,
        entry: &Entry<'_>,
        row: &T,
        set: impl FnOnce(&Connection, u64, &[u8]) -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<Option<u64>> {
        let bytes = cbor(row);
        let sql = format!("SELECT bytes FROM {table} WHERE id = ?1");
        let standing = self.tx.prepare_cached(&sql)?.query_row([entry.subject], |r| r.get::<_, Vec<u8>>(0));
        if standing.optional()?.as_deref() == Some(&bytes) {
            return Ok(None);
        }
        let content = Some(Sha256::digest(&bytes).into());
        let pos = self.append(&Entry {
            kind: entry.kind,
            subject: entry.subject,
            site: entry.site,
            org: entry.org,
            device: entry.device,
            content,
        })?;
        set(self.tx, pos, &bytes)?;
        Ok(Some(pos))
    }
}

/// Rulings on a target, in order.
pub(super) fn rulings(
    tx: &Connection,
    target: &[u8; 16],
) -> rusqlite::Result<Vec<louan_schema::ruling::Ruling>> {
    let sql = "SELECT bytes FROM ruling WHERE target = ?1 ORDER BY seq";
    tx.prepare_cached(sql)?.query_map([target], |row| read(row, 0))?.collect()
}
