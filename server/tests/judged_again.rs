//! What a worker let pass behind a change it refused does not get into the document: the
//! rest is judged once more without it.

mod kit;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, Phone, STREAM, accepted, introduce, round};
use louan_schema::doc::Document;
use louan_schema::doc::judge::Judged;
use louan_schema::wire::{Code, Item, Verdict};
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::Sqlite;
use louan_server::worker::{InProcess, Judge, JudgeCase};

/// Judges as the product does, and then says of the first of several changes that it broke a rule.
#[derive(Debug)]
struct Picky;

impl Judge for Picky {
    fn judge(&self, cases: Vec<JudgeCase>) -> BoxFuture<'_, Vec<Result<Judged, Code>>> {
        let several: Vec<bool> = cases.iter().map(|case| case.changes.len() > 1).collect();
        Box::pin(async move {
            let mut judged = InProcess.judge(cases).await;
            for (said, _) in judged.iter_mut().zip(several).filter(|(_, several)| *several) {
                said.as_mut().expect("judges").verdicts[0] = Err(Code::Schema);
            }
            judged
        })
    }
}

#[tokio::test]
async fn the_document_has_what_was_accepted_and_nothing_else() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let hub = Hub::open(storage, Arc::new(Picky), Limits::default()).await.expect("opens");
    introduce(&hub).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let alone = phone.write(1, round(1));
    assert!(accepted(&phone.push(&hub, &[alone]).await), "one alone is not told anything");
    let raws = [phone.write(2, round(2)), phone.write(3, round(3))];
    let verdicts = phone.push(&hub, &raws).await;
    assert_eq!(verdicts, [Code::Schema, Code::Follows].map(Verdict::NotTaken));

    phone.n = 1;
    let next = phone.write(4, round(4));
    assert!(accepted(&phone.push(&hub, &[next]).await));
    let mut reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let items = reader.pull(&hub, 1 << 20).await;
    let bytes = items.iter().find_map(|item| match item {
        Item::Snapshot { bytes, .. } => Some(bytes),
        _ => None,
    });
    let document = Document::load(bytes.expect("the book")).expect("loads");
    assert_eq!(document.read_book().len(), 2, "the first and the last");
}
