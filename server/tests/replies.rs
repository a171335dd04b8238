//! How large replies may be, and how many are made at once.

mod kit;

use futures_util::FutureExt;
use kit::{CLERK, COLLEAGUE, COMPANY, MANAGER, Phone, accepted, clocks, hazard, hub, noon, rule, site};
use louan_schema::doc::Descriptor;
use louan_schema::id::{RecordId, SiteId};
use louan_schema::record::Body;
use louan_schema::ruling::Act;
use louan_schema::wire::{CommandVerdict, Item, SyncReply, SyncRequest, Taken};
use louan_server::hub::{Answer, Hub};

/// Least budget of a reply.
const BUDGET: usize = 64 * 1024;

async fn page(hub: &Hub, phone: &Phone, page: Option<minicbor::bytes::ByteVec>) -> Taken {
    let request = SyncRequest { page, down_bytes_max: 1, ..phone.request(Vec::new()) };
    let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
    let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
    *taken
}

fn is_document(item: &Item) -> bool {
    matches!(item, Item::Snapshot { .. })
}

/// Compounds with a book each, of some 40 KiB.
async fn full_books(hub: &Hub, writer: &mut Phone, count: u8) {
    for n in 1..=count {
        let id = SiteId([150 + n; 16]);
        let (row, buildings) = site(id, COMPANY, 500_110_001);
        assert_eq!(rule(hub, CLERK, 0, Act::RegisterSite(row, buildings)).await, CommandVerdict::Done(1));
        let book = Descriptor::book_at(id, COMPANY, noon());
        let mut raws = Vec::new();
        for i in 0..60 {
            let record = kit::record(MANAGER, Body::Hazard(hazard(&"长".repeat(180))));
            raws.push(writer.write_in(book, RecordId([n.wrapping_mul(60).wrapping_add(i); 16]), &record));
        }
        let batch = writer.batch(book, &raws);
        let taken = writer.send(hub, vec![batch]).await;
        assert!(accepted(&taken.changes[0]), "{:?}", taken.changes);
    }
}

#[tokio::test]
async fn a_new_phone_gets_its_rows_before_any_document_and_pages_it_can_unpack() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    full_books(&hub, &mut writer, 4).await;
    let reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let mut next = None;
    let (mut rows, mut documents) = (0, 0);
    loop {
        let taken = page(&hub, &reader, next).await;
        let (some, others): (Vec<_>, Vec<_>) = taken.items.iter().partition(|item| is_document(item));
        assert!(some.is_empty() || others.is_empty(), "rows have pages of their own");
        assert!(documents == 0 || others.is_empty(), "and go before");
        let bytes: usize = taken.items.iter().map(|i| minicbor::to_vec(i).expect("encodes").len()).sum();
        assert!(taken.items.len() == 1 || bytes <= BUDGET, "{} items, {bytes} bytes", taken.items.len());
        rows += others.len();
        documents += some.len();
        next = taken.page;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(documents, 4);
    assert!(rows >= 8, "{rows}");
}

fn answer_now(hub: &Hub, phone: &Phone) -> Option<Answer> {
    let request = phone.request(Vec::new());
    let answer = hub.answer(phone.device, request, clocks(), &|asked| asked).now_or_never();
    answer.map(|answer| answer.expect("answers"))
}

#[tokio::test]
async fn large_replies_wait_for_each_other_and_small_ones_for_nobody() {
    let hub = hub().await;
    let mut near = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    near.pull(&hub, 0).await;
    let far = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let first = answer_now(&hub, &far).expect("there is room");
    let second = answer_now(&hub, &far).expect("there is room");
    assert!(answer_now(&hub, &far).is_none(), "two large ones are on their way");
    let request = far.request(Vec::new());
    let asked = std::sync::atomic::AtomicBool::new(false);
    let down_bytes = |bytes| {
        asked.store(true, std::sync::atomic::Ordering::Relaxed);
        bytes
    };
    let third = hub.answer(far.device, request, clocks(), &down_bytes).now_or_never();
    assert!(third.is_none() && !asked.into_inner(), "what it may carry is not asked before its turn");
    assert!(answer_now(&hub, &near).is_some(), "a small one goes past them");
    drop(first);
    assert!(answer_now(&hub, &far).is_some(), "one is sent");
    drop(second);
}
