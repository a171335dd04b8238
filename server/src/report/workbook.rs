//! Workbooks: rows of text and numbers as xlsx, in constant memory.
//!
//! Rows go to a temporary file as they come, however many there are. A text is always a text: what begins like a formula
//! is written as the characters it is and never computed by whoever opens it (X05).

use std::path::Path;

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

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or_else(|| Self::Text(String::new()), Into::into)
    }
}

/// A workbook of one sheet being written (电子表格).
pub struct Workbook {
    book: Book,
    row: u32,
    body: Format,
}

/// Rows above the body: the title and the header.
const HEAD_ROWS: u32 = 2;

impl Workbook {
    /// Begins a workbook: a title over all columns, below it their own.
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
        for (at, column) in (0_u16..).zip(columns) {
            sheet.set_column_width(at, column.width)?;
            sheet.write_string_with_format(1, at, column.title, &head)?;
        }
        sheet.set_freeze_panes(HEAD_ROWS, 0)?;
        sheet.set_repeat_rows(0, HEAD_ROWS - 1)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        Ok(Self { book, row: HEAD_ROWS, body })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`WorkbookError`] beyond a sheet's last row, or when the disk is full.
    pub fn push(&mut self, cells: &[Cell]) -> Result<(), WorkbookError> {
        let (row, body) = (self.row, self.body.clone());
        let sheet = self.sheet()?;
        for (at, cell) in (0_u16..).zip(cells) {
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
