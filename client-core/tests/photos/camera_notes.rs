//! A camera's notes in front of a picture: what a camera claims, byte by byte (EXIF: a TIFF structure in an APP1 segment).

use crate::picture;
use crate::support::*;

/// Tag, type, how many, and the value.
type Entry = (u16, u16, u32, Vec<u8>);

const ASCII: u16 = 2;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

fn text(tag: u16, text: &str) -> Entry {
    let value = [text.as_bytes(), b"\0"].concat();
    (tag, ASCII, u32::try_from(value.len()).expect("short"), value)
}

fn ratios(tag: u16, parts: [u32; 3]) -> Entry {
    (tag, RATIONAL, 3, parts.iter().flat_map(|n| [n.to_be_bytes(), 1_u32.to_be_bytes()].concat()).collect())
}

/// A directory that begins at `at`, with the values that do not fit into it behind it.
fn directory(at: usize, entries: &[Entry]) -> Vec<u8> {
    let mut table = u16::try_from(entries.len()).expect("few").to_be_bytes().to_vec();
    let mut behind = Vec::new();
    let start = at + 2 + entries.len() * 12 + 4;
    for (tag, kind, count, value) in entries {
        table.extend([&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes()].concat());
        if value.len() <= 4 {
            table.extend(value.iter().copied().chain([0; 4]).take(4));
        } else {
            table.extend(u32::try_from(start + behind.len()).expect("small").to_be_bytes());
            behind.extend(value);
        }
    }
    [table, vec![0; 4], behind].concat()
}

/// A picture whose camera says that it was taken at noon of 20 January 2020, at a place it had fixed at this UTC time.
fn photographed(seed: u32, fixed: [u32; 3]) -> Vec<u8> {
    let pointer = |tag, to: usize| (tag, LONG, 1, u32::try_from(to).expect("small").to_be_bytes().to_vec());
    let notes = [text(0x9003, "2020:01:20 12:00:00")];
    let place = [
        text(1, "N"),
        ratios(2, [29, 1, 44]),
        text(3, "E"),
        ratios(4, [106, 39, 3]),
        ratios(7, fixed),
        text(0x1d, "2020:01:20"),
    ];
    let first = 8 + 2 + 2 * 12 + 4;
    let second = first + directory(first, &notes).len();
    let tiff = [
        b"MM\0*\0\0\0\x08".to_vec(),
        directory(8, &[pointer(0x8769, first), pointer(0x8825, second)]),
        directory(first, &notes),
        directory(second, &place),
    ]
    .concat();
    let segment = [&b"Exif\0\0"[..], &tiff].concat();
    let length = u16::try_from(segment.len() + 2).expect("short").to_be_bytes();
    let jpeg = picture(seed, 96);
    [&jpeg[..2], b"\xff\xe1", &length, &segment, &jpeg[2..]].concat()
}

#[test]
fn a_place_that_the_camera_fixed_long_before_the_picture_is_none() {
    let mut desk = Desk::new();
    let fresh = desk.take(&photographed(1, [4, 0, 0])).expect("is taken").card;
    let position = fresh.position.expect("noon here is four o'clock UTC");
    assert_eq!((position.lon_e7 / 1_000, position.lat_e7 / 1_000), (1_066_508, 290_288));
    assert_eq!(fresh.taken.at.to_string(), "2020-01-20T12:00:00+08:00");
    let stale = desk.take(&photographed(2, [3, 54, 0])).expect("is taken").card;
    assert_eq!((stale.taken.at, stale.position), (fresh.taken.at, None), "six minutes before");
}
