//! A visit of the file as records: the sixteen answers and the hazards.
//!
//! Rules: `tests/replay/MAPPING.md`. Knows neither phones nor servers.

use louan_schema::code::{DiscoveryMethod, Outcome as Found};
use louan_schema::id::{BuildingId, RoundId};
use louan_schema::policy::{HazardCode, Policy};
use louan_schema::record::{Answer, Hazard, Place};
use louan_schema::time::{Day, Timestamp};

use super::source::Visit;

/// Every completing item: failed where a hazard of its kind was found, passed otherwise (precise rule 11).
pub(crate) fn answers(visit: &Visit, day: Day) -> Vec<Answer> {
    let mut items: Vec<_> = Policy::qijiang_2020().completing_items(day).collect();
    items.sort_unstable_by_key(|item| item.code);
    items
        .into_iter()
        .map(|item| {
            let failed = visit.hazards.iter().any(|(code, _)| item.hazards.contains(code));
            Answer::plain(item.code, if failed { Found::Fail } else { Found::Pass }, Some(1))
        })
        .collect()
}

/// What was found, as the phone records it, marked as no real finding of the district.
pub(crate) fn hazard_found(
    code: HazardCode,
    text: &str,
    building: BuildingId,
    at: Timestamp,
    round: RoundId,
) -> Hazard {
    let leaf = Policy::qijiang_2020().hazard_type(code).expect("the map names leaves of the taxonomy");
    Hazard {
        code,
        place: Place { buildings: vec![building], shared: false, floor: None, spot: None },
        text: text.to_owned(),
        found_at: at,
        method: DiscoveryMethod::ThreeChecks,
        severity: leaf.severity,
        round: Some(round),
        count: None,
        fixed_on_the_spot: false,
        synthetic: true,
    }
}
