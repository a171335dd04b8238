//! Sessions: issuing tokens, recognising them, ending them.

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;

use super::token::Token;
use super::{ACCESS_MS, AuthError, COOKIE_IDLE_MS, Identity, line, short};
use crate::storage::sessions::{
    Family, FamilyEnding, FamilyId, Holder, IdentityWrite, SecretHash, TokenKind, TokenRow,
};

/// A browser's session is prolonged at most this often: one write a minute, not one a request.
const PROLONG_EVERY_MS: i64 = 60_000;

/// Who is asking, as far as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// A person at the console or a device.
    pub holder: Holder,
    /// The session.
    pub family: FamilyId,
    /// Whether the token came as a browser's cookie; then the browser's origin must be checked.
    pub by_cookie: bool,
    /// The device's key, SEC1; a console's session has none.
    pub(super) public_key: Option<Vec<u8>>,
    pub(super) token: SecretHash,
    pub(super) until: Timestamp,
}

impl Caller {
    /// The person, at the console.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        match self.holder {
            Holder::Console(person) => Some(person),
            Holder::Device(_) => None,
        }
    }

    /// The device, in the field.
    #[must_use]
    pub const fn device(&self) -> Option<DeviceId> {
        match self.holder {
            Holder::Console(_) => None,
            Holder::Device(device) => Some(device),
        }
    }
}

/// Tokens handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// For requests.
    pub access: Token,
    /// Until when.
    pub access_until: Timestamp,
    /// For the next pair.
    pub refresh: Token,
    /// Until when.
    pub refresh_until: Timestamp,
}

impl Identity {
    /// Who presents this token; a browser's session is prolonged by it. Of a device it is believed only together with
    /// [`Self::prove`].
    ///
    /// # Errors
    /// [`AuthError::NoSession`] when the token is unknown, expired, of an ended session, or of the wrong kind.
    pub async fn recognise(
        &self,
        token: &Token,
        by_cookie: bool,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let kind = if by_cookie { TokenKind::Cookie } else { TokenKind::Access };
        let (row, family) = self.live_token(token, kind, now).await?;
        if by_cookie {
            self.prolong(&row, &family, now).await?;
        }
        Ok(Caller {
            holder: family.holder,
            family: family.id,
            by_cookie,
            public_key: family.public_key,
            token: row.hash,
            until: row.expires_at,
        })
    }

    pub(super) async fn live_token(
        &self,
        token: &Token,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<(TokenRow, Family), AuthError> {
        let found = self.storage().find_token(token.hash()).await?;
        let (row, family) = found.ok_or(AuthError::NoSession)?;
        let live = row.kind == kind
            && row.expires_at > now
            && family.ended.is_none()
            && family.ends_at.is_none_or(|ends_at| ends_at > now);
        if live { Ok((row, family)) } else { Err(AuthError::NoSession) }
    }

    async fn prolong(&self, row: &TokenRow, family: &Family, now: Timestamp) -> Result<(), AuthError> {
        let until = cookie_until(family.ends_at, now);
        if until.ms() - row.expires_at.ms() < PROLONG_EVERY_MS {
            return Ok(());
        }
        use crate::storage::commit::{Commit, Write};
        let writes = vec![Write::Identity(IdentityWrite::Prolong(row.hash, until))];
        self.storage().commit(Commit { writes, ..Commit::default() }).await?;
        Ok(())
    }

    /// Ends a session on the server, not only in the browser (A10).
    ///
    /// # Errors
    /// [`AuthError::Storage`].
    pub async fn sign_out(&self, caller: &Caller, now: Timestamp) -> Result<(), AuthError> {
        let audit = line(now, (caller.person(), caller.device()), "sign_out", short(&caller.family), "done");
        self.commit(vec![IdentityWrite::End(caller.family, now, FamilyEnding::SignedOut)], audit).await?;
        Ok(())
    }

    /// The writes for a fresh pair of tokens of a family.
    pub(super) fn pair(
        &self,
        family: FamilyId,
        refresh: Token,
        refresh_until: Timestamp,
        now: Timestamp,
    ) -> (Issued, [IdentityWrite; 2]) {
        let access = Token::new(self.random().array());
        let access_until = Timestamp::from_ms(now.plus_ms(ACCESS_MS).ms().min(refresh_until.ms()));
        let access_row = TokenRow {
            hash: access.hash(),
            family,
            kind: TokenKind::Access,
            salt: None,
            expires_at: access_until,
            exchanged_at: None,
        };
        let refresh_row = TokenRow {
            hash: refresh.hash(),
            family,
            kind: TokenKind::Refresh,
            salt: Some(self.random().array()),
            expires_at: refresh_until,
            exchanged_at: None,
        };
        let issued = Issued { access, access_until, refresh, refresh_until };
        (issued, [IdentityWrite::Issue(refresh_row), IdentityWrite::Issue(access_row)])
    }
}

/// Until when a browser's token is good: idle time from now, never beyond the session.
pub(super) fn cookie_until(ends_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let idle = now.plus_ms(COOKIE_IDLE_MS);
    ends_at.map_or(idle, |ends_at| idle.min(ends_at))
}
