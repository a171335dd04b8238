//! The photos' tables: uploads, what is here, who has sent it, who cites it.
//!
//! Every photo stored is told in the feed, so that a backup's position says which photos it has; phones skip the
//! entry. Cites are derived from records and made again with the ledger.

use louan_schema::id::{BlobHash, DeviceId, OrgId, PersonId, RecordId};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::record::Record;
use louan_schema::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Sqlite;
use super::apply::{Applying, Entry, kind};
use super::cited::{alike, cited, shows, tally, thumbnail};
use super::value::{count, damaged, int, small};
use crate::storage::Reply;
use crate::storage::photos::{
    Alike, CitedPhoto, Photo, PhotoAllowance, PhotoStore, PhotoTally, PhotoUpload, PhotoWrite, Subject,
    UploadId, UploadState,
};

const UPLOAD: &str = "SELECT id, device, hash, kind, bytes, card, begun_at, pos, ended FROM photo_upload";
const PHOTO: &str =
    "SELECT hash, kind, bytes, width, height, likeness, belongs_to, pos, received_at, broken_at FROM photo";

/// Whether a device may begin one more upload of so many bytes.
pub(super) fn holds(tx: &Connection, allowance: &PhotoAllowance) -> rusqlite::Result<bool> {
    // A thumbnail is part of its photo.
    let sql = "SELECT COALESCE(SUM(kind <> 2), 0), COALESCE(SUM(bytes), 0) FROM photo_upload \
               WHERE device = ?1 AND begun_at >= ?2";
    let row = |row: &Row<'_>| Ok((count(row, 0)?, count(row, 1)?));
    let (photos, bytes) =
        tx.prepare_cached(sql)?.query_row((allowance.device.0, allowance.since.ms()), row)?;
    Ok(photos < allowance.photos_max && bytes <= allowance.bytes_max)
}

/// Writes what is written about photos.
pub(super) fn apply(applying: &mut Applying<'_>, write: &PhotoWrite) -> rusqlite::Result<()> {
    match write {
        PhotoWrite::Begin(upload) => begin(applying, upload),
        PhotoWrite::Store(upload, photo) => store(applying, *upload, photo),
        PhotoWrite::End(upload) => {
            applying.run("UPDATE photo_upload SET ended = 1 WHERE id = ?1 AND pos IS NULL", [upload.0])
        }
        PhotoWrite::Forget(upload) => applying.run("DELETE FROM photo_upload WHERE id = ?1", [upload.0]),
        PhotoWrite::Broken(hash, at) => {
            applying.run("UPDATE photo SET broken_at = ?2 WHERE hash = ?1", (hash.0, at.map(Timestamp::ms)))
        }
        PhotoWrite::Lacking(hash, pos, at) => {
            let sql = "UPDATE photo SET broken_at = ?3 WHERE hash = ?1 AND pos <= ?2 AND broken_at IS NULL";
            applying.run(sql, (hash.0, int(*pos), at.ms()))
        }
    }
}

fn begin(applying: &Applying<'_>, upload: &PhotoUpload) -> rusqlite::Result<()> {
    let sql = "INSERT INTO photo_upload (id, device, hash, kind, bytes, card, begun_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (what, at) = ((upload.hash.0, upload.kind.number(), int(upload.bytes)), upload.begun_at.ms());
    applying.run(sql, (upload.id.0, upload.device.0, what.0, what.1, what.2, &upload.card, at))
}

/// The same bytes may come from several phones, and again after a reply was lost: the photo is written once, and
/// again only over one whose file was found broken.
fn store(applying: &mut Applying<'_>, id: UploadId, photo: &Photo) -> rusqlite::Result<()> {
    let standing = find(applying.tx, photo.hash)?;
    let pos = match &standing {
        Some(standing) if standing.broken_at.is_none() => standing.pos,
        _ => {
            let content = Some(photo.hash.0);
            applying.append(&Entry {
                kind: kind::PHOTO,
                subject: &photo.hash.0,
                content,
                ..Entry::default()
            })?
        }
    };
    let sql = "INSERT INTO photo (hash, kind, bytes, width, height, likeness, belongs_to, pos, received_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
               ON CONFLICT (hash) DO UPDATE SET pos = excluded.pos, broken_at = NULL";
    applying.run(
        sql,
        (
            photo.hash.0,
            photo.kind.number(),
            int(photo.bytes),
            photo.width,
            photo.height,
            photo.likeness.cast_signed(),
            photo.belongs_to.map(|hash| hash.0),
            int(pos),
            photo.received_at.ms(),
        ),
    )?;
    if photo.kind == UploadKind::Photo {
        for band in bands(photo.likeness) {
            applying
                .run("INSERT OR IGNORE INTO photo_band (band, hash) VALUES (?1, ?2)", (band, photo.hash.0))?;
        }
    }
    let sql = "INSERT INTO photo_source (hash, device, card, received_at) \
               SELECT hash, device, card, ?2 FROM photo_upload WHERE id = ?1 \
               ON CONFLICT (hash, device) DO NOTHING";
    applying.run(sql, (id.0, photo.received_at.ms()))?;
    let sql = "SELECT hash, device, card FROM photo_source \
               WHERE hash = ?1 AND original IS NULL AND card IS NOT NULL";
    let fresh: Vec<Carded> = applying
        .tx
        .prepare_cached(sql)?
        .query_map([photo.hash.0], carded)?
        .collect::<rusqlite::Result<_>>()?;
    name_originals(applying.tx, &fresh)?;
    applying.run("UPDATE photo_upload SET pos = ?2, ended = 0 WHERE id = ?1", (id.0, int(pos)))
}

/// Rows of `photo_source` looked at in one go while a database is brought forward.
const PORTION: usize = 500;

/// A hash and a device with the card they came with.
type Carded = (BlobHash, [u8; 16], Vec<u8>);

fn carded(row: &Row<'_>) -> rusqlite::Result<Carded> {
    Ok((hash(row, 0)?, row.get(1)?, row.get(2)?))
}

/// Notes from which files these were developed, as their cards say.
fn name_originals(tx: &Connection, rows: &[Carded]) -> rusqlite::Result<()> {
    let sql = "UPDATE photo_source SET original = ?3 WHERE hash = ?1 AND device = ?2";
    for (hash, device, card) in rows {
        let card = PhotoCard::from_bytes(card).ok();
        // An original or a thumbnail comes with the card of its photo and was developed from nothing itself.
        let Some(card) = card.filter(|card| card.kind_of(*hash) == Some(UploadKind::Photo)) else { continue };
        tx.prepare_cached(sql)?.execute((hash.0, device, card.original.hash.0))?;
    }
    Ok(())
}

/// Notes the original of every photo that is here: for a database of before that was noted.
pub(super) fn name_all_originals(tx: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT hash, device, card FROM photo_source \
               WHERE (hash, device) > (?1, ?2) AND card IS NOT NULL ORDER BY hash, device LIMIT ?3";
    let mut last = (Vec::new(), Vec::new());
    loop {
        let rows: Vec<Carded> = tx
            .prepare_cached(sql)?
            .query_map((&last.0, &last.1, int(PORTION as u64)), carded)?
            .collect::<rusqlite::Result<_>>()?;
        name_originals(tx, &rows)?;
        let Some((hash, device, _)) = rows.last() else { return Ok(()) };
        last = (hash.0.to_vec(), device.to_vec());
    }
}

/// A likeness cut into eight bytes, each with its place.
pub(super) fn bands(likeness: u64) -> impl Iterator<Item = i64> {
    (0_i64..).zip(likeness.to_be_bytes()).map(|(place, byte)| place * 256 + i64::from(byte))
}

/// Notes which photos a record cites.
pub(super) fn cite(tx: &Connection, id: RecordId, record: &Record) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO photo_cite (hash, record) VALUES (?1, ?2)";
    record.photos.iter().try_for_each(|hash| tx.prepare_cached(sql)?.execute((hash.0, id.0)).map(drop))
}

/// Forgets which records cite photos.
pub(super) fn forget_cites(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute_batch("DELETE FROM photo_cite;")
}

/// Notes the cites of every record that is here: for a database of before there were any.
pub(super) fn cite_all(tx: &Connection) -> rusqlite::Result<()> {
    let mut facts = tx.prepare("SELECT id, bytes FROM fact")?;
    let mut rows = facts.query([])?;
    while let Some(row) = rows.next()? {
        let record = Record::from_bytes(row.get_ref(1)?.as_blob()?).map_err(|_| damaged(1))?;
        cite(tx, RecordId(row.get(0)?), &record)?;
    }
    Ok(())
}

/// What a person said about photos goes with him: the cards of photos that his records cite, and of uploads from
/// a device that is his alone.
pub(super) fn forget_person(tx: &Connection, person: PersonId) -> rusqlite::Result<()> {
    let cited = "SELECT photo_cite.hash FROM photo_cite JOIN fact ON fact.id = photo_cite.record \
                 WHERE fact.author = ?1";
    let own = "SELECT device FROM device_person GROUP BY device HAVING MIN(person) = ?1 AND MAX(person) = ?1";
    tx.prepare_cached(&format!(
        "UPDATE photo_source SET card = NULL WHERE hash IN ({cited}) OR device IN ({own}) \
         OR hash IN (SELECT hash FROM photo WHERE belongs_to IN ({cited}))"
    ))?
    .execute([person.0])?;
    tx.prepare_cached(&format!(
        "UPDATE photo_upload SET card = x'' WHERE hash IN ({cited}) OR device IN ({own})"
    ))?
    .execute([person.0])
    .map(drop)
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<BlobHash> {
    Ok(BlobHash(row.get(column)?))
}

fn blob_kind(row: &Row<'_>, column: usize) -> rusqlite::Result<UploadKind> {
    UploadKind::from_number(row.get(column)?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, "no kind of blob".into())
    })
}

fn upload(row: &Row<'_>) -> rusqlite::Result<PhotoUpload> {
    let pos: Option<i64> = row.get(7)?;
    let state = match (pos, row.get(8)?) {
        (Some(_), _) => UploadState::Stored(count(row, 7)?),
        (None, true) => UploadState::Ended,
        (None, false) => UploadState::UnderWay,
    };
    Ok(PhotoUpload {
        id: UploadId(row.get(0)?),
        device: DeviceId(row.get(1)?),
        hash: hash(row, 2)?,
        kind: blob_kind(row, 3)?,
        bytes: count(row, 4)?,
        card: row.get(5)?,
        begun_at: Timestamp::from_ms(row.get(6)?),
        state,
    })
}

fn photo(row: &Row<'_>) -> rusqlite::Result<Photo> {
    Ok(Photo {
        hash: hash(row, 0)?,
        kind: blob_kind(row, 1)?,
        bytes: count(row, 2)?,
        width: small(row, 3)?,
        height: small(row, 4)?,
        likeness: row.get::<_, i64>(5)?.cast_unsigned(),
        belongs_to: row.get::<_, Option<[u8; 32]>>(6)?.map(BlobHash),
        pos: count(row, 7)?,
        received_at: Timestamp::from_ms(row.get(8)?),
        broken_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_ms),
    })
}

pub(super) fn find(tx: &Connection, hash: BlobHash) -> rusqlite::Result<Option<Photo>> {
    tx.prepare_cached(&format!("{PHOTO} WHERE hash = ?1"))?.query_row([hash.0], photo).optional()
}

impl PhotoStore for Sqlite {
    fn find_photo_upload(&self, id: UploadId) -> Reply<'_, Option<PhotoUpload>> {
        self.read("find an upload", move |tx| {
            tx.prepare_cached(&format!("{UPLOAD} WHERE id = ?1"))?.query_row([id.0], upload).optional()
        })
    }

    fn list_photo_uploads(&self, before: Timestamp, limit: usize) -> Reply<'_, Vec<PhotoUpload>> {
        self.read("list uploads", move |tx| {
            let sql = format!("{UPLOAD} WHERE begun_at < ?1 ORDER BY begun_at, id LIMIT ?2");
            tx.prepare_cached(&sql)?.query_map((before.ms(), int(limit as u64)), upload)?.collect()
        })
    }

    fn find_photo(&self, hash: BlobHash) -> Reply<'_, Option<Photo>> {
        self.read("find a photo", move |tx| find(tx, hash))
    }

    fn find_sent_photo(&self, hash: BlobHash, device: DeviceId) -> Reply<'_, Option<u64>> {
        self.read("look up who sent a photo", move |tx| {
            let sql = "SELECT photo.pos FROM photo_source JOIN photo ON photo.hash = photo_source.hash \
                       WHERE photo_source.hash = ?1 AND photo_source.device = ?2 AND photo.broken_at IS NULL";
            tx.prepare_cached(sql)?.query_row((hash.0, device.0), |row| count(row, 0)).optional()
        })
    }

    fn find_thumbnail(&self, photo: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, Option<BlobHash>> {
        self.read("find a thumbnail", move |tx| thumbnail(tx, photo, &orgs))
    }

    fn sees_photo(&self, hash: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, bool> {
        self.read("look up who may see a photo", move |tx| {
            if find(tx, hash)?.is_some() {
                return shows(tx, hash, &orgs);
            }
            Ok(thumbnail(tx, hash, &orgs)?.is_some())
        })
    }

    fn list_cited_photos(&self, subject: [u8; 16], orgs: Vec<OrgId>) -> Reply<'_, Option<Vec<CitedPhoto>>> {
        self.read("list the photos of a hazard or round", move |tx| cited(tx, &subject, &orgs))
    }

    fn tally_photos(&self, subjects: Vec<Subject>) -> Reply<'_, Vec<PhotoTally>> {
        self.read("count the photos of hazards or rounds", move |tx| tally(tx, &subjects))
    }

    fn list_alike_photos(&self, hash: BlobHash, orgs: Vec<OrgId>) -> Reply<'_, Vec<Alike>> {
        self.read("list photos that look alike", move |tx| alike(tx, hash, &orgs))
    }

    fn list_photos(&self, after: Option<BlobHash>, limit: usize) -> Reply<'_, Vec<Photo>> {
        self.read("list photos", move |tx| {
            let after = after.map_or_else(Vec::new, |hash| hash.0.to_vec());
            let sql = format!("{PHOTO} WHERE hash > ?1 ORDER BY hash LIMIT ?2");
            tx.prepare_cached(&sql)?.query_map((after, int(limit as u64)), photo)?.collect()
        })
    }
}
