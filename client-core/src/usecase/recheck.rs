//! Rechecking a hazard: somebody else looks whether the danger is gone.
//!
//! Who checks is compared with who fixed, not with who types (two-person rule); the
//! office asks again, because it knows facts this phone does not.

use louan_schema::code::Action;
use louan_schema::id::{BlobHash, RecordId};
use louan_schema::record::{Body, Fault, Recheck, Rule};

use super::overlay;
use super::record::{Draft, find_hazard_site, save, unknown};
use crate::error::Error;
use crate::phone::{Acting, Phone};
use crate::store::RecordRow;

impl Phone {
    /// Records a recheck (复查).
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn recheck(
        &mut self,
        a: &Acting,
        recheck: Recheck,
        photos: Vec<BlobHash>,
    ) -> Result<RecordId, Error> {
        let doing = "recording a recheck";
        self.store.write(|w| {
            let person = a.permitted(w, Action::Recheck, doing)?;
            let known = find_hazard_site(w, recheck.hazard)?;
            let (hazard, site) = known.ok_or_else(|| Error::faulty(doing, vec![unknown("/hazard")]))?;
            let facts: Vec<_> = w.records_about(&hazard.0)?.iter().map(RecordRow::fact).collect();
            let by_others = w.find_hazard(hazard)?.map(|status| status.fixed_by).unwrap_or_default();
            let mut faults = Vec::new();
            if by_others.contains(&recheck.checked_by)
                || overlay::fixed_by(&facts).contains(&recheck.checked_by)
            {
                faults.push(Fault { pointer: "/checked_by".into(), rule: Rule::Contradiction });
            }
            let body = Body::Recheck(Recheck { hazard, ..recheck });
            save(w, a, &person, Draft { site, replaces: None, photos, body }, faults, doing).map(|(id, _)| id)
        })
    }
}
