//! Taking photos: what is kept, what is refused, and what stays until its taker decides.

use louan_client_core::view::PhotoState;
use louan_client_core::{ErrorKind, PhotoSettings, Shot, StorePlace};
use louan_schema::code::Outcome;
use louan_schema::id::BuildingId;
use louan_schema::photo::{OnSite, PhotoPosition, PositionSource, TakenBy, UnprovenReason, UploadKind};
use louan_schema::record::{Fault, Rule};
use louan_schema::registry::{Building, Footprint, Position};
use louan_schema::wire::{Code, Item, Row};

use crate::support::*;
use crate::{picture, shot};

#[test]
fn a_photo_taken_is_on_the_phone_with_what_is_known_of_it() {
    let mut desk = Desk::new();
    let file = picture(1, 300);
    let view = desk.take(&file).expect("is taken");
    assert_eq!((view.card.width, view.card.height, view.person), (300, 300, ANNA));
    assert_eq!((view.card.site, view.card.building, view.card.record), (SITE, Some(HOUSE), None));
    assert_eq!((view.card.taken.at, view.card.taken.by), (desk.now, TakenBy::Phone));
    assert_eq!(view.state, PhotoState::Kept);
    let stored = |kind| desk.phone.photo_file(view.hash, kind).expect("reads");
    assert_eq!(stored(UploadKind::Photo).map(|b| b.len()), Some(view.card.bytes as usize));
    assert!(stored(UploadKind::Thumbnail).is_some());
    assert_eq!(stored(UploadKind::Original), None, "originals are not kept unless that is set");
    assert_eq!(desk.phone.draft_photos().expect("reads").len(), 1);
}

#[test]
fn the_same_photo_again_is_the_same_row() {
    let mut desk = Desk::new();
    let file = picture(1, 100);
    let first = desk.take(&file).expect("is taken");
    assert_eq!(desk.take(&file).expect("is taken"), first);
    assert_eq!(desk.phone.photos().expect("reads").len(), 1);
}

#[test]
fn what_is_no_photo_or_of_no_place_is_refused_with_the_reason_and_nothing_is_kept() {
    let mut desk = Desk::new();
    let file = picture(1, 100);
    let a = desk.acting(ANNA);
    let table: [(&str, Shot<'_>, Fault); 5] = [
        ("gif", shot(b"GIF89a"), Fault { pointer: "/photo".into(), rule: Rule::PhotoFormat }),
        ("cut", shot(&file[..file.len() / 2]), Fault { pointer: "/photo".into(), rule: Rule::PhotoDamaged }),
        (
            "site",
            Shot { site: louan_schema::id::SiteId([9; 16]), building: None, ..shot(&file) },
            Fault { pointer: "/site".into(), rule: Rule::Reference },
        ),
        (
            "building",
            Shot { building: Some(BuildingId([9; 16])), ..shot(&file) },
            Fault { pointer: "/buildings/0".into(), rule: Rule::Reference },
        ),
        (
            "name",
            Shot { signed: "\u{202e}0012", ..shot(&file) },
            Fault { pointer: "/signed".into(), rule: Rule::NotPlain },
        ),
    ];
    for (name, shot, fault) in table {
        let error = desk.phone.attach_photo(&a, &shot).expect_err("is refused");
        assert_eq!(error.kind, ErrorKind::FixInput(vec![fault]), "{name}");
    }
    assert_eq!(desk.phone.photos().expect("reads"), []);
}

#[test]
fn a_sensor_at_the_compound_proves_the_place_and_a_strange_one_only_flags() {
    let mut desk = Desk::new();
    let mut here = site(SITE, "翠屏示例苑");
    let datum = louan_schema::code::Datum::Wgs84;
    here.position = Some(Position { lon_e7: 1_066_510_000, lat_e7: 290_280_000, datum, synthetic: true });
    desk.fetch(vec![Item::Row(Row::Site(here))]);
    let at = |lat_e7, now| PhotoPosition {
        lon_e7: 1_066_510_000,
        lat_e7,
        accuracy_m: Some(12),
        fixed_at: Some(now),
        mock: false,
        source: PositionSource::Sensor,
    };
    let a = desk.acting(ANNA);
    let (near, far) = (picture(1, 100), picture(2, 100));
    let near = Shot { position: Some(at(290_280_000, a.at)), ..shot(&near) };
    let far = Shot { position: Some(at(290_380_000, a.at)), ..shot(&far) };
    let near = desk.phone.attach_photo(&a, &near).expect("is taken");
    assert_eq!(near.card.on_site, OnSite::Proven { distance_m: 0 });
    let far = desk.phone.attach_photo(&a, &far).expect("is taken all the same");
    let flagged = OnSite::Unproven { reason: UnprovenReason::TooFar, distance_m: Some(1_112) };
    assert_eq!(far.card.on_site, flagged);
}

#[test]
fn a_building_is_where_its_outline_is_and_what_all_share_is_near_any_of_them() {
    let mut desk = Desk::new();
    let mut here = site(SITE, "翠屏示例苑");
    let (lon, lat) = (1_066_510_000, 290_280_000);
    let datum = louan_schema::code::Datum::Wgs84;
    here.position = Some(Position { lon_e7: lon, lat_e7: lat, datum, synthetic: true });
    // A block a kilometre north of the compound's gate; the other one's outline is not known.
    let north = lat + 90_000;
    let outline = Footprint::new(&[(lon, north), (lon + 3_000, north), (lon, north + 3_000)]);
    let house = Building { footprint: outline, ..building(HOUSE, SITE, "500110001-000001", "1栋") };
    desk.fetch(vec![Item::Row(Row::Site(here)), Item::Row(Row::Building(house))]);
    let a = desk.acting(ANNA);
    let mut seed = 0;
    let mut taken = |building, lat_e7| {
        seed += 1;
        let position = PhotoPosition {
            lon_e7: lon + 1_000,
            lat_e7,
            accuracy_m: Some(12),
            fixed_at: Some(a.at),
            mock: false,
            source: PositionSource::Sensor,
        };
        let file = picture(seed, 100);
        let shot = Shot { position: Some(position), building, ..shot(&file) };
        desk.phone.attach_photo(&a, &shot).expect("is taken").card.on_site
    };
    let proven = |on_site| matches!(on_site, OnSite::Proven { .. });
    for (name, building, lat_e7, is_there) in [
        ("at the block", Some(HOUSE), north + 1_000, true),
        ("the block, from the gate", Some(HOUSE), lat, false),
        ("a block without an outline, from the gate", Some(TOWER), lat, true),
        ("a block without an outline, from the other", Some(TOWER), north + 1_000, false),
        ("what all share, at the block", None, north + 1_000, true),
        ("what all share, at the gate", None, lat, true),
        ("what all share, between", None, lat + 45_000, false),
    ] {
        assert_eq!(proven(taken(building, lat_e7)), is_there, "{name}");
    }
}

#[test]
fn an_original_is_kept_only_by_setting() {
    let mut desk = Desk::new();
    let settings = PhotoSettings { keep_originals: true, send_originals: false };
    desk.phone.set_photo_settings(settings).expect("saves");
    assert_eq!(desk.phone.photo_settings().expect("reads"), settings);
    let file = picture(3, 120);
    let view = desk.take(&file).expect("is taken");
    assert!(view.original_here);
    assert_eq!(desk.phone.photo_file(view.hash, UploadKind::Original).expect("reads"), Some(file));
}

#[test]
fn a_photo_leaves_a_draft_only_while_nothing_cites_it() {
    let mut desk = Desk::new();
    let (draft, cited, answered) = (desk.photo(1), desk.photo(2), desk.photo(3));
    desk.hazard_with(&[cited]);
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    let answer = |photos| louan_client_core::AnswerDraft {
        answer: sixteen(Outcome::Fail, Some(1))[0].clone(),
        photos,
    };
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, answer(vec![answered])).expect("saves");
    let listed: Vec<_> = desk.phone.draft_photos().expect("reads").iter().map(|view| view.hash).collect();
    assert_eq!(listed, [draft]);
    for (photo, goes) in [(draft, true), (cited, false), (answered, false)] {
        assert_eq!(desk.phone.discard_photo(&a, photo).expect("decides"), goes);
        let bytes = desk.phone.photo_file(photo, UploadKind::Photo).expect("reads");
        assert_eq!(bytes.is_none(), goes);
    }
    // Taken out of the answer it may go.
    let a = desk.acting(ANNA);
    desk.phone.answer(&a, round, answer(Vec::new())).expect("saves");
    assert!(desk.phone.discard_photo(&a, answered).expect("decides"));
}

#[test]
fn a_photo_whose_record_was_returned_stays_until_its_taker_decides() {
    let mut desk = Desk::new();
    let photo = desk.photo(1);
    desk.hazard_with(&[photo]);
    assert_eq!(desk.view(photo).state, PhotoState::Queued);
    desk.refuse(Code::NotPermitted);
    assert_eq!(desk.view(photo).state, PhotoState::Kept);
    assert_eq!(desk.phone.next_photo(true).expect("plans"), None);
    let a = desk.acting(ANNA);
    assert!(!desk.phone.discard_photo(&a, photo).expect("decides"), "the returned record still shows it");
    let seq = desk.phone.returned().expect("reads")[0].seq.expect("a record");
    desk.phone.reissue(&a, seq, None).expect("entered again");
    assert_eq!(desk.view(photo).state, PhotoState::Queued);
    desk.sync();
    assert!(desk.phone.next_photo(true).expect("plans").is_some());
}

#[test]
fn a_damaged_store_put_aside_leaves_its_photos_known_and_their_bytes_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    damaged_and_opened_again(&path, || StorePlace::File(path.clone()));
}

#[test]
fn a_browsers_damaged_store_leaves_its_photos_known_and_their_bytes_in_place_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone");
    let name = path.display().to_string();
    damaged_and_opened_again(&path, || StorePlace::Named { vfs: "unix".to_owned(), name: name.clone() });
}

fn damaged_and_opened_again(path: &std::path::Path, place: impl Fn() -> StorePlace) {
    let mut desk = Desk::at(place());
    let (cited, draft) = (desk.photo(1), desk.photo(2));
    desk.hazard_with(&[cited]);
    drop(desk);
    // The index of buildings: nothing of the phone's own.
    let db = rusqlite::Connection::open(path).expect("opens");
    let page = |name: &str| -> usize {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        db.query_row(sql, [name], |r| r.get::<_, i64>(0)).expect("is there").try_into().expect("small")
    };
    let (at, size) = ((page("building_site") - 1) * 4096, 4096);
    drop(db);
    let mut bytes = std::fs::read(path).expect("reads");
    bytes[at..at + size].fill(0xa5);
    std::fs::write(path, &bytes).expect("writes");

    let mut desk = Desk::bare(place());
    let salvage = desk.phone.salvage().expect("was found");
    assert_eq!((salvage.edits_saved, salvage.unreadable_rows), (1, false));
    desk.fetch(rows());
    for photo in [cited, draft] {
        assert!(desk.phone.photo_file(photo, UploadKind::Photo).expect("reads").is_some());
    }
    assert_eq!(desk.view(cited).state, PhotoState::Queued);
    assert_eq!(desk.view(draft).state, PhotoState::Kept);
    desk.phone.free_photos().expect("clears nothing");
    assert!(desk.phone.photo_file(draft, UploadKind::Photo).expect("reads").is_some());
    drop(desk);
    assert!(Desk::bare(place()).phone.salvage().is_none(), "told and done once");
}

#[test]
fn a_damaged_shelf_in_a_browser_keeps_taking_photos_under_the_next_name_and_costs_no_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = folder.path().join("phone").display().to_string();
    let place = || StorePlace::Named { vfs: "unix".to_owned(), name: name.clone() };
    let mut desk = Desk::at(place());
    let lost = desk.photo(1);
    desk.hazard_with(&[lost]);
    drop(desk);
    std::fs::write(format!("{name}.photos"), [0x5a; 8_192]).expect("writes");
    let mut desk = Desk::bare(place());
    desk.fetch(rows());
    assert_eq!(desk.phone.photo_file(lost, UploadKind::Photo).expect("tells"), None);
    // Its dice go on where those of the desk before ended.
    for _ in 0..100 {
        desk.chance::<8>();
    }
    let taken = desk.photo(2);
    desk.hazard_with(&[taken]);
    drop(desk);
    let desk = Desk::bare(place());
    assert!(desk.phone.photo_file(taken, UploadKind::Photo).expect("reads").is_some());
    assert_eq!(desk.phone.outbox().expect("reads").len(), 1);
    assert!(desk.phone.salvage().is_none());
    assert_eq!(std::fs::read(format!("{name}.photos")).expect("is kept"), [0x5a; 8_192]);
}

#[test]
fn before_and_after_stand_beside_the_hazard_on_this_phone_too() {
    let mut desk = Desk::new();
    let (before, after) = (desk.photo(1), desk.photo(2));
    let id = desk.hazard_with(&[before]);
    let sides = |desk: &Desk| desk.phone.hazard(id, desk.now).expect("reads").expect("is there").photos;
    assert_eq!((sides(&desk).before, sides(&desk).after), (vec![before], Vec::new()));
    let a = desk.acting(ANNA);
    desk.phone.report_fix(&a, fix(id, ANNA, a.at), vec![after]).expect("saves");
    assert_eq!(sides(&desk).pairs().collect::<Vec<_>>(), [(Some(before), Some(after))]);
    desk.sync();
    assert!(sides(&desk).is_complete(), "also once the office has it");
}
