//! Where the log stood when it answered: told with answers that the cursor does not vouch for, and known again or not.

mod kit;

use std::sync::Arc;

use kit::{COMPANY, EPOCH, MANAGER, OFFICER, POLICE, Phone, STREAM, accepted, clocks, introduce, round};
use louan_schema::id::Chain;
use louan_schema::wire::{ANSWERED_AT_MAX, Code, Cursor, SyncReply, SyncRequest, Taken, Verdict};
use louan_server::hub::{Hub, Limits, SyncError};
use louan_server::storage::sqlite::Sqlite;
use louan_server::worker::InProcess;

async fn hub() -> Hub {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let hub = Hub::open(storage, Arc::new(InProcess), Limits::default()).await.expect("opens");
    introduce(&hub).await;
    hub
}

async fn head(hub: &Hub) -> Cursor {
    let head = hub.head().await.expect("a head");
    Cursor { stream: head.stream, epoch: head.epoch, pos: head.pos, chain: head.chain }
}

async fn ask(hub: &Hub, phone: &Phone, request: SyncRequest) -> Box<Taken> {
    match hub.sync(phone.device, request, clocks()).await.expect("answers") {
        SyncReply::Taken(taken) => taken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reply_whose_cursor_falls_short_says_where_the_log_stands_with_its_answers() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let batch = |phone: &mut Phone, n| {
        let raw = phone.write(n, round(n));
        vec![phone.batch(phone.book(), &[raw])]
    };
    // It begins a bootstrap with something to send: a page, and no cursor.
    let batches = batch(&mut phone, 1);
    let request = SyncRequest { cursor: None, down_bytes_max: 1, ..phone.request(batches) };
    let taken = ask(&hub, &phone, request).await;
    assert!(accepted(&taken.changes[0]) && taken.cursor.is_none(), "{taken:?}");
    assert_eq!(taken.answered_at, Some(head(&hub).await));
    // Nothing to answer for, nothing to vouch for.
    let request = SyncRequest { cursor: None, down_bytes_max: 1, ..phone.request(Vec::new()) };
    assert_eq!(ask(&hub, &phone, request).await.answered_at, None);
    let request = SyncRequest { cursor: None, ..phone.request(Vec::new()) };
    let verify = vec![louan_schema::id::ChangeHash([1; 32])];
    let taken = ask(&hub, &phone, SyncRequest { verify, down_bytes_max: 1, ..request }).await;
    assert_eq!(taken.answered_at, Some(head(&hub).await), "what the log still has is an answer, too");
    // Its cursor says it all.
    phone.pull(&hub, 4 << 20).await;
    let batches = batch(&mut phone, 2);
    let taken = ask(&hub, &phone, phone.request(batches)).await;
    assert_eq!((taken.cursor, taken.answered_at), (Some(head(&hub).await), None));
}

#[tokio::test]
async fn a_log_that_does_not_know_where_it_answered_is_another_one() {
    let hub = hub().await;
    let phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let here = head(&hub).await;
    let beyond = Cursor { pos: here.pos + 1, ..here };
    let other = Cursor { chain: Chain([7; 16]), ..here };
    for (answered_at, known) in [
        (vec![], true),
        (vec![here], true),
        (vec![beyond], false),
        (vec![other], false),
        (vec![here, other], false),
    ] {
        let request = SyncRequest { answered_at: answered_at.clone(), ..phone.request(Vec::new()) };
        let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
        assert_eq!(matches!(reply, SyncReply::Taken(_)), known, "{answered_at:?}");
        assert_eq!(matches!(reply, SyncReply::EpochChanged { .. }), !known, "{answered_at:?}");
    }
    let many = SyncRequest { answered_at: vec![here; ANSWERED_AT_MAX + 1], ..phone.request(Vec::new()) };
    let refused = hub.sync(phone.device, many, clocks()).await;
    assert!(matches!(refused, Err(SyncError::TooMuch)), "{refused:?}");
}

#[tokio::test]
async fn what_is_held_has_a_position_in_the_log_once() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    phone.pull(&hub, 4 << 20).await;
    let raw = phone.write(1, round(1));
    hub.set_person_active(OFFICER, false, None, clocks()).await.expect("revokes");
    let before = head(&hub).await.pos;
    for again in [1, 1] {
        let batch = phone.batch(phone.book(), std::slice::from_ref(&raw));
        let verdicts = phone.send(&hub, vec![batch]).await.changes;
        assert_eq!(verdicts, [[Verdict::NotTaken(Code::Revoked)]]);
        assert_eq!(head(&hub).await.pos, before + again, "a log put back to before it is found out");
    }
}
