//! What one database knows and another, older one does not: asked before the older one takes its place.
//!
//! Rights taken away since then, which must not come back; and what was entered since then, which people must
//! enter again. Both are only read. Of a database that is damaged elsewhere, these few tables may still be good.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use louan_schema::id::{CommandId, DeviceId, Epoch, OrgId, PersonId};
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::Ruling;
use louan_schema::time::Timestamp;
use rusqlite::{Connection, Row};

use super::value::{count, database, read};
use super::{connect, copy, migrate};
use crate::storage::StorageError;
use crate::storage::accounts::Account;

const DOING: &str = "read what the older database lacks";
/// From this version on a person can be erased.
const ERASURE_SINCE: i64 = 3;

/// A right that the newer database had taken away and the older one still grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawn {
    /// The person's row as it was last, and whether he may act.
    Person(Person, bool),
    /// The person was erased.
    Erased(PersonId),
    /// The account as it was last: another password, or closed.
    Account(Account),
    /// The device was given up as lost.
    Device(DeviceId),
    /// These people use the device and no others.
    DevicePeople(DeviceId, Vec<PersonId>),
}

/// What the newer database had and the older one lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// Up to here the newer one's log was in a verified backup, and in which life it was.
    pub backed_up: (Epoch, u64),
    /// Rights that must not come back.
    pub withdrawn: Vec<Withdrawn>,
    /// Changes phones had sent; they bring them back.
    pub changes: u64,
    /// Rulings, in order; people enter them again.
    pub rulings: Vec<Ruling>,
    /// Organisations.
    pub orgs: Vec<Org>,
    /// People, without those erased.
    pub people: Vec<Person>,
    /// Logins of accounts opened for people whom the older one knows.
    pub logins: Vec<String>,
    /// Devices; they are enrolled again.
    pub devices: Vec<DeviceId>,
    /// Held changes decided.
    pub decisions: u64,
}

#[derive(Default)]
struct Known {
    orgs: BTreeMap<OrgId, Org>,
    people: BTreeMap<PersonId, (Person, bool, bool)>,
    accounts: BTreeMap<PersonId, Account>,
    devices: BTreeMap<DeviceId, bool>,
    users: BTreeMap<DeviceId, BTreeSet<PersonId>>,
}

/// Compares the database at `newer` with the older one at `older`.
///
/// # Errors
/// [`StorageError`] when either cannot be read, or `newer` is of a newer build.
pub fn apart(newer: &Path, older: &Path) -> Result<Apart, StorageError> {
    let (newer, older) = (connect(newer, true)?, connect(older, true)?);
    let version = copy::version(&newer)?;
    migrate::refuse_newer(version)?;
    compare(&newer, version, &older).map_err(|e| database(DOING, e))
}

fn compare(newer: &Connection, version: i64, older: &Connection) -> rusqlite::Result<Apart> {
    let (was, is) = (known(newer, version)?, known(older, migrate::known_version())?);
    let hashes = "SELECT hash FROM change";
    let decided = "SELECT CAST(hash || device AS BLOB) FROM held WHERE decided IS NOT NULL";
    let had: BTreeSet<CommandId> =
        rows(older, "SELECT command FROM ruling", |row| row.get(0).map(CommandId))?;
    let rulings: Vec<Ruling> = rows(newer, "SELECT bytes FROM ruling ORDER BY seq", |row| read(row, 0))?;
    let epoch = |row: &Row<'_>| Ok((Epoch(row.get(0)?), count(row, 1)?));
    let lacks = |(id, _): &(&PersonId, &(Person, bool, bool))| !is.people.contains_key(id);
    Ok(Apart {
        backed_up: newer.query_row("SELECT epoch, backed_up_pos FROM stream", [], epoch)?,
        withdrawn: withdrawn(&was, &is),
        changes: lacking(newer, older, hashes)?,
        rulings: rulings.into_iter().filter(|ruling| !had.contains(&ruling.command)).collect(),
        orgs: was.orgs.values().filter(|org| !is.orgs.contains_key(&org.id)).cloned().collect(),
        people: was
            .people
            .iter()
            .filter(lacks)
            .filter(|(_, row)| !row.2)
            .map(|(_, row)| row.0.clone())
            .collect(),
        logins: was
            .accounts
            .values()
            .filter(|account| {
                is.people.contains_key(&account.person) && !is.accounts.contains_key(&account.person)
            })
            .map(|account| account.login.clone())
            .collect(),
        devices: was.devices.keys().filter(|id| !is.devices.contains_key(id)).copied().collect(),
        decisions: lacking(newer, older, decided)?,
    })
}

fn rows<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<C> {
    connection.prepare(sql)?.query_map([], row)?.collect()
}

/// How many of the newer one's keys the older one lacks.
fn lacking(newer: &Connection, older: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let keys = |connection| rows::<Vec<u8>, BTreeSet<_>>(connection, sql, |row| row.get(0));
    Ok(keys(newer)?.difference(&keys(older)?).count() as u64)
}

fn known(connection: &Connection, version: i64) -> rusqlite::Result<Known> {
    let erased = if version >= ERASURE_SINCE { "erased_at IS NOT NULL" } else { "0" };
    let orgs: Vec<Org> = rows(connection, "SELECT bytes FROM org", |row| read(row, 0))?;
    let person = |row: &Row<'_>| {
        let person: Person = read(row, 0)?;
        Ok((person.id, (person, row.get(1)?, row.get(2)?)))
    };
    let account = |row: &Row<'_>| {
        let person = PersonId(row.get(0)?);
        let changed_at = Timestamp::from_ms(row.get(4)?);
        let (login, password, active) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((person, Account { person, login, password, active, changed_at }))
    };
    let accounts = "SELECT person, login, password, active, changed_at FROM account";
    let mut users: BTreeMap<DeviceId, BTreeSet<PersonId>> = BTreeMap::new();
    let links = "SELECT device, person FROM device_person WHERE to_pos IS NULL";
    let pairs: Vec<(DeviceId, PersonId)> =
        rows(connection, links, |row| Ok((DeviceId(row.get(0)?), PersonId(row.get(1)?))))?;
    for (device, person) in pairs {
        users.entry(device).or_default().insert(person);
    }
    Ok(Known {
        orgs: orgs.into_iter().map(|org| (org.id, org)).collect(),
        people: rows(connection, &format!("SELECT bytes, active, {erased} FROM person"), person)?,
        accounts: if version >= 2 { rows(connection, accounts, account)? } else { BTreeMap::new() },
        devices: rows(connection, "SELECT id, revoked FROM device", |row| {
            Ok((DeviceId(row.get(0)?), row.get(1)?))
        })?,
        users,
    })
}

fn withdrawn(was: &Known, is: &Known) -> Vec<Withdrawn> {
    let mut found = Vec::new();
    for (id, (now, now_active, now_erased)) in &is.people {
        let Some((person, active, erased)) = was.people.get(id) else { continue };
        match (erased, now_erased) {
            (_, true) => {}
            (true, false) => found.push(Withdrawn::Erased(*id)),
            // Nobody gets back a right that the older one does not grant: that is for people to decide again.
            (false, false) if (person, active) != (now, now_active) => {
                let placed = is.orgs.contains_key(&person.org);
                let row = if placed { person } else { now };
                found.push(Withdrawn::Person(row.clone(), *active && *now_active && placed));
            }
            (false, false) => {}
        }
    }
    for (id, now) in &is.accounts {
        let Some(account) = was.accounts.get(id) else { continue };
        let taken = is.accounts.values().any(|other| other.login == account.login && other.person != *id);
        if account != now {
            let last = if taken { now } else { account };
            let active = account.active && now.active && !taken;
            found.push(Withdrawn::Account(Account { active, ..last.clone() }));
        }
    }
    for (id, lost) in &is.devices {
        if !lost && was.devices.get(id) == Some(&true) {
            found.push(Withdrawn::Device(*id));
        }
        let none = BTreeSet::new();
        let (now, then) = (is.users.get(id).unwrap_or(&none), was.users.get(id).unwrap_or(&none));
        if was.devices.contains_key(id) && !now.is_subset(then) {
            found.push(Withdrawn::DevicePeople(*id, now.intersection(then).copied().collect()));
        }
    }
    found
}
