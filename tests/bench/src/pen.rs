//! A pen: a device that only writes, without a store, for loads that a phone would take long to type.
//!
//! Its changes, batches and signatures are those of a real device, made by the same functions
//! of the rulebook; it keeps no copy of what it wrote and ignores what comes down, except for
//! where it stands in the feed.

use std::collections::BTreeMap;

use kit::dice::Dice;
use louan_schema::doc::write::record_change;
use louan_schema::doc::{ActorLife, Descriptor, Tip};
use louan_schema::id::{DeviceId, DocId, Incarnation, RecordId, RoundId};
use louan_schema::policy::{ItemCode, Policy};
use louan_schema::record::{Body, RECORD_LAYOUT, Record, Round};
use louan_schema::registry::Person;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Batch, Cursor, PROTOCOL, PushedChange, SyncReply, SyncRequest, Taken, Verdict};
use minicbor::bytes::ByteVec;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::answers;
use crate::district::Premises;

/// Least bytes the server sends back when asked; a pen reads none of them.
const DOWN_BYTES: u32 = 64 * 1024;

/// A device that only writes.
#[derive(Debug, Clone)]
pub struct Pen {
    /// Who holds it.
    pub person: Person,
    /// The device as the server knows it.
    pub device: DeviceId,
    dice: Dice,
    key: SigningKey,
    incarnation: Incarnation,
    items: Vec<ItemCode>,
    tips: BTreeMap<DocId, Tip>,
    written: Vec<(Descriptor, Vec<u8>)>,
    cursor: Option<Cursor>,
    page: Option<ByteVec>,
}

impl Pen {
    /// A pen in the hands of `person`, its key and chance from `seed`.
    #[must_use]
    pub fn new(person: Person, seed: u64, at: Timestamp) -> Self {
        let mut dice = Dice::seeded(seed);
        let key = loop {
            if let Ok(key) = SigningKey::from_slice(&dice.bytes::<32>()) {
                break key;
            }
        };
        Self {
            person,
            device: DeviceId(dice.bytes()),
            key,
            incarnation: Incarnation(dice.bytes()),
            items: answers::items_on(at.day()),
            tips: BTreeMap::new(),
            written: Vec::new(),
            cursor: None,
            page: None,
            dice,
        }
    }

    /// The device's key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The device's public key, SEC1.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.key.verifying_key().to_sec1_bytes().to_vec()
    }

    /// Writes one submitted round of twenty items on a building, opened at an instant; it waits to be taken.
    pub fn write_round(&mut self, premises: &Premises, opened_at: Timestamp) {
        let minutes = i64::try_from(20 + self.dice.below(40)).unwrap_or(20);
        let written_at = opened_at.plus_ms(minutes * 60_000);
        let record = Record {
            layout: RECORD_LAYOUT,
            author: self.person.id,
            written_at,
            catalogue: Policy::qijiang_2020().catalogue(),
            replaces: None,
            photos: Vec::new(),
            body: Body::Round(Round {
                round: RoundId::mint(opened_at, self.dice.bytes()),
                opened_at,
                buildings: vec![premises.building.id],
                answers: answers::round_of(&mut self.dice, &self.items),
                seen: Vec::new(),
                synthetic: false,
            }),
        };
        let id = RecordId::mint(written_at, self.dice.bytes());
        let doc = Descriptor::book_at(premises.site.id, self.person.org, written_at);
        let life = ActorLife { device: self.device, incarnation: self.incarnation, n: 0 };
        let tip = self.tips.get(&doc.doc_id()).copied();
        let key = (record.body.kind(), id);
        let written = record_change(&doc, life.actor(doc.doc_id()), tip, key, record.to_bytes())
            .expect("a round of twenty items is small");
        self.tips.insert(doc.doc_id(), written.tip);
        self.written.push((doc, written.raw));
    }

    /// A signed request with the next `changes_max` of what was written.
    pub fn request(&mut self, changes_max: usize, now: Timestamp) -> SyncRequest {
        let some: Vec<_> = self.written.drain(..changes_max.min(self.written.len())).collect();
        let mut docs: Vec<Descriptor> = Vec::new();
        let mut places: BTreeMap<DocId, u32> = BTreeMap::new();
        let mut changes = Vec::new();
        let mut list = Vec::new();
        for (descriptor, raw) in some {
            let id = descriptor.doc_id();
            let doc = *places.entry(id).or_insert_with(|| {
                docs.push(descriptor);
                u32::try_from(docs.len() - 1).unwrap_or(u32::MAX)
            });
            let hash = louan_schema::doc::scan::scan(&raw).expect("our own change").hash;
            list.push((id, 0, hash));
            changes.push(PushedChange { doc, n: 0, raw: raw.into(), taken_before: None });
        }
        let digest = Batch::digest(self.device, self.incarnation, self.person.id, &list, &[]);
        let signature: Signature = self.key.sign(&digest);
        let batch = Batch {
            person: self.person.id,
            relayed_for: None,
            incarnation: self.incarnation,
            docs,
            changes,
            commands: Vec::new(),
            signature: signature.to_bytes().to_vec().into(),
            proof: None,
        };
        SyncRequest {
            protocol: PROTOCOL,
            build: louan_client_core::BUILD,
            cursor: self.cursor,
            scope_version: 0,
            page: self.page.clone(),
            batches: if list.is_empty() { Vec::new() } else { vec![batch] },
            down_bytes_max: DOWN_BYTES,
            now,
            verify: Vec::new(),
            waiting: false,
            answered_at: Vec::new(),
        }
    }

    /// Whether everything written was taken into a request.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether the pen knows where it stands in the feed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.cursor.is_some()
    }

    /// Takes a reply; how many changes the server made durable.
    ///
    /// # Panics
    /// When the server did not take everything: a load that is refused measures nothing.
    pub fn take(&mut self, reply: SyncReply) -> usize {
        let SyncReply::Taken(taken) = reply else { panic!("the server did not take a request: {reply:?}") };
        let Taken { changes, cursor, page, .. } = *taken;
        let mut durable = 0;
        for verdict in changes.into_iter().flatten() {
            assert!(matches!(verdict, Verdict::Accepted(_)), "a record was not taken: {verdict:?}");
            durable += 1;
        }
        self.cursor = cursor.or(self.cursor);
        self.page = page;
        durable
    }
}
