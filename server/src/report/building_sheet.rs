//! The building ledger as a workbook (高层建筑基础台账): one row a building, in the titles that an import understands, so
//! that a list that was taken out, corrected and brought back is known again.

use std::path::Path;

use louan_schema::area;
use louan_schema::policy::HeightClass;
use louan_schema::registry::{Building, Org, Site};

use super::workbook::{Cell, Column, OrgNames, Workbook, WorkbookError, column};

const COLUMNS: [Column; 19] = [
    column("建筑编码", 20.0),
    column("建筑名称", 16.0),
    column("小区/项目", 22.0),
    column("街镇", 12.0),
    column("社区/村", 16.0),
    column("网格编号", 12.0),
    column("详细地址", 28.0),
    column("经度", 12.0),
    column("纬度", 12.0),
    column("坐标系", 10.0),
    column("使用性质", 10.0),
    column("建筑高度（m）", 11.0),
    column("高度来源", 10.0),
    column("地上层数", 9.0),
    column("建筑类别", 10.0),
    column("管理方式", 18.0),
    column("管理单位（物业）", 24.0),
    column("监管单位", 22.0),
    column("建账状态", 10.0),
];

/// The ledger being written.
pub struct BuildingSheet {
    book: Workbook,
    orgs: OrgNames,
}

impl BuildingSheet {
    /// Begins it; `orgs` are those that manage and supervise.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn begin(orgs: Vec<Org>) -> Result<Self, WorkbookError> {
        Ok(Self { book: Workbook::begin("高层建筑基础台账", &COLUMNS)?, orgs: OrgNames::of(orgs) })
    }

    /// Adds a building.
    ///
    /// # Errors
    /// [`WorkbookError`].
    pub fn push(&mut self, site: &Site, building: &Building) -> Result<(), WorkbookError> {
        let degrees = |e7: i32| Cell::Number(f64::from(e7) / 1e7);
        let nothing = || Cell::from("");
        let at = site.position;
        let community =
            site.community.and_then(area::AreaCode::new).and_then(|code| area::community(code).ok());
        let class = HeightClass::of(building.building_use, building.height_cm, building.storeys);
        let street = area::street(site.street).map_or("", |street| street.name);
        let metres = building.height_cm.map(|cm| Cell::Number(f64::from(cm) / 100.0));
        self.book.push(&[
            building.code.clone().into(),
            building.name.clone().into(),
            site.name.clone().into(),
            street.into(),
            community.map_or("", |community| community.name).into(),
            Cell::from(site.grid.clone()),
            site.address.clone().into(),
            at.map_or_else(nothing, |at| degrees(at.lon_e7)),
            at.map_or_else(nothing, |at| degrees(at.lat_e7)),
            at.map_or("", |at| at.datum.label()).into(),
            building.building_use.label().into(),
            metres.unwrap_or_else(nothing),
            building.height_source.label().into(),
            building.storeys.map_or_else(nothing, |n| Cell::Number(f64::from(n))),
            class.label().into(),
            site.management.label().into(),
            self.orgs.cell(site.managed_by),
            self.orgs.cell(Some(site.supervised_by)),
            building.state.label().into(),
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
