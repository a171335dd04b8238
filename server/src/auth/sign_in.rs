//! Signing in at the console, with account and password.
//!
//! Whoever is refused learns nothing: unknown, wrong and switched off look alike and take
//! alike (A02). The failures of an account are counted before the password is looked at.

use std::net::IpAddr;

use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;

use super::password::{PASSWORD_BYTES_MAX, Password};
use super::session::cookie_until;
use super::throttle::FAILURES_MAX;
use super::token::Token;
use super::{AuthError, CONSOLE_MS, Identity, Issued, account_key, folded, line, short};
use crate::storage::sessions::{Family, FamilyId, Holder, IdentityWrite, TokenKind, TokenRow};

/// What somebody types.
pub struct Credentials {
    /// The account's name.
    pub login: String,
    /// The password.
    pub password: Password,
    /// From where, for the cap per address.
    pub from: IpAddr,
}

/// A session begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who signed in.
    pub person: PersonId,
    /// The tokens.
    pub issued: Issued,
}

impl Identity {
    /// Signs a program in: a pair of tokens.
    ///
    /// # Errors
    /// [`AuthError::Credentials`], [`AuthError::TooOften`], [`AuthError::Busy`], [`AuthError::Storage`].
    pub async fn sign_in(&self, credentials: Credentials, now: Timestamp) -> Result<SignedIn, AuthError> {
        let person = self.check(credentials, now).await?;
        let (family, ends_at) = self.console_family(person, now);
        let refresh = Token::new(self.random().array());
        let (issued, pair) = self.pair(family.id, refresh, ends_at, now);
        let audit = line(now, (Some(person), None), "sign_in", short(&family.id), "done");
        let writes = [IdentityWrite::Begin(family)].into_iter().chain(pair).collect();
        self.commit(writes, audit).await?;
        Ok(SignedIn { person, issued })
    }

    /// Signs a browser in: one token, for a cookie, and when the session ends at the latest.
    ///
    /// # Errors
    /// As [`Self::sign_in`].
    pub async fn sign_in_browser(
        &self,
        credentials: Credentials,
        now: Timestamp,
    ) -> Result<(Token, Timestamp), AuthError> {
        let person = self.check(credentials, now).await?;
        let (family, ends_at) = self.console_family(person, now);
        let token = Token::new(self.random().array());
        let row = TokenRow {
            hash: token.hash(),
            family: family.id,
            kind: TokenKind::Cookie,
            salt: None,
            expires_at: cookie_until(Some(ends_at), now),
            exchanged_at: None,
        };
        let audit = line(now, (Some(person), None), "sign_in", short(&family.id), "done");
        self.commit(vec![IdentityWrite::Begin(family), IdentityWrite::Issue(row)], audit).await?;
        Ok((token, ends_at))
    }

    fn console_family(&self, person: PersonId, now: Timestamp) -> (Family, Timestamp) {
        let ends_at = now.plus_ms(CONSOLE_MS);
        let id: FamilyId = self.random().array();
        let holder = Holder::Console(person);
        let family =
            Family { id, holder, public_key: None, started_at: now, ends_at: Some(ends_at), ended: None };
        (family, ends_at)
    }

    async fn check(&self, credentials: Credentials, now: Timestamp) -> Result<PersonId, AuthError> {
        let Credentials { login, password, from } = credentials;
        self.admit(from, now).inspect_err(|_| count("too_often"))?;
        let login = folded(&login);
        let key = account_key(&login);
        let failures = self.shared.by_account.begin(key, now).map_err(AuthError::TooOften);
        let failures = failures.inspect_err(|_| count("too_often"))?;
        let account = self.storage().find_account(&login).await?;
        let stored = account.as_ref().map(|account| account.password.clone());
        let looked_at = password.len() <= PASSWORD_BYTES_MAX;
        let fits = self.shared.passwords.verify(password, stored).await? && looked_at;
        let person = account.as_ref().map(|account| account.person);
        let active = match person {
            Some(person) => self.storage().find_person(person).await?.is_some_and(|row| row.active),
            None => false,
        };
        match account {
            Some(account) if fits && active && account.active => {
                self.shared.by_account.succeeded(key);
                count("done");
                Ok(account.person)
            }
            _ => {
                count("refused");
                let outcome = if failures >= FAILURES_MAX { "refused, account shut" } else { "refused" };
                let subject = if person.is_some() { String::new() } else { "unknown account".to_owned() };
                self.commit(Vec::new(), line(now, (person, None), "sign_in", subject, outcome)).await?;
                Err(AuthError::Credentials)
            }
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("louan_sign_in_total", "outcome" => outcome).increment(1);
}
