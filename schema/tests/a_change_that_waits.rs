//! A change whose dependency a document lacks is told, not queued (trap T7).

use louan_schema::doc::write::record_change;
use louan_schema::doc::{ActorLife, Descriptor, Document, DocumentError, Kind};
use louan_schema::id::{DeviceId, Incarnation, OrgId, RecordId, SiteId};

#[test]
fn what_a_document_lacks_is_said_and_nothing_is_kept_for_later() {
    let book = Descriptor::Book { site: SiteId([1; 16]), org: OrgId([2; 16]), year: 2020 };
    let life = ActorLife { device: DeviceId([3; 16]), incarnation: Incarnation([4; 16]), n: 0 };
    let actor = life.actor(book.doc_id());
    let key = |n| (Kind::Hazard, RecordId([n; 16]));
    let first = record_change(&book, actor, None, key(1), vec![1]).expect("fits");
    let second = record_change(&book, actor, Some(first.tip), key(2), vec![2]).expect("fits");
    let mut document = Document::fresh(book.doc_id());
    let mut copy = document.clone();
    assert!(matches!(copy.add(&second.raw), Err(DocumentError::Waiting)));
    document.add(&first.raw).expect("rests on nothing else");
    document.add(&second.raw).expect("has come to rest on what is here");
    assert_eq!(document.heads(), [second.tip.hash]);
}
