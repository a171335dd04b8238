//! Taps → sheet changes.
//!
//! Done just before sending, so that an hour of tapping is one change. A round submitted
//! before its first sync never has a sheet: its taps are in the record. The starter's
//! first change carries the header, without which colleagues do not see the round.
//!
//! A change names what it replaces, so how large it becomes depends on what others wrote. What
//! the office would not take for its size is written in parts. A sheet that cannot be opened or
//! written costs its own round and no other.

use std::ops::Range;

use louan_schema::doc::guard::guarded;
use louan_schema::doc::write::{Tap, sheet_change};
use louan_schema::doc::{ActorLife, Descriptor, Document, DocumentError, Written};
use louan_schema::id::{DeviceId, Incarnation, PersonId};
use louan_schema::policy::Policy;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Code, Scope};

use crate::error::Error;
use crate::store::commit::{Actor, LocalChange};
use crate::store::{Meta, Reader, RoundRow, TapRow, Writer};
use crate::usecase::sheet;

/// Most operations of one sheet change (precise rule 5).
const FOLD_OPS_MAX: usize = 2_000;
/// Most bytes of keys and values in one sheet change (precise rule 5).
const FOLD_BYTES_MAX: usize = 48 * 1024;

/// Most numbers tried for a new actor; each one passed over is a change some copy of this phone wrote.
const ACTORS_MAX: usize = 100_000;

/// Taps of one person that become one change.
struct Chunk {
    person: PersonId,
    taps: Vec<Tap>,
    /// The row of each tap; none for a header's.
    ids: Vec<Option<i64>>,
    header: bool,
}

/// Writes what was tapped in open rounds.
pub(super) fn open_rounds(w: &Writer<'_>, now: Timestamp) -> Result<(), Error> {
    let sending_only = w.meta::<Scope>(Meta::Scope)?.is_some_and(|scope| scope.push_only);
    for round in w.list_rounds_to_fold()? {
        // A frozen sheet takes nothing more: its late taps wait for a submission of their own, unless
        // nobody can make one any more.
        let frozen = w.find_doc(sheet::descriptor(&round).doc_id())?.is_some_and(|doc| doc.frozen);
        if frozen && !sending_only {
            continue;
        }
        match w.apart(|| fold(w, &round, now)) {
            // Its answers stay as they are and are tried again with each request; [`obstacle`] tells so meanwhile.
            Err(error) if error.document_fault().is_some() => {}
            done => done?,
        }
    }
    Ok(())
}

impl Chunk {
    /// Settles the taps that their person has said already, and leaves them out. A header is the same whoever wrote it.
    fn leave_out_said(&mut self, w: &Writer<'_>, document: &Document) -> Result<(), Error> {
        let (taps, ids) = (std::mem::take(&mut self.taps), std::mem::take(&mut self.ids));
        for (tap, id) in taps.into_iter().zip(ids) {
            let said = match id {
                Some(_) => is_said(w, document, self.person, &tap)?,
                None => guarded(|| Ok(document.stands_by(&tap)))?.is_some(),
            };
            match id {
                Some(id) if said => w.settle_tap(id, 0)?,
                None if said => {}
                _ => {
                    self.taps.push(tap);
                    self.ids.push(id);
                }
            }
        }
        Ok(())
    }
}

/// Whether just this stands on the sheet by what this person wrote here. A colleague's equal answer is not his: if it
/// goes, with a phone that is lost or to where a supervisor decides on it, his must still stand.
fn is_said(r: &Reader<'_>, document: &Document, person: PersonId, tap: &Tap) -> Result<bool, Error> {
    let Some(by) = guarded(|| Ok(document.stands_by(tap)))? else { return Ok(false) };
    Ok(r.find_outbox_by_hash(by)?.is_some_and(|row| row.person == person))
}

/// Why the answers waiting for a round's sheet cannot be put on it, if they cannot: its copy on this phone does not
/// open, or takes nothing more.
pub(crate) fn obstacle(r: &Reader<'_>, round: &RoundRow) -> Result<Option<Code>, Error> {
    let descriptor = sheet::descriptor(round);
    let found = opened(r, &descriptor).and_then(|mut document| {
        let Some(row) = r.list_open_taps(round.id)?.pop() else { return Ok(()) };
        // Any actor will do: nothing of this is kept.
        let nobody = ActorLife { device: DeviceId([0; 16]), incarnation: Incarnation([0; 16]), n: 0 };
        sheet_change(&mut document, nobody.actor(descriptor.doc_id()), &[row.tap])?;
        Ok(())
    });
    match found {
        Err(error) if error.document_fault().is_some() => Ok(Some(Code::Unreadable)),
        found => found.map(|()| None),
    }
}

fn opened(r: &Reader<'_>, descriptor: &Descriptor) -> Result<Document, Error> {
    Ok(sheet::load_document(r, descriptor)?.unwrap_or_else(|| Document::fresh(descriptor.doc_id())))
}

fn fold(w: &Writer<'_>, round: &RoundRow, now: Timestamp) -> Result<(), Error> {
    let descriptor = sheet::descriptor(round);
    let mut document = opened(w, &descriptor)?;
    let taps = w.list_open_taps(round.id)?;
    // A header that was refused goes with the next answers, never alone again.
    let lacking = !taps.is_empty() && sheet::reading(&document)?.template.is_none();
    let header = round.opened_by.filter(|_| round.header_owed || lacking);
    for mut chunk in chunks(taps, header, round) {
        chunk.leave_out_said(w, &document)?;
        parts(w, &mut document, &descriptor, &chunk.taps, |part, (actor, written)| {
            let (person, record) = (chunk.person, None);
            let change = LocalChange { person, descriptor, actor, written, record, written_at: now };
            let local_seq = change.commit(w)?;
            let ids = chunk.ids[part].iter().flatten();
            Ok(ids.copied().try_for_each(|id| w.settle_tap(id, local_seq))?)
        })?;
        if chunk.header {
            w.set_header_written(round.id)?;
        }
    }
    Ok(())
}

/// Writes taps on a sheet as few changes as the office's bounds allow: what is beyond them is halved, down to single
/// taps, which always fit. `keep` stores each before the next is written.
pub(super) fn parts(
    w: &Writer<'_>,
    document: &mut Document,
    descriptor: &Descriptor,
    taps: &[Tap],
    mut keep: impl FnMut(Range<usize>, (Actor, &Written)) -> Result<(), Error>,
) -> Result<(), Error> {
    let whole = 0..taps.len();
    let mut left = Vec::with_capacity(2);
    left.push(whole);
    while let Some(part) = left.pop() {
        match write(w, document, descriptor, &taps[part.clone()]) {
            Ok(None) => {}
            Ok(Some((next, actor, written))) => {
                *document = next;
                keep(part, (actor, &written))?;
            }
            Err(error) if part.len() > 1 && is_too_much(&error) => {
                let middle = part.start + part.len() / 2;
                left.push(middle..part.end);
                left.push(part.start..middle);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether an edit fits when it is written in parts.
pub(super) fn is_too_much(error: &Error) -> bool {
    error.document_fault().is_some_and(DocumentError::is_too_much)
}

/// The header a starter's first change carries.
pub(super) fn header(round: &RoundRow) -> [Tap; 2] {
    [Tap::Template(Policy::qijiang_2020().catalogue()), Tap::Opened(round.opened_at.ms())]
}

fn chunks(rows: Vec<TapRow>, header_by: Option<PersonId>, round: &RoundRow) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    if let Some(person) = header_by {
        chunks.push(Chunk { person, taps: header(round).to_vec(), ids: vec![None; 2], header: true });
    }
    let mut bytes = 0;
    for row in rows {
        bytes += size(&row.tap);
        let fits = chunks.last().is_some_and(|c| {
            c.person == row.person && c.taps.len() < FOLD_OPS_MAX && bytes <= FOLD_BYTES_MAX
        });
        if !fits {
            bytes = size(&row.tap);
            chunks.push(Chunk { person: row.person, taps: Vec::new(), ids: Vec::new(), header: false });
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.taps.push(row.tap);
            chunk.ids.push(Some(row.id));
        }
    }
    chunks
}

/// A generous measure of what a tap adds to a change: its key, its value and its row of columns.
fn size(tap: &Tap) -> usize {
    let (key, value) = match tap {
        Tap::Template(_) | Tap::Opened(_) => return 32,
        Tap::Number(key, _) | Tap::Signed(key, _) => (key, 10),
        Tap::Text(key, text) => (key, text.len()),
        Tap::Bytes(key, bytes) => (key, bytes.len()),
    };
    key.to_string().len() + value + 40
}

/// Writes taps on a copy of the sheet under the actor that holds now. An actor whose last change this
/// phone's document does not have is not used again: its next number would be wrong.
pub(super) fn write(
    w: &Writer<'_>,
    document: &Document,
    descriptor: &Descriptor,
    taps: &[Tap],
) -> Result<Option<(Document, Actor, Written)>, Error> {
    let doc = descriptor.doc_id();
    // A copy of this phone under the same life may have used any of the next numbers already, and its
    // changes came down with the sheet: the first number nobody used is taken.
    for _ in 0..ACTORS_MAX {
        let actor = Actor::current(w, doc)?;
        let mut copy = document.clone();
        let Some(written) = sheet_change(&mut copy, actor.id(doc), taps)? else { return Ok(None) };
        if written.tip.seq == actor.tip.map_or(0, |tip| tip.seq) + 1 {
            return Ok(Some((copy, actor, written)));
        }
        w.set_actor(doc, &actor, written.tip)?;
        w.burn_actor(doc, actor.n)?;
    }
    Err(Error::bug("writing a sheet", "a new actor does not start at one"))
}
