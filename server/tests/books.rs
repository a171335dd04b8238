//! Records in books: what an honest phone sends is in the log, reaches colleagues and the
//! ledger, and nothing is done twice.
//! The first thing to look at when anything is wrong: the shortest way through the whole core.

mod kit;

use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, Phone, SITE, accepted, hazard, hub, round};
use louan_schema::doc::Document;
use louan_schema::record::Body;
use louan_schema::wire::{Item, Row, Verdict};

#[tokio::test]
async fn an_honest_record_is_accepted_once_and_a_repeat_is_a_duplicate() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, Body::Hazard(hazard("堵塞")))];
    let first = phone.push(&hub, &raws).await;
    let [Verdict::Accepted(a), Verdict::Accepted(b)] = first[..] else { panic!("{first:?}") };
    assert!(a < b);
    assert_eq!(phone.push(&hub, &raws).await, [Verdict::Duplicate(a), Verdict::Duplicate(b)]);
    let third = phone.write(3, round(2));
    assert!(accepted(&phone.push(&hub, &[third]).await));
}

#[tokio::test]
async fn a_new_phone_gets_rows_first_then_its_books_and_then_the_feed() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = writer.write(1, Body::Hazard(hazard("堵塞")));
    assert!(accepted(&writer.push(&hub, &[raw]).await));
    let mut reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let items = reader.pull(&hub, 0).await;
    let last_row = items.iter().rposition(|i| matches!(i, Item::Row(_))).expect("rows came");
    let snapshot = items.iter().position(|i| matches!(i, Item::Snapshot { .. })).expect("a book came");
    assert!(last_row < snapshot, "lists must not wait for books");
    let Item::Snapshot { doc, bytes } = &items[snapshot] else { unreachable!() };
    assert_eq!((*doc, doc.site()), (writer.book(), SITE));
    assert_eq!(Document::load(bytes).expect("loads").read_book().len(), 1);
    let next = writer.write(2, round(1));
    assert!(accepted(&writer.push(&hub, std::slice::from_ref(&next)).await));
    let news = reader.pull(&hub, 0).await;
    assert_eq!(news, [Item::Change { doc: writer.book(), raw: next.into() }]);
    assert_eq!(reader.cursor.map(|c| (c.epoch, c.pos)), Some((EPOCH, hub.head().await.expect("reads").pos)));
    assert!(reader.pull(&hub, 0).await.is_empty(), "nothing is sent twice");
}

#[tokio::test]
async fn a_hazard_reported_stands_in_the_ledger_and_reaches_phones_as_a_row() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let raw = phone.write(1, Body::Hazard(hazard("堵塞")));
    let batch = phone.batch(phone.book(), &[raw]);
    let taken = phone.send(&hub, vec![batch]).await;
    let [Item::Row(Row::Hazard(row))] = &taken.items[..] else { panic!("{:?}", taken.items) };
    assert_eq!((row.site, row.version, row.reading.text.as_str()), (SITE, 1, "堵塞"));
    let page = hub.list_hazards(Default::default()).await.expect("reads");
    assert_eq!((page.total, &page.rows[0]), (1, &**row));
}
