//! What a shelf in a folder asks of a disk, and the real one.
//!
//! Seven plain acts, so that a test can stand in the disk's place, cut the power after any of them and see what is
//! left. What was written is safe after `sync_file`, a name after `sync_folder`, and neither before.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A disk (磁盘).
pub trait Disk: Debug + Send {
    /// Makes a folder, and those above it; one that is there is no error.
    ///
    /// # Errors
    /// The device's.
    fn make_folder(&mut self, folder: &Path) -> io::Result<()>;

    /// Writes a file anew, not yet durable.
    ///
    /// # Errors
    /// The device's.
    fn write(&mut self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written into a file durable.
    ///
    /// # Errors
    /// The device's.
    fn sync_file(&mut self, file: &Path) -> io::Result<()>;

    /// Gives a file another name in the same folder, not yet durable.
    ///
    /// # Errors
    /// The device's.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// The device's.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The device's.
    fn remove(&mut self, file: &Path) -> io::Result<()>;

    /// Reads a file.
    ///
    /// # Errors
    /// The device's; `NotFound` when there is none.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// The files of a folder; none when there is no folder.
    ///
    /// # Errors
    /// The device's.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The disk of this device (本机磁盘).
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn write(&mut self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(file, bytes)
    }

    fn sync_file(&mut self, file: &Path) -> io::Result<()> {
        File::options().write(true).open(file)?.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        // Only Unix lets a folder be opened and synced; elsewhere the file system journals names by itself.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn remove(&mut self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        match fs::read_dir(folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
