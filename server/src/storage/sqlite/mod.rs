//! SQLite: one file, nothing to install.
//!
//! The file is opened and migrated by one connection before any other exists. WAL with
//! `synchronous=FULL`: an acknowledged commit survives power loss. One writer with group
//! commit; readers have connections of their own. Inline mode does everything on one
//! connection in the caller's thread, for the simulator and for tests.

mod accounts;
mod apart;
mod apply;
mod audit;
mod cited;
mod copy;
mod examine;
mod feed;
mod fold;
mod imports;
mod ledger;
mod log;
pub mod migrate;
mod photos;
mod registry;
mod scope;
mod sessions;
mod tenancy;
mod value;
mod writer;

pub use apart::{Apart, Withdrawn, apart};
pub use copy::{copy_database, sync_folder_of, version_of};
pub use examine::{
    Counts, Damage, Examined, Summary, audit_chains_at, audit_restores, examine, examine_copy, photo_hashes,
    summary,
};
pub use migrate::{is_older, known_version};
pub use tenancy::{Tenancy, TenancyError, beside};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use louan_schema::id::Epoch;
use louan_schema::wire::StreamId;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::commit::{Commit, Committed};
use super::{Reply, Storage, StorageError};
use value::database;
use writer::Writer;

/// How long a connection waits for another's lock before it gives up.
const BUSY_MS: u64 = 10_000;

/// How a database is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A writer thread with group commit, and this many reading connections.
    Service {
        /// At least one.
        readers: usize,
    },
    /// Everything on one connection, in the thread that calls.
    Inline,
}

/// What a database is opened with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The stream it carries: the district's code.
    pub stream: StreamId,
    /// The life of its log, if the database is new.
    pub fresh_epoch: Epoch,
    /// How it is used.
    pub mode: Mode,
}

/// An open database.
#[derive(Debug)]
pub struct Sqlite {
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Readers close before the writer: the last to close puts the log into the file, and only a writer can.
    Service {
        readers: Arc<Readers>,
        writer: Writer,
    },
    Inline(Mutex<Connection>),
}

/// Reading connections, lent out one at a time. Who finds none free waits: a batch for two hundred documents
/// reads two hundred times at once, and each connection has a cache and a thread of its own.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    places: Semaphore,
    free: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Opens a database file, making and migrating it as needed. Before an older one is migrated it is copied beside
    /// itself.
    ///
    /// # Errors
    /// [`StorageError::Ahead`] for a database of a newer build, [`StorageError::Database`]
    /// when the file cannot be opened or is none.
    pub fn open(path: &Path, options: Options) -> Result<Self, StorageError> {
        let mut connection = connect(path, false)?;
        migrate::migrate_file(path, &mut connection)?;
        Self::over(connection, path, options)
    }

    /// The same, for a copy that is nobody's store yet: an older version is not kept beside it.
    ///
    /// # Errors
    /// As for [`Sqlite::open`].
    pub fn open_without_copy(path: &Path, options: Options) -> Result<Self, StorageError> {
        let mut connection = connect(path, false)?;
        migrate::migrate(&mut connection)?;
        Self::over(connection, path, options)
    }

    fn over(connection: Connection, path: &Path, options: Options) -> Result<Self, StorageError> {
        prepare(&connection, options)?;
        let way = match options.mode {
            Mode::Inline => Way::Inline(Mutex::new(connection)),
            Mode::Service { readers } => {
                let free = (0..readers.max(1)).map(|_| connect(path, true)).collect::<Result<_, _>>()?;
                let places = Semaphore::new(readers.max(1));
                let readers = Arc::new(Readers { path: path.to_owned(), places, free: Mutex::new(free) });
                Way::Service { writer: Writer::start(connection)?, readers }
            }
        };
        Ok(Self { way })
    }

    /// A database in memory, inline: the reference store of simulator and tests.
    ///
    /// # Errors
    /// [`StorageError::Database`] when memory runs out.
    pub fn in_memory(stream: StreamId, fresh_epoch: Epoch) -> Result<Self, StorageError> {
        let doing = "open a database in memory";
        let mut connection = Connection::open_in_memory().map_err(|e| database(doing, e))?;
        connection.pragma_update(None, "foreign_keys", true).map_err(|e| database(doing, e))?;
        connection.set_prepared_statement_cache_capacity(128);
        migrate::migrate(&mut connection)?;
        prepare(&connection, Options { stream, fresh_epoch, mode: Mode::Inline })?;
        Ok(Self { way: Way::Inline(Mutex::new(connection)) })
    }

    /// Reads in one snapshot of the database.
    pub(in crate::storage) fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<'_, T> {
        match &self.way {
            Way::Inline(connection) => {
                let read = in_snapshot(&unpoisoned(connection), act).map_err(|e| database(doing, e));
                Box::pin(std::future::ready(read))
            }
            Way::Service { readers, .. } => {
                let readers = Arc::clone(readers);
                Box::pin(async move {
                    let held = Arc::clone(&readers);
                    let place = held.places.acquire().await.map_err(|_| StorageError::Stopped)?;
                    let work = tokio::task::spawn_blocking(move || {
                        let connection = readers.borrow()?;
                        let read = in_snapshot(&connection, act).map_err(|e| database(doing, e));
                        readers.give_back(connection);
                        read
                    });
                    let read = work.await;
                    drop(place);
                    read.unwrap_or_else(|e| Err(StorageError::Database { doing, source: Box::new(e) }))
                })
            }
        }
    }

    /// Writes in one transaction of its own; when this answers, it is on disk.
    pub(in crate::storage) fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<'_, T> {
        match &self.way {
            Way::Inline(connection) => {
                let written = writer::in_transaction(&mut unpoisoned(connection), act);
                Box::pin(std::future::ready(written.map_err(|e| database(doing, e))))
            }
            Way::Service { writer, .. } => writer.write(doing, act),
        }
    }
}

impl Storage for Sqlite {
    fn commit(&self, commit: Commit) -> Reply<'_, Committed> {
        match &self.way {
            Way::Inline(connection) => {
                let done = writer::commit_one(&mut unpoisoned(connection), &commit);
                Box::pin(std::future::ready(done))
            }
            Way::Service { writer, .. } => writer.commit(commit),
        }
    }

    fn rebuild_ledger(&self) -> Reply<'_, ()> {
        self.write("rebuild the ledger", fold::rebuild)
    }
}

impl Readers {
    fn borrow(&self) -> Result<Connection, StorageError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // None is missing unless a read was given up half way or panicked: then another takes its place.
        free.map_or_else(|| connect(&self.path, true), Ok)
    }

    fn give_back(&self, connection: Connection) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn unpoisoned(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs several statements on one snapshot; nothing is written.
fn in_snapshot<T>(
    connection: &Connection,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = connection.unchecked_transaction()?;
    let read = act(&tx)?;
    tx.rollback()?;
    Ok(read)
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, StorageError> {
    let doing = "open the database";
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        if !read_only {
            make_private(path);
        }
        connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What a savepoint may have to undo is kept in memory, not in a file: names stand in it too.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // A plan is made once a statement, not again for every value bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if !read_only {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // A name that was erased must not live on in the unused part of a page (P11).
            connection.pragma_update(None, "secure_delete", "FAST")?;
        }
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    };
    opened().map_err(|e| database(doing, e))
}

/// Opens a file that nobody writes to, without so much as a lock: SQLite then makes no file beside it.
fn connect_still(path: &Path) -> Result<Connection, StorageError> {
    let doing = "open the database";
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name: String = path
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'/' | b'-' | b'.' | b'_' => char::from(*byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags).map_err(|e| database(doing, e))
}

/// A new database is its owner's alone to read, before anything stands in it: names and hashes of passwords will. What
/// SQLite puts beside it gets the same rights. Whether it worked is the doctor's to see.
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        drop(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)));
    }
}

/// Begins the stream in a new database.
fn prepare(connection: &Connection, options: Options) -> Result<(), StorageError> {
    let doing = "prepare the database";
    let sql = "INSERT OR IGNORE INTO stream (id, epoch, head, chain, backed_up_pos) \
               SELECT ?1, ?2, 0, zeroblob(16), 0 WHERE NOT EXISTS (SELECT 1 FROM stream)";
    connection.execute(sql, (options.stream, options.fresh_epoch.0)).map_err(|e| database(doing, e))?;
    let stream: u32 = connection
        .query_row("SELECT id FROM stream", [], |row| row.get(0))
        .map_err(|e| database(doing, e))?;
    if stream == options.stream {
        return check_head(connection);
    }
    let source = format!("the database carries stream `{stream}`, not `{}`", options.stream);
    Err(StorageError::Database { doing, source: source.into() })
}

/// The log must end where its head says: files put together by hand from two moments do not.
fn check_head(connection: &Connection) -> Result<(), StorageError> {
    let sql = "SELECT CASE stream.head WHEN 0 THEN 1 ELSE stream.chain = feed.chain END \
               AND NOT EXISTS (SELECT 1 FROM feed AS f WHERE f.stream = stream.id AND f.pos > stream.head) \
               FROM stream LEFT JOIN feed ON feed.stream = stream.id AND feed.pos = stream.head";
    let doing = "find the end of the log";
    let ends: Option<bool> =
        connection.query_row(sql, [], |row| row.get(0)).map_err(|e| database(doing, e))?;
    if ends == Some(true) { Ok(()) } else { Err(StorageError::Damaged { doing }) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn many_reads_at_once_share_the_connections_there_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let options =
            Options { stream: 500_110, fresh_epoch: Epoch([1; 16]), mode: Mode::Service { readers: 2 } };
        let storage = Sqlite::open(&folder.path().join("louan.sqlite"), options).expect("opens");
        let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let reads = (0..64).map(|_| {
            let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
            storage.read("count", move |connection| {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Long enough that all would be under way together if they could.
                let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) \
                           SELECT count(*) FROM n";
                let counted: i64 = connection.query_row(sql, [], |row| row.get(0))?;
                under_way.fetch_sub(1, Ordering::SeqCst);
                Ok(counted)
            })
        });
        let counted = join_all(reads).await;
        assert!(counted.into_iter().all(|read| read.is_ok_and(|counted| counted == 50_000)));
        assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
        let Way::Service { readers, .. } = &storage.way else { panic!("a service") };
        assert_eq!(readers.free.lock().expect("whole").len(), 2);
    }
}
