//! A hazard's state, as a table: what was said, what was ruled, what stands.

use louan_schema::code::{DiscoveryMethod, HazardState, Severity};
use louan_schema::fold::Fact;
use louan_schema::fold::hazard::{HazardReading, StopStanding, may_recheck, read, root};
use louan_schema::id::{BuildingId, CommandId, OrgId, PersonId, RecordId};
use louan_schema::record::{
    Body, Fix, Hazard, Place, RECORD_LAYOUT, Recheck, Record, StopReport, Withdrawal,
};
use louan_schema::ruling::{Act, Ruling};
use louan_schema::time::{Day, Timestamp};
use proptest::prelude::*;

const ORG: OrgId = OrgId([1; 16]);
const POLICE: OrgId = OrgId([2; 16]);
const FINDER: PersonId = PersonId([3; 16]);
const FIXER: PersonId = PersonId([4; 16]);
const CHECKER: PersonId = PersonId([5; 16]);
const HAZARD: RecordId = RecordId([10; 16]);

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn fact(id: u8, org: OrgId, author: PersonId, when: Timestamp, body: Body) -> Fact {
    let record = Record {
        layout: RECORD_LAYOUT,
        author,
        written_at: when,
        catalogue: 1,
        replaces: None,
        photos: Vec::new(),
        body,
    };
    Fact { id: RecordId([id; 16]), org, record }
}

fn found(when: &str) -> Fact {
    let hazard = Hazard {
        code: "H1.06".parse().expect("a leaf"),
        place: Place {
            buildings: vec![BuildingId([7; 16])],
            shared: false,
            floor: Some("负3".into()),
            spot: None,
        },
        text: "堆放杂物".into(),
        found_at: at(when),
        method: DiscoveryMethod::SelfCheck,
        severity: Severity::Serious,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    };
    Fact { id: HAZARD, ..fact(10, ORG, FINDER, at(when), Body::Hazard(hazard)) }
}

fn fix(id: u8, when: &str) -> Fact {
    let body = Fix {
        hazard: HAZARD,
        fixed_at: at(when),
        fixed_by: FIXER,
        measures: "已清理".into(),
        cost_fen: None,
    };
    fact(id, ORG, FIXER, at(when), Body::Fix(body))
}

fn recheck(id: u8, when: &str, passed: bool) -> Fact {
    let body = Recheck {
        hazard: HAZARD,
        checked_at: at(when),
        checked_by: CHECKER,
        passed,
        text: "现场查看".into(),
    };
    fact(id, POLICE, CHECKER, at(when), Body::Recheck(body))
}

/// Work stopped and reported to the police, each at an instant or not yet.
fn stop(id: u8, stopped: Option<&str>, reported: Option<&str>) -> Fact {
    let body = StopReport {
        hazard: HAZARD,
        stopped_at: stopped.map(at),
        reported_at: reported.map(at),
        reported_to: reported.map(|_| POLICE),
        text: "已责令停工".into(),
    };
    fact(id, ORG, FINDER, at("2020-02-05T12:00:00+08:00"), Body::StopReport(body))
}

fn withdrawal(id: u8, org: OrgId, target: RecordId) -> Fact {
    let body = Withdrawal { target, reason: "重复填报".into() };
    fact(id, org, FINDER, at("2020-02-20T10:00:00+08:00"), Body::Withdrawal(body))
}

fn confirmed(when: &str, due: &str) -> Ruling {
    ruled(when, Act::ConfirmHazard { hazard: HAZARD, severity: Severity::Severe, due_on: day(due) })
}

fn closed(when: &str) -> Ruling {
    ruled(when, Act::CloseHazard { hazard: HAZARD })
}

fn ruled(when: &str, act: Act) -> Ruling {
    Ruling { command: CommandId([8; 16]), by: CHECKER, org: POLICE, at: at(when), act }
}

fn reading(facts: &[Fact], rulings: &[Ruling]) -> HazardReading {
    read(HAZARD, facts, rulings).expect("its record is here")
}

#[test]
fn the_state_follows_the_table() {
    let f = || found("2020-02-01T09:00:00+08:00");
    let c = || confirmed("2020-02-02T09:00:00+08:00", "2020-03-31");
    let fix1 = || fix(20, "2020-02-10T09:00:00+08:00");
    let fix2 = || fix(21, "2020-02-15T09:00:00+08:00");
    let bad = || recheck(30, "2020-02-12T09:00:00+08:00", false);
    let good = || recheck(31, "2020-02-16T09:00:00+08:00", true);
    let done = || closed("2020-02-17T09:00:00+08:00");
    let late_bad = || recheck(32, "2020-02-18T09:00:00+08:00", false);
    type Case = (&'static str, Vec<Fact>, Vec<Ruling>, HazardState, bool);
    let table: Vec<Case> = vec![
        ("reported", vec![f()], vec![], HazardState::Reported, false),
        ("confirmed", vec![f()], vec![c()], HazardState::Rectifying, false),
        ("fixed", vec![f(), fix1()], vec![c()], HazardState::FixReported, true),
        ("recheck failed", vec![f(), fix1(), bad()], vec![c()], HazardState::Rectifying, false),
        ("fixed again", vec![f(), fix1(), bad(), fix2()], vec![c()], HazardState::FixReported, true),
        ("passed", vec![f(), fix1(), bad(), fix2(), good()], vec![c()], HazardState::RecheckPassed, true),
        ("closed", vec![f(), fix2(), good()], vec![c(), done()], HazardState::Closed, true),
        (
            "said after closure",
            vec![f(), fix2(), good(), late_bad()],
            vec![c(), done()],
            HazardState::Closed,
            true,
        ),
        (
            "a passed recheck without a fix decides nothing",
            vec![f(), good()],
            vec![c()],
            HazardState::Rectifying,
            false,
        ),
        ("withdrawn", vec![f(), withdrawal(40, ORG, HAZARD)], vec![c()], HazardState::Void, false),
        (
            "withdrawn by a stranger",
            vec![f(), withdrawal(40, POLICE, HAZARD)],
            vec![c()],
            HazardState::Rectifying,
            false,
        ),
        (
            "fix withdrawn",
            vec![f(), fix1(), withdrawal(41, ORG, RecordId([20; 16]))],
            vec![c()],
            HazardState::Rectifying,
            false,
        ),
    ];
    for (name, facts, rulings, state, disposed) in table {
        let standing = reading(&facts, &rulings).standing(at("2020-03-01T00:00:00+08:00"));
        assert_eq!((standing.state, standing.disposed_at.is_some()), (state, disposed), "{name}");
    }
}

#[test]
fn the_due_day_itself_is_in_time() {
    let hazard = reading(
        &[found("2020-02-01T09:00:00+08:00")],
        &[confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")],
    );
    let last_moment = day("2020-03-31").end().plus_ms(-1);
    assert!(!hazard.standing_at(last_moment).overdue);
    assert!(hazard.standing_at(day("2020-03-31").end()).overdue, "24:00 of the day is past it");
    assert!(hazard.standing(day("2020-04-01").start()).overdue);
}

#[test]
fn a_fix_stops_the_clock_before_anyone_has_looked() {
    let facts = [found("2020-02-01T09:00:00+08:00"), fix(20, "2020-03-31T23:59:59+08:00")];
    let hazard = reading(&facts, &[confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")]);
    assert!(!hazard.standing(day("2020-06-01").start()).overdue);
}

#[test]
fn what_happens_at_the_cut_off_belongs_to_the_next_period() {
    let facts = [found("2020-02-01T09:00:00+08:00"), fix(20, "2020-04-01T00:00:00+08:00")];
    let hazard = reading(&facts, &[confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")]);
    let standing = hazard.standing_at(day("2020-03-31").end());
    assert!(standing.overdue && standing.disposed_at.is_none());
}

#[test]
fn a_correction_counts_instead_of_what_it_corrects() {
    let original = found("2020-02-01T09:00:00+08:00");
    let mut corrected = found("2020-02-01T09:00:00+08:00");
    corrected.id = RecordId([11; 16]);
    corrected.record.replaces = Some(HAZARD);
    corrected.record.written_at = at("2020-02-03T09:00:00+08:00");
    if let Body::Hazard(h) = &mut corrected.record.body {
        h.text = "三楼堆放杂物".into();
    }
    let mut second = corrected.clone();
    second.id = RecordId([12; 16]);
    second.record.written_at = at("2020-02-02T09:00:00+08:00");
    if let Body::Hazard(h) = &mut second.record.body {
        h.text = "较早的更正".into();
    }
    for facts in
        [vec![original.clone(), corrected.clone(), second.clone()], vec![second, corrected.clone(), original]]
    {
        let hazard = reading(&facts, &[]);
        assert_eq!((hazard.id, hazard.text.as_str()), (HAZARD, "三楼堆放杂物"));
    }
    assert_eq!(root(corrected.id, |id| (id == corrected.id).then_some(HAZARD)), HAZARD);
    assert_eq!(root(HAZARD, |id| Some(RecordId([id.0[0] ^ 1; 16]))), HAZARD, "a circle ends");
}

#[test]
fn who_fixed_may_not_check() {
    let facts = [found("2020-02-01T09:00:00+08:00"), fix(20, "2020-02-10T09:00:00+08:00")];
    assert!(!may_recheck(FIXER, &facts));
    assert!(may_recheck(CHECKER, &facts));
}

#[test]
fn a_stranger_s_record_does_not_replace_ours() {
    let mut foreign = fix(50, "2020-02-10T09:00:00+08:00");
    foreign.org = POLICE;
    foreign.record.replaces = Some(HAZARD);
    let hazard = reading(&[found("2020-02-01T09:00:00+08:00"), foreign], &[]);
    assert!(!hazard.void);
}

#[test]
fn work_is_stopped_and_reported_once_both_instants_are_known() {
    let (nine, ten) = ("2020-02-05T09:00:00+08:00", "2020-02-05T10:00:00+08:00");
    let corrected = || {
        let mut fact = stop(61, Some(nine), Some(ten));
        fact.record.replaces = Some(RecordId([60; 16]));
        fact
    };
    type Case = (&'static str, Vec<Fact>, Option<(Option<&'static str>, Option<&'static str>, bool)>);
    let table: Vec<Case> = vec![
        ("nothing said", vec![], None),
        ("both", vec![stop(60, Some(nine), Some(ten))], Some((Some(nine), Some(ten), true))),
        ("reported first", vec![stop(60, Some(ten), Some(nine))], Some((Some(ten), Some(nine), true))),
        ("stopped only", vec![stop(60, Some(nine), None)], Some((Some(nine), None, false))),
        ("reported only", vec![stop(60, None, Some(ten))], Some((None, Some(ten), false))),
        (
            "a record each",
            vec![stop(60, Some(nine), None), stop(61, None, Some(ten))],
            Some((Some(nine), Some(ten), true)),
        ),
        (
            "stopped and reported twice: the first time counts",
            vec![stop(60, Some(ten), Some(ten)), stop(61, Some(nine), Some(nine))],
            Some((Some(nine), Some(nine), true)),
        ),
        ("corrected", vec![stop(60, Some(ten), None), corrected()], Some((Some(nine), Some(ten), true))),
        ("withdrawn", vec![stop(60, Some(nine), Some(ten)), withdrawal(62, ORG, RecordId([60; 16]))], None),
        (
            "withdrawn by a stranger",
            vec![stop(60, Some(nine), None), withdrawal(62, POLICE, RecordId([60; 16]))],
            Some((Some(nine), None, false)),
        ),
    ];
    for (name, mut facts, expected) in table {
        facts.push(found("2020-02-01T09:00:00+08:00"));
        let hazard = reading(&facts, &[confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")]);
        let expected = expected.map(|(stopped, reported, complete)| {
            let reported_at: Option<Timestamp> = reported.map(at);
            let reported_to = reported_at.map(|_| POLICE);
            (StopStanding { stopped_at: stopped.map(at), reported_at, reported_to }, complete)
        });
        let found = hazard.stop_standing().map(|stop| (stop, stop.is_complete()));
        assert_eq!(found, expected, "{name}");
        let standing = hazard.standing(at("2020-04-01T00:00:00+08:00"));
        assert_eq!(
            (standing.state, standing.overdue),
            (HazardState::Rectifying, true),
            "{name}: the danger is as it was"
        );
    }
}

#[test]
fn a_row_without_a_stop_has_the_bytes_it_had_before_there_were_any() {
    let plain = reading(&[found("2020-02-01T09:00:00+08:00")], &[]);
    let bytes = minicbor::to_vec(&plain).expect("encodes");
    assert_eq!(bytes[0], 0xa8, "a map of the eight fields from before");
    assert_eq!(minicbor::decode::<HazardReading>(&bytes).expect("reads"), plain);
    let stopped = reading(
        &[found("2020-02-01T09:00:00+08:00"), stop(60, Some("2020-02-05T09:00:00+08:00"), None)],
        &[],
    );
    let bytes = minicbor::to_vec(&stopped).expect("encodes");
    assert_eq!(minicbor::decode::<HazardReading>(&bytes).expect("reads"), stopped);
    assert_eq!(stopped.stops.len(), 1);
}

proptest! {
    #[test]
    fn a_reading_does_not_depend_on_the_order_of_arrival(order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle()) {
        let facts = [
            found("2020-02-01T09:00:00+08:00"),
            fix(20, "2020-02-10T09:00:00+08:00"),
            recheck(30, "2020-02-12T09:00:00+08:00", false),
            fix(21, "2020-02-15T09:00:00+08:00"),
            recheck(31, "2020-02-16T09:00:00+08:00", true),
            withdrawal(41, ORG, RecordId([20; 16])),
            stop(60, Some("2020-02-05T09:00:00+08:00"), None),
            stop(61, None, Some("2020-02-05T09:00:00+08:00")),
        ];
        let rulings = [confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")];
        let shuffled: Vec<Fact> = order.iter().map(|i| facts[*i].clone()).collect();
        prop_assert_eq!(reading(&shuffled, &rulings), reading(&facts, &rulings));
    }

    #[test]
    fn once_overdue_and_untouched_always_overdue(days in 0_i32..400, later in 0_i32..400) {
        let hazard = reading(&[found("2020-02-01T09:00:00+08:00")], &[confirmed("2020-02-02T09:00:00+08:00", "2020-03-31")]);
        let first = day("2020-02-01").plus_days(days);
        let overdue = |d: Day| hazard.standing_at(d.start()).overdue;
        prop_assert!(!overdue(first) || overdue(first.plus_days(later)));
    }
}
