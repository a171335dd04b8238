//! Reporting a fix: the danger is gone, the clock stops, somebody else has yet to look.
//!
//! Who removed the danger is named in the fix; he need not be who types.

use louan_schema::code::Action;
use louan_schema::id::{BlobHash, RecordId};
use louan_schema::record::{Body, Fix};

use super::record::{Draft, find_hazard_site, save, unknown};
use crate::error::Error;
use crate::phone::{Acting, Phone};

impl Phone {
    /// Reports a fix (上报整改).
    ///
    /// # Errors
    /// [`Error`] with every fault at once; nothing is saved then.
    pub fn report_fix(&mut self, a: &Acting, fix: Fix, photos: Vec<BlobHash>) -> Result<RecordId, Error> {
        let doing = "reporting a fix";
        self.store.write(|w| {
            let person = a.permitted(w, Action::ReportFix, doing)?;
            let known = find_hazard_site(w, fix.hazard)?;
            let (hazard, site) = known.ok_or_else(|| Error::faulty(doing, vec![unknown("/hazard")]))?;
            let draft = Draft { site, replaces: None, photos, body: Body::Fix(Fix { hazard, ..fix }) };
            save(w, a, &person, draft, Vec::new(), doing).map(|(id, _)| id)
        })
    }
}
