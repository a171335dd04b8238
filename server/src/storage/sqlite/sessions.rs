//! The tables of sessions and enrolment codes.

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::value::damaged;
use super::{Sqlite, accounts};
use crate::storage::Reply;
use crate::storage::sessions::{
    CodeUse, EnrolmentCode, Family, FamilyEnding, Holder, IdentityGuard, IdentityWrite, SecretHash,
    SessionStore, TokenKind, TokenRow,
};

/// An expired token is kept this long, so that a stale one is told from one that never was.
const SWEEP_AFTER_MS: i64 = 7 * 86_400_000;

/// Writes one thing.
pub(super) fn apply(tx: &Connection, write: &IdentityWrite) -> rusqlite::Result<()> {
    match write {
        IdentityWrite::Account(account) => accounts::put(tx, account),
        IdentityWrite::Begin(family) => begin(tx, family),
        IdentityWrite::Issue(token) => issue(tx, token),
        IdentityWrite::Exchanged(hash, at) => {
            let sql = "UPDATE session_token SET exchanged_at = ?2 WHERE hash = ?1 AND exchanged_at IS NULL";
            tx.prepare_cached(sql)?.execute((hash, at.ms())).map(drop)
        }
        IdentityWrite::Prolong(hash, until) => {
            let sql = "UPDATE session_token SET expires_at = max(expires_at, ?2) WHERE hash = ?1";
            tx.prepare_cached(sql)?.execute((hash, until.ms())).map(drop)
        }
        IdentityWrite::End(family, at, ending) => {
            let sql =
                "UPDATE session_family SET ended_at = ?2, ending = ?3 WHERE id = ?1 AND ended_at IS NULL";
            tx.prepare_cached(sql)?.execute((family, at.ms(), name(*ending))).map(drop)
        }
        IdentityWrite::EndAll(holder, at, ending) => end_all(tx, *holder, *at, *ending),
        IdentityWrite::VoidAll(at, ending) => void_all(tx, *at, *ending),
        IdentityWrite::Code(code) => put_code(tx, code),
        IdentityWrite::CodeUsed(hash, used) => use_code(tx, hash, used),
    }
}

/// Whether what a decision about identity rests on still holds.
pub(super) fn holds(tx: &Connection, guard: &IdentityGuard) -> rusqlite::Result<bool> {
    match guard {
        IdentityGuard::CodeUnused(hash) => {
            let sql = "SELECT 1 FROM enrolment_code WHERE hash = ?1 AND used_at IS NULL";
            tx.prepare_cached(sql)?.exists([hash])
        }
        IdentityGuard::LoginFree(login, person) => {
            let sql = "SELECT 1 FROM account WHERE login = ?1 AND person <> ?2";
            Ok(!tx.prepare_cached(sql)?.exists((login, person.0))?)
        }
    }
}

/// Nobody may have used the code before; else the whole commit fails and is rolled back.
fn use_code(tx: &Connection, hash: &SecretHash, used: &CodeUse) -> rusqlite::Result<()> {
    let sql = "UPDATE enrolment_code SET used_at = ?2, device = ?3, public_key = ?4, family = ?5 \
               WHERE hash = ?1 AND used_at IS NULL";
    let row = (hash, used.at.ms(), used.device.0, &used.public_key, used.family);
    match tx.prepare_cached(sql)?.execute(row)? {
        1 => Ok(()),
        _ => Err(rusqlite::Error::QueryReturnedNoRows),
    }
}

fn begin(tx: &Connection, family: &Family) -> rusqlite::Result<()> {
    let sweep = "DELETE FROM session_token WHERE expires_at < ?1";
    tx.prepare_cached(sweep)?.execute([family.started_at.plus_ms(-SWEEP_AFTER_MS).ms()])?;
    let (person, device) = match family.holder {
        Holder::Console(person) => (Some(person.0), None),
        Holder::Device(device) => (None, Some(device.0)),
    };
    let sql = "INSERT INTO session_family (id, person, device, public_key, started_at, ends_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let ends_at = family.ends_at.map(Timestamp::ms);
    let row = (family.id, person, device, &family.public_key, family.started_at.ms(), ends_at);
    tx.prepare_cached(sql)?.execute(row).map(drop)
}

fn issue(tx: &Connection, token: &TokenRow) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO session_token (hash, family, kind, salt, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = (token.hash, token.family, number(token.kind), token.salt, token.expires_at.ms());
    tx.prepare_cached(sql)?.execute(row).map(drop)
}

/// A person's account goes, and every door it had opened closes.
pub(super) fn forget(tx: &Connection, person: PersonId, at: Timestamp) -> rusqlite::Result<()> {
    end_all(tx, Holder::Console(person), at, FamilyEnding::AccountChanged)?;
    tx.prepare_cached("DELETE FROM account WHERE person = ?1")?.execute([person.0]).map(drop)
}

fn end_all(tx: &Connection, holder: Holder, at: Timestamp, ending: FamilyEnding) -> rusqlite::Result<()> {
    let (sql, id) = match holder {
        Holder::Console(person) => (
            "UPDATE session_family SET ended_at = ?2, ending = ?3 WHERE person = ?1 AND ended_at IS NULL",
            person.0,
        ),
        Holder::Device(device) => (
            "UPDATE session_family SET ended_at = ?2, ending = ?3 WHERE device = ?1 AND ended_at IS NULL",
            device.0,
        ),
    };
    tx.prepare_cached(sql)?.execute((id, at.ms(), name(ending))).map(drop)
}

fn void_all(tx: &Connection, at: Timestamp, ending: FamilyEnding) -> rusqlite::Result<()> {
    let sql = "UPDATE session_family SET ended_at = ?1, ending = ?2 WHERE ended_at IS NULL";
    tx.prepare_cached(sql)?.execute((at.ms(), name(ending)))?;
    let sql = "UPDATE enrolment_code SET expires_at = min(expires_at, ?1)";
    tx.prepare_cached(sql)?.execute([at.ms()]).map(drop)
}

fn put_code(tx: &Connection, code: &EnrolmentCode) -> rusqlite::Result<()> {
    let sql = "INSERT INTO enrolment_code (hash, made_at, expires_at) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(sql)?.execute((code.hash, code.made_at.ms(), code.expires_at.ms()))?;
    let mut insert = tx.prepare_cached("INSERT INTO enrolment_person (code, person) VALUES (?1, ?2)")?;
    for person in &code.people {
        insert.execute((code.hash, person.0))?;
    }
    Ok(())
}

fn name(ending: FamilyEnding) -> &'static str {
    FamilyEnding::ALL.iter().find(|(e, _)| *e == ending).map_or("", |(_, name)| name)
}

fn number(kind: TokenKind) -> u8 {
    TokenKind::ALL.iter().find(|(k, _)| *k == kind).map_or(0, |(_, number)| *number)
}

/// Reads a family from seven columns beginning at `first`, and its id.
fn family(row: &Row<'_>, id: [u8; 16], first: usize) -> rusqlite::Result<Family> {
    let person: Option<[u8; 16]> = row.get(first)?;
    let device: Option<[u8; 16]> = row.get(first + 1)?;
    let holder = match (person, device) {
        (Some(person), None) => Holder::Console(PersonId(person)),
        (None, Some(device)) => Holder::Device(DeviceId(device)),
        _ => return Err(damaged(first)),
    };
    let ended_at: Option<i64> = row.get(first + 5)?;
    let ending: Option<String> = row.get(first + 6)?;
    let ended = match (ended_at, ending) {
        (Some(at), Some(text)) => {
            let known = FamilyEnding::ALL.iter().find(|(_, name)| *name == text);
            Some((Timestamp::from_ms(at), known.ok_or_else(|| damaged(first + 6))?.0))
        }
        _ => None,
    };
    Ok(Family {
        id,
        holder,
        public_key: row.get(first + 2)?,
        started_at: Timestamp::from_ms(row.get(first + 3)?),
        ends_at: row.get::<_, Option<i64>>(first + 4)?.map(Timestamp::from_ms),
        ended,
    })
}

fn token(row: &Row<'_>) -> rusqlite::Result<(TokenRow, Family)> {
    let kind: u8 = row.get(2)?;
    let id: [u8; 16] = row.get(1)?;
    let token = TokenRow {
        hash: row.get(0)?,
        family: id,
        kind: TokenKind::ALL.iter().find(|(_, n)| *n == kind).ok_or_else(|| damaged(2))?.0,
        salt: row.get(3)?,
        expires_at: Timestamp::from_ms(row.get(4)?),
        exchanged_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_ms),
    };
    Ok((token, family(row, id, 6)?))
}

fn code(row: &Row<'_>) -> rusqlite::Result<EnrolmentCode> {
    let used = match row.get::<_, Option<i64>>(3)? {
        None => None,
        Some(at) => Some(CodeUse {
            at: Timestamp::from_ms(at),
            device: DeviceId(row.get(4)?),
            public_key: row.get(5)?,
            family: row.get(6)?,
        }),
    };
    Ok(EnrolmentCode {
        hash: row.get(0)?,
        people: Vec::new(),
        made_at: Timestamp::from_ms(row.get(1)?),
        expires_at: Timestamp::from_ms(row.get(2)?),
        used,
    })
}

impl SessionStore for Sqlite {
    fn find_token(&self, hash: SecretHash) -> Reply<'_, Option<(TokenRow, Family)>> {
        self.read("find a token", move |tx| {
            let sql = "SELECT t.hash, t.family, t.kind, t.salt, t.expires_at, t.exchanged_at, f.person, f.device, \
                       f.public_key, f.started_at, f.ends_at, f.ended_at, f.ending \
                       FROM session_token t JOIN session_family f ON f.id = t.family WHERE t.hash = ?1";
            tx.prepare_cached(sql)?.query_row([hash], token).optional()
        })
    }

    fn find_code(&self, hash: SecretHash) -> Reply<'_, Option<EnrolmentCode>> {
        self.read("find an enrolment code", move |tx| {
            let sql = "SELECT hash, made_at, expires_at, used_at, device, public_key, family FROM enrolment_code \
                       WHERE hash = ?1";
            let Some(mut found) = tx.prepare_cached(sql)?.query_row([hash], code).optional()? else {
                return Ok(None);
            };
            let people = "SELECT person FROM enrolment_person WHERE code = ?1 ORDER BY person";
            let person = |row: &Row<'_>| row.get(0).map(PersonId);
            found.people = tx.prepare_cached(people)?.query_map([hash], person)?.collect::<Result<_, _>>()?;
            Ok(Some(found))
        })
    }

    fn find_device_by_key(&self, public_key: Vec<u8>) -> Reply<'_, Option<DeviceId>> {
        self.read("find a device by its key", move |tx| {
            let sql =
                "SELECT id FROM device WHERE public_key = ?1 ORDER BY enrolled_at DESC, id DESC LIMIT 1";
            tx.prepare_cached(sql)?.query_row([public_key], |row| row.get(0).map(DeviceId)).optional()
        })
    }
}
