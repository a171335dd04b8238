//! Signatures, clones, quotas, cursors, revocation: whom the server believes, and what
//! becomes of work whose right ended on the way.
//! Nothing is believed because a phone says so, and nothing a person wrote disappears.

mod kit;

use kit::{
    BRIGADE, BRIGADIER, COLLEAGUE, COMPANY, ELSEWHERE, EPOCH, MANAGER, OFFICER, OTHER_COMPANY, POLICE, Phone,
    SITE, STRANGER, accepted, clocks, hazard, hub, noon, round, rule, site,
};
use louan_schema::id::{Chain, Epoch};
use louan_schema::record::Body;
use louan_schema::ruling::Act;
use louan_schema::wire::{Code, CommandVerdict, Cursor, Item, SyncReply, SyncRequest, Verdict};
use louan_server::hub::{Clocks, Hub, Limits, OfficeError, OfficeFault, SyncError};
use louan_server::sync::batch::hash_of;

async fn verdicts(hub: &Hub, phone: &mut Phone, batch: louan_schema::wire::Batch) -> Vec<Verdict> {
    phone.send(hub, vec![batch]).await.changes.remove(0)
}

/// C20 an envelope under another signature, order, person or device.
#[tokio::test]
async fn only_what_the_device_signed_is_believed() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut other = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, round(2))];
    let good = phone.batch(phone.book(), &raws);
    let bad = [Verdict::NotTaken(Code::BadSignature); 2];
    let mut forged = good.clone();
    forged.signature[10] ^= 1;
    assert_eq!(verdicts(&hub, &mut phone, forged).await, bad, "a flipped bit");
    let mut unsigned = good.clone();
    unsigned.signature = Vec::new().into();
    assert_eq!(verdicts(&hub, &mut phone, unsigned).await, bad, "no signature");
    let mut swapped = good.clone();
    swapped.changes.swap(0, 1);
    assert_eq!(verdicts(&hub, &mut phone, swapped).await, bad, "another order");
    let mut claimed = good.clone();
    claimed.person = COLLEAGUE;
    assert_eq!(verdicts(&hub, &mut phone, claimed).await, bad, "another person");
    assert_eq!(verdicts(&hub, &mut other, good.clone()).await, bad, "C20: on another device");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 0);
    let mut relayed = good.clone();
    relayed.relayed_for = Some(phone.device);
    let taken = verdicts(&hub, &mut other, relayed).await;
    assert!(accepted(&taken), "a colleague carries it with the original signed list");
    let again = verdicts(&hub, &mut phone, good).await;
    assert!(again.iter().all(|v| matches!(v, Verdict::Duplicate(_))), "{again:?}");
}

/// C02 a sequence number reused by the clone of a phone.
#[tokio::test]
async fn two_phones_of_one_life_are_found_out_and_the_first_goes_on() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let first = phone.write(1, round(1));
    assert!(accepted(&phone.push(&hub, &[first]).await));
    let mut clone = phone.clone();
    let (ours, theirs) = (phone.write(2, round(2)), clone.write(3, round(3)));
    assert!(accepted(&phone.push(&hub, &[ours]).await));
    let behind = clone.write(4, round(4));
    let found_out = clone.push(&hub, &[theirs, behind]).await;
    assert_eq!(found_out, [Code::CloneDetected, Code::Follows].map(Verdict::NotTaken));
    let next = phone.write(5, round(5));
    assert!(accepted(&phone.push(&hub, &[next]).await));
    clone.reborn(77);
    let anew = clone.write(3, round(3));
    assert!(accepted(&clone.push(&hub, &[anew]).await), "in a life of its own the clone goes on too");
}

/// A hub with so small a quota a day.
async fn strict(changes_per_day: u32) -> Hub {
    let storage = louan_server::storage::sqlite::Sqlite::in_memory(kit::STREAM, EPOCH).expect("opens");
    let limits = Limits { changes_per_day, ..Limits::default() };
    let judge = std::sync::Arc::new(louan_server::worker::InProcess);
    let hub = Hub::open(std::sync::Arc::new(storage), judge, limits).await.expect("opens");
    kit::introduce(&hub).await;
    hub
}

/// C17 long signed lists around single changes, each kept whole.
#[tokio::test]
async fn entries_that_store_nothing_cost_quota_when_their_list_is_kept() {
    let hub = strict(44).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws: Vec<_> = (1..=43).map(|n| phone.write(n, round(n))).collect();
    assert!(accepted(&phone.push(&hub, &raws[..40]).await));
    for _ in 0..3 {
        let again = phone.push(&hub, &raws[..40]).await;
        assert!(
            again.iter().all(|v| matches!(v, Verdict::Duplicate(_))),
            "a repeat keeps no list and is free"
        );
    }
    let padded = phone.push(&hub, &raws[..41]).await;
    assert!(matches!(padded[40], Verdict::Accepted(_)), "40 idle entries, one change: three of the day's 44");
    let last = phone.push(&hub, &raws[41..]).await;
    assert!(matches!(last[..], [Verdict::Accepted(_), Verdict::NotTaken(Code::Quota)]), "{last:?}");
}

/// C17 more changes than a day allows.
#[tokio::test]
async fn a_days_quota_is_per_device_and_counts_what_is_new() {
    let hub = strict(3).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws: Vec<_> = (1..=5).map(|n| phone.write(n, round(n))).collect();
    let verdicts = phone.push(&hub, &raws).await;
    assert!(accepted(&verdicts[..3]));
    assert_eq!(verdicts[3], Verdict::NotTaken(Code::Quota));
    let again = phone.push(&hub, &raws[..3]).await;
    assert!(again.iter().all(|v| matches!(v, Verdict::Duplicate(_))), "a repeat costs nothing");
    let mut other = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let raw = other.write(50, round(50));
    assert!(accepted(&other.push(&hub, &[raw]).await), "others are not affected");
    let tomorrow = Clocks { system: noon().plus_ms(86_400_000), ..clocks() };
    let batch = phone.batch(phone.book(), &raws[3..]);
    let reply = hub.sync(phone.device, phone.request(vec![batch]), tomorrow).await.expect("answers");
    let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
    assert!(accepted(&taken.changes[0]), "tomorrow is another day");
}

/// C22 a cursor of another log.
#[tokio::test]
async fn a_cursor_of_another_log_is_told_so_and_nothing_is_taken() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let good = phone.cursor.expect("bootstrapped");
    let raw = phone.write(1, round(1));
    let forged = [
        Cursor { epoch: Epoch([9; 16]), ..good },
        Cursor { pos: good.pos + 1, ..good },
        Cursor { pos: u64::MAX, ..good },
        Cursor { chain: Chain([1; 16]), ..good },
        Cursor { pos: good.pos - 1, ..good },
    ];
    for cursor in forged {
        phone.cursor = Some(cursor);
        let request = phone.request(vec![phone.batch(phone.book(), std::slice::from_ref(&raw))]);
        let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
        assert_eq!(reply, SyncReply::EpochChanged { epoch: EPOCH, head: good.pos }, "{cursor:?}");
    }
    phone.cursor = Some(Cursor { stream: 1, ..good });
    let refused = hub.sync(phone.device, phone.request(Vec::new()), clocks()).await;
    assert!(matches!(refused, Err(SyncError::WrongStream(1))));
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 0);
    phone.cursor = Some(good);
    assert!(accepted(&phone.push(&hub, &[raw]).await));
}

#[tokio::test]
async fn after_a_restore_a_phone_learns_what_the_log_still_has() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, round(2))];
    phone.pull(&hub, 0).await;
    assert!(accepted(&phone.push(&hub, &raws[..1]).await));
    hub.begin_epoch(Epoch([8; 16])).await.expect("begins");
    let reply = hub.sync(phone.device, phone.request(Vec::new()), clocks()).await.expect("answers");
    assert!(matches!(reply, SyncReply::EpochChanged { epoch: Epoch([8, ..]), .. }), "{reply:?}");
    phone.cursor = None;
    let verify = raws.iter().map(|raw| hash_of(raw)).collect();
    let request = SyncRequest { verify, ..phone.request(Vec::new()) };
    let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
    let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
    assert_eq!(taken.missing, [hash_of(&raws[1])]);
}

/// C24 a lost phone sends what it had.
#[tokio::test]
async fn a_lost_phone_sends_into_held_and_gets_nothing_until_a_supervisor_decides() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let raws = [phone.write(1, round(1)), phone.write(2, Body::Hazard(hazard("甲")))];
    hub.revoke_device(phone.device, None, clocks()).await.expect("revokes");
    let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let news = colleague.write(3, round(3));
    assert!(accepted(&colleague.push(&hub, &[news]).await));
    assert!(phone.clone().pull(&hub, 0).await.is_empty(), "nothing of what is new");
    let mut wiped = phone.clone();
    wiped.cursor = None;
    assert!(wiped.pull(&hub, 0).await.is_empty(), "and nothing from the beginning");
    let batch = phone.batch(phone.book(), &raws);
    let taken = phone.send(&hub, vec![batch]).await;
    assert_eq!(taken.changes[0], [Verdict::NotTaken(Code::Revoked); 2]);
    assert!(taken.items.is_empty() && !taken.more);
    assert!(taken.scope.expect("told").push_only);
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 1, "the colleague's");
    assert_eq!(hub.list_held(10).await.expect("reads").len(), 2);
    let held = |i: usize| (hash_of(&raws[i]), phone.device);
    let fault = |done: Result<(), OfficeError>| match done {
        Err(OfficeError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(hub.decide_held(COLLEAGUE, held(0), true, clocks()).await), OfficeFault::NotPermitted);
    assert_eq!(fault(hub.decide_held(STRANGER, held(0), true, clocks()).await), OfficeFault::NothingHeld);
    let behind = fault(hub.decide_held(OFFICER, held(1), true, clocks()).await);
    assert_eq!(behind, OfficeFault::DoesNotFit("seq_gap"), "the earlier one first");
    hub.decide_held(OFFICER, held(0), true, clocks()).await.expect("taken");
    hub.decide_held(OFFICER, held(1), false, clocks()).await.expect("refused");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 2);
    let verdicts = phone.push(&hub, &raws).await;
    assert!(matches!(verdicts[0], Verdict::Duplicate(_)), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::NotTaken(Code::NotPermitted));
}

#[tokio::test]
async fn work_whose_right_ended_on_the_way_is_held_and_older_claims_are_refused() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let raw = phone.write(1, round(1));
    move_away(&hub).await;
    let batch = phone.batch(phone.book(), std::slice::from_ref(&raw));
    let taken = phone.send(&hub, vec![batch]).await;
    assert_eq!(taken.changes[0], [Verdict::NotTaken(Code::ScopeLost)]);
    assert_eq!(taken.items, [Item::Gone(SITE)], "and the site is gone from the phone");
    let next = phone.write(2, round(2));
    assert_eq!(
        phone.push(&hub, &[next]).await,
        [Verdict::NotTaken(Code::ScopeLost)],
        "held with the one before"
    );
    phone.n = 1;
    let late = phone.write(3, round(3));
    let verdicts = phone.push(&hub, &[late]).await;
    assert_eq!(verdicts, [Verdict::NotTaken(Code::OutOfScope)], "written after the phone knew");
    hub.decide_held(OFFICER, (hash_of(&raw), phone.device), true, clocks()).await.expect("taken");
    let items = phone.pull(&hub, 0).await;
    assert!(items.contains(&Item::Decided { change: hash_of(&raw), taken: true }), "{items:?}");
}

async fn move_away(hub: &Hub) {
    let (row, _) = site(SITE, OTHER_COMPANY, 500_110_001);
    let moved = rule(hub, kit::CLERK, 1, Act::RegisterSite(row, Vec::new())).await;
    assert_eq!(moved, CommandVerdict::Done(2));
}

#[tokio::test]
async fn until_all_that_was_written_has_come_rights_are_those_of_the_last_contact() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    move_away(&hub).await;
    for (n, waiting, code) in
        [(1, true, Code::ScopeLost), (2, false, Code::ScopeLost), (3, false, Code::OutOfScope)]
    {
        phone.n = u32::from(n);
        let raw = phone.write(n, round(n));
        let request = SyncRequest { waiting, ..phone.request(vec![phone.batch(phone.book(), &[raw])]) };
        let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
        let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
        assert_eq!(taken.changes[0], [Verdict::NotTaken(code)], "{n}");
    }
}

#[tokio::test]
async fn what_is_written_anew_after_a_refusal_has_the_rights_it_had_before() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let mut clone = phone.clone();
    let (ours, theirs) = (phone.write(1, round(1)), clone.write(2, round(2)));
    assert!(accepted(&phone.push(&hub, &[ours]).await));
    move_away(&hub).await;
    assert_eq!(clone.push(&hub, &[theirs]).await, [Verdict::NotTaken(Code::CloneDetected)]);
    clone.reborn(77);
    let anew = clone.write(2, round(2));
    assert_eq!(clone.push(&hub, &[anew]).await, [Verdict::NotTaken(Code::ScopeLost)], "held, not refused");
    clone.n = 1;
    let late = clone.write(3, round(3));
    assert_eq!(clone.push(&hub, &[late]).await, [Verdict::NotTaken(Code::OutOfScope)]);
}

/// C24 a dismissed person sends what he had.
#[tokio::test]
async fn a_person_who_may_no_longer_act_is_held_and_a_stranger_on_the_phone_is_refused() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let raw = phone.write(1, round(1));
    hub.set_person_active(MANAGER, false, None, clocks()).await.expect("dismissed");
    assert_eq!(phone.push(&hub, &[raw]).await, [Verdict::NotTaken(Code::Revoked)]);
    phone.person = COLLEAGUE;
    phone.n = 1;
    let raw = phone.write(2, round(2));
    assert_eq!(phone.push(&hub, &[raw]).await, [Verdict::NotTaken(Code::NotPermitted)]);
}

/// C21 whoever carries a colleague's batch cannot spoil the changes in it: the bytes that no signature
/// covers are not what a verdict is remembered by.
#[tokio::test]
async fn a_carrier_that_tampers_with_a_frame_spoils_nothing() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut carrier = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let raw = phone.write(1, round(1));
    let good = phone.batch(phone.book(), &[raw]);
    for at in 0..8 {
        let mut tampered = good.clone();
        tampered.relayed_for = Some(phone.device);
        tampered.changes[0].raw[at] ^= 1;
        assert_eq!(
            verdicts(&hub, &mut carrier, tampered).await,
            [Verdict::NotTaken(Code::Checksum)],
            "byte {at}"
        );
    }
    assert!(accepted(&verdicts(&hub, &mut phone, good).await), "its author's own is taken");
}

/// C24 a person whom the office took off the phone while his work was on it.
#[tokio::test]
async fn a_person_taken_off_a_phone_sends_into_held() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let raw = phone.write(1, round(1));
    hub.set_device_people(phone.device, vec![COLLEAGUE], None, clocks()).await.expect("set");
    assert_eq!(phone.push(&hub, &[raw]).await, [Verdict::NotTaken(Code::Revoked)]);
}

/// C23 what comes down, byte for byte.
#[tokio::test]
async fn every_byte_that_comes_down_belongs_to_the_phones_scope() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let mut brigade = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
    let mut items = stranger.pull(&hub, 0).await;
    let raw = writer.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&writer.push(&hub, std::slice::from_ref(&raw)).await));
    items.extend(stranger.pull(&hub, 0).await);
    let bytes = minicbor::to_vec(&items).expect("encodes");
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for (what, secret) in [
        ("the site", &SITE.0[..]),
        ("the company", &COMPANY.0),
        ("its people", &MANAGER.0),
        ("the officer", &OFFICER.0),
        ("the record", &raw[raw.len() - 40..]),
    ] {
        assert!(!contains(secret), "{what} leaked");
    }
    assert!(contains(&ELSEWHERE.0) && contains(&POLICE.0), "what is his came");
    for phone in [&mut officer, &mut brigade] {
        let items = phone.pull(&hub, 0).await;
        let books = items.iter().any(|i| matches!(i, Item::Change { .. } | Item::Snapshot { .. }));
        assert!(!books, "another organisation's book is nobody's");
        assert!(items.iter().any(|i| matches!(i, Item::Row(louan_schema::wire::Row::Hazard(_)))));
    }
}
