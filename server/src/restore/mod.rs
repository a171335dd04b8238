//! Putting a backup back: proven first, made ready beside the store, then put in its place in one stroke.
//!
//! Until the stroke the store is as it was; after it, it is the restored one. What stood there is set aside under a
//! dated name and never removed. The copy is made ready before anybody can open it: a new life of the log, every
//! session and code void, rights taken away since the backup taken away again, photos that are nowhere marked as broken.
//! Phones are told of a backup by its restore only if it lacked nothing. Photos are only added. Whoever calls this holds
//! the store alone.

mod stroke;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use louan_schema::id::{BlobHash, Epoch};
use louan_schema::time::Timestamp;

use crate::audit::{Entry, names_read};
use crate::backup::{
    BackupError, BackupFolder, DATABASE, Manifest, PHOTOS, Proven, Reread, copy_hashed, copy_missing,
    folder_of, prove,
};
use crate::storage::commit::{Commit, Write};
use crate::storage::photos::PhotoWrite;
use crate::storage::sessions::{FamilyEnding, IdentityWrite};
use crate::storage::sqlite::{Apart, Mode, Options, Sqlite, Withdrawn, apart, beside, sync_folder_of};
use crate::storage::{Storage, StorageError};

pub use stroke::{Settled, is_unfinished, settle};

/// What the copy is called until it takes the store's place.
const READY: &str = ".ready";

/// What is put back where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A backup, or a folder of backups, of which the newest is taken.
    pub from: PathBuf,
    /// The store's file.
    pub store: PathBuf,
    /// The folder of photos.
    pub photos: PathBuf,
    /// The stream the store must carry.
    pub stream: u32,
    /// The new life of the log, random.
    pub epoch: Epoch,
    /// System clock.
    pub now: Timestamp,
    /// Take this backup though a newer one exists, or phones were told of a newer one.
    pub older: bool,
}

/// How far it has come: told to who watches, before each step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The backup is opened elsewhere and looked through.
    Proof,
    /// The copy is laid beside the store.
    Copy,
    /// Photos that the folder lacks are copied.
    Photos,
    /// It is made ready to be used.
    Ready,
    /// What is about to happen is noted, so that it is carried on with after a kill.
    Note,
    /// A file of what stands there is set aside.
    SetAside,
    /// The copy takes the store's place.
    Place,
    /// The note is removed.
    Done,
}

/// Why nothing was put back. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read or does not hold.
    #[error("could not use the backup")]
    Backup(#[from] BackupError),
    /// The copy cannot be made ready.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file cannot be moved or written.
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
    /// There is a newer backup, or phones have been told of one: what only that one has, phones may have let go.
    #[error("a newer backup than `{}` exists or existed", .0.display())]
    NotNewest(PathBuf),
}

impl RestoreError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// What was put back, and what has to be done by people now.
#[derive(Debug)]
pub struct Report {
    /// The backup.
    pub backup: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// Where what stood there is now; nothing when nothing stood there.
    pub aside: Option<PathBuf>,
    /// What was found in it and is missing now; an error when it could not be read, nothing when there was none.
    pub apart: Option<Result<Apart, StorageError>>,
    /// Photos copied into the folder.
    pub photos_added: usize,
    /// Photos of which no backup here has a good copy and the folder none either; the store says that they are broken.
    pub photos_lost: Vec<BlobHash>,
}

/// Puts a backup back. `watch` is told of each step.
///
/// # Errors
/// [`RestoreError`]: until [`Step::Note`] the store is as it was. After it, [`settle`] finishes what was begun.
pub async fn restore(plan: &Plan, watch: &mut (dyn FnMut(Step) + Send)) -> Result<Report, RestoreError> {
    stroke::settle(&plan.store, watch)?;
    let (backup, _) = BackupFolder::find(&plan.from)?;
    let pool = folder_of(&backup).join(PHOTOS);
    watch(Step::Proof);
    let reread = Reread::Some { new: Vec::new(), turn: 0 };
    let proven = prove(&backup, &pool, folder_of(&plan.store), &reread)?;
    let ready = beside(&plan.store, READY);
    let prepared = match prepare(plan, &backup, &ready, &proven, watch).await {
        Ok(prepared) => prepared,
        Err(error) => {
            discard(&ready);
            return Err(error);
        }
    };
    let aside = stroke::begin(&plan.store, &ready, &stamp(plan.now), watch)?;
    let Prepared { apart, photos_added, photos_lost } = prepared;
    Ok(Report { backup, manifest: proven.manifest, aside, apart, photos_added, photos_lost })
}

/// What is known once the copy is ready.
struct Prepared {
    apart: Option<Result<Apart, StorageError>>,
    photos_added: usize,
    photos_lost: Vec<BlobHash>,
}

/// Everything up to the stroke: the store is only read.
async fn prepare(
    plan: &Plan,
    backup: &Path,
    ready: &Path,
    proven: &Proven,
    watch: &mut (dyn FnMut(Step) + Send),
) -> Result<Prepared, RestoreError> {
    watch(Step::Copy);
    lay_beside(backup, ready, proven)?;
    let stands = plan.store.try_exists().map_err(RestoreError::io("look for", &plan.store))?;
    let apart = stands.then(|| {
        migrated(ready, plan)?;
        apart(&plan.store, ready)
    });
    let shelf = folder_of(backup);
    if !plan.older && !is_newest(shelf, &proven.manifest, apart.as_ref())? {
        return Err(RestoreError::NotNewest(backup.to_owned()));
    }
    watch(Step::Photos);
    let aside = format!(".damaged-{}", stamp(plan.now));
    // Also those that this backup lacks: a later one may have put them into the pool, and what is nowhere is lost.
    let (photos_added, photos_lost) =
        copy_missing(&shelf.join(PHOTOS), &plan.photos, &proven.wanted(), &aside)?;
    watch(Step::Ready);
    make_ready(ready, plan, proven, (apart.as_ref(), &photos_lost)).await?;
    Ok(Prepared { apart, photos_added, photos_lost })
}

/// Copies the database of a proven backup beside the store; what an earlier try left there goes.
fn lay_beside(backup: &Path, ready: &Path, proven: &Proven) -> Result<(), RestoreError> {
    discard(ready);
    let from = backup.join(DATABASE);
    let written = copy_hashed(&from, ready, |w| w.hash == proven.manifest.database.sha256)
        .map_err(RestoreError::io("copy", &from))?;
    if written.hash == proven.manifest.database.sha256 {
        Ok(())
    } else {
        Err(BackupError::Differs(from).into())
    }
}

fn discard(ready: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal", ".partial"] {
        // What cannot be removed is found by whoever writes there next.
        drop(fs::remove_file(beside(ready, suffix)));
    }
}

fn options(plan: &Plan) -> Options {
    Options { stream: plan.stream, fresh_epoch: plan.epoch, mode: Mode::Inline }
}

/// Brings a copy of an older version forward; it is no store yet, so no copy of it is kept.
fn migrated(ready: &Path, plan: &Plan) -> Result<(), StorageError> {
    Sqlite::open_without_copy(ready, options(plan)).map(drop)
}

/// Whether this is the newest backup of its folder, and phones were never told of a newer one.
fn is_newest(
    shelf: &Path,
    manifest: &Manifest,
    compared: Option<&Result<Apart, StorageError>>,
) -> Result<bool, RestoreError> {
    let newest = BackupFolder::complete(shelf)?.pop().map(|(_, newest)| newest.number);
    let told = match compared {
        Some(Ok(Apart { backed_up: (epoch, pos), .. })) => *epoch == manifest.epoch && *pos > manifest.pos,
        _ => false,
    };
    Ok(newest.is_none_or(|newest| newest <= manifest.number) && !told)
}

/// Everything that must be so before anybody can open the copy, in one commit; then the file is closed and synced.
async fn make_ready(
    ready: &Path,
    plan: &Plan,
    proven: &Proven,
    (compared, lost): (Option<&Result<Apart, StorageError>>, &[BlobHash]),
) -> Result<(), RestoreError> {
    let storage = Sqlite::open_without_copy(ready, options(plan))?;
    let manifest = &proven.manifest;
    if !proven.ledger_agrees {
        storage.rebuild_ledger().await?;
    }
    let mut writes = vec![
        Write::Epoch(plan.epoch),
        Write::Identity(IdentityWrite::VoidAll(plan.now, FamilyEnding::Restored)),
    ];
    // Photos that are in a backup phones ask for and then give up: of one that lacks some they hear with the next one.
    if proven.lacking.is_empty() && lost.is_empty() {
        writes.push(Write::BackedUp(manifest.pos));
    }
    // Who asks whether a photo is here is told no, and sends it again; the nightly look would come too late.
    writes.extend(lost.iter().map(|hash| Write::Photo(PhotoWrite::Broken(*hash, Some(plan.now)))));
    let (withdrawn, missing) = match compared {
        Some(Ok(apart)) => (apart.withdrawn.as_slice(), apart.people.as_slice()),
        _ => (&[][..], &[][..]),
    };
    writes.extend(withdrawn.iter().map(|withdrawn| write_of(withdrawn, plan.now)));
    let subject = format!("{} {}", manifest.epoch, manifest.pos);
    let outcome = match compared {
        Some(Ok(_)) => format!("done, withdrawn again: {}", withdrawn.len()),
        Some(Err(_)) => "done, rights withdrawn since are unknown".to_owned(),
        None => "done, nothing stood there".to_owned(),
    };
    let (at, act) = (plan.now, "restore".to_owned());
    // Who is missing is listed by name, for he has to be entered again.
    let mut audit = names_read(missing.iter().map(|person| person.id), (None, None), at);
    audit.push(Entry { at, person: None, device: None, act, subject, outcome });
    storage.commit(Commit { writes, audit, ..Commit::default() }).await?;
    drop(storage);
    // Closing put everything into the one file.
    let synced = fs::File::open(ready).and_then(|file| file.sync_all()).and_then(|()| sync_folder_of(ready));
    synced.map_err(RestoreError::io("sync", ready))?;
    let log = beside(ready, "-wal");
    let left = log.try_exists().map_err(RestoreError::io("look for", &log))?;
    if left { Err(RestoreError::io("close", &log)(io::ErrorKind::ResourceBusy.into())) } else { Ok(()) }
}

fn write_of(withdrawn: &Withdrawn, now: Timestamp) -> Write {
    match withdrawn {
        Withdrawn::Person(person, active) => Write::Person(person.clone(), *active),
        Withdrawn::Erased(person) => Write::Erase(*person, now),
        Withdrawn::Account(account) => Write::Identity(IdentityWrite::Account(account.clone())),
        Withdrawn::Device(device) => Write::RevokeDevice(*device),
        Withdrawn::DevicePeople(device, people) => Write::DevicePeople(*device, people.clone()),
    }
}

/// An instant as part of a file's name.
fn stamp(now: Timestamp) -> String {
    now.to_string().chars().take(19).filter(|c| c.is_ascii_digit()).collect()
}
