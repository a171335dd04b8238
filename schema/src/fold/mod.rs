//! Folds: what facts and rulings add up to.
//!
//! Pure functions, the same on phone and server. They take every fact there is and an
//! instant; they never remember. 逾期 is computed here and stored nowhere.

pub mod before_after;
pub mod hazard;
pub mod month;
pub mod round;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{OrgId, RecordId};
use crate::record::{Body, Record};

/// A record with what the log knows about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The record's id.
    pub id: RecordId,
    /// The organisation in whose book it stands.
    pub org: OrgId,
    /// What it says.
    pub record: Record,
}

/// The facts that count: without the withdrawn and the replaced, each of the same
/// organisation only. Of several corrections of one record the last written counts.
#[must_use]
pub fn effective(facts: &[Fact]) -> Vec<&Fact> {
    let mut hidden = BTreeSet::new();
    let mut corrections: BTreeMap<(OrgId, RecordId), &Fact> = BTreeMap::new();
    for fact in facts {
        if let Body::Withdrawal(w) = &fact.record.body {
            hidden.insert((fact.org, w.target));
        }
    }
    for fact in facts {
        let Some(replaced) = fact.record.replaces else { continue };
        if hidden.contains(&(fact.org, fact.id)) {
            continue;
        }
        let last = corrections.entry((fact.org, replaced)).or_insert(fact);
        if last.id == fact.id {
            continue;
        }
        let later = (fact.record.written_at, fact.id) > (last.record.written_at, last.id);
        let earlier = if later { core::mem::replace(last, fact) } else { fact };
        hidden.insert((earlier.org, earlier.id));
    }
    facts
        .iter()
        .filter(|f| !hidden.contains(&(f.org, f.id)) && !corrections.contains_key(&(f.org, f.id)))
        .filter(|f| !matches!(f.record.body, Body::Withdrawal(_)))
        .collect()
}
