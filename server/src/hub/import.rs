//! Importing lists of buildings: shown first, then done under the person's name, then perhaps taken back.
//!
//! An import is a series of rulings like any other, each decided by the rules for entering a compound; their numbers
//! follow from the import's, so that a series that was cut is gone on with and nothing is done twice. Taking back puts
//! what stood before in the place of what the import has put there, and only there.

use louan_schema::area::StreetCode;
use louan_schema::code::RegistryState;
use louan_schema::id::{CommandId, PersonId, SiteId, derived};
use louan_schema::registry::{Building, Org, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::{Code, CommandVerdict, Row};

use super::{Clocks, Hub, StorageError};
use crate::import::{Defaults, Entry, NoHeader, Plan, Registry, plan, read, refused};
use crate::storage::commit::{Commit, Write};
use crate::storage::imports::{Import, ImportId, ImportState, ImportWrite};
use crate::storage::registry::RowTable;
use crate::table::{Line, Table};

/// Rows read at once.
const ROWS: usize = 500;
/// Plans that nobody carries out are kept for a week.
const SEEN_MS: i64 = 7 * 86_400_000;

/// Why an import cannot be made or carried out. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No such import, or another organisation's.
    #[error("there is no such import")]
    Unknown,
    /// No header names a building.
    #[error(transparent)]
    NoHeader(#[from] NoHeader),
    /// It is in another state: done already, or not done yet.
    #[error("the import is in another state")]
    State(ImportState),
    /// Storage refused.
    #[error("could not read or write the import")]
    Storage(#[from] StorageError),
}

/// An import as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its number.
    pub id: ImportId,
    /// How far it is.
    pub state: ImportState,
    /// What it does.
    pub plan: Plan,
    /// The header and the lines that are not taken.
    pub refused: Vec<Line>,
    /// Titles of columns that are left alone; known only while the list is read.
    pub left_alone: Vec<String>,
    /// Sheets of the workbook that were not read; known only while the list is read.
    pub sheets_left: Vec<String>,
}

/// What came of carrying an import out, or of taking it back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Compounds entered, changed or put back.
    pub done: usize,
    /// Compounds left as they are, by name, with the reason: somebody has decided otherwise meanwhile.
    pub left: Vec<(String, Code)>,
}

impl Hub {
    /// Reads a list against the registry and keeps what it would do. `id` is random.
    ///
    /// # Errors
    /// [`ImportError::NoHeader`].
    pub async fn preview_import(
        &self,
        person: PersonId,
        id: ImportId,
        (table, defaults): (&Table, Defaults),
        now: Clocks,
    ) -> Result<Imported, ImportError> {
        let read = read(table, &defaults)?;
        let registry = self.registry_of(person).await?;
        let plan = plan(&read, &registry);
        let refused = refused(&read.header, table, &plan);
        let org = self.inner.storage.find_person(person).await?.ok_or(ImportError::Unknown)?.person.org;
        let import = Import {
            id,
            person,
            org,
            made_at: now.system,
            state: ImportState::Seen,
            plan: minicbor::to_vec(&plan).unwrap_or_default(),
            refused: minicbor::to_vec(&refused).unwrap_or_default(),
        };
        self.write_import(ImportWrite::Put(import, now.system.plus_ms(-SEEN_MS))).await?;
        let (left_alone, sheets_left) = (read.left_alone, table.sheets_left.clone());
        Ok(Imported { id, state: ImportState::Seen, plan, refused, left_alone, sheets_left })
    }

    /// An import of the person's own organisation.
    ///
    /// # Errors
    /// [`ImportError::Unknown`].
    pub async fn find_import(&self, person: PersonId, id: ImportId) -> Result<Imported, ImportError> {
        let asking = self.inner.storage.find_person(person).await?.ok_or(ImportError::Unknown)?;
        let import = self.inner.storage.find_import(id).await?;
        let import = import.filter(|import| import.org == asking.person.org).ok_or(ImportError::Unknown)?;
        let damaged = |_| StorageError::Damaged { doing: "read an import" };
        Ok(Imported {
            id,
            state: import.state,
            plan: minicbor::decode(&import.plan).map_err(damaged)?,
            refused: minicbor::decode(&import.refused).map_err(damaged)?,
            left_alone: Vec::new(),
            sheets_left: Vec::new(),
        })
    }

    /// Carries an import out, or goes on with one that was cut.
    ///
    /// # Errors
    /// [`ImportError::State`] when it was done before.
    pub async fn carry_import(
        &self,
        person: PersonId,
        id: ImportId,
        now: Clocks,
    ) -> Result<Carried, ImportError> {
        let plan = self.begin(person, id, [ImportState::Seen, ImportState::Doing]).await?;
        let mut carried = Carried::default();
        for Entry { site, buildings, version, .. } in plan.entries {
            self.enter(person, command("do", id, (site, version), buildings, now), now, &mut carried).await?;
        }
        self.write_import(ImportWrite::State(id, ImportState::Done)).await?;
        Ok(carried)
    }

    /// Takes an import back: where nobody has decided otherwise since, what stood before stands again, and a compound
    /// that was new is retired with its buildings.
    ///
    /// # Errors
    /// [`ImportError::State`] when it was not done, or was taken back before.
    pub async fn undo_import(
        &self,
        person: PersonId,
        id: ImportId,
        now: Clocks,
    ) -> Result<Carried, ImportError> {
        let plan = self.begin(person, id, [ImportState::Done, ImportState::Undoing]).await?;
        let mut carried = Carried::default();
        for entry in plan.entries {
            // What this import has not done is somebody else's, whatever its version says.
            if self.inner.storage.is_ruled(command_id("do", id, entry.site.id)).await? {
                let (site, buildings) = stood(&entry);
                let command = command("undo", id, (site, entry.version + 1), buildings, now);
                self.enter(person, command, now, &mut carried).await?;
            }
        }
        self.write_import(ImportWrite::State(id, ImportState::Undone)).await?;
        Ok(carried)
    }

    /// Goes over from the first of two states to the second, if the import is in one of them; what it does.
    async fn begin(
        &self,
        person: PersonId,
        id: ImportId,
        [before, during]: [ImportState; 2],
    ) -> Result<Plan, ImportError> {
        let import = self.find_import(person, id).await?;
        if import.state != before && import.state != during {
            return Err(ImportError::State(import.state));
        }
        self.write_import(ImportWrite::State(id, during)).await?;
        Ok(import.plan)
    }

    /// Enters a compound, unless a colleague has done so before a series was cut.
    async fn enter(
        &self,
        person: PersonId,
        command: Command,
        now: Clocks,
        carried: &mut Carried,
    ) -> Result<(), ImportError> {
        let Act::RegisterSite(site, _) = &command.act else { return Ok(()) };
        let name = site.name.clone();
        let verdict = if self.inner.storage.is_ruled(command.id).await? {
            CommandVerdict::Duplicate(command.expected_version + 1)
        } else {
            self.command(person, command, now).await?
        };
        carried.note(name, verdict);
        Ok(())
    }

    /// The next compound an organisation sees, in the order of their ids, with its buildings; in one 街镇 or in all.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn next_site(
        &self,
        org: &Org,
        after: Option<SiteId>,
        street: Option<StreetCode>,
    ) -> Result<Option<(SiteId, Site, Vec<Building>)>, StorageError> {
        let (storage, mut after) = (&self.inner.storage, after.map(|id| id.0));
        loop {
            let page = storage.rows_after(RowTable::Site, after, None, ROWS).await?;
            let Some(last) = page.last() else { return Ok(None) };
            let Row::Site(last) = &last.row else { return Ok(None) };
            after = Some(last.id.0);
            let sites = page.into_iter().filter_map(|stored| match stored.row {
                Row::Site(site) => Some(site),
                _ => None,
            });
            let wanted = |site: &Site| org.sees(site) && street.is_none_or(|street| site.street == street);
            if let Some(site) = sites.into_iter().find(wanted) {
                let buildings = self.list_buildings(site.id).await?;
                return Ok(Some((site.id, site, buildings)));
            }
        }
    }

    /// The buildings of a compound, as they stand; whoever asks has to be one who may see them.
    ///
    /// # Errors
    /// [`StorageError`] when they cannot be read.
    pub async fn list_buildings(&self, site: SiteId) -> Result<Vec<Building>, StorageError> {
        let rows = self.inner.storage.rows_after(RowTable::Building, None, Some(site), ROWS).await?;
        let buildings = rows.into_iter().filter_map(|stored| match stored.row {
            Row::Building(building) => Some(building),
            _ => None,
        });
        Ok(buildings.collect())
    }

    async fn write_import(&self, write: ImportWrite) -> Result<(), ImportError> {
        let commit = Commit { writes: vec![Write::Import(write)], ..Commit::default() };
        Ok(self.commit(commit).await.map(drop)?)
    }

    /// The registry as far as a person sees it.
    async fn registry_of(&self, person: PersonId) -> Result<Registry, ImportError> {
        let storage = &self.inner.storage;
        let row = storage.find_person(person).await?.ok_or(ImportError::Unknown)?;
        let org = storage.find_org(row.person.org).await?.ok_or(ImportError::Unknown)?;
        let mut registry = Registry { orgs: storage.list_orgs().await?, sites: Vec::new() };
        for row in self.all_rows(RowTable::Site).await? {
            let Row::Site(site) = row else { continue };
            if org.sees(&site) {
                let version = storage.find_site(site.id).await?.map_or(0, |row| row.version);
                registry.sites.push((site, version, Vec::new()));
            }
        }
        for row in self.all_rows(RowTable::Building).await? {
            let Row::Building(building) = row else { continue };
            // Rows come in the order of their ids.
            let at = registry.sites.binary_search_by_key(&building.site.0, |(site, ..)| site.id.0);
            if let Ok(at) = at {
                registry.sites[at].2.push(building);
            }
        }
        Ok(registry)
    }

    async fn all_rows(&self, table: RowTable) -> Result<Vec<Row>, StorageError> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = self.inner.storage.rows_after(table, after, None, ROWS).await?;
            let Some(last) = page.last() else { return Ok(rows) };
            after = match &last.row {
                Row::Site(row) => Some(row.id.0),
                Row::Building(row) => Some(row.id.0),
                Row::Org(_) | Row::Person(_) | Row::Hazard(_) => return Ok(rows),
            };
            rows.extend(page.into_iter().map(|stored| stored.row));
        }
    }
}

impl Carried {
    /// Why a compound was left as it is, for people.
    #[must_use]
    pub const fn reason(code: Code) -> &'static str {
        match code {
            Code::VersionMoved => "已被他人更改，未作改动",
            Code::NotPermitted | Code::UnknownTarget | Code::OutOfScope => "不在您的权限范围内，未作改动",
            Code::WrongState => "建筑已登记在其他小区，未作改动",
            _ => "不符合建账要求，未作改动",
        }
    }

    fn note(&mut self, name: String, verdict: CommandVerdict) {
        match verdict {
            CommandVerdict::Done(_) | CommandVerdict::Duplicate(_) => self.done += 1,
            CommandVerdict::Refused(code, _) => self.left.push((name, code)),
        }
    }
}

/// What stood before an entry: for a new one, itself retired.
fn stood(entry: &Entry) -> (Site, Vec<Building>) {
    let retired = |row: &Building| Building { state: RegistryState::Retired, ..row.clone() };
    match &entry.before {
        Some((site, buildings)) => {
            // Buildings that were new in a compound that was not are retired beside the others.
            let new = |row: &&Building| buildings.iter().all(|before| before.id != row.id);
            let added = entry.buildings.iter().filter(new).map(retired);
            (site.clone(), buildings.iter().cloned().chain(added).collect())
        }
        None => (entry.site.clone(), entry.buildings.iter().map(retired).collect()),
    }
}

fn command(
    what: &str,
    import: ImportId,
    (site, expected_version): (Site, u64),
    buildings: Vec<Building>,
    now: Clocks,
) -> Command {
    let id = command_id(what, import, site.id);
    Command { id, expected_version, at: now.business, act: Act::RegisterSite(site, buildings) }
}

/// The number of what an import does to a compound, or takes back there: it follows from both.
fn command_id(what: &str, import: ImportId, site: SiteId) -> CommandId {
    CommandId(derived("louan/import/command/1", &[what.as_bytes(), &import.0, &site.0]))
}
