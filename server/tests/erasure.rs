//! Erased means erased: the name goes everywhere, the work stays, and no phone brings the person back.
//!
//! Devices are real keys; the year that passes is a clock handed in.

mod kit;

use std::sync::Arc;

use kit::{
    CLERK, COLLEAGUE, COMPANY, EPOCH, MANAGER, OFFICER, Phone, SITE, STREAM, accepted, clocks, district,
    hazard, hub, noon, recheck, round, rule, site,
};
use louan_schema::code::Severity;
use louan_schema::id::{CommandId, RecordId};
use louan_schema::record::Body;
use louan_schema::registry::Person;
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::{Code, CommandVerdict, Item, Row, SyncReply, Verdict};
use louan_server::hub::{Clocks, Hub, OfficeError, OfficeFault};
use louan_server::storage::Storage;
use louan_server::storage::accounts::{Account, AccountStore};
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::log::LogStore;
use louan_server::storage::sessions::{Family, Holder, IdentityWrite, SessionStore, TokenKind, TokenRow};
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::sync::batch::hash_of;

const NAME: &str = "示例人员12";

fn erased(done: Result<(), OfficeError>) -> bool {
    matches!(done, Err(OfficeError::Fault(OfficeFault::Erased)))
}

async fn erase(hub: &Hub) {
    hub.erase_person(MANAGER, None, clocks()).await.expect("erased");
}

/// C25 a phone that comes back after a year with the work of a person who was erased.
#[tokio::test]
async fn a_year_old_phone_does_not_bring_an_erased_person_back() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let hub = district(storage.clone()).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    colleague.pull(&hub, 0).await;
    let kept = phone.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&phone.push(&hub, std::slice::from_ref(&kept)).await));
    erase(&hub).await;
    let rows = |items: Vec<Item>| -> Vec<Person> {
        items
            .into_iter()
            .filter_map(|i| if let Item::Row(Row::Person(p)) = i { Some(p) } else { None })
            .collect()
    };
    let told = rows(colleague.pull(&hub, 0).await);
    assert_eq!(told.iter().map(|p| (p.id, p.name.as_str())).collect::<Vec<_>>(), [(MANAGER, "")]);

    let late = [phone.write(2, round(2)), phone.write(3, round(3))];
    let orphan = {
        let mut ahead = phone.clone();
        ahead.write(4, round(4));
        ahead.write(5, round(5))
    };
    let mut changes: Vec<Vec<u8>> = vec![kept];
    changes.extend(late.iter().cloned());
    changes.push(orphan);
    let next_year = Clocks::both(noon().plus_ms(365 * 86_400_000));
    let batch = phone.batch(phone.book(), &changes);
    let theirs = colleague.write(60, round(60));
    let mut relayed = colleague.batch(colleague.book(), &[theirs]);
    relayed.relayed_for = Some(colleague.device);
    let reply =
        hub.sync(phone.device, phone.request(vec![batch, relayed]), next_year).await.expect("answers");
    let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
    assert!(matches!(taken.changes[0][0], Verdict::Duplicate(_)), "what was accepted stays: {taken:?}");
    // Even what would else be told to come again is told that it never will be taken.
    assert_eq!(taken.changes[0][1..], [Verdict::NotTaken(Code::Erased); 3]);
    assert!(accepted(&taken.changes[1]), "a colleague's work on the same phone is taken");
    for raw in &late {
        let held = storage.find_held(hash_of(raw), phone.device).await.expect("reads").expect("remembered");
        assert!(held.raw.is_empty(), "hash and verdict are kept, the bytes are not");
    }
    assert!(hub.list_held(10).await.expect("reads").is_empty(), "nothing waits for a decision");
    assert_eq!(hub.list_hazards(Default::default()).await.expect("reads").total, 1);
    hub.rebuild().await.expect("rebuilds");
    assert_eq!(hub.list_hazards(Default::default()).await.expect("reads").total, 1);
}

#[tokio::test]
async fn a_colleague_on_the_same_phone_is_told_to_write_anew_and_goes_on() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    hub.set_device_people(phone.device, vec![MANAGER, COLLEAGUE], None, clocks()).await.expect("set");
    let first = phone.write(1, round(1));
    phone.person = COLLEAGUE;
    let behind = phone.write(2, round(2));
    erase(&hub).await;
    phone.person = MANAGER;
    assert_eq!(phone.push(&hub, &[first]).await, [Verdict::NotTaken(Code::Erased)]);
    phone.person = COLLEAGUE;
    assert_eq!(
        phone.push(&hub, &[behind]).await,
        [Verdict::NotTaken(Code::Follows)],
        "never a retry for ever"
    );
    phone.n = 1;
    let anew = phone.write(2, round(2));
    assert!(accepted(&phone.push(&hub, &[anew]).await));
}

#[tokio::test]
async fn an_erased_person_is_not_added_activated_enrolled_or_obeyed_again() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, OFFICER, kit::POLICE).await;
    let mut writer = Phone::enrolled(&hub, 42, MANAGER, COMPANY).await;
    let raw = writer.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&writer.push(&hub, &[raw]).await));
    let row = hub.find_person(OFFICER).await.expect("reads").expect("known").person;
    hub.erase_person(OFFICER, None, clocks()).await.expect("erased");
    assert!(erased(hub.erase_person(OFFICER, None, clocks()).await), "once");
    assert!(erased(hub.add_person(row, None, clocks()).await));
    assert!(erased(hub.set_person_active(OFFICER, true, None, clocks()).await));
    assert!(erased(hub.set_device_people(writer.device, vec![MANAGER, OFFICER], None, clocks()).await));
    let standing = hub.find_person(OFFICER).await.expect("reads").expect("a tombstone");
    assert!(standing.erased && !standing.active && standing.person.name.is_empty());
    let act = Act::ConfirmHazard {
        hazard: RecordId([1; 16]),
        severity: Severity::Serious,
        due_on: "2020-01-22".parse().expect("a day"),
    };
    assert_eq!(rule(&hub, OFFICER, 1, act.clone()).await, CommandVerdict::Refused(Code::Erased, 1));
    let command = Command { id: CommandId([9; 16]), expected_version: 1, at: noon(), act };
    let raw = phone.write(2, recheck(RecordId([1; 16]), OFFICER, true));
    let batch = phone.batch_of(vec![phone.book()], vec![(0, 0, raw)], vec![command]);
    let taken = phone.send(&hub, vec![batch]).await;
    assert_eq!(taken.changes[0], [Verdict::NotTaken(Code::Erased)]);
    assert_eq!(taken.commands[0], [CommandVerdict::Refused(Code::Erased, 1)]);
    assert!(taken.items.is_empty() && taken.scope.expect("told").push_only, "and nothing comes down");
    let (entry, _) = site(SITE, COMPANY, 500_110_001);
    let verdict = rule(&hub, CLERK, 1, Act::RegisterSite(entry, Vec::new())).await;
    assert_eq!(verdict, CommandVerdict::Done(2), "others go on");
}

#[tokio::test]
async fn no_name_is_left_in_the_file_and_the_tombstone_cannot_be_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("louan.sqlite");
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };
    let holds = |name: &str| {
        let bytes = std::fs::read(&path).expect("reads");
        bytes.windows(name.len()).any(|window| window == name.as_bytes())
    };
    drop(district(Arc::new(Sqlite::open(&path, options).expect("opens"))).await);
    assert!(holds(NAME), "or the test would prove nothing");
    let hub = Hub::open(
        Arc::new(Sqlite::open(&path, options).expect("opens")),
        Arc::new(louan_server::worker::InProcess),
        Default::default(),
    );
    let hub = hub.await.expect("opens");
    erase(&hub).await;
    drop(hub);
    assert!(!holds(NAME), "overwritten, not only unlinked");
    assert!(holds("示例人员13"), "a colleague's stands");
    let raw = rusqlite::Connection::open(&path).expect("opens");
    for sql in ["UPDATE person SET erased_at = NULL", "UPDATE person SET active = 1", "DELETE FROM person"] {
        let id = format!("{sql} WHERE id = x'{}'", "0c".repeat(16));
        assert!(raw.execute_batch(&id).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn his_account_goes_with_him() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let hub = district(storage.clone()).await;
    let (login, password) = ("m12".to_owned(), "a hash".to_owned());
    let account = Account { person: MANAGER, login, password, active: true, changed_at: noon() };
    let family = Family {
        id: [5; 16],
        holder: Holder::Console(MANAGER),
        public_key: None,
        started_at: noon(),
        ends_at: None,
        ended: None,
    };
    let (kind, hash, expires_at) = (TokenKind::Cookie, [6; 32], noon().plus_ms(1 << 40));
    let token = TokenRow { hash, family: family.id, kind, salt: None, expires_at, exchanged_at: None };
    let writes = [IdentityWrite::Account(account), IdentityWrite::Begin(family), IdentityWrite::Issue(token)];
    let commit = Commit { writes: writes.map(Write::Identity).into(), ..Commit::default() };
    storage.commit(commit).await.expect("writes");
    erase(&hub).await;
    assert_eq!(storage.find_account_of(MANAGER).await.expect("reads"), None);
    let (_, family) = storage.find_token(hash).await.expect("reads").expect("the token is still there");
    assert!(family.ended.is_some(), "his session is over");
}
