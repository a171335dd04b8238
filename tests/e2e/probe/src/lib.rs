//! The parts of the web core, each doing its real work in a browser's worker: SQLite on the origin private file
//! system, automerge through the rulebook's documents, zstd.
//!
//! Proves that the build works and that what was written survives the browser. It holds no rule and no screen of
//! the product; the web core itself is `mobile-ffi/web`.

use std::fmt::Display;

use louan_schema::doc::{Descriptor, Document, first_change};
use louan_schema::id::{OrgId, SiteId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, install};
use wasm_bindgen::prelude::*;

/// Where decompression stops: nothing here is that long.
const UNSQUEEZED_BYTES_MAX: usize = 1 << 20;

/// A table of texts in one database file.
#[wasm_bindgen]
pub struct Shelf(Connection);

#[wasm_bindgen]
impl Shelf {
    /// Opens the file, in the folder that only this origin sees; throws where there is none or another page has it.
    pub async fn open(file: String) -> Result<Self, JsError> {
        let options = OpfsSAHPoolCfgBuilder::new().vfs_name("probe").directory(".probe").build();
        install::<WasmOsCallback>(&options, false).await.map_err(thrown)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags_and_vfs(file, flags, c"probe").map_err(thrown)?;
        connection
            .execute_batch(
                "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL;
                 CREATE TABLE IF NOT EXISTS shelf (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;",
            )
            .map_err(thrown)?;
        Ok(Self(connection))
    }

    /// Writes one row; when this returns, the row is on disk.
    pub fn put(&self, name: &str, text: &str) -> Result<(), JsError> {
        self.0
            .execute("INSERT OR REPLACE INTO shelf (name, text) VALUES (?1, ?2)", params![name, text])
            .map(|_| ())
            .map_err(thrown)
    }

    /// Reads one row.
    pub fn find(&self, name: &str) -> Result<Option<String>, JsError> {
        let text = self.0.query_row("SELECT text FROM shelf WHERE name = ?1", [name], |row| row.get(0));
        text.optional().map_err(thrown)
    }
}

/// The version of the SQLite inside.
#[wasm_bindgen]
pub fn sqlite_version() -> String {
    rusqlite::version().to_owned()
}

/// The first change of the book that stands in the rulebook's fixtures.
#[wasm_bindgen]
pub fn first_book_change() -> Vec<u8> {
    let book = Descriptor::Book { site: SiteId([1; 16]), org: OrgId([2; 16]), year: 2020 };
    first_change(book.doc_id()).raw
}

/// How many records a saved book holds once it has been loaded, saved and loaded again.
#[wasm_bindgen]
pub fn count_records(book: &[u8]) -> Result<usize, JsError> {
    let saved = Document::load(book).map_err(thrown)?.save();
    Ok(Document::load(&saved).map_err(thrown)?.read_book().len())
}

/// Compresses with zstd.
#[wasm_bindgen]
pub fn squeeze(bytes: &[u8]) -> Result<Vec<u8>, JsError> {
    zstd::bulk::compress(bytes, 3).map_err(thrown)
}

/// Decompresses what [`squeeze`] gave, up to [`UNSQUEEZED_BYTES_MAX`].
#[wasm_bindgen]
pub fn unsqueeze(bytes: &[u8]) -> Result<Vec<u8>, JsError> {
    zstd::bulk::decompress(bytes, UNSQUEEZED_BYTES_MAX).map_err(thrown)
}

fn thrown(error: impl Display) -> JsError {
    JsError::new(&error.to_string())
}
