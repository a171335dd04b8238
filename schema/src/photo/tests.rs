//! What holds of cards and of the check on site: goldens, laws and the table of P05.

use proptest::prelude::*;

use super::*;
use crate::code::Datum;
use crate::id::{BlobHash, BuildingId, RecordId, SiteId};
use crate::registry::{Footprint, Position};
use crate::time::Timestamp;

const TAKEN: Timestamp = Timestamp::from_ms(1_583_000_000_000);
/// The county town's square, and what a metre is there in ten-millionths of a degree.
const HERE: (i32, i32) = (1_066_510_000, 290_280_000);
const METRE_NORTH: f64 = 89.932;
const METRE_EAST: f64 = 102.854;

fn sensor(east_m: f64, north_m: f64) -> PhotoPosition {
    #[allow(clippy::cast_possible_truncation, reason = "a few kilometres")]
    let moved = |at: i32, metres: f64, metre: f64| at + (metres * metre) as i32;
    PhotoPosition {
        lon_e7: moved(HERE.0, east_m, METRE_EAST),
        lat_e7: moved(HERE.1, north_m, METRE_NORTH),
        accuracy_m: Some(10),
        fixed_at: Some(TAKEN),
        mock: false,
        source: PositionSource::Sensor,
    }
}

fn full() -> PhotoCard {
    PhotoCard {
        layout: CARD_LAYOUT,
        hash: BlobHash([0x11; 32]),
        bytes: 412_345,
        width: 2_048,
        height: 1_536,
        thumbnail: Some(BlobHash([0x22; 32])),
        original: OriginalFile { hash: BlobHash([0x33; 32]), bytes: 4_012_345 },
        taken: Taken { at: TAKEN, by: TakenBy::CameraZoneAssumed },
        position: Some(sensor(0.0, 0.0)),
        site: SiteId([0x44; 16]),
        building: Some(BuildingId([0x55; 16])),
        record: Some(RecordId([0x66; 16])),
        on_site: OnSite::Unproven { reason: UnprovenReason::TooFar, distance_m: Some(507) },
        blurred: true,
        dark: true,
        likeness: u64::MAX,
    }
}

fn least() -> PhotoCard {
    PhotoCard {
        thumbnail: None,
        taken: Taken { at: TAKEN, by: TakenBy::Phone },
        position: None,
        building: None,
        record: None,
        on_site: OnSite::Unproven { reason: UnprovenReason::NoPosition, distance_m: None },
        blurred: false,
        dark: false,
        likeness: 0,
        ..full()
    }
}

#[test]
fn a_card_is_written_as_it_always_was() {
    let hex = |card: &PhotoCard| card.to_bytes().iter().map(|b| format!("{b:02x}")).collect::<String>();
    let text = format!("full {}\nleast {}\n", hex(&full()), hex(&least()));
    assert_eq!(
        text,
        include_str!("../../fixtures/photo_card.txt"),
        "cards on the way and in the server's rows are read by this; fields are only added"
    );
    assert!(full().to_bytes().len() * 2 < CARD_BYTES_MAX, "{}", full().to_bytes().len());
}

#[test]
fn a_card_that_cannot_be_is_refused() {
    type Spoil = fn(&mut PhotoCard);
    let bad: [(&str, Spoil); 9] = [
        ("layout", |c| c.layout = 2),
        ("no bytes", |c| c.bytes = 0),
        ("too many bytes", |c| c.bytes = PHOTO_BYTES_MAX + 1),
        ("no width", |c| c.width = 0),
        ("too high", |c| c.height = PHOTO_SIDE_MAX + 1),
        ("empty original", |c| c.original.bytes = 0),
        ("off the Earth", |c| c.position = Some(PhotoPosition { lat_e7: 900_000_001, ..sensor(0.0, 0.0) })),
        ("nowhere", |c| c.position = Some(PhotoPosition { lon_e7: 0, lat_e7: 0, ..sensor(0.0, 0.0) })),
        ("its own thumbnail", |c| c.thumbnail = Some(c.hash)),
    ];
    for (name, spoil) in bad {
        let mut card = full();
        spoil(&mut card);
        assert!(PhotoCard::from_bytes(&card.to_bytes()).is_err(), "{name}");
    }
    assert_eq!(PhotoCard::from_bytes(&full().to_bytes()), Ok(full()));
    assert!(PhotoCard::from_bytes(&vec![0; CARD_BYTES_MAX + 1]).is_err());
}

#[test]
fn another_spelling_of_a_card_is_refused() {
    let bytes = least().to_bytes();
    // A field nobody knows, the map counted accordingly.
    let mut wider = bytes.clone();
    wider[0] += 1;
    wider.extend([0x18, 99, 0]);
    // The layout written in two bytes where one does.
    let mut longer = bytes.clone();
    longer.splice(2..3, [0x18, CARD_LAYOUT]);
    // An absent value written out.
    let mut explicit = bytes.clone();
    explicit[0] += 1;
    explicit.extend([0x05, 0xf6]);
    let mut trailing = bytes.clone();
    trailing.push(0);
    for (name, spelling) in
        [("unknown field", wider), ("long number", longer), ("null", explicit), ("trailing", trailing)]
    {
        assert!(PhotoCard::from_bytes(&spelling).is_err(), "{name}");
    }
    assert_eq!(PhotoCard::from_bytes(&bytes), Ok(least()));
}

#[test]
fn a_card_speaks_of_its_three_files_and_of_no_other() {
    let card = full();
    assert_eq!(card.kind_of(BlobHash([0x11; 32])), Some(UploadKind::Photo));
    assert_eq!(card.kind_of(BlobHash([0x22; 32])), Some(UploadKind::Thumbnail));
    assert_eq!(card.kind_of(BlobHash([0x33; 32])), Some(UploadKind::Original));
    assert_eq!(card.kind_of(BlobHash([0x44; 32])), None);
}

/// A square of 40 m whose middle is so many metres east of the spot.
fn square(east: f64) -> Footprint {
    let corners = [(-20.0, -20.0), (20.0, -20.0), (20.0, 20.0), (-20.0, 20.0)]
        .map(|(x, y)| (sensor(east + x, y).lon_e7, sensor(east + x, y).lat_e7));
    Footprint::new(&corners).expect("an outline")
}

#[test]
fn the_table_of_what_a_position_proves() {
    use UnprovenReason as R;
    let (square, other) = (square(0.0), square(600.0));
    let spot = Ground::Point { lon_e7: HERE.0, lat_e7: HERE.1 };
    let (point, footprint, unknown) = (vec![spot], vec![Ground::Footprint(&square)], Vec::new());
    let compound = vec![spot, Ground::Footprint(&other)];
    let at = sensor;
    let with = |change: fn(&mut PhotoPosition)| {
        let mut position = sensor(0.0, 100.0);
        change(&mut position);
        Some(position)
    };
    let proven = |distance_m| OnSite::Proven { distance_m };
    let not = |reason, distance_m| OnSite::Unproven { reason, distance_m };
    let table = [
        ("at the point", Some(at(0.0, 0.0)), &point, proven(0)),
        ("100 m north", Some(at(0.0, 100.0)), &point, proven(100)),
        ("100 m east", Some(at(100.0, 0.0)), &point, proven(100)),
        ("309 m, 10 m accuracy", Some(at(0.0, 309.0)), &point, proven(309)),
        ("312 m, 10 m accuracy", Some(at(0.0, 311.5)), &point, not(R::TooFar, Some(312))),
        ("wrong datum", Some(at(369.0, -348.0)), &point, not(R::TooFar, Some(508))),
        ("inside the footprint", Some(at(19.0, -19.0)), &footprint, proven(0)),
        ("beside it", Some(at(0.0, 120.0)), &footprint, proven(100)),
        ("beyond it", Some(at(0.0, 340.0)), &footprint, not(R::TooFar, Some(320))),
        ("no position", None, &point, not(R::NoPosition, None)),
        ("(0, 0)", with(|p| (p.lon_e7, p.lat_e7) = (0, 0)), &point, not(R::NoPosition, None)),
        ("mock", with(|p| p.mock = true), &point, not(R::Mock, Some(100))),
        ("mock, ground unknown", with(|p| p.mock = true), &unknown, not(R::Mock, None)),
        ("from the file", with(|p| p.source = PositionSource::Exif), &point, not(R::NotSensor, Some(100))),
        ("ground unknown", Some(at(0.0, 0.0)), &unknown, not(R::NoGround, None)),
        ("at another block of the compound", Some(at(600.0, 0.0)), &compound, proven(0)),
        ("between them", Some(at(400.0, 0.0)), &compound, proven(181)),
        ("far from all of them", Some(at(0.0, 340.0)), &compound, not(R::TooFar, Some(340))),
        ("no time of fix", with(|p| p.fixed_at = None), &point, not(R::Stale, Some(100))),
        ("5 min old", with(|p| p.fixed_at = Some(TAKEN.plus_ms(-FIX_AGE_MAX_MS))), &point, proven(100)),
        ("older", with(|p| p.fixed_at = Some(TAKEN.plus_ms(-300_001))), &point, not(R::Stale, Some(100))),
        ("later", with(|p| p.fixed_at = Some(TAKEN.plus_ms(300_001))), &point, not(R::Stale, Some(100))),
        (
            "absurd",
            with(|p| p.fixed_at = Some(Timestamp::from_ms(i64::MIN))),
            &point,
            not(R::Stale, Some(100)),
        ),
        ("no accuracy", with(|p| p.accuracy_m = None), &point, not(R::Inaccurate, Some(100))),
        ("accuracy 200 m", with(|p| p.accuracy_m = Some(200)), &point, proven(100)),
        ("accuracy 201 m", with(|p| p.accuracy_m = Some(201)), &point, not(R::Inaccurate, Some(100))),
        ("accuracy absurd", with(|p| p.accuracy_m = Some(u32::MAX)), &point, not(R::Inaccurate, Some(100))),
    ];
    for (name, position, ground, expected) in table {
        assert_eq!(on_site(position.as_ref(), TAKEN, ground), expected, "{name}");
    }
}

#[test]
fn a_registered_position_counts_only_in_the_phones_datum() {
    let at = |datum| Position { lon_e7: HERE.0, lat_e7: HERE.1, datum, synthetic: false };
    let point = Some(Ground::Point { lon_e7: HERE.0, lat_e7: HERE.1 });
    for (datum, ground) in
        [(Datum::Wgs84, point), (Datum::Cgcs2000, point), (Datum::Gcj02, None), (Datum::Bd09, None)]
    {
        assert_eq!(Ground::of(at(datum)), ground, "{datum}");
    }
}

fn any_position() -> impl Strategy<Value = PhotoPosition> {
    let (lon, lat) = (-1_800_000_000..=1_800_000_000, -900_000_000..=900_000_000);
    (lon, lat, any::<Option<u32>>(), any::<Option<i64>>(), any::<bool>(), any::<bool>()).prop_map(
        |(lon_e7, lat_e7, accuracy_m, fixed, mock, sensor)| PhotoPosition {
            lon_e7,
            lat_e7,
            accuracy_m,
            fixed_at: fixed.map(Timestamp::from_ms),
            mock,
            source: if sensor { PositionSource::Sensor } else { PositionSource::Exif },
        },
    )
}

fn any_card() -> impl Strategy<Value = PhotoCard> {
    let hashes = (any::<[u8; 32]>(), any::<Option<[u8; 32]>>(), any::<[u8; 32]>());
    let numbers = (1..=PHOTO_BYTES_MAX, 1..=PHOTO_SIDE_MAX, 1..=PHOTO_SIDE_MAX, 1_u32.., any::<i64>());
    let about = (any::<[u8; 16]>(), any::<Option<[u8; 16]>>(), any::<Option<[u8; 16]>>());
    let rest = (
        proptest::option::of(any_position()),
        any::<bool>(),
        any::<bool>(),
        any::<u64>(),
        0..TakenBy::ALL.len(),
    );
    (hashes, numbers, about, rest).prop_map(
        |((h, t, o), (bytes, width, height, from, at), (s, b, r), rest)| {
            let (position, blurred, dark, likeness, by) = rest;
            let taken = Taken { at: Timestamp::from_ms(at), by: TakenBy::ALL[by] };
            PhotoCard {
                layout: CARD_LAYOUT,
                hash: BlobHash(h),
                bytes,
                width,
                height,
                thumbnail: t.map(BlobHash),
                original: OriginalFile { hash: BlobHash(o), bytes: from },
                taken,
                position: position.filter(PhotoPosition::is_somewhere),
                site: SiteId(s),
                building: b.map(BuildingId),
                record: r.map(RecordId),
                on_site: on_site(
                    position.as_ref(),
                    taken.at,
                    &[Ground::Point { lon_e7: HERE.0, lat_e7: HERE.1 }],
                ),
                blurred,
                dark,
                likeness,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_card_reads_back_from_its_bytes_and_is_bounded(card in any_card()) {
        let bytes = card.to_bytes();
        prop_assert!(bytes.len() <= CARD_BYTES_MAX);
        prop_assert_eq!(PhotoCard::from_bytes(&bytes), Ok(card));
    }

    #[test]
    fn what_is_read_has_one_spelling(card in any_card(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = card.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = PhotoCard::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_a_card_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = PhotoCard::from_bytes(&bytes);
    }

    #[test]
    fn a_position_anywhere_has_a_distance_and_moving_the_world_changes_none(position in any_position()) {
        let ground = Ground::Point { lon_e7: position.lon_e7, lat_e7: position.lat_e7 };
        let sensor = PhotoPosition { accuracy_m: Some(1), fixed_at: Some(TAKEN), mock: false, source: PositionSource::Sensor, ..position };
        if sensor.is_somewhere() {
            prop_assert_eq!(on_site(Some(&sensor), TAKEN, &[ground]), OnSite::Proven { distance_m: 0 });
        }
    }
}
