//! Rounds with several submissions, and the month's figures.

use louan_schema::code::{DiscoveryMethod, Outcome, Severity};
use louan_schema::fold::Fact;
use louan_schema::fold::hazard::read as read_hazard;
use louan_schema::fold::month::{Figures, RoundLine, month_figures};
use louan_schema::fold::round::{Unanswered, read, unanswered};
use louan_schema::id::{BuildingId, CommandId, OrgId, PersonId, RecordId, RoundId};
use louan_schema::policy::Policy;
use louan_schema::record::{Answer, Body, Hazard, Place, RECORD_LAYOUT, Record, Round, Withdrawal};
use louan_schema::ruling::{Act, Ruling};
use louan_schema::time::{Day, Timestamp};

const ORG: OrgId = OrgId([1; 16]);
const ROUND: RoundId = RoundId([2; 16]);
const HOUSE: BuildingId = BuildingId([3; 16]);
const OTHER: BuildingId = BuildingId([4; 16]);

fn policy() -> &'static Policy {
    Policy::qijiang_2020()
}

fn record(author: u8, when: Timestamp, body: Body) -> Record {
    Record {
        layout: RECORD_LAYOUT,
        author: PersonId([author; 16]),
        written_at: when,
        catalogue: policy().catalogue(),
        replaces: None,
        photos: Vec::new(),
        body,
    }
}

fn submission(id: u8, answers: Vec<Answer>, seen: &[u8]) -> Fact {
    through(&[HOUSE], id, answers, seen)
}

/// A submission of a visit that went through these buildings.
fn through(buildings: &[BuildingId], id: u8, answers: Vec<Answer>, seen: &[u8]) -> Fact {
    let when = Timestamp::from_ms(1_581_000_000_000 + i64::from(id));
    let round = Round {
        round: ROUND,
        opened_at: when,
        buildings: buildings.to_vec(),
        answers,
        seen: seen.iter().map(|s| RecordId([*s; 16])).collect(),
        synthetic: false,
    };
    Fact { id: RecordId([id; 16]), org: ORG, record: record(id, when, Body::Round(round)) }
}

fn answers(outcome: Outcome) -> Vec<Answer> {
    let day: Day = "2020-02-06".parse().expect("a day");
    let mut items: Vec<_> = policy().completing_items(day).map(|item| item.code).collect();
    items.sort_unstable();
    items.into_iter().map(|code| Answer::plain(code, outcome, Some(1))).collect()
}

#[test]
fn a_round_is_complete_with_all_sixteen_and_not_with_fifteen() {
    let whole = answers(Outcome::Pass);
    assert_eq!(whole.len(), 16);
    let reading = read(ROUND, &[submission(1, whole.clone(), &[])], policy()).expect("stands");
    assert!(reading.complete && !reading.is_contested());
    let reading = read(ROUND, &[submission(1, whole[..15].to_vec(), &[])], policy()).expect("stands");
    assert!(!reading.complete);
}

/// The sixteen, answered at these places.
fn at(places: &[Option<u8>]) -> Vec<Answer> {
    let at = |place: Option<u8>| answers(Outcome::Pass).into_iter().map(move |a| Answer { place, ..a });
    places.iter().copied().flat_map(at).collect()
}

/// The sixteen at these places, without one item at one of them.
fn without(places: &[Option<u8>], item: usize, place: Option<u8>) -> Vec<Answer> {
    let item = answers(Outcome::Pass)[item].item;
    at(places).into_iter().filter(|a| (a.item, a.place) != (item, place)).collect()
}

#[test]
fn a_round_is_complete_when_every_building_it_went_through_is() {
    let (first, second, shared) = (Some(1), Some(2), None);
    let both = vec![HOUSE, OTHER];
    let mut mixed = at(&[first, second]);
    mixed.retain(|a| a.item != answers(Outcome::Pass)[0].item);
    mixed.push(Answer { place: shared, ..answers(Outcome::Pass)[0].clone() });
    type Case = (&'static str, Vec<BuildingId>, Vec<Answer>, bool);
    let table: Vec<Case> = vec![
        ("one building of two", both.clone(), at(&[first]), false),
        ("the other of two", both.clone(), at(&[second]), false),
        ("both", both.clone(), at(&[first, second]), true),
        ("both, one item in one of them only", both.clone(), without(&[first, second], 8, second), false),
        ("all for the shared place", both.clone(), at(&[shared]), true),
        ("one for the shared place, the others in both", both.clone(), mixed, true),
        (
            "one building and the shared place but for an item",
            both,
            without(&[first, shared], 8, shared),
            false,
        ),
        ("shared places only", Vec::new(), at(&[shared]), true),
        ("shared places only, an item missing", Vec::new(), without(&[shared], 8, shared), false),
    ];
    for (name, buildings, answers, complete) in table {
        let reading = read(ROUND, &[through(&buildings, 1, answers, &[])], policy()).expect("stands");
        assert_eq!(reading.complete, complete, "{name}");
    }
}

#[test]
fn two_who_went_through_a_building_each_complete_the_round_together() {
    let first = through(&[HOUSE], 1, at(&[Some(1)]), &[]);
    let second = through(&[OTHER], 2, at(&[Some(1)]), &[]);
    let reading = read(ROUND, &[first.clone(), second], policy()).expect("stands");
    assert_eq!((reading.complete, reading.buildings), (true, vec![HOUSE, OTHER]));
    let half = through(&[OTHER], 2, without(&[Some(1)], 3, Some(1)), &[]);
    assert!(!read(ROUND, &[first, half], policy()).expect("stands").complete);
}

#[test]
fn what_is_unanswered_is_told_building_by_building() {
    let day: Day = "2020-02-06".parse().expect("a day");
    let items: Vec<_> = policy().completing_items(day).map(|item| item.code).collect();
    let lacking = |buildings: &[BuildingId], said: &[(Option<BuildingId>, usize)]| {
        let said: Vec<_> = said.iter().map(|(place, n)| (*place, items[*n])).collect();
        unanswered(day, buildings, |place, item| said.contains(&(place, item)), policy())
    };
    let all_but = |building, done: &[usize]| -> Vec<Unanswered> {
        let open = items.iter().enumerate().filter(|(n, _)| !done.contains(n));
        open.map(|(_, item)| Unanswered { building, item: *item }).collect()
    };
    let house = Some(HOUSE);
    assert_eq!(lacking(&[HOUSE], &[]), all_but(house, &[]));
    let expected = [all_but(house, &[2]), all_but(Some(OTHER), &[])].concat();
    assert_eq!(lacking(&[HOUSE, OTHER], &[(house, 2)]), expected, "answered in one, open in the other");
    let expected = [all_but(Some(OTHER), &[5]), all_but(house, &[5])].concat();
    assert_eq!(lacking(&[OTHER, HOUSE], &[(None, 5)]), expected, "a shared place stands for all");
    assert_eq!(lacking(&[], &[(None, 5), (house, 6)]), all_but(None, &[5]), "without a building");
}

#[test]
fn unseen_submissions_stay_contested_and_the_worst_answer_counts() {
    let pass = submission(1, answers(Outcome::Pass), &[]);
    let fail = submission(2, answers(Outcome::Fail), &[]);
    let reading = read(ROUND, &[pass.clone(), fail.clone()], policy()).expect("stands");
    assert_eq!((reading.is_contested(), reading.failed_count()), (true, 16));
    let settled = submission(3, answers(Outcome::Pass), &[1, 2]);
    let reading = read(ROUND, &[pass, fail, settled], policy()).expect("stands");
    assert_eq!((reading.is_contested(), reading.failed_count()), (false, 0));
}

#[test]
fn a_round_whose_only_submission_is_withdrawn_does_not_count() {
    let target = RecordId([1; 16]);
    let when = Timestamp::from_ms(1_581_000_000_000);
    let body = Body::Withdrawal(Withdrawal { target, reason: "填错楼栋".into() });
    let taken_back = Fact { id: RecordId([9; 16]), org: ORG, record: record(1, when, body) };
    assert!(read(ROUND, &[submission(1, answers(Outcome::Pass), &[]), taken_back], policy()).is_none());
}

fn hazard(found_on: &str, due_on: Option<&str>) -> louan_schema::fold::hazard::HazardReading {
    let found_at = found_on.parse::<Day>().expect("a day").start().plus_ms(3_600_000);
    let id = RecordId([5; 16]);
    let body = Body::Hazard(Hazard {
        code: "H1.06".parse().expect("a leaf"),
        place: Place { buildings: vec![HOUSE], shared: false, floor: None, spot: None },
        text: String::new(),
        found_at,
        method: DiscoveryMethod::SelfCheck,
        severity: Severity::Serious,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    });
    let fact = Fact { id, org: ORG, record: record(1, found_at, body) };
    let rulings: Vec<Ruling> = due_on
        .map(|due| Ruling {
            command: CommandId([1; 16]),
            by: PersonId([1; 16]),
            org: ORG,
            at: found_at.plus_ms(86_400_000),
            act: Act::ConfirmHazard {
                hazard: id,
                severity: Severity::Serious,
                due_on: due.parse().expect("a day"),
            },
        })
        .into_iter()
        .collect();
    read_hazard(id, &[fact], &rulings).expect("its record is here")
}

#[test]
fn the_total_is_the_sum_and_a_street_without_anything_still_has_its_row() {
    let streets: Vec<_> = louan_schema::area::streets().iter().map(|s| s.code).collect();
    assert_eq!(streets.len(), 21);
    let cut_off: Day = "2020-03-31".parse().expect("a day");
    let rounds = [
        RoundLine { street: streets[0], opened_at: cut_off.end().plus_ms(-1) },
        RoundLine { street: streets[0], opened_at: cut_off.end() },
        RoundLine { street: streets[4], opened_at: cut_off.start() },
    ];
    let due = hazard("2020-03-31", Some("2020-03-31"));
    let open = hazard("2020-03-01", Some("2020-04-30"));
    let unconfirmed = hazard("2020-03-01", None);
    let hazards = [(streets[0], &due), (streets[0], &open), (streets[1], &unconfirmed)];
    let month = month_figures(&streets, rounds, hazards, cut_off.end());
    assert_eq!(month.rows.len(), 21);
    let expected = Figures { rounds: 1, hazards_found: 2, overdue: 1, ..Figures::default() };
    assert_eq!(month.rows[0].1, expected, "found on the last day, due at once, confirmed the day after");
    assert_eq!(month.rows[1].1, Figures { unconfirmed: 1, ..Figures::default() });
    assert_eq!(
        month.total,
        Figures { rounds: 2, hazards_found: 2, overdue: 1, unconfirmed: 1, ..Figures::default() }
    );
    assert_eq!(month.rows[20].1, Figures::default());
}
