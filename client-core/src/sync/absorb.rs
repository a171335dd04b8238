//! Taking a reply: one transaction, and taking it twice is taking it once.
//!
//! Verdicts are matched by change hash, so a late or repeated reply finds nothing left to
//! do. Items and the cursor count only if the phone still stands where it asked from.

use louan_schema::id::{DocId, Incarnation};
use louan_schema::time::Timestamp;
use louan_schema::wire::{CommandVerdict, Cursor, Disposition, Scope, SyncReply, Taken, Verdict, frame};
use minicbor::bytes::ByteVec;

use super::reauthor::Refused;
use super::verdict::{Fate, Outcome, judge};
use super::{Absorbed, Prepared, answered, catch_up, colleague, compact, item, purge, restored};
use crate::error::{Error, ErrorKind};
use crate::phone::Phone;
use crate::store::{EditState, Meta, OutboxRow, SignedBatch, Writer};

const DOING: &str = "taking the office's reply";

impl Phone {
    /// Takes the reply to a request. `random` names a new life of the store, should a clone be found.
    ///
    /// # Errors
    /// [`Error`] of kind `Offline` when the bytes are no reply of ours, `Bug` when the reply does not fit the
    /// request; nothing is taken then, and nothing is lost.
    pub fn absorb(
        &mut self,
        prepared: Prepared,
        reply: &[u8],
        now: Timestamp,
        random: [u8; 16],
    ) -> Result<Absorbed, Error> {
        let reply: SyncReply = frame::decode(reply).map_err(|e| {
            Error::new(ErrorKind::Offline, DOING, "what came back is not the office's reply").because(e)
        })?;
        let pushed = prepared.pushes() > 0;
        let absorbed = self.store.write(|w| match reply {
            SyncReply::UpdateApp { min_build } => {
                w.set_meta(Meta::MinBuild, &min_build)?;
                Ok(Absorbed { update_app: Some(min_build), ..Absorbed::default() })
            }
            SyncReply::EpochChanged { epoch, .. } => restored::epoch_changed(w, &prepared, epoch),
            SyncReply::Taken(reply) => taken(w, &prepared, &reply, now, Incarnation(random)),
        })?;
        self.allowance.came(pushed);
        Ok(absorbed)
    }
}

/// Whether the phone still stands where it asked from.
pub(super) fn stands(w: &Writer<'_>, prepared: &Prepared) -> Result<bool, Error> {
    let (cursor, page): (Option<Cursor>, Option<ByteVec>) = (w.meta(Meta::Cursor)?, w.meta(Meta::Page)?);
    let shows = answered::stands(w, prepared)?;
    Ok(cursor == prepared.request.cursor && page == prepared.request.page && shows)
}

fn taken(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    now: Timestamp,
    random: Incarnation,
) -> Result<Absorbed, Error> {
    fits(prepared, reply)?;
    let mut absorbed = Absorbed::default();
    let stood = stands(w, prepared)?;
    // Before anything it says is taken: that is the other log's word, and not in doubt.
    let another = stood && restored::another_log(w, reply)?;
    let (mut touched, refused) = verdicts(w, prepared, reply, now, random, &mut absorbed)?;
    commands(w, prepared, reply, now, &mut absorbed)?;
    keep_signed(w, prepared, reply)?;
    touched.extend(restored::verify(w, prepared, reply, now, &mut absorbed)?);
    let known: Option<Scope> = w.meta(Meta::Scope)?;
    if stood {
        touched.extend(news(w, prepared, reply, known.as_ref(), now, &mut absorbed)?);
    }
    // Behind the news: what it brings may be what an edit was refused for, and then the next change must name it.
    absorbed.rewritten += refused.write(w)?;
    if stood {
        absorbed.rewritten += catch_up::heard(w, reply)?;
    }
    answered::keep(w, prepared, reply, stood)?;
    let version = known.as_ref().map_or(0, |scope| scope.version);
    if let (Some(scope), true) = (&reply.scope, version == prepared.request.scope_version) {
        w.set_meta(Meta::Scope, scope)?;
    }
    if stood {
        backed_up(w, reply)?;
    }
    w.set_meta(Meta::ClockOffset, &reply.now.ms().saturating_sub(now.ms()))?;
    w.unset_meta(Meta::MinBuild)?;
    settle_received(w, now, &mut absorbed)?;
    touched.sort_unstable();
    touched.dedup();
    for doc in touched {
        compact::compact(w, doc)?;
    }
    purge::purge(w)?;
    absorbed.sealed = purge::seal(w)?;
    // Asking about a restored log kept everything else back: its turn has come.
    let asked = prepared.request.verify.len();
    let progress =
        absorbed.accepted + absorbed.held + absorbed.returned + absorbed.rewritten + absorbed.relayed;
    let waits = purge::unsent(w)? > 0 || !w.list_missing(1)?.is_empty();
    absorbed.more = reply.more
        || w.meta::<Cursor>(Meta::Cursor)?.is_none()
        || reply.page.is_some()
        || !w.list_unverified(1)?.is_empty()
        || !w.list_doubted(1)?.is_empty()
        || ((another || progress + asked > 0) && waits);
    Ok(absorbed)
}

/// Takes the office's word on its backups, which is about positions of the log that this phone stands in: a late reply
/// may be another log's.
fn backed_up(w: &Writer<'_>, reply: &Taken) -> Result<(), Error> {
    // A log that was put back by hand within its life has an older backup's word.
    if reply.backed_up_pos < w.meta(Meta::BackedUp)?.unwrap_or(0) {
        w.ask_again()?;
    }
    w.set_meta(Meta::BackedUp, &reply.backed_up_pos)?;
    w.forget_backed_up(reply.backed_up_pos)?;
    w.forget_colleagues(reply.backed_up_pos)?;
    Ok(())
}

/// Takes what is new, and stands where that leads to; the documents touched.
fn news(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    known: Option<&Scope>,
    now: Timestamp,
    absorbed: &mut Absorbed,
) -> Result<Vec<DocId>, Error> {
    let mut touched = Vec::new();
    let sending_only = known.is_some_and(|scope| scope.push_only);
    let told = reply.scope.as_ref().or(known);
    let bootstraps = prepared.request.cursor.is_none() && !told.is_some_and(|scope| scope.push_only);
    if bootstraps && prepared.request.page.is_none() {
        w.doubt_rows()?;
    }
    for item in &reply.items {
        item::take(w, item, now, absorbed, &mut touched)?;
    }
    let mut sheets = touched.clone();
    sheets.sort_unstable();
    sheets.dedup();
    for doc in sheets {
        absorbed.unread += compact::set_aside(w, doc)?;
    }
    stand(w, reply)?;
    if bootstraps && reply.cursor.is_some() {
        item::unconfirmed(w, absorbed)?;
        w.drop_stale_rows()?;
    }
    if sending_only && told.is_some_and(|scope| !scope.push_only) {
        // It stood at the log's head all the time and was told nothing: now it is brought everything.
        w.unset_meta(Meta::Cursor)?;
        w.unset_meta(Meta::Page)?;
        restored::send_held_again(w)?;
    }
    Ok(touched)
}

/// Stands where the reply leads to.
fn stand(w: &Writer<'_>, reply: &Taken) -> Result<(), Error> {
    if let Some(cursor) = &reply.cursor {
        w.set_meta(Meta::Cursor, cursor)?;
        w.unset_meta(Meta::Page)?;
    } else if let Some(page) = &reply.page {
        w.set_meta(Meta::Page, page)?;
    }
    Ok(())
}

/// A reply has exactly one verdict for each change and command of its request.
fn fits(prepared: &Prepared, reply: &Taken) -> Result<(), Error> {
    let batches = &prepared.request.batches;
    let changes = reply.changes.iter().map(Vec::len).eq(batches.iter().map(|batch| batch.changes.len()));
    let commands = reply.commands.iter().map(Vec::len).eq(batches.iter().map(|batch| batch.commands.len()));
    if changes && commands {
        Ok(())
    } else {
        Err(Error::bug(DOING, "the reply has not one verdict for each edit"))
    }
}

/// The edits answered for, each with its verdict. A colleague's change brought back is settled here.
fn answered(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    absorbed: &mut Absorbed,
) -> Result<Vec<(OutboxRow, Verdict)>, Error> {
    let hashes = prepared.hashes.iter().flatten();
    let mut rows = Vec::new();
    for (hash, verdict) in hashes.zip(reply.changes.iter().flatten()) {
        // An edit written anew since has another hash: this verdict is about nothing any more.
        let own = w.find_outbox_by_hash(*hash)?;
        let adopted = if own.is_none() { colleague::adopt(w, *hash, *verdict)? } else { None };
        absorbed.rewritten += usize::from(adopted == Some(true));
        let log = restored::reached(reply).map(|here| here.pos);
        let settled = colleague::settle(w, *hash, *verdict, log, adopted.is_some())?;
        absorbed.relayed += usize::from(settled);
        rows.extend(own.map(|row| (row, *verdict)));
    }
    Ok(rows)
}

/// Settles every edit answered for; the documents the office took something into, and what is to be written anew.
fn verdicts(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    now: Timestamp,
    random: Incarnation,
    absorbed: &mut Absorbed,
) -> Result<(Vec<DocId>, Refused), Error> {
    let rows = answered(w, prepared, reply, absorbed)?;
    let Outcome { fates, burnt, refused_for_actor, cloned } = judge(rows);
    let mut rewrite = Vec::new();
    let (mut sheets, mut taken_into) = (Vec::new(), Vec::new());
    for (row, fate) in fates {
        if !row.descriptor.is_book() && !matches!(fate, Fate::Acknowledge(_) | Fate::Wait) {
            sheets.push(row.descriptor);
        }
        match fate {
            Fate::Acknowledge(_) if row.state == EditState::Acknowledged && !row.unverified => {}
            Fate::Acknowledge(pos) => {
                w.set_acknowledged(row.local_seq, Some(pos), now)?;
                absorbed.accepted += 1;
                taken_into.push(row.doc);
            }
            Fate::Wait => {}
            Fate::Hold(code) => {
                w.set_not_taken(row.local_seq, EditState::Held, Some(code), now)?;
                w.delete_tail(row.hash)?;
                absorbed.held += 1;
            }
            Fate::Return(code) => {
                w.set_not_taken(row.local_seq, EditState::Returned, Some(code), now)?;
                w.delete_tail(row.hash)?;
                if let Some(record) = row.record {
                    w.delete_record(row.doc, record)?;
                }
                absorbed.returned += 1;
            }
            // On its document with the copy's change, which the feed brings. The bytes stay: no backup of this log has
            // this very change, and no other phone need have the copy's.
            Fate::Stored => {
                w.set_acknowledged(row.local_seq, None, now)?;
                w.delete_tail(row.hash)?;
                absorbed.accepted += 1;
            }
            Fate::Rewrite => rewrite.push(row),
        }
    }
    for local_seq in refused_for_actor {
        w.count_actor_refused(local_seq)?;
    }
    for broken in burnt {
        w.burn_actor(broken.doc, broken.n)?;
        rewrite.extend(w.list_pending_behind(broken.doc, broken.n, broken.from)?);
    }
    if cloned {
        // Only once: what was refused under an earlier life is no news about this one.
        let current: Option<Incarnation> = w.meta(Meta::Incarnation)?;
        if rewrite.iter().any(|row| Some(row.incarnation) == current) {
            w.set_meta(Meta::Incarnation, &random)?;
            let unsent = w.list_outbox(EditState::Pending)?.into_iter().filter(|row| !row.sent);
            rewrite.extend(unsent);
        }
    }
    Ok((taken_into, Refused { rewrite, sheets }))
}

fn commands(
    w: &Writer<'_>,
    prepared: &Prepared,
    reply: &Taken,
    now: Timestamp,
    absorbed: &mut Absorbed,
) -> Result<(), Error> {
    let asked = prepared.request.batches.iter().flat_map(|batch| &batch.commands);
    for (command, verdict) in asked.zip(reply.commands.iter().flatten()) {
        let (state, code, version) = match *verdict {
            CommandVerdict::Done(version) | CommandVerdict::Duplicate(version) => {
                (EditState::Acknowledged, None, version)
            }
            CommandVerdict::Refused(code, _) if code.disposition() == Disposition::Retry => continue,
            CommandVerdict::Refused(code, version) => (EditState::Returned, Some(code), version),
        };
        if w.settle_command(command.id, state, code, version, now)? {
            *(if code.is_none() { &mut absorbed.accepted } else { &mut absorbed.returned }) += 1;
        }
    }
    Ok(())
}

/// Keeps what was signed as long as it may be needed to send it again.
fn keep_signed(w: &Writer<'_>, prepared: &Prepared, reply: &Taken) -> Result<(), Error> {
    let Some(signatures) = prepared.signatures.get() else { return Ok(()) };
    let own = prepared.request.batches.iter().enumerate().filter(|(_, batch)| batch.relayed_for.is_none());
    for (i, batch) in own {
        let taken = reply.changes[i].iter().filter_map(|verdict| match verdict {
            Verdict::Accepted(pos) => Some(*pos),
            Verdict::Duplicate(_) | Verdict::NotTaken(_) => None,
        });
        let Some(pos_max) = taken.max() else { continue };
        let list = batch.changes.iter().zip(&prepared.hashes[i]).filter_map(|(change, hash)| {
            let doc = batch.docs.get(usize::try_from(change.doc).ok()?)?;
            Some((doc.doc_id(), change.n, *hash))
        });
        w.keep_signed(&SignedBatch {
            person: batch.person,
            incarnation: batch.incarnation,
            list: &list.collect(),
            commands: &batch.commands,
            digest: prepared.digests[i],
            signature: &signatures[i],
            pos_max,
        })?;
    }
    Ok(())
}

/// A returned record whose very bytes came down: the office has taken it since, from a copy of this phone.
fn settle_received(w: &Writer<'_>, now: Timestamp, absorbed: &mut Absorbed) -> Result<(), Error> {
    for row in w.list_returned_received()? {
        let stored = match row.record {
            Some(record) => w.find_record(record, Some(row.descriptor.org()))?,
            None => None,
        };
        let sent = row.raw.as_deref().and_then(|raw| louan_schema::doc::scan::record_put(raw).ok());
        if let (Some(stored), Some(sent)) = (stored, sent)
            && stored.record.to_bytes() == sent.bytes
        {
            w.set_acknowledged(row.local_seq, None, now)?;
            absorbed.returned = absorbed.returned.saturating_sub(1);
            absorbed.accepted += 1;
        }
    }
    Ok(())
}
