//! Sending photos: whatever the link does, a photo ends at the office once, whole, and is given up only then.

use louan_client_core::view::PhotoState;
use louan_client_core::{ErrorKind, Method, PhotoReply, PhotoSettings, PhotoStep, StorePlace};
use louan_schema::id::BlobHash;
use louan_schema::photo::UploadKind;
use proptest::prelude::*;

use crate::office::{Fault, Office};
use crate::picture;
use crate::support::*;

/// Sends until nothing is left, with these faults on the first exchanges and none afterwards.
pub(crate) fn send(desk: &mut Desk, office: &mut Office, faults: &[Fault]) -> usize {
    let mut faults = faults.iter().copied();
    let mut trips = 0;
    while let Some(request) = desk.phone.next_photo(true).expect("plans") {
        trips += 1;
        assert!(trips < 500, "it does not end");
        match office.exchange(&request, faults.next().unwrap_or(Fault::None)) {
            None => desk.phone.photo_lost(&request).expect("is told"),
            Some(reply) => match desk.phone.photo_answered(&request, &reply) {
                Ok(PhotoStep::Stale) => panic!("an answer in time"),
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind, ErrorKind::Offline, "{error}"),
            },
        }
    }
    trips
}

/// A phone with photos of a hazard that the office has; the hash of the first, a photo of several pieces.
pub(crate) fn with_photos(sides: &[u32]) -> (Desk, Vec<BlobHash>) {
    let mut desk = Desk::new();
    let photos: Vec<BlobHash> =
        (0..).zip(sides).map(|(i, side)| desk.take(&picture(i, *side)).expect("is taken").hash).collect();
    desk.hazard_with(&photos);
    desk.sync();
    (desk, photos)
}

/// The office has every photo and thumbnail, whole, once.
fn all_there(desk: &Desk, office: &Office, photos: &[BlobHash]) {
    for photo in photos {
        for kind in [UploadKind::Photo, UploadKind::Thumbnail] {
            let bytes = desk.phone.photo_file(*photo, kind).expect("reads").expect("lies here");
            let hash = if kind == UploadKind::Photo {
                *photo
            } else {
                desk.view(*photo).card.thumbnail.expect("made")
            };
            let (_, stored, said, card) = office.files.get(&hash).expect("is at the office");
            assert_eq!((stored, said.as_str(), card.hash), (&bytes, kind.as_str(), *photo));
        }
        assert!(matches!(desk.view(*photo).state, PhotoState::Confirmed(_)), "{:?}", desk.view(*photo).state);
    }
    assert_eq!(office.stored, office.files.len(), "each was taken once");
}

#[test]
fn records_go_first_then_thumbnails_then_photos_in_the_order_taken() {
    let mut desk = Desk::new();
    let photos = [desk.photo(1), desk.photo(2)];
    assert_eq!(desk.phone.next_photo(true).expect("plans"), None, "nothing cites them");
    desk.hazard_with(&photos);
    assert_eq!(desk.phone.photo_count().expect("reads").waiting, 2);
    assert_eq!(desk.phone.next_photo(true).expect("plans"), None, "the record is not there yet");
    desk.sync();
    let mut office = Office::new();
    send(&mut desk, &mut office, &[]);
    all_there(&desk, &office, &photos);
    let order: Vec<(String, BlobHash)> = {
        let mut files: Vec<_> =
            office.files.values().map(|(pos, _, kind, card)| (*pos, kind.clone(), card.hash)).collect();
        files.sort_unstable_by_key(|file| file.0);
        files.into_iter().map(|(_, kind, hash)| (kind, hash)).collect()
    };
    let expect = |kind: &str, at: usize| (kind.to_owned(), photos[at]);
    assert_eq!(
        order,
        [expect("thumbnail", 0), expect("thumbnail", 1), expect("photo", 0), expect("photo", 1)]
    );
    assert_eq!(desk.phone.photo_count().expect("reads").waiting, 0);
}

/// The office counts thumbnails and photos apart. A day's backlog has more thumbnails than it takes in a minute.
#[test]
fn a_kind_of_which_the_office_takes_no_more_keeps_no_other_kind_waiting() {
    for (kind, other) in [("thumbnail", "photo"), ("photo", "thumbnail")] {
        let (mut desk, photos) = with_photos(&[96, 97, 98]);
        let mut office = Office { enough: Some((kind, 1)), ..Office::new() };
        send(&mut desk, &mut office, &[]);
        let came = |office: &Office, kind: &str| office.files.values().filter(|f| f.2 == kind).count();
        assert_eq!((came(&office, kind), came(&office, other)), (1, 3));
        let begun = office.log.iter().filter(|(method, _)| *method == Method::Post).count();
        assert_eq!(begun, 1 + 3 + 1, "and is asked once in a call");
        office.enough = None;
        send(&mut desk, &mut office, &[]);
        all_there(&desk, &office, &photos);
    }
}

/// What it takes later is later for one call, whatever ends that call; and only a beginning can come too often.
#[test]
fn after_a_call_that_was_cut_off_the_office_is_asked_for_every_kind_again() {
    let (mut desk, photos) = with_photos(&[900]);
    let mut office = Office::new();
    let too_often = PhotoReply { status: 429, ..PhotoReply::default() };
    let first = desk.phone.next_photo(true).expect("plans").expect("a thumbnail's beginning");
    let step = desk.phone.photo_answered(&first, &too_often).expect("a step");
    assert_eq!(step, PhotoStep::Later(UploadKind::Thumbnail));
    let second = desk.phone.next_photo(true).expect("plans").expect("a photo's beginning");
    assert_ne!(second, first);
    desk.phone.photo_lost(&second).expect("is told");
    desk.phone.free_photos().expect("ends the call");
    assert_eq!(desk.phone.next_photo(true).expect("plans"), Some(first));
    // A piece and a question are refused as busy is.
    let mut refused = 0;
    while let Some(request) = desk.phone.next_photo(true).expect("plans") {
        if request.method != Method::Post && refused < 2 {
            refused += 1;
            let error = desk.phone.photo_answered(&request, &too_often).expect_err("no step");
            assert_eq!(error.kind, ErrorKind::Offline);
        }
        let reply = office.answer(&request);
        desk.phone.photo_answered(&request, &reply).expect("a step");
    }
    assert_eq!(refused, 2);
    all_there(&desk, &office, &photos);
}

#[test]
fn every_single_fault_at_every_exchange_ends_with_the_photo_there_once() {
    let quiet = {
        let (mut desk, photos) = with_photos(&[900]);
        let mut office = Office::new();
        let trips = send(&mut desk, &mut office, &[]);
        all_there(&desk, &office, &photos);
        let bytes = desk.view(photos[0]).card.bytes;
        assert!(bytes > 2 * 256 * 1024, "{bytes} bytes are one piece");
        trips
    };
    for fault in [
        Fault::RequestLost,
        Fault::ReplyLost,
        Fault::Twice,
        Fault::HalfArrives,
        Fault::Damaged,
        Fault::Forgotten,
        Fault::Busy,
    ] {
        for at in 0..quiet {
            let (mut desk, photos) = with_photos(&[900]);
            let mut office = Office::new();
            let mut faults = vec![Fault::None; at];
            faults.push(fault);
            send(&mut desk, &mut office, &faults);
            all_there(&desk, &office, &photos);
        }
    }
}

#[test]
fn an_upload_goes_on_after_the_phone_was_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = StorePlace::File(folder.path().join("phone.sqlite"));
    let mut desk = Desk::at(place.clone());
    let photo = desk.take(&picture(1, 900)).expect("is taken").hash;
    desk.hazard_with(&[photo]);
    desk.sync();
    let mut office = Office::new();
    let mut pieces = 0;
    // Each exchange in a life of its own; half of the answers reach nobody.
    for turn in 0..100 {
        let Some(request) = desk.phone.next_photo(true).expect("plans") else { break };
        pieces += usize::from(request.method == Method::Patch);
        let reply = office.answer(&request);
        if turn % 2 == 0 {
            desk.phone.photo_answered(&request, &reply).expect("takes it");
        }
        drop(desk);
        desk = Desk::bare(place.clone());
        desk.pos = 100;
    }
    all_there(&desk, &office, &[photo]);
    assert!(pieces <= 10, "{pieces} pieces: it began again and again");
}

#[test]
fn a_late_or_repeated_answer_changes_nothing() {
    let (mut desk, photos) = with_photos(&[900]);
    let mut office = Office::new();
    let mut heard: Vec<(louan_client_core::PhotoRequest, PhotoReply)> = Vec::new();
    while let Some(request) = desk.phone.next_photo(true).expect("plans") {
        let reply = office.answer(&request);
        desk.phone.photo_answered(&request, &reply).expect("takes it");
        for (request, reply) in &heard {
            assert_eq!(desk.phone.photo_answered(request, reply).expect("is told"), PhotoStep::Stale);
            desk.phone.photo_lost(request).expect("is told");
        }
        heard.push((request, reply));
    }
    all_there(&desk, &office, &photos);
}

#[test]
fn a_refused_photo_is_told_with_its_reason_and_keeps_its_bytes_and_nobody_waits_for_it() {
    let (mut desk, photos) = with_photos(&[96, 97]);
    let mut office = Office::new();
    office.refuses = Some("erased");
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.view(photos[0]).state, PhotoState::Refused("erased".into()));
    assert_eq!(desk.phone.photo_count().expect("reads").refused, 2);
    assert!(desk.phone.photo_file(photos[0], UploadKind::Photo).expect("reads").is_some());
    office.refuses = None;
    desk.phone.retry_photo(photos[0]).expect("queues");
    send(&mut desk, &mut office, &[]);
    all_there(&desk, &office, &photos[..1]);
    assert_eq!(desk.view(photos[1]).state, PhotoState::Refused("erased".into()));
}

#[test]
fn an_original_the_office_does_not_want_leaves_its_photo_as_it_is() {
    let mut desk = Desk::new();
    let settings = PhotoSettings { keep_originals: true, send_originals: true };
    desk.phone.set_photo_settings(settings).expect("saves");
    let photo = desk.photo(1);
    desk.hazard_with(&[photo]);
    desk.sync();
    let mut office = Office::new();
    while let Some(request) = desk.phone.next_photo(true).expect("plans") {
        let there = matches!(desk.view(photo).state, PhotoState::Confirmed(_));
        office.refuses = there.then_some("too_large");
        let reply = office.exchange(&request, Fault::None).expect("answers");
        desk.phone.photo_answered(&request, &reply).expect("a step");
    }
    assert!(office.refuses.is_some(), "the original came after its photo");
    assert!(matches!(desk.view(photo).state, PhotoState::Confirmed(_)), "{:?}", desk.view(photo).state);
    assert_eq!(desk.phone.photo_count().expect("reads").refused, 0);
}

#[test]
fn an_answer_says_what_to_do_next_and_loses_nothing() {
    for (status, kind) in [
        (401, ErrorKind::SignInAgain),
        (403, ErrorKind::AskAdmin),
        (404, ErrorKind::AskAdmin),
        (426, ErrorKind::UpdateApp),
        (503, ErrorKind::Offline),
        (507, ErrorKind::Offline),
        (200, ErrorKind::Offline),
    ] {
        let (mut desk, photos) = with_photos(&[96]);
        let request = desk.phone.next_photo(true).expect("plans").expect("a beginning");
        let reply = PhotoReply { status, ..PhotoReply::default() };
        let error = desk.phone.photo_answered(&request, &reply).expect_err("no step");
        assert_eq!(error.kind, kind, "{status}");
        let mut office = Office::new();
        send(&mut desk, &mut office, &[]);
        all_there(&desk, &office, &photos);
    }
}

#[test]
fn the_token_goes_to_no_other_address() {
    for location in [
        "https://elsewhere.example/steal",
        "//elsewhere.example/api/v1/uploads/1",
        "/api/v1/uploads/../sync",
        "/api/v1/uploads/",
        "/api/v1/uploads/a?b",
    ] {
        let (mut desk, _) = with_photos(&[96]);
        let request = desk.phone.next_photo(true).expect("plans").expect("a beginning");
        let reply = PhotoReply { status: 201, location: Some(location.into()), ..PhotoReply::default() };
        assert!(desk.phone.photo_answered(&request, &reply).is_err(), "{location}");
    }
}

#[test]
fn an_upload_is_asked_for_at_the_office_whatever_the_office_is_mounted_under() {
    for location in
        ["/api/v1/uploads/a7", "/fire/louan/api/v1/uploads/a7", "https://x.example/louan/api/v1/uploads/a7"]
    {
        let (mut desk, _) = with_photos(&[96]);
        let request = desk.phone.next_photo(true).expect("plans").expect("a beginning");
        let reply = PhotoReply { status: 201, location: Some(location.into()), ..PhotoReply::default() };
        desk.phone.photo_answered(&request, &reply).expect("an address of the office's");
        let piece = desk.phone.next_photo(true).expect("plans").expect("a piece");
        assert_eq!(piece.path, "/api/v1/uploads/a7", "{location}");
    }
}

#[test]
fn originals_go_only_by_setting_and_where_it_costs_nothing() {
    let mut desk = Desk::new();
    desk.phone
        .set_photo_settings(PhotoSettings { keep_originals: true, send_originals: false })
        .expect("saves");
    let photo = desk.photo(1);
    desk.hazard_with(&[photo]);
    desk.sync();
    let mut office = Office::new();
    send(&mut desk, &mut office, &[]);
    let originals = |office: &Office| office.files.values().filter(|file| file.2 == "original").count();
    assert_eq!(originals(&office), 0, "not set");
    desk.phone
        .set_photo_settings(PhotoSettings { keep_originals: true, send_originals: true })
        .expect("saves");
    assert_eq!(desk.phone.next_photo(false).expect("plans"), None, "the network costs something");
    send(&mut desk, &mut office, &[]);
    assert_eq!(originals(&office), 1);
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::None),
        1 => Just(Fault::RequestLost),
        2 => Just(Fault::ReplyLost),
        1 => Just(Fault::Twice),
        2 => Just(Fault::HalfArrives),
        1 => Just(Fault::Damaged),
        1 => Just(Fault::Forgotten),
        1 => Just(Fault::Busy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_a_link_does_a_photo_ends_at_the_office_once_and_whole(
        faults in proptest::collection::vec(any_fault(), 0..40), tells in any::<bool>()
    ) {
        let (mut desk, photos) = with_photos(&[700, 96]);
        let mut office = Office { tells_position: tells, ..Office::new() };
        send(&mut desk, &mut office, &faults);
        all_there(&desk, &office, &photos);
    }
}
