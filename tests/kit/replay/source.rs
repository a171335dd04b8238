//! The inspection file, read and mapped as `tests/replay/MAPPING.md` says.
//!
//! This is the product's side of the comparison; the other side is a script that shares
//! no line with it. Nothing here knows phones or servers.

use std::collections::BTreeMap;
use std::path::Path;

use louan_schema::area::StreetCode;
use louan_schema::policy::HazardCode;
use louan_schema::time::Timestamp;
use sha2::{Digest, Sha256};

/// One real inspection, moved to another time and place.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The building's address, as in the file; personal data of nobody.
    pub address: String,
    /// When the visit began.
    pub opened_at: Timestamp,
    /// When everything found was closed.
    pub closed_at: Timestamp,
    /// What was found: taxonomy code and the file's own words.
    pub hazards: Vec<(HazardCode, String)>,
}

/// Everything in the file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Visits by the instant they began, then by address.
    pub visits: Vec<Visit>,
    /// The street of every address.
    pub streets: BTreeMap<String, StreetCode>,
}

/// The folder with the data.
#[must_use]
pub fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

#[derive(serde::Deserialize)]
struct Row {
    #[serde(rename = "Inspections.ClosedDate")]
    closed: String,
    #[serde(rename = "inspections.OpenedDate")]
    opened: String,
    #[serde(rename = "propertyAddress")]
    address: String,
    #[serde(rename = "violations.violationDescription")]
    description: String,
    #[serde(rename = "violations.violationFireCode")]
    fire_code: String,
}

impl Source {
    /// Reads the shipped file.
    ///
    /// # Errors
    /// What could not be read, in words; the file itself is never changed.
    pub fn load() -> Result<Self, String> {
        let told = |what: &str, e: &dyn std::fmt::Display| format!("{what}: {e}");
        let packed = std::fs::read(folder().join("highrise_inspections.csv.zst"))
            .map_err(|e| told("inspection file", &e))?;
        let plain = zstd::stream::decode_all(packed.as_slice()).map_err(|e| told("inspection file", &e))?;
        Self::read(&plain)
    }

    /// Reads rows as they stand in the file, its header first.
    ///
    /// # Errors
    /// What could not be read, in words.
    pub fn read(plain: &[u8]) -> Result<Self, String> {
        let codes = CodeMap::load()?;
        let mut visits: BTreeMap<(i64, String), Visit> = BTreeMap::new();
        for row in csv::Reader::from_reader(plain).deserialize::<Row>() {
            let row = row.map_err(|e| format!("inspection row: {e}"))?;
            let opened_at = mapped(&row.opened)?;
            let closed_at = mapped(&row.closed)?;
            let visit = visits.entry((opened_at.ms(), row.address.clone())).or_insert_with(|| Visit {
                address: row.address.clone(),
                opened_at,
                closed_at,
                hazards: Vec::new(),
            });
            visit.closed_at = visit.closed_at.max(closed_at);
            if !row.description.trim().is_empty() || !row.fire_code.trim().is_empty() {
                visit.hazards.push((codes.code(&row.description), row.description.trim().to_owned()));
            }
        }
        let weights = weights()?;
        let visits: Vec<Visit> = visits.into_values().collect();
        let streets = visits.iter().map(|v| (v.address.clone(), street_of(&v.address, &weights))).collect();
        Ok(Self { visits, streets })
    }

    /// What happened before an instant.
    #[must_use]
    pub fn before(&self, at: Timestamp) -> Self {
        let visits = self.visits.iter().filter(|v| v.opened_at < at).cloned().collect();
        Self { visits, streets: self.streets.clone() }
    }

    /// The visits of the first `count` addresses of every street, in the order of the file's time.
    #[must_use]
    pub fn slice(&self, count: usize) -> Self {
        let mut per_street: BTreeMap<StreetCode, Vec<&str>> = BTreeMap::new();
        for (address, street) in &self.streets {
            let list = per_street.entry(*street).or_default();
            if list.len() < count {
                list.push(address);
            }
        }
        let kept: std::collections::BTreeSet<&str> = per_street.into_values().flatten().collect();
        Self {
            visits: self.visits.iter().filter(|v| kept.contains(v.address.as_str())).cloned().collect(),
            streets: self
                .streets
                .iter()
                .filter(|(a, _)| kept.contains(a.as_str()))
                .map(|(a, s)| (a.clone(), *s))
                .collect(),
        }
    }
}

/// 978 source days become 346 days: exactly 173/489, in whole milliseconds (R5).
fn mapped(naive: &str) -> Result<Timestamp, String> {
    const SRC0: i64 = 1_483_315_200_000;
    const DST0: i64 = 1_579_536_000_000;
    let at: Timestamp = format!("{naive}Z").parse().map_err(|e| format!("instant `{naive}`: {e}"))?;
    Ok(Timestamp::from_ms(DST0 + ((at.ms() - SRC0) * 173).div_euclid(489)))
}

/// Streets in ascending order of code, each as heavy as it has 居委会 (R6).
fn weights() -> Result<Vec<(StreetCode, u64)>, String> {
    let mut streets: Vec<_> = louan_schema::area::streets()
        .iter()
        .map(|street| {
            let communities = louan_schema::area::communities_of(street.code);
            (
                street.code,
                communities.iter().filter(|c| (1..=199).contains(&(c.code.number() % 1000))).count() as u64,
            )
        })
        .collect();
    streets.sort_unstable();
    let total: u64 = streets.iter().map(|(_, w)| w).sum();
    if total == 79 { Ok(streets) } else { Err(format!("the programme has 79 communities, counted {total}")) }
}

fn street_of(address: &str, weights: &[(StreetCode, u64)]) -> StreetCode {
    let hash = Sha256::new().chain_update("louan/replay/street/v1\n").chain_update(address).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    let total: u64 = weights.iter().map(|(_, w)| w).sum();
    let mut rest = u64::from_be_bytes(first) % total;
    for (street, weight) in weights {
        if rest < *weight {
            return *street;
        }
        rest -= weight;
    }
    weights[weights.len() - 1].0
}

struct CodeMap {
    exact: BTreeMap<String, String>,
    trimmed: BTreeMap<String, String>,
    other: HazardCode,
}

impl CodeMap {
    fn load() -> Result<Self, String> {
        let path = folder().join("toronto_code_map.csv");
        let mut reader = csv::Reader::from_path(path).map_err(|e| format!("code map: {e}"))?;
        let mut map = Self {
            exact: BTreeMap::new(),
            trimmed: BTreeMap::new(),
            other: "H4.99".parse().map_err(|e| format!("H4.99: {e}"))?,
        };
        for row in reader.deserialize::<(String, u64, String, String)>() {
            let (text, _, code, _) = row.map_err(|e| format!("code map: {e}"))?;
            map.trimmed.insert(text.trim().to_owned(), code.clone());
            map.exact.insert(text, code);
        }
        Ok(map)
    }

    fn code(&self, text: &str) -> HazardCode {
        let found = self.exact.get(text).or_else(|| self.trimmed.get(text.trim()));
        found.and_then(|code| code.parse().ok()).unwrap_or(self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: &str = "2018-03-01T10:00:00";
    const EARLY: &str = "2018-03-02T10:00:00";
    const LATE: &str = "2018-03-09T10:00:00";
    /// 489 source days become 173 days: to the millisecond 2020-07-12T00:00:00+08:00.
    const AT_MIDNIGHT: &str = "2018-05-06T00:00:00";

    /// The visits of rows (address, opened, closed, violation, fire code).
    fn visits(rows: &[(&str, &str, &str, &str, &str)]) -> Vec<Visit> {
        let mut csv = "_id,Inspections.ClosedDate,inspections.OpenedDate,propertyAddress,\
                       violations.violationDescription,violations.violationFireCode\n"
            .to_owned();
        for (n, (address, opened, closed, violation, fire_code)) in rows.iter().enumerate() {
            csv += &format!("{n},{closed},{opened},{address},\"{violation}\",{fire_code}\n");
        }
        Source::read(csv.as_bytes()).expect("reads").visits
    }

    fn codes(visit: &Visit) -> Vec<(String, &str)> {
        visit.hazards.iter().map(|(code, text)| (code.to_string(), text.as_str())).collect()
    }

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("an instant").ms()
    }

    #[test]
    fn equal_rows_are_as_many_hazards_of_one_visit() {
        let row = ("1 A St", OPENED, LATE, "no such text", "2.4");
        let visits =
            visits(&[row, row, row, ("1 A St", EARLY, LATE, "", ""), ("2 A St", OPENED, LATE, "", "")]);
        let found: Vec<_> = visits.iter().map(|v| (v.address.as_str(), v.hazards.len())).collect();
        assert_eq!(found, [("1 A St", 3), ("2 A St", 0), ("1 A St", 0)], "by opening, then by address");
    }

    #[test]
    fn what_the_map_leaves_open_is_h4_99_with_the_text_of_the_row() {
        let rows = [
            "2.4.1.1 Accumulation of combustible materials",
            "6.2.7.1 Inspection, Testing and Maintenance ",
            "2.16.2.1 Installation requirements",
            " never heard of ",
            "2.4.1.1 ACCUMULATION of combustible materials",
        ]
        .map(|text| ("1 A St", OPENED, LATE, text, "2.4"));
        let visits = visits(&rows);
        let expected = [
            ("H1.13", "2.4.1.1 Accumulation of combustible materials"),
            ("H4.12", "6.2.7.1 Inspection, Testing and Maintenance"),
            ("H4.99", "2.16.2.1 Installation requirements"),
            ("H4.99", "never heard of"),
            ("H4.99", "2.4.1.1 ACCUMULATION of combustible materials"),
        ];
        assert_eq!(codes(&visits[0]), expected.map(|(code, text)| (code.to_owned(), text)));
    }

    #[test]
    fn a_row_with_a_fire_code_alone_is_a_hazard_and_one_with_neither_is_none() {
        let visits = visits(&[("1 A St", OPENED, LATE, "", "2.4"), ("1 A St", OPENED, LATE, " ", " ")]);
        assert_eq!(codes(&visits[0]), [("H4.99".to_owned(), "")]);
    }

    #[test]
    fn the_last_closing_wins_wherever_it_stands() {
        let closed = |rows: &[(&str, &str, &str, &str, &str)]| {
            visits(rows).iter().map(|v| v.closed_at).collect::<Vec<_>>()
        };
        let row = |at, violation| ("1 A St", OPENED, at, violation, "");
        let late = mapped(LATE).expect("an instant");
        assert_eq!(closed(&[row(EARLY, "odd"), row(LATE, "odd")]), [late]);
        assert_eq!(closed(&[row(LATE, "odd"), row(EARLY, "odd")]), [late]);
        assert_eq!(closed(&[row(EARLY, "odd"), row(LATE, "")]), [late], "a row without a violation counts");
        let other = ("1 A St", EARLY, EARLY, "odd", "");
        let early = mapped(EARLY).expect("an instant");
        assert_eq!(closed(&[row(LATE, "odd"), other]), [late, early], "another visit keeps its own");
    }

    #[test]
    fn the_ends_of_the_source_meet_the_ends_of_the_programme() {
        let table = [
            ("2017-01-02T00:00:00", "2020-01-21T00:00:00+08:00", 0),
            ("2019-09-07T00:00:00", "2021-01-01T00:00:00+08:00", 0),
            (AT_MIDNIGHT, "2020-07-12T00:00:00+08:00", 0),
            // One source second is 353.78… ms and is rounded down, before the start as well.
            ("2017-01-02T00:00:01", "2020-01-21T00:00:00+08:00", 353),
            ("2017-01-01T23:59:59", "2020-01-21T00:00:00+08:00", -354),
            ("2019-09-06T23:59:59", "2021-01-01T00:00:00+08:00", -354),
        ];
        for (source, near, beside) in table {
            assert_eq!(mapped(source).expect(source).ms(), instant(near) + beside, "{source}");
        }
        assert!(mapped("2018-05-05").is_err() && mapped("").is_err());
    }
}
