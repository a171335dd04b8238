//! Photos by their hash: what a folder has, what a backup still lacks, what is not what its name says.
//!
//! A photo lies at `<first two hex>/<64 hex>` and is written once, so a copy that is there need not be made again. All
//! backups of a folder share one pool of photos; each has its own inventory of them. Nothing here removes a photo.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use louan_schema::id::BlobHash;

use super::file::{copy_hashed, read_hashed, write_synced};
use super::{BackupError, PhotoSum, Step};
use crate::storage::sqlite::sync_folder_of;

/// The pool of photos in a folder of backups.
pub const PHOTOS: &str = "photos";
/// The name of the inventory in a backup.
pub(super) const INVENTORY: &str = "photos.txt";

/// Photos with their sizes in bytes (照片清单).
pub type Inventory = BTreeMap<BlobHash, u64>;

/// Where a photo lies in a folder of photos.
#[must_use]
pub fn path_of(folder: &Path, hash: BlobHash) -> PathBuf {
    let name = hash.to_string();
    folder.join(&name[..2]).join(name)
}

/// Every photo in a folder, which may be missing. Files of other names are not photos yet.
///
/// # Errors
/// [`BackupError::Io`] when the folder cannot be read.
pub fn inventory(folder: &Path) -> Result<Inventory, BackupError> {
    let mut found = Inventory::new();
    for shelf in entries(folder)? {
        if !shelf.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        for entry in entries(&shelf.path())? {
            let name = entry.file_name();
            let Some(hash) = name.to_str().and_then(|name| name.parse::<BlobHash>().ok()) else { continue };
            if path_of(folder, hash) != entry.path() {
                continue;
            }
            let size = entry.metadata().map_err(BackupError::io("look at", &entry.path()))?.len();
            found.insert(hash, size);
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, BackupError> {
    let read = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.and_then(Iterator::collect),
    };
    read.map_err(BackupError::io("read the folder", folder))
}

/// Those of a folder's photos whose bytes are not what their name says. All of them are read.
///
/// # Errors
/// [`BackupError::Io`] when one cannot be read.
pub fn broken_photos(folder: &Path, all: &Inventory) -> Result<Vec<BlobHash>, BackupError> {
    let mut broken = Vec::new();
    for hash in all.keys() {
        if !is_good(folder, *hash)? {
            broken.push(*hash);
        }
    }
    Ok(broken)
}

/// Whether a photo is there and is what its name says.
pub(super) fn is_good(folder: &Path, hash: BlobHash) -> Result<bool, BackupError> {
    let path = path_of(folder, hash);
    match read_hashed(&path) {
        Ok(read) => Ok(read.hash == hash),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(BackupError::io("read", &path)(e)),
    }
}

/// Copies a photo if its bytes are what its name says; whether they are.
///
/// # Errors
/// [`BackupError::Io`].
fn copy_one(from: &Path, to: &Path, hash: BlobHash) -> Result<bool, BackupError> {
    let (source, target) = (path_of(from, hash), path_of(to, hash));
    let failed = |e| BackupError::io("copy", &source)(e);
    if let Some(shelf) = target.parent().filter(|shelf| !shelf.is_dir()) {
        fs::create_dir_all(shelf).and_then(|()| sync_folder_of(shelf)).map_err(failed)?;
    }
    let written = copy_hashed(&source, &target, |written| written.hash == hash).map_err(failed)?;
    Ok(written.hash == hash)
}

/// Makes the names of photos copied into a folder durable.
fn sync_shelves(folder: &Path, copied: &[BlobHash]) -> Result<(), BackupError> {
    let mut shelves: Vec<PathBuf> = copied.iter().map(|hash| path_of(folder, *hash)).collect();
    shelves.dedup_by(|a, b| a.parent() == b.parent());
    for path in &shelves {
        sync_folder_of(path).map_err(BackupError::io("sync the folder of", path))?;
    }
    if shelves.is_empty() {
        Ok(())
    } else {
        sync_folder_of(&folder.join("_")).map_err(BackupError::io("sync", folder))
    }
}

/// What a pool has after it was filled.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// Every photo of the store that is in the pool, whether or not its folder still has it.
    pub(super) inventory: Inventory,
    /// Those that were not there before.
    pub(super) new: Vec<BlobHash>,
    /// Those of which there is no good copy anywhere: altered, or gone.
    pub(super) broken: BTreeSet<BlobHash>,
}

/// Copies into the pool every photo it has not yet, or has in another length. `known` are those that the database
/// speaks of: one that the folder has not is in no list of files, and nobody would miss it.
pub(super) fn fill(
    from: &Path,
    pool: &Path,
    found: &Inventory,
    known: &BTreeSet<BlobHash>,
    watch: &mut dyn FnMut(Step),
) -> Result<Filled, BackupError> {
    let there = inventory(pool)?;
    let mut missing = Vec::new();
    for (hash, size) in found {
        // One of the two is cut short: the store's must not take the place of the whole one.
        let lacking = there.get(hash) != Some(size) && !(there.contains_key(hash) && is_good(pool, *hash)?);
        missing.extend(lacking.then_some(*hash));
    }
    watch(Step::Photos(missing.len()));
    let mut filled = Filled::default();
    for hash in missing {
        watch(Step::Photo);
        if copy_one(from, pool, hash)? {
            filled.new.push(hash);
        } else {
            filled.broken.insert(hash);
        }
    }
    sync_shelves(pool, &filled.new)?;
    filled.inventory = found
        .iter()
        .filter(|(hash, _)| !filled.broken.contains(hash))
        .map(|(hash, size)| {
            let kept = there.get(hash).filter(|_| !filled.new.contains(hash));
            (*hash, kept.copied().unwrap_or(*size))
        })
        .collect();
    for hash in known.iter().filter(|hash| !found.contains_key(hash)) {
        // What the store has lost, an earlier backup may still have.
        if let Some(size) = there.get(hash)
            && is_good(pool, *hash)?
        {
            filled.inventory.insert(*hash, *size);
        } else {
            filled.broken.insert(*hash);
        }
    }
    Ok(filled)
}

/// Puts good copies from the store over rotten ones; those for which there is none.
pub(super) fn replace(from: &Path, pool: &Path, rotten: &[BlobHash]) -> Result<Vec<BlobHash>, BackupError> {
    let (mut replaced, mut left) = (Vec::new(), Vec::new());
    for hash in rotten {
        let there = path_of(from, *hash).is_file();
        if there && copy_one(from, pool, *hash)? { replaced.push(*hash) } else { left.push(*hash) }
    }
    sync_shelves(pool, &replaced)?;
    Ok(left)
}

/// Copies photos from a pool into a folder that lacks them or has them broken; broken ones are set aside under `aside`,
/// never removed. Returns how many were copied, and those of which the pool has no good copy.
///
/// # Errors
/// [`BackupError::Io`].
pub fn copy_missing(
    pool: &Path,
    folder: &Path,
    wanted: &BTreeSet<BlobHash>,
    aside: &str,
) -> Result<(usize, Vec<BlobHash>), BackupError> {
    let (mut copied, mut lost) = (Vec::new(), Vec::new());
    for hash in wanted {
        if is_good(folder, *hash)? {
            continue;
        }
        if !is_good(pool, *hash)? {
            lost.push(*hash);
            continue;
        }
        let path = path_of(folder, *hash);
        if path.exists() {
            let mut name = path.clone().into_os_string();
            name.push(aside);
            fs::rename(&path, &name).map_err(BackupError::io("set aside", &path))?;
        }
        copy_one(pool, folder, *hash)?;
        copied.push(*hash);
    }
    sync_shelves(folder, &copied)?;
    Ok((copied.len(), lost))
}

/// Writes the inventory into a backup, a line a photo.
pub(super) fn write_inventory(backup: &Path, photos: &Inventory) -> Result<PhotoSum, BackupError> {
    let mut text = String::new();
    for (hash, size) in photos {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{hash} {size}");
    }
    let path = backup.join(INVENTORY);
    write_synced(&path, text.as_bytes()).map_err(BackupError::io("write", &path))?;
    let written = read_hashed(&path).map_err(BackupError::io("read", &path))?;
    Ok(PhotoSum {
        count: photos.len() as u64,
        bytes: photos.values().sum(),
        inventory_sha256: written.hash,
        lacking: None,
    })
}

/// Reads the inventory of a backup, and checks it against the manifest.
pub(super) fn read_inventory(backup: &Path, sum: &PhotoSum) -> Result<Inventory, BackupError> {
    let path = backup.join(INVENTORY);
    let differs = || BackupError::Differs(path.clone());
    let text = fs::read_to_string(&path).map_err(BackupError::io("read", &path))?;
    let line = |line: &str| {
        let (hash, size) = line.split_once(' ')?;
        Some((hash.parse::<BlobHash>().ok()?, size.parse::<u64>().ok()?))
    };
    let photos: Inventory = text.lines().map(line).collect::<Option<_>>().ok_or_else(differs)?;
    let hash = read_hashed(&path).map_err(BackupError::io("read", &path))?.hash;
    if hash == sum.inventory_sha256 && photos.len() as u64 == sum.count { Ok(photos) } else { Err(differs()) }
}
