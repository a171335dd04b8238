//! Blobs: photos' bytes under their hash, written once.
//!
//! Bytes gather in a staging file, as long as they are still coming; complete and examined they get their one
//! name, durably, before any row speaks of them. Names given by phones are never a path here: a file is called by
//! a hash or by an upload's number. Who may see what is nobody's question in this room.

mod folder;

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use louan_schema::id::BlobHash;

pub use crate::storage::photos::UploadId;
pub use folder::Folder;

/// What a call answers, later.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, BlobError>>;

/// Why a blob was not written or read. What had been kept before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The bytes so far are not as many as the sender thinks.
    #[error("the upload has `{0}` bytes")]
    Offset(u64),
    /// The disk, or the quota on it, is full.
    #[error("the disk with the photos is full")]
    Full,
    /// The folder or the file refused.
    #[error("could not {doing}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What stands under a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The very bytes.
    Whole,
    /// Other bytes: the disk has altered them, or somebody.
    Altered,
    /// Nothing.
    Missing,
}

/// A place for blobs (照片存储).
pub trait Blobs: Send + Sync {
    /// How many bytes of an upload are here.
    fn staged_bytes(&self, upload: UploadId) -> Reply<'_, u64>;
    /// Puts a piece behind the bytes of an upload, which must be `offset`; how many there are then.
    fn append(&self, upload: UploadId, offset: u64, piece: Bytes) -> Reply<'_, u64>;
    /// The SHA-256 of an upload's bytes.
    fn staged_hash(&self, upload: UploadId) -> Reply<'_, BlobHash>;
    /// Where an upload's bytes can be read by a worker's parent.
    fn staged_path(&self, upload: UploadId) -> PathBuf;
    /// Gives an upload's bytes their name for good; when this answers, they are on disk. Bytes that stand there
    /// already are as good.
    fn keep(&self, upload: UploadId, hash: BlobHash) -> Reply<'_, ()>;
    /// Throws an upload's bytes away, if there are any.
    fn discard(&self, upload: UploadId) -> Reply<'_, ()>;
    /// Uploads of which there are bytes, whether or not anybody still knows of them.
    fn list_staged(&self) -> Reply<'_, Vec<UploadId>>;
    /// The bytes of a blob; nothing when there are none.
    fn read(&self, hash: BlobHash) -> Reply<'_, Option<Bytes>>;
    /// Reads all of a blob and says what stands there.
    fn condition(&self, hash: BlobHash) -> Reply<'_, Condition>;
    /// Where a blob can be read by a worker's parent.
    fn path(&self, hash: BlobHash) -> PathBuf;
    /// Keeps a thumbnail; it can be made again and need not be durable.
    fn keep_thumbnail(&self, hash: BlobHash, bytes: Bytes) -> Reply<'_, ()>;
    /// A thumbnail, if one was kept.
    fn thumbnail(&self, hash: BlobHash) -> Reply<'_, Option<Bytes>>;
}
