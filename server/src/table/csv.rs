//! Comma-separated text in the encodings that turn up: UTF-8, UTF-16 with its mark, GB18030 (and with it GBK).
//!
//! Which one it is is found out, never guessed at from a name: a mark decides, else what is valid UTF-8 is UTF-8, else
//! what is valid GB18030 is that, else it is refused. Commas, tabs and semicolons separate, whichever the first line
//! has most of.

use encoding_rs::{GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::{COLUMNS_MAX, Line, ROWS_MAX, Table, TableFault, cleaned};

/// Reads text as a table.
pub(super) fn read(bytes: &[u8]) -> Result<Table, TableFault> {
    let text = decoded(bytes)?;
    // A file of another kind has bytes that no text has.
    if text.chars().any(|c| c == '\0') {
        return Err(TableFault::NotATable);
    }
    // One kind of line end: the reader counts a line only when it goes on to the next one.
    lines(&text.replace("\r\n", "\n")).map(|lines| Table { lines, ..Table::default() })
}

fn decoded(bytes: &[u8]) -> Result<String, TableFault> {
    let (encoding, skip) = match bytes {
        [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
        [0xff, 0xfe, ..] => (UTF_16LE, 2),
        [0xfe, 0xff, ..] => (UTF_16BE, 2),
        _ if std::str::from_utf8(bytes).is_ok() => (UTF_8, 0),
        _ => (GB18030, 0),
    };
    let bytes = &bytes[skip..];
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text.into_owned()),
        None if bytes.contains(&0) => Err(TableFault::NotATable),
        None => Err(wrong_place(encoding, bytes)),
    }
}

/// The first place that is not in the encoding.
fn wrong_place(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> TableFault {
    let mut good = String::with_capacity(bytes.len());
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut from = 0;
    // What a call leaves undone for want of room it goes on with; it stops for good at what is no text.
    loop {
        good.reserve(bytes.len() - from + 16);
        let (result, read) = decoder.decode_to_string_without_replacement(&bytes[from..], &mut good, true);
        from += read;
        if !matches!(result, encoding_rs::DecoderResult::OutputFull) {
            break;
        }
    }
    let (row, last) = (1_u32..).zip(good.split('\n')).last().unwrap_or((1, ""));
    let mark = separator(&good);
    let before = last.bytes().filter(|byte| *byte == mark).count();
    TableFault::Encoding(row, u32::try_from(before + 1).unwrap_or(u32::MAX))
}

fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |c: char| first.chars().filter(|d| *d == c).count();
    // Of equals the comma.
    [';', '\t', ','].into_iter().max_by_key(|c| count(*c)).map_or(b',', |c| c as u8)
}

fn lines(text: &str) -> Result<Vec<Line>, TableFault> {
    if let Some((row, column)) = open_quote(text, separator(text)) {
        return Err(TableFault::OpenQuote(row, column));
    }
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| TableFault::Damaged)?;
        let at = record.position().map_or(0, ::csv::Position::line);
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        if number > ROWS_MAX {
            return Err(TableFault::TooManyRows);
        }
        let mut cells = Vec::new();
        for (column, text) in (1..).zip(&record) {
            if column > COLUMNS_MAX && !text.is_empty() {
                return Err(TableFault::TooManyColumns(number));
            }
            cells.push(cleaned(text, number, column)?);
        }
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        lines.push(Line { number, cells });
    }
    Ok(lines)
}

/// The row and column in which a quotation mark is opened that nothing closes: everything behind it would be one cell.
fn open_quote(text: &str, separator: u8) -> Option<(u32, u32)> {
    let (mut line, mut column, mut opened, mut fresh) = (1, 1, None, true);
    for byte in text.bytes() {
        match byte {
            b'"' if opened.is_some() => opened = None,
            // A mark within a text is a mark; only at its beginning, or behind one just closed, it opens.
            b'"' if fresh => opened = Some((line, column)),
            _ => {}
        }
        fresh = byte == separator || byte == b'\n' || byte == b'"' && opened.is_none();
        if byte == b'\n' {
            (line, column) = (line + 1, 1);
        } else if byte == separator && opened.is_none() {
            column += 1;
        }
    }
    opened
}
