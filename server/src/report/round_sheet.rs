//! The inspection ledger as a workbook (检查台账): one row a visit and organisation, in the columns of
//! `domain.md` §3.3 that the ledger's rows know.
//!
//! Nothing is counted here: whether a visit is complete, contested or failed somewhere was folded before. Who went is
//! not in it.

use std::collections::HashMap;
use std::path::Path;

use louan_schema::area;
use louan_schema::id::OrgId;
use louan_schema::registry::{Building, Org, Site};

use super::workbook::{Cell, Column, Workbook, WorkbookError};
use crate::storage::ledger::RoundRow;

const COLUMNS: [Column; 12] = [
    column("序号", 6.0),
    column("检查编号", 28.0),
    column("所属小区/单位", 22.0),
    column("街镇", 12.0),
    column("检查单位", 22.0),
    column("检查日期", 12.0),
    column("检查楼栋", 36.0),
    column("楼栋数", 8.0),
    column("不合格项数", 10.0),
    column("检查进度", 10.0),
    column("填报情况", 12.0),
    column("监管单位", 22.0),
];

const fn column(title: &'static str, width: f64) -> Column {
    Column { title, width }
}

/// The ledger being written.
pub struct RoundSheet {
    book: Workbook,
    orgs: HashMap<OrgId, String>,
    rows: f64,
}

impl RoundSheet {
    /// Begins it; `orgs` are those that inspect and supervise.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn begin(orgs: Vec<Org>) -> Result<Self, WorkbookError> {
        let orgs = orgs.into_iter().map(|org| (org.id, org.name)).collect();
        Ok(Self { book: Workbook::begin("检查台账", &COLUMNS)?, orgs, rows: 0.0 })
    }

    /// Adds a visit to a compound of these buildings.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn push(
        &mut self,
        round: &RoundRow,
        site: Option<&Site>,
        buildings: &[Building],
    ) -> Result<(), WorkbookError> {
        self.rows += 1.0;
        let name = |org: Option<OrgId>| org.and_then(|id| self.orgs.get(&id).cloned());
        let street = site.and_then(|site| area::street(site.street).ok()).map_or("", |street| street.name);
        let visited = buildings.iter().filter(|building| round.buildings.contains(&building.id));
        let visited: Vec<&str> = visited.map(|building| building.name.as_str()).collect();
        let count = u32::try_from(round.buildings.len()).unwrap_or(u32::MAX);
        self.book.push(&[
            Cell::Number(self.rows),
            round.id.to_string().into(),
            Cell::from(site.map(|site| site.name.clone())),
            street.into(),
            Cell::from(name(Some(round.org))),
            round.opened_at.day().to_string().into(),
            visited.join("、").into(),
            Cell::Number(f64::from(count)),
            Cell::Number(f64::from(round.failed)),
            if round.complete { "已查完" } else { "未查完" }.into(),
            if round.contested { "不一致" } else { "一致" }.into(),
            Cell::from(name(site.map(|site| site.supervised_by))),
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
