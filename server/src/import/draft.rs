//! A line of a list as a building to be entered, or everything that is wrong with it at once.

use geo::{MultiPolygon, Polygon};
use louan_schema::area;
use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState};
use louan_schema::policy::HeightClass;
use louan_schema::registry::{Footprint, Position};
use wkt::TryFromWkt;

use super::header::{Field, Header, title};
use super::{Defaults, Remark, datum, value};
use crate::table::{Line, letters};

/// Longest name of a compound or building, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Longest address, in characters.
const ADDRESS_CHARS_MAX: usize = 200;

/// A building as a list has it (待导入建筑).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Number of its line or feature in the file, from 1.
    pub number: u32,
    /// The 街镇.
    pub street: StreetCode,
    /// Community or village, twelve digits.
    pub community: Option<u64>,
    /// Grid code.
    pub grid: Option<String>,
    /// The compound; a lone building is a compound of its own name.
    pub site: String,
    /// The building.
    pub building: String,
    /// Its code, when the list has one.
    pub code: String,
    /// The address.
    pub address: String,
    /// What it is used for.
    pub building_use: BuildingUse,
    /// Height in centimetres.
    pub height_cm: Option<u32>,
    /// Where the height comes from.
    pub height_source: HeightSource,
    /// Storeys above ground.
    pub storeys: Option<u16>,
    /// How it is managed.
    pub management: Management,
    /// The managing organisation's name.
    pub manager: Option<String>,
    /// Where, in WGS-84.
    pub position: Option<Position>,
    /// Its outline, in WGS-84.
    pub footprint: Option<Footprint>,
    /// Whether the line says that it is out of the registry. What else it may say there (已建账, 待核) follows from its
    /// height, and is not taken from a list.
    pub retired: bool,
}

/// A line read: the building, or what is wrong; and what should be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) draft: Option<Draft>,
    pub(super) faults: Vec<Remark>,
    pub(super) notices: Vec<Remark>,
}

/// A line being read.
struct Reader<'a> {
    line: &'a Line,
    header: &'a Header,
    faults: Vec<Remark>,
    notices: Vec<Remark>,
}

/// Reads a line.
pub(super) fn read(line: &Line, header: &Header, defaults: &Defaults) -> Reading {
    let mut reader = Reader { line, header, faults: Vec::new(), notices: Vec::new() };
    let draft = reader.draft(defaults);
    let Reader { mut faults, mut notices, .. } = reader;
    let mut draft = draft.filter(|_| faults.is_empty());
    // Of a building that is out of the registry nobody asks how high it was.
    if let Some(building) = draft.as_ref().filter(|building| !building.retired) {
        let heard = judged(building);
        notices.extend(heard.1);
        if let Some(fault) = heard.0 {
            faults.push(fault);
            draft = None;
        }
    }
    Reading { draft, faults, notices }
}

impl Reader<'_> {
    fn text(&self, field: Field) -> &str {
        self.header.column(field).map_or("", |column| self.line.cell(column))
    }

    fn remark(&self, field: Field, reason: String) -> Remark {
        let column = self.header.column(field).and_then(|column| u32::try_from(column + 1).ok());
        Remark { number: self.line.number, column: column.map(letters), reason }
    }

    fn fault<T>(&mut self, field: Field, read: Result<T, String>) -> Option<T> {
        read.map_err(|reason| {
            let remark = self.remark(field, reason);
            self.faults.push(remark);
        })
        .ok()
    }

    /// A value that may be absent.
    fn may<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let read = read(text);
        self.fault(field, read)
    }

    /// A value that must be there, in the line or for the whole list.
    fn must<T>(
        &mut self,
        field: Field,
        default: Option<T>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match (self.text(field).is_empty(), default) {
            (true, Some(default)) => Some(default),
            (true, None) => self.fault(field, Err(format!("缺少{}", title(field)))),
            (false, _) => self.may(field, read),
        }
    }

    fn name(&mut self, field: Field, chars_max: usize) -> String {
        let text = self.text(field).replace('\n', " ");
        if text.chars().count() > chars_max {
            self.fault::<()>(field, Err(format!("{}超过 {chars_max} 个字", title(field))));
        }
        text
    }

    fn draft(&mut self, defaults: &Defaults) -> Option<Draft> {
        let street = self.must(Field::Street, defaults.street, value::street);
        let community =
            street.and_then(|street| self.may(Field::Community, |text| value::community(text, street)));
        let (site, building) =
            (self.name(Field::Site, NAME_CHARS_MAX), self.name(Field::Building, NAME_CHARS_MAX));
        if site.is_empty() && building.is_empty() {
            self.fault::<()>(Field::Building, Err("缺少小区名称和建筑名称".to_owned()));
        }
        let building_use = self.must(Field::Use, defaults.building_use, value::building_use);
        let manager = self.name(Field::Manager, NAME_CHARS_MAX);
        let management = value::management(self.text(Field::Management), &manager);
        let from = self.datum(defaults.datum);
        let draft = Draft {
            number: self.line.number,
            street: street?,
            community,
            grid: Some(self.name(Field::Grid, NAME_CHARS_MAX)).filter(|grid| !grid.is_empty()),
            building: if building.is_empty() { site.clone() } else { building.clone() },
            site: if site.is_empty() { building } else { site },
            code: self.name(Field::Code, NAME_CHARS_MAX),
            address: self.name(Field::Address, ADDRESS_CHARS_MAX),
            building_use: building_use?,
            height_cm: self.may(Field::Height, value::height_cm),
            height_source: self
                .may(Field::HeightSource, value::height_source)
                .unwrap_or(HeightSource::Unknown),
            storeys: self.may(Field::Storeys, value::storeys),
            management: self.fault(Field::Management, management)?,
            manager: Some(manager).filter(|name| !matches!(name.as_str(), "" | "无" | "/" | "-")),
            position: self.position(from),
            footprint: self.footprint(from),
            retired: self.may(Field::State, value::registry_state) == Some(RegistryState::Retired),
        };
        Some(draft)
    }

    /// The datum, when the line says where anything is.
    fn datum(&mut self, default: Option<Datum>) -> Option<Datum> {
        let places = [Field::Longitude, Field::Latitude];
        let placed = places.iter().any(|field| !self.text(*field).is_empty())
            || is_polygon(self.text(Field::Footprint));
        placed.then(|| self.must(Field::Datum, default, value::datum)).flatten()
    }

    /// The outline. What is no polygon is left alone with a notice: a column of WKT may hold points for other uses.
    fn footprint(&mut self, from: Option<Datum>) -> Option<Footprint> {
        let text = self.text(Field::Footprint);
        if text.is_empty() {
            return None;
        }
        if !is_polygon(text) {
            let words = "轮廓不是 WKT 格式的多边形（POLYGON），未采用".to_owned();
            self.notices.push(self.remark(Field::Footprint, words));
            return None;
        }
        let places = [Field::Longitude, Field::Latitude].map(|field| self.header.column(field));
        let places = places.into_iter().flatten().filter_map(|column| u32::try_from(column + 1).ok());
        let places: Vec<String> = places.map(letters).collect();
        if self.faults.iter().any(|fault| fault.column.as_ref().is_some_and(|at| places.contains(at))) {
            // What is wrong with where it is has been said.
            return None;
        }
        let from = from?;
        self.may(Field::Footprint, |text| outline(text, from))
    }

    fn position(&mut self, from: Option<Datum>) -> Option<Position> {
        let lon = self.may(Field::Longitude, |text| value::degrees(text, "经度", 180.0));
        let lat = self.may(Field::Latitude, |text| value::degrees(text, "纬度", 180.0));
        let (lon, lat) = match (lon, lat) {
            (Some(lon), Some(lat)) => (lon, lat),
            (None, None) => return None,
            (Some(_), None) => {
                return self.fault(Field::Latitude, Err("有经度而没有可用的纬度".to_owned()));
            }
            (None, Some(_)) => {
                return self.fault(Field::Longitude, Err("有纬度而没有可用的经度".to_owned()));
            }
        };
        let placed = placed((lon, lat), from?);
        self.fault(Field::Longitude, placed)
    }
}

/// A position in WGS-84, from degrees in any datum.
///
/// # Errors
/// Why it is none.
pub(super) fn placed((lon, lat): (f64, f64), from: Datum) -> Result<Position, String> {
    if lat.abs() > 90.0 || !area::contains(lon, lat) && area::contains(lat, lon) {
        return Err("经度和纬度可能填反了".to_owned());
    }
    let (lon, lat) = datum::to_wgs84(lon, lat, from).ok_or("该位置不能从所填坐标系换算")?;
    Ok(Position { lon_e7: datum::e7(lon), lat_e7: datum::e7(lat), datum: Datum::Wgs84, synthetic: false })
}

/// Whether a text means to be a polygon in WKT.
fn is_polygon(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins("POLYGON") || begins("MULTIPOLYGON")
}

/// An outline in WGS-84, from WKT in any datum: a polygon, or the first of several; its courtyards are left out.
fn outline(text: &str, from: Datum) -> Result<Footprint, String> {
    let polygon = Polygon::try_from_wkt_str(text).ok().or_else(|| {
        let several = MultiPolygon::try_from_wkt_str(text).ok()?;
        several.0.into_iter().next()
    });
    let polygon: Polygon<f64> = polygon.ok_or("轮廓不是完整的 WKT 多边形（POLYGON）")?;
    let mut corners = Vec::new();
    for corner in polygon.exterior().coords() {
        let at = placed((corner.x, corner.y), from)?;
        corners.push((at.lon_e7, at.lat_e7));
    }
    let most = Footprint::CORNERS_MAX;
    Footprint::new(&corners)
        .ok_or_else(|| format!("轮廓须有 3 至 {most} 个不同的角点、围成一块地，且跨度不超过 2 公里"))
}

/// Whether the building belongs to the programme, and what about it should be looked at.
pub(super) fn judged(draft: &Draft) -> (Option<Remark>, Vec<Remark>) {
    let remark = |reason: String| Remark { number: draft.number, column: None, reason };
    let class = HeightClass::of(draft.building_use, draft.height_cm, draft.storeys);
    let fault = (class == HeightClass::NotHighRise).then(|| remark(not_high(draft)));
    let mut notices = Vec::new();
    if class == HeightClass::Unknown {
        notices.push(remark("没有高度，按待核建账，请现场核实高度".to_owned()));
    }
    if class == HeightClass::Presumed {
        notices.push(remark("没有高度，按层数推定为高层，待核".to_owned()));
    }
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    if draft.position.is_some_and(|at| !area::contains(degrees(at.lon_e7), degrees(at.lat_e7))) {
        notices.push(remark("位置不在本区范围内，请核对坐标和坐标系".to_owned()));
    }
    (fault, notices)
}

/// Why a building is no high-rise: the limit it does not exceed (strictly, so that 27.0 m is none).
fn not_high(draft: &Draft) -> String {
    let metres = draft.height_cm.map_or_else(String::new, |cm| format!("高 {} 米，", f64::from(cm) / 100.0));
    match draft.building_use {
        _ if draft.storeys == Some(1) && draft.building_use == BuildingUse::Public => {
            "单层公共建筑，不属于高层建筑".to_owned()
        }
        BuildingUse::Residential => format!("{metres}不超过 27 米，不属于高层住宅建筑"),
        BuildingUse::Public | BuildingUse::Mixed => format!("{metres}不超过 24 米，不属于高层公共建筑"),
    }
}
