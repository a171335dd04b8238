//! Folding a tail into its snapshot.
//!
//! Only what the office has is folded, so that a change refused later can still be left
//! out. A document that cannot be folded keeps its tail: it costs room, not data.

use louan_schema::doc::Document;
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
    let Some(row) = w.find_doc(doc)? else { return Ok(()) };
    let loaded = match &row.snapshot {
        Some(bytes) => Document::load(bytes),
        None => Ok(Document::fresh(doc)),
    };
    let Ok(mut document) = loaded else { return Ok(()) };
    let mut folded = Vec::new();
    for change in w.tail(doc)?.into_iter().filter(|change| !change.own_unsettled) {
        let mut copy = document.clone();
        if copy.add(&change.raw).is_ok() {
            document = copy;
            folded.push(change.hash);
        }
    }
    w.set_snapshot(doc, Some(&document.save()))?;
    for hash in folded {
        w.delete_tail(hash)?;
    }
    Ok(())
}
