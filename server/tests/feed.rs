//! The feed and the bootstrap: nothing skipped, nothing out of scope, budgets kept, gains
//! and losses told where they happen.
//! Phones here take every page they are given and lose none.

mod kit;

use std::collections::BTreeSet;

use kit::{
    CLERK, COLLEAGUE, COMPANY, ELSEWHERE, MANAGER, OFFICER, OTHER_COMPANY, POLICE, Phone, SITE, STRANGER,
    accepted, clocks, hazard, hub, noon, round, rule, site,
};
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{BuildingId, RecordId, SiteId};
use louan_schema::record::{Answer, Body, Record, Round};
use louan_schema::ruling::Act;
use louan_schema::wire::{CommandVerdict, Item, Row, SyncReply, SyncRequest};
use louan_server::hub::{Clocks, Hub};

/// A round with a long remark, so that a few fill a page.
fn bulky(n: u8) -> Record {
    let note = Some("长".repeat(100));
    let policy = louan_schema::policy::Policy::qijiang_2020();
    let mut codes: Vec<_> = policy
        .check_items()
        .filter(|i| i.is_in_force(noon().day()) && i.reserved_for.is_none())
        .map(|i| i.code)
        .collect();
    codes.sort_unstable();
    let plain = |code| Answer::plain(code, louan_schema::code::Outcome::Pass, Some(1));
    let answers = codes.into_iter().map(|code| Answer { note: note.clone(), ..plain(code) }).collect();
    kit::record(
        MANAGER,
        Body::Round(Round {
            round: louan_schema::id::RoundId([n; 16]),
            opened_at: noon(),
            buildings: vec![BuildingId(SITE.0)],
            answers,
            seen: Vec::new(),
            synthetic: false,
        }),
    )
}

fn size(items: &[Item]) -> usize {
    items.iter().map(|item| minicbor::to_vec(item).expect("encodes").len()).sum()
}

/// The ids of all records that came, whichever way.
fn records(items: &[Item]) -> BTreeSet<RecordId> {
    let mut ids = BTreeSet::new();
    for item in items {
        match item {
            Item::Change { raw, .. } => {
                ids.insert(louan_schema::doc::scan::record_put(raw).expect("a record").id);
            }
            Item::Snapshot { bytes, .. } => {
                ids.extend(
                    Document::load(bytes).expect("loads").read_book().into_iter().map(|(_, id, _)| id),
                );
            }
            _ => {}
        }
    }
    ids
}

async fn push_bulky(hub: &Hub, writer: &mut Phone, ids: std::ops::RangeInclusive<u8>) {
    for n in ids {
        let raw = writer.write_in(writer.book(), RecordId([n; 16]), &bulky(n));
        assert!(accepted(&writer.push(hub, &[raw]).await));
    }
}

#[tokio::test]
async fn a_reconnect_in_small_pages_brings_everything_once_and_in_order() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    reader.pull(&hub, 0).await;
    push_bulky(&hub, &mut writer, 1..=20).await;
    let mut items = Vec::new();
    let mut pages = 0;
    let mut before = reader.cursor.expect("bootstrapped").pos;
    loop {
        let request = SyncRequest { down_bytes_max: 1, ..reader.request(Vec::new()) };
        let reply = hub.sync(reader.device, request, clocks()).await.expect("answers");
        let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
        assert!(size(&taken.items) < 64 * 1024 + 64 * 1024, "one item over the least budget at most");
        let cursor = taken.cursor.expect("the feed always moves a cursor");
        assert!(cursor.pos > before || !taken.more, "every page gets further");
        before = cursor.pos;
        reader.cursor = Some(cursor);
        items.extend(taken.items);
        pages += 1;
        if !taken.more {
            break;
        }
    }
    assert!(pages > 3, "{pages} pages of {} bytes", size(&items));
    let came: Vec<_> = items.iter().map(|item| records(std::slice::from_ref(item))).collect();
    let expected: Vec<_> = (1..=20).map(|n| BTreeSet::from([RecordId([n; 16])])).collect();
    assert_eq!(came, expected);
}

#[tokio::test]
async fn a_bootstrap_in_pages_misses_nothing_that_is_written_meanwhile() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    for n in 1..=8 {
        let id = SiteId([150 + n; 16]);
        let (row, buildings) = site(id, COMPANY, 500_110_001);
        assert_eq!(rule(&hub, CLERK, 0, Act::RegisterSite(row, buildings)).await, CommandVerdict::Done(1));
        let book = Descriptor::book_at(id, COMPANY, noon());
        let raw = writer.write_in(book, RecordId([n; 16]), &bulky(n));
        let batch = writer.batch(book, &[raw]);
        assert!(accepted(&writer.send(&hub, vec![batch]).await.changes[0]));
    }
    let mut reader = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let mut items = Vec::new();
    let mut page = None;
    let mut pages = 0_u8;
    while reader.cursor.is_none() {
        let request = SyncRequest { page, down_bytes_max: 1, ..reader.request(Vec::new()) };
        let reply = hub.sync(reader.device, request, clocks()).await.expect("answers");
        let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
        items.extend(taken.items);
        (page, reader.cursor) = (taken.page, taken.cursor);
        pages += 1;
        // Somebody writes, and a compound is entered, between any two pages.
        push_bulky(&hub, &mut writer, 100 + pages..=100 + pages).await;
        let id = SiteId([200 - pages; 16]);
        let (row, buildings) = site(id, COMPANY, 500_110_001);
        assert_eq!(rule(&hub, CLERK, 0, Act::RegisterSite(row, buildings)).await, CommandVerdict::Done(1));
    }
    assert!(pages > 1);
    items.extend(reader.pull(&hub, 1).await);
    let expected: BTreeSet<_> = (1..=8).chain(101..=100 + pages).map(|n| RecordId([n; 16])).collect();
    assert_eq!(records(&items), expected);
    let sites: BTreeSet<SiteId> = items
        .iter()
        .filter_map(|item| if let Item::Row(Row::Site(row)) = item { Some(row.id) } else { None })
        .collect();
    assert_eq!(sites.len(), usize::from(pages) + 9, "and every compound");
}

#[tokio::test]
async fn a_row_written_often_comes_once_and_skipped_positions_move_the_cursor() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    officer.pull(&hub, 0).await;
    stranger.pull(&hub, 0).await;
    let first = writer.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&writer.push(&hub, &[first]).await));
    for n in 2..=5 {
        let mut correction = kit::record(MANAGER, Body::Hazard(hazard(&format!("第{n}稿"))));
        correction.replaces = Some(RecordId([1; 16]));
        correction.written_at = noon().plus_ms(i64::from(n));
        let raw = writer.write_in(writer.book(), RecordId([n; 16]), &correction);
        assert!(accepted(&writer.push(&hub, &[raw]).await));
    }
    let items = officer.pull(&hub, 0).await;
    let [Item::Row(Row::Hazard(row))] = &items[..] else { panic!("{items:?}") };
    assert_eq!((row.reading.text.as_str(), row.version), ("第5稿", 5));
    assert!(stranger.pull(&hub, 0).await.is_empty());
    assert_eq!(stranger.cursor.map(|c| c.pos), officer.cursor.map(|c| c.pos));
}

#[tokio::test]
async fn a_site_that_changes_hands_goes_from_one_and_comes_whole_to_the_other() {
    let hub = hub().await;
    let mut manager = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    for phone in [&mut manager, &mut stranger, &mut officer] {
        phone.pull(&hub, 0).await;
    }
    let raw = manager.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&manager.push(&hub, &[raw]).await));
    officer.pull(&hub, 0).await;
    let (row, _) = site(SITE, OTHER_COMPANY, 500_110_001);
    assert_eq!(rule(&hub, CLERK, 1, Act::RegisterSite(row, Vec::new())).await, CommandVerdict::Done(2));
    assert_eq!(manager.pull(&hub, 0).await, [Item::Gone(SITE)]);
    let items = stranger.pull(&hub, 0).await;
    let kinds = |items: &[Item]| -> Vec<&'static str> {
        let kind = |item: &Item| match item {
            Item::Row(Row::Org(_)) => "org",
            Item::Row(Row::Site(_)) => "site",
            Item::Row(Row::Building(_)) => "building",
            Item::Row(Row::Hazard(_)) => "hazard",
            _ => "other",
        };
        items.iter().map(kind).collect()
    };
    let came: BTreeSet<_> = kinds(&items).into_iter().collect();
    assert_eq!(came, BTreeSet::from(["building", "hazard", "org", "site"]), "{items:?}");
    assert_eq!(
        kinds(&officer.pull(&hub, 0).await),
        ["org", "site"],
        "who saw it all along gets the new row only"
    );
    // And back: its own old book comes with it.
    let (row, _) = site(SITE, COMPANY, 500_110_001);
    assert_eq!(rule(&hub, CLERK, 2, Act::RegisterSite(row, Vec::new())).await, CommandVerdict::Done(3));
    let items = manager.pull(&hub, 0).await;
    assert_eq!(records(&items), BTreeSet::from([RecordId([1; 16])]));
    assert_eq!(stranger.pull(&hub, 0).await.last(), Some(&Item::Gone(SITE)));
}

#[tokio::test]
async fn a_second_person_on_the_phone_brings_his_organisations_books_and_takes_them_away_again() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let elsewhere = Descriptor::Book { site: ELSEWHERE, org: OTHER_COMPANY, year: 2020 };
    let raw = writer.write_in(elsewhere, RecordId([9; 16]), &kit::record(STRANGER, round(9)));
    let batch = writer.batch(elsewhere, &[raw]);
    assert!(accepted(&writer.send(&hub, vec![batch]).await.changes[0]));
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    hub.set_device_people(phone.device, vec![MANAGER, STRANGER], None, clocks()).await.expect("set");
    let items = phone.pull(&hub, 0).await;
    assert_eq!(records(&items), BTreeSet::from([RecordId([9; 16])]));
    assert!(items.iter().any(|i| matches!(i, Item::Row(Row::Site(row)) if row.id == ELSEWHERE)));
    hub.set_device_people(phone.device, vec![MANAGER], None, clocks()).await.expect("set");
    assert_eq!(phone.pull(&hub, 0).await, [Item::Gone(ELSEWHERE)]);
}

#[tokio::test]
async fn a_scope_is_told_when_it_changes_and_its_lease_is_renewed_every_day() {
    let hub = hub().await;
    let phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let ask = async |version: u64, days: i64| {
        let request = SyncRequest { scope_version: version, ..phone.request(Vec::new()) };
        let now = Clocks::both(noon().plus_ms(days * 86_400_000));
        match hub.sync(phone.device, request, now).await.expect("answers") {
            SyncReply::Taken(taken) => taken.scope,
            other => panic!("{other:?}"),
        }
    };
    let first = ask(0, 0).await.expect("told");
    assert_eq!(
        (&first.orgs[..], &first.people[..], first.push_only),
        (&[COMPANY][..], &[MANAGER][..], false)
    );
    assert!(first.streets.is_empty(), "a company sees compounds one by one");
    assert_eq!(ask(first.version, 0).await, None);
    let next = ask(first.version, 1).await.expect("a new lease");
    assert!(next.version > first.version && next.lease_until > first.lease_until);
    hub.set_device_people(phone.device, vec![MANAGER, COLLEAGUE], None, clocks()).await.expect("set");
    let changed = ask(next.version, 1).await.expect("told");
    assert!(changed.version > next.version);
    assert_eq!(changed.people, [MANAGER, COLLEAGUE]);
}

#[tokio::test]
async fn a_forged_page_token_brings_no_more_than_the_scope() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = writer.write(1, round(1));
    assert!(accepted(&writer.push(&hub, &[raw]).await));
    let stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let head = hub.head().await.expect("reads");
    use louan_server::sync::bootstrap::{Part, Token};
    for part in [Part::All, Part::Org(COMPANY), Part::Site(SITE)] {
        let token = Token::start(head.epoch, (head.pos, head.chain), part).to_bytes();
        for token in [token.clone(), token[..token.len() / 2].to_vec(), vec![0xff; 40]] {
            let request = SyncRequest { page: Some(token.into()), ..stranger.request(Vec::new()) };
            let reply = hub.sync(stranger.device, request, clocks()).await.expect("answers");
            let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
            let bytes = minicbor::to_vec(&taken.items).expect("encodes");
            assert!(!bytes.windows(16).any(|w| w == SITE.0 || w == COMPANY.0), "{part:?}");
        }
    }
}
