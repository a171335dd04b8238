//! What we hold beside what an independent script derived: figures to the unit, and below
//! them visit by visit and hazard by hazard, because equal sums can hide unequal parts.
//!
//! It decides nothing: whatever differs is told with both sides, and the first is enough.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use louan_schema::fold::month::{Figures, MonthFigures};
use louan_schema::time::Timestamp;
use louan_server::hub::Hub;

use super::cut_off_days;
use super::ledger::Ledger;
use super::source::folder;

/// Rounds, found, disposed, closed, overdue.
type Row = [u64; 5];

/// What the independent script counted: per date, per street code, and in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    date: String,
    rows: Vec<(u32, Row)>,
    total: Row,
}

/// A hazard as both sides know it; the order is that of its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HazardFact {
    /// Leaf of the taxonomy.
    pub code: String,
    /// The file's own words.
    pub text: String,
    /// The last day on which it may stand open.
    pub due_on: String,
    /// When the danger was gone, in milliseconds since 1970.
    pub disposed_ms: i64,
    /// When it was closed.
    pub closed_ms: i64,
}

/// A visit as both sides know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitFact {
    /// Number of the 街镇.
    pub street: u32,
    /// What was found, in order.
    pub hazards: Vec<HazardFact>,
}

/// Visits by address and opening, in milliseconds since 1970.
pub type Visits = BTreeMap<(String, i64), VisitFact>;

/// What the independent script says.
pub struct Independent {
    /// Its figures at the four dates.
    pub figures: Vec<Counted>,
    /// What it derived for every visit and hazard.
    pub visits: Visits,
}

/// Runs the independent script over the shipped inspections, or over another file of the same form.
///
/// # Errors
/// What it said when it could not count.
pub fn independent(inspections: Option<&Path>) -> Result<Independent, String> {
    let scratch = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let facts = scratch.path().join("facts.jsonl");
    let script = folder().with_file_name("replay").join("independent_count.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--facts").arg(&facts);
    if let Some(file) = inspections {
        command.arg("--inspections").arg(file);
    }
    let output = command.output().map_err(|e| format!("python3: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    let list = json["cut_offs"].as_array().ok_or("no cut-offs in the independent count")?;
    let figures = list.iter().map(counted).collect::<Result<_, _>>()?;
    let lines = std::fs::read_to_string(&facts).map_err(|e| format!("facts: {e}"))?;
    Ok(Independent { figures, visits: derived(&lines)? })
}

/// The facts the script wrote, each visit followed by its hazards.
fn derived(lines: &str) -> Result<Visits, String> {
    let mut visits = Visits::new();
    let mut keys = BTreeMap::new();
    for line in lines.lines() {
        let json: serde_json::Value = serde_json::from_str(line).map_err(|e| format!("a fact: {e}"))?;
        let number = |name: &str| json[name].as_i64().ok_or_else(|| format!("no {name} in {line}"));
        let text = |name: &str| json[name].as_str().ok_or_else(|| format!("no {name} in {line}"));
        let street = text("street_code")?.parse().map_err(|e| format!("a street: {e}"))?;
        if text("kind")? == "visit" {
            let key = (text("address")?.to_owned(), number("opened_ms")?);
            keys.insert(number("visit")?, key.clone());
            if visits.insert(key, VisitFact { street, hazards: Vec::new() }).is_some() {
                return Err(format!("a visit stands twice: {line}"));
            }
            continue;
        }
        let visit = keys.get(&number("visit")?).and_then(|key| Some((key.1, visits.get_mut(key)?)));
        let Some((opened_ms, visit)) = visit else { return Err(format!("a hazard of no visit: {line}")) };
        if visit.street != street || opened_ms != number("found_ms")? {
            return Err(format!("a hazard that is not where and when its visit is: {line}"));
        }
        visit.hazards.push(HazardFact {
            code: text("hazard_code")?.to_owned(),
            text: text("text")?.to_owned(),
            due_on: text("due_on")?.to_owned(),
            disposed_ms: number("disposed_ms")?,
            closed_ms: number("closed_ms")?,
        });
    }
    visits.values_mut().for_each(|visit| visit.hazards.sort());
    Ok(visits)
}

/// The ledger in the same words.
///
/// # Errors
/// A row that no visit of the file can have made: two rounds of one visit, one without all sixteen answers or with a
/// contradiction, a hazard that belongs to no round or whose life did not end.
pub fn held(ledger: &Ledger) -> Result<Visits, String> {
    let mut visits = Visits::new();
    let place = |id| ledger.sites.get(&id).ok_or_else(|| format!("a row of the unregistered compound {id}"));
    for round in &ledger.rounds {
        let site = place(round.site)?;
        if !round.complete || round.contested {
            return Err(format!("all sixteen were answered in agreement, but the ledger says {round:?}"));
        }
        let visit = VisitFact { street: site.street.number(), hazards: Vec::new() };
        if visits.insert((site.address.clone(), round.opened_at.ms()), visit).is_some() {
            return Err(format!("one visit is two rounds: {round:?}"));
        }
    }
    for hazard in &ledger.hazards {
        let site = place(hazard.site)?;
        let end = hazard.reading.standing_at(Timestamp::from_ms(i64::MAX));
        let (Some(due_on), Some(disposed), Some(closed)) = (end.due_on, end.disposed_at, end.closed_at)
        else {
            return Err(format!("a hazard that was not confirmed, disposed of and closed: {hazard:?}"));
        };
        let key = (site.address.clone(), hazard.reading.found_at().ms());
        let visit = visits.get_mut(&key).ok_or_else(|| format!("a hazard of no round: {hazard:?}"))?;
        visit.hazards.push(HazardFact {
            code: hazard.reading.code.to_string(),
            text: hazard.reading.text.clone(),
            due_on: due_on.to_string(),
            disposed_ms: disposed.ms(),
            closed_ms: closed.ms(),
        });
    }
    visits.values_mut().for_each(|visit| visit.hazards.sort());
    Ok(visits)
}

/// Compares every visit and every hazard.
///
/// # Errors
/// The first difference, in words.
pub fn same_visits(ours: &Visits, theirs: &Visits) -> Result<(), String> {
    for (key, visit) in theirs {
        let held = ours.get(key);
        if held != Some(visit) {
            return Err(format!("{key:?}: the ledger holds {held:?}, independently derived is {visit:?}"));
        }
    }
    match ours.keys().find(|key| !theirs.contains_key(*key)) {
        Some(key) => Err(format!("{key:?}: in the ledger, but not in the file")),
        None => Ok(()),
    }
}

fn counted(json: &serde_json::Value) -> Result<Counted, String> {
    let row = |v: &serde_json::Value| -> Option<Row> {
        let mut out = [0; 5];
        for (slot, key) in out.iter_mut().zip(["rounds", "hazards_found", "disposed", "closed", "overdue"]) {
            *slot = v[key].as_u64()?;
        }
        Some(out)
    };
    let rows = json["rows"].as_array().ok_or("no rows")?;
    Ok(Counted {
        date: json["as_of_on"].as_str().ok_or("no date")?.to_owned(),
        rows: rows
            .iter()
            .map(|v| Some((v["street_code"].as_str()?.parse().ok()?, row(v)?)))
            .collect::<Option<_>>()
            .ok_or("a row without a figure")?,
        total: row(&json["total"]).ok_or("no total")?,
    })
}

/// Our figures at the four dates.
///
/// # Errors
/// What the hub could not fold.
pub async fn figures(hub: &Hub) -> Result<Vec<MonthFigures>, String> {
    let mut list = Vec::new();
    for day in cut_off_days() {
        list.push(hub.month(day.end()).await.map_err(|e| format!("figures of {day}: {e}"))?);
    }
    Ok(list)
}

/// Compares every street at every date.
///
/// # Errors
/// The first difference, in words.
pub fn equal(ours: &[MonthFigures], theirs: &[Counted]) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} dates against {}", ours.len(), theirs.len()));
    }
    for (month, counted) in ours.iter().zip(theirs) {
        if month.rows.len() != counted.rows.len() {
            return Err(format!(
                "{}: {} streets against {}",
                counted.date,
                month.rows.len(),
                counted.rows.len()
            ));
        }
        for ((street, figures), (code, row)) in month.rows.iter().zip(&counted.rows) {
            if street.number() != *code || row_of(figures) != *row {
                return Err(format!(
                    "{} {street}: {:?} against {code}: {row:?}",
                    counted.date,
                    row_of(figures)
                ));
            }
        }
        if row_of(&month.total) != counted.total {
            return Err(format!(
                "{}: {:?} in all against {:?}",
                counted.date,
                row_of(&month.total),
                counted.total
            ));
        }
        if month.total.unconfirmed != 0 {
            return Err(format!("{}: {} hazards unconfirmed", counted.date, month.total.unconfirmed));
        }
    }
    Ok(())
}

const fn row_of(f: &Figures) -> Row {
    [f.rounds, f.hazards_found, f.disposed, f.closed, f.overdue]
}

/// One line of figures for a person.
#[must_use]
pub fn line(month: &MonthFigures) -> String {
    let day = month.cut_off.plus_ms(-1).day();
    let [rounds, found, disposed, closed, overdue] = row_of(&month.total);
    format!("{day} 24时  检查 {rounds}  发现隐患 {found}  处置完成 {disposed}  销号 {closed}  逾期 {overdue}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_visit() -> Visits {
        let hazard = HazardFact {
            code: "H1.13".to_owned(),
            text: "堆放杂物".to_owned(),
            due_on: "2020-02-01".to_owned(),
            disposed_ms: 7,
            closed_ms: 7,
        };
        let visit = VisitFact { street: 500_110_001, hazards: vec![hazard.clone(), hazard] };
        Visits::from([(("1 A St".to_owned(), 5), visit)])
    }

    #[test]
    fn a_visit_or_hazard_that_differs_in_anything_is_told() {
        let key = ("1 A St".to_owned(), 5);
        let alterations: [fn(&mut VisitFact); 7] = [
            |v| v.street += 1,
            |v| v.hazards[1].code = "H4.99".to_owned(),
            |v| v.hazards[1].text.clear(),
            |v| v.hazards[1].due_on = "2020-03-02".to_owned(),
            |v| v.hazards[1].disposed_ms += 1,
            |v| v.hazards[1].closed_ms += 1,
            |v| drop(v.hazards.pop()),
        ];
        for (n, alter) in alterations.iter().enumerate() {
            let mut other = one_visit();
            alter(other.get_mut(&key).expect("the visit"));
            assert!(same_visits(&other, &one_visit()).is_err(), "alteration {n}");
        }
        let mut moved = one_visit();
        let visit = moved.remove(&key).expect("the visit");
        assert!(same_visits(&moved, &one_visit()).is_err(), "one less");
        moved.insert((key.0, 6), visit.clone());
        assert!(same_visits(&moved, &one_visit()).is_err(), "opened a millisecond later");
        let mut more = one_visit();
        more.insert(("2 A St".to_owned(), 5), visit);
        assert!(same_visits(&more, &one_visit()).is_err(), "one more");
        assert_eq!(same_visits(&one_visit(), &one_visit()), Ok(()));
    }

    #[test]
    fn a_difference_of_one_is_told() {
        let street = louan_schema::area::streets()[0].code;
        let figures = Figures { rounds: 7, ..Figures::default() };
        let month =
            MonthFigures { cut_off: cut_off_days()[0].end(), rows: vec![(street, figures)], total: figures };
        let counted = |rounds| Counted {
            date: "2020-03-31".to_owned(),
            rows: vec![(street.number(), [rounds, 0, 0, 0, 0])],
            total: [rounds, 0, 0, 0, 0],
        };
        assert_eq!(equal(std::slice::from_ref(&month), &[counted(7)]), Ok(()));
        assert!(equal(std::slice::from_ref(&month), &[counted(8)]).is_err());
        assert!(equal(&[month], &[]).is_err());
    }
}
