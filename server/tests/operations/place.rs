//! A place where a server stands: a store with a district's work in it, photos, a folder of backups.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use louan_schema::code::Severity;
use louan_schema::id::{BlobHash, DeviceId, Epoch, RecordId};
use louan_schema::photo::UploadKind;
use louan_schema::record::Body;
use louan_schema::ruling::Act;
use louan_schema::time::Timestamp;
use louan_server::backup::{self, Made, Plan, path_of};
use louan_server::hub::{Hub, Limits};
use louan_server::restore::{self, Report, RestoreError};
use louan_server::storage::Storage;
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::photos::{Photo, PhotoUpload, PhotoWrite, UploadId, UploadState};
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;
use sha2::{Digest, Sha256};

use super::kit::{COMPANY, EPOCH, MANAGER, OFFICER, Phone, STREAM, hazard, introduce, noon, round, rule};

/// The life of the log after the restores of these tests.
pub(crate) const NEXT_EPOCH: Epoch = Epoch([8; 16]);

/// The device that sends photos.
pub(crate) const CAMERA: DeviceId = DeviceId([41; 16]);
const OPTIONS: Options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };

pub(crate) struct Place {
    folder: PathBuf,
    _home: Option<tempfile::TempDir>,
}

impl Place {
    /// A district introduced, nothing done yet.
    pub(crate) async fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let place = Self { folder: home.path().to_owned(), _home: Some(home) };
        introduce(&place.hub().await).await;
        place
    }

    /// A place made by another process.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _home: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("louan.sqlite")
    }

    pub(crate) fn photos(&self) -> PathBuf {
        self.folder.join("photos")
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.folder.join("backups")
    }

    pub(crate) async fn hub(&self) -> Hub {
        self.try_hub().await.expect("the store opens")
    }

    pub(crate) async fn try_hub(&self) -> Result<Hub, louan_server::hub::StorageError> {
        let storage = Arc::new(Sqlite::open(&self.store(), OPTIONS)?);
        Hub::open(storage, Arc::new(InProcess), Limits::default()).await
    }

    /// A phone's round and hazard, the latter confirmed; ids begin at `first`.
    pub(crate) async fn work(&self, phone: &mut Phone, first: u8) {
        let hub = self.hub().await;
        let found = Body::Hazard(hazard("杂物堵塞楼梯间"));
        let raws = [phone.write(first, round(first)), phone.write(first + 1, found)];
        let verdicts = phone.push(&hub, &raws).await;
        assert!(
            verdicts.iter().all(|v| matches!(v, louan_schema::wire::Verdict::Accepted(_))),
            "{verdicts:?}"
        );
        let due_on = "2020-01-22".parse().expect("a day");
        let act =
            Act::ConfirmHazard { hazard: RecordId([first + 1; 16]), severity: Severity::Serious, due_on };
        let said = rule(&hub, OFFICER, 1, act).await;
        assert!(matches!(said, louan_schema::wire::CommandVerdict::Done(_)), "{said:?}");
    }

    pub(crate) async fn phone(&self, seed: u8) -> Phone {
        Phone::enrolled(&self.hub().await, seed, MANAGER, COMPANY).await
    }

    /// The store, beside the core.
    pub(crate) fn storage(&self) -> Sqlite {
        Sqlite::open(&self.store(), OPTIONS).expect("opens")
    }

    /// A photo that [`CAMERA`] has sent: its file, and the row that speaks of it.
    pub(crate) async fn sent_photo(&self, content: &str) -> BlobHash {
        let hash = self.photo(content);
        let (bytes, kind, received_at) = (content.len() as u64, UploadKind::Photo, noon());
        let id = UploadId(*hash.0.first_chunk().expect("half of it"));
        let (card, state) = (Vec::new(), UploadState::UnderWay);
        let upload =
            PhotoUpload { id, device: CAMERA, hash, kind, bytes, card, begun_at: received_at, state };
        let (width, height, likeness, belongs_to, pos, broken_at) = (1, 1, 0, None, 0, None);
        let photo =
            Photo { hash, kind, bytes, width, height, likeness, belongs_to, pos, received_at, broken_at };
        let writes = [PhotoWrite::Begin(upload), PhotoWrite::Store(id, photo)].map(Write::Photo).into();
        self.storage().commit(Commit { writes, ..Commit::default() }).await.expect("written");
        hash
    }

    /// The file of a photo in the store is lost.
    pub(crate) fn lose(&self, photo: BlobHash) {
        std::fs::remove_file(path_of(&self.photos(), photo)).expect("a photo");
    }

    /// A photo's file in the store, of which no row speaks.
    pub(crate) fn photo(&self, content: &str) -> BlobHash {
        let hash = BlobHash(Sha256::digest(content).into());
        let path = path_of(&self.photos(), hash);
        std::fs::create_dir_all(path.parent().expect("a shelf")).expect("a folder");
        std::fs::write(path, content).expect("a photo");
        hash
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            store: self.store(),
            photos: self.photos(),
            to: self.backups(),
            workshop: self.folder.clone(),
            made_at: noon(),
            keep: None,
        }
    }

    pub(crate) fn back_up(&self) -> Made {
        backup::make(&self.plan(), &mut |_| {}).expect("a backup")
    }

    pub(crate) fn restoring(&self, from: &Path) -> restore::Plan {
        restore::Plan {
            from: from.to_owned(),
            store: self.store(),
            photos: self.photos(),
            stream: STREAM,
            epoch: NEXT_EPOCH,
            now: later(),
            older: false,
        }
    }

    pub(crate) async fn restore(&self) -> Result<Report, RestoreError> {
        restore::restore(&self.restoring(&self.backups()), &mut |_| {}).await
    }

    /// Names in the place's folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names(&self.folder)
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) fn later() -> Timestamp {
    noon().plus_ms(86_400_000)
}
