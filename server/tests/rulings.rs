//! Commands: who may rule what, on which version, in which state; a retry is harmless.
//! Every refusal is a row of a table with its code; nothing refused changes a row.
//! Facts travel by phones, rulings by the console and by phones alike.

mod kit;

use kit::{
    BRIGADE, BRIGADIER, CLERK, COLLEAGUE, COMPANY, MANAGER, OFFICER, OTHER_COMPANY, POLICE, Phone, SITE,
    STRANGER, accepted, clocks, fix, hazard, hub, noon, recheck, rule, site, street,
};
use louan_schema::code::{HazardState, OrgKind, Role, Severity};
use louan_schema::id::{BuildingId, CommandId, OrgId, PersonId, RecordId, SiteId};
use louan_schema::record::Body;
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Day;
use louan_schema::wire::{Code, CommandVerdict, Item, Row};
use louan_server::hub::Hub;

const HAZARD: RecordId = RecordId([1; 16]);

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn confirm(due_on: &str) -> Act {
    Act::ConfirmHazard { hazard: HAZARD, severity: Severity::Serious, due_on: day(due_on) }
}

fn refused(verdict: CommandVerdict) -> Code {
    match verdict {
        CommandVerdict::Refused(code, _) => code,
        done => panic!("{done:?}"),
    }
}

async fn with_hazard() -> (Hub, Phone) {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&phone.push(&hub, &[raw]).await));
    (hub, phone)
}

#[tokio::test]
async fn only_who_supervises_the_site_confirms_and_only_with_the_day_the_text_sets() {
    let (hub, _) = with_hazard().await;
    let street = Some(street(500_110_002));
    let elsewhere =
        Org { id: OrgId([40; 16]), kind: OrgKind::Police, name: "示例派出所二".to_owned(), street };
    hub.add_org(elsewhere, None, clocks()).await.expect("added");
    let far = PersonId([41; 16]);
    let officer =
        Person { id: far, org: OrgId([40; 16]), role: Role::Police, name: "示例民警二".to_owned() };
    hub.add_person(officer, None, clocks()).await.expect("added");
    let major =
        Act::ConfirmHazard { hazard: HAZARD, severity: Severity::SuspectedMajor, due_on: day("2020-01-22") };
    let unknown = Act::ConfirmHazard {
        hazard: RecordId([9; 16]),
        severity: Severity::Serious,
        due_on: day("2020-01-22"),
    };
    let table = [
        ("a manager judges his own site", MANAGER, 1, confirm("2020-01-22"), Code::NotPermitted),
        ("the street where the police supervise", CLERK, 1, confirm("2020-01-22"), Code::NotPermitted),
        ("police of another street", far, 1, confirm("2020-01-22"), Code::UnknownTarget),
        ("a stranger", STRANGER, 1, confirm("2020-01-22"), Code::UnknownTarget),
        ("nobody", PersonId([99; 16]), 1, confirm("2020-01-22"), Code::NotPermitted),
        ("a hazard that is not there", OFFICER, 0, unknown, Code::UnknownTarget),
        ("a version that has moved", OFFICER, 0, confirm("2020-01-22"), Code::VersionMoved),
        ("a version still to come", OFFICER, 2, confirm("2020-01-22"), Code::VersionMoved),
        ("立即 and yet tomorrow", OFFICER, 1, confirm("2020-01-23"), Code::Schema),
        ("due before it was found", OFFICER, 1, confirm("2020-01-21"), Code::Schema),
        ("疑似重大 by the police", OFFICER, 1, major, Code::NotPermitted),
        ("not yet rechecked", OFFICER, 1, Act::CloseHazard { hazard: HAZARD }, Code::WrongState),
    ];
    for (name, by, version, act, code) in table {
        assert_eq!(refused(rule(&hub, by, version, act).await), code, "{name}");
    }
    assert_eq!(rule(&hub, BRIGADIER, 1, confirm("2020-01-22")).await, CommandVerdict::Done(2));
    let row = hub.find_hazard(HAZARD).await.expect("reads").expect("stands");
    assert_eq!((row.state, row.due_on, row.version), (HazardState::Rectifying, Some(day("2020-01-22")), 2));
    assert_eq!(row.reading.severity, Severity::Serious, "the supervisor's grade wins");
}

#[tokio::test]
async fn a_command_sent_again_is_done_once_and_a_dismissed_person_rules_no_more() {
    let (hub, _) = with_hazard().await;
    let id = CommandId([5; 16]);
    let command = Command { id, expected_version: 1, at: noon(), act: confirm("2020-01-22") };
    let ask = || hub.command(OFFICER, command.clone(), clocks());
    assert_eq!(ask().await.expect("answers"), CommandVerdict::Done(2));
    assert_eq!(ask().await.expect("answers"), CommandVerdict::Duplicate(2));
    assert_eq!(rule(&hub, OFFICER, 2, confirm("2020-01-22")).await, CommandVerdict::Done(3));
    assert_eq!(ask().await.expect("answers"), CommandVerdict::Duplicate(3), "with the version it has now");
    hub.set_person_active(OFFICER, false, None, clocks()).await.expect("dismissed");
    assert_eq!(refused(rule(&hub, OFFICER, 3, confirm("2020-01-22")).await), Code::Revoked);
}

#[tokio::test]
async fn a_hazard_is_closed_after_another_has_looked_and_never_by_who_fixed_it() {
    let (hub, mut phone) = with_hazard().await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    assert_eq!(rule(&hub, OFFICER, 1, confirm("2020-01-22")).await, CommandVerdict::Done(2));
    // The recheck arrives before the fix that its author is later said to have made.
    let raw = officer.write(3, recheck(HAZARD, OFFICER, true));
    assert!(accepted(&officer.push(&hub, &[raw]).await));
    let raw = phone.write(2, fix(HAZARD, OFFICER));
    assert!(accepted(&phone.push(&hub, &[raw]).await));
    let row = hub.find_hazard(HAZARD).await.expect("reads").expect("stands");
    assert_eq!(
        (row.state, row.version),
        (HazardState::RecheckPassed, 2),
        "facts do not move what a ruling expects"
    );
    let close = Act::CloseHazard { hazard: HAZARD };
    assert_eq!(refused(rule(&hub, OFFICER, 2, close.clone()).await), Code::SamePerson);
    assert_eq!(
        refused(rule(&hub, BRIGADIER, 2, close.clone()).await),
        Code::SamePerson,
        "nobody else has looked"
    );
    let mut brigade = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
    let raw = brigade.write(4, recheck(HAZARD, BRIGADIER, true));
    assert!(accepted(&brigade.push(&hub, &[raw]).await));
    let command = Command { id: CommandId([6; 16]), expected_version: 2, at: noon(), act: close.clone() };
    assert_eq!(hub.command(BRIGADIER, command, clocks()).await.expect("answers"), CommandVerdict::Done(3));
    let row = hub.find_hazard(HAZARD).await.expect("reads").expect("stands");
    let closed_at = row.reading.standing_at(noon().plus_ms(1 << 40)).closed_at;
    assert_eq!(
        (row.state, closed_at),
        (HazardState::Closed, Some(noon().plus_ms(2_000))),
        "never before the recheck"
    );
    assert_eq!(refused(rule(&hub, BRIGADIER, 3, close).await), Code::WrongState);
    assert_eq!(refused(rule(&hub, BRIGADIER, 3, confirm("2020-01-22")).await), Code::WrongState);
}

#[tokio::test]
async fn the_registry_takes_entries_of_the_programmes_streets_from_who_may() {
    let hub = hub().await;
    let id = SiteId([60; 16]);
    let entry = |managed_by, at| {
        let (row, buildings) = site(id, managed_by, at);
        Act::RegisterSite(row, buildings)
    };
    let (row, mut buildings) = site(id, COMPANY, 500_110_001);
    buildings[0].id = BuildingId(SITE.0);
    let stolen = Act::RegisterSite(row.clone(), buildings);
    let nameless =
        Act::RegisterSite(louan_schema::registry::Site { name: " ".to_owned(), ..row }, Vec::new());
    let table = [
        ("a manager", MANAGER, entry(COMPANY, 500_110_001), Code::NotPermitted),
        ("a street office, in another street", CLERK, entry(COMPANY, 500_110_002), Code::NotPermitted),
        ("an unknown company", CLERK, entry(OrgId([99; 16]), 500_110_001), Code::UnknownTarget),
        ("a building registered elsewhere", CLERK, stolen, Code::WrongState),
        ("no name", CLERK, nameless, Code::Schema),
    ];
    for (name, by, act, code) in table {
        assert_eq!(refused(rule(&hub, by, 0, act).await), code, "{name}");
    }
    let office =
        Org { id: OrgId([50; 16]), kind: OrgKind::Office, name: "示例办公室".to_owned(), street: None };
    hub.add_org(office, None, clocks()).await.expect("added");
    let clerk = PersonId([51; 16]);
    let row = Person { id: clerk, org: OrgId([50; 16]), role: Role::Office, name: "示例干事".to_owned() };
    hub.add_person(row, None, clocks()).await.expect("added");
    let outside = refused(rule(&hub, clerk, 0, entry(COMPANY, 500_110_004)).await);
    assert_eq!(outside, Code::Schema, "one of the ten of 万盛经开区");
    assert_eq!(rule(&hub, clerk, 0, entry(COMPANY, 500_110_002)).await, CommandVerdict::Done(1));
    assert_eq!(refused(rule(&hub, clerk, 0, entry(OTHER_COMPANY, 500_110_002)).await), Code::VersionMoved);
    assert_eq!(rule(&hub, clerk, 1, entry(OTHER_COMPANY, 500_110_002)).await, CommandVerdict::Done(2));
    assert_eq!(
        refused(rule(&hub, CLERK, 2, entry(COMPANY, 500_110_001)).await),
        Code::UnknownTarget,
        "not his street"
    );
}

#[tokio::test]
async fn a_phones_command_travels_with_its_changes_and_comes_back_as_a_row() {
    let (hub, _) = with_hazard().await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    officer.pull(&hub, 0).await;
    let raw = officer.write(3, recheck(HAZARD, OFFICER, false));
    let command =
        Command { id: CommandId([5; 16]), expected_version: 1, at: noon(), act: confirm("2020-01-22") };
    let batch = officer.batch_of(vec![officer.book()], vec![(0, 0, raw)], vec![command.clone()]);
    let taken = officer.send(&hub, vec![batch.clone()]).await;
    assert!(accepted(&taken.changes[0]));
    assert_eq!(taken.commands[0], [CommandVerdict::Done(2)]);
    let rows = taken.items.iter().filter(|i| matches!(i, Item::Row(Row::Hazard(row)) if row.version == 2));
    assert_eq!(rows.count(), 1, "the newest body, once: {:?}", taken.items);
    let again = officer.send(&hub, vec![batch.clone()]).await;
    assert_eq!(again.commands[0], [CommandVerdict::Duplicate(2)]);
    let mut unsigned = batch;
    unsigned.commands[0].expected_version = 2;
    let taken = officer.send(&hub, vec![unsigned]).await;
    assert_eq!(
        taken.commands[0],
        [CommandVerdict::Refused(Code::BadSignature, 0)],
        "commands are signed too"
    );
    let stranger = Phone::enrolled(&hub, 46, COLLEAGUE, COMPANY).await;
    let mut posing = stranger.clone();
    posing.person = OFFICER;
    let batch = posing.batch_of(Vec::new(), Vec::new(), vec![Command { id: CommandId([8; 16]), ..command }]);
    let taken = posing.send(&hub, vec![batch]).await;
    assert_eq!(taken.commands[0], [CommandVerdict::Refused(Code::Revoked, 0)], "not a user of this phone");
}
