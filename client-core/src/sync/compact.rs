//! Folding a tail into its snapshot.
//!
//! Only what the office has is folded, so that a change refused later can still be left
//! out. A document that cannot be folded keeps its tail: it costs room, not data. What
//! automerge fails on goes out of the tail, to what this build cannot read.

use louan_schema::doc::{Document, DocumentError};
use louan_schema::id::DocId;

use crate::error::Error;
use crate::store::Writer;

/// Changes after which a tail is folded.
const TAIL_ROWS: u64 = 16;
/// Bytes after which a tail is folded.
const TAIL_BYTES: u64 = 64 * 1024;

/// Folds the tail of a document that has grown long enough.
pub(super) fn compact(w: &Writer<'_>, doc: DocId) -> Result<(), Error> {
    let (rows, bytes) = w.foldable(doc)?;
    if rows < TAIL_ROWS && bytes < TAIL_BYTES {
        return Ok(());
    }
    let Some(mut document) = snapshot(w, doc)? else { return Ok(()) };
    let mut folded = Vec::new();
    for change in w.tail(doc)?.into_iter().filter(|change| !change.own_unsettled) {
        if let Ok(longer) = document.with(&change.raw) {
            document = longer;
            folded.push(change.hash);
        }
    }
    // A copy that does not load again would take with it what the tail still has.
    let Ok(bytes) = document.save_proven() else { return Ok(()) };
    w.set_snapshot(doc, Some(&bytes))?;
    for hash in folded {
        w.delete_tail(hash)?;
    }
    Ok(())
}

/// Takes colleagues' changes on which automerge fails out of a sheet's tail, where they would fail at every opening;
/// how many. They are kept with what this build cannot read. A book's changes were taken apart without automerge.
pub(super) fn set_aside(w: &Writer<'_>, doc: DocId) -> Result<usize, Error> {
    if w.find_descriptor(doc)?.is_none_or(|descriptor| descriptor.is_book()) {
        return Ok(0);
    }
    let Some(mut document) = snapshot(w, doc)? else { return Ok(0) };
    let mut count = 0;
    for change in w.tail(doc)? {
        match document.with(&change.raw) {
            Ok(longer) => document = longer,
            Err(DocumentError::Panicked) if w.find_outbox_by_hash(change.hash)?.is_none() => {
                w.keep_unread(&change.raw)?;
                w.delete_tail(change.hash)?;
                count += 1;
            }
            Err(_) => {}
        }
    }
    Ok(count)
}

/// A document without its tail, if it opens.
fn snapshot(w: &Writer<'_>, doc: DocId) -> Result<Option<Document>, Error> {
    let Some(row) = w.find_doc(doc)? else { return Ok(None) };
    Ok(match &row.snapshot {
        Some(bytes) => Document::load_guarded(bytes).ok(),
        None => Some(Document::fresh(doc)),
    })
}
