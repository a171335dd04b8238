//! Backups: one moment's database and every photo it speaks of, proven before they count.
//!
//! The life of a backup: the database is copied first, then photos that the folder has not yet (so everything the
//! copy speaks of is in), then an inventory and a manifest; all of it is synced and read back, opened elsewhere and
//! looked through from its first row ([`prove`]); only then it loses `.partial` from its name. Killed anywhere, there
//! is no backup or a whole one. A photo that the copy speaks of and that is nowhere is named, in the manifest and to who
//! asked. Nothing here raises the watermark: who asked for the backup does, when it is named, and calls broken what it
//! lacks.

mod file;
mod folder;
mod manifest;
mod night;
mod photo;
mod proof;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use louan_schema::id::BlobHash;
use louan_schema::time::Timestamp;

use crate::storage::StorageError;
use crate::storage::sqlite::{Damage, copy_database, photo_hashes, summary};

pub use file::{Written, copy_hashed, folder_of, write_synced};
pub use folder::{BackupFolder, Kept};
pub use manifest::{DatabaseSum, FORMAT, Manifest, PhotoSum};
pub use night::is_due;
pub use photo::{Inventory, PHOTOS, broken_photos, copy_missing, inventory, path_of};
pub use proof::{Proven, Reread, is_unchanged, prove};

/// The database's name in a backup.
pub const DATABASE: &str = "louan.sqlite";

/// What is backed up, where to, and when it is.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The database file; it may be in use.
    pub store: PathBuf,
    /// The folder of photos; it may be missing.
    pub photos: PathBuf,
    /// The folder that holds the backups.
    pub to: PathBuf,
    /// A folder with room for a copy of the database, in which the backup is opened to be proven.
    pub workshop: PathBuf,
    /// System clock.
    pub made_at: Timestamp,
    /// How many backups stay, this one included; nothing: all.
    pub keep: Option<usize>,
}

/// How far a backup has come: told to who watches, before each step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What earlier backups left unfinished is cleared away.
    Clear,
    /// The database is copied.
    Database,
    /// So many photos are copied that the folder has not yet.
    Photos(usize),
    /// One of them.
    Photo,
    /// The inventory of photos is written.
    Inventory,
    /// The manifest is written.
    Manifest,
    /// All of it is opened elsewhere and looked through.
    Proof,
    /// It is named complete.
    Name,
    /// A backup beyond those to be kept is removed.
    Remove,
}

/// Why there is no backup. The store and earlier backups are as they were.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("could not {doing} `{}`", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The database cannot be copied or read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another backup is being made in this folder.
    #[error("another backup is under way in `{}`", .0.display())]
    UnderWay(PathBuf),
    /// There is no complete backup of this name, or none at all.
    #[error("there is no complete backup at `{}`", .0.display())]
    NoBackup(PathBuf),
    /// The manifest cannot be understood.
    #[error("could not understand the manifest `{}`", .0.display())]
    Manifest(PathBuf, #[source] serde_json::Error),
    /// The backup was written in a format of a newer build.
    #[error("the backup's format is `{0}`, this build knows `{FORMAT}`")]
    Format(u32),
    /// A file of the backup is not what the manifest says.
    #[error("`{}` is not what was backed up", .0.display())]
    Differs(PathBuf),
    /// The database in the backup does not hold.
    #[error("the copied database is damaged: {0:?}")]
    Damaged(Vec<Damage>),
}

impl BackupError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// A backup made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// Photos copied this time; the others were there.
    pub new_photos: usize,
    /// Photos of the store whose file is gone or is not what its name says, and of which no earlier backup has a good
    /// copy. They are called broken when phones are told of
    /// the backup: a phone may still have one.
    pub broken: BTreeSet<BlobHash>,
}

/// Makes a backup, and proves it. `watch` is told of each step.
///
/// # Errors
/// [`BackupError`]: there is no new backup then.
pub fn make(plan: &Plan, watch: &mut dyn FnMut(Step)) -> Result<Made, BackupError> {
    let shelf = BackupFolder::open(&plan.to)?;
    watch(Step::Clear);
    shelf.clear()?;
    let kept = shelf.new_place(plan.made_at)?;
    watch(Step::Database);
    let database = kept.partial.join(DATABASE);
    copy_database(&plan.store, &database)?;
    let summed = summary(&database)?;
    let pool = plan.to.join(PHOTOS);
    // A photo's file is there before its row: what has come since the copy is too much, never too little.
    let (known, found) = (photo_hashes(&database)?, inventory(&plan.photos)?);
    let copied = photo::fill(&plan.photos, &pool, &found, &known, watch)?;
    watch(Step::Inventory);
    let listed = photo::write_inventory(&kept.partial, &copied.inventory)?;
    let mut broken = copied.broken;
    let photos = PhotoSum { lacking: Some(broken.clone()), ..listed };
    watch(Step::Manifest);
    let mut manifest = Manifest::new(&kept, &summed, photos, plan.made_at)?;
    manifest.write(&kept.partial)?;
    watch(Step::Proof);
    let reread = Reread::Some { new: copied.new.clone(), turn: kept.number };
    let proven = prove(&kept.partial, &pool, &plan.workshop, &reread)?;
    // What was there before and has rotted is replaced from the store, if the store's is good.
    let rotten = photo::replace(&plan.photos, &pool, &proven.rotten)?;
    if !rotten.is_empty() {
        broken.extend(rotten);
        manifest.photos.lacking = Some(broken.clone());
        manifest.write(&kept.partial)?;
    }
    watch(Step::Name);
    let folder = shelf.name(&kept)?;
    if let Some(keep) = plan.keep {
        shelf.retain(keep, watch)?;
    }
    Ok(Made { folder, manifest, new_photos: copied.new.len(), broken })
}
