//! A colleague contradicts himself sixty-four times under every key of a round: all of it legal, none of it in the way
//! of who answers honestly, whether he has seen it or not, and nothing of it in the way of other books.

use kit::handset::{Handset, both};
use kit::world::World;
use louan_client_core::{Absorbed, Prepared, StorePlace};
use louan_schema::code::{DiscoveryMethod, Outcome, Severity};
use louan_schema::doc::read::FieldValue;
use louan_schema::doc::write::{Tap, sheet_change};
use louan_schema::doc::{
    ActorLife, CHANGE_DEPS_MAX, Descriptor, Document, Field, LIVE_CONFLICTS_MAX, SheetKey,
};
use louan_schema::id::{BuildingId, Incarnation, PersonId, RoundId, SiteId};
use louan_schema::record::{Answer, Hazard, Place};
use louan_schema::registry::Person;
use louan_schema::wire::{
    Batch, Item, PROTOCOL, PushedChange, SyncReply, SyncRequest, Taken, Verdict, frame,
};

use minicbor::bytes::ByteVec;

use crate::story;

/// So many keys that a change naming what stands there would be beyond what the office takes, in values and in bytes.
const KEYS: usize = 500;

/// So many notes that a phone without them is far behind and is brought all of it in one reply.
const FAR: u64 = 128;

fn answer(n: usize, outcome: Outcome) -> Answer {
    Answer {
        floor: Some(format!("{n}楼")),
        ..Answer::plain("Q1-11".parse().expect("an item"), outcome, Some(1))
    }
}

fn key(building: BuildingId, n: usize) -> SheetKey {
    let item = "Q1-11".parse().expect("an item");
    SheetKey { place: Some(building), item, floor: Some(format!("{n}楼")), field: Field::Outcome }
}

/// A colleague of the company with a device, a key and a program of his own.
struct Attacker {
    handset: Handset,
    person: PersonId,
    life: Incarnation,
}

impl Attacker {
    async fn enrolled(world: &World, person: &Person) -> Self {
        let mut handset = Handset::new(StorePlace::Memory, 666);
        let enrolment = kit::enrolment(&world.cast, person, handset.device);
        handset.enrol(&world.hub, enrolment, world.now).await;
        Self { handset, person: person.id, life: Incarnation([66; 16]) }
    }

    async fn send(&self, world: &World, batches: Vec<Batch>, page: Option<ByteVec>) -> Taken {
        let request = SyncRequest {
            protocol: PROTOCOL,
            build: 1,
            cursor: None,
            scope_version: 0,
            page,
            batches,
            down_bytes_max: 4 << 20,
            now: world.now,
            verify: Vec::new(),
            waiting: false,
            answered_at: Vec::new(),
        };
        let reply = world.hub.sync(self.handset.device, request, both(world.now)).await.expect("answers");
        let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
        *taken
    }

    /// The sheet as the office has it.
    async fn sheet(&self, world: &World, sheet: Descriptor) -> Document {
        let mut page = None;
        loop {
            let taken = self.send(world, Vec::new(), page).await;
            let copy = taken.items.iter().find_map(|item| match item {
                Item::Snapshot { doc, bytes } if *doc == sheet => Document::load(bytes).ok(),
                _ => None,
            });
            match copy {
                Some(copy) => return copy,
                None => page = Some(taken.page.expect("the sheet is on some page")),
            }
        }
    }

    /// Sixty-four values beside each other under every key, merged until an honest change can name them all, and as
    /// many notes more as a test says.
    async fn flood(&self, world: &World, sheet: Descriptor, building: BuildingId, notes: u64) {
        let before = self.sheet(world, sheet).await;
        let actor =
            |n| ActorLife { device: self.handset.device, incarnation: self.life, n }.actor(sheet.doc_id());
        let mut all = before.clone();
        let mut changes = Vec::new();
        let last = u32::try_from(LIVE_CONFLICTS_MAX).expect("small") - 1;
        for n in 0..=last {
            let taps: Vec<Tap> =
                (0..KEYS).map(|at| Tap::Number(key(building, at), u64::from(n % 3))).collect();
            let written =
                sheet_change(&mut before.clone(), actor(n), &taps).expect("writes").expect("changed");
            all.add(&written.raw).expect("applies");
            changes.push((n, written.raw));
        }
        let mut note = 0;
        while all.heads().len() >= CHANGE_DEPS_MAX || note < notes {
            note += 1;
            let elsewhere = Tap::Number(key(building, KEYS + 1), note % 2);
            let written =
                sheet_change(&mut all, actor(last), &[elsewhere]).expect("writes").expect("changed");
            changes.push((last, written.raw));
        }
        let list: Vec<_> = changes
            .iter()
            .map(|(n, raw)| (sheet.doc_id(), *n, louan_schema::doc::scan::scan(raw).expect("plain").hash))
            .collect();
        let digest = Batch::digest(self.handset.device, self.life, self.person, &list, &[]);
        let changes = changes
            .into_iter()
            .map(|(n, raw)| PushedChange { doc: 0, n, raw: raw.into(), taken_before: None })
            .collect();
        let batch = Batch {
            person: self.person,
            relayed_for: None,
            incarnation: self.life,
            docs: vec![sheet],
            changes,
            commands: Vec::new(),
            signature: self.handset.sign(&digest).to_vec().into(),
            proof: None,
        };
        let verdicts = self.send(world, vec![batch], None).await.changes.remove(0);
        assert!(
            verdicts.iter().all(|v| matches!(v, Verdict::Accepted(_))),
            "the flood is legal: {verdicts:?}"
        );
    }
}

/// One compound, a round opened on it, its victim and who floods it.
struct Scene {
    world: World,
    victim: Handset,
    person: PersonId,
    attacker: Attacker,
    site: SiteId,
    building: BuildingId,
    round: RoundId,
}

impl Scene {
    async fn set() -> Self {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("洪水示例苑").await;
        let [honest, hostile] = &street.inspectors;
        let mut victim = world.phone(honest).await;
        let attacker = Attacker::enrolled(&world, hostile).await;
        let acting = victim.acting(honest.id, world.now);
        let round = victim.phone.start_round(&acting, site, vec![building]).expect("starts");
        victim.sync(&world.hub, world.now).await;
        Self { world, victim, person: honest.id, attacker, site, building, round }
    }

    fn sheet(&self) -> Descriptor {
        let org = self.world.street().property.id;
        Descriptor::Sheet { site: self.site, org, round: self.round }
    }

    fn answers(&mut self, keys: std::ops::Range<usize>, outcome: Outcome) {
        for n in keys {
            let acting = self.victim.acting(self.person, self.world.now);
            self.victim.phone.answer(&acting, self.round, answer(n, outcome)).expect("saves");
        }
    }

    async fn flood(&self, notes: u64) {
        self.attacker.flood(&self.world, self.sheet(), self.building, notes).await;
    }

    /// The reply to a request prepared earlier, taken by the phone; what each change of it was told.
    async fn reply(&mut self, prepared: Prepared, body: &[u8]) -> (Absorbed, Vec<Verdict>) {
        let request = frame::decode(body).expect("our own bytes");
        let reply = self.world.hub.sync(self.victim.device, request, both(self.world.now)).await;
        let reply = reply.expect("answers");
        let SyncReply::Taken(taken) = &reply else { panic!("{reply:?}") };
        let verdicts = taken.changes.concat();
        let bytes = frame::encode(&reply).expect("encodes");
        let random = self.victim.dice.bytes();
        let absorbed =
            self.victim.phone.absorb(prepared, &bytes, self.world.now, random).expect("is absorbed");
        (absorbed, verdicts)
    }

    async fn trip(&mut self) -> (Absorbed, Vec<Verdict>) {
        let (prepared, body) = self.victim.request(self.world.now);
        self.reply(prepared, &body).await
    }

    /// Everything the victim answered stands at the office, alone; the last key as he answered it last.
    async fn is_settled(&mut self, last: Outcome) {
        let phone = &self.victim.phone;
        for list in [phone.outbox(), phone.held(), phone.returned()] {
            assert_eq!(list.expect("reads"), [], "nothing is left over");
        }
        let reading = self.attacker.sheet(&self.world, self.sheet()).await.read_sheet();
        for n in 0..KEYS {
            let outcome = if n + 1 == KEYS { last } else { Outcome::Fail };
            let standing = &reading.fields[&key(self.building, n)];
            assert_eq!(standing.value, FieldValue::Number(u64::from(outcome.number())), "key {n}");
            assert!(standing.others.is_empty(), "key {n}: {:?}", standing.others);
        }
        let view = self.victim.phone.round(self.round).expect("reads").expect("is there");
        assert_eq!((view.answers.len(), view.contested().count()), (KEYS + 1, 0));
    }
}

fn all_accepted(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|v| matches!(v, Verdict::Accepted(_)))
}

#[test]
fn a_sheet_flooded_before_ones_eyes_takes_every_answer_and_other_books_go_on() {
    story(async {
        let mut scene = Scene::set().await;
        // Answered while a request was under way whose reply brings the flood.
        let (prepared, body) = scene.victim.request(scene.world.now);
        scene.answers(0..KEYS, Outcome::Fail);
        let acting = scene.victim.acting(scene.person, scene.world.now);
        let found = Hazard {
            code: "H1.01".parse().expect("a leaf"),
            place: Place { buildings: vec![scene.building], shared: false, floor: None, spot: None },
            text: "楼道堆物".to_owned(),
            found_at: scene.world.now,
            method: DiscoveryMethod::ThreeChecks,
            severity: Severity::General,
            round: None,
            count: None,
            fixed_on_the_spot: false,
            synthetic: false,
        };
        scene.victim.phone.report_hazard(&acting, scene.site, found, Vec::new()).expect("saves");
        scene.flood(FAR).await;
        let (absorbed, _) = scene.reply(prepared, &body).await;
        assert!(absorbed.received > LIVE_CONFLICTS_MAX, "the flood is here: {absorbed:?}");
        let (absorbed, verdicts) = scene.trip().await;
        assert!(all_accepted(&verdicts), "{verdicts:?}");
        assert!(verdicts.len() > 4, "one hazard, and the answers in parts: {}", verdicts.len());
        assert_eq!(absorbed.accepted, verdicts.len());
        scene.victim.sync(&scene.world.hub, scene.world.now).await;
        scene.is_settled(Outcome::Fail).await;
    });
}

/// What was written before the flood was seen; `later` writes a second answer to the last key behind it.
async fn unseen(later: impl FnOnce(&mut Scene), last: Outcome, notes: u64) {
    let mut scene = Scene::set().await;
    scene.answers(0..KEYS, Outcome::Fail);
    let (prepared, body) = scene.victim.request(scene.world.now);
    later(&mut scene);
    scene.flood(notes).await;
    let (absorbed, verdicts) = scene.reply(prepared, &body).await;
    assert_eq!(verdicts, [Verdict::NotTaken(louan_schema::wire::Code::ConflictFlood)]);
    assert_eq!(absorbed.returned, 0, "{absorbed:?}");
    assert!(absorbed.rewritten > 0 && absorbed.more, "written anew at once: {absorbed:?}");
    let mut replies = 1;
    if notes < FAR {
        // The flood does not fit one reply: nothing is tried again before all of it is here.
        while scene.victim.phone.outbox().expect("reads").len() < 4 {
            let (absorbed, verdicts) = scene.trip().await;
            assert_eq!((verdicts.len(), absorbed.returned), (0, 0), "{absorbed:?}");
            assert!(absorbed.more);
            replies += 1;
        }
    }
    assert_eq!(replies > 2, notes < FAR, "{replies} replies");
    let (absorbed, verdicts) = scene.trip().await;
    assert!(all_accepted(&verdicts), "in an order that the office takes: {verdicts:?}");
    assert!(verdicts.len() > 3, "{}", verdicts.len());
    assert_eq!(absorbed.rewritten, 0);
    scene.victim.sync(&scene.world.hub, scene.world.now).await;
    scene.is_settled(last).await;
}

#[test]
fn a_flood_that_comes_unseen_returns_nothing() {
    story(unseen(|_| {}, Outcome::Fail, FAR));
}

#[test]
fn a_flood_larger_than_a_reply_is_heard_to_its_end_before_anything_is_tried_again() {
    story(unseen(|_| {}, Outcome::Fail, 0));
}

#[test]
fn of_two_answers_to_a_flooded_item_the_later_one_stands() {
    let again = |scene: &mut Scene| {
        scene.answers(KEYS - 1..KEYS, Outcome::Pass);
        scene.victim.phone.prepare(scene.world.now).expect("plans");
    };
    story(unseen(again, Outcome::Pass, FAR));
}

#[test]
fn of_two_answers_under_two_lives_of_a_phone_the_later_one_stands() {
    let again = |scene: &mut Scene| {
        // What was sent stays under the life that sent it.
        scene.victim.phone.renew_incarnation([77; 16]).expect("a new life");
        scene.answers(KEYS - 1..KEYS, Outcome::Pass);
        scene.victim.phone.prepare(scene.world.now).expect("plans");
    };
    story(unseen(again, Outcome::Pass, FAR));
}
