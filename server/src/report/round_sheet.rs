//! The inspection ledger as a workbook (检查台账): one row a visit and organisation, in the columns that the ledger's rows
//! know.
//!
//! Nothing is counted here: whether a visit is complete, contested or failed somewhere was folded before, its photos were
//! tallied. That all items are answered (检查进度) and that all photos are here (尚缺照片) are two things. Who went is not
//! in it.

use std::path::Path;

use louan_schema::area;
use louan_schema::registry::{Building, Org, Site};

use super::workbook::{Cell, Column, OrgNames, Workbook, WorkbookError, column};
use crate::storage::ledger::RoundRow;
use crate::storage::photos::PhotoTally;

const COLUMNS: [Column; 13] = [
    column("检查编号", 28.0),
    column("小区/项目", 22.0),
    column("街镇", 12.0),
    column("检查单位", 22.0),
    column("检查日期", 12.0),
    column("检查楼栋", 36.0),
    column("楼栋数", 8.0),
    column("有隐患项数", 10.0),
    column("检查进度", 10.0),
    column("填报情况", 12.0),
    column("照片数", 8.0),
    column("尚缺照片", 9.0),
    column("监管单位", 22.0),
];

/// The ledger being written.
pub struct RoundSheet {
    book: Workbook,
    orgs: OrgNames,
}

impl RoundSheet {
    /// Begins it; `orgs` are those that inspect and supervise.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn begin(orgs: Vec<Org>) -> Result<Self, WorkbookError> {
        Ok(Self { book: Workbook::begin("检查台账", &COLUMNS)?, orgs: OrgNames::of(orgs) })
    }

    /// Adds a visit to a compound of these buildings, with the photos that its records cite.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn push(
        &mut self,
        round: &RoundRow,
        site: Option<&Site>,
        buildings: &[Building],
        photos: PhotoTally,
    ) -> Result<(), WorkbookError> {
        let street = site.and_then(|site| area::street(site.street).ok()).map_or("", |street| street.name);
        let visited = buildings.iter().filter(|building| round.buildings.contains(&building.id));
        let visited: Vec<&str> = visited.map(|building| building.name.as_str()).collect();
        let count = u32::try_from(round.buildings.len()).unwrap_or(u32::MAX);
        self.book.push(&[
            round.id.to_string().into(),
            Cell::from(site.map(|site| site.name.clone())),
            street.into(),
            self.orgs.cell(Some(round.org)),
            round.opened_at.day().to_string().into(),
            visited.join("、").into(),
            Cell::Number(f64::from(count)),
            Cell::Number(f64::from(round.failed)),
            if round.complete { "已查完" } else { "未查完" }.into(),
            if round.contested { "不一致" } else { "一致" }.into(),
            photos.cited.into(),
            photos.missing.into(),
            self.orgs.cell(site.map(|site| site.supervised_by)),
        ])
    }

    /// Ends it and writes the file.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn save(self, small_print: &str, path: &Path) -> Result<(), WorkbookError> {
        self.book.save(small_print, path)
    }
}
