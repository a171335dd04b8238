//! Who may rule what, by the state of what is ruled: role × action × state, every cell asked of a whole hub.
//!
//! The golden file is the table people read. After a change that was meant, look at every line, then write it anew:
//! `RULINGS=write cargo test --workspace --test ruling_matrix`.

mod kit;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use kit::{
    BRIGADE, BRIGADIER, COMPANY, ELSEWHERE, MANAGER, OFFICER, POLICE, Phone, SITE, STREET, accepted, clocks,
    fix, hazard, hub, recheck, rule, site, street,
};
use louan_schema::code::{HazardState, OrgKind, Role, Severity};
use louan_schema::id::{BuildingId, OrgId, PersonId, RecordId, SiteId};
use louan_schema::record::{Body, Withdrawal};
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::Act;
use louan_schema::wire::CommandVerdict;
use louan_server::hub::Hub;

const HAZARD: RecordId = RecordId([1; 16]);
/// The street of the compound, and another.
const HERE: u32 = 500_110_001;
const ELSE: u32 = 500_110_002;

/// Everybody who might ask: each role in each kind of organisation that appoints it, here and, where the kind has a
/// street, in another street.
async fn askers(hub: &Hub) -> Vec<(String, PersonId)> {
    let mut askers = Vec::new();
    let mut number = 100;
    for kind in OrgKind::ALL {
        let local = !matches!(
            kind,
            OrgKind::LeadingGroup
                | OrgKind::Office
                | OrgKind::SafetyOffice
                | OrgKind::Brigade
                | OrgKind::Operator
        );
        for (place, at) in [("", HERE), ("_elsewhere", ELSE)].into_iter().take(if local { 2 } else { 1 }) {
            let own = match (kind, at) {
                (OrgKind::Police, HERE) => Some(POLICE),
                (OrgKind::PropertyManager, HERE) => Some(COMPANY),
                (OrgKind::Street, HERE) => Some(STREET),
                (OrgKind::Brigade, _) => Some(BRIGADE),
                _ => None,
            };
            let org = own.unwrap_or(OrgId([number; 16]));
            if own.is_none() {
                let of = local.then(|| street(at));
                let row = Org { id: org, kind: *kind, name: format!("示例单位{number}"), street: of };
                hub.add_org(row, None, clocks()).await.expect("a new organisation");
            }
            for role in Role::ALL.iter().filter(|role| kind.appoints(**role)) {
                number += 1;
                let id = PersonId([number; 16]);
                let row = Person { id, org, role: *role, name: format!("示例人员{number}") };
                hub.add_person(row, None, clocks()).await.expect("a new person");
                askers.push((format!("{}@{}{place}", role.as_str(), kind.as_str()), id));
            }
            number += 1;
        }
    }
    askers
}

fn confirm(severity: Severity) -> Act {
    let due_on = "2020-01-22".parse().expect("a day");
    Act::ConfirmHazard { hazard: HAZARD, severity, due_on }
}

/// A hub with a hazard that stands in this state.
async fn standing(state: HazardState) -> Hub {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut write = async |number: u8, body: Body| {
        let raw = phone.write(number, body);
        assert!(accepted(&phone.push(&hub, &[raw]).await));
    };
    write(1, Body::Hazard(hazard("楼梯间堆放杂物"))).await;
    if state == HazardState::Void {
        write(2, Body::Withdrawal(Withdrawal { target: HAZARD, reason: "重复填报".to_owned() })).await;
    } else if state != HazardState::Reported {
        assert_eq!(rule(&hub, OFFICER, 1, confirm(Severity::Serious)).await, CommandVerdict::Done(2));
    }
    if matches!(state, HazardState::FixReported | HazardState::RecheckPassed | HazardState::Closed) {
        write(3, fix(HAZARD, MANAGER)).await;
    }
    if matches!(state, HazardState::RecheckPassed | HazardState::Closed) {
        let mut brigade = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
        let raw = brigade.write(4, recheck(HAZARD, BRIGADIER, true));
        assert!(accepted(&brigade.push(&hub, &[raw]).await));
    }
    if state == HazardState::Closed {
        let close = Act::CloseHazard { hazard: HAZARD };
        assert_eq!(rule(&hub, OFFICER, 2, close).await, CommandVerdict::Done(3));
    }
    let row = hub.find_hazard(HAZARD).await.expect("reads").expect("stands");
    assert_eq!(row.state, state);
    hub
}

/// What everybody is answered who asks for this, in the order of [`askers`], each where nobody has asked before him.
async fn answers(state: HazardState, act: &Act) -> Vec<(String, &'static str)> {
    let mut told = Vec::new();
    let mut fresh = (standing(state).await, Vec::new());
    loop {
        let hub = &fresh.0;
        if fresh.1.is_empty() {
            fresh.1 = askers(hub).await;
        }
        let Some((name, person)) = fresh.1.get(told.len()) else { return told };
        let version = match act {
            Act::RegisterSite(site, _) => {
                hub.find_site(site.id).await.expect("reads").map_or(0, |row| row.version)
            }
            _ => hub.find_hazard(HAZARD).await.expect("reads").map_or(0, |row| row.version),
        };
        match rule(hub, *person, version, act.clone()).await {
            CommandVerdict::Refused(code, _) => told.push((name.clone(), code.name())),
            CommandVerdict::Done(_) | CommandVerdict::Duplicate(_) => {
                told.push((name.clone(), "done"));
                // Nobody's answer is to depend on what the one before him did.
                fresh = (standing(state).await, Vec::new());
            }
        }
    }
}

/// Who is answered alike in every case stands together: `case=answer …`, and below it the names.
fn put(table: &mut String, title: &str, cases: &[(&str, Vec<(String, &'static str)>)]) {
    writeln!(table, "{title}").expect("writes");
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (n, (name, _)) in cases[0].1.iter().enumerate() {
        let words: Vec<_> = cases.iter().map(|(case, told)| format!("{case}={}", told[n].1)).collect();
        alike.entry(words.join(" ")).or_default().push(name);
    }
    for (words, names) in alike {
        writeln!(table, "  {words}").expect("writes");
        for names in names.chunks(4) {
            writeln!(table, "    {}", names.join(" ")).expect("writes");
        }
    }
}

#[tokio::test]
async fn everybody_is_answered_about_everything_in_every_state_as_the_golden_says() {
    let mut table = String::new();
    let mut building = site(ELSEWHERE, COMPANY, HERE).1;
    (building[0].id, building[0].site) = (BuildingId(SITE.0), SITE);
    let mut cases = Vec::new();
    for (case, (site, buildings)) in [
        ("new", site(SiteId([77; 16]), COMPANY, HERE)),
        ("in_another_street", site(SiteId([78; 16]), COMPANY, ELSE)),
        ("standing", (site(SITE, COMPANY, HERE).0, building)),
    ] {
        cases.push((case, answers(HazardState::Reported, &Act::RegisterSite(site, buildings)).await));
    }
    put(&mut table, "register_building", &cases);
    for (title, act) in [
        ("confirm_hazard", confirm(Severity::Serious)),
        ("confirm_hazard as suspected major", confirm(Severity::SuspectedMajor)),
        ("close_hazard", Act::CloseHazard { hazard: HAZARD }),
    ] {
        let mut cases = Vec::new();
        for state in HazardState::ALL {
            cases.push((state.as_str(), answers(*state, &act).await));
        }
        put(&mut table, title, &cases);
    }
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rulings.txt");
    if std::env::var("RULINGS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&golden, &table).expect("writes");
    }
    let known = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        table == known,
        "who may rule what has changed; look at every line, then run with RULINGS=write:\n{table}"
    );
}
