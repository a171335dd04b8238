//! The proof of a backup: opened elsewhere and looked through from its first row, photo by photo.
//!
//! The database is read back from where the backup lies, compared with the manifest, and opened as a copy in a
//! workshop, where its ledger is made again. Every photo that the database speaks of must be listed, or be one that the
//! manifest says is lacking. Nothing of the backup is changed by it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use louan_schema::id::BlobHash;

use super::file::{copy_hashed, read_hashed};
use super::photo::{INVENTORY, is_good, path_of, read_inventory};
use super::{BackupError, DATABASE, Inventory, Manifest};
use crate::storage::sqlite::{Damage, Examined, Summary, examine_copy, photo_hashes};

/// A copy that is there already is read again every so many backups: what rots is found within two weeks of nights.
const TURNS: u32 = 16;

/// Which photos are read, and not only counted and measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reread {
    /// All.
    All,
    /// The new ones, and a sixteenth of the others, another one each turn.
    Some {
        /// Copied just now.
        new: Vec<BlobHash>,
        /// Which sixteenth.
        turn: u32,
    },
}

/// A backup proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What it holds.
    pub manifest: Manifest,
    /// Its photos.
    pub photos: Inventory,
    /// Photos whose copy is missing, cut short or broken.
    pub rotten: Vec<BlobHash>,
    /// Photos of which there was no good copy when it was made: as its manifest says, or, where that says nothing, those
    /// that its database speaks of and that are not listed.
    pub lacking: BTreeSet<BlobHash>,
    /// Whether its ledger is what this build makes of its log; one of another build may be folded otherwise.
    pub ledger_agrees: bool,
}

impl Proven {
    /// Every photo that the backup's database speaks of, and what else it lists.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<BlobHash> {
        self.photos.keys().chain(&self.lacking).copied().collect()
    }
}

/// Proves the backup in `folder` with the photos of `pool`.
///
/// # Errors
/// [`BackupError`]: the first thing that does not hold. Photos are told of in [`Proven::rotten`] instead.
pub fn prove(folder: &Path, pool: &Path, workshop: &Path, reread: &Reread) -> Result<Proven, BackupError> {
    let manifest = Manifest::read(folder)?;
    let database = folder.join(DATABASE);
    let bench = Bench::set_up(workshop)?;
    let copy = bench.0.join(DATABASE);
    let written = copy_hashed(&database, &copy, |_| true).map_err(BackupError::io("read", &database))?;
    if (written.bytes, written.hash) != (manifest.database.bytes, manifest.database.sha256) {
        return Err(BackupError::Differs(database));
    }
    let examined = examine_copy(&copy)?;
    let (derived, damages): (Vec<_>, Vec<_>) =
        examined.damages.iter().cloned().partition(|damage| matches!(damage, Damage::Ledger(_)));
    let same_build = manifest.build == env!("CARGO_PKG_VERSION");
    if !damages.is_empty() || (same_build && !derived.is_empty()) {
        return Err(BackupError::Damaged(examined.damages));
    }
    if !agrees(&manifest, &examined) {
        return Err(BackupError::Differs(database));
    }
    let photos = read_inventory(folder, &manifest.photos)?;
    let Some(lacking) = lacking(&manifest, &photos, photo_hashes(&copy)?) else {
        return Err(BackupError::Differs(folder.join(INVENTORY)));
    };
    let rotten = rotten(pool, &photos, reread)?;
    Ok(Proven { manifest, photos, rotten, lacking, ledger_agrees: derived.is_empty() })
}

/// What the backup has no good copy of; nothing when it lacks more than its manifest says.
fn lacking(manifest: &Manifest, photos: &Inventory, known: BTreeSet<BlobHash>) -> Option<BTreeSet<BlobHash>> {
    let unlisted: BTreeSet<BlobHash> = known.into_iter().filter(|hash| !photos.contains_key(hash)).collect();
    match &manifest.photos.lacking {
        None => Some(unlisted),
        Some(said) => unlisted.is_subset(said).then(|| said.clone()),
    }
}

/// Whether the database file of a backup is still what its manifest says.
#[must_use]
pub fn is_unchanged(folder: &Path, manifest: &Manifest) -> bool {
    let sum = &manifest.database;
    read_hashed(&folder.join(DATABASE)).is_ok_and(|read| (read.bytes, read.hash) == (sum.bytes, sum.sha256))
}

fn agrees(manifest: &Manifest, examined: &Examined) -> bool {
    let Summary { version, head, counts, audit_chain } = &examined.summary;
    (manifest.version, manifest.stream, manifest.epoch) == (*version, head.stream, head.epoch)
        && (manifest.pos, manifest.chain) == (head.pos, head.chain)
        && (manifest.audit_chain.0, manifest.counts) == (*audit_chain, *counts)
}

fn rotten(pool: &Path, photos: &Inventory, reread: &Reread) -> Result<Vec<BlobHash>, BackupError> {
    let new: BTreeSet<BlobHash> = match reread {
        Reread::All => BTreeSet::new(),
        Reread::Some { new, .. } => new.iter().copied().collect(),
    };
    let is_read = |hash: &BlobHash| match reread {
        Reread::All => true,
        Reread::Some { turn, .. } => new.contains(hash) || u32::from(hash.0[0]) % TURNS == turn % TURNS,
    };
    let mut rotten = Vec::new();
    for (hash, size) in photos {
        let measured = fs::metadata(path_of(pool, *hash)).is_ok_and(|file| file.len() == *size);
        if !measured || (is_read(hash) && !is_good(pool, *hash)?) {
            rotten.push(*hash);
        }
    }
    Ok(rotten)
}

/// A folder in the workshop, gone when dropped. One that a killed process left is cleared by the next.
struct Bench(PathBuf);

impl Bench {
    fn set_up(workshop: &Path) -> Result<Self, BackupError> {
        let path = workshop.join(format!(".proof-{}", std::process::id()));
        clear_left_over(workshop).map_err(BackupError::io("clear the workshop", workshop))?;
        fs::create_dir(&path).map_err(BackupError::io("make", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Removes benches of processes that are gone.
fn clear_left_over(workshop: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(workshop)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(".proof-")) else { continue };
        if process == std::process::id().to_string() || !Path::new("/proc").join(process).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
