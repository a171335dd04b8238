//! The manifest: what a backup holds and how it is proven, as a small JSON file that people can read.
//!
//! Nothing personal stands in it. It says which photos the backup lacks: a list of what is there names none that is
//! gone. A build reads its own format and older ones; an unknown key is refused, because
//! it might be one that matters.

use std::collections::BTreeSet;
use std::path::Path;

use louan_schema::id::{BlobHash, Chain, Epoch};
use louan_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::{Written, read_hashed, write_synced};
use super::{BackupError, DATABASE, Kept};
use crate::storage::sqlite::{Counts, Summary};

/// The format this build writes. The first did not say which photos a backup lacks.
pub const FORMAT: u32 = 2;
/// The manifest's name in a backup.
pub(super) const NAME: &str = "manifest.json";

/// What a backup holds (备份清单).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of the backup.
    pub format: u32,
    /// Which backup of its folder it is; rises by one, whatever the clock says.
    pub number: u32,
    /// When it was made, by the system clock, in RFC 3339.
    pub made_at: String,
    /// The build that made it.
    pub build: String,
    /// The database's version.
    pub version: i64,
    /// The stream it carries.
    pub stream: u32,
    /// The life of its log.
    pub epoch: Epoch,
    /// The log's last position.
    pub pos: u64,
    /// The log's running hash there.
    pub chain: Chain,
    /// The audit's running hash.
    pub audit_chain: BlobHash,
    /// How many of what.
    pub counts: Counts,
    /// The database file.
    pub database: DatabaseSum,
    /// The photos.
    pub photos: PhotoSum,
}

/// The database file in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSum {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: BlobHash,
}

/// The photos of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhotoSum {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// The SHA-256 of the inventory that lists them.
    pub inventory_sha256: BlobHash,
    /// Photos that the database speaks of and of which there was no good copy when the backup was made. Nothing in a manifest of the first format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<BTreeSet<BlobHash>>,
}

impl Manifest {
    pub(super) fn new(
        kept: &Kept,
        summed: &Summary,
        photos: PhotoSum,
        made_at: Timestamp,
    ) -> Result<Self, BackupError> {
        let path = kept.partial.join(DATABASE);
        let Written { bytes, hash } = read_hashed(&path).map_err(BackupError::io("read", &path))?;
        Ok(Self {
            format: FORMAT,
            number: kept.number,
            made_at: made_at.to_string(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            version: summed.version,
            stream: summed.head.stream,
            epoch: summed.head.epoch,
            pos: summed.head.pos,
            chain: summed.head.chain,
            audit_chain: BlobHash(summed.audit_chain),
            counts: summed.counts,
            database: DatabaseSum { bytes, sha256: hash },
            photos,
        })
    }

    /// When it was made; nothing when the text is none.
    #[must_use]
    pub fn made_at(&self) -> Option<Timestamp> {
        self.made_at.parse().ok()
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(NAME);
        let text = serde_json::to_vec_pretty(self).map_err(|e| BackupError::Manifest(path.clone(), e))?;
        write_synced(&path, &text).map_err(BackupError::io("write", &path))
    }

    /// Reads the manifest in a backup's folder.
    ///
    /// # Errors
    /// [`BackupError::NoBackup`] without one, [`BackupError::Format`] for one of a newer build,
    /// [`BackupError::Manifest`] when it cannot be understood.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let path = folder.join(NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::NoBackup(folder.to_owned()));
            }
            Err(e) => return Err(BackupError::io("read", &path)(e)),
        };
        let odd = |e| BackupError::Manifest(path.clone(), e);
        let Version { format } = serde_json::from_slice(&bytes).map_err(odd)?;
        if format > FORMAT {
            return Err(BackupError::Format(format));
        }
        serde_json::from_slice(&bytes).map_err(odd)
    }
}
