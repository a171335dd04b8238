//! Server rows: organisations, people, compounds, buildings, hazards.
//!
//! Whole rows, replaced when a newer one comes. The search column holds the normalised
//! text of a building; how it is made and matched is the search use case's business.

use louan_schema::id::{BuildingId, HazardId, OrgId, PersonId, SiteId};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::wire::HazardStatus;
use minicbor::Decode;
use rusqlite::{OptionalExtension, ToSql, params_from_iter};

use super::meta::Meta;
use super::{Reader, Writer, all, from_cbor, signed, to_cbor};
use crate::store::StoreError;

impl Reader<'_> {
    fn body<T: for<'b> Decode<'b, ()>>(&self, sql: &str, id: &[u8]) -> Result<Option<T>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let bytes: Option<Vec<u8>> = statement.query_row([id], |row| row.get(0)).optional()?;
        bytes.map(|bytes| from_cbor(&bytes)).transpose()
    }

    fn bodies<T: for<'b> Decode<'b, ()>>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        all(statement.query_map(params, |row| {
            let bytes: Vec<u8> = row.get(0)?;
            Ok(from_cbor(&bytes))
        })?)
    }

    pub(crate) fn find_org(&self, id: OrgId) -> Result<Option<Org>, StoreError> {
        self.body("SELECT body FROM org WHERE id = ?1", id.as_bytes())
    }

    pub(crate) fn find_person(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        self.body("SELECT body FROM person WHERE id = ?1", id.as_bytes())
    }

    pub(crate) fn find_site(&self, id: SiteId) -> Result<Option<Site>, StoreError> {
        self.body("SELECT body FROM site WHERE id = ?1", id.as_bytes())
    }

    pub(crate) fn find_building(&self, id: BuildingId) -> Result<Option<Building>, StoreError> {
        self.body("SELECT body FROM building WHERE id = ?1", id.as_bytes())
    }

    pub(crate) fn find_hazard(&self, id: HazardId) -> Result<Option<HazardStatus>, StoreError> {
        self.body("SELECT body FROM hazard WHERE id = ?1", id.as_bytes())
    }

    pub(crate) fn list_buildings_of(&self, site: SiteId) -> Result<Vec<Building>, StoreError> {
        self.bodies("SELECT body FROM building WHERE site = ?1 ORDER BY code", &[&site.as_bytes()])
    }

    pub(crate) fn list_hazards(&self, site: Option<SiteId>) -> Result<Vec<HazardStatus>, StoreError> {
        let sql = "SELECT body FROM hazard WHERE ?1 IS NULL OR site = ?1 ORDER BY id";
        self.bodies(sql, &[&site.as_ref().map(SiteId::as_bytes)])
    }

    /// Compounds that have left the phone's scope and still lie here.
    pub(crate) fn list_gone(&self) -> Result<Vec<SiteId>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT id FROM site WHERE gone = 1")?;
        let rows = statement.query_map([], |row| Ok(SiteId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a compound lies here and is in the phone's scope.
    pub(crate) fn is_here(&self, site: SiteId) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM site WHERE id = ?1 AND gone = 0")?;
        Ok(statement.exists([site.as_bytes()])?)
    }

    /// Buildings whose search text contains every part, with that text, by code.
    pub(crate) fn search_buildings(
        &self,
        parts: &[&str],
        limit: usize,
    ) -> Result<Vec<(Building, String)>, StoreError> {
        let conditions: String =
            (1..=parts.len()).map(|i| format!(" AND instr(b.search, ?{i}) > 0")).collect();
        let sql = format!(
            "SELECT b.body, b.search FROM building b JOIN site s ON s.id = b.site
             WHERE s.gone = 0{conditions} ORDER BY length(b.search), b.code LIMIT {limit}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        all(statement.query_map(params_from_iter(parts), |row| {
            let (body, search): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
            Ok(from_cbor(&body).map(|building| (building, search)))
        })?)
    }
}

impl Writer<'_> {
    pub(crate) fn upsert_org(&self, org: &Org) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("INSERT OR REPLACE INTO org (id, body) VALUES (?1, ?2)")?;
        statement.execute((org.id.as_bytes(), to_cbor(org)))?;
        Ok(())
    }

    pub(crate) fn upsert_person(&self, person: &Person) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("INSERT OR REPLACE INTO person (id, body) VALUES (?1, ?2)")?;
        statement.execute((person.id.as_bytes(), to_cbor(person)))?;
        Ok(())
    }

    /// A compound that comes is no longer gone.
    pub(crate) fn upsert_site(&self, site: &Site) -> Result<(), StoreError> {
        let mut statement =
            self.0.0.prepare_cached("INSERT OR REPLACE INTO site (id, gone, body) VALUES (?1, 0, ?2)")?;
        statement.execute((site.id.as_bytes(), to_cbor(site)))?;
        Ok(())
    }

    /// Makes a building findable by another text.
    pub(crate) fn set_building_search(&self, id: BuildingId, search: &str) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached("UPDATE building SET search = ?2 WHERE id = ?1")?;
        statement.execute((id.as_bytes(), search))?;
        Ok(())
    }

    pub(crate) fn upsert_building(&self, building: &Building, search: &str) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT OR REPLACE INTO building (id, site, code, search, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((
            building.id.as_bytes(),
            building.site.as_bytes(),
            &building.code,
            search,
            to_cbor(building),
        ))?;
        Ok(())
    }

    /// Replaces a hazard's row.
    pub(crate) fn upsert_hazard(&self, hazard: &HazardStatus) -> Result<(), StoreError> {
        let mut statement = self.0.0.prepare_cached(
            "INSERT INTO hazard (id, site, version, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET site = excluded.site, version = excluded.version, body = excluded.body,
                                            stale = 0",
        )?;
        statement.execute((
            hazard.reading.id.as_bytes(),
            hazard.site.as_bytes(),
            signed(hazard.version),
            to_cbor(hazard),
        ))?;
        Ok(())
    }

    pub(crate) fn set_gone(&self, site: SiteId) -> Result<(), StoreError> {
        self.0.0.prepare_cached("UPDATE site SET gone = 1 WHERE id = ?1")?.execute([site.as_bytes()])?;
        Ok(())
    }

    /// Takes every server row for unconfirmed: a bootstrap begins.
    pub(crate) fn doubt_rows(&self) -> Result<(), StoreError> {
        for table in ["org", "person", "site", "building", "hazard", "doc"] {
            self.0.0.execute(&format!("UPDATE {table} SET stale = 1"), [])?;
        }
        Ok(())
    }

    /// The bootstrap is through: what it did not bring is no longer this phone's to have. A compound goes like
    /// one that left the scope, once nothing unsent hangs on it.
    pub(crate) fn drop_stale_rows(&self) -> Result<(), StoreError> {
        let enrolled: Vec<PersonId> = self.meta(Meta::People)?.unwrap_or_default();
        let orgs: Vec<OrgId> = self.meta(Meta::Orgs)?.unwrap_or_default();
        for id in enrolled {
            self.0.0.execute("UPDATE person SET stale = 0 WHERE id = ?1", [id.as_bytes()])?;
        }
        for id in orgs {
            self.0.0.execute("UPDATE org SET stale = 0 WHERE id = ?1", [id.as_bytes()])?;
        }
        self.0.0.execute_batch(
            "UPDATE site SET gone = 1, stale = 0 WHERE stale = 1;
             DELETE FROM hazard WHERE stale = 1 AND site IN (SELECT id FROM site WHERE gone = 0);
             DELETE FROM building WHERE stale = 1 AND site IN (SELECT id FROM site WHERE gone = 0);
             DELETE FROM person WHERE stale = 1;
             DELETE FROM org WHERE stale = 1;",
        )?;
        Ok(())
    }

    /// Takes a compound's server rows away.
    pub(crate) fn delete_site(&self, site: SiteId) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM building WHERE site = ?1",
            "DELETE FROM hazard WHERE site = ?1",
            "DELETE FROM record WHERE site = ?1",
            "DELETE FROM site WHERE id = ?1",
        ] {
            self.0.0.prepare_cached(sql)?.execute([site.as_bytes()])?;
        }
        Ok(())
    }
}
