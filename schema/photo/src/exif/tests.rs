//! Odd notes of odd cameras, made here; real files carry real people's positions and are not kept.

use louan_schema::time::Timestamp;
use proptest::prelude::*;

use super::*;

/// One directory entry: tag, type, count, value bytes.
type Entry = (u16, u16, u32, Vec<u8>);

fn text(tag: u16, text: &str) -> Entry {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    (tag, 2, u32::try_from(bytes.len()).expect("short"), bytes)
}

fn ratios(tag: u16, parts: &[(u32, u32)]) -> Entry {
    let bytes = parts.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()].concat()).collect();
    (tag, 5, u32::try_from(parts.len()).expect("short"), bytes)
}

fn short(tag: u16, value: u16) -> Entry {
    (tag, 3, 1, value.to_be_bytes().to_vec())
}

/// A directory that begins at `at`, values behind it.
fn directory(at: usize, entries: &[Entry]) -> Vec<u8> {
    let mut head = u16::try_from(entries.len()).expect("few").to_be_bytes().to_vec();
    let mut tail: Vec<u8> = Vec::new();
    let values_at = at + 2 + entries.len() * 12 + 4;
    for (tag, kind, count, value) in entries {
        head.extend(tag.to_be_bytes());
        head.extend(kind.to_be_bytes());
        head.extend(count.to_be_bytes());
        if value.len() <= 4 {
            head.extend(value);
            head.extend(vec![0; 4 - value.len()]);
        } else {
            head.extend(u32::try_from(values_at + tail.len()).expect("small").to_be_bytes());
            tail.extend(value);
        }
    }
    head.extend([0; 4]);
    [head, tail].concat()
}

/// A camera's notes out of three directories.
fn notes(camera: &[Entry], gps: &[Entry], orientation: Option<u16>) -> Vec<u8> {
    let mut root: Vec<Entry> = orientation.map(|n| short(0x0112, n)).into_iter().collect();
    let size = |entries: &[Entry]| directory(0, entries).len();
    let pointer = |tag: u16, at: usize| (tag, 4, 1, u32::try_from(at).expect("small").to_be_bytes().to_vec());
    let first = 8 + size(&root) + 24;
    root.push(pointer(0x8769, first));
    root.push(pointer(0x8825, first + size(camera)));
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    bytes.extend(directory(8, &root));
    assert_eq!(bytes.len(), first);
    bytes.extend(directory(first, camera));
    bytes.extend(directory(first + size(camera), gps));
    bytes
}

const DATE: u16 = 0x9003;
const OFFSET: u16 = 0x9011;

fn taken_of(entries: &[Entry]) -> Option<Taken> {
    read(&notes(entries, &[], None)).taken
}

#[test]
fn a_camera_without_an_offset_is_read_in_shanghai_and_marked() {
    let noon: Timestamp = "2020-03-01T12:00:00+08:00".parse().expect("an instant");
    let table = [
        (vec![text(DATE, "2020:03:01 12:00:00")], Some((noon, TakenBy::CameraZoneAssumed))),
        (vec![text(DATE, "2020:03:01 12:00:00"), text(OFFSET, "+08:00")], Some((noon, TakenBy::Camera))),
        (vec![text(DATE, "2020:03:01 04:00:00"), text(OFFSET, "+00:00")], Some((noon, TakenBy::Camera))),
        (vec![text(DATE, "2020:02:29 23:00:00"), text(OFFSET, "-05:00")], Some((noon, TakenBy::Camera))),
        (
            vec![text(DATE, "2020:03:01 12:00:00"), text(OFFSET, "   :  ")],
            Some((noon, TakenBy::CameraZoneAssumed)),
        ),
        (
            vec![text(DATE, "2020:03:01 12:00:00"), text(OFFSET, "+99:99")],
            Some((noon, TakenBy::CameraZoneAssumed)),
        ),
        (vec![text(DATE, "0000:00:00 00:00:00")], None),
        (vec![text(DATE, "    :  :     :  :  ")], None),
        (vec![text(DATE, "2019:02:29 12:00:00")], None),
        (vec![text(DATE, "2020:13:01 12:00:00")], None),
        (vec![text(DATE, "2020:03:01 25:00:00")], None),
        (vec![text(DATE, "2020:03:01")], None),
        (vec![text(DATE, "")], None),
        (vec![short(DATE, 7)], None),
        (vec![], None),
    ];
    for (entries, expected) in table {
        let found = taken_of(&entries).map(|taken| (taken.at, taken.by));
        assert_eq!(found, expected, "{entries:?}");
    }
}

#[test]
fn an_orientation_is_one_to_eight_or_none() {
    for (said, read_as) in
        [(None, 1), (Some(0), 1), (Some(1), 1), (Some(6), 6), (Some(8), 8), (Some(9), 1), (Some(65_535), 1)]
    {
        assert_eq!(read(&notes(&[], &[], said)).orientation, read_as, "{said:?}");
    }
}

const WHOLE: [(u32, u32); 3] = [(29, 1), (1, 1), (4_080, 100)];
const EAST: [(u32, u32); 3] = [(106, 1), (39, 1), (360, 100)];

fn gps(lat: &[(u32, u32)], lon: &[(u32, u32)], more: &[Entry]) -> Vec<Entry> {
    let mut entries = vec![text(1, "N"), ratios(2, lat), text(3, "E"), ratios(4, lon)];
    entries.extend_from_slice(more);
    entries.sort_by_key(|entry| entry.0);
    entries
}

fn place_of(entries: &[Entry]) -> Option<(i32, i32)> {
    read(&notes(&[], entries, None)).position.map(|at| (at.lon_e7, at.lat_e7))
}

#[test]
fn what_is_half_said_about_a_place_is_not_said() {
    let here = Some((1_066_510_000, 290_280_000));
    let without = |tag: u16| gps(&WHOLE, &EAST, &[]).into_iter().filter(|e| e.0 != tag).collect::<Vec<_>>();
    let table = [
        ("degrees, minutes, seconds", gps(&WHOLE, &EAST, &[]), here),
        (
            "decimal minutes",
            gps(&[(29, 1), (168, 100), (0, 1)], &[(106, 1), (3_906, 100), (0, 1)], &[]),
            here,
        ),
        (
            "decimal minutes, seconds 0/0",
            gps(&[(29, 1), (168, 100), (0, 0)], &[(106, 1), (3_906, 100), (0, 0)], &[]),
            here,
        ),
        ("decimal minutes, no seconds", gps(&[(29, 1), (168, 100)], &[(106, 1), (3_906, 100)], &[]), here),
        ("whole minutes, seconds 0/0", gps(&[(29, 1), (1, 1), (0, 0)], &EAST, &[]), None),
        ("all 0/0", gps(&[(0, 0); 3], &[(0, 0); 3], &[]), None),
        ("(0, 0)", gps(&[(0, 1); 3], &[(0, 1); 3], &[]), None),
        ("no hemisphere", without(1), None),
        ("no longitude", without(4), None),
        ("datum alone", vec![text(0x12, "WGS-84")], None),
        ("datum said", gps(&WHOLE, &EAST, &[text(0x12, "WGS-84")]), here),
        ("datum blank", gps(&WHOLE, &EAST, &[text(0x12, " ")]), here),
        ("datum of Tokyo", gps(&WHOLE, &EAST, &[text(0x12, "TOKYO")]), None),
        ("91 degrees", gps(&[(91, 1), (0, 1), (0, 1)], &EAST, &[]), None),
        ("61 minutes", gps(&[(29, 1), (61, 1), (0, 1)], &EAST, &[]), None),
        ("one number", gps(&[(29, 1)], &EAST, &[]), None),
        ("4,294,967,295 degrees", gps(&[(u32::MAX, 1), (0, 1), (0, 1)], &EAST, &[]), None),
    ];
    for (name, entries, expected) in table {
        assert_eq!(place_of(&entries), expected, "{name}");
    }
    let south_west = [text(1, "S"), ratios(2, &WHOLE), text(3, "W"), ratios(4, &EAST)];
    assert_eq!(place_of(&south_west), Some((-1_066_510_000, -290_280_000)));
}

#[test]
fn a_fix_has_a_date_and_a_time_or_none_and_an_old_one_is_called_stale() {
    let time = ratios(7, &[(4, 1), (0, 1), (0, 1)]);
    let with = |date: &str, time: &Entry| {
        let gps = gps(&WHOLE, &EAST, &[time.clone(), text(0x1d, date), ratios(0x1f, &[(125, 10)])]);
        read(&notes(&[text(DATE, "2020:03:01 12:00:00")], &gps, None))
    };
    let fixed = |found: CameraNotes| found.position.and_then(|at| at.fixed_at).map(|at| at.to_string());
    let good = with("2020:03:01", &time);
    assert_eq!(fixed(good).as_deref(), Some("2020-03-01T12:00:00+08:00"));
    assert_eq!(good.position.and_then(|at| at.accuracy_m), Some(13));
    assert!(!good.fix_is_stale());
    assert!(with("2020:02:29", &time).fix_is_stale(), "a day older");
    assert!(with("2020:03:01", &ratios(7, &[(4, 1), (6, 1), (0, 1)])).fix_is_stale(), "six minutes");
    for date in ["2014:09:259", "0000:00:00", "2020", "", "2020:3:-1", "9999999999:01:01", "２０２０:03:01"]
    {
        assert_eq!(fixed(with(date, &time)), None, "{date}");
        assert!(!with(date, &time).fix_is_stale(), "{date}");
    }
    for parts in
        [&[(4, 0), (0, 1), (0, 1)][..], &[(400, 1), (0, 1), (0, 1)], &[(4, 1)], &[(24, 1), (0, 1), (0, 1)]]
    {
        assert_eq!(fixed(with("2020:03:01", &ratios(7, parts))), None, "{parts:?}");
    }
}

#[test]
fn one_bad_field_spoils_no_other() {
    let mut bytes = notes(&[text(DATE, "2020:03:01 12:00:00")], &gps(&WHOLE, &EAST, &[]), Some(6));
    // The last value runs over the end.
    bytes.truncate(bytes.len() - 4);
    let found = read(&bytes);
    assert_eq!((found.orientation, found.taken.is_some(), found.position), (6, true, None));
}

proptest! {
    #[test]
    fn no_notes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        let _ = read(&[b"MM\0*\0\0\0\x08", bytes.as_slice()].concat());
        let _ = read(&[b"II*\0\x08\0\0\0", bytes.as_slice()].concat());
    }

    #[test]
    fn honest_notes_with_bytes_spoilt_say_something_possible_or_nothing(
        spoil in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let gps = gps(&WHOLE, &EAST, &[ratios(7, &[(4, 1), (0, 1), (0, 1)]), text(0x1d, "2020:03:01")]);
        let mut bytes = notes(&[text(DATE, "2020:03:01 12:00:00"), text(OFFSET, "+08:00")], &gps, Some(6));
        for (at, byte) in spoil {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let found = read(&bytes);
        prop_assert!((1..=8).contains(&found.orientation));
        prop_assert!(found.position.is_none_or(|at| at.is_somewhere()));
    }
}
