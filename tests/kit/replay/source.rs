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
        let codes = CodeMap::load()?;
        let mut visits: BTreeMap<(i64, String), Visit> = BTreeMap::new();
        for row in csv::Reader::from_reader(plain.as_slice()).deserialize::<Row>() {
            let row = row.map_err(|e| told("inspection row", &e))?;
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
