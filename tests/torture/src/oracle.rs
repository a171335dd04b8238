//! What was promised to whom, kept outside the system and only ever added to.
//!
//! The oracle believes no screen: an edit is *saved* when the call that made it returned
//! `Ok`, *acknowledged* when a reply with its verdict was taken in by the phone that sent
//! it. It asks no store and forgets nothing, whatever is killed, cloned or restored.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::id::{ChangeHash, CommandId, RecordId, RoundId, SiteId};
use louan_schema::policy::ItemCode;

/// A phone's life: a folder of files that somebody carries about.
pub type LifeId = usize;

/// A step of the story.
pub type Step = usize;

/// What somebody did on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edit {
    /// A record.
    Record(RecordId),
    /// A command.
    Command(CommandId),
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(id) => write!(f, "record {id}"),
            Self::Command(id) => write!(f, "command {id}"),
        }
    }
}

/// What the oracle knows of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The step at which it was saved.
    pub at: Step,
    /// The life on which it was saved.
    pub life: LifeId,
    /// The step at which that was acknowledged for the first time.
    pub acknowledged_at: Option<Step>,
    /// The lives that heard it, with the step at which each did first.
    heard: BTreeMap<LifeId, Step>,
    /// The lives that can prove it, with the step from which on each could.
    kept: BTreeMap<LifeId, Step>,
}

impl Saved {
    const fn new(life: LifeId, at: Step) -> Self {
        Self { at, life, acknowledged_at: None, heard: BTreeMap::new(), kept: BTreeMap::new() }
    }
}

/// Everything promised.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    saved: BTreeMap<Edit, Saved>,
    /// Changes of sheets that were acknowledged; they carry no record.
    sheets: BTreeMap<ChangeHash, Step>,
    /// Records attempted by a call that did not return `Ok`: allowed to exist, promised to nobody.
    attempted: BTreeSet<Edit>,
    /// Clones: parent, child, and the step at which the files were copied.
    clones: Vec<(LifeId, LifeId, Step)>,
    destroyed: BTreeMap<LifeId, Step>,
    /// Items answered on a life, by round.
    taps: BTreeMap<(LifeId, RoundId), (SiteId, BTreeSet<ItemCode>)>,
}

impl Oracle {
    /// An edit was saved.
    pub fn saved(&mut self, edit: Edit, life: LifeId, at: Step) {
        self.attempted.remove(&edit);
        self.saved.entry(edit).or_insert_with(|| Saved::new(life, at));
    }

    /// A call that would have made this edit did not return `Ok`.
    pub fn attempted(&mut self, edit: Edit) {
        if !self.saved.contains_key(&edit) {
            self.attempted.insert(edit);
        }
    }

    /// A phone took in the verdict that an edit was accepted, or had been before.
    pub fn acknowledged(&mut self, edit: Edit, life: LifeId, at: Step) {
        // An attempt whose transaction was durable all the same becomes a promise here.
        self.attempted.remove(&edit);
        let saved = self.saved.entry(edit).or_insert_with(|| Saved::new(life, at));
        saved.acknowledged_at.get_or_insert(at);
        saved.heard.entry(life).or_insert(at);
    }

    /// A phone took in the verdict that what it brought back for a colleague was accepted. Its author was not told.
    pub fn brought_back(&mut self, edit: Edit, at: Step) {
        if let Some(saved) = self.saved.get_mut(&edit) {
            saved.acknowledged_at.get_or_insert(at);
        }
    }

    /// A life has these edits of colleagues with their authors' signed lists, and can bring them back if the log is put
    /// back. A backup may free it of the bytes, and then that has them; what it shows no more it need not bring back.
    pub fn keeps(&mut self, life: LifeId, kept: &BTreeSet<Edit>, shown: &BTreeSet<Edit>, at: Step) {
        for (edit, saved) in &mut self.saved {
            if kept.contains(edit) {
                saved.kept.entry(life).or_insert(at);
            } else if !shown.contains(edit) {
                saved.kept.remove(&life);
            }
        }
    }

    /// A phone took in the verdict that a change of a sheet was accepted.
    pub fn sheet_acknowledged(&mut self, hash: ChangeHash, at: Step) {
        self.sheets.entry(hash).or_insert(at);
    }

    /// A life's files were copied.
    pub fn cloned(&mut self, parent: LifeId, child: LifeId, at: Step) {
        self.clones.push((parent, child, at));
        let copied: Vec<_> = self.taps.iter().filter(|((life, _), _)| *life == parent).collect();
        let copied: Vec<_> =
            copied.into_iter().map(|((_, round), taps)| ((child, *round), taps.clone())).collect();
        self.taps.extend(copied);
    }

    /// An item of a round was answered.
    pub fn tapped(&mut self, life: LifeId, site: SiteId, round: RoundId, item: ItemCode) {
        self.taps.entry((life, round)).or_insert_with(|| (site, BTreeSet::new())).1.insert(item);
    }

    /// The items answered on a life, by round and compound.
    #[must_use]
    pub fn taps_of(&self, life: LifeId) -> Vec<(SiteId, RoundId, BTreeSet<ItemCode>)> {
        let own = self.taps.iter().filter(|((of, _), _)| *of == life);
        own.map(|((_, round), (site, items))| (*site, *round, items.clone())).collect()
    }

    /// A life's files are gone for good.
    pub fn destroyed(&mut self, life: LifeId, at: Step) {
        self.destroyed.insert(life, at);
    }

    /// Every edit saved.
    pub fn edits(&self) -> impl Iterator<Item = (Edit, &Saved)> {
        self.saved.iter().map(|(edit, saved)| (*edit, saved))
    }

    /// The edits saved on a life, or before it was copied from the one that had them.
    #[must_use]
    pub fn edits_of(&self, life: LifeId) -> Vec<Edit> {
        self.edits().filter(|(_, saved)| self.carried(saved).contains(&life)).map(|(edit, _)| edit).collect()
    }

    /// Changes of sheets acknowledged.
    pub fn sheets(&self) -> impl Iterator<Item = ChangeHash> {
        self.sheets.keys().copied()
    }

    /// Whether anybody ever did or tried this.
    #[must_use]
    pub fn knows(&self, edit: Edit) -> bool {
        self.saved.contains_key(&edit) || self.attempted.contains(&edit)
    }

    /// The lives that had an edit, living or not.
    fn carried(&self, saved: &Saved) -> BTreeSet<LifeId> {
        self.with_copies(BTreeMap::from([(saved.life, saved.at)])).into_keys().collect()
    }

    /// Lives that had something from a step on, and the copies made of them since.
    fn with_copies(&self, mut lives: BTreeMap<LifeId, Step>) -> BTreeMap<LifeId, Step> {
        // Copies are noted in the order they were made, so one pass follows copies of copies.
        for (parent, child, copied_at) in &self.clones {
            if lives.get(parent).is_some_and(|since| copied_at >= since) {
                lives.entry(*child).or_insert(*copied_at);
            }
        }
        lives
    }

    /// Whether a life that heard of the acknowledgement, or can prove it, still lives. If none does and the log was put
    /// back, nobody can tell it from an edit that was never sent.
    #[must_use]
    pub fn is_heard(&self, saved: &Saved) -> bool {
        let living = |told: &BTreeMap<LifeId, Step>| {
            self.with_copies(told.clone()).keys().any(|life| !self.destroyed.contains_key(life))
        };
        living(&saved.heard) || living(&saved.kept)
    }

    /// The lives that have an edit and still live.
    #[must_use]
    pub fn carriers(&self, saved: &Saved) -> Vec<LifeId> {
        self.carried(saved).into_iter().filter(|life| !self.destroyed.contains_key(life)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(n: u8) -> Edit {
        Edit::Record(RecordId([n; 16]))
    }

    fn carriers(oracle: &Oracle, n: u8) -> Vec<LifeId> {
        let (_, saved) = oracle.edits().find(|(e, _)| *e == edit(n)).expect("saved");
        oracle.carriers(saved)
    }

    #[test]
    fn a_copy_carries_what_was_saved_before_it_was_made_and_nothing_later() {
        let mut oracle = Oracle::default();
        oracle.saved(edit(1), 0, 10);
        oracle.cloned(0, 5, 20);
        oracle.cloned(5, 6, 25);
        oracle.saved(edit(2), 0, 30);
        assert_eq!(carriers(&oracle, 1), [0, 5, 6]);
        assert_eq!(carriers(&oracle, 2), [0]);
        oracle.destroyed(0, 40);
        assert_eq!(carriers(&oracle, 1), [5, 6]);
        assert_eq!(carriers(&oracle, 2), Vec::<LifeId>::new());
        assert_eq!(oracle.edits_of(6), [edit(1)]);
    }

    #[test]
    fn nothing_said_later_takes_an_acknowledgement_back() {
        let mut oracle = Oracle::default();
        oracle.saved(edit(1), 0, 1);
        oracle.acknowledged(edit(1), 0, 2);
        oracle.saved(edit(1), 3, 9);
        oracle.attempted(edit(1));
        let (_, saved) = oracle.edits().next().expect("one");
        assert_eq!((saved.at, saved.life, saved.acknowledged_at), (1, 0, Some(2)));
    }

    #[test]
    fn what_only_a_destroyed_phone_was_told_nobody_knows() {
        let mut oracle = Oracle::default();
        let heard = |oracle: &Oracle| oracle.edits().next().is_some_and(|(_, saved)| oracle.is_heard(saved));
        oracle.saved(edit(1), 0, 10);
        oracle.cloned(0, 5, 20);
        assert!(!heard(&oracle));
        oracle.acknowledged(edit(1), 5, 30);
        assert!(heard(&oracle));
        oracle.cloned(5, 6, 40);
        oracle.destroyed(5, 50);
        assert!(heard(&oracle), "the copy of who was told knows it");
        oracle.destroyed(6, 60);
        assert!(!heard(&oracle), "the first one has the edit, and was never told");
        let (one, none) = (BTreeSet::from([edit(1)]), BTreeSet::new());
        oracle.keeps(7, &one, &one, 70);
        assert!(heard(&oracle), "a colleague can prove it");
        oracle.keeps(7, &none, &one, 80);
        assert!(heard(&oracle), "he has it and gave up the bytes: some backup has them");
        oracle.keeps(7, &none, &none, 90);
        assert!(!heard(&oracle), "it left his phone");
    }

    #[test]
    fn an_attempt_is_known_but_promised_to_nobody() {
        let mut oracle = Oracle::default();
        oracle.attempted(edit(1));
        assert!(oracle.knows(edit(1)) && !oracle.knows(edit(2)));
        assert_eq!(oracle.edits().count(), 0);
    }
}
