//! Rebuilt equals incremental: everything derived, thrown away and made again from the
//! change log and the rulings, is the same byte for byte; and the audit is one whole chain.
//! What cannot be made again is a change or a ruling; everything else can.

mod kit;

use kit::{
    BRIGADE, BRIGADIER, COLLEAGUE, COMPANY, MANAGER, OFFICER, POLICE, Phone, accepted, fix, hazard, hub,
    recheck, record, round, rule, tap,
};
use louan_schema::code::Severity;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{RecordId, RoundId};
use louan_schema::record::{Body, Record, Withdrawal};
use louan_schema::ruling::Act;
use louan_schema::time::Day;
use louan_schema::wire::CommandVerdict;
use louan_server::audit::AuditCheck;
use louan_server::hub::Hub;
use louan_server::storage::ledger::{HazardQuery, RoundQuery};

fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

/// A busy day: records in odd order, corrections, withdrawals, rulings, a sheet in dispute.
async fn busy_day(hub: &Hub) {
    let mut manager = Phone::enrolled(hub, 41, MANAGER, COMPANY).await;
    let mut colleague = Phone::enrolled(hub, 42, COLLEAGUE, COMPANY).await;
    let mut officer = Phone::enrolled(hub, 43, OFFICER, POLICE).await;
    let mut brigade = Phone::enrolled(hub, 45, BRIGADIER, BRIGADE).await;
    let withdraw = |target| Body::Withdrawal(Withdrawal { target, reason: "误报".to_owned() });
    let early = [colleague.write(20, fix(id(11), COLLEAGUE)), colleague.write(21, withdraw(id(13)))];
    assert!(accepted(&colleague.push(hub, &early).await));
    let again = Record { replaces: Some(id(10)), ..record(MANAGER, Body::Hazard(hazard("改"))) };
    let raws = [
        manager.write(10, Body::Hazard(hazard("甲"))),
        manager.write_in(manager.book(), id(11), &again),
        manager.write(12, Body::Hazard(hazard("乙"))),
        manager.write(13, Body::Hazard(hazard("误"))),
        manager.write(14, round(1)),
        manager.write(15, round(1)),
        manager.write(16, round(2)),
    ];
    assert!(accepted(&manager.push(hub, &raws).await));
    let due_on: Day = "2020-01-22".parse().expect("a day");
    let confirm = |hazard| Act::ConfirmHazard { hazard, severity: Severity::Serious, due_on };
    assert!(matches!(rule(hub, OFFICER, 2, confirm(id(10))).await, CommandVerdict::Done(_)));
    assert!(matches!(rule(hub, OFFICER, 1, confirm(id(12))).await, CommandVerdict::Done(_)));
    let raws = [
        officer.write(30, recheck(id(10), OFFICER, true)),
        officer.write(31, recheck(id(12), OFFICER, false)),
    ];
    assert!(accepted(&officer.push(hub, &raws).await));
    assert!(matches!(
        rule(hub, OFFICER, 3, Act::CloseHazard { hazard: id(10) }).await,
        CommandVerdict::Done(_)
    ));
    let raws = [colleague.write(22, withdraw(id(16))), colleague.write(23, fix(id(12), COLLEAGUE))];
    assert!(accepted(&colleague.push(hub, &raws).await));
    let raw = brigade.write(40, recheck(id(99), BRIGADIER, true));
    assert!(accepted(&brigade.push(hub, &[raw]).await));
    let sheet = Descriptor::Sheet { site: kit::SITE, org: COMPANY, round: RoundId([77; 16]) };
    for phone in [&mut manager, &mut colleague] {
        let mut alone = Document::fresh(sheet.doc_id());
        let taps = [tap("1", u64::from(phone.device.0[0] % 2)), tap("2", 1)];
        let changes = [phone.tap(&sheet, &mut alone, &taps), phone.tap(&sheet, &mut alone, &[tap("3", 1)])];
        let batch = phone.batch(sheet, &changes);
        assert!(accepted(&phone.send(hub, vec![batch]).await.changes[0]));
    }
}

/// Every derived byte, as far as it can be read.
async fn derived(hub: &Hub) -> (Vec<Vec<u8>>, String, Vec<Vec<u8>>) {
    let hazards = hub.list_hazards(HazardQuery::default()).await.expect("reads").rows;
    let hazards = hazards.iter().map(|row| minicbor::to_vec(row).expect("encodes")).collect();
    let rounds = hub.list_rounds(RoundQuery::default()).await.expect("reads").rows;
    let mut reader = Phone::enrolled(hub, 90 + snapshot_count(hub).await, COLLEAGUE, COMPANY).await;
    let mut books = Vec::new();
    for item in reader.pull(hub, 0).await {
        if let louan_schema::wire::Item::Snapshot { bytes, .. } = item {
            books.push(bytes.to_vec());
        }
    }
    (hazards, format!("{rounds:?}"), books)
}

/// A number for the next reader's device.
async fn snapshot_count(hub: &Hub) -> u8 {
    u8::try_from(hub.list_devices().await.expect("reads").len()).expect("few")
}

#[tokio::test]
async fn a_rebuilt_ledger_equals_the_incremental_one_byte_for_byte() {
    let hub = hub().await;
    busy_day(&hub).await;
    let before = derived(&hub).await;
    assert_eq!((before.0.len(), before.2.len()), (3, 2));
    let mut reader = Phone::enrolled(&hub, 81, COLLEAGUE, COMPANY).await;
    reader.pull(&hub, 0).await;
    assert_eq!(
        hub.rebuild().await.expect("rebuilds"),
        4,
        "books of company, police and brigade, and the sheet"
    );
    assert!(reader.pull(&hub, 0).await.is_empty(), "phones notice nothing");
    assert_eq!(derived(&hub).await, before);
    let mut late = Phone::enrolled(&hub, 80, MANAGER, COMPANY).await;
    let raw = late.write(50, round(5));
    assert!(accepted(&late.push(&hub, &[raw]).await), "and life goes on");
}

#[tokio::test]
async fn what_is_due_and_not_gone_is_listed_as_overdue_and_lists_have_totals() {
    let hub = hub().await;
    busy_day(&hub).await;
    let overdue_on =
        |day: &str| HazardQuery { overdue_on: Some(day.parse().expect("a day")), ..Default::default() };
    assert_eq!(hub.list_hazards(overdue_on("2020-01-22")).await.expect("reads").total, 1);
    assert_eq!(hub.list_hazards(overdue_on("2020-01-21")).await.expect("reads").total, 0);
    let page = HazardQuery { limit: 1, offset: 1, ..Default::default() };
    let page = hub.list_hazards(page).await.expect("reads");
    assert_eq!((page.total, page.rows.len()), (3, 1));
    let blind = HazardQuery { seen_by: Some(kit::OTHER_COMPANY), ..Default::default() };
    assert_eq!(hub.list_hazards(blind).await.expect("reads").total, 0);
    let police =
        HazardQuery { seen_by: Some(POLICE), street: Some(kit::street(500_110_001)), ..Default::default() };
    assert_eq!(hub.list_hazards(police).await.expect("reads").total, 3);
    let brigade = RoundQuery { seen_by: Some(BRIGADE), ..Default::default() };
    assert_eq!(
        hub.list_rounds(brigade).await.expect("reads").total,
        1,
        "one of the two visits was withdrawn"
    );
}

#[tokio::test]
async fn every_act_leaves_a_line_in_one_whole_chain() {
    let hub = hub().await;
    let AuditCheck::Whole(before) = hub.verify_audit().await.expect("reads") else { panic!("broken") };
    busy_day(&hub).await;
    let AuditCheck::Whole(after) = hub.verify_audit().await.expect("reads") else { panic!("broken") };
    // Each push comes from a phone that has read nothing: the reply begins with its own people, whose name is a line.
    let lines = 4 + 7 + 7 + 3;
    assert_eq!(after - before, lines, "four devices, seven pushes to a document, seven names, three rulings");
}
