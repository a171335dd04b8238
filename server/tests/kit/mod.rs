//! A small district for the core's tests: a street, a police station, a company, a brigade,
//! and phones that write honest changes with real keys.
//!
//! Hostile bytes are made by [`craft`]; nothing here is hostile by itself.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub(crate) mod craft;

use std::sync::Arc;

use louan_schema::area::StreetCode;
use louan_schema::code::{
    BuildingUse, DiscoveryMethod, HeightSource, Management, OrgKind, Outcome, RegistryState, Role, Severity,
};
use louan_schema::doc::write::{Tap, record_change, sheet_change};
use louan_schema::doc::{ActorLife, Descriptor, Document, Field, SheetKey, Tip};
use louan_schema::id::{
    BuildingId, CommandId, DeviceId, Epoch, Incarnation, OrgId, PersonId, RecordId, RoundId, SiteId,
};
use louan_schema::record::{Answer, Body, Fix, Hazard, Place, RECORD_LAYOUT, Recheck, Record, Round};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Timestamp;
use louan_schema::wire::{
    Batch, CommandVerdict, Cursor, Item, PROTOCOL, PushedChange, SyncReply, SyncRequest, Taken, Verdict,
};
use louan_server::hub::{Clocks, Hub, Limits};
use louan_server::storage::Storage;
use louan_server::storage::sqlite::Sqlite;
use louan_server::sync::batch::signed_list;
use louan_server::worker::InProcess;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

pub(crate) const STREAM: u32 = 500_110;
pub(crate) const EPOCH: Epoch = Epoch([7; 16]);
pub(crate) const POLICE: OrgId = OrgId([1; 16]);
pub(crate) const COMPANY: OrgId = OrgId([2; 16]);
pub(crate) const BRIGADE: OrgId = OrgId([3; 16]);
pub(crate) const STREET: OrgId = OrgId([4; 16]);
pub(crate) const OTHER_COMPANY: OrgId = OrgId([5; 16]);
pub(crate) const OFFICER: PersonId = PersonId([11; 16]);
pub(crate) const MANAGER: PersonId = PersonId([12; 16]);
pub(crate) const COLLEAGUE: PersonId = PersonId([13; 16]);
pub(crate) const BRIGADIER: PersonId = PersonId([14; 16]);
pub(crate) const CLERK: PersonId = PersonId([15; 16]);
pub(crate) const STRANGER: PersonId = PersonId([16; 16]);
pub(crate) const SITE: SiteId = SiteId([21; 16]);
pub(crate) const ELSEWHERE: SiteId = SiteId([22; 16]);

/// Noon of 22 January 2020.
pub(crate) fn noon() -> Timestamp {
    "2020-01-22T12:00:00+08:00".parse().expect("an instant")
}

pub(crate) fn clocks() -> Clocks {
    Clocks::both(noon())
}

pub(crate) fn street(number: u32) -> StreetCode {
    StreetCode::new(number).expect("nine digits")
}

pub(crate) fn site(id: SiteId, managed_by: OrgId, at: u32) -> (Site, Vec<Building>) {
    let row = Site {
        id,
        name: format!("示例花园{}", id.0[0]),
        street: street(at),
        community: None,
        grid: None,
        address: "示例路1号".to_owned(),
        management: Management::PropertyCompany,
        managed_by: Some(managed_by),
        supervised_by: POLICE,
        position: None,
    };
    let building = Building {
        id: BuildingId(id.0),
        site: id,
        code: format!("{at}-000001"),
        name: "1栋".to_owned(),
        building_use: BuildingUse::Residential,
        height_cm: Some(5_400),
        height_source: HeightSource::Drawing,
        storeys: Some(18),
        floors: Vec::new(),
        state: RegistryState::Registered,
        footprint: None,
    };
    (row, vec![building])
}

/// A hub over a storage, with the district introduced and two sites registered.
pub(crate) async fn district(storage: Arc<dyn Storage>) -> Hub {
    let hub = Hub::open(storage, Arc::new(InProcess), Limits::default()).await.expect("opens");
    introduce(&hub).await;
    hub
}

pub(crate) async fn hub() -> Hub {
    district(Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"))).await
}

pub(crate) async fn introduce(hub: &Hub) {
    let here = Some(street(500_110_001));
    for (id, kind, at) in [
        (POLICE, OrgKind::Police, here),
        (COMPANY, OrgKind::PropertyManager, here),
        (BRIGADE, OrgKind::Brigade, None),
        (STREET, OrgKind::Street, here),
        (OTHER_COMPANY, OrgKind::PropertyManager, here),
    ] {
        let org = Org { id, kind, name: format!("示例单位{}", id.0[0]), street: at };
        hub.add_org(org, None, clocks()).await.expect("a new organisation");
    }
    for (id, org, role) in [
        (OFFICER, POLICE, Role::Police),
        (MANAGER, COMPANY, Role::PropertyManager),
        (COLLEAGUE, COMPANY, Role::PropertyManager),
        (BRIGADIER, BRIGADE, Role::Brigade),
        (CLERK, STREET, Role::Street),
        (STRANGER, OTHER_COMPANY, Role::PropertyManager),
    ] {
        let person = Person { id, org, role, name: format!("示例人员{}", id.0[0]) };
        hub.add_person(person, None, clocks()).await.expect("a new person");
    }
    for (id, company) in [(SITE, COMPANY), (ELSEWHERE, OTHER_COMPANY)] {
        let (row, buildings) = site(id, company, 500_110_001);
        let verdict = rule(hub, CLERK, 0, Act::RegisterSite(row, buildings)).await;
        assert!(matches!(verdict, CommandVerdict::Done(1)), "{verdict:?}");
    }
}

/// A command at the console; its id comes from what it says.
pub(crate) async fn rule(hub: &Hub, by: PersonId, expected_version: u64, act: Act) -> CommandVerdict {
    let seed = minicbor::to_vec((by, expected_version, &act)).expect("encodes");
    let id = CommandId(louan_schema::id::derived("louan/test/command", &[&seed]));
    let command = Command { id, expected_version, at: noon(), act };
    hub.command(by, command, clocks()).await.expect("the hub answers")
}

pub(crate) fn record(author: PersonId, body: Body) -> Record {
    let (layout, catalogue) = (RECORD_LAYOUT, 1);
    Record { layout, author, written_at: noon(), catalogue, replaces: None, photos: Vec::new(), body }
}

pub(crate) fn round(id: u8) -> Body {
    Body::Round(Round {
        round: RoundId([id; 16]),
        opened_at: noon(),
        buildings: vec![BuildingId(SITE.0)],
        answers: vec![Answer::plain("Q1-01".parse().expect("an item"), Outcome::Pass, Some(1))],
        seen: Vec::new(),
        synthetic: false,
    })
}

pub(crate) fn hazard(text: &str) -> Hazard {
    Hazard {
        code: "H1.06".parse().expect("a leaf"),
        place: Place { buildings: vec![BuildingId(SITE.0)], shared: false, floor: None, spot: None },
        text: text.to_owned(),
        found_at: noon(),
        method: DiscoveryMethod::ThreeChecks,
        severity: Severity::General,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    }
}

pub(crate) fn fix(hazard: RecordId, by: PersonId) -> Body {
    let (fixed_at, measures) = (noon().plus_ms(1_000), "已清走".to_owned());
    Body::Fix(Fix { hazard, fixed_at, fixed_by: by, measures, cost_fen: None })
}

pub(crate) fn recheck(hazard: RecordId, by: PersonId, passed: bool) -> Body {
    let checked_at = noon().plus_ms(2_000);
    let text = if passed { String::new() } else { "仍未清走".to_owned() };
    Body::Recheck(Recheck { hazard, checked_at, checked_by: by, passed, text })
}

/// A phone: its key, and where each of its actors stands.
#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) device: DeviceId,
    pub(crate) incarnation: Incarnation,
    pub(crate) person: PersonId,
    pub(crate) org: OrgId,
    pub(crate) n: u32,
    pub(crate) cursor: Option<Cursor>,
    key: SigningKey,
    tips: Vec<(Descriptor, u32, Tip)>,
}

impl Phone {
    /// A phone enrolled on the hub.
    pub(crate) async fn enrolled(hub: &Hub, seed: u8, person: PersonId, org: OrgId) -> Self {
        let phone = Self::unknown(seed, person, org);
        phone.enrol(hub).await;
        phone
    }

    /// A phone that no hub knows yet.
    pub(crate) fn unknown(seed: u8, person: PersonId, org: OrgId) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).expect("a key");
        let (device, incarnation) = (DeviceId([seed; 16]), Incarnation([seed; 16]));
        Self { device, incarnation, person, org, n: 0, cursor: None, key, tips: Vec::new() }
    }

    pub(crate) async fn enrol(&self, hub: &Hub) {
        let public_key = self.key.verifying_key().to_sec1_bytes().to_vec();
        hub.enrol_device(self.device, public_key, vec![self.person], None, clocks()).await.expect("enrols");
    }

    pub(crate) fn book(&self) -> Descriptor {
        Descriptor::book_at(SITE, self.org, noon())
    }

    /// A new life of the phone's store: its actors begin anew.
    pub(crate) fn reborn(&mut self, incarnation: u8) {
        self.incarnation = Incarnation([incarnation; 16]);
        self.tips.clear();
    }

    pub(crate) fn life(&self) -> ActorLife {
        ActorLife { device: self.device, incarnation: self.incarnation, n: self.n }
    }

    /// Writes a record into the phone's own book on the usual site.
    pub(crate) fn write(&mut self, id: u8, body: Body) -> Vec<u8> {
        let author = self.person;
        self.write_in(self.book(), RecordId([id; 16]), &record(author, body))
    }

    pub(crate) fn write_in(&mut self, doc: Descriptor, id: RecordId, record: &Record) -> Vec<u8> {
        let n = self.n;
        let at = self.tips.iter().position(|(d, m, _)| (*d, *m) == (doc, n));
        let tip = at.map(|i| self.tips[i].2);
        let actor = self.life().actor(doc.doc_id());
        let key = (record.body.kind(), id);
        let written = record_change(&doc, actor, tip, key, record.to_bytes()).expect("fits");
        match at {
            Some(i) => self.tips[i].2 = written.tip,
            None => self.tips.push((doc, n, written.tip)),
        }
        written.raw
    }

    /// Taps on a sheet that the phone holds open.
    pub(crate) fn tap(&self, doc: &Descriptor, sheet: &mut Document, taps: &[Tap]) -> Vec<u8> {
        let actor = self.life().actor(doc.doc_id());
        sheet_change(sheet, actor, taps).expect("writes").expect("something changed").raw
    }

    /// A signed batch of changes to one document.
    pub(crate) fn batch(&self, doc: Descriptor, raws: &[Vec<u8>]) -> Batch {
        self.batch_of(vec![doc], raws.iter().map(|raw| (0, self.n, raw.clone())).collect(), Vec::new())
    }

    pub(crate) fn batch_of(
        &self,
        docs: Vec<Descriptor>,
        changes: Vec<(u32, u32, Vec<u8>)>,
        commands: Vec<Command>,
    ) -> Batch {
        let changes = changes
            .into_iter()
            .map(|(doc, n, raw)| PushedChange { doc, n, raw: raw.into(), taken_before: None })
            .collect();
        let (person, incarnation, signature) = (self.person, self.incarnation, Vec::new().into());
        let batch =
            Batch { person, relayed_for: None, incarnation, docs, changes, commands, signature, proof: None };
        self.signed(batch)
    }

    pub(crate) fn signed(&self, mut batch: Batch) -> Batch {
        let list = signed_list(&batch);
        let digest = Batch::digest(self.device, batch.incarnation, batch.person, &list, &batch.commands);
        let signature: Signature = self.key.sign(&digest);
        batch.signature = signature.to_bytes().to_vec().into();
        batch
    }

    pub(crate) fn request(&self, batches: Vec<Batch>) -> SyncRequest {
        SyncRequest {
            protocol: PROTOCOL,
            build: 1,
            cursor: self.cursor,
            scope_version: 0,
            page: None,
            batches,
            down_bytes_max: 4 << 20,
            now: noon(),
            verify: Vec::new(),
            waiting: false,
            answered_at: Vec::new(),
        }
    }

    /// Sends batches; the reply, its cursor kept.
    pub(crate) async fn send(&mut self, hub: &Hub, batches: Vec<Batch>) -> Taken {
        let request = self.request(batches);
        let reply = hub.sync(self.device, request, clocks()).await.expect("the hub answers");
        let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
        self.cursor = taken.cursor.or(self.cursor);
        *taken
    }

    /// Sends changes to the phone's own book; the verdicts.
    pub(crate) async fn push(&mut self, hub: &Hub, raws: &[Vec<u8>]) -> Vec<Verdict> {
        let batch = self.batch(self.book(), raws);
        self.send(hub, vec![batch]).await.changes.remove(0)
    }

    /// Fetches until nothing is left; everything that came.
    pub(crate) async fn pull(&mut self, hub: &Hub, down_bytes_max: u32) -> Vec<Item> {
        let mut items = Vec::new();
        let mut page = None;
        for _ in 0..10_000 {
            let request = SyncRequest { page: page.take(), down_bytes_max, ..self.request(Vec::new()) };
            let reply = hub.sync(self.device, request, clocks()).await.expect("the hub answers");
            let SyncReply::Taken(taken) = reply else { panic!("{reply:?}") };
            items.extend(taken.items);
            self.cursor = taken.cursor.or(self.cursor);
            page = taken.page;
            if !taken.more {
                return items;
            }
        }
        panic!("a pull that never ends");
    }
}

/// The sheet of the round that [`round`] submits under 1.
pub(crate) fn sheet() -> Descriptor {
    Descriptor::Sheet { site: SITE, org: COMPANY, round: RoundId([1; 16]) }
}

/// An outcome tapped on a floor of one item.
pub(crate) fn tap(floor: &str, value: u64) -> Tap {
    let item = "Q1-11".parse().expect("an item");
    Tap::Number(SheetKey { place: None, item, floor: Some(floor.to_owned()), field: Field::Outcome }, value)
}

pub(crate) fn accepted(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|v| matches!(v, Verdict::Accepted(_)))
}
