//! The hazard ledger as a workbook (火灾隐患台账): one row a hazard, in the columns of `domain.md` §3.2 that are known.
//!
//! People stand in it by number; what is computed (逾期天数) is computed for the moment of the export. A line is proven
//! whole when no photo is missing behind it (尚缺照片); how many are here, the office counted (0018).

use std::path::Path;

use louan_schema::area;
use louan_schema::fold::hazard::Step;
use louan_schema::policy::Policy;
use louan_schema::registry::Site;
use louan_schema::time::Timestamp;
use louan_schema::wire::HazardStatus;

use super::workbook::{Cell, Column, Workbook, WorkbookError, column};
use crate::storage::photos::PhotoTally;

const COLUMNS: [Column; 20] = [
    column("隐患编号", 28.0),
    column("所属小区/单位", 22.0),
    column("街镇", 12.0),
    column("具体部位", 22.0),
    column("隐患类别", 9.0),
    column("类别名称", 24.0),
    column("隐患描述", 36.0),
    column("发现日期", 12.0),
    column("严重程度", 10.0),
    column("状态", 12.0),
    column("整改时限", 12.0),
    column("监管单位", 20.0),
    column("整改完成日期", 13.0),
    column("复查日期", 12.0),
    column("销号日期", 12.0),
    column("逾期天数", 9.0),
    column("整改人编号", 28.0),
    column("照片数", 8.0),
    column("尚缺照片", 9.0),
    column("备注", 16.0),
];

/// The ledger being written.
pub struct HazardSheet {
    book: Workbook,
    now: Timestamp,
}

impl HazardSheet {
    /// Begins it, as of `now`.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn begin(now: Timestamp) -> Result<Self, WorkbookError> {
        let title = format!("火灾隐患台账（截至 {}）", now.day());
        Ok(Self { book: Workbook::begin(&title, &COLUMNS)?, now })
    }

    /// Adds a hazard on its compound, with the photos that its records cite.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn push(
        &mut self,
        status: &HazardStatus,
        site: Option<&Site>,
        supervisor: &str,
        photos: PhotoTally,
    ) -> Result<(), WorkbookError> {
        let reading = &status.reading;
        let standing = reading.standing(self.now);
        let kind = Policy::qijiang_2020().hazard_type(reading.code);
        let on = |at: Option<Timestamp>| Cell::from(at.map(|at| at.day().to_string()));
        let rechecked = reading.events.iter().rev().find(|event| event.step == Step::RecheckPassed);
        let late =
            standing.due_on.filter(|_| standing.overdue).map(|due| self.now.day().count() - due.count());
        let fixed_by: Vec<String> = status.fixed_by.iter().map(ToString::to_string).collect();
        let street = site.and_then(|site| area::street(site.street).ok()).map_or("", |street| street.name);
        self.book.push(&[
            reading.id.to_string().into(),
            site.map_or_else(String::new, |site| site.name.clone()).into(),
            street.into(),
            place(status).into(),
            reading.code.to_string().into(),
            kind.map_or_else(String::new, |kind| kind.name_zh.clone()).into(),
            reading.text.clone().into(),
            on(Some(reading.found_at())),
            reading.severity.label().into(),
            standing.state.label().into(),
            Cell::from(standing.due_on.map(|day| day.to_string())),
            supervisor.into(),
            on(standing.disposed_at),
            on(rechecked.map(|event| event.at)),
            on(standing.closed_at),
            late.map_or_else(|| Cell::from(""), |days| Cell::Number(f64::from(days))),
            fixed_by.join("、").into(),
            photos.cited.into(),
            photos.missing.into(),
            Cell::from(""),
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

/// The place in words.
fn place(status: &HazardStatus) -> String {
    let place = &status.reading.place;
    let shared = if place.shared { "公共部位" } else { "" };
    let parts = [shared, place.floor.as_deref().unwrap_or(""), place.spot.as_deref().unwrap_or("")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
