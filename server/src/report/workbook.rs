//! Workbooks: rows of text and numbers as xlsx, in constant memory.
//!
//! Rows go to a temporary file as they come, however many there are. A text is always a text: what begins like a formula
//! is written as the characters it is and never computed by whoever opens it (X05).

use std::collections::HashMap;
use std::path::Path;

use louan_schema::id::OrgId;
use louan_schema::registry::Org;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook as Book, Worksheet, XlsxError};

/// Why a workbook was not written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the workbook")]
pub struct WorkbookError(#[from] XlsxError);

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Its title.
    pub title: &'static str,
    /// Its width in characters.
    pub width: f64,
}

/// A column of a table of them.
#[must_use]
pub const fn column(title: &'static str, width: f64) -> Column {
    Column { title, width }
}

/// What organisations are called (单位名称).
pub struct OrgNames(HashMap<OrgId, String>);

impl OrgNames {
    /// Of these.
    #[must_use]
    pub fn of(orgs: Vec<Org>) -> Self {
        Self(orgs.into_iter().map(|org| (org.id, org.name)).collect())
    }

    /// The name of one; nothing for none, and for one that is not among them.
    #[must_use]
    pub fn cell(&self, org: Option<OrgId>) -> Cell {
        Cell::from(org.and_then(|id| self.0.get(&id).cloned()))
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A text; empty for nothing.
    Text(String),
    /// A number.
    Number(f64),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Cell {
    #[allow(clippy::cast_precision_loss, reason = "a count; a sheet has no exacter number than a float")]
    fn from(count: u64) -> Self {
        Self::Number(count as f64)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or_else(|| Self::Text(String::new()), Into::into)
    }
}

/// A workbook of one sheet being written (电子表格); its first column numbers the rows.
pub struct Workbook {
    book: Book,
    row: u32,
    body: Format,
}

/// Rows above the body: the title and the header.
const HEAD_ROWS: u32 = 2;
/// The number of a row, before the columns of a ledger.
const NUMBER: Column = column("序号", 6.0);

impl Workbook {
    /// Begins a workbook: a title over all columns, below it their own, the number of the row before them.
    ///
    /// # Errors
    /// [`WorkbookError`] when there is no room for temporary files.
    pub fn begin(title: &str, columns: &[Column]) -> Result<Self, WorkbookError> {
        let mut book = Book::new();
        let sheet = book.add_worksheet_with_constant_memory()?;
        let body = Format::new().set_border(FormatBorder::Thin).set_text_wrap().set_align(FormatAlign::Top);
        let head = body
            .clone()
            .set_bold()
            .set_background_color(Color::RGB(0x00E8_EDF3))
            .set_align(FormatAlign::Center);
        let name = Format::new().set_bold().set_font_size(16);
        sheet.write_string_with_format(0, 0, title, &name)?;
        for (at, column) in (0_u16..).zip(std::iter::once(&NUMBER).chain(columns)) {
            sheet.set_column_width(at, column.width)?;
            sheet.write_string_with_format(1, at, column.title, &head)?;
        }
        sheet.set_freeze_panes(HEAD_ROWS, 0)?;
        sheet.set_repeat_rows(0, HEAD_ROWS - 1)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        Ok(Self { book, row: HEAD_ROWS, body })
    }

    /// Adds a row behind its number.
    ///
    /// # Errors
    /// [`WorkbookError`] beyond a sheet's last row, or when the disk is full.
    pub fn push(&mut self, cells: &[Cell]) -> Result<(), WorkbookError> {
        let (row, body) = (self.row, self.body.clone());
        let sheet = self.sheet()?;
        sheet.write_number_with_format(row, 0, f64::from(row - HEAD_ROWS + 1), &body)?;
        for (at, cell) in (1_u16..).zip(cells) {
            match cell {
                Cell::Text(text) => sheet.write_string_with_format(row, at, text, &body)?,
                Cell::Number(number) => sheet.write_number_with_format(row, at, *number, &body)?,
            };
        }
        self.row += 1;
        Ok(())
    }

    /// Ends it with a line of small print and writes the file.
    ///
    /// # Errors
    /// [`WorkbookError`] when the file cannot be written.
    pub fn save(mut self, small_print: &str, path: &Path) -> Result<(), WorkbookError> {
        let (row, small) = (self.row + 1, Format::new().set_font_size(9).set_font_color(Color::Gray));
        self.sheet()?.write_string_with_format(row, 0, small_print, &small)?;
        Ok(self.book.save(path)?)
    }

    fn sheet(&mut self) -> Result<&mut Worksheet, XlsxError> {
        self.book.worksheet_from_index(0)
    }
}
