//! The registry's tables as read: organisations, people, devices, sites, scope.
//!
//! Scope at a device's last contact is told from the logs' positions; nothing here decides
//! what follows from it.

use std::collections::BTreeSet;

use louan_schema::id::{BuildingId, DeviceId, OrgId, PersonId, SiteId};
use louan_schema::registry::{Org, Site};
use louan_schema::wire::Row as WireRow;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use super::value::{count, decoded, int, read};
use crate::storage::Reply;
use crate::storage::registry::{
    DeviceState, PersonRow, RegistryStore, RowTable, Sight, SiteRow, Standing, StoredRow,
};

/// An organisation.
pub(super) fn org(tx: &Connection, id: OrgId) -> rusqlite::Result<Option<Org>> {
    let sql = "SELECT bytes FROM org WHERE id = ?1";
    tx.prepare_cached(sql)?.query_row([id.0], |row| read(row, 0)).optional()
}

/// Every organisation.
pub(super) fn orgs(tx: &Connection) -> rusqlite::Result<Vec<Org>> {
    tx.prepare_cached("SELECT bytes FROM org ORDER BY id")?.query_map([], |row| read(row, 0))?.collect()
}

/// A person.
pub(super) fn person(tx: &Connection, id: PersonId) -> rusqlite::Result<Option<PersonRow>> {
    let sql = "SELECT bytes, active, erased_at IS NOT NULL FROM person WHERE id = ?1";
    tx.prepare_cached(sql)?.query_row([id.0], person_row).optional()
}

/// A site.
pub(super) fn site(tx: &Connection, id: SiteId) -> rusqlite::Result<Option<SiteRow>> {
    let sql = "SELECT bytes, version FROM site WHERE id = ?1";
    let row = |row: &Row<'_>| Ok(SiteRow { site: read(row, 0)?, version: count(row, 1)? });
    tx.prepare_cached(sql)?.query_row([id.0], row).optional()
}

fn person_row(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow { person: read(row, 0)?, active: row.get(1)?, erased: row.get(2)? })
}

impl RegistryStore for Sqlite {
    fn find_device(&self, device: DeviceId) -> Reply<'_, Option<DeviceState>> {
        self.read("load a device", move |tx| device_state(tx, device))
    }

    fn list_devices(&self) -> Reply<'_, Vec<DeviceState>> {
        self.read("list devices", |tx| {
            let ids: Vec<DeviceId> = tx
                .prepare_cached("SELECT id FROM device ORDER BY id")?
                .query_map([], |row| Ok(DeviceId(row.get(0)?)))?
                .collect::<rusqlite::Result<_>>()?;
            ids.into_iter().filter_map(|id| device_state(tx, id).transpose()).collect()
        })
    }

    fn sight(&self, ids: Vec<OrgId>) -> Reply<'_, Sight> {
        self.read("load what a device may see", move |tx| sight(tx, &ids))
    }

    fn seen_at(&self, id: OrgId, pos: u64) -> Reply<'_, BTreeSet<SiteId>> {
        self.read("load what an organisation saw", move |tx| {
            let everything = org(tx, id)?.is_some_and(|row| row.sees_everything());
            let sql = if everything {
                "SELECT id FROM site WHERE ?1 IS NOT NULL AND ?2 IS NOT NULL"
            } else {
                "SELECT site FROM visibility WHERE org = ?1 AND from_pos <= ?2 AND (to_pos IS NULL OR to_pos >= ?2)"
            };
            tx.prepare_cached(sql)?.query_map((id.0, int(pos)), |row| Ok(SiteId(row.get(0)?)))?.collect()
        })
    }

    fn standing(&self, device: DeviceId, person: PersonId, org: OrgId, site: SiteId) -> Reply<'_, Standing> {
        self.read("load a person's rights", move |tx| standing(tx, device, person, org, site))
    }

    fn find_org(&self, id: OrgId) -> Reply<'_, Option<Org>> {
        self.read("load an organisation", move |tx| org(tx, id))
    }

    fn list_orgs(&self) -> Reply<'_, Vec<Org>> {
        self.read("list organisations", orgs)
    }

    fn find_person(&self, id: PersonId) -> Reply<'_, Option<PersonRow>> {
        self.read("load a person", move |tx| person(tx, id))
    }

    fn list_people(&self) -> Reply<'_, Vec<PersonRow>> {
        self.read("list people", |tx| {
            let sql = "SELECT bytes, active, erased_at IS NOT NULL FROM person ORDER BY id";
            tx.prepare_cached(sql)?.query_map([], person_row)?.collect()
        })
    }

    fn find_site(&self, id: SiteId) -> Reply<'_, Option<SiteRow>> {
        self.read("load a site", move |tx| site(tx, id))
    }

    fn sites_of(&self, buildings: Vec<BuildingId>) -> Reply<'_, Vec<(BuildingId, SiteId)>> {
        self.read("look up buildings", move |tx| {
            let mut query = tx.prepare_cached("SELECT site FROM building WHERE id = ?1")?;
            let mut found = Vec::new();
            for id in buildings {
                let site = query.query_row([id.0], |row| Ok(SiteId(row.get(0)?))).optional()?;
                found.extend(site.map(|site| (id, site)));
            }
            Ok(found)
        })
    }

    fn rows(&self, table: RowTable, ids: Vec<[u8; 16]>) -> Reply<'_, Vec<StoredRow>> {
        self.read("read rows", move |tx| {
            let sql = format!("SELECT id, pos, bytes FROM {} WHERE id = ?1", name(table));
            let mut query = tx.prepare_cached(&sql)?;
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                rows.extend(query.query_row([id], |row| stored(table, row)).optional()?);
            }
            Ok(rows)
        })
    }

    fn rows_after(
        &self,
        table: RowTable,
        after: Option<[u8; 16]>,
        site: Option<SiteId>,
        limit: usize,
    ) -> Reply<'_, Vec<StoredRow>> {
        self.read("read rows in order", move |tx| {
            let of_site = match table {
                RowTable::Org | RowTable::Person => "?2 IS NULL",
                RowTable::Site => "(?2 IS NULL OR id = ?2)",
                RowTable::Building | RowTable::Hazard => "(?2 IS NULL OR site = ?2)",
            };
            let sql = format!(
                "SELECT id, pos, bytes FROM {} WHERE (?1 IS NULL OR id > ?1) AND {of_site} ORDER BY id LIMIT ?3",
                name(table)
            );
            let params = (after, site.map(|id| id.0), int(limit as u64));
            tx.prepare_cached(&sql)?.query_map(params, |row| stored(table, row))?.collect()
        })
    }
}

const fn name(table: RowTable) -> &'static str {
    match table {
        RowTable::Org => "org",
        RowTable::Person => "person",
        RowTable::Site => "site",
        RowTable::Building => "building",
        RowTable::Hazard => "hazard_row",
    }
}

fn stored(table: RowTable, row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let bytes = row.get_ref(2)?.as_blob()?;
    let wire = match table {
        RowTable::Org => WireRow::Org(decoded(bytes, 2)?),
        RowTable::Person => WireRow::Person(decoded(bytes, 2)?),
        RowTable::Site => WireRow::Site(decoded(bytes, 2)?),
        RowTable::Building => WireRow::Building(decoded(bytes, 2)?),
        RowTable::Hazard => WireRow::Hazard(Box::new(decoded(bytes, 2)?)),
    };
    Ok(StoredRow { id: row.get(0)?, pos: count(row, 1)?, bytes: bytes.len(), row: wire })
}

fn device_state(tx: &Connection, device: DeviceId) -> rusqlite::Result<Option<DeviceState>> {
    let sql = "SELECT public_key, revoked, scope_version, last_pos FROM device WHERE id = ?1";
    let row = |row: &Row<'_>| {
        Ok(DeviceState {
            device,
            public_key: row.get(0)?,
            revoked: row.get(1)?,
            scope_version: count(row, 2)?,
            last_pos: count(row, 3)?,
            people: Vec::new(),
            orgs: Vec::new(),
        })
    };
    let Some(mut state) = tx.prepare_cached(sql)?.query_row([device.0], row).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT person.bytes, person.active, person.erased_at IS NOT NULL FROM device_person \
               JOIN person ON person.id = device_person.person \
               WHERE device_person.device = ?1 AND device_person.to_pos IS NULL ORDER BY person.id";
    state.people =
        tx.prepare_cached(sql)?.query_map([device.0], person_row)?.collect::<rusqlite::Result<_>>()?;
    let ids: BTreeSet<OrgId> = state.people.iter().filter(|p| p.active).map(|p| p.person.org).collect();
    for id in ids {
        state.orgs.extend(org(tx, id)?);
    }
    Ok(Some(state))
}

fn sight(tx: &Connection, ids: &[OrgId]) -> rusqlite::Result<Sight> {
    let mut sight = Sight::default();
    let mut query = tx.prepare_cached("SELECT site FROM visibility WHERE org = ?1 AND to_pos IS NULL")?;
    for id in ids {
        if org(tx, *id)?.is_some_and(|row| row.sees_everything()) {
            sight.everything = true;
            sight.sites.clear();
            return Ok(sight);
        }
        for site in query.query_map([id.0], |row| Ok(SiteId(row.get(0)?)))? {
            sight.sites.insert(site?);
        }
    }
    let mut query = tx.prepare_cached("SELECT bytes FROM site WHERE id = ?1")?;
    for site in &sight.sites {
        let row: Site = query.query_row([site.0], |row| read(row, 0))?;
        sight.named_orgs.insert(row.supervised_by);
        sight.named_orgs.extend(row.managed_by);
    }
    Ok(sight)
}

fn standing(
    tx: &Connection,
    device: DeviceId,
    person_id: PersonId,
    org_id: OrgId,
    site_id: SiteId,
) -> rusqlite::Result<Standing> {
    let sql = "SELECT last_pos FROM device WHERE id = ?1";
    let last = tx.prepare_cached(sql)?.query_row([device.0], |row| count(row, 0)).optional()?;
    let last = int(last.unwrap_or(0));
    let links = "SELECT COUNT(*), COUNT(*) FILTER (WHERE to_pos IS NULL) FROM device_person \
                 WHERE device = ?1 AND person = ?2";
    let row = |row: &Row<'_>| Ok((count(row, 0)? > 0, count(row, 1)? > 0));
    let (was_linked, linked) = tx.prepare_cached(links)?.query_row((device.0, person_id.0), row)?;
    let at_contact = |sql: &str, a: [u8; 16], b: [u8; 16]| tx.prepare_cached(sql)?.exists((a, b, last));
    let everything = org(tx, org_id)?.is_some_and(|row| row.sees_everything());
    let registered =
        everything && tx.prepare_cached("SELECT 1 FROM site WHERE id = ?1")?.exists([site_id.0])?;
    let seen = "SELECT 1 FROM visibility WHERE org = ?1 AND site = ?2 AND to_pos IS NULL";
    Ok(Standing {
        person: person(tx, person_id)?,
        linked,
        was_linked,
        org_at_contact: at_contact(
            "SELECT 1 FROM device_org WHERE device = ?1 AND org = ?2 AND from_pos <= ?3 \
             AND (to_pos IS NULL OR to_pos > ?3)",
            device.0,
            org_id.0,
        )?,
        visible: registered || tx.prepare_cached(seen)?.exists((org_id.0, site_id.0))?,
        visible_at_contact: registered
            || at_contact(
                "SELECT 1 FROM visibility WHERE org = ?1 AND site = ?2 AND from_pos <= ?3 \
                 AND (to_pos IS NULL OR to_pos > ?3)",
                org_id.0,
                site_id.0,
            )?,
    })
}
