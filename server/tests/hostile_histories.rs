//! Histories nobody planned: honest records and every wicked thing that can be done to one, in any order.
//!
//! The law is that a record once taken stays, byte for byte, whatever is sent after it (C12). What is sent goes through
//! the whole gate and the judge; which single rule refuses it is the hostile table's business, not asked here.

mod kit;

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::craft::{Parts, leb, run, signed_leb};
use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, Phone, STREAM, accepted, record, round};
use louan_schema::doc::key::record_key;
use louan_schema::doc::{Document, Kind};
use louan_schema::id::RecordId;
use louan_schema::record::{Body, Withdrawal};
use louan_schema::wire::Verdict;
use louan_server::hub::Hub;
use louan_server::storage::log::LogStore;
use louan_server::storage::sqlite::Sqlite;
use proptest::prelude::*;
use tokio::runtime::Builder;

/// What an operation does, as a change spells it: put, delete, make a map or a list, add.
const ACTIONS: [u8; 5] = [1, 3, 0, 2, 5];

/// One change of a history.
#[derive(Debug, Clone)]
enum Step {
    /// An honest record.
    Write,
    /// An honest withdrawal of a record that stands.
    Withdraw(usize),
    /// Something else done to a record that stands, in a change of its doer's own.
    Attack {
        /// Which record.
        target: usize,
        /// What is done.
        action: u8,
        /// Whether under the record's own key, or behind a key nobody has.
        under_its_key: bool,
        /// Whether it names the record's operation as replaced.
        names_it: bool,
        /// Whether it says to have seen the record.
        depends_on_it: bool,
    },
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let attack = (any::<usize>(), prop::sample::select(&ACTIONS[..]), any::<[bool; 3]>());
    let attack = attack.prop_map(|(target, action, [under_its_key, names_it, depends_on_it])| Step::Attack {
        target,
        action,
        under_its_key,
        names_it,
        depends_on_it,
    });
    let step = prop_oneof![
        2 => Just(Step::Write),
        1 => any::<usize>().prop_map(Step::Withdraw),
        5 => attack,
    ];
    (0..3_usize, step)
}

/// A record that was taken: its id and kind, and the change that brought it.
struct Taken {
    id: RecordId,
    kind: Kind,
    change: Parts,
    hash: [u8; 32],
}

struct World {
    hub: Hub,
    storage: Arc<Sqlite>,
    phones: Vec<Phone>,
    taken: Vec<Taken>,
    ids: u8,
}

impl World {
    async fn new() -> Self {
        let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
        let hub = kit::district(storage.clone()).await;
        let mut phones = Vec::new();
        for (seed, person) in [(41, MANAGER), (42, COLLEAGUE), (43, MANAGER)] {
            phones.push(Phone::enrolled(&hub, seed, person, COMPANY).await);
        }
        Self { hub, storage, phones, taken: Vec::new(), ids: 0 }
    }

    async fn take(&mut self, who: usize, step: &Step) {
        self.ids += 1;
        let id = RecordId([self.ids; 16]);
        let body = match step {
            Step::Withdraw(target) if !self.taken.is_empty() => {
                let target = self.taken[target % self.taken.len()].id;
                Body::Withdrawal(Withdrawal { target, reason: "误报".to_owned() })
            }
            _ => round(self.ids),
        };
        let phone = &mut self.phones[who];
        let kind = body.kind();
        let honest = phone.write_in(phone.book(), id, &record(phone.person, body));
        let raw = match step {
            Step::Attack { .. } if self.taken.is_empty() => return self.phones[who].n += 1,
            Step::Attack { target, .. } => {
                wicked(Parts::of(&honest), step, &self.taken[target % self.taken.len()])
            }
            Step::Write | Step::Withdraw(_) => honest,
        };
        let verdicts = self.phones[who].push(&self.hub, std::slice::from_ref(&raw)).await;
        assert!(accepted(&verdicts) || !matches!(step, Step::Write), "an honest record: {verdicts:?}");
        match verdicts[0] {
            Verdict::Accepted(_) => {
                let hash = louan_server::sync::batch::hash_of(&raw).0;
                self.taken.push(Taken { id, kind, change: Parts::of(&raw), hash });
            }
            // Its actor is burnt; the phone goes on under the next.
            _ => self.phones[who].n += 1,
        }
    }

    /// The records of the book as stored.
    async fn records(&self) -> BTreeMap<(Kind, RecordId), Vec<u8>> {
        let book = self.phones[0].book().doc_id();
        let Some(bytes) = self.storage.snapshot(book).await.expect("reads") else { return BTreeMap::new() };
        let document = Document::load(&bytes).expect("what is stored loads");
        document.read_book().into_iter().map(|(kind, id, bytes)| ((kind, id), bytes)).collect()
    }
}

/// An honest change made into an attack on a record that stands.
fn wicked(mut honest: Parts, step: &Step, target: &Taken) -> Vec<u8> {
    let Step::Attack { action, under_its_key, names_it, depends_on_it, .. } = step else {
        return honest.raw();
    };
    if *depends_on_it && !honest.deps.contains(&target.hash) {
        honest.deps.push(target.hash);
        honest.start_op = honest.start_op.max(target.change.start_op + 1);
    }
    if *under_its_key {
        let key = record_key(target.kind, target.id).into_bytes();
        honest = honest.column(0x15, run(-1, &[leb(key.len() as u64), key].concat()));
    }
    if *names_it {
        let own = honest.actor == target.change.actor;
        honest.others = if own { Vec::new() } else { vec![target.change.actor.clone()] };
        let counter = signed_leb(i64::try_from(target.change.start_op).expect("small"));
        honest = honest.column(0x70, run(-1, &[1])).column(0x71, run(-1, &[u8::from(!own)]));
        honest = honest.column(0x73, run(-1, &counter));
    }
    honest.column(0x42, run(-1, &[*action])).raw()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// C12 no sequence of changes removes or alters a record that was taken.
    #[test]
    fn a_record_once_taken_stays_as_it_is(history in prop::collection::vec(step(), 1..16)) {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            let mut standing = BTreeMap::new();
            for (who, step) in &history {
                world.take(*who, step).await;
                let now = world.records().await;
                for (key, bytes) in &standing {
                    assert_eq!(now.get(key), Some(bytes), "{key:?} after {step:?}");
                }
                assert_eq!(now.len(), world.taken.len(), "one record a change that was taken: {step:?}");
                standing = now;
            }
        });
    }
}
