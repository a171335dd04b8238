//! Taps → sheet changes.
//!
//! Done just before sending, so that an hour of tapping is one change. A round submitted
//! before its first sync never has a sheet: its taps are in the record. The starter's
//! first change carries the header, without which colleagues do not see the round.

use louan_schema::doc::write::{Tap, sheet_change};
use louan_schema::doc::{Descriptor, Document, Written};
use louan_schema::id::PersonId;
use louan_schema::policy::Policy;
use louan_schema::time::Timestamp;
use louan_schema::wire::Scope;

use crate::error::Error;
use crate::store::commit::{Actor, LocalChange};
use crate::store::{Meta, RoundRow, TapRow, Writer};
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
    ids: Vec<i64>,
    header: bool,
}

/// Writes what was tapped in open rounds.
pub(super) fn open_rounds(w: &Writer<'_>, now: Timestamp) -> Result<(), Error> {
    let sending_only = w.meta::<Scope>(Meta::Scope)?.is_some_and(|scope| scope.push_only);
    for round in w.list_rounds_to_fold()? {
        // A frozen sheet takes nothing more: its late taps wait for a submission of their own, unless
        // nobody can make one any more.
        let frozen = w.find_doc(sheet::descriptor(&round).doc_id())?.is_some_and(|doc| doc.frozen);
        if !frozen || sending_only {
            fold(w, &round, now)?;
        }
    }
    Ok(())
}

fn fold(w: &Writer<'_>, round: &RoundRow, now: Timestamp) -> Result<(), Error> {
    let descriptor = sheet::descriptor(round);
    let mut document = match sheet::load_document(w, &descriptor)? {
        Some(document) => document,
        None => Document::fresh(descriptor.doc_id()),
    };
    let taps = w.list_open_taps(round.id)?;
    // A header that was refused goes with the next answers, never alone again.
    let lacking = !taps.is_empty() && document.read_sheet().template.is_none();
    let header = round.opened_by.filter(|_| round.header_owed || lacking);
    for chunk in chunks(taps, header, round) {
        let local_seq = match write(w, &document, &descriptor, &chunk.taps)? {
            // Every value stood there already: a colleague answered the same.
            None => 0,
            Some((next, actor, written)) => {
                document = next;
                let (person, record) = (chunk.person, None);
                LocalChange { person, descriptor, actor, written: &written, record, written_at: now }
                    .commit(w)?
            }
        };
        for id in chunk.ids {
            w.settle_tap(id, local_seq)?;
        }
        if chunk.header {
            w.set_header_written(round.id)?;
        }
    }
    Ok(())
}

/// The header a starter's first change carries.
pub(super) fn header(round: &RoundRow) -> [Tap; 2] {
    [Tap::Template(Policy::qijiang_2020().catalogue()), Tap::Opened(round.opened_at.ms())]
}

fn chunks(rows: Vec<TapRow>, header_by: Option<PersonId>, round: &RoundRow) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    if let Some(person) = header_by {
        chunks.push(Chunk { person, taps: header(round).to_vec(), ids: Vec::new(), header: true });
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
            chunk.ids.push(row.id);
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
