//! Whatever people do and the office answers, in any order: every edit is in exactly one
//! state, what is acknowledged is in the office's log, and in the end nothing is stuck.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use louan_client_core::Phone;
use louan_client_core::view::{Edit, EditState};
use louan_schema::code::Outcome;
use louan_schema::id::{BuildingId, Epoch, PersonId, RecordId, RoundId};
use louan_schema::wire::{Code, Item, SyncReply};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use support::gate::Gate;
use support::*;

#[derive(Debug, Clone)]
enum Op {
    Hazard(PersonId, BuildingId),
    Fix(usize, PersonId),
    Withdraw(usize),
    Start,
    Answer(usize, usize, Outcome, PersonId),
    Submit(usize),
    Reissue(usize),
    Sync(Vec<Option<Code>>),
    ReplyLost(Vec<Option<Code>>),
    RequestLost,
    ReplyTwice(Vec<Option<Code>>),
    Decide(bool),
    Backup,
    Restore,
    Renew(u8),
}

fn whims() -> impl Strategy<Value = Vec<Option<Code>>> {
    // That it has the very same is nothing that an office says on a whim.
    let refusals: Vec<Code> = Code::ALL.iter().copied().filter(|code| *code != Code::SameRecord).collect();
    let some = prop::sample::select(refusals).prop_map(Some);
    prop::collection::vec(prop_oneof![3 => Just(None), 1 => some], 0..8)
}

fn op() -> impl Strategy<Value = Op> {
    let person = || prop::sample::select(vec![ANNA, BERT]);
    let outcome = prop::sample::select(vec![Outcome::Pass, Outcome::Fail]);
    prop_oneof![
        4 => (person(), prop::sample::select(vec![HOUSE, TOWER])).prop_map(|(p, b)| Op::Hazard(p, b)),
        2 => (0..8_usize, person()).prop_map(|(i, p)| Op::Fix(i, p)),
        1 => (0..8_usize).prop_map(Op::Withdraw),
        1 => Just(Op::Start),
        4 => (0..3_usize, 0..16_usize, outcome, person()).prop_map(|(r, i, o, p)| Op::Answer(r, i, o, p)),
        1 => (0..3_usize).prop_map(Op::Submit),
        1 => (0..4_usize).prop_map(Op::Reissue),
        5 => whims().prop_map(Op::Sync),
        2 => whims().prop_map(Op::ReplyLost),
        1 => Just(Op::RequestLost),
        1 => whims().prop_map(Op::ReplyTwice),
        1 => any::<bool>().prop_map(Op::Decide),
        1 => Just(Op::Backup),
        1 => Just(Op::Restore),
        1 => any::<u8>().prop_map(Op::Renew),
    ]
}

/// The phone, the office, and what the people remember to have done.
struct World {
    desk: Desk,
    gate: Gate,
    backup: Gate,
    records: BTreeSet<RecordId>,
    hazards: Vec<RecordId>,
    rounds: Vec<RoundId>,
    submitted: BTreeSet<RoundId>,
    tapped: BTreeSet<(RoundId, String)>,
}

impl World {
    fn new() -> Self {
        let desk = Desk::new();
        Self {
            desk,
            gate: Gate::default(),
            backup: Gate::default(),
            records: BTreeSet::new(),
            hazards: Vec::new(),
            rounds: Vec::new(),
            submitted: BTreeSet::new(),
            tapped: BTreeSet::new(),
        }
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Hazard(person, building) => {
                let a = self.desk.acting(person);
                let mut found = hazard("堵塞", a.at);
                found.place.buildings = vec![building];
                let id = self.desk.phone.report_hazard(&a, SITE, found, Vec::new()).expect("saves");
                self.hazards.push(id);
                self.records.insert(id);
            }
            Op::Fix(i, person) => {
                let Some(id) = self.hazards.get(i).copied() else { return };
                let a = self.desk.acting(person);
                // The hazard may have been returned meanwhile; then there is nothing to fix.
                self.records.extend(self.desk.phone.report_fix(&a, fix(id, person, a.at), Vec::new()));
            }
            Op::Withdraw(i) => {
                let Some(id) = self.hazards.get(i).copied() else { return };
                let a = self.desk.acting(ANNA);
                self.records.extend(self.desk.phone.withdraw(&a, id, "误报"));
            }
            Op::Start => {
                let a = self.desk.acting(ANNA);
                self.rounds.push(self.desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts"));
            }
            Op::Answer(r, i, outcome, person) => self.answer(r, i, outcome, person),
            Op::Submit(r) => {
                let Some(round) = self.rounds.get(r).copied() else { return };
                let a = self.desk.acting(BERT);
                // An empty round or one submitted before is refused.
                if let Ok(id) = self.desk.phone.submit_round(&a, round) {
                    self.records.insert(id);
                    self.submitted.insert(round);
                }
            }
            Op::Reissue(i) => {
                let returned = self.desk.phone.returned().expect("reads");
                let Some(seq) = returned.get(i).and_then(|edit| edit.seq) else { return };
                let a = self.desk.acting(ANNA);
                self.records.extend(self.desk.phone.reissue(&a, seq, None));
            }
            Op::Renew(seed) => self.desk.phone.renew_incarnation([seed; 16]).expect("renews"),
            Op::Backup => self.backup = self.gate.clone(),
            Op::Restore => {
                self.gate = self.backup.clone();
                self.desk.epoch = Epoch::mint(self.desk.now, self.desk.chance());
            }
            Op::Decide(take) => self.decide(take),
            Op::RequestLost => {
                self.desk.request();
                self.desk.phone.lost();
            }
            Op::Sync(whims) => drop(self.trip(whims, 1)),
            Op::ReplyLost(whims) => drop(self.trip(whims, 0)),
            Op::ReplyTwice(whims) => drop(self.trip(whims, 2)),
        }
    }

    fn answer(&mut self, r: usize, i: usize, outcome: Outcome, person: PersonId) {
        let Some(round) = self.rounds.get(r).copied().filter(|r| !self.submitted.contains(r)) else { return };
        let mut answer = sixteen(outcome, Some(1))[i].clone();
        answer.note = (outcome == Outcome::Fail).then(|| "见照片".to_owned());
        let key = format!("{HOUSE}/{}/-/outcome", answer.item);
        let a = self.desk.acting(person);
        self.desk.phone.answer(&a, round, answer).expect("saves");
        self.tapped.insert((round, key));
    }

    fn decide(&mut self, take: bool) {
        // The decision comes with the feed; a phone that has yet to learn of a restored log gets none.
        let (prepared, request) = self.desk.request();
        if request.cursor.is_none_or(|c| c.epoch != self.desk.epoch) || !request.batches.is_empty() {
            return;
        }
        let Some((change, taken)) = self.gate.decide(take) else { return };
        let mut reply = self.desk.all_taken(&request);
        reply.items.push(Item::Decided { change, taken });
        self.desk.absorb(prepared, SyncReply::Taken(Box::new(reply)));
    }

    /// A round trip whose reply arrives so often; tells whether there is more to do.
    fn trip(&mut self, whims: Vec<Option<Code>>, arrives: usize) -> bool {
        let (prepared, request) = self.desk.request();
        let stale = request.cursor.is_some_and(|cursor| cursor.epoch != self.desk.epoch);
        let reply = if stale {
            SyncReply::EpochChanged { epoch: self.desk.epoch, head: 0 }
        } else {
            let mut whims = whims.into_iter();
            let mut taken = self.desk.all_taken(&request);
            taken.changes = self.gate.answer(DEVICE, &request, || whims.next().flatten());
            if request.cursor.is_none() {
                taken.items.extend(self.gate.snapshots());
            }
            let known = |hash| self.gate.position(hash).is_some();
            taken.missing = request.verify.iter().copied().filter(|hash| !known(*hash)).collect();
            SyncReply::Taken(Box::new(taken))
        };
        if arrives == 0 {
            self.desk.phone.lost();
        }
        let mut more = true;
        for _ in 0..arrives {
            more = self.desk.absorb(prepared.clone(), reply.clone()).more;
        }
        more
    }

    /// Every record in exactly one list, every answer somewhere.
    fn check(&self) {
        let mut seen: BTreeMap<RecordId, usize> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for edit in all(&self.desk.phone) {
            match edit.edit {
                Edit::Record { id, record } => {
                    assert!(record.is_some(), "its words are readable");
                    *seen.entry(id).or_default() += 1;
                }
                Edit::Taps { round, values } => keys.extend(values.into_iter().map(|(key, _)| (round, key))),
                Edit::Command { .. } => panic!("nobody asked for anything"),
            }
        }
        assert_eq!(seen.keys().copied().collect::<BTreeSet<_>>(), self.records);
        assert!(seen.values().all(|count| *count == 1), "{seen:?}");
        for (round, key) in self.tapped.iter().filter(|(round, _)| !self.submitted.contains(round)) {
            assert!(keys.contains(&(*round, key.clone())), "{key} is nowhere");
        }
    }

    /// An honest office and a good link: nothing stays pending, and what is acknowledged is there.
    fn come_to_rest(&mut self) {
        let mut trips = 0;
        while self.trip(Vec::new(), 1) {
            trips += 1;
            assert!(trips < 60, "a phone that never comes to rest");
        }
        for edit in all(&self.desk.phone) {
            assert_ne!(edit.state, EditState::Pending, "{edit:?}");
            assert!(!edit.unverified);
            if let (Edit::Record { id, .. }, EditState::Acknowledged) = (&edit.edit, edit.state) {
                assert!(self.gate.has_record(*id), "acknowledged and not there: {edit:?}");
            }
        }
    }
}

fn all(phone: &Phone) -> Vec<louan_client_core::view::OutboxView> {
    let lists = [phone.outbox(), phone.held(), phone.returned(), phone.receipts()];
    let states = [EditState::Pending, EditState::Held, EditState::Returned, EditState::Acknowledged];
    let mut edits = Vec::new();
    for (list, state) in lists.into_iter().zip(states) {
        let list = list.expect("reads");
        assert!(list.iter().all(|edit| edit.state == state));
        edits.extend(list);
    }
    edits
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2020),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_edit_is_in_exactly_one_state_and_in_the_end_nothing_is_stuck(ops in prop::collection::vec(op(), 1..50)) {
        let mut world = World::new();
        for op in ops {
            world.act(op);
            world.check();
        }
        world.come_to_rest();
        world.check();
    }
}
