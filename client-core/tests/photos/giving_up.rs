//! Giving up the bytes of a photo: not before a verified backup covers it, in the log the phone stands in, and the office
//! has said once more that it has it.

use louan_client_core::Method;
use louan_client_core::view::PhotoState;
use louan_schema::id::{BlobHash, Epoch};
use louan_schema::photo::UploadKind;
use louan_schema::wire::SyncReply;

use crate::office::Office;
use crate::sending::{send, with_photos};
use crate::support::*;

/// A phone whose photos the office has, and the position at which it took the first one.
fn sent(sides: &[u32]) -> (Desk, Office, Vec<BlobHash>, u64) {
    let (mut desk, photos) = with_photos(sides);
    let mut office = Office::new();
    send(&mut desk, &mut office, &[]);
    let PhotoState::Confirmed(Some(pos)) = desk.view(photos[0]).state else { panic!("no position") };
    (desk, office, photos, pos)
}

/// The office was restored, and its log ends at `head`.
fn hears_of_another_life(desk: &mut Desk, head: u64) {
    let (prepared, _) = desk.request();
    let epoch = Epoch([10; 16]);
    desk.absorb(prepared, SyncReply::EpochChanged { epoch, head });
    desk.epoch = epoch;
}

#[test]
fn room_is_given_back_only_below_the_verified_backup_and_thumbnails_stay() {
    let (mut desk, mut office, photos, pos) = sent(&[96, 97]);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0);
    desk.pos = pos;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0, "the office was not asked since");
    send(&mut desk, &mut office, &[]);
    desk.sync_with(|_, taken| taken.backed_up_pos = pos - 1);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0, "one short");
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0, "it had an older backup's word meanwhile");
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 1);
    let file = |photo, kind| desk.phone.photo_file(photo, kind).expect("reads").is_some();
    assert_eq!((file(photos[0], UploadKind::Photo), file(photos[0], UploadKind::Thumbnail)), (false, true));
    assert!(file(photos[1], UploadKind::Photo));
}

#[test]
fn after_a_restored_office_what_no_backup_covers_is_asked_for_and_sent_again() {
    let (mut desk, mut office, photos, pos) = sent(&[96, 97]);
    desk.pos = pos;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 1);
    // The backup was made before the second photo came.
    let mut restored = Office::new();
    restored.files = office.files.into_iter().filter(|(_, file)| file.0 <= pos).collect();
    restored.stored = restored.files.len();
    hears_of_another_life(&mut desk, 5);
    desk.sync();
    send(&mut desk, &mut restored, &[]);
    assert!(restored.files.contains_key(&photos[1]));
    assert!(matches!(desk.view(photos[0]).state, PhotoState::Confirmed(_)), "it was in the backup");
    assert!(matches!(desk.view(photos[1]).state, PhotoState::Confirmed(_)));
}

/// The log was put back by hand to a point between cursor and confirmation: the cursor is true and says nothing.
#[test]
fn a_photo_that_a_log_put_back_by_hand_has_forgotten_is_sent_again_before_its_bytes_go() {
    let (mut desk, _, photos, pos) = sent(&[96]);
    let mut forgetful = Office::new();
    assert_eq!(desk.phone.next_photo(true).expect("plans"), None, "the cursor has not passed it");
    desk.pos = pos + 10;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos + 10);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0);
    send(&mut desk, &mut forgetful, &[]);
    let asked = (Method::Head, format!("/api/v1/blobs/{}", photos[0]));
    assert_eq!(forgetful.log.first(), Some(&asked), "thumbnails are not asked about");
    assert!(forgetful.files.contains_key(&photos[0]) && forgetful.files.len() == 1);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 1);
    assert_eq!(desk.phone.next_photo(true).expect("plans"), None, "once");
}

/// A disk lost the file after the phone had heard that it is there. The backup finds that out, and calls it so.
#[test]
fn what_the_office_lost_before_its_backup_is_asked_for_after_the_backup_and_sent_again() {
    let (mut desk, mut office, photos, pos) = sent(&[96]);
    desk.pos = pos + 10;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos - 1);
    send(&mut desk, &mut office, &[]);
    office.files.remove(&photos[0]);
    desk.sync_with(|_, taken| taken.backed_up_pos = pos + 10);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0, "the office was not asked since the backup");
    send(&mut desk, &mut office, &[]);
    assert!(office.files.contains_key(&photos[0]), "it is there again");
}

/// The app was killed between the office's answer and the room given back; then the office's word is another log's, or an
/// older backup's.
#[test]
fn an_answer_not_yet_acted_on_counts_neither_in_another_life_of_the_log_nor_after_an_older_backup() {
    for by_hand in [false, true] {
        let (mut desk, mut office, photos, pos) = sent(&[96]);
        desk.pos = pos + 10;
        desk.sync_with(|_, taken| taken.backed_up_pos = pos + 10);
        send(&mut desk, &mut office, &[]);
        office.files.remove(&photos[0]);
        if by_hand {
            desk.sync_with(|_, taken| taken.backed_up_pos = pos - 1);
        } else {
            hears_of_another_life(&mut desk, pos - 1);
        }
        desk.pos = pos + 20;
        desk.sync_with(|_, taken| taken.backed_up_pos = pos + 20);
        assert_eq!(desk.phone.free_photos().expect("gives back"), 0, "by hand: {by_hand}");
        send(&mut desk, &mut office, &[]);
        assert!(office.files.contains_key(&photos[0]), "it is there again");
    }
}

/// The answer comes when the phone stands elsewhere: it may be another log's.
#[test]
fn an_answer_is_worth_the_cursor_it_was_asked_with() {
    let (mut desk, mut office, _, pos) = sent(&[96]);
    desk.pos = pos;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    let request = desk.phone.next_photo(true).expect("plans").expect("a question");
    let reply = office.answer(&request);
    desk.pos = pos + 1;
    desk.sync_with(|_, taken| taken.backed_up_pos = pos);
    desk.phone.photo_answered(&request, &reply).expect("takes it");
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0);
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 1);
}

#[test]
fn a_confirmation_without_a_position_is_never_given_up() {
    let (mut desk, photos) = with_photos(&[96]);
    let mut office = Office { tells_position: false, ..Office::new() };
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.view(photos[0]).state, PhotoState::Confirmed(None));
    desk.sync_with(|_, taken| taken.backed_up_pos = u64::MAX);
    assert_eq!(desk.phone.free_photos().expect("gives back"), 0);
}

#[test]
fn what_is_known_of_photos_goes_with_a_compound_that_left_and_not_before_they_are_safe() {
    let (mut desk, photos) = with_photos(&[96]);
    desk.fetch(vec![louan_schema::wire::Item::Gone(SITE)]);
    desk.phone.free_photos().expect("gives back");
    assert_eq!(desk.phone.photos().expect("reads").len(), 1, "it is not sent yet");
    let mut office = Office::new();
    send(&mut desk, &mut office, &[]);
    desk.phone.free_photos().expect("gives back");
    assert_eq!(desk.view(photos[0]).hash, photos[0], "no backup covers it yet");
    desk.pos = 2_000;
    desk.sync_with(|_, taken| taken.backed_up_pos = u64::MAX);
    desk.phone.free_photos().expect("gives back");
    assert_eq!(desk.view(photos[0]).hash, photos[0], "the office was not asked since");
    send(&mut desk, &mut office, &[]);
    desk.phone.free_photos().expect("gives back");
    assert_eq!(desk.phone.photos().expect("reads"), []);
    assert_eq!(desk.phone.photo_file(photos[0], UploadKind::Thumbnail).expect("reads"), None);
}
