//! A replay small enough to work out by hand, whole: phones, hub, ledger, figures, and the independent script over the
//! same rows.
//!
//! Its rows stand on the edges of the mapping (R1–R9): no event of the real file falls on a cut-off, and at the four
//! dates the real figures are the same whether or not the last closing wins.

use std::path::Path;

use louan_schema::fold::month::Figures;
use louan_schema::time::Day;

use super::compare::{Visits, held, independent, same_visits};
use super::ledger::Ledger;
use super::{Options, Outcome, Source, at_rest, cut_off_days, replay, scratch};
use crate::cast::Cast;
use crate::world::{hub_on_disk, introduce};

/// To the millisecond 24:00 of 2020-07-11.
const AT_CUT_OFF: &str = "2018-05-06T00:00:00";
/// 173 seconds of the programme earlier.
const JUST_BEFORE: &str = "2018-05-05T23:51:51";
/// D1: due the same day.
const AT_ONCE: &str = "2.4.1.1 Accumulation of combustible materials";
/// In no map: H4.99, due after thirty days.
const ODD: &str = "odd";

/// Address, opened, closed, violation: what happens around that midnight.
const ROWS: [[&str; 4]; 9] = [
    // Opened exactly then: not yet.
    ["10 First St", AT_CUT_OFF, AT_CUT_OFF, AT_ONCE],
    // Due that day, closed exactly then, twice: two hazards, overdue.
    ["10 First St", JUST_BEFORE, AT_CUT_OFF, AT_ONCE],
    ["10 First St", JUST_BEFORE, AT_CUT_OFF, AT_ONCE],
    // Found on 06-11, due on 07-11: overdue.
    ["40 Fourth St", "2018-02-08T17:54:00", "2019-01-01T00:00:00", ODD],
    // Found on 06-12, due on 07-12: not overdue yet.
    ["40 Fourth St", "2018-02-11T11:06:00", "2019-01-01T00:00:00", ODD],
    // A round without hazards.
    ["40 Fourth St", "2017-01-02T00:00:00", "2017-01-02T00:00:00", ""],
    // One visit, two closings, of which the last wins: overdue.
    ["30 Third St", "2017-06-01T08:00:00", "2017-06-02T08:00:00", AT_ONCE],
    ["30 Third St", "2017-06-01T08:00:00", AT_CUT_OFF, ODD],
    // Late, but disposed of before: closed, overdue no more.
    ["30 Third St", "2018-04-01T00:00:00", JUST_BEFORE, AT_ONCE],
];

/// The rows as a file of the same form.
fn file() -> String {
    let mut csv = "_id,Inspections.ClosedDate,inspections.OpenedDate,propertyAddress,\
                   violations.violationDescription,violations.violationFireCode\n"
        .to_owned();
    for (n, [address, opened, closed, violation]) in ROWS.iter().enumerate() {
        csv += &format!("{n},{closed},{opened},{address},\"{violation}\",\n");
    }
    csv
}

/// The same rows by the independent script.
fn theirs() -> Visits {
    let folder = scratch().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, file()).expect("writes");
    independent(Some(&path)).expect("counts").visits
}

async fn played(folder: &Path) -> (louan_server::hub::Hub, Outcome) {
    let source = Source::read(file().as_bytes()).expect("reads");
    let hub = hub_on_disk(&folder.join("server.sqlite")).await;
    let cast = Cast::of_the_district();
    introduce(&hub, &cast, source.visits[0].opened_at).await;
    let mut progress = |_: usize, _: usize| {};
    let options = Options { seed: 1, last_day: cut_off_days()[3], folder, progress: &mut progress };
    let outcome = replay(&source, &hub, &cast, options).await;
    (hub, outcome)
}

fn on(day: &str) -> Day {
    day.parse().expect("a day")
}

/// Makes one row of a table say something else, behind the hub's back.
fn altered(folder: &Path, update: &str, of: &[&[u8]]) {
    let database = rusqlite::Connection::open(folder.join("server.sqlite")).expect("opens");
    let altered = database.execute(update, rusqlite::params_from_iter(of)).expect("updates");
    assert_eq!(altered, 1, "{update}");
}

#[tokio::test]
async fn nine_rows_on_the_edges_give_what_was_worked_out_by_hand_and_what_the_script_derives() {
    let folder = scratch().expect("a folder");
    let (hub, outcome) = played(folder.path()).await;
    assert_eq!((outcome.sites, outcome.visits, outcome.hazards), (3, 7, 8));
    assert_eq!(at_rest(&outcome.phones), Ok([0, 0, 0]));
    let ours = held(&Ledger::read(&hub).await.expect("reads")).expect("whole");
    assert_eq!(ours.values().map(|visit| visit.hazards.len()).sum::<usize>(), 8);
    assert_eq!(same_visits(&ours, &theirs()), Ok(()));
    let at_midnight =
        Figures { rounds: 6, hazards_found: 7, disposed: 1, closed: 1, overdue: 5, unconfirmed: 0 };
    assert_eq!(hub.month(on("2020-07-11").end()).await.expect("folds").total, at_midnight);
    let a_day_later =
        Figures { rounds: 7, hazards_found: 8, disposed: 6, closed: 6, overdue: 2, unconfirmed: 0 };
    assert_eq!(hub.month(on("2020-07-12").end()).await.expect("folds").total, a_day_later);
}

#[tokio::test]
async fn one_altered_row_is_seen_and_made_again_by_a_rebuild() {
    let folder = scratch().expect("a folder");
    let (hub, _) = played(folder.path()).await;
    let incremental = Ledger::read(&hub).await.expect("reads");
    assert_eq!((incremental.rounds.len(), incremental.hazards.len()), (7, 8));
    let round = &incremental.rounds[3];
    altered(folder.path(), "UPDATE round_row SET failed = failed + 1 WHERE id = ?1", &[&round.id.0]);
    let what =
        incremental.same(&Ledger::read(&hub).await.expect("reads")).expect_err("one failed answer more");
    assert!(what.contains("rounds"), "{what}");
    hub.rebuild().await.expect("rebuilds");
    assert_eq!(incremental.same(&Ledger::read(&hub).await.expect("reads")), Ok(()));
    let mut row = incremental.hazards[5].clone();
    row.reading.text.push('!');
    let spoilt = minicbor::to_vec(&row).expect("encodes");
    let update = "UPDATE hazard_row SET bytes = ?1 WHERE id = ?2";
    altered(folder.path(), update, &[&spoilt, &row.reading.id.0]);
    let what = incremental.same(&Ledger::read(&hub).await.expect("reads")).expect_err("a letter more");
    assert!(what.contains("hazards"), "{what}");
    let figures = hub.month(on("2020-12-31").end()).await.expect("folds");
    assert_eq!((figures.total.rounds, figures.total.closed), (7, 8), "the figures alone see nothing");
    hub.rebuild().await.expect("rebuilds");
    assert_eq!(incremental.same(&Ledger::read(&hub).await.expect("reads")), Ok(()));
}

/// What has to be said, and what brings it about.
type Alteration = (&'static str, fn(&mut Ledger));

#[tokio::test]
async fn a_round_that_is_not_complete_and_a_hazard_that_is_not_closed_are_told() {
    let folder = scratch().expect("a folder");
    let (hub, _) = played(folder.path()).await;
    let whole = Ledger::read(&hub).await.expect("reads");
    assert!(held(&whole).is_ok());
    let alterations: [Alteration; 5] = [
        ("sixteen", |l| l.rounds[2].complete = false),
        ("sixteen", |l| l.rounds[2].contested = true),
        ("two rounds", |l| l.rounds.push(l.rounds[2].clone())),
        ("not confirmed, disposed of and closed", |l| l.hazards[2].reading.events.truncate(1)),
        ("of no round", |l| l.rounds.retain(|round| round.site != l.hazards[2].site)),
    ];
    for (said, alter) in alterations {
        let mut other = whole.clone();
        alter(&mut other);
        let what = held(&other).expect_err(said);
        assert!(what.contains(said), "{said}: {what}");
    }
}
