//! The stroke: what stands there goes aside, the copy takes its place, and a kill in between is carried on from.
//!
//! A store is up to three files, which cannot be renamed at once. So a note of what is about to happen is written
//! first, durably; whoever opens the store next and finds it finishes the work before anything else ([`settle`]).
//! Every part may be done twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{RestoreError, Step};
use crate::backup::write_synced;
use crate::storage::sqlite::{beside, sync_folder_of};

/// The note's name: the store's and this.
const NOTE: &str = ".restoring";
/// The files a store may consist of, by what follows its name.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What is about to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// What follows the store's name for what is set aside.
    aside: String,
    /// The name of the copy that takes the store's place.
    ready: String,
}

/// What [`settle`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// No restore was under way.
    Nothing,
    /// One had been broken off, and is finished now; what stood there, if anything did, is at this path.
    Finished(PathBuf),
}

/// Sets what stands there aside and puts the copy in its place; where what stood there is now.
pub(super) fn begin(
    store: &Path,
    ready: &Path,
    date: &str,
    watch: &mut (dyn FnMut(Step) + Send),
) -> Result<Option<PathBuf>, RestoreError> {
    let stood = PARTS.iter().any(|part| beside(store, part).exists());
    let free = |nth: u32| {
        let aside = if nth == 1 { format!(".set-aside-{date}") } else { format!(".set-aside-{date}-{nth}") };
        (!PARTS.iter().any(|part| beside(&beside(store, &aside), part).exists())).then_some(aside)
    };
    let aside = (1..).find_map(free).unwrap_or_default();
    let name = ready.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let note = Note { aside: aside.clone(), ready: name };
    let path = beside(store, NOTE);
    watch(Step::Note);
    let text =
        serde_json::to_vec(&note).map_err(io::Error::other).map_err(RestoreError::io("write", &path))?;
    write_synced(&path, &text).map_err(RestoreError::io("write", &path))?;
    settle(store, watch)?;
    Ok(stood.then(|| beside(store, &aside)))
}

/// Finishes a restore that was broken off. Whoever calls this holds the store alone.
///
/// # Errors
/// [`RestoreError::Io`]: nothing may be opened then.
pub fn settle(store: &Path, watch: &mut (dyn FnMut(Step) + Send)) -> Result<Settled, RestoreError> {
    let path = beside(store, NOTE);
    let text = match fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Settled::Nothing),
        read => read.map_err(RestoreError::io("read", &path))?,
    };
    let note: Note =
        serde_json::from_slice(&text).map_err(io::Error::other).map_err(RestoreError::io("read", &path))?;
    let ready = store.with_file_name(&note.ready);
    // Once the copy is gone from its own name, it stands in the store's place.
    if ready.try_exists().map_err(RestoreError::io("look for", &ready))? {
        for part in PARTS {
            let from = beside(store, part);
            if from.try_exists().map_err(RestoreError::io("look for", &from))? {
                watch(Step::SetAside);
                let to = beside(&beside(store, &note.aside), part);
                fs::rename(&from, &to).map_err(RestoreError::io("set aside", &from))?;
            }
        }
        sync_folder_of(store).map_err(RestoreError::io("sync the folder of", store))?;
        watch(Step::Place);
        fs::rename(&ready, store).map_err(RestoreError::io("put in place", &ready))?;
        sync_folder_of(store).map_err(RestoreError::io("sync the folder of", store))?;
    }
    watch(Step::Done);
    fs::remove_file(&path).and_then(|()| sync_folder_of(&path)).map_err(RestoreError::io("remove", &path))?;
    Ok(Settled::Finished(beside(store, &note.aside)))
}

/// Whether a restore was broken off and waits to be finished.
#[must_use]
pub fn is_unfinished(store: &Path) -> bool {
    beside(store, NOTE).exists()
}
