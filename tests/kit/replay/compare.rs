//! Our figures beside the independent ones, to the unit.

use std::process::Command;

use louan_schema::fold::month::{Figures, MonthFigures};
use louan_server::hub::Hub;

use super::cut_off_days;
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

/// Runs the independent script.
///
/// # Errors
/// What it said when it could not count.
pub fn independent() -> Result<Vec<Counted>, String> {
    let script = folder().with_file_name("replay").join("independent_count.py");
    let output = Command::new("python3").arg(script).output().map_err(|e| format!("python3: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    let list = json["cut_offs"].as_array().ok_or("no cut-offs in the independent count")?;
    list.iter().map(counted).collect()
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
