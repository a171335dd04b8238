//! Which column is what: titles in the spellings that turn up, in one line or two.
//!
//! A list from a street office has a title above its header, a header of two lines with merged cells, and names of its
//! own for everything. A column nobody knows is left alone and named in the report; none is guessed at by position.

use crate::table::Line;

/// What a column says (列含义).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The 街镇.
    Street,
    /// Community or village.
    Community,
    /// Grid code.
    Grid,
    /// The compound.
    Site,
    /// The building.
    Building,
    /// The building's code.
    Code,
    /// The address.
    Address,
    /// What it is used for.
    Use,
    /// Height in metres.
    Height,
    /// Where the height comes from.
    HeightSource,
    /// Storeys above ground.
    Storeys,
    /// How it is managed.
    Management,
    /// The managing organisation.
    Manager,
    /// Longitude in degrees.
    Longitude,
    /// Latitude in degrees.
    Latitude,
    /// The outline on the ground, as WKT.
    Footprint,
    /// The datum of positions and outlines.
    Datum,
    /// Where the building stands in the registry.
    State,
}

/// Titles, without blanks, brackets and units; the first of a field is the one that is written.
const TITLES: &[(Field, &[&str])] = &[
    (
        Field::Street,
        &["街镇", "街道", "镇街", "乡镇", "所属街镇", "所属街道", "所在街镇", "街道乡镇", "街道镇"],
    ),
    (Field::Community, &["社区村", "社区", "村", "村社区", "村居", "所属社区", "社区代码", "村社"]),
    (Field::Grid, &["网格编号", "网格", "所属网格", "网格号", "网格名称"]),
    (
        Field::Site,
        &[
            "小区项目",
            "所属小区单位",
            "小区",
            "小区名称",
            "项目名称",
            "楼盘",
            "楼盘名称",
            "物业小区",
            "所属小区",
            "单位场所名称",
        ],
    ),
    (
        Field::Building,
        &["建筑名称", "楼栋", "栋号", "楼栋号", "幢号", "楼号", "楼栋名称", "建筑物名称", "楼宇名称", "栋"],
    ),
    (Field::Code, &["建筑编码", "建筑编号", "楼栋编码", "编码", "建筑编码系统"]),
    (Field::Address, &["详细地址", "地址", "坐落", "建筑地址", "具体地址", "地址路街号栋"]),
    (Field::Use, &["使用性质", "建筑性质", "用途", "建筑用途", "使用性质住宅公共商住", "建筑类型"]),
    (Field::Height, &["建筑高度", "高度", "楼高", "建筑高度m", "高度m"]),
    (Field::HeightSource, &["高度来源"]),
    (Field::Storeys, &["地上层数", "层数", "楼层数", "总层数", "建筑层数", "地上楼层"]),
    (Field::Management, &["管理方式", "管理类型", "有无物业"]),
    (
        Field::Manager,
        &["管理单位", "物业服务企业", "物业公司", "管理单位物业", "物业企业", "物业名称", "物业单位"],
    ),
    (Field::Longitude, &["经度", "坐标经度", "东经"]),
    (Field::Latitude, &["纬度", "坐标纬度", "北纬"]),
    (Field::Footprint, &["建筑轮廓", "轮廓", "轮廓wkt", "wkt", "wktgeom"]),
    (Field::Datum, &["坐标系", "坐标系统", "坐标基准"]),
    // A bare 状态 may be anything: of a sale, of a hazard.
    (Field::State, &["建账状态", "台账状态", "建档状态", "登记状态"]),
];

/// Lines from the top among which a header is looked for: a title, a unit line, a remark or two.
const LOOKED_AT: usize = 10;

/// A header found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Position in the table of the first line behind it.
    pub body_from: usize,
    /// The titles, two lines joined: as a list of one line could have them.
    pub titles: Vec<String>,
    /// What each known column says.
    pub columns: Vec<(Field, usize)>,
    /// Titles of columns nobody knows.
    pub unknown: Vec<String>,
    /// Columns that say the same as an earlier one, by their titles.
    pub repeated: Vec<String>,
}

impl Header {
    /// The column of a field.
    #[must_use]
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns.iter().find(|(known, _)| *known == field).map(|(_, column)| *column)
    }
}

/// The title of a field as we write it.
#[must_use]
pub fn title(field: Field) -> &'static str {
    TITLES.iter().find(|(known, _)| *known == field).map_or("", |(_, titles)| titles[0])
}

/// The field a title means.
fn field(title: &str) -> Option<Field> {
    let plain = plain(title);
    TITLES.iter().find(|(_, titles)| titles.contains(&plain.as_str())).map(|(field, _)| *field)
}

/// A title without what people add to it: blanks, marks, brackets with a unit.
fn plain(title: &str) -> String {
    let narrow = title.chars().map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    });
    let text: String = narrow.collect::<String>().to_lowercase();
    for unit in ["(m)", "(米)", "(层)", "(度)", "(°)", "(m,米)", "/m", "/米"] {
        if let Some(rest) = text.trim_end().strip_suffix(unit) {
            return plain(rest);
        }
    }
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Finds the header: the line, or two lines one above the other, in which most columns are known; at least two
/// must be, and one of them must name the building or its compound.
#[must_use]
pub fn find(lines: &[Line]) -> Option<Header> {
    let candidates = (0..lines.len().min(LOOKED_AT)).flat_map(|at| {
        let two = lines.get(at + 1).map(|below| (at, at + 2, joined(&lines[at], below)));
        [Some((at, at + 1, titles(&lines[at]))), two].into_iter().flatten()
    });
    let mut best: Option<(usize, Header)> = None;
    for (at, body_from, titles) in candidates {
        let (lines, header) = (body_from - at, header(&titles, body_from));
        // Of equals one line rather than two, and the upper one: the line below a header is a building.
        let better = |(known_lines, known): &(usize, Header)| {
            let (found, known) = (header.columns.len(), known.columns.len());
            found > known || found == known && lines < *known_lines
        };
        if best.as_ref().is_none_or(better) {
            best = Some((lines, header));
        }
    }
    let best = best.map(|(_, header)| header);
    best.filter(|header| {
        let named = header.column(Field::Site).or(header.column(Field::Building)).is_some();
        named && header.columns.len() >= 2
    })
}

fn titles(line: &Line) -> Vec<String> {
    line.cells.clone()
}

/// Two lines as one: below a merged title stands what it is divided into.
fn joined(above: &Line, below: &Line) -> Vec<String> {
    (0..above.cells.len().max(below.cells.len()))
        .map(|column| match (above.cell(column), below.cell(column)) {
            (upper, "") => upper.to_owned(),
            ("", lower) => lower.to_owned(),
            (upper, lower) if upper == lower || field(lower).is_some() => lower.to_owned(),
            (upper, lower) => format!("{upper}{lower}"),
        })
        .collect()
}

fn header(titles: &[String], body_from: usize) -> Header {
    let (columns, unknown, repeated) = (Vec::new(), Vec::new(), Vec::new());
    let mut header = Header { body_from, titles: titles.to_vec(), columns, unknown, repeated };
    for (column, title) in titles.iter().enumerate().filter(|(_, title)| !title.is_empty()) {
        match field(title) {
            Some(field) if header.column(field).is_some() => header.repeated.push(title.clone()),
            Some(field) => header.columns.push((field, column)),
            None => header.unknown.push(title.clone()),
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rows: &[&[&str]]) -> Vec<Line> {
        let cells = |row: &&[&str]| row.iter().map(|text| (*text).to_owned()).collect();
        (1..).zip(rows).map(|(number, row)| Line { number, cells: cells(row) }).collect()
    }

    #[test]
    fn a_header_is_found_below_titles_and_in_its_own_spelling() {
        let table = lines(&[
            &["古南街道高层建筑名单"; 5],
            &["填报单位：", "", "2020年3月"],
            &["序号", "镇　街", "小区名称", "栋号", "建筑高度（米）", "备注", "地 址"],
            &["1", "古南街道", "示例花园", "1", "54.5", "", "示例路1号"],
        ]);
        let header = find(&table).expect("found");
        assert_eq!(header.body_from, 3);
        let found: Vec<Field> = header.columns.iter().map(|(field, _)| *field).collect();
        assert_eq!(found, [Field::Street, Field::Site, Field::Building, Field::Height, Field::Address]);
        assert_eq!(header.unknown, ["序号", "备注"]);
    }

    /// Ledgers taken out before the title was changed come back, too.
    #[test]
    fn a_building_ledger_is_known_by_the_title_of_today_and_of_before() {
        for title in ["小区/项目", "所属小区/单位"] {
            let table = lines(&[
                &["建筑名称", title, "建筑高度（m）", "管理单位（物业）"],
                &["1栋", "示例花园", "54.5", ""],
            ]);
            let header = find(&table).expect("found");
            assert_eq!(header.column(Field::Site), Some(1), "{title}");
            assert_eq!(header.unknown, Vec::<String>::new(), "{title}");
        }
    }

    #[test]
    fn a_header_of_two_lines_is_read_as_one() {
        let table = lines(&[
            &["小区", "建筑", "建筑", "坐标", "坐标"],
            &["小区", "名称", "高度", "经度", "纬度"],
            &["示例花园", "1栋", "54.5", "106.65", "29.02"],
        ]);
        let header = find(&table).expect("found");
        assert_eq!(header.body_from, 2);
        let found: Vec<(Field, usize)> = header.columns.clone();
        let wanted = [
            (Field::Site, 0),
            (Field::Building, 1),
            (Field::Height, 2),
            (Field::Longitude, 3),
            (Field::Latitude, 4),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_names_no_building_has_no_header() {
        for table in [
            lines(&[&["姓名", "电话", "地址"], &["甲", "乙", "丙"]]),
            lines(&[&["小区"], &["示例花园"]]),
            lines(&[]),
        ] {
            assert_eq!(find(&table), None);
        }
    }

    #[test]
    fn a_title_that_comes_twice_is_told() {
        let table = lines(&[&["小区", "楼栋", "栋号"], &["示例花园", "1栋", "2栋"]]);
        assert_eq!(find(&table).expect("found").repeated, ["栋号"]);
    }

    #[test]
    fn no_title_means_two_things() {
        for (n, (field, titles)) in TITLES.iter().enumerate() {
            for title in *titles {
                assert_eq!(plain(title), *title, "{field:?}");
                let others = TITLES.iter().skip(n + 1).any(|(_, others)| others.contains(title));
                assert!(!others, "{title} also stands for something else");
            }
        }
    }
}
