//! The hazard ledger as a workbook (火灾隐患台账): one row a hazard, in the columns of the
//! hazard list that are known.
//!
//! People stand in it by number; what is computed (逾期天数) is computed for the moment of the export. A line is proven
//! whole when no photo is missing behind it (尚缺照片); how many are here, the office counted (0018). That work was
//! stopped and reported (立即制止并报告, A-147) is a remark, which says what of it is still open.

use std::path::Path;

use louan_schema::area;
use louan_schema::fold::hazard::{Step, StopStanding};
use louan_schema::policy::Policy;
use louan_schema::registry::Site;
use louan_schema::time::Timestamp;
use louan_schema::wire::HazardStatus;

use super::workbook::{Cell, Column, Workbook, WorkbookError, column};
use crate::storage::photos::PhotoTally;

const COLUMNS: [Column; 20] = [
    column("隐患编号", 28.0),
    column("小区/项目", 22.0),
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
    column("备注", 36.0),
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
            reading.stop_standing().map(stopped).into(),
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

/// That work was stopped and reported, in words, and which of the two nobody has said.
fn stopped(stop: StopStanding) -> String {
    let said = |at: Option<Timestamp>, done: &str, open: &str| {
        at.map_or_else(|| open.to_owned(), |at| format!("{done}于 {}", to_the_minute(at)))
    };
    let stopped = said(stop.stopped_at, "已制止", "尚未填报制止时间");
    let reported = said(stop.reported_at, "已报告", "尚未填报报告时间");
    let to = stop.reported_to.map_or_else(String::new, |org| format!("（单位编号 {org}）"));
    format!("{stopped}；{reported}{to}")
}

/// An instant as people write it, `2020-01-22 09:10` in Asia/Shanghai.
fn to_the_minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// The place in words.
fn place(status: &HazardStatus) -> String {
    let place = &status.reading.place;
    let shared = if place.shared { "公共部位" } else { "" };
    let parts = [shared, place.floor.as_deref().unwrap_or(""), place.spot.as_deref().unwrap_or("")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use louan_schema::id::OrgId;

    use super::*;

    #[test]
    fn a_remark_says_when_work_was_stopped_and_reported_and_what_is_open() {
        let (nine, ten) = ("2020-01-22T09:10:59+08:00", "2020-01-22T10:00:00+08:00");
        let org = OrgId([1; 16]);
        let of = |stopped: Option<&str>, reported: Option<&str>| {
            let at = |text: &str| text.parse().expect("an instant");
            let reported_at = reported.map(at);
            let reported_to = reported_at.map(|_| org);
            super::stopped(StopStanding { stopped_at: stopped.map(at), reported_at, reported_to })
        };
        let both = format!("已制止于 2020-01-22 10:00；已报告于 2020-01-22 09:10（单位编号 {org}）");
        assert_eq!(of(Some(ten), Some(nine)), both);
        assert_eq!(of(Some(nine), None), "已制止于 2020-01-22 09:10；尚未填报报告时间");
        let reported = format!("尚未填报制止时间；已报告于 2020-01-22 10:00（单位编号 {org}）");
        assert_eq!(of(None, Some(ten)), reported);
    }
}
