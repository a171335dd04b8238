//! Exchanging a refresh token for the next pair.
//!
//! Phones lose replies. The same token presented again gives the same successor, as long as
//! nobody has exchanged that successor; afterwards the old token can only be a stolen copy,
//! and the whole family ends. A device proves with its key that it is itself: a token
//! without that proof ends the family too (A04).

use std::net::IpAddr;

use louan_schema::time::Timestamp;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::token::Token;
use super::{AuthError, DEVICE_REFRESH_MS, Identity, Issued, line, short};
use crate::storage::sessions::{Family, FamilyEnding, Holder, IdentityWrite, TokenKind};

impl Identity {
    /// Exchanges a refresh token. A device's must come with its signature (r‖s) over [`Token::proof_message`].
    ///
    /// # Errors
    /// [`AuthError::NoSession`] for whatever reason; the audit knows which. [`AuthError::TooOften`] for an address
    /// that keeps presenting what is worth nothing; one that exchanges good tokens is never slowed down.
    pub async fn refresh(
        &self,
        token: &Token,
        proof: Option<&[u8]>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Issued, AuthError> {
        let live = match self.live_token(token, TokenKind::Refresh, now).await {
            Ok((row, family)) => row.salt.map(|salt| (salt, row, family)),
            Err(AuthError::NoSession) => None,
            Err(other) => return Err(other),
        };
        let Some((salt, row, family)) = live else {
            self.admit(from, now)?;
            self.commit(Vec::new(), line(now, (None, None), "refresh", String::new(), "refused")).await?;
            return Err(AuthError::NoSession);
        };
        if !proves(&family, token, proof) {
            return self.stolen(&family, "no proof by the device's key, family ended", now).await;
        }
        let successor = token.successor(&salt);
        let refresh_until = match self.storage().find_token(successor.hash()).await? {
            None => life_of(&family, now),
            Some((next, _)) if next.exchanged_at.is_none() => next.expires_at,
            Some(_) => return self.stolen(&family, "spent token presented again, family ended", now).await,
        };
        let (issued, [refresh, access]) = self.pair(family.id, successor, refresh_until, now);
        let writes = vec![IdentityWrite::Exchanged(row.hash, now), refresh, access];
        let outcome = if row.exchanged_at.is_some() { "done again" } else { "done" };
        self.commit(writes, line(now, who(&family), "refresh", short(&family.id), outcome)).await?;
        Ok(issued)
    }

    async fn stolen<T>(&self, family: &Family, outcome: &str, now: Timestamp) -> Result<T, AuthError> {
        let end = IdentityWrite::End(family.id, now, FamilyEnding::Stolen);
        self.commit(vec![end], line(now, who(family), "refresh", short(&family.id), outcome)).await?;
        metrics::counter!("louan_refresh_stolen_total").increment(1);
        Err(AuthError::NoSession)
    }
}

fn who(family: &Family) -> (Option<louan_schema::id::PersonId>, Option<louan_schema::id::DeviceId>) {
    match family.holder {
        Holder::Console(person) => (Some(person), None),
        Holder::Device(device) => (None, Some(device)),
    }
}

fn life_of(family: &Family, now: Timestamp) -> Timestamp {
    let until = now.plus_ms(DEVICE_REFRESH_MS);
    family.ends_at.map_or(until, |ends_at| until.min(ends_at))
}

/// Whether whoever presents the token holds the device's key; a console's session has none.
fn proves(family: &Family, token: &Token, proof: Option<&[u8]>) -> bool {
    let Some(public_key) = &family.public_key else { return true };
    let key = VerifyingKey::from_sec1_bytes(public_key);
    let signature = proof.map(Signature::from_slice);
    match (key, signature) {
        (Ok(key), Some(Ok(signature))) => key.verify(&token.proof_message(), &signature).is_ok(),
        _ => false,
    }
}
