//! Sessions and enrolment codes as stored: families of tokens, by their hashes.
//!
//! Nothing here can be used to sign in: tokens and codes stand here as SHA-256 of random
//! 256 and 128 bits. No right is stored with a session; rights are read at each request.
//! Writes ride in a [`super::commit::Commit`] with the audit lines that describe them.

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;

use super::Reply;
use super::accounts::Account;

/// Identity of a family of tokens.
pub type FamilyId = [u8; 16];
/// SHA-256 of a token or code.
pub type SecretHash = [u8; 32];

/// Whose session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A person at the console.
    Console(PersonId),
    /// An enrolled device; who acts on it is said by each batch.
    Device(DeviceId),
}

/// One signing-in or enrolment, and every token that came from it (会话).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Identity, random.
    pub id: FamilyId,
    /// Whose.
    pub holder: Holder,
    /// The device's public key, SEC1; a refresh must be signed with it.
    pub public_key: Option<Vec<u8>>,
    /// When it began, by the system clock.
    pub started_at: Timestamp,
    /// When it ends whatever happens; a device's lasts until it is ended.
    pub ends_at: Option<Timestamp>,
    /// When and why it was ended.
    pub ended: Option<(Timestamp, FamilyEnding)>,
}

/// Why a family was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyEnding {
    /// Its holder signed out.
    SignedOut,
    /// A spent refresh token was presented again, or one without the device's key (A04).
    Stolen,
    /// The account was disabled or its password changed.
    AccountChanged,
    /// The same device enrolled again.
    Replaced,
    /// An older backup took the store's place: what it knows of sessions is out of date.
    Restored,
}

impl FamilyEnding {
    /// Every ending with its name in the table.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::SignedOut, "signed_out"),
        (Self::Stolen, "stolen"),
        (Self::AccountChanged, "account_changed"),
        (Self::Replaced, "replaced"),
        (Self::Restored, "restored"),
    ];
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Requests, for a quarter of an hour.
    Access,
    /// One exchange for the next pair.
    Refresh,
    /// A browser's requests, prolonged by use.
    Cookie,
}

impl TokenKind {
    /// Every kind with its number in the table; never renumbered.
    pub const ALL: [(Self, u8); 3] = [(Self::Access, 1), (Self::Refresh, 2), (Self::Cookie, 3)];
}

/// A token as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its hash.
    pub hash: SecretHash,
    /// Its family.
    pub family: FamilyId,
    /// What it is good for.
    pub kind: TokenKind,
    /// With a refresh token: what its successor is derived with. Without the token it gives nothing away.
    pub salt: Option<[u8; 32]>,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// With a refresh token: when it was first exchanged.
    pub exchanged_at: Option<Timestamp>,
}

/// An enrolment code (登记码): lets one device enrol for certain people, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentCode {
    /// Its hash.
    pub hash: SecretHash,
    /// For whom.
    pub people: Vec<PersonId>,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// Who enrolled with it.
    pub used: Option<CodeUse>,
}

/// The one use of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeUse {
    /// When.
    pub at: Timestamp,
    /// The device that enrolled.
    pub device: DeviceId,
    /// Its public key, SEC1.
    pub public_key: Vec<u8>,
    /// The family that began.
    pub family: FamilyId,
}

/// What a decision about identity rests on.
#[derive(Debug, Clone)]
pub enum IdentityGuard {
    /// Nobody has enrolled with the code.
    CodeUnused(SecretHash),
    /// The login is nobody else's.
    LoginFree(String, PersonId),
}

/// One thing written about identity.
#[derive(Debug, Clone)]
pub enum IdentityWrite {
    /// An account, new or changed. A login that is somebody else's fails the whole commit.
    Account(Account),
    /// A family begins; tokens long expired are swept away.
    Begin(Family),
    /// A token is issued; the same one again changes nothing.
    Issue(TokenRow),
    /// A refresh token was exchanged, unless it was before.
    Exchanged(SecretHash, Timestamp),
    /// A token is good until later.
    Prolong(SecretHash, Timestamp),
    /// A family is ended, unless it was before.
    End(FamilyId, Timestamp, FamilyEnding),
    /// Every family of a holder is ended.
    EndAll(Holder, Timestamp, FamilyEnding),
    /// Every family is ended, and every code is worth nothing from now on.
    VoidAll(Timestamp, FamilyEnding),
    /// A code is made.
    Code(EnrolmentCode),
    /// A code is used. A code used before fails the whole commit.
    CodeUsed(SecretHash, CodeUse),
}

/// Sessions and codes.
pub trait SessionStore: Send + Sync {
    /// A token with its family.
    fn find_token(&self, hash: SecretHash) -> Reply<'_, Option<(TokenRow, Family)>>;
    /// A code.
    fn find_code(&self, hash: SecretHash) -> Reply<'_, Option<EnrolmentCode>>;
    /// The device that last enrolled with this public key.
    fn find_device_by_key(&self, public_key: Vec<u8>) -> Reply<'_, Option<DeviceId>>;
}
