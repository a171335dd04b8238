//! What the edge's tests share: a store in memory with a few people, dice that always fall
//! the same way, a clock that stands until it is moved.
//!
//! Nothing here waits or asks the machine for anything.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod house;
pub(crate) mod proof;
pub(crate) mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use louan_schema::area::StreetCode;
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{Epoch, OrgId, PersonId};
use louan_schema::registry::{Org, Person};
use louan_schema::time::Timestamp;
use louan_schema::wire::{SyncRequest, frame};
use louan_server::audit::Entry;
use louan_server::auth::password::Password;
use louan_server::auth::{Credentials, Ground, Identity, NewAccount};
use louan_server::clock::{Clock, Random};
use louan_server::storage::Storage;
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::sqlite::Sqlite;
use sha2::{Digest, Sha256};

/// The street of the street office in these tests: 古南街道.
pub(crate) const STREET: u32 = 500_110_001;
/// Another street: 文龙街道.
pub(crate) const OTHER_STREET: u32 = 500_110_002;
/// A password that passes.
pub(crate) const PASSWORD: &str = "Tower-block 33";

/// Dice whose n-th throw is a hash of n.
#[derive(Default)]
pub(crate) struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let throw = self.0.fetch_add(1, Ordering::Relaxed);
            let hash = Sha256::digest(throw.to_be_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// A clock that stands until it is moved.
pub(crate) struct Hands(AtomicI64);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(noon().ms()))
    }

    pub(crate) fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }
}

impl Clock for Hands {
    fn system(&self) -> Timestamp {
        self.now()
    }

    fn business(&self) -> Timestamp {
        self.now()
    }
}

/// When these tests begin.
pub(crate) fn noon() -> Timestamp {
    "2020-03-20T12:00:00+08:00".parse().expect("an instant")
}

pub(crate) fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

pub(crate) fn person_id(number: u8) -> PersonId {
    PersonId([number; 16])
}

/// People of these tests: a number for the id, the organisation's code and kind, the street, the role.
pub(crate) const PEOPLE: [(u8, &str, OrgKind, Option<u32>, Role); 6] = [
    (1, "street-1", OrgKind::Street, Some(STREET), Role::Street),
    (2, "office", OrgKind::Office, None, Role::Office),
    (3, "brigade", OrgKind::Brigade, None, Role::Brigade),
    (4, "property", OrgKind::PropertyManager, None, Role::PropertyManager),
    (5, "operator", OrgKind::Operator, None, Role::SystemAdmin),
    (6, "leaders", OrgKind::LeadingGroup, None, Role::LeadingGroup),
];

pub(crate) fn org_id(code: &str) -> OrgId {
    Org::well_known_id(code)
}

/// A store in memory with the people of [`PEOPLE`].
pub(crate) async fn store() -> Arc<Sqlite> {
    let store = Arc::new(Sqlite::in_memory(500_110, Epoch([9; 16])).expect("a store in memory"));
    let writes = PEOPLE.iter().flat_map(|(number, code, kind, street, role)| {
        let street = street.map(|code| StreetCode::new(code).expect("one of the 21"));
        let org = Org { id: org_id(code), kind: *kind, name: format!("单位{number}"), street };
        let person =
            Person { id: person_id(*number), org: org.id, role: *role, name: format!("人员{number}") };
        [Write::Org(org), Write::Person(person, true)]
    });
    let commit = Commit { writes: writes.collect(), ..Commit::default() };
    store.commit(commit).await.expect("people are written");
    store
}

/// The identity service over a store.
pub(crate) fn identity(store: &Arc<Sqlite>) -> Identity {
    Identity::new(Ground {
        storage: Arc::clone(store) as Arc<dyn Storage>,
        random: Arc::new(Dice::default()),
        pepper: b"a pepper for tests only".to_vec(),
        hashes_at_once: 2,
        sign_in_per_minute: 30,
        codes_per_hour: 10,
    })
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

pub(crate) fn credentials(login: &str, word: &str, from: IpAddr) -> Credentials {
    Credentials { login: login.to_owned(), password: password(word), from }
}

/// Gives person `number` the account `user-<number>` with [`PASSWORD`].
pub(crate) async fn account(identity: &Identity, number: u8, now: Timestamp) -> String {
    let login = format!("user-{number}");
    let new = NewAccount { person: person_id(number), login: login.clone(), password: password(PASSWORD) };
    identity.put_account(new, now).await.expect("an account");
    login
}

/// The audit as (act, outcome), oldest first.
pub(crate) async fn audit(store: &Sqlite) -> Vec<(String, String)> {
    use louan_server::storage::AuditStore;
    let lines = store.audit_lines(0, 10_000).await.expect("the audit");
    let entry = |bytes: &[u8]| minicbor::decode::<Entry>(bytes).expect("an entry");
    lines.iter().map(|line| entry(&line.bytes)).map(|e| (e.act, e.outcome)).collect()
}

/// The last line of the audit.
pub(crate) async fn last_audit(store: &Sqlite) -> (String, String) {
    audit(store).await.pop().expect("a line")
}

/// A first request: nothing to send, nothing known.
pub(crate) fn empty_sync(protocol: u16) -> Vec<u8> {
    let request = SyncRequest {
        protocol,
        build: 1,
        cursor: None,
        scope_version: 0,
        page: None,
        batches: Vec::new(),
        down_bytes_max: 65_536,
        now: noon(),
        verify: Vec::new(),
        waiting: false,
        answered_at: Vec::new(),
    };
    frame::encode(&request).expect("a body")
}
