//! Migrations: numbered, run in order inside one transaction each, remembered in `user_version`.
//!
//! A released file is never edited; a change is a new file at the end. A database written by
//! a newer build is refused untouched: going back would lose what the newer build knows. A file
//! that holds something is copied before it is brought forward.

use std::path::Path;

use rusqlite::Connection;

use super::copy;
use super::photos;
use super::value::database;
use crate::storage::StorageError;

/// Makes rows out of those that are there.
type Derive = fn(&Connection) -> rusqlite::Result<()>;

/// What is derived from older rows after a migration, in the same transaction.
const DERIVED: &[(i64, Derive)] = &[(5, photos::cite_all), (7, photos::name_all_originals)];

/// Every migration, oldest first; the number of the last is the database's version.
pub const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_core.sql"),
    include_str!("../../../migrations/sqlite/0002_accounts.sql"),
    include_str!("../../../migrations/sqlite/0003_erasure.sql"),
    include_str!("../../../migrations/sqlite/0004_device_key.sql"),
    include_str!("../../../migrations/sqlite/0005_photo.sql"),
    include_str!("../../../migrations/sqlite/0006_import.sql"),
    include_str!("../../../migrations/sqlite/0007_photo_original.sql"),
    include_str!("../../../migrations/sqlite/0008_ledger_order.sql"),
    include_str!("../../../migrations/sqlite/0009_document_bytes.sql"),
];

/// The version this build brings a database to.
#[must_use]
pub fn known_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Whether a store is there that has to be brought to this build's version.
///
/// # Errors
/// [`StorageError::Database`] when the file is none, [`StorageError::Ahead`] when it is of a newer build.
pub fn is_older(path: &Path) -> Result<bool, StorageError> {
    if !path.exists() {
        return Ok(false);
    }
    let found = copy::version_of(path)?;
    refuse_newer(found)?;
    Ok(found > 0 && found < known_version())
}

/// Refuses a version that this build does not know.
///
/// # Errors
/// [`StorageError::Ahead`].
pub fn refuse_newer(found: i64) -> Result<(), StorageError> {
    let known = known_version();
    if found > known { Err(StorageError::Ahead { found, known }) } else { Ok(()) }
}

/// Brings a database to this build's version, one transaction per step.
///
/// # Errors
/// [`StorageError::Ahead`] for a newer database, [`StorageError::Foreign`] for another program's,
/// [`StorageError::Database`] when a step fails; the steps before it stay, each whole.
pub fn migrate(connection: &mut Connection) -> Result<(), StorageError> {
    run(connection, MIGRATIONS)
}

/// Brings the database in the file at `path` to this build's version. One that holds something is copied beside
/// itself first, whole and durable, so that there is a way back to the older build.
pub(super) fn migrate_file(path: &Path, connection: &mut Connection) -> Result<(), StorageError> {
    migrate_file_by(path, connection, MIGRATIONS)
}

fn migrate_file_by(
    path: &Path,
    connection: &mut Connection,
    migrations: &[&str],
) -> Result<(), StorageError> {
    let found = copy::version(connection)?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > 0 && found < known {
        copy::keep_before(path, connection, found + 1)?;
    }
    run(connection, migrations)
}

fn run(connection: &mut Connection, migrations: &[&str]) -> Result<(), StorageError> {
    let doing = "bring the database to this build's version";
    let found = copy::version(connection)?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StorageError::Ahead { found, known });
    }
    let holds = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)";
    if found == 0 && connection.query_row(holds, [], |row| row.get(0)).map_err(|e| database(doing, e))? {
        return Err(StorageError::Foreign);
    }
    for (number, sql) in (1_i64..).zip(migrations).skip_while(|(number, _)| *number <= found) {
        let step = || -> rusqlite::Result<()> {
            let tx = connection.transaction()?;
            tx.execute_batch(sql)?;
            DERIVED.iter().filter(|(after, _)| *after == number).try_for_each(|(_, derive)| derive(&tx))?;
            tx.pragma_update(None, "user_version", number)?;
            tx.commit()
        };
        let mut step = step;
        step().map_err(|e| database(doing, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sqlite::connect;

    #[test]
    fn a_file_of_another_program_gets_no_tables_of_ours() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE letter (text TEXT)").expect("theirs");
        assert!(matches!(migrate(&mut connection), Err(StorageError::Foreign)));
        let tables: i64 =
            connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).expect("counts");
        assert_eq!(tables, 1);
    }

    /// A file at an earlier version, with a line in its audit.
    fn older(path: &Path, version: usize) -> Connection {
        let mut connection = connect(path, false).expect("opens");
        run(&mut connection, &MIGRATIONS[..version]).expect("the first steps");
        write_line(&connection, 1);
        connection
    }

    fn write_line(connection: &Connection, seq: i64) {
        let sql = "INSERT INTO audit (seq, bytes, chain) VALUES (?1, x'00', x'00')";
        connection.execute(sql, [seq]).expect("a line");
    }

    fn lines(path: &Path) -> (i64, i64) {
        let connection = connect(path, true).expect("opens");
        let lines = connection.query_row("SELECT COUNT(*) FROM audit", [], |row| row.get(0));
        (copy::version(&connection).expect("a version"), lines.expect("counts"))
    }

    fn copies(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains("before"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_an_older_build_wrote_is_copied_whole_before_it_is_brought_forward() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("louan.sqlite");
        let mut connection = older(&path, 2);
        migrate_file(&path, &mut connection).expect("migrates");
        assert_eq!(copies(folder.path()), ["louan.sqlite.before-0003.sqlite"]);
        assert_eq!(lines(&folder.path().join("louan.sqlite.before-0003.sqlite")), (2, 1));
        assert_eq!(lines(&path), (known_version(), 1));
        migrate_file(&path, &mut connection).expect("nothing to do");
        assert_eq!(copies(folder.path()).len(), 1, "a database of this version is not copied");
    }

    #[test]
    fn a_new_database_has_nothing_to_copy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("louan.sqlite");
        migrate_file(&path, &mut connect(&path, false).expect("opens")).expect("migrates");
        assert_eq!(copies(folder.path()), [""; 0]);
    }

    #[test]
    fn a_step_that_fails_leaves_the_copy_and_the_database_as_they_were_however_often() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("louan.sqlite");
        let mut connection = older(&path, 2);
        let bad = [MIGRATIONS[0], MIGRATIONS[1], "CREATE TABLE half (x); this is no SQL;"];
        for _ in 0..3 {
            migrate_file_by(&path, &mut connection, &bad).expect_err("no SQL");
            assert_eq!((copies(folder.path()).len(), lines(&path)), (1, (2, 1)));
        }
        let half = connection.prepare("SELECT 1 FROM half").is_ok();
        assert!(!half, "nothing of the step stays");
        // The older build went on meanwhile: its newer state is copied beside the first copy.
        write_line(&connection, 2);
        migrate_file(&path, &mut connection).expect("migrates");
        let names = copies(folder.path());
        assert_eq!(names, ["louan.sqlite.before-0003-2.sqlite", "louan.sqlite.before-0003.sqlite"]);
        let kept: Vec<_> = names.iter().map(|name| lines(&folder.path().join(name))).collect();
        assert_eq!(kept, [(2, 2), (2, 1)]);
    }

    #[test]
    fn a_copy_broken_off_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("louan.sqlite");
        let mut connection = older(&path, 3);
        std::fs::write(folder.path().join("louan.sqlite.before-0004.sqlite.partial"), "half")
            .expect("a file");
        migrate_file(&path, &mut connection).expect("migrates");
        assert_eq!(copies(folder.path()), ["louan.sqlite.before-0004.sqlite"]);
        assert_eq!(lines(&folder.path().join("louan.sqlite.before-0004.sqlite")), (3, 1));
    }

    #[test]
    fn a_newer_database_is_refused_untouched_and_not_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("louan.sqlite");
        let mut connection = older(&path, MIGRATIONS.len());
        connection.pragma_update(None, "user_version", known_version() + 1).expect("a newer number");
        let refused = migrate_file(&path, &mut connection);
        assert!(matches!(refused, Err(StorageError::Ahead { .. })));
        assert_eq!((copies(folder.path()).len(), lines(&path)), (0, (known_version() + 1, 1)));
    }
}
