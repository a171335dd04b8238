//! One request of a phone: taken whole or not at all, answered in one reply.
//!
//! Order: is this the log the phone knows → registrations → changes → other commands → what
//! is new. A revoked device sends and receives nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use louan_schema::id::{ChangeHash, DeviceId, PersonId};
use louan_schema::ruling::Act;
use louan_schema::wire::{
    ANSWERED_AT_MAX, Batch, CHANGES_MAX, Code, CommandVerdict, Cursor, Disposition, PROTOCOL,
    REPLY_BYTES_MAX, SyncReply, SyncRequest, Taken, Verdict,
};

use tokio::sync::OwnedSemaphorePermit;

use super::push::Bearer;
use super::{Clocks, Hub, SyncError};
use crate::audit::names_read;
use crate::storage::StorageError;
use crate::storage::commit::{Commit, Write};
use crate::storage::log::Head;
use crate::storage::registry::DeviceState;
use crate::sync::batch::hash_of;
use crate::sync::bootstrap::{Basket, Part, Token, fill};
use crate::sync::feed::{Reader, news};
use crate::sync::scope::{DeviceScope, is_push_only, told, version};

/// Most batches of one request.
const BATCHES_MAX: usize = 64;
/// Most commands of one request.
const COMMANDS_MAX: usize = 500;
/// So many entries of a signed list that stored nothing cost as much of the day's quota as a change: the list is
/// kept whole however little of it was taken.
const IDLE_ENTRIES_A_CHANGE: usize = 16;
/// Most hashes to be verified at once.
const VERIFY_MAX: usize = 500;
/// Bounds on what a phone may ask to get in one reply, in bytes before compression.
const DOWN_BYTES: std::ops::RangeInclusive<u32> = 64 * 1024..=REPLY_BYTES_MAX;

/// Most bytes of a reply, before compression, that is made beside any number of others.
const SMALL_REPLY_BYTES: usize = 256 * 1024;
/// A phone no further behind than this many positions gets a small reply.
const NEAR: u64 = 128;

/// A reply, and the room it needs until it is on its way.
#[derive(Debug)]
pub struct Answer {
    /// The reply.
    pub reply: SyncReply,
    _room: Option<OwnedSemaphorePermit>,
}

/// What became of the batches.
#[derive(Default)]
struct Pushes {
    changes: Vec<Vec<Verdict>>,
    commands: Vec<Vec<CommandVerdict>>,
    sent: BTreeSet<ChangeHash>,
    /// Whether the phone will send something of it again, as it is or under another actor.
    comes_again: bool,
}

/// What a reply may carry just now of the bytes a phone asks for, before compression.
pub type DownBytes<'a> = &'a (dyn Fn(u32) -> u32 + Send + Sync);

/// What goes down.
struct Pull {
    basket: Basket,
    /// Whose whole names are in it.
    named: Vec<PersonId>,
    cursor: Option<Cursor>,
    page: Option<Token>,
    more: bool,
    room: Option<OwnedSemaphorePermit>,
}

impl Hub {
    /// Answers a phone's request.
    ///
    /// # Errors
    /// [`SyncError`]: nothing of the request was taken, except for [`SyncError::Storage`],
    /// after which the phone asks again and learns what was.
    pub async fn sync(
        &self,
        device: DeviceId,
        request: SyncRequest,
        now: Clocks,
    ) -> Result<SyncReply, SyncError> {
        Ok(self.answer(device, request, now, &|asked| asked).await?.reply)
    }

    /// Answers a phone's request, for who sends the reply on: large replies are made few at a time, and the
    /// next is begun when the answer is dropped. What one may carry is asked when its turn has come.
    ///
    /// # Errors
    /// As for [`Hub::sync`].
    pub async fn answer(
        &self,
        device: DeviceId,
        request: SyncRequest,
        now: Clocks,
        down_bytes: DownBytes<'_>,
    ) -> Result<Answer, SyncError> {
        check(&request)?;
        let limits = self.inner.limits;
        let small = |reply| Ok(Answer { reply, _room: None });
        if request.build < limits.min_build {
            return small(SyncReply::UpdateApp { min_build: limits.min_build });
        }
        self.inner.storage.find_device(device).await?.ok_or(SyncError::UnknownDevice)?;
        if let Some(changed) = self.other_log(&request).await? {
            return small(changed);
        }
        let pushes = self.take_batches(device, &request.batches, now).await?;
        let found = self.inner.storage.find_hashes(request.verify.clone()).await?;
        let head = self.inner.storage.head().await?;
        let state = self.inner.storage.find_device(device).await?.ok_or(SyncError::UnknownDevice)?;
        let pull = self.pull(&state, &request, (&pushes.sent, head), down_bytes).await?;
        // What is still on its way was written before the phone hears what it hears now: until all of it has come,
        // rights are those of its last contact (C24).
        let audit = names_read(pull.named, (None, Some(device)), now.system);
        let mut heard = Commit { audit, ..Commit::default() };
        if state.last_pos != head.pos && !pushes.comes_again && !request.waiting {
            heard.writes.push(Write::Contact(device, head.pos));
        }
        if !(heard.writes.is_empty() && heard.audit.is_empty()) {
            self.commit(heard).await?;
        }
        let scope = (request.scope_version != version(&state, now.system))
            .then(|| told(&state, now.system, limits.lease_days));
        let answers = !request.batches.is_empty() || !request.verify.is_empty();
        let here = Cursor { stream: head.stream, epoch: head.epoch, pos: head.pos, chain: head.chain };
        let answered_at = (answers && pull.cursor != Some(here)).then_some(here);
        let reply = SyncReply::Taken(Box::new(Taken {
            changes: pushes.changes,
            commands: pushes.commands,
            items: pull.basket.items,
            cursor: pull.cursor,
            more: pull.more,
            page: pull.page.map(|token| token.to_bytes().into()),
            scope,
            now: now.business,
            backed_up_pos: head.backed_up_pos,
            missing: request.verify.into_iter().filter(|hash| !found.contains(hash)).collect(),
            answered_at,
        }));
        Ok(Answer { reply, _room: pull.room })
    }

    /// What a phone is told whose cursor, whose answers or whose pages are of another log than this one.
    async fn other_log(&self, request: &SyncRequest) -> Result<Option<SyncReply>, SyncError> {
        let stream = self.inner.storage.head().await?.stream;
        // Pages begun in another log cannot be gone on with: what they brought may be nowhere any more.
        let token = request.page.as_ref().and_then(|bytes| Token::read(bytes));
        let page =
            token.map(|token| Cursor { stream, epoch: token.epoch, pos: token.pos, chain: token.chain });
        for cursor in request.cursor.iter().chain(&request.answered_at).chain(&page) {
            let head = self.inner.storage.head().await?;
            if !self.knows(cursor, &head).await? {
                return Ok(Some(SyncReply::EpochChanged { epoch: head.epoch, head: head.pos }));
            }
        }
        Ok(None)
    }

    /// Takes batches that somebody else brought by hand, as if their device had sent them; a verdict for each change and
    /// each command.
    ///
    /// # Errors
    /// [`SyncError`]: nothing was taken, except for [`SyncError::Storage`].
    pub async fn take_carried(
        &self,
        device: DeviceId,
        protocol: u16,
        batches: &[Batch],
        now: Clocks,
    ) -> Result<(Vec<Vec<Verdict>>, Vec<Vec<CommandVerdict>>), SyncError> {
        if protocol != PROTOCOL {
            return Err(SyncError::Protocol(protocol));
        }
        check_batches(batches)?;
        self.inner.storage.find_device(device).await?.ok_or(SyncError::UnknownDevice)?;
        let pushes = self.take_batches(device, batches, now).await?;
        Ok((pushes.changes, pushes.commands))
    }

    /// Whether this log is the one a cursor speaks of.
    async fn knows(&self, cursor: &Cursor, head: &Head) -> Result<bool, SyncError> {
        if cursor.stream != head.stream {
            return Err(SyncError::WrongStream(cursor.stream));
        }
        let same = cursor.epoch == head.epoch && cursor.pos <= head.pos;
        Ok(same && self.inner.storage.chain_at(cursor.pos).await? == Some(cursor.chain))
    }

    async fn take_batches(
        &self,
        device: DeviceId,
        batches: &[Batch],
        now: Clocks,
    ) -> Result<Pushes, StorageError> {
        let mut pushes = Pushes::default();
        if batches.is_empty() {
            return Ok(pushes);
        }
        let used = self.inner.storage.quota_used(device, now.system.day()).await?;
        let quota = Mutex::new(self.inner.limits.changes_per_day.saturating_sub(used));
        for batch in batches {
            let bearer = match self.open_batch(device, batch, &quota, now).await? {
                Ok(bearer) => bearer,
                Err(code) => {
                    pushes.changes.push(vec![Verdict::NotTaken(code); batch.changes.len()]);
                    pushes.commands.push(vec![CommandVerdict::Refused(code, 0); batch.commands.len()]);
                    continue;
                }
            };
            // A site must be in the registry before anything can be written about it.
            let is_entry = |act: &Act| matches!(act, Act::RegisterSite(..));
            let mut answers = vec![CommandVerdict::Refused(Code::Unreadable, 0); batch.commands.len()];
            for (command, answer) in batch.commands.iter().zip(&mut answers).filter(|(c, _)| is_entry(&c.act))
            {
                *answer = self.phone_command(&bearer, command).await?;
            }
            let left = *quota.lock().unwrap_or_else(PoisonError::into_inner);
            let verdicts = self.push(&bearer, batch).await?;
            self.charge_idle_entries(&bearer, batch, left).await?;
            for (command, answer) in
                batch.commands.iter().zip(&mut answers).filter(|(c, _)| !is_entry(&c.act))
            {
                *answer = self.phone_command(&bearer, command).await?;
            }
            let stored = |v: &Verdict| matches!(v, Verdict::Accepted(_) | Verdict::Duplicate(_));
            let sent =
                batch.changes.iter().zip(&verdicts).filter(|(_, v)| stored(v)).map(|(c, _)| hash_of(&c.raw));
            // What a phone brings back for a colleague it gets like everybody else: its own copy is the office's.
            if batch.relayed_for.is_none() {
                pushes.sent.extend(sent);
                pushes.comes_again |= verdicts.iter().any(comes_again);
            }
            pushes.changes.push(verdicts);
            pushes.commands.push(answers);
        }
        Ok(pushes)
    }

    /// Charges for the entries of a list that is kept though they stored nothing; `before` is what was left of
    /// the day's quota when the batch came.
    async fn charge_idle_entries(
        &self,
        bearer: &Bearer<'_>,
        batch: &Batch,
        before: u32,
    ) -> Result<(), StorageError> {
        let charge = {
            let mut left = bearer.quota.lock().unwrap_or_else(PoisonError::into_inner);
            let stored = usize::try_from(before.saturating_sub(*left)).unwrap_or(usize::MAX);
            let entries = batch.proof.as_ref().map_or(batch.changes.len(), |proof| proof.list.len());
            let idle = if stored == 0 { 0 } else { entries.saturating_sub(stored) };
            let charge = u32::try_from(idle / IDLE_ENTRIES_A_CHANGE).unwrap_or(u32::MAX).min(*left);
            *left -= charge;
            charge
        };
        if charge > 0 {
            let write = Write::Quota(bearer.carrier, bearer.now.system.day(), charge);
            self.commit(Commit { writes: vec![write], ..Commit::default() }).await?;
        }
        Ok(())
    }

    async fn pull(
        &self,
        state: &DeviceState,
        request: &SyncRequest,
        (sent, head): (&BTreeSet<ChangeHash>, Head),
        down_bytes: DownBytes<'_>,
    ) -> Result<Pull, StorageError> {
        let basket = Basket::with_lists_behind(head.backed_up_pos);
        let (named, cursor) = (Vec::new(), request.cursor);
        let mut pull = Pull { basket, named, cursor, page: None, more: false, room: None };
        if is_push_only(state) {
            // It is told nothing but where the log stands: that a log was put back must be found out here too,
            // or what was held for it before is waited for in vain.
            let Head { stream, epoch, pos, chain, .. } = head;
            pull.cursor = Some(Cursor { stream, epoch, pos, chain });
            return Ok(pull);
        }
        let storage = &*self.inner.storage;
        let orgs: BTreeSet<_> = state.orgs.iter().map(|org| org.id).collect();
        let sight = storage.sight(orgs.iter().copied().collect()).await?;
        let people = state.people.iter().filter(|row| row.active).map(|row| row.person.id).collect();
        let scope = DeviceScope { orgs, people, sight };
        let token = request.page.as_ref().and_then(|bytes| Token::read(bytes));
        // A token that nobody can read begins anew; one of another log was answered before.
        let token = token.filter(|token| token.epoch == head.epoch && token.pos <= head.pos);
        let (token, cursor) = match (token, request.cursor) {
            (Some(token), _) => (Some(token), None),
            (None, None) => (Some(Token::start(head.epoch, (head.pos, head.chain), Part::All)), None),
            (None, Some(cursor)) => (None, Some(cursor)),
        };
        let is_near = cursor.is_some_and(|cursor| head.pos - cursor.pos <= NEAR);
        if !is_near {
            // Nobody closes it; without room the reply would only be made beside too many others.
            pull.room = Arc::clone(&self.inner.large_replies).acquire_owned().await.ok();
        }
        let budget = down_bytes(request.down_bytes_max).clamp(*DOWN_BYTES.start(), *DOWN_BYTES.end());
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let budget = if is_near { budget.min(SMALL_REPLY_BYTES) } else { budget };
        let (pos, chain) = match (token, cursor) {
            (Some(token), _) => {
                pull.page = fill(storage, &scope, token, &mut pull.basket, budget).await?;
                (token.pos, token.chain)
            }
            (None, Some(cursor)) => {
                let reader = Reader { device: state.device, scope: &scope, head, sent };
                let news =
                    news(storage, &reader, (cursor.pos, cursor.chain), &mut pull.basket, budget).await?;
                pull.page = news.page;
                (news.pos, news.chain)
            }
            (None, None) => (head.pos, head.chain),
        };
        pull.named = pull.basket.items.iter().filter_map(|item| scope.named_in(item)).collect();
        pull.basket.put_lists(storage).await?;
        pull.more = pull.page.is_some() || pos < head.pos;
        let cursor = Cursor { stream: head.stream, epoch: head.epoch, pos, chain };
        pull.cursor = pull.page.is_none().then_some(cursor);
        Ok(pull)
    }
}

/// Whether a phone sends such a change again, as it is or written anew.
const fn comes_again(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted(_) | Verdict::Duplicate(_) => false,
        Verdict::NotTaken(code) => code.is_written_anew() || matches!(code.disposition(), Disposition::Retry),
    }
}

fn check(request: &SyncRequest) -> Result<(), SyncError> {
    if request.protocol != PROTOCOL {
        return Err(SyncError::Protocol(request.protocol));
    }
    check_batches(&request.batches)?;
    let fits = request.verify.len() <= VERIFY_MAX && request.answered_at.len() <= ANSWERED_AT_MAX;
    if fits { Ok(()) } else { Err(SyncError::TooMuch) }
}

fn check_batches(batches: &[Batch]) -> Result<(), SyncError> {
    let changes: usize = batches.iter().map(|batch| batch.changes.len()).sum();
    let commands: usize = batches.iter().map(|batch| batch.commands.len()).sum();
    let fits = changes <= CHANGES_MAX
        && commands <= COMMANDS_MAX
        && batches.len() <= BATCHES_MAX
        && batches.iter().all(|batch| batch.docs.len() <= CHANGES_MAX)
        && batches.iter().flat_map(|b| &b.proof).all(|proof| proof.list.len() <= CHANGES_MAX);
    if fits { Ok(()) } else { Err(SyncError::TooMuch) }
}
