//! Bringing back what colleagues wrote, after the office put an older backup back.
//!
//! A change on its author's lost phone lives on where it was received: with the list its
//! author signed any phone may carry it (P9). Nothing is brought back without that list,
//! and nothing of the carrier's own goes under it. A copy of this phone is a colleague, too,
//! until its work cannot be brought back as it is.

use std::collections::BTreeMap;

use louan_schema::doc::guard::guarded;
use louan_schema::doc::scan::record_put;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{ChangeHash, DeviceId, DocId};
use louan_schema::record::Record;
use louan_schema::wire::{Batch, Code, Disposition, PushedChange, Signed, Verdict};

use crate::error::Error;
use crate::store::{Meta, Writer};
use crate::usecase::record;

/// Most changes brought back in one request.
const CHANGES_MAX: usize = 200;
/// Most changes brought back that were carried in vain many times before.
const CHANGES_FEW: usize = 8;
/// What counts as many.
const TRIES_MANY: u32 = 8;
/// Bytes of one entry of a signed list.
const LISTED_BYTES: usize = 54;
/// Most batches of one request that bring changes back.
const BATCHES_MAX: usize = 12;

/// Keeps what a colleague signed, with those of his changes that are here.
pub(super) fn keep(w: &Writer<'_>, list: &Signed) -> Result<(), Error> {
    let mut batch = None;
    // A copy is opened once a list, however many of its changes lie in it.
    let mut opened: BTreeMap<DocId, Option<Document>> = BTreeMap::new();
    for (doc, n, hash) in &list.proof.list {
        if w.find_outbox_by_hash(*hash)?.is_some() {
            continue;
        }
        let Some(descriptor) = w.find_descriptor(*doc)? else { continue };
        let raw = match w.find_tail(*hash)? {
            Some(raw) => Some(raw),
            None => {
                if !opened.contains_key(doc) {
                    let copy = w.find_doc(*doc)?.and_then(|row| row.snapshot);
                    opened.insert(*doc, copy.and_then(|bytes| Document::load_guarded(&bytes).ok()));
                }
                opened.get(doc).and_then(Option::as_ref).and_then(|document| document.raw(*hash))
            }
        };
        let Some(raw) = raw else { continue };
        let kept = match batch {
            Some(kept) => kept,
            None => *batch.insert(w.keep_colleague_batch(list)?),
        };
        w.keep_colleague_change(&descriptor, (*n, *hash), &raw, Some((kept, list.pos)))?;
    }
    Ok(())
}

/// Keeps as bytes what a whole copy from the office lacks and this phone had: the copy takes its place, and
/// what was signed is brought back from here.
pub(super) fn keep_lost(
    w: &Writer<'_>,
    descriptor: &Descriptor,
    before: &Document,
    incoming: &Document,
) -> Result<(), Error> {
    for (hash, raw) in guarded(|| Ok(before.beyond(incoming)))? {
        match w.find_outbox_by_hash(hash)? {
            None => w.keep_colleague_change(descriptor, (0, hash), &raw, None)?,
            // A backup that had it was thought to be safe, and an older one was put back.
            Some(own) if own.raw.is_none() => w.doubt_again(own.local_seq, &raw)?,
            Some(_) => {}
        }
    }
    Ok(())
}

/// The batches that bring back what the restored log lacks, with the hashes of their changes.
pub(super) fn batches(w: &Writer<'_>, mut bytes_left: usize) -> Result<Vec<(Batch, Vec<ChangeHash>)>, Error> {
    let mut made: Vec<(i64, Batch, Vec<ChangeHash>)> = Vec::new();
    for (place, missing) in w.list_missing(CHANGES_MAX)?.into_iter().enumerate() {
        // What was refused time and again goes along a few at a time, for as long as it takes.
        if missing.tries >= TRIES_MANY && place >= CHANGES_FEW {
            break;
        }
        if missing.raw.len() > bytes_left && !made.is_empty() {
            break;
        }
        bytes_left = bytes_left.saturating_sub(missing.raw.len());
        if made.last().is_none_or(|(batch, ..)| *batch != missing.batch) {
            if made.len() == BATCHES_MAX {
                break;
            }
            let Some(list) = w.find_colleague_batch(missing.batch)? else { continue };
            // Hashes do not compress: the list is as large as it looks.
            let listed = list.proof.list.len() * LISTED_BYTES;
            if listed > bytes_left && !made.is_empty() {
                break;
            }
            bytes_left = bytes_left.saturating_sub(listed);
            let batch = Batch {
                person: list.person,
                relayed_for: Some(list.device),
                incarnation: list.incarnation,
                docs: Vec::new(),
                changes: Vec::new(),
                commands: Vec::new(),
                signature: list.signature.into(),
                proof: Some(list.proof),
            };
            made.push((missing.batch, batch, Vec::new()));
        }
        let Some((_, batch, hashes)) = made.last_mut() else { continue };
        let doc = batch.docs.iter().position(|doc| *doc == missing.descriptor).unwrap_or_else(|| {
            batch.docs.push(missing.descriptor);
            batch.docs.len() - 1
        });
        let doc = u32::try_from(doc).unwrap_or(u32::MAX);
        let raw = missing.raw.into();
        batch.changes.push(PushedChange { doc, n: missing.n, raw, taken_before: Some(0) });
        hashes.push(missing.hash);
    }
    Ok(made.into_iter().map(|(_, batch, hashes)| (batch, hashes)).collect())
}

/// Writes anew what a copy of this very phone wrote and the office does not take from it: in the log put back another
/// edit of the two has its number or the number before it, and no signature of old brings it in. It is this phone's own
/// work as much as that one's. Whether something was written; nothing if it is not this phone's to write. What stands
/// on a sheet is its submission's to carry.
pub(super) fn adopt(w: &Writer<'_>, hash: ChangeHash, verdict: Verdict) -> Result<Option<bool>, Error> {
    let Verdict::NotTaken(code) = verdict else { return Ok(None) };
    let Some(missing) = w.find_missing(hash)?.filter(|missing| missing.descriptor.is_book()) else {
        return Ok(None);
    };
    // What it rests on may come with another phone the next time.
    let in_vain = matches!(code, Code::SeqGap | Code::MissingDep) && missing.tries > 0;
    let Some(list) = w.find_colleague_batch(missing.batch)? else { return Ok(None) };
    let ours = w.meta::<DeviceId>(Meta::Device)? == Some(list.device);
    if !ours || !(in_vain || code.is_about_the_actor()) {
        return Ok(None);
    }
    let Ok(put) = record_put(&missing.raw) else { return Ok(None) };
    let Ok(Record { written_at, .. }) = Record::from_bytes(&put.bytes) else { return Ok(None) };
    // Written anew before, and whatever came of it came of it.
    if w.find_outbox_by_record(put.id)?.is_some() {
        return Ok(Some(false));
    }
    w.set_taken_before(record::commit(w, missing.descriptor, (list.person, written_at), &put)?)?;
    Ok(Some(true))
}

/// Takes the office's word on a change brought back, given where its log had come to; whether it was one and is settled.
/// One that this phone has adopted is not carried any more.
pub(super) fn settle(
    w: &Writer<'_>,
    hash: ChangeHash,
    verdict: Verdict,
    log: Option<u64>,
    adopted: bool,
) -> Result<bool, Error> {
    let (settled, pos) = match verdict {
        Verdict::Accepted(pos) | Verdict::Duplicate(pos) => (true, Some(pos)),
        Verdict::NotTaken(code) => (adopted || code.disposition() != Disposition::Retry, log),
    };
    Ok(w.settle_missing(hash, settled, pos)?)
}
