//! The ledger: facts and rulings → the rows that lists, figures and phones show.
//!
//! Pure: the write transaction calls it for exactly the hazards and rounds that a commit
//! touched, `rebuild` for all; both get the same facts in the same order and therefore the
//! same bytes. It refuses to let one organisation's or one site's records speak for another's.

use louan_schema::fold::{Fact, hazard, round};
use louan_schema::id::{HazardId, RoundId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::Body;
use louan_schema::ruling::Ruling;
use louan_schema::time::Timestamp;
use louan_schema::wire::HazardStatus;

use crate::storage::ledger::{RoundRow, StoredFact};

/// The facts of a hazard that count for it: those of its own site, and corrections of its
/// own organisation only. What a stranger wrote elsewhere about it stays in his book.
#[must_use]
pub fn facts_of(id: HazardId, facts: &[StoredFact]) -> Option<(SiteId, Vec<Fact>)> {
    let first = facts.iter().find(|f| f.fact.id == id && matches!(f.fact.record.body, Body::Hazard(_)))?;
    let own = facts.iter().filter(|f| {
        let foreign_report = matches!(f.fact.record.body, Body::Hazard(_)) && f.fact.org != first.fact.org;
        f.site == first.site && !foreign_report
    });
    Some((first.site, own.map(|f| f.fact.clone()).collect()))
}

/// A hazard's row. `None` while the record that reported it is not here.
///
/// The version counts what a confirmation judges: the report, its corrections, withdrawals
/// and rulings. Fixes and rechecks do not move it, because closing looks at the state.
#[must_use]
pub fn hazard_status(id: HazardId, facts: &[StoredFact], rulings: &[Ruling]) -> Option<HazardStatus> {
    let (site, facts) = facts_of(id, facts)?;
    let reading = hazard::read(id, &facts, rulings)?;
    let judged = |f: &&Fact| matches!(f.record.body, Body::Hazard(_) | Body::Withdrawal(_));
    let version = (facts.iter().filter(judged).count() + rulings.len()) as u64;
    let standing = reading.standing_at(Timestamp::from_ms(i64::MAX));
    Some(HazardStatus {
        site,
        version,
        state: standing.state,
        due_on: standing.due_on,
        fixed_by: fixers(&facts),
        reading,
    })
}

/// Who removed the danger, by the fixes that count, each once and in order.
fn fixers(facts: &[Fact]) -> Vec<louan_schema::id::PersonId> {
    let mut people: Vec<_> = louan_schema::fold::effective(facts)
        .into_iter()
        .filter_map(|f| match &f.record.body {
            Body::Fix(b) => Some(b.fixed_by),
            Body::Hazard(b) if b.fixed_on_the_spot => Some(f.record.author),
            _ => None,
        })
        .collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// Whether somebody other than those who removed the danger has found it gone since the
/// latest fix: the two-person rule, asked again at closing because facts arrive in any order.
#[must_use]
pub fn checked_by_another(facts: &[Fact]) -> bool {
    let fixers = fixers(facts);
    let counted = louan_schema::fold::effective(facts);
    let fixed_at = counted.iter().filter_map(|f| match &f.record.body {
        Body::Fix(b) => Some(b.fixed_at),
        Body::Hazard(b) if b.fixed_on_the_spot => Some(b.found_at),
        _ => None,
    });
    let Some(fixed_at) = fixed_at.max() else { return false };
    counted.iter().any(|f| match &f.record.body {
        Body::Recheck(b) => b.passed && b.checked_at >= fixed_at && !fixers.contains(&b.checked_by),
        _ => false,
    })
}

/// A visit's rows: one per organisation and site that speak of it, so that nobody's
/// submission can supersede another organisation's by naming the same visit.
#[must_use]
pub fn round_rows(id: RoundId, facts: &[StoredFact]) -> Vec<RoundRow> {
    let mut places: Vec<_> = facts
        .iter()
        .filter(|f| matches!(&f.fact.record.body, Body::Round(r) if r.round == id))
        .map(|f| (f.fact.org, f.site))
        .collect();
    places.sort_unstable();
    places.dedup();
    let row = |(org, site)| {
        let own: Vec<Fact> =
            facts.iter().filter(|f| (f.fact.org, f.site) == (org, site)).map(|f| f.fact.clone()).collect();
        let reading = round::read(id, &own, Policy::qijiang_2020())?;
        Some(RoundRow {
            id,
            org,
            site,
            opened_at: reading.opened_at,
            complete: reading.complete,
            contested: reading.is_contested(),
            failed: u32::try_from(reading.failed_count()).unwrap_or(u32::MAX),
            buildings: reading.buildings,
        })
    };
    places.into_iter().filter_map(row).collect()
}
