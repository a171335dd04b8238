//! Photos as records cite them: who may see one, what stands beside a record, what is used twice or looks alike.
//!
//! Everything here is asked for somebody, and answers as far as his organisations see. It writes nothing.

use louan_photo::likeness::{ALIKE_BITS_MAX, distance};
use louan_schema::fold::{Fact, effective};
use louan_schema::id::{BlobHash, OrgId, RecordId, SiteId};
use louan_schema::photo::UploadKind;
use louan_schema::record::Body;
use rusqlite::{Connection, OptionalExtension, Row};

use super::photos::{bands, find, hash};
use super::{fold, registry};
use crate::storage::ledger::StoredFact;
use crate::storage::photos::{Alike, CitedPhoto, PhotoTally, Subject};

// Two photos that differ in fewer bits than there are bands share a band: none that is alike is missed.
const _: () = assert!(ALIKE_BITS_MAX < 8, "more bits than the bands can find");

/// That who sent a blob (`photo_source`) is behind a record (`fact`): its own device, or one of the same organisation.
/// A hash is no right: without this, a record of one's own that names a stranger's photo would open it (P08).
const SENT_BY_ITS_OWN: &str = "(photo_source.device = (SELECT device FROM change WHERE change.pos = fact.pos) \
     OR EXISTS (SELECT 1 FROM device_person JOIN person ON person.id = device_person.person \
                WHERE device_person.device = photo_source.device AND person.org = fact.org))";

/// Whether one of the organisations sees everything, or else the sites seen by one of them.
fn sees(tx: &Connection, orgs: &[OrgId], site: SiteId) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM visibility WHERE org = ?1 AND site = ?2 AND to_pos IS NULL";
    for id in orgs {
        let everything = registry::org(tx, *id)?.is_some_and(|org| org.sees_everything());
        if everything || tx.prepare_cached(sql)?.exists((id.0, site.0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The sites on which records cite a blob, or the photo it belongs to, that was sent by their own.
fn cites(tx: &Connection, hash: BlobHash) -> rusqlite::Result<Vec<(RecordId, SiteId)>> {
    let sql = format!(
        "SELECT fact.id, fact.site FROM photo_cite JOIN fact ON fact.id = photo_cite.record \
         WHERE (photo_cite.hash = ?1 OR photo_cite.hash = (SELECT belongs_to FROM photo WHERE hash = ?1)) \
           AND EXISTS (SELECT 1 FROM photo_source WHERE photo_source.hash = ?1 AND {SENT_BY_ITS_OWN}) \
         ORDER BY fact.id"
    );
    let row = |row: &Row<'_>| Ok((RecordId(row.get(0)?), SiteId(row.get(1)?)));
    tx.prepare_cached(&sql)?.query_map([hash.0], row)?.collect()
}

/// Whether one of the organisations may see a blob.
pub(super) fn shows(tx: &Connection, hash: BlobHash, orgs: &[OrgId]) -> rusqlite::Result<bool> {
    for (_, site) in cites(tx, hash)? {
        if sees(tx, orgs, site)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The oldest thumbnail that was sent for a photo and that one of the organisations may see.
pub(super) fn thumbnail(
    tx: &Connection,
    photo: BlobHash,
    orgs: &[OrgId],
) -> rusqlite::Result<Option<BlobHash>> {
    let sql = "SELECT hash FROM photo WHERE belongs_to = ?1 AND kind = ?2 AND broken_at IS NULL \
               ORDER BY received_at, hash";
    let mut rows = tx.prepare_cached(sql)?;
    let mut rows = rows.query((photo.0, UploadKind::Thumbnail.number()))?;
    while let Some(row) = rows.next()? {
        let found = hash(row, 0)?;
        if shows(tx, found, orgs)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The photos cited by the facts of a subject that one of the organisations sees; `None` when it sees none of them.
pub(super) fn cited(
    tx: &Connection,
    subject: &[u8; 16],
    orgs: &[OrgId],
) -> rusqlite::Result<Option<Vec<CitedPhoto>>> {
    let sql = format!(
        "SELECT photo_source.card FROM photo_source JOIN fact ON fact.id = ?2 \
         WHERE photo_source.hash = ?1 AND {SENT_BY_ITS_OWN} \
         ORDER BY photo_source.card IS NULL, photo_source.received_at LIMIT 1"
    );
    let mut facts = Vec::new();
    for stored in fold::facts(tx, subject)? {
        if sees(tx, orgs, stored.site)? {
            facts.push(stored);
        }
    }
    if facts.is_empty() {
        return Ok(None);
    }
    let standing = standing(facts.iter().map(|stored| stored.fact.clone()).collect());
    let mut photos = Vec::new();
    for stored in &facts {
        let (record, site) = (stored.fact.id, stored.site);
        let counts = standing.iter().any(|fact| (fact.id, fact.org) == (record, stored.fact.org));
        for hash in &stored.fact.record.photos {
            let own: Option<Option<Vec<u8>>> =
                tx.prepare_cached(&sql)?.query_row((hash.0, record.0), |row| row.get(0)).optional()?;
            // A stranger's photo is missing here, whoever else has sent it.
            let photo = if own.is_some() { find(tx, *hash)? } else { None };
            photos.push(CitedPhoto { record, site, counts, hash: *hash, photo, card: own.flatten() });
        }
    }
    Ok(Some(photos))
}

/// The facts that count: what was withdrawn or corrected asks for no photo any more.
fn standing(facts: Vec<Fact>) -> Vec<Fact> {
    effective(&facts).into_iter().cloned().collect()
}

/// How many photos the facts of each subject cite that count, and how many of them are not here whole.
pub(super) fn tally(tx: &Connection, subjects: &[Subject]) -> rusqlite::Result<Vec<PhotoTally>> {
    let sql = format!(
        "SELECT 1 FROM photo JOIN photo_source ON photo_source.hash = photo.hash JOIN fact ON fact.id = ?2 \
         WHERE photo.hash = ?1 AND photo.broken_at IS NULL AND {SENT_BY_ITS_OWN}"
    );
    let of = |subject: &Subject| {
        // A round that bears the name of a hazard says nothing about it.
        let about = |stored: &StoredFact| {
            let round = matches!(stored.fact.record.body, Body::Round(_));
            let own = subject.org.is_none_or(|org| stored.fact.org == org);
            stored.site == subject.site && own && (subject.org.is_some() || !round)
        };
        let facts = fold::facts(tx, &subject.id)?.into_iter().filter(about).map(|stored| stored.fact);
        let mut tally = PhotoTally::default();
        for fact in standing(facts.collect()) {
            for hash in &fact.record.photos {
                tally.cited += 1;
                tally.missing += u64::from(!tx.prepare_cached(&sql)?.exists((hash.0, fact.id.0))?);
            }
        }
        Ok(tally)
    };
    subjects.iter().map(of).collect()
}

/// The photos that one is the same as, or looks like: itself, those developed from the same file, and those whose
/// likeness is near.
fn near(tx: &Connection, hash: BlobHash, likeness: u64) -> rusqlite::Result<Vec<(bool, u32, BlobHash)>> {
    let mut near = vec![(true, 0, hash)];
    let row = |row: &Row<'_>| Ok((BlobHash(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned()));
    let sql = "SELECT DISTINCT photo.hash, photo.likeness FROM photo_source AS own \
               JOIN photo_source ON photo_source.original = own.original \
               JOIN photo ON photo.hash = photo_source.hash \
               WHERE own.hash = ?1 AND own.original IS NOT NULL";
    for found in tx.prepare_cached(sql)?.query_map([hash.0], row)? {
        let (other, looks) = found?;
        if other != hash {
            near.push((true, distance(looks, likeness), other));
        }
    }
    let sql = "SELECT photo.hash, photo.likeness FROM photo_band JOIN photo ON photo.hash = photo_band.hash \
               WHERE photo_band.band = ?1";
    for band in bands(likeness) {
        for found in tx.prepare_cached(sql)?.query_map([band], row)? {
            let (other, looks) = found?;
            let bits = distance(looks, likeness);
            if bits <= ALIKE_BITS_MAX && near.iter().all(|(_, _, known)| *known != other) {
                near.push((false, bits, other));
            }
        }
    }
    near.sort_unstable_by_key(|(same_file, bits, other)| (!same_file, *bits, other.0));
    Ok(near)
}

pub(super) fn alike(tx: &Connection, hash: BlobHash, orgs: &[OrgId]) -> rusqlite::Result<Vec<Alike>> {
    let Some(photo) = find(tx, hash)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (same_file, distance, other) in near(tx, hash, photo.likeness)? {
        for (record, site) in cites(tx, other)? {
            if sees(tx, orgs, site)? {
                found.push(Alike { hash: other, same_file, distance, record, site });
            }
        }
    }
    Ok(found)
}
