//! Requests signed by the device that makes them (A03).
//!
//! A device's access token is worth nothing without its key: every request says, signed, what it asks with which token,
//! and each such proof is believed once. What is remembered is bounded and lives as long as the token; it is this
//! process's alone, so a restart forgets it and the token's end is the limit then. A console's session has no key and
//! needs no proof. A token without its proof opens nothing and ends nothing: who found one could otherwise shut its
//! owner out.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::time::Timestamp;
use louan_schema::wire::proof::{NONCE_BYTES, ProvenRequest};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::{AuthError, Caller, Identity, line, short};
use crate::storage::sessions::SecretHash;

/// Proofs believed of one token; four a second over its whole life. Then the device takes a new one.
const PROOFS_MAX: usize = 4_096;
/// Proofs remembered of all tokens: 1,000,000 × about 20 bytes = 20 MB. When full, the tokens nearest to their end are
/// forgotten; a phone asks some twenty times in a token's life, so that many stand for 50,000 phones.
const ALL_PROOFS_MAX: usize = 1_000_000;

/// What was believed of one token.
#[derive(Debug)]
struct Believed {
    until: Timestamp,
    /// The first half of each nonce: two that share it are one in 2⁶⁴.
    nonces: HashSet<u64>,
    /// Whether a request without its proof has been written down.
    told: bool,
}

/// The proofs believed already.
#[derive(Debug, Default)]
pub(super) struct Proofs(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    by_token: HashMap<SecretHash, Believed>,
    nonces: usize,
}

impl Identity {
    /// Whether the device of this session signed the request; always true of a console's session.
    ///
    /// # Errors
    /// [`AuthError::NoSession`] without a proof, with one by another key or about another request, or with one
    /// that was believed before.
    pub async fn prove(
        &self,
        caller: &Caller,
        request: &ProvenRequest<'_>,
        proof: Option<&str>,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let Some(public_key) = &caller.public_key else { return Ok(()) };
        let signed = proof.and_then(read).filter(|(nonce, signature)| {
            VerifyingKey::from_sec1_bytes(public_key)
                .is_ok_and(|key| key.verify(&request.message(nonce), signature).is_ok())
        });
        let proofs = &self.shared.proofs;
        match signed {
            Some((nonce, _)) if proofs.believe(caller.token, caller.until, &nonce, now) => Ok(()),
            _ => {
                if proofs.is_first_without(caller.token, caller.until, now) {
                    let who = (caller.person(), caller.device());
                    let outcome = "no proof by the device's key, refused";
                    self.commit(Vec::new(), line(now, who, "request", short(&caller.family), outcome))
                        .await?;
                }
                metrics::counter!("louan_request_unproven_total").increment(1);
                Err(AuthError::NoSession)
            }
        }
    }
}

/// A proof as its header has it.
fn read(text: &str) -> Option<([u8; NONCE_BYTES], Signature)> {
    let (nonce, signature) = text.split_once('.')?;
    let nonce = Base64UrlUnpadded::decode_vec(nonce).ok()?.try_into().ok()?;
    let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
    Some((nonce, Signature::from_slice(&signature).ok()?))
}

impl Proofs {
    /// Whether this is the first time, and there is room for it.
    fn believe(
        &self,
        token: SecretHash,
        until: Timestamp,
        nonce: &[u8; NONCE_BYTES],
        now: Timestamp,
    ) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.make_room(now);
        let believed = remembered.of(token, until);
        let half = nonce.iter().take(8).fold(0, |half: u64, byte| half << 8 | u64::from(*byte));
        if believed.nonces.len() >= PROOFS_MAX || !believed.nonces.insert(half) {
            return false;
        }
        remembered.nonces += 1;
        true
    }

    /// Whether nobody came with this token and without a proof before: one line of the audit a token.
    fn is_first_without(&self, token: SecretHash, until: Timestamp, now: Timestamp) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.make_room(now);
        !std::mem::replace(&mut remembered.of(token, until).told, true)
    }
}

impl Remembered {
    fn of(&mut self, token: SecretHash, until: Timestamp) -> &mut Believed {
        let new = || Believed { until, nonces: HashSet::new(), told: false };
        self.by_token.entry(token).or_insert_with(new)
    }

    /// Forgets tokens that have ended; and, while that is not enough, the one that ends next.
    fn make_room(&mut self, now: Timestamp) {
        // A token nobody proves anything with costs as much as eight proofs.
        let full = |this: &Self| this.nonces + 8 * this.by_token.len() >= ALL_PROOFS_MAX;
        if !full(self) {
            return;
        }
        self.by_token.retain(|_, believed| believed.until > now);
        self.nonces = self.by_token.values().map(|believed| believed.nonces.len()).sum();
        while full(self) {
            let next = self.by_token.iter().min_by_key(|(_, believed)| believed.until).map(|(hash, _)| *hash);
            let Some(gone) = next.and_then(|hash| self.by_token.remove(&hash)) else { return };
            self.nonces -= gone.nonces.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_580_000_000_000 + ms)
    }

    fn nonce(number: u64) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        nonce
    }

    #[test]
    fn a_proof_is_believed_once_for_each_token() {
        let proofs = Proofs::default();
        assert!(proofs.believe([1; 32], at(10), &nonce(7), at(0)));
        assert!(!proofs.believe([1; 32], at(10), &nonce(7), at(0)));
        assert!(proofs.believe([1; 32], at(10), &nonce(8), at(0)));
        assert!(proofs.believe([2; 32], at(10), &nonce(7), at(0)), "another token is not concerned");
    }

    #[test]
    fn one_token_cannot_fill_the_memory() {
        let proofs = Proofs::default();
        let believed = (0..5_000).filter(|n| proofs.believe([1; 32], at(10), &nonce(*n), at(0))).count();
        assert_eq!(believed, PROOFS_MAX);
        assert!(proofs.believe([2; 32], at(10), &nonce(0), at(0)), "another token is not concerned");
    }

    #[test]
    fn all_tokens_together_are_bounded_and_the_ended_go_first() {
        let proofs = Proofs::default();
        let token = |n: u64| {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&n.to_be_bytes());
            token
        };
        let number = u64::try_from(ALL_PROOFS_MAX).expect("small") / 9 + 2;
        let until = |n: u64| at(i64::try_from(n).expect("small") + 1_000);
        for n in 0..number {
            assert!(proofs.believe(token(n), until(n), &nonce(n), at(0)));
        }
        let held = |proofs: &Proofs| {
            let remembered = proofs.0.lock().expect("nobody panicked");
            let sum: usize = remembered.by_token.values().map(|believed| believed.nonces.len()).sum();
            assert_eq!(sum, remembered.nonces);
            remembered.by_token.len()
        };
        assert!(held(&proofs) * 9 <= ALL_PROOFS_MAX + 9);
        assert!(!proofs.believe(token(number - 1), until(number - 1), &nonce(number - 1), at(0)));
        // Nearly all have ended: one more makes room by forgetting them.
        let late = until(number - 2);
        assert!(proofs.believe(token(number), until(number + 9), &nonce(1), late));
        assert!(proofs.believe(token(number + 1), until(number + 9), &nonce(1), late));
        assert_eq!(held(&proofs), 3);
    }

    #[test]
    fn what_is_no_proof_reads_as_none() {
        let good = format!("{}.{}", "A".repeat(22), Base64UrlUnpadded::encode_string(&[1; 64]));
        assert!(read(&good).is_some());
        for bad in
            ["", ".", "A", &good[1..], &good[..good.len() - 1], &good.replace('.', ":"), &format!("{good}=")]
        {
            assert!(read(bad).is_none(), "{bad}");
        }
        assert!(read(&format!("{}.{}", "A".repeat(22), "A".repeat(86))).is_none(), "zero is no signature");
    }

    #[test]
    fn a_token_without_proofs_is_told_of_once() {
        let proofs = Proofs::default();
        assert!(proofs.is_first_without([1; 32], at(10), at(0)));
        assert!(!proofs.is_first_without([1; 32], at(10), at(0)));
        assert!(proofs.is_first_without([2; 32], at(10), at(0)));
    }
}
