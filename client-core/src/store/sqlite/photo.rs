//! Photos: what is known of them, their files, and the records that cite them.
//!
//! A row here means that the bytes are on the shelf, unless `here` says that they were given up. What is to be sent
//! is asked by [`Reader::next_file`]: only what a record cites that the office has, or holds.

use louan_schema::id::{BlobHash, PersonId, RecordId};
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::time::Timestamp;
use rusqlite::{OptionalExtension, Row, ToSql};

use super::{Reader, Writer, all, signed, unsigned};
use crate::store::{FileState, PhotoFileRow, PhotoRow, StoreError};

const FILE: &str =
    "f.photo, f.kind, f.hash, f.bytes, f.here, f.state, f.upload, f.reached, f.ask, f.code, f.pos";

/// Cited by a record that the office has or holds, or that came from it.
const CITED_BY_SENT: &str = "EXISTS (SELECT 1 FROM photo_cite c LEFT JOIN outbox o ON o.record = c.record
    WHERE c.photo = f.photo AND (c.received = 1 OR o.state IN ('acknowledged', 'held')))";

fn photo(row: &Row<'_>) -> rusqlite::Result<Result<PhotoRow, StoreError>> {
    let bytes: Vec<u8> = row.get(1)?;
    let card = match PhotoCard::from_bytes(&bytes) {
        Ok(card) => card,
        Err(error) => return Ok(Err(StoreError::Unreadable(error.to_string()))),
    };
    let (person, at) = (PersonId(row.get(2)?), Timestamp::from_ms(row.get(3)?));
    Ok(Ok(PhotoRow { hash: BlobHash(row.get(0)?), card, person, attached_at: at }))
}

fn file(row: &Row<'_>) -> rusqlite::Result<Result<PhotoFileRow, StoreError>> {
    let (kind, state): (u8, String) = (row.get(1)?, row.get(5)?);
    let Some(kind) = UploadKind::from_number(kind) else {
        return Ok(Err(StoreError::Unreadable(format!("a photo's file of kind {kind}"))));
    };
    Ok(Ok(PhotoFileRow {
        photo: BlobHash(row.get(0)?),
        kind,
        hash: BlobHash(row.get(2)?),
        bytes: row.get(3)?,
        here: row.get(4)?,
        state: FileState::named(&state),
        upload: row.get(6)?,
        reached: row.get(7)?,
        ask: row.get(8)?,
        code: row.get(9)?,
        pos: row.get::<_, Option<i64>>(10)?.map(unsigned),
    }))
}

impl Reader<'_> {
    pub(crate) fn find_photo(&self, hash: BlobHash) -> Result<Option<PhotoRow>, StoreError> {
        let sql = "SELECT hash, card, person, attached_at FROM photo WHERE hash = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        statement.query_row([hash.as_bytes()], photo).optional()?.transpose()
    }

    /// Every photo, the first attached first.
    pub(crate) fn list_photos(&self) -> Result<Vec<PhotoRow>, StoreError> {
        let sql = "SELECT hash, card, person, attached_at FROM photo ORDER BY attached_at, hash";
        let mut statement = self.0.prepare_cached(sql)?;
        all(statement.query_map([], photo)?)
    }

    fn files_where(&self, condition: &str, params: &[&dyn ToSql]) -> Result<Vec<PhotoFileRow>, StoreError> {
        let mut statement =
            self.0.prepare_cached(&format!("SELECT {FILE} FROM photo_file f WHERE {condition}"))?;
        all(statement.query_map(params, file)?)
    }

    /// The files of one photo: photo, thumbnail, original.
    pub(crate) fn files_of(&self, photo: BlobHash) -> Result<Vec<PhotoFileRow>, StoreError> {
        self.files_where("f.photo = ?1 ORDER BY f.kind", &[&photo.as_bytes()])
    }

    pub(crate) fn find_file(
        &self,
        photo: BlobHash,
        kind: UploadKind,
    ) -> Result<Option<PhotoFileRow>, StoreError> {
        Ok(self.files_where("f.photo = ?1 AND f.kind = ?2", &[&photo.as_bytes(), &kind.number()])?.pop())
    }

    /// The next file to send: one begun, then thumbnails, then photos, then originals, each the first attached first.
    /// None is begun of a kind whose bit is set in `later`.
    pub(crate) fn next_file(&self, originals: bool, later: u8) -> Result<Option<PhotoFileRow>, StoreError> {
        let condition = format!(
            "f.state = 'kept' AND f.here = 1 AND (f.kind < 3 OR ?1) AND {CITED_BY_SENT}
             AND (f.upload IS NOT NULL OR f.ask = 1 OR (?2 >> f.kind) & 1 = 0)
             ORDER BY f.upload IS NULL, CASE f.kind WHEN 2 THEN 0 ELSE f.kind END,
                      (SELECT attached_at FROM photo p WHERE p.hash = f.photo), f.photo LIMIT 1"
        );
        Ok(self.files_where(&condition, &[&originals, &later])?.pop())
    }

    /// The next file that the office confirmed at a position up to `pos` and has not been asked about since; thumbnails
    /// are not asked about.
    pub(crate) fn next_unvouched(&self, pos: u64) -> Result<Option<PhotoFileRow>, StoreError> {
        let condition = "f.state = 'confirmed' AND f.here = 1 AND f.ask = 1 AND f.kind <> 2 AND f.pos <= ?1
                         ORDER BY f.pos, f.photo LIMIT 1";
        Ok(self.files_where(condition, &[&signed(pos)])?.pop())
    }

    /// Whether any record cites a photo, or an answer that stands on this phone.
    pub(crate) fn is_cited(&self, photo: BlobHash) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM photo_cite WHERE photo = ?1)
                       OR EXISTS (SELECT 1 FROM tap t WHERE typeof(t.value) = 'blob' AND instr(t.value, ?1) > 0
                                  AND NOT EXISTS (SELECT 1 FROM tap u WHERE u.round = t.round AND u.key = t.key
                                                  AND u.id > t.id))";
        Ok(self.0.prepare_cached(sql)?.query_row([photo.as_bytes()], |row| row.get(0))?)
    }

    /// The records that cite a photo, the earliest first, and whether any of them is one not returned.
    pub(crate) fn citing(&self, photo: BlobHash) -> Result<(Vec<RecordId>, bool), StoreError> {
        let sql = "SELECT c.record, c.received = 1 OR o.state IS NULL OR o.state <> 'returned'
                   FROM photo_cite c LEFT JOIN outbox o ON o.record = c.record
                   WHERE c.photo = ?1 ORDER BY c.record";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([photo.as_bytes()], |row| Ok((RecordId(row.get(0)?), row.get(1)?)))?;
        let rows: Vec<(RecordId, bool)> = rows.collect::<rusqlite::Result<_>>()?;
        Ok((rows.iter().map(|row| row.0).collect(), rows.iter().any(|row| row.1)))
    }

    /// Files that a verified backup up to `pos` covers, in the log that confirmed them, and whose bytes still lie here;
    /// thumbnails stay for ever.
    pub(crate) fn list_covered(&self, pos: u64) -> Result<Vec<PhotoFileRow>, StoreError> {
        let condition = "f.state = 'confirmed' AND f.here = 1 AND f.ask = 0 AND f.kind <> 2 AND f.pos <= ?1";
        self.files_where(condition, &[&signed(pos)])
    }

    /// Whether some row still speaks of bytes under this hash.
    pub(crate) fn is_on_shelf(&self, file: BlobHash) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM photo_file WHERE hash = ?1 AND here = 1)";
        Ok(self.0.prepare_cached(sql)?.query_row([file.as_bytes()], |row| row.get(0))?)
    }

    /// How many photos and bytes a record cites that the office has not confirmed, originals left out.
    pub(crate) fn photos_waiting(&self) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(DISTINCT f.photo), coalesce(sum(f.bytes), 0) FROM photo_file f
                   WHERE f.state = 'kept' AND f.here = 1 AND f.kind < 3
                     AND EXISTS (SELECT 1 FROM photo_cite c LEFT JOIN outbox o ON o.record = c.record
                                 WHERE c.photo = f.photo AND (c.received = 1 OR o.state <> 'returned'))";
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.query_row([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?)
    }

    /// The next photo by its hash that lies here, is cited by a record that was not returned, and that the office has not.
    pub(crate) fn next_unsent_photo(&self, after: Option<BlobHash>) -> Result<Option<BlobHash>, StoreError> {
        let sql = "SELECT f.photo FROM photo_file f
                   WHERE f.state = 'kept' AND f.here = 1 AND f.kind = 1 AND (?1 IS NULL OR f.photo > ?1)
                     AND EXISTS (SELECT 1 FROM photo_cite c LEFT JOIN outbox o ON o.record = c.record
                                 WHERE c.photo = f.photo AND (c.received = 1 OR o.state <> 'returned'))
                   ORDER BY f.photo LIMIT 1";
        let mut statement = self.0.prepare_cached(sql)?;
        let found = statement.query_map([after.map(|hash| hash.0)], |row| Ok(BlobHash(row.get(0)?)))?;
        Ok(found.collect::<rusqlite::Result<Vec<_>>>()?.pop())
    }

    /// How many photos have a file that the office refused.
    pub(crate) fn photos_refused(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(DISTINCT photo) FROM photo_file WHERE state = 'refused' AND kind <> ?1";
        let original = UploadKind::Original.number();
        Ok(unsigned(self.0.prepare_cached(sql)?.query_row([original], |row| row.get(0))?))
    }
}

impl Writer<'_> {
    /// A photo whose files are on the shelf.
    pub(crate) fn insert_photo(&self, row: &PhotoRow, files: &[PhotoFileRow]) -> Result<(), StoreError> {
        let sql = "INSERT INTO photo (hash, card, person, attached_at) VALUES (?1, ?2, ?3, ?4)";
        let (person, at) = (row.person.as_bytes(), row.attached_at.ms());
        self.0.0.prepare_cached(sql)?.execute((row.hash.as_bytes(), row.card.to_bytes(), person, at))?;
        for file in files {
            let sql = "INSERT INTO photo_file (photo, kind, hash, bytes) VALUES (?1, ?2, ?3, ?4)";
            let key = (row.hash.as_bytes(), file.kind.number(), file.hash.as_bytes(), file.bytes);
            self.0.0.prepare_cached(sql)?.execute(key)?;
        }
        Ok(())
    }

    pub(crate) fn delete_photo(&self, hash: BlobHash) -> Result<(), StoreError> {
        for sql in ["DELETE FROM photo_file WHERE photo = ?1", "DELETE FROM photo WHERE hash = ?1"] {
            self.0.0.prepare_cached(sql)?.execute([hash.as_bytes()])?;
        }
        Ok(())
    }

    /// Remembers which of this phone's photos a record cites.
    pub(super) fn cite(
        &self,
        record: RecordId,
        photos: &[BlobHash],
        received: bool,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO photo_cite (photo, record, received) SELECT hash, ?2, ?3 FROM photo WHERE hash = ?1
                   ON CONFLICT (photo, record) DO UPDATE SET received = max(received, excluded.received)";
        for photo in photos {
            self.0.0.prepare_cached(sql)?.execute((photo.as_bytes(), record.as_bytes(), received))?;
        }
        Ok(())
    }

    /// Writes down how far a file has come.
    pub(crate) fn set_file(&self, file: &PhotoFileRow) -> Result<(), StoreError> {
        let sql = "UPDATE photo_file SET here = ?3, state = ?4, upload = ?5, reached = ?6, ask = ?7, code = ?8, pos = ?9
                   WHERE photo = ?1 AND kind = ?2";
        self.0.0.prepare_cached(sql)?.execute((
            file.photo.as_bytes(),
            file.kind.number(),
            file.here,
            file.state.name(),
            &file.upload,
            file.reached,
            file.ask,
            &file.code,
            file.pos.map(signed),
        ))?;
        Ok(())
    }

    /// After a restored log: what it had confirmed and still lies here is to be sent again, unless it says that it has
    /// it; a thumbnail only if no verified backup covers it.
    pub(crate) fn doubt_photos(&self, backed_up: u64) -> Result<(), StoreError> {
        let sql = "UPDATE photo_file SET state = 'kept', pos = NULL, upload = NULL, reached = NULL, ask = 1
                   WHERE state = 'confirmed' AND here = 1 AND (kind <> 2 OR pos IS NULL OR pos > ?1)";
        self.0.0.prepare_cached(sql)?.execute([signed(backed_up)])?;
        // An upload half done was the old log's.
        self.0
            .0
            .execute("UPDATE photo_file SET upload = NULL, reached = NULL WHERE upload IS NOT NULL", [])?;
        Ok(())
    }

    /// After the office said less of its backups than before: an answer that was relied on is asked for again.
    pub(crate) fn ask_again(&self) -> Result<(), StoreError> {
        let sql = "UPDATE photo_file SET ask = 1 WHERE state = 'confirmed' AND here = 1 AND kind <> 2";
        self.0.0.execute(sql, [])?;
        Ok(())
    }

    /// Leaves out carried-over photos of which too little can be read; their bytes stay on the shelf.
    pub(super) fn leave_out_unreadable_photos(&self) -> Result<bool, StoreError> {
        let mut statement = self.0.0.prepare("SELECT hash FROM photo")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let hashes: Vec<Vec<u8>> = rows.collect::<rusqlite::Result<_>>()?;
        let mut left_out = false;
        for bytes in hashes {
            let whole = BlobHash::from_slice(&bytes).is_ok_and(|hash| {
                self.find_photo(hash).is_ok_and(|row| row.is_some_and(|row| row.card.hash == hash))
                    && self.files_of(hash).is_ok_and(|files| !files.is_empty())
            });
            if !whole {
                left_out = true;
                for sql in ["DELETE FROM photo_file WHERE photo = ?1", "DELETE FROM photo WHERE hash = ?1"] {
                    self.0.0.prepare_cached(sql)?.execute([&bytes])?;
                }
            }
        }
        Ok(left_out)
    }
}
