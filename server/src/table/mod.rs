//! Tables out of files: xlsx, csv and footprints in GeoJSON as rows of text, within bounds.
//!
//! A spreadsheet from outside is a stranger's file: it runs in a worker, which may die of it. Cells come out as the
//! text a person sees, merged ones everywhere they reach; formulas as what they last came to, never as formulas.
//! Nothing here knows what a building is: see `import`.

mod csv;
mod geojson;
mod xlsx;

use futures_util::future::BoxFuture;
use minicbor::{Decode, Encode};

/// Most rows of a table: thirty times the buildings of a district (X02).
pub const ROWS_MAX: u32 = 50_000;
/// Most columns (X02): the widest list in use has thirty.
pub const COLUMNS_MAX: u32 = 100;
/// Most characters of a cell (C13).
pub const CELL_CHARS_MAX: usize = 4_000;
/// Most bytes of a file: a list of fifty thousand rows has about six mebibytes.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most bytes of a file once unpacked (X01).
pub const INFLATED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A table read (表格).
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Table {
    /// Name of the sheet it stood on; empty for a csv file.
    #[n(0)]
    pub sheet: String,
    /// Whether numbers count the features of a map and not the rows of a sheet.
    #[n(1)]
    pub features: bool,
    /// Its lines with something in them.
    #[n(2)]
    pub lines: Vec<Line>,
    /// Sheets that have something in them too, and were not read.
    #[n(3)]
    pub sheets_left: Vec<String>,
}

/// A line of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Line {
    /// Its number in the file, from 1, as a spreadsheet shows it.
    #[n(0)]
    pub number: u32,
    /// The texts of its cells, from column A; nothing behind the last one that has one.
    #[n(1)]
    pub cells: Vec<String>,
}

impl Line {
    /// The text in a column, from 0; empty beyond the last.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// Why a file is no table (表格无法读取). The file was not taken; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum TableFault {
    /// Neither xlsx nor text.
    #[n(0)]
    NotATable,
    /// xls or xlsb, or an xlsx locked with a password.
    #[n(1)]
    OldOrLocked,
    /// It carries macros (X03).
    #[n(2)]
    Macros,
    /// It fetches from other files (X03).
    #[n(3)]
    ExternalLinks,
    /// It unpacks to more than any honest list (X01).
    #[n(4)]
    Bomb,
    /// The file is larger than is taken.
    #[n(5)]
    TooLarge,
    /// A cell stands below the last row that is taken (X02).
    #[n(6)]
    TooManyRows,
    /// A cell stands to the right of the last column that is taken (X02).
    #[n(7)]
    TooManyColumns(#[n(0)] u32),
    /// A cell has more text than is taken: row and column from 1.
    #[n(8)]
    CellTooLong(#[n(0)] u32, #[n(1)] u32),
    /// Its parts do not fit together.
    #[n(9)]
    Damaged,
    /// The text is in no encoding that is known: row and column from 1.
    #[n(10)]
    Encoding(#[n(0)] u32, #[n(1)] u32),
    /// A quotation mark is opened and never closed: row and column from 1.
    #[n(11)]
    OpenQuote(#[n(0)] u32, #[n(1)] u32),
    /// There is nothing in it.
    #[n(12)]
    Empty,
    /// It costs a worker more than any honest list.
    #[n(13)]
    TooCostly,
    /// Begins like GeoJSON and is no collection of features.
    #[n(14)]
    NotGeoJson,
}

impl TableFault {
    /// The code a program decides by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotATable => "not_a_table",
            Self::OldOrLocked => "old_or_locked",
            Self::Macros => "macros",
            Self::ExternalLinks => "external_links",
            Self::Bomb => "bomb",
            Self::TooLarge => "too_large",
            Self::TooManyRows => "too_many_rows",
            Self::TooManyColumns(_) => "too_many_columns",
            Self::CellTooLong(..) => "cell_too_long",
            Self::Damaged => "damaged",
            Self::Encoding(..) => "encoding",
            Self::OpenQuote(..) => "open_quote",
            Self::Empty => "empty",
            Self::TooCostly => "too_costly",
            Self::NotGeoJson => "not_geojson",
        }
    }

    /// What is wrong and what to do, for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NotATable => "不是 xlsx 或 csv 文件。请另存为 xlsx 后重试。".to_owned(),
            Self::OldOrLocked => {
                "旧格式（xls、xlsb）或加了密码的文件不能导入。请另存为不加密码的 xlsx 后重试。".to_owned()
            }
            Self::Macros => "文件带有宏，不能导入。请另存为不带宏的 xlsx 后重试。".to_owned(),
            Self::ExternalLinks => "文件引用了其他文件，不能导入。请把引用改为数值后重试。".to_owned(),
            Self::Bomb => "文件解压后过大，不能导入。请只保留名单所在的工作表后重试。".to_owned(),
            Self::TooLarge => {
                format!("文件超过 {} MB，不能导入。请分成几个文件。", FILE_BYTES_MAX / 1024 / 1024)
            }
            Self::TooManyRows => {
                let first = ROWS_MAX + 1;
                format!(
                    "第 {first} 行起超过 {ROWS_MAX} 行，不能导入。请删除名单下方多余的内容，或分成几个文件。"
                )
            }
            Self::TooManyColumns(row) => {
                let first = letters(COLUMNS_MAX + 1);
                format!("第 {row} 行{first}列起超过 {COLUMNS_MAX} 列，不能导入。请删除名单右侧多余的内容。")
            }
            Self::CellTooLong(row, column) => {
                format!(
                    "第 {row} 行{}列的文字超过 {CELL_CHARS_MAX} 个字，不能导入。请缩短后重试。",
                    letters(*column)
                )
            }
            Self::Damaged => "文件已损坏，不能读取。请在表格软件中打开并重新另存为 xlsx。".to_owned(),
            Self::Encoding(row, column) => {
                let column = letters(*column);
                format!(
                    "第 {row} 行{column}列起的文字编码无法识别（支持 UTF-8、UTF-16、GB18030）。请另存为 xlsx 后重试。"
                )
            }
            Self::OpenQuote(row, column) => {
                format!("第 {row} 行{}列的引号没有成对。请改正后重试。", letters(*column))
            }
            Self::Empty => "文件里没有内容。请检查是否选对了文件和工作表。".to_owned(),
            Self::NotGeoJson => "文件不是完整的 GeoJSON 要素集合。请重新导出后重试。".to_owned(),
            Self::TooCostly => "文件过于复杂，不能读取。请只保留名单所在的工作表后重试。".to_owned(),
        }
    }
}

/// A column's letters as a spreadsheet shows them: 1 is A, 27 is AA.
#[must_use]
pub fn letters(mut column: u32) -> String {
    let mut text = String::new();
    while column > 0 {
        column -= 1;
        text.insert(0, char::from(b'A' + u8::try_from(column % 26).unwrap_or(0)));
        column /= 26;
    }
    text
}

/// Reads a file as a table.
///
/// # Errors
/// [`TableFault`].
pub fn read(bytes: &[u8]) -> Result<Table, TableFault> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TableFault::TooLarge);
    }
    // By what it is, never by what it is called.
    let mut table = match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => xlsx::read(bytes)?,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return Err(TableFault::OldOrLocked),
        _ if geojson::may_be(bytes) => geojson::read(bytes)?,
        _ => csv::read(bytes)?,
    };
    table.lines.retain(|line| !line.is_empty());
    if table.lines.is_empty() { Err(TableFault::Empty) } else { Ok(table) }
}

/// There is no worker to read it just now; nothing is known about the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no worker can read the file now")]
pub struct Unread;

/// Reads files as tables.
pub trait ReadTable: Send + Sync {
    /// A file as a table, or why it is none.
    fn read_table(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<Result<Table, TableFault>, Unread>>;
}

/// A cell's text as it is kept: without blanks around it and without characters nobody sees. Row and column from 1.
fn cleaned(text: &str, row: u32, column: u32) -> Result<String, TableFault> {
    let unseen = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let kept: String = text.chars().filter(|c| !unseen(*c)).collect();
    let kept = kept.trim();
    if kept.chars().count() > CELL_CHARS_MAX {
        return Err(TableFault::CellTooLong(row, column));
    }
    Ok(kept.to_owned())
}

#[cfg(test)]
mod tests;
