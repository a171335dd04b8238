//! Registry rows written, and with them who sees what: visibility and device scope.
//!
//! Both are logs with positions. A site new to the registry needs no marker in the feed,
//! because its rows follow; a site that changes hands gets one for everybody it concerns.

use std::collections::BTreeSet;

use louan_schema::id::{DeviceId, OrgId, PersonId, SiteId};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::time::Timestamp;

use super::apply::{Applying, Entry, kind};
use super::value::{int, read};
use super::{photos, registry, sessions};

/// Writes an organisation, and what it sees from now on.
pub(super) fn write_org(applying: &mut Applying<'_>, org: &Org) -> rusqlite::Result<()> {
    let fresh = registry::org(applying.tx, org.id)?.is_none();
    let entry = Entry { kind: kind::ORG, subject: &org.id.0, org: Some(org.id), ..Entry::default() };
    let written = applying.unless_same("org", &entry, org, |tx, pos, bytes| {
        let sql = "INSERT OR REPLACE INTO org (id, pos, bytes) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(sql)?.execute((org.id.0, int(pos), bytes))
    })?;
    let Some(pos) = written else { return Ok(()) };
    let before = seen_now(applying, org.id)?;
    let after = if org.sees_everything() { BTreeSet::new() } else { visible_sites(applying, org)? };
    for site in after.difference(&before) {
        // Nobody can hold a device of a new organisation yet, so its first sights need no marker.
        let from = if fresh { pos } else { mark(applying, org.id, *site)? };
        open_sight(applying, org.id, *site, from)?;
    }
    for site in before.difference(&after) {
        let to = mark(applying, org.id, *site)?;
        close_sight(applying, org.id, *site, to)?;
    }
    Ok(())
}

/// Writes a site with its buildings, and who sees it from now on.
pub(super) fn write_site(
    applying: &mut Applying<'_>,
    site: &Site,
    buildings: &[Building],
) -> rusqlite::Result<()> {
    let fresh = registry::site(applying.tx, site.id)?.is_none();
    let entry = Entry { kind: kind::SITE, subject: &site.id.0, site: Some(site.id), ..Entry::default() };
    let first = applying.next_pos();
    applying.unless_same("site", &entry, site, |tx, pos, bytes| {
        let sql = "INSERT INTO site (id, street, version, pos, bytes) VALUES (?1, ?2, 0, ?3, ?4) \
                   ON CONFLICT (id) DO UPDATE SET street = excluded.street, pos = excluded.pos, bytes = excluded.bytes";
        tx.prepare_cached(sql)?.execute((site.id.0, site.street.number(), int(pos), bytes))
    })?;
    applying.run("UPDATE site SET version = version + 1 WHERE id = ?1", [site.id.0])?;
    for building in buildings {
        let entry =
            Entry { kind: kind::BUILDING, subject: &building.id.0, site: Some(site.id), ..Entry::default() };
        applying.unless_same("building", &entry, building, |tx, pos, bytes| {
            let sql = "INSERT OR REPLACE INTO building (id, site, pos, bytes) VALUES (?1, ?2, ?3, ?4)";
            tx.prepare_cached(sql)?.execute((building.id.0, site.id.0, int(pos), bytes))
        })?;
    }
    let orgs = registry::orgs(applying.tx)?;
    let sql = "SELECT org FROM visibility WHERE site = ?1 AND to_pos IS NULL";
    let before: BTreeSet<OrgId> = applying
        .tx
        .prepare_cached(sql)?
        .query_map([site.id.0], |row| Ok(OrgId(row.get(0)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let after: BTreeSet<OrgId> =
        orgs.iter().filter(|o| !o.sees_everything() && o.sees(site)).map(|o| o.id).collect();
    for org in after.difference(&before) {
        let from = if fresh { first } else { mark(applying, *org, site.id)? };
        open_sight(applying, *org, site.id, from)?;
    }
    for org in before.difference(&after) {
        let to = mark(applying, *org, site.id)?;
        close_sight(applying, *org, site.id, to)?;
    }
    Ok(())
}

/// Writes a person; the devices he uses replicate what follows from it.
pub(super) fn write_person(
    applying: &mut Applying<'_>,
    person: &Person,
    active: bool,
) -> rusqlite::Result<()> {
    let entry =
        Entry { kind: kind::PERSON, subject: &person.id.0, org: Some(person.org), ..Entry::default() };
    let written = applying.unless_same("person", &entry, person, |tx, pos, bytes| {
        let sql = "INSERT INTO person (id, org, active, pos, bytes) VALUES (?1, ?2, 1, ?3, ?4) \
                   ON CONFLICT (id) DO UPDATE SET org = excluded.org, pos = excluded.pos, bytes = excluded.bytes";
        tx.prepare_cached(sql)?.execute((person.id.0, person.org.0, int(pos), bytes))
    })?;
    let sql = "UPDATE person SET active = ?2 WHERE id = ?1 AND active <> ?2";
    let switched = applying.tx.prepare_cached(sql)?.execute((person.id.0, active))?;
    if written.is_none() && switched == 0 {
        return Ok(());
    }
    let sql = "SELECT DISTINCT device FROM device_person WHERE person = ?1 AND to_pos IS NULL";
    let devices: Vec<DeviceId> = applying
        .tx
        .prepare_cached(sql)?
        .query_map([person.id.0], |row| Ok(DeviceId(row.get(0)?)))?
        .collect::<rusqlite::Result<_>>()?;
    devices.into_iter().try_for_each(|device| refresh_device(applying, device))
}

/// Erases a person: what remains is a tombstone that names nobody. The feed carries it to every
/// phone that had the name.
pub(super) fn erase_person(applying: &mut Applying<'_>, id: PersonId, at: Timestamp) -> rusqlite::Result<()> {
    let row = registry::person(applying.tx, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    write_person(applying, &Person { name: String::new(), ..row.person }, false)?;
    applying.run("UPDATE person SET erased_at = ?2 WHERE id = ?1", (id.0, at.ms()))?;
    photos::forget_person(applying.tx, id)?;
    sessions::forget(applying.tx, id, at)
}

/// Sets who uses a device.
pub(super) fn write_device_people(
    applying: &mut Applying<'_>,
    device: DeviceId,
    people: &[PersonId],
) -> rusqlite::Result<()> {
    let sql = "SELECT person FROM device_person WHERE device = ?1 AND to_pos IS NULL";
    let before: BTreeSet<PersonId> = applying
        .tx
        .prepare_cached(sql)?
        .query_map([device.0], |row| Ok(PersonId(row.get(0)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let after: BTreeSet<PersonId> = people.iter().copied().collect();
    let pos = int(applying.next_pos());
    for person in after.difference(&before) {
        let sql = "INSERT INTO device_person (device, person, from_pos) VALUES (?1, ?2, ?3)";
        applying.run(sql, (device.0, person.0, pos))?;
    }
    for person in before.difference(&after) {
        let sql = "UPDATE device_person SET to_pos = ?3 WHERE device = ?1 AND person = ?2 AND to_pos IS NULL";
        applying.run(sql, (device.0, person.0, pos))?;
    }
    refresh_device(applying, device)
}

/// Recomputes the organisations whose books a device replicates.
fn refresh_device(applying: &mut Applying<'_>, device: DeviceId) -> rusqlite::Result<()> {
    let orgs_of = |applying: &Applying<'_>, sql: &str| -> rusqlite::Result<BTreeSet<OrgId>> {
        applying.tx.prepare_cached(sql)?.query_map([device.0], |row| Ok(OrgId(row.get(0)?)))?.collect()
    };
    let before = orgs_of(applying, "SELECT org FROM device_org WHERE device = ?1 AND to_pos IS NULL")?;
    let after = orgs_of(
        applying,
        "SELECT person.org FROM device_person JOIN person ON person.id = device_person.person \
         WHERE device_person.device = ?1 AND device_person.to_pos IS NULL AND person.active = 1",
    )?;
    for org in after.symmetric_difference(&before) {
        let entry = Entry {
            kind: kind::DEVICE_ORG,
            subject: &org.0,
            org: Some(*org),
            device: Some(device),
            ..Entry::default()
        };
        let pos = int(applying.append(&entry)?);
        let sql = if after.contains(org) {
            "INSERT INTO device_org (device, org, from_pos) VALUES (?1, ?2, ?3)"
        } else {
            "UPDATE device_org SET to_pos = ?3 WHERE device = ?1 AND org = ?2 AND to_pos IS NULL"
        };
        applying.run(sql, (device.0, org.0, pos))?;
    }
    applying.run("UPDATE device SET scope_version = scope_version + 1 WHERE id = ?1", [device.0])
}

/// Marks in the feed that an organisation began or ceased to see a site.
fn mark(applying: &mut Applying<'_>, org: OrgId, site: SiteId) -> rusqlite::Result<u64> {
    let (subject, site, org) = (&site.0, Some(site), Some(org));
    applying.append(&Entry { kind: kind::VISIBLE, subject, site, org, ..Entry::default() })
}

fn open_sight(applying: &Applying<'_>, org: OrgId, site: SiteId, from: u64) -> rusqlite::Result<()> {
    applying
        .run("INSERT INTO visibility (org, site, from_pos) VALUES (?1, ?2, ?3)", (org.0, site.0, int(from)))
}

fn close_sight(applying: &Applying<'_>, org: OrgId, site: SiteId, to: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE visibility SET to_pos = ?3 WHERE org = ?1 AND site = ?2 AND to_pos IS NULL";
    applying.run(sql, (org.0, site.0, int(to)))
}

fn seen_now(applying: &Applying<'_>, org: OrgId) -> rusqlite::Result<BTreeSet<SiteId>> {
    let sql = "SELECT site FROM visibility WHERE org = ?1 AND to_pos IS NULL";
    applying.tx.prepare_cached(sql)?.query_map([org.0], |row| Ok(SiteId(row.get(0)?)))?.collect()
}

fn visible_sites(applying: &Applying<'_>, org: &Org) -> rusqlite::Result<BTreeSet<SiteId>> {
    let mut query = applying.tx.prepare_cached("SELECT bytes FROM site")?;
    let sites = query.query_map([], |row| read::<Site>(row, 0))?;
    let mut seen = BTreeSet::new();
    for site in sites {
        let site = site?;
        if org.sees(&site) {
            seen.insert(site.id);
        }
    }
    Ok(seen)
}
