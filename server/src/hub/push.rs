//! What a phone sends: opened, gated, judged, committed, answered.
//!
//! Documents of a batch go their ways at the same time, each under its own lock and in its
//! own commit; the writer joins commits that wait together. A verdict is given only after
//! the commit that carries it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use louan_schema::doc::Descriptor;
use louan_schema::doc::judge::Judged;
use louan_schema::id::DeviceId;
use louan_schema::record::Body;
use louan_schema::wire::{Batch, Code, Verdict};

use super::{Clocks, Hub};
use crate::audit::Entry;
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Guard, HeldChange, NewChange, Sender, Upload, Write};
use crate::storage::log::DocumentState;
use crate::sync::batch::{Group, Portion, Pushed, opened, portions};
use crate::sync::settle::{Outcome, settle};
use crate::sync::{Candidate, Gate, Rights, Stage1, rights};
use crate::worker::JudgeCase;

/// How often a decision is made again because the state moved under it.
const ATTEMPTS: usize = 4;

/// A batch on its way.
pub(super) struct Bearer<'a> {
    /// The device that carries it, and whose quota it uses.
    pub(super) carrier: DeviceId,
    /// Who signed.
    pub(super) sender: Sender,
    /// What was signed.
    pub(super) upload: Arc<Upload>,
    /// Whether the signing device was revoked.
    pub(super) revoked: bool,
    /// How many more changes the carrier may send today.
    pub(super) quota: &'a Mutex<u32>,
    /// When.
    pub(super) now: Clocks,
}

impl Hub {
    /// Opens a batch: who signed it, and whether he really did.
    pub(super) async fn open_batch<'a>(
        &self,
        carrier: DeviceId,
        batch: &Batch,
        quota: &'a Mutex<u32>,
        now: Clocks,
    ) -> Result<Result<Bearer<'a>, Code>, StorageError> {
        let signer = batch.relayed_for.unwrap_or(carrier);
        let found = self.inner.storage.find_device(signer).await?;
        let opened = found.ok_or(Code::BadSignature).and_then(|device| {
            let (sender, upload) = opened(batch, signer, &device.public_key, now.system)?;
            Ok(Bearer { carrier, sender, upload: Arc::new(upload), revoked: device.revoked, quota, now })
        });
        if let Err(code) = opened {
            let entry = Entry {
                at: now.system,
                person: Some(batch.person),
                device: Some(carrier),
                act: "push".to_owned(),
                subject: signer.to_string(),
                outcome: code.name().to_owned(),
            };
            self.commit(Commit { audit: vec![entry], ..Commit::default() }).await?;
        }
        Ok(opened)
    }

    /// Judges and stores a batch's changes; a verdict for each, in order.
    pub(super) async fn push(
        &self,
        bearer: &Bearer<'_>,
        batch: &Batch,
    ) -> Result<Vec<Verdict>, StorageError> {
        let mut verdicts = vec![Verdict::NotTaken(Code::Malformed); batch.changes.len()];
        let (books, sheets): (Vec<_>, Vec<_>) =
            portions(batch).into_iter().partition(|portion| portion.descriptor.is_book());
        // A submission closes its sheet: answers that come in the same batch come before it.
        for portions in [sheets, books] {
            let done =
                join_all(portions.iter().map(|portion| self.push_portion(bearer, batch, portion))).await;
            for (portion, done) in portions.iter().zip(done) {
                for (place, verdict) in portion.places.iter().zip(done?) {
                    verdicts[*place] = verdict;
                }
            }
        }
        Ok(verdicts)
    }

    async fn push_portion(
        &self,
        bearer: &Bearer<'_>,
        batch: &Batch,
        portion: &Portion,
    ) -> Result<Vec<Verdict>, StorageError> {
        let descriptor = portion.descriptor;
        let _held = self.inner.locks.hold(descriptor.doc_id()).await;
        // After the lock: who has room waits for nobody who waits for room. Closed by nobody.
        let _room = self.inner.documents.acquire().await;
        let group = &portion.measured(batch);
        for _ in 0..ATTEMPTS {
            let state = self.inner.storage.document_state(group.state_query(&bearer.sender)).await?;
            let rights = self.rights_of(bearer, &descriptor).await?;
            let basis = Basis::of(&descriptor, &state);
            let mut gate = Gate::new(descriptor, &bearer.sender, rights, state);
            let (stage1, used) = within_quota(bearer.quota, |quota| gate.judge(&group.pushed, quota));
            let settled = self.settled(&basis, &group.pushed, stage1).await?;
            let commit = bearer.commit(&basis, group, &settled);
            if commit.writes.is_empty() {
                return Ok(verdicts(&settled.outcomes, &[]));
            }
            match self.commit(commit).await {
                Ok(committed) => {
                    let verdicts = verdicts(&settled.outcomes, &committed.positions);
                    verdicts.iter().for_each(count);
                    return Ok(verdicts);
                }
                Err(StorageError::Moved) => {
                    let mut quota = bearer.quota.lock().unwrap_or_else(PoisonError::into_inner);
                    *quota = quota.saturating_add(used);
                }
                Err(other) => return Err(other),
            }
        }
        // Somebody else keeps writing what this rests on; the phone tries again.
        Ok(vec![Verdict::NotTaken(Code::Unreadable); group.pushed.len()])
    }

    async fn rights_of(&self, bearer: &Bearer<'_>, descriptor: &Descriptor) -> Result<Rights, StorageError> {
        let (device, person) = (bearer.sender.device, bearer.sender.person);
        let (org, site) = (descriptor.org(), descriptor.site());
        let standing = self.inner.storage.standing(device, person, org, site).await?;
        Ok(rights(person, descriptor, &standing, bearer.revoked))
    }

    /// Asks the worker about the candidates, and again without those that must not stand.
    pub(super) async fn settled(
        &self,
        basis: &Basis,
        pushed: &[Pushed],
        stage1: Vec<Stage1>,
    ) -> Result<Settled, StorageError> {
        let places: Vec<usize> =
            (0..stage1.len()).filter(|i| matches!(stage1[*i], Stage1::Candidate(_))).collect();
        if places.is_empty() {
            return Ok(Settled { outcomes: settle(stage1, &[]).0, snapshot: None });
        }
        let raws = |places: &[usize]| places.iter().map(|i| pushed[*i].raw.clone()).collect::<Vec<_>>();
        let judged = self.judge(basis, raws(&places)).await?;
        let unreadable = |code| vec![Err(code); places.len()];
        let (spoken, mut snapshot) = match judged {
            Ok(judged) => (judged.verdicts, Some(judged.snapshot)),
            Err(code) => (unreadable(code), None),
        };
        let (mut outcomes, too_much) = settle(stage1, &spoken);
        if too_much {
            let standing: Vec<usize> =
                places.iter().copied().filter(|i| matches!(outcomes[*i], Outcome::Accepted(_))).collect();
            let again = self.judge(basis, raws(&standing)).await?;
            let whole = again.ok().filter(|judged| judged.verdicts.iter().all(Result::is_ok));
            snapshot = whole.map(|judged| judged.snapshot);
            if snapshot.is_none() {
                standing
                    .iter()
                    .for_each(|i| outcomes[*i] = Outcome::Said(Verdict::NotTaken(Code::Unreadable)));
            }
        }
        Ok(Settled { outcomes, snapshot })
    }

    /// Judges changes on the document; one that no longer loads is first made again from the log.
    async fn judge(
        &self,
        basis: &Basis,
        changes: Vec<Vec<u8>>,
    ) -> Result<Result<Judged, Code>, StorageError> {
        let case = JudgeCase { descriptor: basis.descriptor, snapshot: basis.snapshot.clone(), changes };
        match self.judge_case(case.clone()).await {
            Err(Code::Unreadable) if basis.head_pos > 0 => match self.replayed(&basis.descriptor).await? {
                Some(snapshot) => Ok(self.judge_case(JudgeCase { snapshot: Some(snapshot), ..case }).await),
                None => Ok(Err(Code::Unreadable)),
            },
            judged => Ok(judged),
        }
    }

    async fn judge_case(&self, case: JudgeCase) -> Result<Judged, Code> {
        self.inner.judge.judge(vec![case]).await.pop().unwrap_or(Err(Code::Unreadable))
    }

    /// A document made again from the log alone; nothing when the log's own changes do not pass.
    pub(super) async fn replayed(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, StorageError> {
        let log = self.inner.storage.changes_of(descriptor.doc_id()).await?;
        let changes = log.into_iter().map(|change| change.raw).collect();
        let judged = self.judge_case(JudgeCase { descriptor: *descriptor, snapshot: None, changes }).await;
        let whole = judged.ok().filter(|judged| judged.verdicts.iter().all(Result::is_ok));
        Ok(whole.map(|judged| judged.snapshot))
    }
}

/// What a decision about a document rests on.
#[derive(Debug)]
pub(super) struct Basis {
    pub(super) descriptor: Descriptor,
    snapshot: Option<Vec<u8>>,
    head_pos: u64,
    frozen: bool,
}

impl Basis {
    pub(super) fn of(descriptor: &Descriptor, state: &DocumentState) -> Self {
        let (head_pos, frozen) = (state.head_pos, state.frozen);
        Self { descriptor: *descriptor, snapshot: state.snapshot.clone(), head_pos, frozen }
    }
}

/// A group decided.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) snapshot: Option<Vec<u8>>,
}

fn within_quota<T>(shared: &Mutex<u32>, act: impl FnOnce(&mut u32) -> T) -> (T, u32) {
    let mut quota = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let before = *quota;
    let done = act(&mut quota);
    (done, before - *quota)
}

impl Bearer<'_> {
    /// Everything a group writes.
    pub(super) fn commit(&self, basis: &Basis, group: &Group, settled: &Settled) -> Commit {
        let mut commit = Commit::default();
        let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut records = Vec::new();
        let mut used = 0;
        for (pushed, outcome) in group.pushed.iter().zip(&settled.outcomes) {
            match outcome {
                Outcome::Accepted(candidate) => {
                    *counts.entry("accepted").or_default() += 1;
                    used += 1;
                    records.extend(candidate.record.as_ref().map(|(id, _)| *id));
                    commit.writes.extend(self.accepted(&group.descriptor, pushed, candidate));
                }
                Outcome::NotTaken(refused) => {
                    *counts.entry(refused.code.name()).or_default() += 1;
                    if refused.keep {
                        used += 1;
                        commit.writes.push(Write::Hold(Box::new(HeldChange {
                            descriptor: group.descriptor,
                            // Of a person who was erased nothing new is kept, not even as evidence.
                            raw: if refused.code == Code::Erased { Vec::new() } else { pushed.raw.clone() },
                            hash: pushed.hash,
                            actor: refused.actor,
                            seq: refused.seq,
                            n: pushed.n,
                            sender: self.sender,
                            code: refused.code,
                            burns: refused.burns,
                        })));
                    }
                }
                Outcome::Said(_) | Outcome::Repeat(_) => {}
            }
        }
        let Some(snapshot) = &settled.snapshot else { return self.closed(commit, group, used, &counts) };
        let (head_pos, frozen) = (basis.head_pos, basis.frozen);
        commit.guards = vec![
            Guard::Document { descriptor: group.descriptor, head_pos, frozen },
            Guard::RecordsFree(records),
        ];
        commit.writes.push(Write::Snapshot(group.descriptor, snapshot.clone()));
        self.closed(commit, group, used, &counts)
    }

    /// Adds what every commit of a batch carries, if it carries anything.
    fn closed(&self, mut commit: Commit, group: &Group, used: u32, counts: &BTreeMap<&str, u32>) -> Commit {
        if counts.is_empty() {
            return Commit::default();
        }
        if used > 0 {
            commit.writes.insert(0, Write::Upload(Arc::clone(&self.upload)));
        }
        commit.writes.push(Write::Quota(self.carrier, self.now.system.day(), used));
        let outcome: Vec<String> = counts.iter().map(|(word, count)| format!("{word}={count}")).collect();
        commit.audit.push(Entry {
            at: self.now.system,
            person: Some(self.sender.person),
            device: Some(self.sender.device),
            act: "push".to_owned(),
            subject: group.descriptor.doc_id().to_string(),
            outcome: outcome.join(" "),
        });
        commit
    }

    fn accepted(&self, descriptor: &Descriptor, pushed: &Pushed, candidate: &Candidate) -> Vec<Write> {
        let change = NewChange {
            descriptor: *descriptor,
            raw: pushed.raw.clone(),
            hash: pushed.hash,
            actor: candidate.actor,
            seq: candidate.scanned.seq,
            n: pushed.n,
            max_op: candidate.scanned.max_op(),
            sender: self.sender,
            record: candidate.record.clone(),
        };
        let mut writes = vec![Write::Change(Box::new(change))];
        // A submission closes the sheet its round was filled on.
        if let Some((_, record)) = &candidate.record
            && let Body::Round(round) = &record.body
        {
            let (site, org) = (descriptor.site(), descriptor.org());
            writes.push(Write::Freeze(Descriptor::Sheet { site, org, round: round.round }));
        }
        writes
    }
}

/// Counts a verdict for whoever watches the server; codes only, never whose.
fn count(verdict: &Verdict) {
    let word = match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Duplicate(_) => "duplicate",
        Verdict::NotTaken(code) => code.name(),
    };
    metrics::counter!("louan_changes_total", "verdict" => word).increment(1);
}

/// The verdicts to answer, with the positions the commit gave.
pub(super) fn verdicts(outcomes: &[Outcome], positions: &[u64]) -> Vec<Verdict> {
    let mut positions = positions.iter();
    let mut said: Vec<Verdict> = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        said.push(match outcome {
            Outcome::Said(verdict) => *verdict,
            Outcome::NotTaken(refused) => Verdict::NotTaken(refused.code),
            Outcome::Accepted(_) => {
                positions.next().map_or(Verdict::NotTaken(Code::Unreadable), |pos| Verdict::Accepted(*pos))
            }
            // The same bytes twice in one batch: the second finds what the first became.
            Outcome::Repeat(place) => match said.get(*place) {
                Some(Verdict::Accepted(pos)) => Verdict::Duplicate(*pos),
                Some(verdict) => *verdict,
                None => Verdict::NotTaken(Code::Unreadable),
            },
        });
    }
    said
}
