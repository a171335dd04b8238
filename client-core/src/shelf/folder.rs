//! A shelf in a folder beside the store.
//!
//! A file is written under a passing name, synced, renamed to its hash, and the folder is synced: whatever has a
//! hash for a name is whole, before and after any power cut (F04). A passing name that was left behind is written
//! over by the next file and is nobody's.

use std::io;
use std::path::{Path, PathBuf};

use louan_schema::id::BlobHash;

use super::disk::{Disk, RealDisk};
use super::{PHOTOS, Shelf, ShelfError};

/// The name of a file before it is whole; one is written at a time.
const PASSING: &str = "incoming.part";

/// Photos in a folder (照片文件夹).
#[derive(Debug)]
pub struct FolderShelf<D = RealDisk> {
    folder: PathBuf,
    disk: D,
    /// The folder is there and its own name is durable.
    made: bool,
}

impl FolderShelf {
    /// A shelf in this folder, which is made when the first photo comes.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self::on(RealDisk, folder)
    }
}

impl<D: Disk> FolderShelf<D> {
    /// A shelf in a folder of some other disk.
    #[must_use]
    pub const fn on(disk: D, folder: PathBuf) -> Self {
        Self { folder, disk, made: false }
    }

    fn path(&self, hash: BlobHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    fn make(&mut self) -> io::Result<()> {
        if !self.made {
            self.disk.make_folder(&self.folder)?;
            if let Some(above) = self.folder.parent().filter(|above| !above.as_os_str().is_empty()) {
                self.disk.sync_folder(above)?;
            }
            self.made = true;
        }
        Ok(())
    }
}

impl<D: Disk> Shelf for FolderShelf<D> {
    fn put(&mut self, hash: BlobHash, bytes: &[u8]) -> Result<(), ShelfError> {
        self.make()?;
        let passing = self.folder.join(PASSING);
        self.disk.write(&passing, bytes)?;
        self.disk.sync_file(&passing)?;
        self.disk.rename(&passing, &self.path(hash))?;
        self.disk.sync_folder(&self.folder)?;
        Ok(())
    }

    fn get(&self, hash: BlobHash) -> Result<Option<Vec<u8>>, ShelfError> {
        match self.disk.read(&self.path(hash)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn remove(&mut self, hash: BlobHash) -> Result<(), ShelfError> {
        match self.disk.remove(&self.path(hash)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<BlobHash>, ShelfError> {
        let named = |path: PathBuf| path.file_name().and_then(|name| name.to_str()?.parse().ok());
        Ok(self.disk.list(&self.folder)?.into_iter().filter_map(named).collect())
    }
}

/// Where the photos of a store in a file lie: beside it, under its name.
pub(crate) fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(PHOTOS);
    PathBuf::from(name)
}
