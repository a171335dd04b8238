//! A phone of the demonstration: the real core with a file of its own, a key, and a link
//! to the office over HTTPS.
//!
//! Its key and its chance are the machine's own; only its clock is the story's.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use louan_client_core::driver::{Host, Link};
use louan_client_core::{Absorbed, Acting, Error, Phone, StorePlace};
use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;
use louan_server::clock::{Random, SystemRandom};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use super::{Step, Trouble};

/// A phone in somebody's pocket.
#[derive(Debug)]
pub(super) struct Pocket {
    /// The core.
    pub(super) phone: Phone,
    /// Whose it is.
    pub(super) person: PersonId,
    link: Link,
    host: Owner,
    name: String,
    trips: usize,
}

/// The host of a phone: clock, chance and key.
#[derive(Debug)]
struct Owner {
    key: SigningKey,
    now_ms: AtomicI64,
}

impl Host for Owner {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.load(Ordering::Relaxed))
    }

    fn random(&self) -> [u8; 16] {
        random()
    }

    fn public_key(&self) -> Vec<u8> {
        self.key.verifying_key().to_sec1_bytes().to_vec()
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], String> {
        let signature: Signature = self.key.sign(message);
        Ok(signature.to_bytes().into())
    }
}

fn random<const N: usize>() -> [u8; N] {
    let random: &dyn Random = &SystemRandom;
    random.array()
}

impl Pocket {
    /// A new phone with its store in `folder`, enrolled with a code.
    ///
    /// # Errors
    /// [`Trouble`] when the store cannot be made or the office refuses the code.
    pub(super) async fn enrolled(
        (url, root): (&str, &[u8]),
        folder: &Path,
        name: String,
        (person, code): &(PersonId, String),
        now: Timestamp,
    ) -> Step<Self> {
        let key = loop {
            // A number outside the curve's order is no key; one in four thousand million is.
            if let Ok(key) = SigningKey::from_slice(&random::<32>()) {
                break key;
            }
        };
        let place = StorePlace::File(folder.join(format!("{name}.sqlite")));
        let phone = Phone::open(place, random())
            .map_err(|e| Trouble::odd(format!("手机 {name} 的数据库不能建立：{e}")))?;
        let link = Link::new(url, &[root.to_vec()], None);
        let link = link.map_err(|e| Trouble::odd(format!("手机 {name} 不能使用证书：{e}")))?;
        let host = Owner { key, now_ms: AtomicI64::new(now.ms()) };
        let mut pocket = Self { phone, person: *person, link, host, name, trips: 0 };
        let enrolled = pocket.link.enrol(&mut pocket.phone, &pocket.host, code).await;
        enrolled.map_err(|e| pocket.trouble(&e))?;
        Ok(pocket)
    }

    /// Who acts when, with fresh chance.
    pub(super) fn acting(&self, at: Timestamp) -> Acting {
        Acting { person: self.person, at, random: random() }
    }

    /// Sends and fetches until there is nothing more.
    ///
    /// # Errors
    /// [`Trouble`] with the core's words; what was saved stays on the phone.
    pub(super) async fn sync(&mut self, now: Timestamp) -> Step<Absorbed> {
        self.host.now_ms.store(now.ms(), Ordering::Relaxed);
        self.trips += 1;
        let synced = self.link.sync(&mut self.phone, &self.host).await;
        synced.map_err(|e| self.trouble(&e))
    }

    /// How often it was connected.
    pub(super) const fn trips(&self) -> usize {
        self.trips
    }

    /// How many edits still wait here, and how many were held or returned.
    ///
    /// # Errors
    /// [`Trouble`] when the store cannot be read.
    pub(super) fn unsettled(&self) -> Step<usize> {
        let lists = [self.phone.outbox(), self.phone.held(), self.phone.returned()];
        let mut count = 0;
        for list in lists {
            count += list.map_err(|e| self.trouble(&e))?.len();
        }
        Ok(count)
    }

    /// The core's words about this phone.
    pub(super) fn trouble(&self, error: &Error) -> Trouble {
        Trouble::odd(format!("手机 {} 没有完成：{error} ({:?})", self.name, error.kind))
    }
}
