//! The lines of a list that were not taken, as a workbook (错误行): as they came, with the reason behind each.
//!
//! Whoever corrects them in it can import it as it is: its titles are his own, and the reason is a column nobody asks for.
//! What should be looked at in lines that were taken stands on a sheet behind it.

use rust_xlsxwriter::{Color, Format, Workbook};

use super::workbook::WorkbookError;
use crate::import::Remark;
use crate::table::Line;

/// The workbook's bytes; the first line is the header.
///
/// # Errors
/// [`WorkbookError`].
pub fn refused_lines(
    lines: &[Line],
    faults: &[Remark],
    notices: &[Remark],
) -> Result<Vec<u8>, WorkbookError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("错误行")?;
    let (bold, red) =
        (Format::new().set_bold(), Format::new().set_font_color(Color::RGB(0x00B0_0020)).set_text_wrap());
    let width = lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    let (reason, row) =
        (u16::try_from(width).unwrap_or(u16::MAX), u16::try_from(width + 1).unwrap_or(u16::MAX));
    for (at, line) in (0_u32..).zip(lines) {
        for (column, text) in (0_u16..).zip(&line.cells) {
            // A text is a text, whatever it begins with (X05).
            match at {
                0 => sheet.write_string_with_format(at, column, text, &bold)?,
                _ => sheet.write_string(at, column, text)?,
            };
        }
        if at == 0 {
            sheet.write_string_with_format(0, reason, "错误原因", &bold)?;
            sheet.write_string_with_format(0, row, "原行号", &bold)?;
            continue;
        }
        let of_line = faults.iter().filter(|fault| fault.number == line.number);
        let words = of_line.map(|fault| match &fault.column {
            Some(column) => format!("{column}列：{}", fault.reason),
            None => fault.reason.clone(),
        });
        let words: Vec<String> = words.collect();
        sheet.write_string_with_format(at, reason, words.join("；"), &red)?;
        sheet.write_number(at, row, f64::from(line.number))?;
    }
    sheet.set_column_width(reason, 60)?;
    sheet.set_freeze_panes(1, 0)?;
    if !notices.is_empty() {
        let sheet = book.add_worksheet();
        sheet.set_name("提示")?;
        for (column, title) in (0..).zip(["原行号", "列", "提示"]) {
            sheet.write_string_with_format(0, column, title, &bold)?;
        }
        for (at, notice) in (1..).zip(notices) {
            sheet.write_number(at, 0, f64::from(notice.number))?;
            sheet.write_string(at, 1, notice.column.as_deref().unwrap_or_default())?;
            sheet.write_string(at, 2, &notice.reason)?;
        }
        sheet.set_column_width(2, 60)?;
        sheet.set_freeze_panes(1, 0)?;
    }
    Ok(book.save_to_buffer()?)
}
