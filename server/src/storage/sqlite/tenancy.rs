//! Who uses a database file: a lock beside it, held as long as a process has it open.
//!
//! Everybody who opens the store shares it; who must be alone (restoring, migrating, rebuilding) asks for it
//! solely and is refused while anybody else is there. The kernel lets go of it when a process ends, however it
//! ends, so nothing is ever left locked. The lock's file is never removed: two processes must meet at one file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// What the lock's file is called: the database's name and this.
const SUFFIX: &str = ".lock";
/// The same, of the lock of whoever serves it.
const SERVING_SUFFIX: &str = ".serving.lock";

/// Why a store cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// Another process has it.
    #[error("another process uses `{}`", .0.display())]
    Taken(PathBuf),
    /// The lock's file cannot be opened or locked.
    #[error("could not lock `{}`", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// A store held, until dropped (数据库占用).
#[derive(Debug)]
pub struct Tenancy {
    _file: File,
}

impl Tenancy {
    /// Holds the store beside others who share it.
    ///
    /// # Errors
    /// [`TenancyError::Taken`] while somebody has it for himself.
    pub fn shared(store: &Path) -> Result<Self, TenancyError> {
        Self::hold(store, SUFFIX, File::try_lock_shared)
    }

    /// Holds the store alone.
    ///
    /// # Errors
    /// [`TenancyError::Taken`] while anybody else has it.
    pub fn sole(store: &Path) -> Result<Self, TenancyError> {
        Self::hold(store, SUFFIX, File::try_lock)
    }

    /// Holds it as the one who serves it, beside commands but not beside another server: what was signed once is
    /// remembered in one process.
    ///
    /// # Errors
    /// [`TenancyError::Taken`] while somebody serves it.
    pub fn serving(store: &Path) -> Result<Self, TenancyError> {
        Self::hold(store, SERVING_SUFFIX, File::try_lock)
    }

    fn hold(
        store: &Path,
        suffix: &str,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, TenancyError> {
        let path = beside(store, suffix);
        let file = open(&path).map_err(|e| TenancyError::Io(path.clone(), e))?;
        match lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TenancyError::Taken(store.to_owned())),
            Err(TryLockError::Error(e)) => Err(TenancyError::Io(path, e)),
        }
    }
}

/// A path that differs from `store` by what follows its name.
#[must_use]
pub fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let file = options.create(true).truncate(false).mode(0o600).open(path)?;
    // Made by the administrator, it must still open for the service, whose folder it is.
    if let Some(folder) = path.parent().and_then(|folder| folder.metadata().ok())
        && folder.uid() != file.metadata()?.uid()
    {
        fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_share_a_store_and_one_has_it_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("louan.sqlite");
        let shared = [Tenancy::shared(&store).expect("shared"), Tenancy::shared(&store).expect("shared")];
        assert!(matches!(Tenancy::sole(&store), Err(TenancyError::Taken(path)) if path == store));
        drop(shared);
        let sole = Tenancy::sole(&store).expect("alone");
        assert!(matches!(Tenancy::shared(&store), Err(TenancyError::Taken(_))));
        assert!(matches!(Tenancy::sole(&store), Err(TenancyError::Taken(_))));
        drop(sole);
        Tenancy::shared(&store).expect("nobody has it any more");
    }

    #[test]
    fn one_serves_a_store_beside_whoever_shares_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("louan.sqlite");
        let _shared = Tenancy::shared(&store).expect("shared");
        let serving = Tenancy::serving(&store).expect("serves");
        assert!(matches!(Tenancy::serving(&store), Err(TenancyError::Taken(path)) if path == store));
        Tenancy::shared(&store).expect("a command beside it");
        drop(serving);
        Tenancy::serving(&store).expect("the next one");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_by_its_path() {
        let store = Path::new("no/such/folder/louan.sqlite");
        let said = Tenancy::shared(store).expect_err("no folder");
        assert!(matches!(said, TenancyError::Io(path, _) if path.ends_with("louan.sqlite.lock")));
    }
}
