//! Files copied and written so that they are there when the power goes: hashed on the way, synced, then named.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use louan_schema::id::BlobHash;
use sha2::{Digest, Sha256};

use crate::storage::sqlite::{beside, sync_folder_of};

/// Bytes in memory while a file is copied.
const PIECE_BYTES: usize = 256 * 1024;

/// What was read or written: how many bytes, with which SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Their hash.
    pub hash: BlobHash,
}

/// Copies a file to a place where there may be one, hashing what is read. It is named only when all of it is synced;
/// `wanted` says whether what was read may stay. The folder is not synced: many files share one.
///
/// # Errors
/// What the system says; then nothing stands at `to` that did not before.
pub fn copy_hashed(from: &Path, to: &Path, wanted: impl FnOnce(&Written) -> bool) -> io::Result<Written> {
    let partial = beside(to, ".partial");
    let mut target = create(&partial)?;
    let written = pour(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    drop(target);
    if wanted(&written) {
        std::fs::rename(&partial, to)?
    } else {
        std::fs::remove_file(&partial)?
    }
    Ok(written)
}

/// The folder a file stands in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a small file, durably, with its name.
///
/// # Errors
/// What the system says.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = beside(path, ".partial");
    let mut file = create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_folder_of(path)
}

/// Bytes and hash of a file.
pub(super) fn read_hashed(path: &Path) -> io::Result<Written> {
    pour(&mut File::open(path)?, &mut io::sink())
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<Written> {
    let mut piece = vec![0; PIECE_BYTES];
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => return Ok(Written { bytes, hash: BlobHash(hash.finalize().into()) }),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&piece[..read]);
        to.write_all(&piece[..read])?;
        bytes += read as u64;
    }
}
