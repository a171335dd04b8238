//! A phone in somebody's hand: the real client core, its store, a device key, a link.
//!
//! The kit performs what the core asks for: it signs digests and carries bytes. It knows
//! no rule of the domain and changes no byte on the way unless a story tells it to.

use louan_client_core::{Absorbed, Acting, Enrolment, Phone, StorePlace};
use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;
use louan_schema::wire::frame;
use louan_server::hub::{Clocks, Hub};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::dice::Dice;

/// Business and system clock showing the same instant.
#[must_use]
pub const fn both(now: Timestamp) -> Clocks {
    Clocks { business: now, system: now }
}

/// A phone in somebody's hand.
pub struct Handset {
    /// The core.
    pub phone: Phone,
    /// Which device it is.
    pub device: DeviceId,
    /// Where its chance comes from.
    pub dice: Dice,
    key: SigningKey,
}

impl Handset {
    /// A new phone, its store at `place`, its key and chance from `seed`.
    #[must_use]
    pub fn new(place: StorePlace, seed: u64) -> Self {
        let mut dice = Dice::seeded(seed);
        let key = loop {
            if let Ok(key) = SigningKey::from_slice(&dice.bytes::<32>()) {
                break key;
            }
        };
        let device = DeviceId(dice.bytes());
        let phone = Phone::open(place, dice.bytes()).expect("a new store opens");
        Self { phone, device, dice, key }
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

    /// Enrols on the hub, as if the code had been typed in, and tells the core.
    pub async fn enrol(&mut self, hub: &Hub, enrolment: Enrolment, now: Timestamp) {
        let people: Vec<PersonId> = enrolment.people.iter().map(|p| p.id).collect();
        hub.enrol_device(self.device, self.public_key(), people, None, both(now)).await.expect("enrols");
        self.phone.enrol(enrolment).expect("a new phone takes its enrolment");
    }

    /// Who acts when, with fresh chance.
    pub fn acting(&mut self, person: PersonId, at: Timestamp) -> Acting {
        Acting { person, at, random: self.dice.bytes() }
    }

    /// The signed request the phone would send now.
    pub fn request(&mut self, now: Timestamp) -> (louan_client_core::Prepared, Vec<u8>) {
        let prepared = self.phone.prepare(now).expect("a request can always be prepared");
        let signatures = prepared.digests().iter().map(|digest| self.sign(digest)).collect();
        let body = self.phone.seal(&prepared, signatures).expect("signatures fit");
        (prepared, body)
    }

    /// What the device key says to a digest.
    #[must_use]
    pub fn sign(&self, digest: &[u8; 32]) -> [u8; 64] {
        let signature: Signature = self.key.sign(digest);
        signature.to_bytes().into()
    }

    /// One round trip over a link that loses nothing.
    pub async fn sync_once(&mut self, hub: &Hub, now: Timestamp) -> Absorbed {
        let (prepared, body) = self.request(now);
        let request = frame::decode(&body).expect("our own bytes");
        let reply = hub.sync(self.device, request, both(now)).await.expect("the hub answers");
        let reply = frame::encode(&reply).expect("encodes");
        let random = self.dice.bytes();
        self.phone.absorb(prepared, &reply, now, random).expect("a whole reply is absorbed")
    }

    /// Round trips until there is nothing more to send or fetch; returns how many.
    pub async fn sync(&mut self, hub: &Hub, now: Timestamp) -> usize {
        for trip in 1..1_000 {
            if !self.sync_once(hub, now).await.more {
                return trip;
            }
        }
        panic!("a phone that never comes to rest");
    }
}
