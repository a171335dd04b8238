//! The ledger read out whole, row by row, so that one reading can be laid beside another.
//!
//! Read by the doors that screens and lists use, not out of tables: a row nobody can be shown is no row. It compares
//! whole rows and knows nothing of what they should say.

use std::collections::BTreeMap;
use std::fmt::Debug;

use louan_schema::id::SiteId;
use louan_schema::registry::Site;
use louan_schema::wire::HazardStatus;
use louan_server::hub::Hub;
use louan_server::storage::ledger::{HazardQuery, RoundQuery, RoundRow};

/// Every row of both ledgers, in the order of the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The compounds that rows speak of.
    pub sites: BTreeMap<SiteId, Site>,
    /// The inspection ledger.
    pub rounds: Vec<RoundRow>,
    /// The hazard ledger.
    pub hazards: Vec<HazardStatus>,
}

impl Ledger {
    /// Reads it out of a hub, page by page.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn read(hub: &Hub) -> Result<Self, String> {
        let told = |e: louan_server::storage::StorageError| format!("the ledger cannot be read: {e}");
        let mut ledger = Self { sites: BTreeMap::new(), rounds: Vec::new(), hazards: Vec::new() };
        loop {
            let after = ledger.rounds.last().map(|row| (row.opened_at, row.id, row.org, row.site));
            let page = hub.list_rounds(RoundQuery { after, ..RoundQuery::default() }).await.map_err(told)?;
            if page.rows.is_empty() {
                break;
            }
            ledger.rounds.extend(page.rows);
        }
        loop {
            let after = ledger.hazards.last().map(|row| (row.reading.found_at(), row.reading.id));
            let page =
                hub.list_hazards(HazardQuery { after, ..HazardQuery::default() }).await.map_err(told)?;
            if page.rows.is_empty() {
                break;
            }
            ledger.hazards.extend(page.rows);
        }
        let sites = ledger.rounds.iter().map(|row| row.site).chain(ledger.hazards.iter().map(|row| row.site));
        let sites: std::collections::BTreeSet<SiteId> = sites.collect();
        for id in sites {
            let row = hub.find_site(id).await.map_err(told)?;
            ledger.sites.insert(id, row.ok_or("a row of an unregistered compound")?.site);
        }
        Ok(ledger)
    }

    /// Compares every row with another reading's.
    ///
    /// # Errors
    /// The first row that is not the same, with both sides.
    pub fn same(&self, other: &Self) -> Result<(), String> {
        rows_same("rounds", &self.rounds, &other.rounds)?;
        rows_same("hazards", &self.hazards, &other.hazards)?;
        if self.sites == other.sites { Ok(()) } else { Err("the compounds are not the same".to_owned()) }
    }
}

fn rows_same<T: PartialEq + Debug>(what: &str, ours: &[T], theirs: &[T]) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} {what} against {}", ours.len(), theirs.len()));
    }
    match ours.iter().zip(theirs).find(|(a, b)| a != b) {
        Some((a, b)) => Err(format!("of the {what} {a:?} against {b:?}")),
        None => Ok(()),
    }
}
