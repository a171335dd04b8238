//! Enrolling a device with a code, and making codes.
//!
//! A code enrols one device. When the reply is lost, the same phone may ask again with the same key while
//! the code lives and is answered with the same device; any other second use is refused and
//! leaves a line an administrator should read (A14). A phone whose key the server knows
//! keeps its device id: its unsent work stays its own.

use std::net::IpAddr;

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::time::Timestamp;
use p256::ecdsa::VerifyingKey;

use super::code::Code;
use super::token::Token;
use super::{AuthError, CODE_MS, DEVICE_REFRESH_MS, Identity, Issued, line, short};
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Guard, Write};
use crate::storage::sessions::{
    CodeUse, EnrolmentCode, Family, FamilyEnding, Holder, IdentityGuard, IdentityWrite,
};

/// What a phone sends.
pub struct Enrolment {
    /// The code, as typed or scanned.
    pub code: String,
    /// Its public key, SEC1, compressed or not.
    pub public_key: Vec<u8>,
    /// From where, for the cap per address.
    pub from: IpAddr,
}

/// A device enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The device.
    pub device: DeviceId,
    /// Who may act on it.
    pub people: Vec<PersonId>,
    /// Its tokens.
    pub issued: Issued,
}

impl Identity {
    /// Makes a code for people. The clear text is in the answer and nowhere else. `by` is the administrator who asks; nobody
    /// is whoever runs this machine, who has the store in his hands and is not counted.
    ///
    /// # Errors
    /// [`AuthError::TooOften`], [`AuthError::Storage`]; no code was made.
    pub async fn new_code(
        &self,
        people: Vec<PersonId>,
        by: Option<PersonId>,
        now: Timestamp,
    ) -> Result<(Code, Timestamp), AuthError> {
        if let Some(admin) = by {
            self.shared.by_issuer.take(admin, now).map_err(AuthError::TooOften)?;
        }
        let code = Code::new(self.random().array());
        let expires_at = now.plus_ms(CODE_MS);
        let row = EnrolmentCode { hash: code.hash(), people, made_at: now, expires_at, used: None };
        let audit = line(now, (by, None), "enrolment_code", short(&row.hash), "done");
        self.commit(vec![IdentityWrite::Code(row)], audit).await?;
        Ok((code, expires_at))
    }

    /// Enrols a device.
    ///
    /// # Errors
    /// [`AuthError::PublicKey`], [`AuthError::CodeUnknown`], [`AuthError::CodeSpent`],
    /// [`AuthError::TooOften`], [`AuthError::Storage`].
    pub async fn enrol(&self, enrolment: Enrolment, now: Timestamp) -> Result<Enrolled, AuthError> {
        self.admit(enrolment.from, now)?;
        let key = VerifyingKey::from_sec1_bytes(&enrolment.public_key).map_err(|_| AuthError::PublicKey)?;
        let public_key = key.to_sec1_point(false).as_bytes().to_vec();
        let Ok(code) = Code::read(&enrolment.code) else {
            return self.refused(now, None, "mistyped code".to_owned(), AuthError::CodeUnknown).await;
        };
        let Some(row) = self.storage().find_code(code.hash()).await? else {
            return self.refused(now, None, "unknown code".to_owned(), AuthError::CodeUnknown).await;
        };
        let subject = short(&row.hash);
        match &row.used {
            _ if row.expires_at <= now => self.refused(now, None, subject, AuthError::CodeSpent).await,
            None => {
                let known = self.known_device(&public_key).await?;
                match self.begin(&row, known, public_key, now).await {
                    Err(AuthError::Storage(StorageError::Moved)) => {
                        // Somebody was faster with the same code, this very moment.
                        self.refused(now, None, subject, AuthError::CodeSpent).await
                    }
                    other => other,
                }
            }
            Some(used) if used.public_key == public_key => {
                let device = used.device;
                self.begin_again(&row, device, public_key, now).await
            }
            Some(used) => self.refused(now, Some(used.device), subject, AuthError::CodeSpent).await,
        }
    }

    async fn begin(
        &self,
        code: &EnrolmentCode,
        known: Option<DeviceId>,
        public_key: Vec<u8>,
        now: Timestamp,
    ) -> Result<Enrolled, AuthError> {
        let guards = vec![Guard::Identity(IdentityGuard::CodeUnused(code.hash))];
        let device = known.unwrap_or_else(|| DeviceId::mint(now, self.random().array()));
        let (enrolled, family, tokens) = self.session_of(code, device, &public_key, now);
        let used = CodeUse { at: now, device, public_key: public_key.clone(), family: family.id };
        let mut writes = Vec::new();
        if known.is_none() {
            writes.push(Write::Device(device, public_key, now));
        }
        writes.extend([
            Write::DevicePeople(device, code.people.clone()),
            Write::Identity(IdentityWrite::EndAll(Holder::Device(device), now, FamilyEnding::Replaced)),
            Write::Identity(IdentityWrite::Begin(family)),
            Write::Identity(IdentityWrite::CodeUsed(code.hash, used)),
        ]);
        writes.extend(tokens.into_iter().map(Write::Identity));
        let audit = vec![line(now, (None, Some(device)), "enrol", short(&code.hash), "done")];
        self.storage().commit(Commit { guards, writes, audit }).await?;
        count("done");
        Ok(enrolled)
    }

    /// The device with this key, unless it was given up as lost: that one is never woken again.
    async fn known_device(&self, public_key: &[u8]) -> Result<Option<DeviceId>, AuthError> {
        let Some(device) = self.storage().find_device_by_key(public_key.to_vec()).await? else {
            return Ok(None);
        };
        let state = self.storage().find_device(device).await?;
        Ok(state.filter(|state| !state.revoked).map(|state| state.device))
    }

    async fn begin_again(
        &self,
        code: &EnrolmentCode,
        device: DeviceId,
        public_key: Vec<u8>,
        now: Timestamp,
    ) -> Result<Enrolled, AuthError> {
        let (enrolled, family, tokens) = self.session_of(code, device, &public_key, now);
        let mut writes = vec![
            IdentityWrite::EndAll(Holder::Device(device), now, FamilyEnding::Replaced),
            IdentityWrite::Begin(family),
        ];
        writes.extend(tokens);
        self.commit(writes, line(now, (None, Some(device)), "enrol", short(&code.hash), "done again"))
            .await?;
        count("done");
        Ok(enrolled)
    }

    fn session_of(
        &self,
        code: &EnrolmentCode,
        device: DeviceId,
        public_key: &[u8],
        now: Timestamp,
    ) -> (Enrolled, Family, [IdentityWrite; 2]) {
        let family = Family {
            id: self.random().array(),
            holder: Holder::Device(device),
            public_key: Some(public_key.to_vec()),
            started_at: now,
            ends_at: None,
            ended: None,
        };
        let refresh = Token::new(self.random().array());
        let (issued, tokens) = self.pair(family.id, refresh, now.plus_ms(DEVICE_REFRESH_MS), now);
        (Enrolled { device, people: code.people.clone(), issued }, family, tokens)
    }

    async fn refused<T>(
        &self,
        now: Timestamp,
        device: Option<DeviceId>,
        subject: String,
        error: AuthError,
    ) -> Result<T, AuthError> {
        count("refused");
        self.commit(Vec::new(), line(now, (None, device), "enrol", subject, "refused")).await?;
        Err(error)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("louan_enrolment_total", "outcome" => outcome).increment(1);
}
