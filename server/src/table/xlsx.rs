//! xlsx: looked through before it is read, then read cell by cell.
//!
//! What a spreadsheet says about itself is not believed: it is unpacked once, counted, and only then given to the
//! reader (X01). Rows and columns come from the cells, never from the range it claims (X02). No entity is resolved and
//! no link followed (X03).

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use calamine::{DataRef, ExcelDateTime, Reader, SheetVisible, Xlsx};
use zip::ZipArchive;

use super::{COLUMNS_MAX, INFLATED_BYTES_MAX, Line, ROWS_MAX, Table, TableFault, cleaned};

/// Most files in an xlsx (X01): a workbook has some twenty, and a few for every sheet and picture.
const ENTRIES_MAX: usize = 2_000;
/// No honest list packs better than this (X01); asked only of more than [`SMALL_BYTES`].
const RATIO_MAX: u64 = 100;
/// Up to here anything may pack as well as it likes.
const SMALL_BYTES: u64 = 1024 * 1024;

/// Reads the first sheet that is shown and has something in it; names those behind it that have something too.
pub(super) fn read(bytes: &[u8]) -> Result<Table, TableFault> {
    scan(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| TableFault::Damaged)?;
    let shown = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = shown.map(|sheet| sheet.name.clone()).collect();
    let mut names = names.into_iter();
    while let Some(sheet) = names.next() {
        let rows = rows(&mut book, &sheet)?;
        if !rows.is_empty() {
            let lines = rows.into_iter().map(|(number, row)| line(number, row)).collect();
            let mut sheets_left = Vec::new();
            for name in names {
                if has_something(&mut book, &name)? {
                    sheets_left.push(name);
                }
            }
            return Ok(Table { sheet, lines, sheets_left, features: false });
        }
    }
    Err(TableFault::Empty)
}

fn has_something(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<bool, TableFault> {
    let mut cells = book.worksheet_cells_reader(sheet).map_err(|_| TableFault::Damaged)?;
    while let Some(cell) = cells.next_cell().map_err(|_| TableFault::Damaged)? {
        if !text(cell.get_value()).trim().is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

type Rows = BTreeMap<u32, BTreeMap<u32, String>>;

/// Unpacks everything once and keeps nothing.
fn scan(bytes: &[u8]) -> Result<(), TableFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| TableFault::Damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(TableFault::Bomb);
    }
    let (mut inflated, mut is_book) = (0, false);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|_| TableFault::Damaged)?;
        let name = entry.name().map_err(|_| TableFault::Damaged)?.to_ascii_lowercase();
        if name.ends_with("vbaproject.bin") {
            return Err(TableFault::Macros);
        }
        if name.starts_with("xl/externallinks/") {
            return Err(TableFault::ExternalLinks);
        }
        if name.ends_with(".bin") && name.starts_with("xl/workbook") {
            return Err(TableFault::OldOrLocked);
        }
        is_book |= name == "xl/workbook.xml";
        let packed = entry.compressed_size();
        let allowed = INFLATED_BYTES_MAX - inflated;
        let size = std::io::copy(&mut (&mut entry).take(allowed + 1), &mut std::io::sink());
        let size = size.map_err(|_| TableFault::Damaged)?;
        if size > allowed || size > SMALL_BYTES && size / packed.max(1) > RATIO_MAX {
            return Err(TableFault::Bomb);
        }
        inflated += size;
    }
    if is_book { Ok(()) } else { Err(TableFault::NotATable) }
}

fn rows(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Rows, TableFault> {
    let mut rows = Rows::new();
    let mut cells = book.worksheet_cells_reader(sheet).map_err(|_| TableFault::Damaged)?;
    while let Some(cell) = cells.next_cell().map_err(|_| TableFault::Damaged)? {
        let (row, column) = cell.get_position();
        let (row, column) = (row.saturating_add(1), column.saturating_add(1));
        let text = cleaned(&text(cell.get_value()), row, column)?;
        if text.is_empty() {
            continue;
        }
        if row > ROWS_MAX {
            return Err(TableFault::TooManyRows);
        }
        if column > COLUMNS_MAX {
            return Err(TableFault::TooManyColumns(row));
        }
        rows.entry(row).or_default().insert(column, text);
    }
    drop(cells);
    let merged = book.merge_cells_by_sheet_name(sheet).map_err(|_| TableFault::Damaged)?;
    for region in merged {
        spread(&mut rows, region.start, region.end);
    }
    Ok(rows)
}

/// Puts the text of a merged cell everywhere it reaches, as far as there are rows and columns.
fn spread(rows: &mut Rows, start: (u32, u32), end: (u32, u32)) {
    let (top, left) = (start.0.saturating_add(1), start.1.saturating_add(1));
    let Some(text) = rows.get(&top).and_then(|row| row.get(&left)).cloned() else { return };
    let last = rows.keys().next_back().copied().unwrap_or(0);
    let widest = rows.values().filter_map(|row| row.keys().next_back()).max().copied().unwrap_or(0);
    let (bottom, right) = (end.0.saturating_add(1).min(last), end.1.saturating_add(1).min(widest));
    for row in top..=bottom {
        // A row that has nothing of its own does not come to be by a merged cell.
        let Some(cells) = rows.get_mut(&row) else { continue };
        for column in left..=right {
            cells.entry(column).or_insert_with(|| text.clone());
        }
    }
}

fn line(number: u32, row: BTreeMap<u32, String>) -> Line {
    let last = row.keys().next_back().copied().unwrap_or(0);
    let mut cells = vec![String::new(); last as usize];
    for (column, text) in row {
        if let Some(cell) = cells.get_mut(column as usize - 1) {
            *cell = text;
        }
    }
    Line { number, cells }
}

/// A cell as a person sees it.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
        DataRef::DateTime(at) => date(at),
        // What cannot be computed says so, in the cell's own words; who reads the report sees which.
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn date(at: &ExcelDateTime) -> String {
    if !at.is_datetime() {
        return at.as_f64().to_string();
    }
    let (year, month, day, hour, minute, ..) = at.to_ymd_hms_milli();
    match (hour, minute) {
        (0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        (hour, minute) => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}"),
    }
}
