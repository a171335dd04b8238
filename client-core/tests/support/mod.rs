//! A phone in a test's hand and an office that answers as the test says.
//!
//! The office here judges nothing: a test makes the reply by hand, so that every path of
//! the phone can be walked, also those an honest server never takes.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

pub mod gate;

use louan_client_core::{Absorbed, Acting, Enrolment, Phone, Prepared, StorePlace};
use louan_schema::area::streets;
use louan_schema::code::{
    BuildingUse, DiscoveryMethod, HeightSource, Management, OrgKind, Outcome, RegistryState, Role, Severity,
};
use louan_schema::doc::Descriptor;
use louan_schema::id::{BuildingId, Chain, ChangeHash, DeviceId, Epoch, HazardId, OrgId, PersonId, SiteId};
use louan_schema::policy::Policy;
use louan_schema::record::{Answer, Fix, Hazard, Place};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::time::Timestamp;
use louan_schema::wire::{
    Code, CommandVerdict, Cursor, Item, Row, Scope, SyncReply, SyncRequest, Taken, Verdict, frame,
};

pub const DEVICE: DeviceId = DeviceId([0xd0; 16]);
pub const COMPANY: OrgId = OrgId([0xc0; 16]);
pub const ANNA: PersonId = PersonId([0xa0; 16]);
pub const BERT: PersonId = PersonId([0xb0; 16]);
pub const SITE: SiteId = SiteId([0x51; 16]);
pub const HOUSE: BuildingId = BuildingId([0x61; 16]);
pub const TOWER: BuildingId = BuildingId([0x62; 16]);

/// 21 January 2020, noon in Chongqing.
pub const START: Timestamp = Timestamp::from_ms(1_579_579_200_000);

/// A phone, its clock and its chance.
pub struct Desk {
    pub phone: Phone,
    pub now: Timestamp,
    drawn: u64,
    pub pos: u64,
    pub epoch: Epoch,
    pub device: DeviceId,
    /// How much of a gate's log the phone has been handed.
    pub handed: usize,
}

pub fn person(id: PersonId, name: &str) -> Person {
    Person { id, org: COMPANY, role: Role::PropertyManager, name: name.to_owned() }
}

pub fn enrolment() -> Enrolment {
    let company = Org {
        id: COMPANY,
        kind: OrgKind::PropertyManager,
        name: "示例物业".to_owned(),
        street: Some(streets()[0].code),
    };
    Enrolment {
        device: DEVICE,
        people: vec![person(ANNA, "巡查员甲"), person(BERT, "巡查员乙")],
        orgs: vec![company],
        stream: 500_110,
    }
}

pub fn site(id: SiteId, name: &str) -> Site {
    Site {
        id,
        name: name.to_owned(),
        street: streets()[0].code,
        community: None,
        grid: None,
        address: "滨河路8号".to_owned(),
        management: Management::PropertyCompany,
        managed_by: Some(COMPANY),
        supervised_by: OrgId([0xee; 16]),
        position: None,
    }
}

pub fn building(id: BuildingId, site: SiteId, code: &str, name: &str) -> Building {
    Building {
        id,
        site,
        code: code.to_owned(),
        name: name.to_owned(),
        building_use: BuildingUse::Residential,
        height_cm: Some(5_500),
        height_source: HeightSource::Drawing,
        storeys: Some(18),
        floors: Vec::new(),
        state: RegistryState::Registered,
        footprint: None,
    }
}

/// The rows every test starts with.
pub fn rows() -> Vec<Item> {
    vec![
        Item::Row(Row::Site(site(SITE, "翠屏示例苑"))),
        Item::Row(Row::Building(building(HOUSE, SITE, "500110001-000001", "1栋"))),
        Item::Row(Row::Building(building(TOWER, SITE, "500110001-000002", "2栋"))),
    ]
}

impl Desk {
    /// A phone enrolled for two people, that has fetched one compound of two buildings.
    pub fn new() -> Self {
        Self::at(StorePlace::Memory)
    }

    pub fn at(place: StorePlace) -> Self {
        let mut desk = Self::bare(place);
        desk.phone.enrol(enrolment()).expect("takes its enrolment");
        desk.fetch(rows());
        desk
    }

    /// A phone opened and nothing else.
    pub fn bare(place: StorePlace) -> Self {
        let phone = Phone::open(place, [1; 16]).expect("opens");
        Self { phone, now: START, drawn: 0, pos: 0, epoch: Epoch([9; 16]), device: DEVICE, handed: 0 }
    }

    pub fn chance<const N: usize>(&mut self) -> [u8; N] {
        self.drawn += 1;
        let mut bytes = [0; N];
        bytes[..8].copy_from_slice(&self.drawn.to_be_bytes());
        bytes
    }

    pub fn acting(&mut self, person: PersonId) -> Acting {
        self.now = self.now.plus_ms(1_000);
        Acting { person, at: self.now, random: self.chance() }
    }

    /// The request the phone would send now, as the office reads it.
    pub fn request(&mut self) -> (Prepared, SyncRequest) {
        let prepared = self.phone.prepare(self.now).expect("a request can be prepared");
        let signatures = prepared.digests().iter().map(|_| [7; 64]).collect();
        let body = self.phone.seal(&prepared, signatures).expect("seals");
        (prepared, frame::decode(&body).expect("our own bytes"))
    }

    /// A reply that takes everything.
    pub fn all_taken(&mut self, request: &SyncRequest) -> Taken {
        let mut pos = self.pos;
        let mut next = || {
            pos += 1;
            Verdict::Accepted(pos)
        };
        let changes = request.batches.iter().map(|b| b.changes.iter().map(|_| next()).collect()).collect();
        let commands = request
            .batches
            .iter()
            .map(|b| b.commands.iter().map(|_| CommandVerdict::Done(1)).collect())
            .collect();
        self.pos = pos;
        Taken {
            changes,
            commands,
            // A phone without a cursor is brought everything.
            items: if request.cursor.is_none() { rows() } else { Vec::new() },
            cursor: Some(self.cursor()),
            more: false,
            page: None,
            scope: None,
            now: self.now,
            backed_up_pos: 0,
            missing: Vec::new(),
            answered_at: None,
        }
    }

    pub fn cursor(&self) -> Cursor {
        Cursor { stream: 500_110, epoch: self.epoch, pos: self.pos, chain: Chain([0; 16]) }
    }

    pub fn absorb(&mut self, prepared: Prepared, reply: SyncReply) -> Absorbed {
        let reply = frame::encode(&reply).expect("encodes");
        let (now, random) = (self.now, self.chance());
        self.phone.absorb(prepared, &reply, now, random).expect("takes the reply")
    }

    /// One round trip whose reply takes everything, changed by `change` first.
    pub fn sync_with(&mut self, change: impl FnOnce(&SyncRequest, &mut Taken)) -> Absorbed {
        let (prepared, request) = self.request();
        let mut taken = self.all_taken(&request);
        change(&request, &mut taken);
        self.absorb(prepared, SyncReply::Taken(Box::new(taken)))
    }

    /// One round trip in which everything is taken.
    pub fn sync(&mut self) -> Absorbed {
        self.sync_with(|_, _| {})
    }

    /// One round trip that brings items.
    pub fn fetch(&mut self, items: Vec<Item>) -> Absorbed {
        self.pos += 1;
        self.sync_with(|_, taken| taken.items = items)
    }

    /// One round trip that answers every change with this code.
    pub fn refuse(&mut self, code: Code) -> Absorbed {
        self.sync_with(|_, taken| {
            for verdict in taken.changes.iter_mut().flatten() {
                *verdict = Verdict::NotTaken(code);
            }
        })
    }

    /// One round trip with an office that keeps the rules, and hands on what others sent.
    pub fn meet(&mut self, gate: &mut gate::Gate) -> Absorbed {
        let (device, handed) = (self.device, self.handed);
        self.pos = self.pos.max(1_000_000) + 1;
        let absorbed = self.sync_with(|request, taken| {
            taken.changes = gate.answer(device, request, || None);
            if request.cursor.is_none() {
                return taken.items.extend(gate.snapshots());
            }
            let news = gate.log[handed..].iter();
            taken.items =
                news.map(|(_, doc, raw)| Item::Change { doc: *doc, raw: raw.clone().into() }).collect();
        });
        self.handed = gate.log.len();
        absorbed
    }

    /// Reports a hazard in the first building.
    pub fn hazard(&mut self, by: PersonId, text: &str) -> HazardId {
        let a = self.acting(by);
        let hazard = hazard(text, a.at);
        self.phone.report_hazard(&a, SITE, hazard, Vec::new()).expect("saves")
    }

    /// How many edits are pending, held, returned and acknowledged.
    pub fn counts(&self) -> [usize; 4] {
        let p = &self.phone;
        [p.outbox(), p.held(), p.returned(), p.receipts()].map(|list| list.expect("reads").len())
    }
}

pub fn hazard(text: &str, at: Timestamp) -> Hazard {
    Hazard {
        code: "H1.01".parse().expect("a leaf"),
        place: Place { buildings: vec![HOUSE], shared: false, floor: None, spot: None },
        text: text.to_owned(),
        found_at: at,
        method: DiscoveryMethod::ThreeChecks,
        severity: Severity::General,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    }
}

pub fn fix(hazard: HazardId, by: PersonId, at: Timestamp) -> Fix {
    Fix { hazard, fixed_at: at, fixed_by: by, measures: "已清理".to_owned(), cost_fen: None }
}

/// The sixteen answers, all alike.
pub fn sixteen(outcome: Outcome, place: Option<u8>) -> Vec<Answer> {
    let items = Policy::qijiang_2020().completing_items(START.day());
    items.map(|item| Answer::plain(item.code, outcome, place)).collect()
}

pub fn scope(version: u64, push_only: bool) -> Scope {
    Scope {
        version,
        orgs: vec![COMPANY],
        people: vec![ANNA, BERT],
        streets: vec![streets()[0].code],
        push_only,
        lease_until: START.plus_ms(30 * 86_400_000),
    }
}

/// Every change of a request with its document and hash, in order.
pub fn changes(request: &SyncRequest) -> Vec<(Descriptor, ChangeHash, Vec<u8>)> {
    let of_batch = |b: &louan_schema::wire::Batch| -> Vec<_> {
        let docs = b.docs.clone();
        b.changes
            .iter()
            .map(move |c| {
                let hash = louan_schema::doc::scan::scan(&c.raw).expect("a plain change").hash;
                (docs[usize::try_from(c.doc).expect("small")], hash, c.raw.to_vec())
            })
            .collect()
    };
    request.batches.iter().flat_map(of_batch).collect()
}
