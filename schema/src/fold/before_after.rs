//! Before and after: which photos of a hazard show the danger, and which show it gone.
//!
//! The hazard's own record carries the photos before, its latest fix that counts those after. Put right on the spot
//! (当场改正) both stand in one record: first those before, then as many after. Photos are told apart by where they
//! stand, never by their clocks.

use super::{Fact, effective};
use crate::id::{BlobHash, HazardId, RecordId};
use crate::record::Body;

/// A hazard's photos before and after (整改前后照片).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BeforeAfter {
    /// What was wrong, in the order of the record.
    pub before: Vec<BlobHash>,
    /// That it is gone, in the order of the record; empty while no fix shows anything.
    pub after: Vec<BlobHash>,
    /// The record the photos after stand in: a fix, or the hazard itself when put right on the spot.
    pub after_in: Option<RecordId>,
}

impl BeforeAfter {
    /// Whether there is something to compare, as A-144 asks of what is cleared away.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.before.is_empty() && !self.after.is_empty()
    }

    /// The photos side by side, the longer side's rest alone.
    pub fn pairs(&self) -> impl Iterator<Item = (Option<BlobHash>, Option<BlobHash>)> {
        let rows = self.before.len().max(self.after.len());
        (0..rows).map(|i| (self.before.get(i).copied(), self.after.get(i).copied()))
    }
}

/// Pairs a hazard's photos from every fact that names it. `None` when its record is not here or withdrawn.
#[must_use]
pub fn before_after(id: HazardId, facts: &[Fact]) -> Option<BeforeAfter> {
    let counted = effective(facts);
    let hazard = counted.iter().find_map(|fact| match &fact.record.body {
        Body::Hazard(hazard) => Some((fact, hazard)),
        _ => None,
    });
    let (fact, hazard) = hazard?;
    let photos = &fact.record.photos;
    let latest = counted
        .iter()
        .filter_map(|fact| match &fact.record.body {
            // Who corrects a hazard gives its record another id; a fix goes on naming the first.
            Body::Fix(fix) if fix.hazard == id => Some(((fix.fixed_at, fact.id), fact)),
            _ => None,
        })
        .max_by_key(|(at, _)| *at)
        .map(|(_, fact)| fact);
    let here = if hazard.fixed_on_the_spot { photos.len().div_ceil(2) } else { photos.len() };
    let (before, rest) = photos.split_at(here);
    let (after, after_in) = match latest {
        Some(fix) => (fix.record.photos.clone(), Some(fix.id)),
        None if hazard.fixed_on_the_spot => (rest.to_vec(), Some(fact.id)),
        None => (Vec::new(), None),
    };
    Some(BeforeAfter { before: before.to_vec(), after, after_in })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{DiscoveryMethod, Severity};
    use crate::id::{OrgId, PersonId};
    use crate::record::{Fix, Hazard, Place, RECORD_LAYOUT, Record, Withdrawal};
    use crate::time::Timestamp;

    const HAZARD: RecordId = RecordId([1; 16]);

    fn photo(n: u8) -> BlobHash {
        BlobHash([n; 32])
    }

    fn fact(id: u8, at: i64, photos: &[u8], body: Body) -> Fact {
        let record = Record {
            layout: RECORD_LAYOUT,
            author: PersonId([7; 16]),
            written_at: Timestamp::from_ms(at),
            catalogue: 1,
            replaces: None,
            photos: photos.iter().map(|n| photo(*n)).collect(),
            body,
        };
        Fact { id: RecordId([id; 16]), org: OrgId([3; 16]), record }
    }

    fn hazard(photos: &[u8], fixed_on_the_spot: bool) -> Fact {
        let body = Hazard {
            code: "H1.01".parse().expect("a leaf"),
            place: Place { buildings: Vec::new(), shared: true, floor: None, spot: None },
            text: String::new(),
            found_at: Timestamp::from_ms(10),
            method: DiscoveryMethod::ThreeChecks,
            severity: Severity::General,
            round: None,
            count: None,
            fixed_on_the_spot,
            synthetic: false,
        };
        fact(1, 10, photos, Body::Hazard(body))
    }

    fn fix(id: u8, at: i64, photos: &[u8]) -> Fact {
        let body = Fix {
            hazard: HAZARD,
            fixed_at: Timestamp::from_ms(at),
            fixed_by: PersonId([7; 16]),
            measures: "已清理".into(),
            cost_fen: None,
        };
        fact(id, at, photos, Body::Fix(body))
    }

    fn read(facts: &[Fact]) -> (Vec<BlobHash>, Vec<BlobHash>, Option<RecordId>) {
        let found = before_after(HAZARD, facts).expect("its record is here");
        (found.before, found.after, found.after_in)
    }

    #[test]
    fn the_hazards_photos_are_before_and_the_latest_fixs_after() {
        let both = (vec![photo(11)], vec![photo(21)], Some(RecordId([3; 16])));
        assert_eq!(read(&[hazard(&[11], false)]), (vec![photo(11)], vec![], None));
        assert_eq!(read(&[hazard(&[11], false), fix(2, 20, &[20]), fix(3, 30, &[21])]), both);
        assert_eq!(read(&[fix(3, 30, &[21]), fix(2, 20, &[20]), hazard(&[11], false)]), both, "in any order");
    }

    #[test]
    fn a_fix_that_was_withdrawn_or_corrected_does_not_count() {
        let withdrawal = Withdrawal { target: RecordId([3; 16]), reason: "误报".into() };
        let facts = [hazard(&[11], false), fix(2, 20, &[20]), fix(3, 30, &[21])];
        let withdrawn = [&facts[..], &[fact(4, 40, &[], Body::Withdrawal(withdrawal))]].concat();
        assert_eq!(read(&withdrawn).1, [photo(20)]);
        let mut corrected = fix(5, 30, &[22]);
        corrected.record.replaces = Some(RecordId([3; 16]));
        assert_eq!(read(&[&facts[..], &[corrected]].concat()).1, [photo(22)]);
    }

    #[test]
    fn put_right_on_the_spot_one_record_shows_both() {
        assert_eq!(read(&[hazard(&[11, 21], true)]), (vec![photo(11)], vec![photo(21)], Some(HAZARD)));
        let more = before_after(HAZARD, &[hazard(&[11, 12, 21, 22], true)]).expect("here");
        let pairs: Vec<_> = more.pairs().collect();
        assert_eq!(pairs, [(Some(photo(11)), Some(photo(21))), (Some(photo(12)), Some(photo(22)))]);
        let odd = before_after(HAZARD, &[hazard(&[11, 12, 21], true)]).expect("here");
        assert_eq!(odd.pairs().last(), Some((Some(photo(12)), None)));
        assert!(odd.is_complete());
    }

    #[test]
    fn without_a_photo_on_either_side_there_is_nothing_to_compare() {
        for facts in
            [vec![hazard(&[], false), fix(2, 20, &[21])], vec![hazard(&[11], false), fix(2, 20, &[])]]
        {
            assert!(!before_after(HAZARD, &facts).expect("here").is_complete());
        }
        assert_eq!(before_after(HAZARD, &[fix(2, 20, &[21])]), None);
    }
}
