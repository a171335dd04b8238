//! Requests signed by the device that makes them (A03).
//!
//! A device's access token is worth nothing without its key: every request says, signed, what it asks with which token,
//! and each such proof is believed once. What was believed is remembered until its token ends, within bounds, in this
//! process: a restart forgets it. A console's session has no key and needs no proof. A token without its proof opens
//! nothing and ends nothing: who found one could otherwise shut its owner out.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::time::Timestamp;
use louan_schema::wire::proof::{NONCE_BYTES, ProvenRequest};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::{AuthError, Caller, Identity, line, short};
use crate::storage::sessions::{FamilyId, SecretHash};

/// What one session may cost in memory, in proofs: four a second over the life of a token, however often it is renewed.
const SESSION_MAX: usize = 4_096;
/// What a token costs besides its proofs.
const TOKEN_COST: usize = 8;
/// What all sessions together may cost, in proofs of about 20 bytes: 20 MB. A phone asks some twenty times in a token's
/// life, so that this is enough for 35,000 phones. Beyond it what was believed is forgotten.
const ALL_MAX: usize = 1_000_000;

/// What was believed of one token.
#[derive(Debug)]
struct Believed {
    token: SecretHash,
    until: Timestamp,
    /// The first half of each nonce: two that share it are one in 2⁶⁴.
    nonces: HashSet<u64>,
    /// Whether a refusal has been written down.
    told: bool,
}

/// The proofs believed already.
#[derive(Debug, Default)]
pub(super) struct Proofs(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    by_family: HashMap<FamilyId, Vec<Believed>>,
    cost: usize,
}

/// Why a proof is not believed, as the audit has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Unsigned,
    Repeated,
    TooMany,
}

impl Doubt {
    const fn outcome(self) -> &'static str {
        match self {
            Self::Unsigned => "no proof by the device's key, refused",
            Self::Repeated => "a proof presented again, refused",
            Self::TooMany => "more proofs than a device needs, refused",
        }
    }
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
        if caller.device().is_none() {
            return Ok(());
        }
        let proofs = &self.shared.proofs;
        let signed = signed_by(caller.public_key.as_deref(), request, proof).ok_or(Doubt::Unsigned);
        let Err(doubt) = signed.and_then(|nonce| proofs.believe(caller, &nonce, now)) else { return Ok(()) };
        metrics::counter!("louan_request_unproven_total").increment(1);
        if !proofs.is_told(caller, now) {
            let who = (caller.person(), caller.device());
            let said = line(now, who, "request", short(&caller.family), doubt.outcome());
            self.commit(Vec::new(), said).await?;
            proofs.tell(caller, now);
        }
        Err(AuthError::NoSession)
    }
}

/// The nonce of a proof by this key about this request; a device without a key proves nothing.
fn signed_by(
    public_key: Option<&[u8]>,
    request: &ProvenRequest<'_>,
    proof: Option<&str>,
) -> Option<[u8; NONCE_BYTES]> {
    let key = VerifyingKey::from_sec1_bytes(public_key?).ok()?;
    let (nonce, signature) = read(proof?)?;
    key.verify(&request.message(&nonce), &signature).ok()?;
    Some(nonce)
}

/// A proof as its header has it.
fn read(text: &str) -> Option<([u8; NONCE_BYTES], Signature)> {
    let (nonce, signature) = text.split_once('.')?;
    let nonce = Base64UrlUnpadded::decode_vec(nonce).ok()?.try_into().ok()?;
    let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
    Some((nonce, Signature::from_slice(&signature).ok()?))
}

impl Proofs {
    /// Believes a proof, if this is the first time and there is room for it.
    fn believe(&self, caller: &Caller, nonce: &[u8; NONCE_BYTES], now: Timestamp) -> Result<(), Doubt> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let half = nonce.iter().take(8).fold(0, |half: u64, byte| half << 8 | u64::from(*byte));
        let (believed, full) = remembered.of(caller, now).ok_or(Doubt::TooMany)?;
        if believed.nonces.contains(&half) {
            return Err(Doubt::Repeated);
        }
        if full {
            return Err(Doubt::TooMany);
        }
        believed.nonces.insert(half);
        remembered.cost += 1;
        Ok(())
    }

    /// Whether a refusal of this token has been written down: one line of the audit a token, and none for more tokens
    /// than a session needs.
    fn is_told(&self, caller: &Caller, now: Timestamp) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.of(caller, now).is_none_or(|(believed, _)| believed.told)
    }

    fn tell(&self, caller: &Caller, now: Timestamp) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((believed, _)) = remembered.of(caller, now) {
            believed.told = true;
        }
    }
}

impl Remembered {
    /// What was believed of the caller's token, and whether its session has its share; nothing when there is no room
    /// for one more token of it. What ended in the meantime is forgotten.
    fn of(&mut self, caller: &Caller, now: Timestamp) -> Option<(&mut Believed, bool)> {
        self.make_room(now);
        let known = self.by_family.entry(caller.family).or_default();
        let before = cost(known);
        known.retain(|believed| believed.until > now || believed.token == caller.token);
        let full = cost(known) >= SESSION_MAX;
        if !full && !known.iter().any(|believed| believed.token == caller.token) {
            let (token, until) = (caller.token, caller.until);
            known.push(Believed { token, until, nonces: HashSet::new(), told: false });
        }
        self.cost = self.cost + cost(known) - before;
        let own = known.iter_mut().find(|believed| believed.token == caller.token)?;
        Some((own, full))
    }

    /// When full, what has ended is forgotten; when that is not enough, everything: what fills the memory then are
    /// hundreds of enrolled devices that mean harm, and the devices that mean none are not to be refused for it.
    fn make_room(&mut self, now: Timestamp) {
        if self.cost < ALL_MAX {
            return;
        }
        self.by_family.retain(|_, known| {
            known.retain(|believed| believed.until > now);
            !known.is_empty()
        });
        self.cost = self.by_family.values().map(|known| cost(known)).sum();
        if self.cost >= ALL_MAX / 8 * 7 {
            *self = Self::default();
        }
    }
}

fn cost(known: &[Believed]) -> usize {
    known.iter().map(|believed| TOKEN_COST + believed.nonces.len()).sum()
}

#[cfg(test)]
mod tests {
    use louan_schema::id::DeviceId;

    use super::*;
    use crate::storage::sessions::Holder;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_580_000_000_000 + ms)
    }

    fn nonce(number: usize) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        nonce
    }

    /// The token `token` of session `family`, good until a tenth of a second later.
    fn caller(family: usize, token: u8) -> Caller {
        let mut id = FamilyId::default();
        id[..8].copy_from_slice(&family.to_be_bytes());
        Caller {
            holder: Holder::Device(DeviceId([1; 16])),
            family: id,
            by_cookie: false,
            public_key: None,
            token: [token; 32],
            until: at(100),
        }
    }

    fn cost_now(proofs: &Proofs) -> usize {
        let remembered = proofs.0.lock().expect("nobody panicked");
        let sum: usize = remembered.by_family.values().map(|known| cost(known)).sum();
        assert_eq!(sum, remembered.cost);
        sum
    }

    #[test]
    fn a_proof_is_believed_once_for_each_token() {
        let proofs = Proofs::default();
        assert_eq!(proofs.believe(&caller(1, 1), &nonce(7), at(0)), Ok(()));
        assert_eq!(proofs.believe(&caller(1, 1), &nonce(7), at(99)), Err(Doubt::Repeated));
        assert_eq!(proofs.believe(&caller(1, 1), &nonce(8), at(0)), Ok(()));
        assert_eq!(proofs.believe(&caller(1, 2), &nonce(7), at(0)), Ok(()), "another token is not concerned");
        assert_eq!(
            proofs.believe(&caller(2, 3), &nonce(7), at(0)),
            Ok(()),
            "another session is not concerned"
        );
    }

    #[test]
    fn one_session_cannot_fill_the_memory_however_often_it_is_renewed() {
        let proofs = Proofs::default();
        for token in 0..=255 {
            for n in 0..5_000 {
                if proofs.believe(&caller(1, token), &nonce(n), at(0)) == Err(Doubt::TooMany) {
                    break;
                }
            }
        }
        assert_eq!(cost_now(&proofs), SESSION_MAX);
        assert!(proofs.is_told(&caller(1, 200), at(0)), "no line of the audit for a token without room");
        assert_eq!(
            proofs.believe(&caller(2, 1), &nonce(0), at(0)),
            Ok(()),
            "another session is not concerned"
        );
        // What has ended makes room.
        let later = Caller { until: at(300), ..caller(1, 9) };
        assert_eq!(proofs.believe(&Caller { token: [77; 32], ..later }, &nonce(1), at(200)), Ok(()));
        assert_eq!(cost_now(&proofs), 2 * (TOKEN_COST + 1));
    }

    #[test]
    fn all_sessions_together_are_bounded_and_nobody_is_refused_for_it() {
        let proofs = Proofs::default();
        let number = ALL_MAX / (TOKEN_COST + 1) + 2;
        for n in 0..number {
            assert_eq!(proofs.believe(&caller(n, 1), &nonce(n), at(0)), Ok(()));
        }
        assert!(cost_now(&proofs) < ALL_MAX + TOKEN_COST);
        // Full of what has ended: that alone goes.
        let proofs = Proofs::default();
        let stays = Caller { until: at(300), ..caller(number, 1) };
        assert_eq!(proofs.believe(&stays, &nonce(0), at(0)), Ok(()));
        let is_full = || proofs.0.lock().expect("nobody panicked").cost >= ALL_MAX;
        for n in (0..number).take_while(|_| !is_full()) {
            assert_eq!(proofs.believe(&caller(n, 1), &nonce(n), at(0)), Ok(()));
        }
        assert!(is_full());
        assert_eq!(proofs.believe(&stays, &nonce(0), at(200)), Err(Doubt::Repeated));
        assert!(cost_now(&proofs) < 10 * (TOKEN_COST + 1));
    }

    #[test]
    fn what_is_no_proof_reads_as_none() {
        let good = format!("{}.{}", "A".repeat(22), Base64UrlUnpadded::encode_string(&[1; 64]));
        assert!(read(&good).is_some());
        let cut = &good[..good.len() - 1];
        for bad in ["", ".", "A", &good[1..], cut, &good.replace('.', ":"), &format!("{good}=")] {
            assert!(read(bad).is_none(), "{bad}");
        }
        assert!(read(&format!("{}.{}", "A".repeat(22), "A".repeat(86))).is_none(), "zero is no signature");
    }

    #[test]
    fn a_device_without_a_key_proves_nothing() {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
        let request = ProvenRequest { method: "GET", target: "/", body: b"", token: "t" };
        let signature: Signature = p256::ecdsa::signature::Signer::sign(&key, &request.message(&[3; 16]));
        let text = Base64UrlUnpadded::encode_string;
        let proof = format!("{}.{}", text(&[3; 16]), text(&signature.to_bytes()));
        let public_key = key.verifying_key().to_sec1_bytes();
        assert_eq!(signed_by(Some(&public_key), &request, Some(&proof)), Some([3; 16]));
        assert_eq!(signed_by(None, &request, Some(&proof)), None);
        assert_eq!(signed_by(Some(&public_key), &request, None), None);
    }

    #[test]
    fn a_refusal_is_told_once_a_token() {
        let proofs = Proofs::default();
        assert!(!proofs.is_told(&caller(1, 1), at(0)));
        proofs.tell(&caller(1, 1), at(0));
        assert!(proofs.is_told(&caller(1, 1), at(0)) && !proofs.is_told(&caller(1, 2), at(0)));
    }
}
