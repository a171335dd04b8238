//! What offices do besides ruling: organisations, people, devices, held changes, rebuilding.
//!
//! Whether the caller may do it is asked at the edge by his role; here it is only done in
//! order, and written into the audit under his name.

use louan_schema::code::{Action, may};
use louan_schema::id::{ChangeHash, DeviceId, PersonId};
use louan_schema::registry::{Org, Person};
use louan_schema::wire::Verdict;
use p256::ecdsa::VerifyingKey;

use super::push::{Basis, Bearer, verdicts};
use super::{Clocks, Hub};
use crate::audit::{Entry, names_read};
use crate::registry::supervises;
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Sender, Upload, Write};
use crate::storage::log::Held;
use crate::storage::registry::PersonRow;
use crate::sync::batch::{Group, measured};
use crate::sync::{Gate, Rights};

/// Why an office's act was not done. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfficeFault {
    /// No such organisation.
    #[error("there is no such organisation")]
    UnknownOrg,
    /// No such person.
    #[error("there is no such person")]
    UnknownPerson,
    /// The person was erased and does not come back.
    #[error("the person was erased")]
    Erased,
    /// No such device.
    #[error("there is no such device")]
    UnknownDevice,
    /// No such held change, or it is decided.
    #[error("no such change waits for a decision")]
    NothingHeld,
    /// The organisation is of another kind already; what it sees hangs on it.
    #[error("the kind of an organisation does not change")]
    KindChanged,
    /// An organisation of this kind does not appoint to this role.
    #[error("an organisation of this kind does not appoint to this role")]
    NotAppointed,
    /// The device is enrolled already.
    #[error("the device is enrolled already")]
    DeviceExists,
    /// Not a P-256 public key in SEC1.
    #[error("the public key is not a P-256 key in SEC1")]
    BadKey,
    /// Not this person's to decide.
    #[error("this person may not decide this")]
    NotPermitted,
    /// The change does not fit the log: an earlier one of its author waits, or a rule refuses it.
    #[error("the change does not fit: `{0}`")]
    DoesNotFit(&'static str),
}

/// What went wrong with an office's act.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// It cannot be done.
    #[error(transparent)]
    Fault(#[from] OfficeFault),
    /// Storage failed.
    #[error("could not carry out the office's act")]
    Storage(#[from] StorageError),
}

type Done = Result<(), OfficeError>;

impl Hub {
    /// Adds an organisation or corrects its row. `by` is who does it, nobody at installation.
    ///
    /// # Errors
    /// [`OfficeFault::KindChanged`].
    pub async fn add_org(&self, org: Org, by: Option<PersonId>, now: Clocks) -> Done {
        let before = self.inner.storage.find_org(org.id).await?;
        if before.is_some_and(|row| row.kind != org.kind) {
            return Err(OfficeFault::KindChanged.into());
        }
        let subject = org.id.to_string();
        self.office_act(vec![Write::Org(org)], "add_org", subject, by, now).await
    }

    /// Adds a person, or corrects his row; a new person may act at once.
    ///
    /// # Errors
    /// [`OfficeFault::UnknownOrg`], [`OfficeFault::NotAppointed`], [`OfficeFault::Erased`].
    pub async fn add_person(&self, person: Person, by: Option<PersonId>, now: Clocks) -> Done {
        let org = self.inner.storage.find_org(person.org).await?.ok_or(OfficeFault::UnknownOrg)?;
        if !org.kind.appoints(person.role) {
            return Err(OfficeFault::NotAppointed.into());
        }
        let before = self.inner.storage.find_person(person.id).await?;
        if before.as_ref().is_some_and(|row| row.erased) {
            return Err(OfficeFault::Erased.into());
        }
        let active = before.is_none_or(|row| row.active);
        let subject = person.id.to_string();
        self.office_act(vec![Write::Person(person, active)], "add_person", subject, by, now).await
    }

    /// Lets a person act, or no longer: from the next request on, on every device.
    ///
    /// # Errors
    /// [`OfficeFault::UnknownPerson`], [`OfficeFault::Erased`].
    pub async fn set_person_active(
        &self,
        id: PersonId,
        active: bool,
        by: Option<PersonId>,
        now: Clocks,
    ) -> Done {
        let row = self.standing_person(id).await?;
        let act = if active { "activate_person" } else { "deactivate_person" };
        self.office_act(vec![Write::Person(row.person, active)], act, id.to_string(), by, now).await
    }

    /// Erases a person (P11): his name, account and sessions go, everywhere the feed reaches. What was
    /// accepted of him stays, for it knows only his id; whatever still comes from a phone of his is
    /// answered `erased`, years later too. There is no way back.
    ///
    /// # Errors
    /// [`OfficeFault::UnknownPerson`], [`OfficeFault::Erased`] when it was done before.
    pub async fn erase_person(&self, id: PersonId, by: Option<PersonId>, now: Clocks) -> Done {
        self.standing_person(id).await?;
        self.office_act(vec![Write::Erase(id, now.system)], "erase_person", id.to_string(), by, now).await
    }

    /// Enrols a device with its public key (P-256, SEC1) and the people who use it.
    ///
    /// # Errors
    /// [`OfficeFault::DeviceExists`], [`OfficeFault::BadKey`], [`OfficeFault::UnknownPerson`].
    pub async fn enrol_device(
        &self,
        device: DeviceId,
        public_key_sec1: Vec<u8>,
        people: Vec<PersonId>,
        by: Option<PersonId>,
        now: Clocks,
    ) -> Done {
        let key = VerifyingKey::from_sec1_bytes(&public_key_sec1).map_err(|_| OfficeFault::BadKey)?;
        // One form of a key in the store: by it a device is known again.
        let public_key = key.to_sec1_point(false).as_bytes().to_vec();
        if self.inner.storage.find_device(device).await?.is_some() {
            return Err(OfficeFault::DeviceExists.into());
        }
        self.known(&people).await?;
        let writes = vec![Write::Device(device, public_key, now.system), Write::DevicePeople(device, people)];
        self.office_act(writes, "enrol_device", device.to_string(), by, now).await
    }

    /// Sets who uses a device from now on.
    ///
    /// # Errors
    /// [`OfficeFault::UnknownDevice`], [`OfficeFault::UnknownPerson`].
    pub async fn set_device_people(
        &self,
        device: DeviceId,
        people: Vec<PersonId>,
        by: Option<PersonId>,
        now: Clocks,
    ) -> Done {
        self.inner.storage.find_device(device).await?.ok_or(OfficeFault::UnknownDevice)?;
        self.known(&people).await?;
        let writes = vec![Write::DevicePeople(device, people)];
        self.office_act(writes, "set_device_people", device.to_string(), by, now).await
    }

    /// Declares a device lost: it may still send, into held, and gets nothing any more.
    ///
    /// # Errors
    /// [`OfficeFault::UnknownDevice`].
    pub async fn revoke_device(&self, device: DeviceId, by: Option<PersonId>, now: Clocks) -> Done {
        self.inner.storage.find_device(device).await?.ok_or(OfficeFault::UnknownDevice)?;
        self.office_act(vec![Write::RevokeDevice(device)], "revoke_device", device.to_string(), by, now).await
    }

    /// Writes a line of the audit about something that happened outside the hub (sign-in, export).
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub async fn note(&self, entry: Entry) -> Result<(), StorageError> {
        self.commit(Commit { audit: vec![entry], ..Commit::default() }).await.map(drop)
    }

    /// Writes down whose whole names somebody is about to be shown.
    ///
    /// # Errors
    /// [`StorageError`]: then they are not to be shown.
    pub async fn note_names(
        &self,
        of: &[PersonId],
        by: (Option<PersonId>, Option<DeviceId>),
        now: Clocks,
    ) -> Result<(), StorageError> {
        let audit = names_read(of.iter().copied(), by, now.system);
        self.commit(Commit { audit, ..Commit::default() }).await.map(drop)
    }

    /// Takes a held change into the log, or refuses it for good. Only a supervisor of the
    /// site may, and never for work of his own.
    ///
    /// # Errors
    /// [`OfficeFault::NothingHeld`], [`OfficeFault::NotPermitted`], [`OfficeFault::DoesNotFit`].
    pub async fn decide_held(
        &self,
        by: PersonId,
        (change, device): (ChangeHash, DeviceId),
        take: bool,
        now: Clocks,
    ) -> Done {
        let held = self.inner.storage.find_held(change, device).await?.ok_or(OfficeFault::NothingHeld)?;
        let waits = held.verdict.decided.is_none()
            && held.verdict.code.disposition() == louan_schema::wire::Disposition::Held;
        if !waits {
            return Err(OfficeFault::NothingHeld.into());
        }
        self.may_decide(by, &held).await?;
        let _held = self.inner.locks.hold(held.descriptor.doc_id()).await;
        let mut commit = if take { self.taken(&held, now).await? } else { Commit::default() };
        commit.writes.push(Write::Decide { change, device, taken: take, by, at: now.system });
        commit.audit.push(Entry {
            at: now.system,
            person: Some(by),
            device: Some(device),
            act: "decide_held".to_owned(),
            subject: change.to_string(),
            outcome: if take { "taken" } else { "refused" }.to_owned(),
        });
        self.commit(commit).await?;
        Ok(())
    }

    async fn may_decide(&self, by: PersonId, held: &Held) -> Done {
        let row = self.inner.storage.find_person(by).await?.ok_or(OfficeFault::UnknownPerson)?;
        let org = self.inner.storage.find_org(row.person.org).await?.ok_or(OfficeFault::UnknownOrg)?;
        let found = self.supervised(held.descriptor.site()).await?;
        let (site, supervisor) = found.ok_or(OfficeFault::NothingHeld)?;
        if !org.sees(&site) {
            return Err(OfficeFault::NothingHeld.into());
        }
        let supervisor_of_it = may(row.person.role, Action::CloseHazard)
            && supervises(&row.person, &org, &site, &supervisor)
            && row.active
            && by != held.person;
        if supervisor_of_it { Ok(()) } else { Err(OfficeFault::NotPermitted.into()) }
    }

    /// The commit that takes a held change into the log after all.
    async fn taken(&self, held: &Held, now: Clocks) -> Result<Commit, OfficeError> {
        let (device, incarnation, person) = (held.device, held.incarnation, held.person);
        let sender =
            Sender { device, incarnation, person, upload: held.upload, received_at: held.received_at };
        // What was held before he was erased is not taken after it: erased means erased (P11).
        let author = self.standing_person(person).await?;
        let pushed = vec![measured(&held.descriptor, held.n, held.raw.clone())];
        let group = Group { descriptor: held.descriptor, pushed };
        let state = self.inner.storage.document_state(group.state_query(&sender)).await?;
        let basis = Basis::of(&held.descriptor, &state);
        let rights = Rights { person, role: Some(author.person.role), own_book: true, barred: None };
        let mut gate = Gate::new(held.descriptor, &sender, rights, state).by_decision(held.verdict.code);
        let stage1 = gate.judge(&group.pushed, &mut 1);
        let settled = self.settled(&basis, &group.pushed, stage1).await?;
        match verdicts(&settled.outcomes, &[0]).first() {
            Some(Verdict::Accepted(_)) => {}
            Some(Verdict::NotTaken(code)) => return Err(OfficeFault::DoesNotFit(code.name()).into()),
            _ => return Err(OfficeFault::NothingHeld.into()),
        }
        let quota = std::sync::Mutex::new(0);
        let upload = std::sync::Arc::new(Upload {
            digest: held.upload,
            device,
            incarnation,
            person,
            list: Vec::new(),
            commands_digest: [0; 32],
            commands: None,
            signature: Vec::new(),
            received_at: held.received_at,
        });
        let bearer = Bearer { carrier: device, sender, upload, revoked: false, quota: &quota, now };
        let mut commit = bearer.commit(&basis, &group, &settled);
        // The signed list came with the change when it was held, and nothing new is used of the quota.
        commit.writes.retain(|write| !matches!(write, Write::Upload(_) | Write::Quota(..)));
        Ok(commit)
    }

    /// Makes everything derived again: facts and ledger rows from the log and the rulings,
    /// every document from its changes. Returns how many documents were made.
    ///
    /// # Errors
    /// [`StorageError`]; what was there before is still there.
    pub async fn rebuild(&self) -> Result<u64, StorageError> {
        self.inner.storage.rebuild_ledger().await?;
        let mut after = None;
        let mut made = 0;
        loop {
            let heads = self.inner.storage.documents_after(after, None, 64).await?;
            let Some(last) = heads.last() else { return Ok(made) };
            after = Some(last.descriptor.doc_id());
            for head in &heads {
                let _held = self.inner.locks.hold(head.descriptor.doc_id()).await;
                // A document the workers cannot make again keeps the snapshot it has.
                if let Some(snapshot) = self.replayed(&head.descriptor).await? {
                    let writes = vec![Write::Snapshot(head.descriptor, snapshot)];
                    self.commit(Commit { writes, ..Commit::default() }).await?;
                    made += 1;
                }
            }
        }
    }

    async fn known(&self, people: &[PersonId]) -> Done {
        for person in people {
            self.standing_person(*person).await?;
        }
        Ok(())
    }

    /// A person who was not erased.
    async fn standing_person(&self, id: PersonId) -> Result<PersonRow, OfficeError> {
        let row = self.inner.storage.find_person(id).await?.ok_or(OfficeFault::UnknownPerson)?;
        if row.erased { Err(OfficeFault::Erased.into()) } else { Ok(row) }
    }

    async fn office_act(
        &self,
        writes: Vec<Write>,
        act: &'static str,
        subject: String,
        by: Option<PersonId>,
        now: Clocks,
    ) -> Done {
        let (act, outcome) = (act.to_owned(), "done".to_owned());
        let entry = Entry { at: now.system, person: by, device: None, act, subject, outcome };
        self.commit(Commit { writes, audit: vec![entry], ..Commit::default() }).await?;
        Ok(())
    }
}
