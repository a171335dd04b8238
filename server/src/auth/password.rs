//! Passwords: argon2id, a bounded number at once, the same work whether or not the account exists.
//!
//! m = 19,456 KiB, t = 2, p = 1 (73 ms, M20). A pepper from the configuration is mixed in as
//! argon2's secret, so that the table alone is not enough to guess at passwords. Fifty may
//! wait; the next is told to come back, before memory is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// Verifications that may wait for their turn.
const WAITING_MAX: usize = 50;
/// Longest password looked at: argon2 would hash a megabyte, too.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Least characters of a new password.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// A password in the clear; wiped when dropped.
pub type Password = Zeroizing<String>;

/// Too many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be checked")]
pub struct Busy;

/// What is wrong with a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer characters than [`PASSWORD_CHARS_MIN`], or more bytes than are looked at.
    Length,
    /// Fewer than three of: small letters, capitals, digits, others.
    Kinds,
    /// The login stands in it.
    Login,
}

/// Hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    shared: Arc<Shared>,
}

struct Shared {
    pepper: Zeroizing<Vec<u8>>,
    at_once: Semaphore,
    waiting: AtomicUsize,
    /// What an unknown account's password is compared with.
    nobody: String,
}

impl Passwords {
    /// A verifier that computes `at_once` hashes at a time. The salt is for the hash nobody's password has.
    #[must_use]
    pub fn new(pepper: &[u8], at_once: usize, salt: [u8; 16]) -> Self {
        let nobody = hash(pepper, b"", &salt).unwrap_or_default();
        let pepper = Zeroizing::new(pepper.to_vec());
        let at_once = Semaphore::new(at_once.max(1));
        Self { shared: Arc::new(Shared { pepper, at_once, waiting: AtomicUsize::new(0), nobody }) }
    }

    /// The PHC text to store for a new password.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String, Busy> {
        self.work(move |shared| hash(&shared.pepper, password.as_bytes(), &salt)).await?.ok_or(Busy)
    }

    /// Whether the password is the one of `stored`. Without a stored hash the same work is done, and the answer is no.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<bool, Busy> {
        self.work(move |shared| {
            let known = stored.is_some();
            let phc = stored.as_deref().unwrap_or(&shared.nobody);
            let fits = PasswordHash::new(phc)
                .ok()
                .zip(argon(&shared.pepper))
                .is_some_and(|(hash, argon)| argon.verify_password(password.as_bytes(), &hash).is_ok());
            known && fits
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _waiting = Waiting::enter(&self.shared)?;
        let permit = self.shared.at_once.acquire().await.map_err(|_| Busy)?;
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || job(&shared)).await;
        drop(permit);
        done.map_err(|_| Busy)
    }
}

/// One of those who wait or work; gone when dropped, also when the asker gave up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(shared: &'a Shared) -> Result<Self, Busy> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let entered = Self(&shared.waiting);
        if before < WAITING_MAX { Ok(entered) } else { Err(Busy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn argon(pepper: &[u8]) -> Option<Argon2<'_>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).ok()
}

fn hash(pepper: &[u8], password: &[u8], salt: &[u8; 16]) -> Option<String> {
    argon(pepper)?.hash_password_with_salt(password, salt).ok().map(|hash| hash.to_string())
}

/// Everything wrong with a new password.
#[must_use]
pub fn faults_of(password: &str, login: &str) -> Vec<PasswordFault> {
    let mut faults = Vec::new();
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        faults.push(PasswordFault::Length);
    }
    let has = |kind: fn(char) -> bool| usize::from(password.chars().any(kind));
    let kinds = has(|c| c.is_lowercase())
        + has(|c| c.is_uppercase())
        + has(|c| c.is_numeric())
        + has(|c| !c.is_alphanumeric() || (c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase()));
    if kinds < 3 {
        faults.push(PasswordFault::Kinds);
    }
    if !login.is_empty() && password.to_lowercase().contains(&login.to_lowercase()) {
        faults.push(PasswordFault::Login);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Password {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_opens_its_own_account_only_and_only_with_the_same_pepper() {
        let passwords = Passwords::new(b"a pepper of some length", 2, [0; 16]);
        let stored = passwords.hash(word("Correct-horse1"), [1; 16]).await.expect("room");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify(word("Correct-horse1"), Some(stored.clone())).await.expect("room"));
        assert!(!passwords.verify(word("Correct-horse2"), Some(stored.clone())).await.expect("room"));
        let other = Passwords::new(b"another pepper of length", 2, [0; 16]);
        assert!(!other.verify(word("Correct-horse1"), Some(stored)).await.expect("room"));
    }

    #[tokio::test]
    async fn nobody_signs_in_even_with_the_password_of_nobody() {
        let passwords = Passwords::new(b"", 1, [0; 16]);
        assert!(PasswordHash::new(&passwords.shared.nobody).is_ok(), "the work for nobody is real work");
        assert!(!passwords.verify(word(""), None).await.expect("room"));
        assert!(!passwords.verify(word(""), Some("no hash at all".to_owned())).await.expect("room"));
    }

    #[tokio::test]
    async fn the_fifty_first_who_waits_is_sent_away_and_leaves_no_trace() {
        let passwords = Passwords::new(b"", 1, [0; 16]);
        passwords.shared.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert_eq!(passwords.verify(word("x"), None).await, Err(Busy));
        assert_eq!(passwords.shared.waiting.load(Ordering::Relaxed), WAITING_MAX);
    }

    #[test]
    fn a_new_password_is_told_everything_that_is_wrong_with_it() {
        use PasswordFault as F;
        for (password, login, faults) in [
            ("Abcdefgh12", "zhang", vec![]),
            ("Abc12", "zhang", vec![F::Length]),
            ("abcdefghij", "zhang", vec![F::Kinds]),
            ("Zhang-12345", "zhang", vec![F::Login]),
            ("abc", "abc", vec![F::Length, F::Kinds, F::Login]),
            ("消防安全abc1234", "zhang", vec![]),
        ] {
            assert_eq!(faults_of(password, login), faults, "{password}");
        }
    }
}
