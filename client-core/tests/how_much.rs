//! How much one request carries: a day's work whole, little on a link that loses, and never
//! more than the office takes.

mod support;

use louan_schema::wire::{REPLY_BYTES_MAX, SyncReply, SyncRequest, frame};
use support::*;

/// A phone with hazards whose texts have nothing in common.
fn full(hazards: u32) -> Desk {
    let mut desk = Desk::new();
    for n in 0..hazards {
        let text = (0..100).filter_map(|i| char::from_u32(0x4e00 + (n * 7_919 + i * i * 104_729) % 20_000));
        desk.hazard(ANNA, &text.collect::<String>());
    }
    desk
}

fn sent_bytes(request: &SyncRequest) -> usize {
    frame::encode(request).expect("encodes").len()
}

#[test]
fn a_days_work_goes_up_in_one_request() {
    let mut desk = full(400);
    let (prepared, request) = desk.request();
    assert!(sent_bytes(&request) > 64 * 1024, "{} bytes say nothing", sent_bytes(&request));
    assert_eq!(prepared.pushes(), 400);
    assert_eq!(request.down_bytes_max, REPLY_BYTES_MAX);
}

#[test]
fn a_request_stays_within_what_the_link_has_earned_and_the_rest_follows() {
    let mut desk = full(2_500);
    let (mut sizes, mut pushes) = (Vec::new(), 0);
    loop {
        let (prepared, request) = desk.request();
        sizes.push(sent_bytes(&request));
        pushes += prepared.pushes();
        assert_eq!(request.waiting, pushes < 2_500, "the office is told that more is to come");
        let taken = desk.all_taken(&request);
        if !desk.absorb(prepared, SyncReply::Taken(Box::new(taken))).more {
            break;
        }
    }
    assert_eq!(pushes, 2_500);
    assert!(sizes[0] <= 192 * 1024 && sizes[0] > 96 * 1024, "{sizes:?}");
    assert!(sizes[1] <= 384 * 1024 && sizes[1] > 192 * 1024, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= frame::SENT_BYTES_MAX), "{sizes:?}");
}

#[test]
fn on_a_link_that_loses_requests_become_small_and_grow_again_with_success() {
    let mut desk = full(400);
    (0..20).for_each(|_| desk.phone.lost());
    let (mut sizes, mut asked, mut pushes) = (Vec::new(), Vec::new(), 0);
    loop {
        let (prepared, request) = desk.request();
        sizes.push(sent_bytes(&request));
        asked.push(request.down_bytes_max);
        pushes += prepared.pushes();
        let taken = desk.all_taken(&request);
        if !desk.absorb(prepared, SyncReply::Taken(Box::new(taken))).more {
            break;
        }
    }
    assert_eq!(pushes, 400);
    assert!(sizes[0] <= 8 * 1024, "{sizes:?}");
    assert!(sizes.iter().zip(&sizes[1..]).all(|(before, after)| *after <= before * 3), "{sizes:?}");
    assert!((3..=8).contains(&sizes.len()), "{sizes:?}");
    assert_eq!(asked[..2], [64 * 1024, 128 * 1024]);
}
