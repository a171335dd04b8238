//! Blobs in a folder: `<first two digits>/<hash>`, staging and thumbnails beside them.
//!
//! A file gets its name by a rename after it was flushed, and the rename is flushed too: under a hash there is
//! never half a photo, whatever happens to the power. Nothing here is ever written over, except a file whose bytes
//! no longer are what its name says.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use louan_schema::id::BlobHash;
use sha2::{Digest, Sha256};

use super::{BlobError, Blobs, Condition, Reply, UploadId};

/// Bytes read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A folder of blobs.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens a folder, making it if it is not there: for this user alone, for photos show where people live.
    ///
    /// # Errors
    /// [`BlobError`] when it cannot be made.
    pub fn open(root: PathBuf) -> Result<Self, BlobError> {
        let folder = Self { root };
        let private = DirBuilder::new().recursive(true).mode(0o700).create(folder.staging());
        private.map_err(|e| io_error("make the photos' folder", e))?;
        Ok(folder)
    }

    fn staging(&self) -> PathBuf {
        self.root.join(".staging")
    }

    fn blob(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.root.join(&name[..2]).join(name)
    }

    fn thumbnail_path(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.root.join(".thumbnails").join(&name[..2]).join(name)
    }

    /// Does something that waits for the disk, away from the threads that serve.
    fn act<T: Send + 'static>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Reply<'static, T> {
        let folder = self.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || act(&folder)).await;
            done.unwrap_or_else(|e| Err(io::Error::other(e))).map_err(|e| io_error(doing, e))
        })
    }

    fn keep_now(&self, upload: UploadId, hash: BlobHash) -> io::Result<()> {
        let (staged, blob) = (self.staged_path(upload), self.blob(hash));
        if condition(&blob, hash)? != Condition::Whole {
            File::open(&staged)?.sync_all()?;
            let shelf = blob.parent().unwrap_or(&self.root);
            if !shelf.is_dir() {
                fs::create_dir_all(shelf)?;
                File::open(&self.root)?.sync_all()?;
            }
            fs::rename(&staged, &blob)?;
            File::open(shelf)?.sync_all()?;
        }
        removed(&staged)
    }

    fn list_staged_now(&self) -> io::Result<Vec<UploadId>> {
        let mut uploads = Vec::new();
        for entry in fs::read_dir(self.staging())? {
            let name = entry?.file_name();
            uploads.extend(name.to_str().and_then(|name| name.parse::<UploadId>().ok()));
        }
        Ok(uploads)
    }

    fn keep_thumbnail_now(&self, hash: BlobHash, bytes: &[u8]) -> io::Result<()> {
        let path = self.thumbnail_path(hash);
        let shelf = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(shelf)?;
        // Under its name there is never half of it: who reads it meanwhile reads the old one, or none.
        let fresh = path.with_extension("new");
        fs::write(&fresh, bytes)?;
        fs::rename(fresh, path)
    }
}

fn io_error(doing: &'static str, source: io::Error) -> BlobError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::Full,
        _ => BlobError::Io { doing, source },
    }
}

/// Length of a file, 0 when there is none.
fn length(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(e),
    }
}

fn removed(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn hash_of(mut file: File) -> io::Result<BlobHash> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(BlobHash(hash.finalize().into()));
        }
        hash.update(&piece[..read]);
    }
}

fn condition(path: &Path, hash: BlobHash) -> io::Result<Condition> {
    let Some(file) = found(File::open(path))? else { return Ok(Condition::Missing) };
    Ok(if hash_of(file)? == hash { Condition::Whole } else { Condition::Altered })
}

/// Appends, unless the file has another length: then says which.
fn append(path: &Path, offset: u64, piece: &[u8]) -> io::Result<Result<u64, u64>> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let has = file.metadata()?.len();
    if has != offset {
        return Ok(Err(has));
    }
    file.seek(SeekFrom::Start(offset))?;
    if let Err(e) = file.write_all(piece) {
        // What was written of it would count as received: all of the piece or nothing.
        file.set_len(offset)?;
        return Err(e);
    }
    Ok(Ok(offset + piece.len() as u64))
}

impl Blobs for Folder {
    fn staged_bytes(&self, upload: UploadId) -> Reply<'_, u64> {
        self.act("look at an upload", move |folder| length(&folder.staged_path(upload)))
    }

    fn append(&self, upload: UploadId, offset: u64, piece: Bytes) -> Reply<'_, u64> {
        let appended = self.act("write a piece of a photo", move |folder| {
            append(&folder.staged_path(upload), offset, &piece)
        });
        Box::pin(async move { appended.await?.map_err(BlobError::Offset) })
    }

    fn staged_hash(&self, upload: UploadId) -> Reply<'_, BlobHash> {
        self.act("read an upload", move |folder| hash_of(File::open(folder.staged_path(upload))?))
    }

    fn staged_path(&self, upload: UploadId) -> PathBuf {
        self.staging().join(upload.to_string())
    }

    fn keep(&self, upload: UploadId, hash: BlobHash) -> Reply<'_, ()> {
        self.act("keep a photo", move |folder| folder.keep_now(upload, hash))
    }

    fn discard(&self, upload: UploadId) -> Reply<'_, ()> {
        self.act("discard an upload", move |folder| removed(&folder.staged_path(upload)))
    }

    fn list_staged(&self) -> Reply<'_, Vec<UploadId>> {
        self.act("list uploads", Self::list_staged_now)
    }

    fn read(&self, hash: BlobHash) -> Reply<'_, Option<Bytes>> {
        self.act("read a photo", move |folder| Ok(found(fs::read(folder.blob(hash)))?.map(Bytes::from)))
    }

    fn condition(&self, hash: BlobHash) -> Reply<'_, Condition> {
        self.act("check a photo", move |folder| condition(&folder.blob(hash), hash))
    }

    fn path(&self, hash: BlobHash) -> PathBuf {
        self.blob(hash)
    }

    fn keep_thumbnail(&self, hash: BlobHash, bytes: Bytes) -> Reply<'_, ()> {
        self.act("keep a thumbnail", move |folder| folder.keep_thumbnail_now(hash, &bytes))
    }

    fn thumbnail(&self, hash: BlobHash) -> Reply<'_, Option<Bytes>> {
        self.act("read a thumbnail", move |folder| {
            Ok(found(fs::read(folder.thumbnail_path(hash)))?.map(Bytes::from))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPLOAD: UploadId = UploadId([7; 16]);

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path().join("photos")).expect("opens");
        (place, folder)
    }

    fn named(bytes: &[u8]) -> BlobHash {
        BlobHash(Sha256::digest(bytes).into())
    }

    #[test]
    fn nobody_else_on_the_machine_looks_in() {
        use std::os::unix::fs::PermissionsExt;
        let (_place, folder) = folder();
        let mode = fs::metadata(&folder.root).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[tokio::test]
    async fn bytes_gather_in_order_and_get_their_name_at_the_end() {
        let (_place, folder) = folder();
        assert_eq!(folder.staged_bytes(UPLOAD).await.expect("reads"), 0);
        assert_eq!(folder.append(UPLOAD, 0, Bytes::from_static(b"dark ")).await.expect("writes"), 5);
        // A gap, an overlap, the same again: the true offset is told and nothing is written (P13).
        for wrong in [0, 4, 6, u64::MAX] {
            let told = folder.append(UPLOAD, wrong, Bytes::from_static(b"x")).await;
            assert!(matches!(told, Err(BlobError::Offset(5))), "{wrong}");
        }
        assert_eq!(folder.append(UPLOAD, 5, Bytes::from_static(b"stairs")).await.expect("writes"), 11);
        let hash = folder.staged_hash(UPLOAD).await.expect("reads");
        assert_eq!(hash, named(b"dark stairs"));
        assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Missing);
        folder.keep(UPLOAD, hash).await.expect("keeps");
        assert_eq!(folder.read(hash).await.expect("reads").as_deref(), Some(&b"dark stairs"[..]));
        assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Whole);
        assert!(folder.list_staged().await.expect("lists").is_empty());
    }

    #[tokio::test]
    async fn the_same_photo_again_changes_nothing_and_a_broken_one_is_mended() {
        let (_place, folder) = folder();
        let hash = named(b"whole");
        for round in 0..2 {
            folder.append(UPLOAD, 0, Bytes::from_static(b"whole")).await.expect("writes");
            folder.keep(UPLOAD, hash).await.expect("keeps");
            assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Whole, "round {round}");
            assert!(folder.list_staged().await.expect("lists").is_empty());
        }
        fs::write(folder.path(hash), b"whale").expect("spoils it");
        assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Altered);
        folder.append(UPLOAD, 0, Bytes::from_static(b"whole")).await.expect("writes");
        folder.keep(UPLOAD, hash).await.expect("keeps");
        assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Whole);
    }

    #[tokio::test]
    async fn what_is_given_up_leaves_nothing_and_strange_files_are_left_alone() {
        let (_place, folder) = folder();
        folder.append(UPLOAD, 0, Bytes::from_static(b"half")).await.expect("writes");
        fs::write(folder.staging().join("notes.txt"), b"an operator's").expect("writes");
        assert_eq!(folder.list_staged().await.expect("lists"), [UPLOAD]);
        folder.discard(UPLOAD).await.expect("discards");
        folder.discard(UPLOAD).await.expect("again is no fault");
        assert!(folder.list_staged().await.expect("lists").is_empty());
        assert!(folder.staging().join("notes.txt").exists());
        assert_eq!(folder.read(named(b"half")).await.expect("reads"), None);
    }

    /// Where the child finds a disk of one mebibyte.
    const DISK: &str = "LOUAN_TEST_SMALL_DISK";

    /// Runs itself again where a folder is a disk of one mebibyte, in a world of its own that ends with the process.
    #[tokio::test]
    async fn a_full_disk_takes_nothing_of_a_piece_and_goes_on_when_there_is_room() {
        if let Some(disk) = std::env::var_os(DISK) {
            return fill_and_make_room(Path::new(&disk)).await;
        }
        let place = tempfile::tempdir().expect("a folder");
        let root = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").expect("a process")) == 0;
        let mut command = std::process::Command::new("unshare");
        command.args(if root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"][..] });
        let script = "mount -t tmpfs -o size=1m,mode=700 none \"$0\" && exec \"$@\"";
        command
            .args(["sh", "-c", script])
            .arg(place.path())
            .arg(std::env::current_exe().expect("this program"));
        let name = "a_full_disk_takes_nothing_of_a_piece_and_goes_on_when_there_is_room";
        let child = command.arg(name).env(DISK, place.path()).output().expect("a child");
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}{child:?}");
    }

    async fn fill_and_make_room(disk: &Path) {
        let folder = Folder::open(disk.join("photos")).expect("opens");
        let (first, second) = (vec![1; 256 * 1024], vec![2; 512 * 1024]);
        assert_eq!(folder.append(UPLOAD, 0, first.clone().into()).await.expect("writes"), 256 * 1024);
        fs::write(disk.join("another's"), vec![3; 512 * 1024]).expect("there is room");
        let piece = Bytes::from(second.clone());
        let said = folder.append(UPLOAD, 256 * 1024, piece.clone()).await;
        assert!(matches!(said, Err(BlobError::Full)), "{said:?}");
        // Half of it did fit: that is not kept, and what had been answered for is.
        assert_eq!(folder.staged_bytes(UPLOAD).await.expect("reads"), 256 * 1024);
        assert_eq!(folder.staged_hash(UPLOAD).await.expect("reads"), named(&first));
        fs::remove_file(disk.join("another's")).expect("gone");
        assert_eq!(folder.append(UPLOAD, 256 * 1024, piece).await.expect("there is room"), 768 * 1024);
        let hash = folder.staged_hash(UPLOAD).await.expect("reads");
        assert_eq!(hash, named(&[first, second].concat()));
        folder.keep(UPLOAD, hash).await.expect("keeps");
        assert_eq!(folder.condition(hash).await.expect("reads"), Condition::Whole);
    }
}
