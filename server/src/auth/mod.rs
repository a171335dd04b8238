//! Who is asking: accounts, sessions, enrolment. Not what they may do.
//!
//! A token opens a session and carries no right; rights are read from the registry at each
//! request. Everything that succeeds or is refused here leaves an audit line in the same
//! commit as what it changes. Time and randomness come in. The pieces: [`password`] (argon2id),
//! [`throttle`] (how often), [`token`] and [`code`] (what is shown), and the acts: sign in,
//! refresh, enrol, prove a request, and what the operator does with accounts.

mod account;
pub mod code;
mod enrol;
pub mod password;
mod proof;
mod refresh;
mod session;
mod sign_in;
pub mod throttle;
pub mod token;

pub use account::{AccountError, NewAccount};
pub use enrol::{Enrolled, Enrolment};
pub use session::{Caller, Issued};
pub use sign_in::{Credentials, SignedIn};

use std::net::IpAddr;
use std::sync::Arc;

use louan_schema::id::{DeviceId, PersonId, derived};
use louan_schema::time::Timestamp;

use crate::audit::Entry;
use crate::clock::Random;
use crate::storage::commit::{Commit, Write};
use crate::storage::sessions::IdentityWrite;
use crate::storage::{Storage, StorageError};
use password::{Busy, Passwords};
use throttle::{Lockout, Rate, TryLater};

/// Life of an access token.
pub const ACCESS_MS: i64 = 15 * 60_000;
/// Life of a device's refresh token.
pub const DEVICE_REFRESH_MS: i64 = 30 * 86_400_000;
/// Life of a console session, whatever is done in it: a working day.
pub const CONSOLE_MS: i64 = 12 * 3_600_000;
/// A browser's session ends after this long without a request.
pub const COOKIE_IDLE_MS: i64 = 30 * 60_000;
/// Life of an enrolment code.
pub const CODE_MS: i64 = 24 * 3_600_000;

/// Why somebody is not let in. Nothing was changed but the audit.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such account, a wrong password, an account that is off: the same to whoever asks (A02).
    #[error("account and password do not open a session")]
    Credentials,
    /// Too often; again after so many milliseconds.
    #[error("tried too often, again in `{}` ms", .0.after_ms)]
    TooOften(TryLater),
    /// No token, or one that is worth nothing (any more).
    #[error("the session has ended or never was")]
    NoSession,
    /// No such enrolment code, or a mistyped one.
    #[error("there is no such enrolment code")]
    CodeUnknown,
    /// The code was used, or is too old.
    #[error("the enrolment code is spent")]
    CodeSpent,
    /// The public key is no point on P-256.
    #[error("the public key is not a P-256 key")]
    PublicKey,
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy,
    /// The store refused.
    #[error("could not read or write the session store")]
    Storage(#[from] StorageError),
}

impl From<Busy> for AuthError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

/// What identity needs from outside.
pub struct Ground {
    /// Where sessions, accounts and the audit live.
    pub storage: Arc<dyn Storage>,
    /// Where tokens come from.
    pub random: Arc<dyn Random>,
    /// Mixed into every password hash.
    pub pepper: Vec<u8>,
    /// Password hashes at once.
    pub hashes_at_once: usize,
    /// Sign-ins and enrolments a minute from one address.
    pub sign_in_per_minute: u32,
    /// Enrolment codes one administrator may make in an hour.
    pub codes_per_hour: u32,
}

/// The service of this room (身份服务).
#[derive(Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

struct Shared {
    storage: Arc<dyn Storage>,
    random: Arc<dyn Random>,
    passwords: Passwords,
    by_account: Lockout<[u8; 16]>,
    by_address: Rate<IpAddr>,
    by_issuer: Rate<PersonId>,
    proofs: proof::Proofs,
}

impl Identity {
    /// The service over a store.
    #[must_use]
    pub fn new(ground: Ground) -> Self {
        let passwords = Passwords::new(&ground.pepper, ground.hashes_at_once, ground.random.array());
        Self {
            shared: Arc::new(Shared {
                storage: ground.storage,
                random: ground.random,
                passwords,
                by_account: Lockout::default(),
                by_address: Rate::new(ground.sign_in_per_minute),
                by_issuer: Rate::per_hour(ground.codes_per_hour),
                proofs: proof::Proofs::default(),
            }),
        }
    }

    fn storage(&self) -> &dyn Storage {
        self.shared.storage.as_ref()
    }

    fn random(&self) -> &dyn Random {
        self.shared.random.as_ref()
    }

    /// One more try from this address.
    fn admit(&self, from: IpAddr, now: Timestamp) -> Result<(), AuthError> {
        self.shared.by_address.take(from, now).map_err(AuthError::TooOften)
    }

    async fn commit(&self, writes: Vec<IdentityWrite>, audit: Entry) -> Result<(), StorageError> {
        let writes = writes.into_iter().map(Write::Identity).collect();
        self.storage().commit(Commit { writes, audit: vec![audit], ..Commit::default() }).await.map(drop)
    }
}

/// The key under which an account's failures are counted: of fixed size, whatever is typed.
fn account_key(login: &str) -> [u8; 16] {
    derived("louan/login/1", &[login.as_bytes()])
}

/// A login as it is compared: without surrounding space, in lower case.
fn folded(login: &str) -> String {
    login.trim().to_lowercase()
}

/// An audit line of this room. Never a login as typed: people type passwords into the wrong field.
fn line(
    at: Timestamp,
    who: (Option<PersonId>, Option<DeviceId>),
    act: &str,
    subject: String,
    outcome: &str,
) -> Entry {
    let (person, device) = who;
    Entry { at, person, device, act: act.to_owned(), subject, outcome: outcome.to_owned() }
}

/// A family's or code's id as the audit names it: the first eight bytes of what is only a hash or a random number anyway.
fn short(id: &[u8]) -> String {
    id.iter().take(8).fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}
