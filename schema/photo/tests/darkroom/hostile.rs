//! Hostile files: each is refused by its code, or leaves as a clean picture; none is passed on.

use louan_photo::{FILE_BYTES_MAX, Format, Refusal, develop, inspect};

use crate::bombs;
use crate::honest::fits;
use crate::make::{chunk, jpeg, pattern, png, webp, with_chunks, with_segment};

/// A file with its name and what must become of it: a code, or nothing for a clean picture.
pub(crate) type Case = (String, Vec<u8>, Option<&'static str>);

fn case(name: &str, file: Vec<u8>, code: Option<&'static str>) -> Case {
    (name.to_owned(), file, code)
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let picture = pattern(160, 120, 5);
    for file in [jpeg(&picture, 90), png(&picture), webp(&picture)] {
        for percent in 1..100 {
            let cut = &file[..file.len() * percent / 100];
            let refused = develop(cut, None).expect_err("cut");
            let as_expected = matches!(refused, Refusal::Truncated | Refusal::Unsupported(Format::Unknown));
            assert!(as_expected, "{percent} %: {refused}");
        }
        assert_eq!(develop(&file[..file.len() - 1], None), Err(Refusal::Truncated), "one byte short");
        assert!(develop(&file, None).is_ok());
    }
}

/// Other formats under a photo's name (P04).
fn other_formats() -> Vec<Case> {
    let padded = |magic: &[u8]| [magic, &[0x20; 200]].concat();
    let table: [(&str, &[u8]); 21] = [
        ("heic", b"\0\0\0\x18ftypheic"),
        ("heif", b"\0\0\0\x18ftypmif1"),
        ("avif", b"\0\0\0\x1cftypavif"),
        ("tiff, little", b"II*\0"),
        ("tiff, big", b"MM\0*"),
        ("big tiff", b"II+\0"),
        ("gif", b"GIF89a"),
        ("gif that is a script", b"GIF89a=1;alert(1)"),
        ("bmp", b"BM"),
        ("svg", b"<svg onload=\"alert(1)\">"),
        ("svg in xml", b"<?xml version=\"1.0\"?><svg>"),
        ("jpeg xl", b"\xff\x0a"),
        ("jpeg 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("icon", b"\0\0\x01\0"),
        ("photoshop", b"8BPS"),
        ("pdf", b"%PDF-1.7"),
        ("zip", b"PK\x03\x04"),
        ("page", b"<!DOCTYPE html>"),
        ("film", b"\0\0\0\x18ftypisom"),
        ("program", b"MZ\x90\0"),
        ("animated webp", b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0"),
    ];
    let mut cases: Vec<Case> =
        table.iter().map(|(name, magic)| case(name, padded(magic), Some("unsupported_image"))).collect();
    cases.push(case("nothing", Vec::new(), Some("unsupported_image")));
    cases.push(case("one byte", vec![0xff], Some("unsupported_image")));
    cases
}

/// Pictures with something else behind or inside them (P03): only the picture leaves.
fn polyglots() -> Vec<Case> {
    let picture = pattern(200, 150, 6);
    let (jpeg, png, webp) = (jpeg(&picture, 90), png(&picture), webp(&picture));
    let page = b"<html><script>alert(1)</script></html>";
    let behind = |file: &[u8], more: &[u8]| [file, more].concat();
    vec![
        case("jpeg, then a page", behind(&jpeg, page), None),
        case("jpeg, then an archive", behind(&jpeg, b"PK\x03\x04PK\x05\x06"), None),
        case("jpeg, then a film", behind(&jpeg, b"\0\0\0\x18ftypmp42"), None),
        case("jpeg, then a jpeg", behind(&jpeg, &jpeg), None),
        case("a page in a remark", with_segment(&jpeg, 0xfe, page), None),
        case("a page in a profile", with_segment(&jpeg, 0xe2, page), None),
        case("png, then a program", behind(&png, b"<?php system($_GET[0]); ?>"), None),
        case("a page in a text", with_chunks(&png, &chunk(b"tEXt", page)), None),
        case("webp, then a page", behind(&webp, page), None),
    ]
}

/// Camera notes no camera would write (P06).
fn odd_notes() -> Vec<Case> {
    let plain = jpeg(&pattern(200, 150, 7), 90);
    let notes = |tiff: &[u8]| with_segment(&plain, 0xe1, &[b"Exif\0\0", tiff].concat());
    let orientation = |n: u8| {
        [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[n, 0, 0, 0, 0, 0, 0]].concat()
    };
    let many = [b"MM\0*\0\0\0\x08\xff\xff".as_slice(), &[0x01; 60_000]].concat();
    vec![
        case("orientation 0", notes(&orientation(0)), None),
        case("orientation 9", notes(&orientation(9)), None),
        case("orientation 255", notes(&orientation(255)), None),
        case("a directory that is its own next", notes(b"MM\0*\0\0\0\x08\0\0\0\0\0\x08"), None),
        case(
            "a directory that is its own child",
            notes(b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0"),
            None,
        ),
        case("a directory behind the end", notes(b"MM\0*\xff\xff\xff\xff"), None),
        case(
            "a value of 4 GiB",
            notes(b"MM\0*\0\0\0\x08\0\x01\x90\x03\0\x02\xff\xff\xff\xff\0\0\0\x10\0\0\0\0"),
            None,
        ),
        case("65,535 entries", notes(&many), None),
        case("no notes at all", with_segment(&plain, 0xe1, b"Exif\0\0"), None),
        case("notes twice", with_segment(&notes(&orientation(6)), 0xe1, b"Exif\0\0II*\0"), None),
        case(
            "notes in a png, 1 MiB",
            with_chunks(&png(&pattern(50, 40, 8)), &chunk(b"eXIf", &vec![0; 1 << 20])),
            None,
        ),
    ]
}

/// Files that contradict themselves.
fn contradictions() -> Vec<Case> {
    let picture = pattern(200, 150, 9);
    let (jpeg, png, webp) = (jpeg(&picture, 90), png(&picture), webp(&picture));
    let changed = |file: &[u8], at: usize, bytes: &[u8]| {
        let mut file = file.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
    let second_frame = [&jpeg[..frame], &jpeg[frame..frame + 19], &jpeg[frame..]].concat();
    let damaged = Some("damaged_image");
    vec![
        case("jpeg that ends at once", b"\xff\xd8\xff\xd9".to_vec(), damaged),
        case(
            "jpeg without a frame",
            b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\xff\xd9".to_vec(),
            damaged,
        ),
        case("jpeg without width", changed(&jpeg, frame + 7, &[0, 0]), damaged),
        case("jpeg with two frames", second_frame, damaged),
        case("jpeg segment of length 1", changed(&jpeg, 4, &[0, 1]), damaged),
        case("jpeg that says nothing after its start", b"\xff\xd8\xff".to_vec(), Some("truncated")),
        case("png without pixels", [&png[..33], &chunk(b"IEND", b"")].concat(), damaged),
        case("png with a wrong sum", changed(&png, 29, &[0; 4]), damaged),
        case(
            "png of width 0",
            [&png[..8], &chunk(b"IHDR", &[0, 0, 0, 0, 0, 0, 0, 9, 8, 2, 0, 0, 0]), &png[33..]].concat(),
            damaged,
        ),
        case(
            "png that does not begin with its header",
            [&png[..8], &chunk(b"IDAT", b"x"), &png[8..]].concat(),
            damaged,
        ),
        case("png chunk of 4 GiB", changed(&png, 33, &[0xff; 4]), Some("truncated")),
        case("webp that promises more", changed(&webp, 4, &[0xff, 0xff, 0xff, 0x7f]), Some("truncated")),
        case("webp chunk beyond its end", changed(&webp, 16, &[0xff, 0xff, 0xff, 0x7f]), damaged),
        case("webp without pixels", b"RIFF\x0c\0\0\0WEBPJUNK\0\0\0\0".to_vec(), damaged),
        case(
            "noise behind a jpeg's start",
            [b"\xff\xd8\xff".as_slice(), &[0xa5; 500]].concat(),
            Some("truncated"),
        ),
    ]
}

#[test]
fn every_hostile_file_is_refused_by_its_code_or_leaves_clean() {
    let groups = [other_formats(), polyglots(), odd_notes(), contradictions(), bombs::cases()];
    let cases: Vec<Case> = groups.into_iter().flatten().collect();
    assert!(cases.len() >= 60, "{}", cases.len());
    for (name, file, expected) in &cases {
        match (develop(file, None), expected) {
            (Ok(photo), None) => fits(&photo),
            (Err(refusal), Some(code)) => assert_eq!(refusal.code(), *code, "{name}"),
            (outcome, _) => panic!("{name}: {:?}", outcome.map(|photo| (photo.width, photo.height))),
        }
    }
}

#[test]
fn a_jpeg_is_bare_when_there_is_nothing_in_it_but_its_picture() {
    let plain = jpeg(&pattern(200, 150, 6), 90);
    let put = |at: usize, marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("a segment's size").to_be_bytes();
        [&plain[..at], &[0xff, marker], &length, content, &plain[at..]].concat()
    };
    let tables = |marker: u8| {
        let at = plain.windows(2).position(|w| w == [0xff, marker]).expect("tables");
        let length = usize::from(u16::from_be_bytes([plain[at + 2], plain[at + 3]]));
        plain[at + 4..at + 2 + length].to_vec()
    };
    let (start, end) = (2, plain.len() - 2);
    let bare = |file: &[u8]| inspect(file).is_ok_and(|source| source.is_bare());
    assert!(bare(&plain) && bare(&put(end, 0xdb, &tables(0xdb))) && bare(&put(end, 0xc4, &tables(0xc4))));
    let longer = |marker: u8| [&tables(marker)[..], b"<script>"].concat();
    for (name, file) in [
        ("a note before the scan", put(start, 0xe1, b"Exif\0\0MM\0*\0\0\0\x08")),
        ("a note behind the scan", put(end, 0xe1, b"Exif\0\0MM\0*\0\0\0\x08")),
        ("a remark behind the scan", put(end, 0xfe, b"<script>")),
        ("a profile behind the scan", put(end, 0xe2, b"ICC_PROFILE\0")),
        ("a small picture in its mark", put(end, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc")),
        ("another mark", put(end, 0xe0, b"AVI1\0\0\0\0\0\0\0\0\0\0")),
        ("words behind a table of steps", put(end, 0xdb, &longer(0xdb))),
        ("words behind a table of codes", put(end, 0xc4, &longer(0xc4))),
        ("words for an interval", put(end, 0xdd, b"<script>")),
        ("a mark outside a scan", [&plain[..start], &[0xff, 0xd0], &plain[start..]].concat()),
        ("filling before a mark", [&plain[..start], &[0xff], &plain[start..]].concat()),
    ] {
        // Whether a decoder takes it is another question.
        assert!(!bare(&file), "{name}");
    }
    for file in [png(&pattern(20, 20, 1)), webp(&pattern(20, 20, 1))] {
        assert!(!bare(&file));
    }
}

#[test]
fn a_file_too_large_is_not_even_looked_at() {
    let mut file = jpeg(&pattern(20, 20, 1), 90);
    file.resize(FILE_BYTES_MAX + 1, 0);
    assert_eq!(develop(&file, None), Err(Refusal::FileTooLarge));
    file.truncate(FILE_BYTES_MAX);
    fits(&develop(&file, None).expect("all zeros behind the end are dropped"));
}
