//! The folder of backups: their names, which are complete, which are removed.
//!
//! `<six digits>_<day>-<time>` with a number that rises by one, so that order does not hang on a clock. What ends in
//! `.partial` is no backup, what ends in `.removing` is none any more. One process at a time writes here.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use louan_schema::time::Timestamp;

use super::{BackupError, Manifest, PHOTOS, Step};
use crate::storage::sqlite::{beside, sync_folder_of};

const LOCK: &str = ".lock";
const PARTIAL: &str = ".partial";
const REMOVING: &str = ".removing";

/// A backup's place while it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u32,
    /// Where it is made.
    pub partial: PathBuf,
    /// Where it stands when it is complete.
    pub complete: PathBuf,
}

/// A folder of backups (备份目录), held for writing.
#[derive(Debug)]
pub struct BackupFolder {
    folder: PathBuf,
    _lock: File,
}

impl BackupFolder {
    /// Opens the folder, making it as needed, for this process alone.
    ///
    /// # Errors
    /// [`BackupError::UnderWay`] while another backup is made there, [`BackupError::Io`].
    pub fn open(folder: &Path) -> Result<Self, BackupError> {
        let make = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(&folder.join(PHOTOS))
            .and_then(|()| sync_folder_of(folder))
            .map_err(BackupError::io("make the folder", folder))?;
        let path = folder.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(BackupError::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(BackupError::UnderWay(folder.to_owned())),
            Err(TryLockError::Error(e)) => Err(BackupError::io("lock", &path)(e)),
        }
    }

    /// Complete backups in a folder, oldest first. One whose manifest cannot be read is not among them.
    ///
    /// # Errors
    /// [`BackupError::Io`] when the folder cannot be read.
    pub fn complete(folder: &Path) -> Result<Vec<(PathBuf, Manifest)>, BackupError> {
        let mut found: Vec<_> = names(folder)?
            .into_iter()
            .filter(|name| number_of(name).is_some())
            .map(|name| folder.join(name))
            .filter_map(|path| Some((path.clone(), Manifest::read(&path).ok()?)))
            .collect();
        found.sort_by_key(|(_, manifest)| manifest.number);
        Ok(found)
    }

    /// The backup at a path: a backup itself, or a folder of them, of which the newest.
    ///
    /// # Errors
    /// [`BackupError::NoBackup`], [`BackupError::Io`], [`BackupError::Manifest`], [`BackupError::Format`].
    pub fn find(path: &Path) -> Result<(PathBuf, Manifest), BackupError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if number_of(name).is_some() {
            return Ok((path.to_owned(), Manifest::read(path)?));
        }
        if !path.is_dir() || name.ends_with(PARTIAL) || name.ends_with(REMOVING) {
            return Err(BackupError::NoBackup(path.to_owned()));
        }
        Self::complete(path)?.pop().ok_or_else(|| BackupError::NoBackup(path.to_owned()))
    }

    /// Removes what earlier backups left unfinished, or half removed. Photos are not touched.
    pub(super) fn clear(&self) -> Result<(), BackupError> {
        for name in names(&self.folder)? {
            if name.ends_with(PARTIAL) || name.ends_with(REMOVING) {
                let path = self.folder.join(name);
                fs::remove_dir_all(&path).map_err(BackupError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// A place for the next backup.
    pub(super) fn new_place(&self, at: Timestamp) -> Result<Kept, BackupError> {
        // Also after those that cannot be read any more: a number is never given twice.
        let last = names(&self.folder)?.iter().filter_map(|name| number_of(name)).max().unwrap_or(0);
        let number = last + 1;
        let time: String = at.to_string().chars().take(19).filter(|c| *c != ':').collect();
        let complete = self.folder.join(format!("{number:06}_{}", time.replace('T', "-")));
        let partial = beside(&complete, PARTIAL);
        fs::DirBuilder::new().mode(0o700).create(&partial).map_err(BackupError::io("make", &partial))?;
        Ok(Kept { number, partial, complete })
    }

    /// Names a proven backup complete, durably.
    pub(super) fn name(&self, kept: &Kept) -> Result<PathBuf, BackupError> {
        fs::rename(&kept.partial, &kept.complete)
            .and_then(|()| sync_folder_of(&kept.complete))
            .map_err(BackupError::io("name", &kept.complete))?;
        Ok(kept.complete.clone())
    }

    /// Removes the oldest backups beyond `keep`; the newest complete one always stays.
    pub(super) fn retain(&self, keep: usize, watch: &mut dyn FnMut(Step)) -> Result<(), BackupError> {
        let complete = Self::complete(&self.folder)?;
        let beyond = complete.len().saturating_sub(keep.max(1));
        for (path, _) in &complete[..beyond] {
            watch(Step::Remove);
            // Renamed first: killed half way through, what is left is no backup that anybody takes for whole.
            let removing = beside(path, REMOVING);
            fs::rename(path, &removing)
                .and_then(|()| sync_folder_of(path))
                .and_then(|()| fs::remove_dir_all(&removing))
                .map_err(BackupError::io("remove", path))?;
        }
        Ok(())
    }
}

/// The number in the name of a complete backup.
fn number_of(name: &str) -> Option<u32> {
    let (number, time) = name.split_once('_')?;
    let plain = number.len() >= 6 && number.bytes().all(|b| b.is_ascii_digit());
    let dated = time.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if plain && dated { number.parse().ok() } else { None }
}

fn names(folder: &Path) -> Result<Vec<String>, BackupError> {
    let read = || -> io::Result<Vec<String>> {
        let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    };
    read().map_err(BackupError::io("read the folder", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_complete_backup_is_told_from_any_other() {
        assert_eq!(number_of("000042_2020-03-20-120000"), Some(42));
        for other in [
            "000042_2020-03-20-120000.partial",
            "000042_2020-03-20-120000.removing",
            "photos",
            "1_2",
            ".lock",
        ] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }

    #[test]
    fn one_process_at_a_time_writes_to_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = BackupFolder::open(folder.path()).expect("free");
        assert!(matches!(BackupFolder::open(folder.path()), Err(BackupError::UnderWay(_))));
        drop(held);
        BackupFolder::open(folder.path()).expect("free again");
    }
}
