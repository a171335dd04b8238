//! Ledgers as files: page after page out of the store, line after line into a file on disk.
//!
//! As far as the asking organisation sees, whatever the filter says (X07). Every file is a line of the audit, and every
//! workbook says at its foot who made it and when: by number, not by name, for files go further than screens.

use std::path::Path;

use louan_schema::area::StreetCode;
use louan_schema::code::{Action, Datum, HazardState, may};
use louan_schema::id::SiteId;
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::time::Day;
use louan_schema::wire::HazardStatus;

use super::{Clocks, HazardQuery, Hub, RoundQuery, RoundRow, StorageError};
use crate::audit::Entry;
use crate::report::workbook::WorkbookError;
use crate::report::{BuildingFile, BuildingSheet, HazardSheet, ReportError, RoundSheet};
use crate::storage::photos::{PhotoTally, Subject};

/// Which ledger, in which form (台账文件).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerFile {
    /// The hazard ledger as a workbook, of one state or of all.
    Hazards(Option<HazardState>),
    /// The inspection ledger as a workbook: visits begun up to the end of a day, or all.
    Rounds(Option<Day>),
    /// The building ledger as a workbook.
    Buildings,
    /// Buildings for a map, as GeoJSON.
    GeoJson(Datum),
    /// Buildings for a map, as a GeoPackage.
    GeoPackage(Datum),
}

impl LedgerFile {
    /// The name its file has.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Hazards(_) => "hazards.xlsx",
            Self::Rounds(_) => "rounds.xlsx",
            Self::Buildings => "buildings.xlsx",
            Self::GeoJson(_) => "buildings.geojson",
            Self::GeoPackage(_) => "buildings.gpkg",
        }
    }
}

/// A ledger asked for.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// Which.
    pub ledger: LedgerFile,
    /// Of one 街镇, or of all that are in sight.
    pub street: Option<StreetCode>,
    /// Who asks.
    pub person: &'a Person,
    /// For which organisation.
    pub org: &'a Org,
    /// When.
    pub now: Clocks,
    /// Where the file is to be; nothing may stand there.
    pub path: &'a Path,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The role does not read ledgers.
    #[error("this person may not read the ledger")]
    NotPermitted,
    /// The store.
    #[error("could not read the ledger")]
    Storage(#[from] StorageError),
    /// The file.
    #[error("could not write the file")]
    Report(#[from] ReportError),
}

impl From<WorkbookError> for ExportError {
    fn from(error: WorkbookError) -> Self {
        Self::Report(error.into())
    }
}

impl Hub {
    /// Writes a ledger into a file.
    ///
    /// # Errors
    /// [`ExportError`]; what then stands at the path is no ledger.
    pub async fn export(&self, export: Export<'_>) -> Result<(), ExportError> {
        if !may(export.person.role, Action::ReadLedger) {
            return Err(ExportError::NotPermitted);
        }
        match export.ledger {
            LedgerFile::Hazards(state) => self.write_hazards(&export, state).await?,
            LedgerFile::Rounds(until) => self.write_rounds(&export, until).await?,
            LedgerFile::Buildings => self.write_buildings(&export).await?,
            LedgerFile::GeoJson(datum) => {
                self.write_places(&export, BuildingFile::geojson(export.path.to_owned(), datum)?).await?;
            }
            LedgerFile::GeoPackage(datum) => {
                self.write_places(&export, BuildingFile::geopackage(export.path.to_owned(), datum)?).await?;
            }
        }
        let entry = Entry {
            at: export.now.system,
            person: Some(export.person.id),
            device: None,
            act: "export".to_owned(),
            subject: export.ledger.file_name().to_owned(),
            outcome: "made".to_owned(),
        };
        Ok(self.note(entry).await?)
    }

    async fn write_hazards(
        &self,
        export: &Export<'_>,
        state: Option<HazardState>,
    ) -> Result<(), ExportError> {
        let query = HazardQuery {
            seen_by: Some(export.org.id),
            street: export.street,
            state,
            ..HazardQuery::default()
        };
        let mut sheet = HazardSheet::begin(export.now.business)?;
        // Hazards of one compound often follow each other: it is then read once.
        let mut place: Option<(SiteId, Option<Site>, String)> = None;
        let mut after = None;
        loop {
            let page = self.list_hazards(HazardQuery { after, ..query.clone() }).await?;
            after = page.rows.last().map(|status| (status.reading.found_at(), status.reading.id));
            let subject =
                |status: &HazardStatus| Subject { id: status.reading.id.0, site: status.site, org: None };
            let tallies = self.tally(page.rows.iter().map(subject)).await?;
            for (status, photos) in page.rows.iter().zip(tallies) {
                let known = place.take().filter(|(id, ..)| *id == status.site);
                let (_, site, supervisor) = place.insert(match known {
                    Some(known) => known,
                    None => {
                        let site = self.find_site(status.site).await?.map(|row| row.site);
                        let supervisor = self.supervisor_name(site.as_ref()).await?;
                        (status.site, site, supervisor)
                    }
                });
                sheet.push(status, site.as_ref(), supervisor, photos)?;
            }
            if after.is_none() {
                break;
            }
        }
        Ok(sheet.save(&small_print(export), export.path)?)
    }

    async fn write_rounds(&self, export: &Export<'_>, until: Option<Day>) -> Result<(), ExportError> {
        let query = RoundQuery {
            seen_by: Some(export.org.id),
            street: export.street,
            before: until.map(Day::end),
            ..RoundQuery::default()
        };
        let mut sheet = RoundSheet::begin(self.list_orgs().await?)?;
        // Visits to one compound often follow each other: it is then read once.
        let mut place: Option<(SiteId, Option<Site>, Vec<Building>)> = None;
        let mut after = None;
        loop {
            let page = self.list_rounds(RoundQuery { after, ..query.clone() }).await?;
            after = page.rows.last().map(|round| (round.opened_at, round.id, round.org, round.site));
            let subject =
                |round: &RoundRow| Subject { id: round.id.0, site: round.site, org: Some(round.org) };
            let tallies = self.tally(page.rows.iter().map(subject)).await?;
            for (round, photos) in page.rows.iter().zip(tallies) {
                let known = place.take().filter(|(id, ..)| *id == round.site);
                let (_, site, buildings) = place.insert(match known {
                    Some(known) => known,
                    None => {
                        let site = self.find_site(round.site).await?.map(|row| row.site);
                        (round.site, site, self.list_buildings(round.site).await?)
                    }
                });
                sheet.push(round, site.as_ref(), buildings, photos)?;
            }
            if after.is_none() {
                break;
            }
        }
        Ok(sheet.save(&small_print(export), export.path)?)
    }

    async fn write_buildings(&self, export: &Export<'_>) -> Result<(), ExportError> {
        let mut sheet = BuildingSheet::begin(self.list_orgs().await?)?;
        let mut after = None;
        while let Some((id, site, buildings)) = self.next_site(export.org, after, export.street).await? {
            after = Some(id);
            buildings.iter().try_for_each(|building| sheet.push(&site, building))?;
        }
        Ok(sheet.save(&small_print(export), export.path)?)
    }

    async fn write_places(&self, export: &Export<'_>, mut file: BuildingFile) -> Result<(), ExportError> {
        let mut after = None;
        while let Some((id, site, buildings)) = self.next_site(export.org, after, export.street).await? {
            after = Some(id);
            buildings.iter().try_for_each(|building| file.push(&site, building))?;
        }
        Ok(file.finish()?)
    }

    /// The photos behind a page of lines: of one page at a time, for a ledger has any number of them.
    async fn tally(&self, subjects: impl Iterator<Item = Subject>) -> Result<Vec<PhotoTally>, StorageError> {
        self.inner.storage.tally_photos(subjects.collect()).await
    }

    /// The name of a site's supervisor.
    async fn supervisor_name(&self, site: Option<&Site>) -> Result<String, StorageError> {
        let Some(site) = site else { return Ok(String::new()) };
        Ok(self.find_org(site.supervised_by).await?.map_or_else(String::new, |org| org.name))
    }
}

fn small_print(export: &Export<'_>) -> String {
    let (person, at) = (export.person.id, export.now.business);
    format!("导出人编号 {person}，导出时间 {at}。仅供本次整治工作使用，请勿外传。")
}
