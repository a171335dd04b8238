//! What is read, and what is refused with which words.

use std::io::{Cursor, Write};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

fn texts(table: &Table) -> Vec<(u32, Vec<&str>)> {
    table.lines.iter().map(|line| (line.number, line.cells.iter().map(String::as_str).collect())).collect()
}

fn book(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().expect("a workbook")
}

#[test]
fn cells_come_out_as_a_person_sees_them() {
    let bytes = book(|sheet| {
        sheet.merge_range(0, 0, 0, 3, "高层建筑名单", &Format::new()).expect("merges");
        sheet.write(2, 0, "小区").expect("writes");
        sheet.merge_range(3, 0, 4, 0, " 示例花园 ", &Format::new()).expect("merges");
        sheet.write(3, 1, 54.5).expect("writes");
        sheet.write(4, 1, 18).expect("writes");
        let day = ExcelDateTime::from_ymd(2020, 1, 21).expect("a day");
        sheet.write_with_format(3, 2, &day, &Format::new().set_num_format("yyyy-mm-dd")).expect("writes");
        sheet.write_formula(4, 2, Formula::new("=1+1").set_result("2")).expect("writes");
        sheet.write(4, 3, true).expect("writes");
    });
    let table = read(&bytes).expect("reads");
    assert_eq!(
        texts(&table),
        [
            (1, vec!["高层建筑名单"; 4]),
            (3, vec!["小区"]),
            (4, vec!["示例花园", "54.5", "2020-01-21"]),
            (5, vec!["示例花园", "18", "2", "是"]),
        ]
    );
}

#[test]
fn sheets_that_have_something_too_are_named_and_empty_or_hidden_ones_are_not() {
    let mut book = Workbook::new();
    for (name, text) in
        [("说明", ""), ("古南街道", "小区"), ("空白", " "), ("文龙街道", "小区"), ("藏起", "小区")]
    {
        let sheet = book.add_worksheet();
        sheet.set_name(name).expect("a name").write(0, 0, text).expect("writes");
        sheet.set_hidden(name == "藏起");
    }
    let table = read(&book.save_to_buffer().expect("a workbook")).expect("reads");
    assert_eq!((table.sheet.as_str(), table.sheets_left), ("古南街道", vec!["文龙街道".to_owned()]));
}

#[test]
fn text_is_read_in_every_encoding_and_with_every_separator() {
    let text = "名称,地址\n示例花园,\"示例路1号, 2栋\"\n";
    let (gbk, ..) = encoding_rs::GB18030.encode(text);
    let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        let mut all = mark.to_vec();
        text.encode_utf16().for_each(|unit| all.extend(bytes(unit)));
        all
    };
    let rows = [(1, vec!["名称", "地址"]), (2, vec!["示例花园", "示例路1号, 2栋"])];
    for (name, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with its mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("GBK", gbk.to_vec()),
        ("UTF-16 little", utf16([0xff, 0xfe], u16::to_le_bytes)),
        ("UTF-16 big", utf16([0xfe, 0xff], u16::to_be_bytes)),
        ("tabs", text.replace("名称,", "名称\t").replace("园,", "园\t").into_bytes()),
        ("semicolons", text.replace("名称,", "名称;").replace("园,", "园;").into_bytes()),
        ("Windows lines", text.replace('\n', "\r\n").into_bytes()),
    ] {
        assert_eq!(texts(&read(&bytes).unwrap_or_else(|e| panic!("{name}: {e:?}"))), rows, "{name}");
    }
}

#[test]
fn a_quotation_mark_within_a_text_is_a_mark() {
    let table = read("名称,地址\n12\"管井,\"示例\"\"路\n1号\"\n".as_bytes()).expect("reads");
    assert_eq!(texts(&table)[1], (2, vec!["12\"管井", "示例\"路\n1号"]));
}

/// A zip file with these entries.
fn packed(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        writer.start_file(*name, options).expect("begins");
        writer.write_all(bytes).expect("writes");
    }
    writer.finish().expect("ends").into_inner()
}

/// An honest workbook with one of its files in another form.
fn with(name: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let bytes = book(|sheet| {
        sheet.write(0, 0, "名称").expect("writes");
        sheet.write(1, 0, 1).expect("writes");
    });
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("an entry");
        let (entry_name, mut text) = (entry.name().expect("a name").to_string(), String::new());
        std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
        let text = if entry_name == name { change(text) } else { text };
        entries.push((entry_name, text.into_bytes()));
    }
    let entries: Vec<(&str, Vec<u8>)> = entries.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    packed(&entries)
}

const SHEET: &str = "xl/worksheets/sheet1.xml";

fn cell_at(place: &str) -> Vec<u8> {
    let cell = format!("<c r=\"{place}\"><v>1</v></c>");
    with(SHEET, |text| text.replace("<c r=\"A2\"><v>1</v></c>", &cell))
}

#[test]
fn what_is_no_honest_list_is_refused_in_words() {
    let honest = with(SHEET, |text| text);
    assert!(read(&honest).is_ok());
    let entity = with(SHEET, |text| {
        let doctype = "?>\n<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
        text.replacen("?>", doctype, 1).replace("<v>1</v>", "<v>&a;</v>")
    });
    let table: Vec<(&str, Vec<u8>, TableFault)> = vec![
        ("nothing", Vec::new(), TableFault::Empty),
        ("blank lines", b"\n\n , ,\n".to_vec(), TableFault::Empty),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), TableFault::NotATable),
        ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), TableFault::OldOrLocked),
        ("a zip of something", packed(&[("letter.txt", b"hello".to_vec())]), TableFault::NotATable),
        ("cut", honest[..honest.len() / 2].to_vec(), TableFault::Damaged),
        ("binary", packed(&[("xl/workbook.bin", b"x".to_vec())]), TableFault::OldOrLocked),
        ("macros", packed(&[("xl/vbaProject.bin", b"x".to_vec())]), TableFault::Macros),
        (
            "links",
            packed(&[("xl/externalLinks/externalLink1.xml", b"x".to_vec())]),
            TableFault::ExternalLinks,
        ),
        ("a bomb", packed(&[(SHEET, vec![b' '; 8 * 1024 * 1024])]), TableFault::Bomb),
        ("far below", cell_at("A1048576"), TableFault::TooManyRows),
        ("far right", cell_at("XFD2"), TableFault::TooManyColumns(2)),
        ("not closed", "名称\n\"示例\n花园\n".as_bytes().to_vec(), TableFault::OpenQuote(2, 1)),
        ("not closed further on", b"a,b\n1,\"x\n2,y\n".to_vec(), TableFault::OpenQuote(2, 2)),
        ("no encoding", b"a\nb\n\xff\xff\n".to_vec(), TableFault::Encoding(3, 1)),
        ("no encoding further on", b"a,b\nx,y\xff\xff\n".to_vec(), TableFault::Encoding(2, 2)),
        (
            "long",
            format!("名称\n{}", "长".repeat(CELL_CHARS_MAX + 1)).into_bytes(),
            TableFault::CellTooLong(2, 1),
        ),
    ];
    for (name, bytes, fault) in table {
        assert_eq!(read(&bytes), Err(fault.clone()), "{name}");
        assert!(fault.text().ends_with('。'), "{name}");
    }
    // An entity is never resolved: refused, or left out.
    if let Ok(table) = read(&entity) {
        assert!(texts(&table).iter().all(|(_, cells)| cells.iter().all(|text| !text.contains("root"))));
    }
    let many: Vec<(String, Vec<u8>)> = (0..2_001).map(|n| (format!("x{n}"), Vec::new())).collect();
    let many: Vec<(&str, Vec<u8>)> = many.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    assert_eq!(read(&packed(&many)), Err(TableFault::Bomb));
    assert_eq!(read(&vec![b'a'; 16 * 1024 * 1024 + 1]), Err(TableFault::TooLarge));
}

#[test]
fn unseen_characters_do_not_come_in() {
    let table = read("\u{202e}名\u{200b}称\u{0007},b\n".as_bytes()).expect("reads");
    assert_eq!(texts(&table), [(1, vec!["名称", "b"])]);
}

#[test]
fn columns_have_the_letters_a_spreadsheet_shows() {
    for (column, text) in [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA"), (16_384, "XFD")] {
        assert_eq!(letters(column), text);
    }
}
