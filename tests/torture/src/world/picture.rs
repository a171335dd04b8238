//! The world at rest → a picture for the checker.
//!
//! Everything is closed first; what is read is what lies in the files.

use std::collections::BTreeSet;

use super::World;
use super::{life, office};
use crate::check::sqlite::phone::Known;
use crate::check::sqlite::{office as office_file, phone as phone_file};
use crate::check::{EditPicture, Picture};
use crate::oracle::Edit;

impl World {
    /// Closes everything and takes the picture.
    pub fn picture(&mut self) -> Picture {
        let audit_broken = self.office.verify_audit().err();
        self.office.close();
        let file = self.office.folder.join(office::FILE);
        let mut office = office_file::read(&file);
        let incremental = office_file::derived(&file);
        self.office.open().expect("the office opens again");
        self.office.rebuild();
        self.office.close();
        let rebuilt = office_file::derived(&file);
        office.rebuilt_differs = incremental.symmetric_difference(&rebuilt).take(6).cloned().collect();
        office.audit_broken = audit_broken;
        office.was_restored = self.office.was_restored;

        let mut phones = Vec::new();
        for life in self.lives.iter_mut().filter(|life| !life.destroyed) {
            life.close();
            let lost = self.lost.contains(&life.device);
            let orgs = if lost { BTreeSet::new() } else { self.stage.orgs_of(&life.people) };
            let visible = self.stage.visible(&orgs);
            let known = Known { name: life.name.clone(), life: life.id, orgs, visible };
            phones.push(phone_file::read(&life.folder.join(life::FILE), known));
        }
        let edits: Vec<EditPicture> = self
            .oracle
            .edits()
            .map(|(edit, saved)| EditPicture {
                edit,
                acknowledged: saved.acknowledged_at.is_some(),
                heard: self.oracle.is_heard(saved),
                carriers: self.oracle.carriers(saved),
            })
            .collect();
        let known: BTreeSet<Edit> =
            office.edits.iter().copied().filter(|edit| self.oracle.knows(*edit)).collect();
        Picture {
            edits,
            known,
            refused: self.refused.clone(),
            sheets_acknowledged: self.oracle.sheets().collect(),
            phones,
            office,
            story: self.seen.clone(),
        }
    }
}
