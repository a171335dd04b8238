//! Looking at a picture: whether it may be kept, how large it is, what it looks like, its thumbnail.
//!
//! A picture of 6 KB may want a gibibyte to be decoded (P01): it is looked at like any stranger's bytes, in a
//! worker. What is kept is never the worker's output, except the thumbnail, which is decoded by nobody here again.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use louan_photo::{Format, Refusal, Source, inspect};
use louan_schema::photo::PHOTO_SIDE_MAX;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::InProcess;
use super::frame::Job;
use super::pool::{Asked, Message, Pool};

/// What a picture is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PictureKind {
    /// A photo as phones send it: a plain JPEG, upright, of 2,048 pixels at most, with nothing else in it.
    #[n(0)]
    Photo,
    /// A camera's own file, whatever it carries.
    #[n(1)]
    Original,
}

/// A picture to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Where its bytes are.
    pub path: PathBuf,
    /// How many.
    pub bytes: u64,
    /// What it is to be.
    pub kind: PictureKind,
}

/// What was seen of a picture (照片检验结果).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Picture {
    /// Width in pixels, upright.
    #[n(0)]
    pub width: u32,
    /// Height in pixels, upright.
    #[n(1)]
    pub height: u32,
    /// What it looks like, in 64 bits.
    #[n(2)]
    pub likeness: u64,
    /// A small JPEG.
    #[n(3)]
    pub thumbnail: ByteVec,
}

/// A picture, or why it is not taken.
pub type Seen = Result<Picture, Unfit>;

/// Why a picture is not taken (照片不予接收原因).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Unfit {
    /// No format that is taken (P04).
    #[n(0)]
    Unsupported,
    /// More bytes than a photo has.
    #[n(1)]
    FileTooLarge,
    /// More pixels, or more memory to decode them, than a photo needs (P01).
    #[n(2)]
    ImageTooLarge,
    /// Its end is missing (P02).
    #[n(3)]
    Truncated,
    /// It contradicts itself.
    #[n(4)]
    Damaged,
    /// There is more in it than a picture: notes of a camera, or bytes behind its end (P03, P06).
    #[n(5)]
    NotPlain,
}

impl Unfit {
    /// The code in problem bodies; stable for ever.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported_image",
            Self::FileTooLarge => "file_too_large",
            Self::ImageTooLarge => "image_too_large",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged_image",
            Self::NotPlain => "not_plain",
        }
    }
}

impl From<Refusal> for Unfit {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported(_) => Self::Unsupported,
            Refusal::FileTooLarge => Self::FileTooLarge,
            Refusal::ImageTooLarge => Self::ImageTooLarge,
            Refusal::Truncated => Self::Truncated,
            Refusal::Damaged => Self::Damaged,
        }
    }
}

/// Why nothing is known about a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureFault {
    /// It cost a worker its life twice: more memory or time than any honest picture.
    #[error("the picture costs more than a worker may spend")]
    TooMuch,
    /// There is no worker just now.
    #[error("no worker can look at it now")]
    Later,
}

/// Looks at pictures.
pub trait Examine: Send + Sync {
    /// What is to be seen.
    fn examine(&self, look: Look) -> BoxFuture<'_, Result<Seen, PictureFault>>;
}

/// Looks at a picture's bytes.
pub(super) fn look(kind: PictureKind, bytes: &[u8]) -> Seen {
    let source = inspect(bytes)?;
    if kind == PictureKind::Photo {
        plain(&source, bytes)?;
    }
    let seen = louan_photo::seen(&source)?;
    Ok(Picture {
        width: seen.width,
        height: seen.height,
        likeness: seen.likeness,
        thumbnail: seen.thumbnail.into(),
    })
}

/// A photo as phones send it has nothing in it but a picture: a JPEG's tables and scans, and no byte behind its end.
/// So nothing has to be taken out of it, and it is kept as it came.
fn plain(source: &Source<'_>, bytes: &[u8]) -> Result<(), Unfit> {
    if source.format() != Format::Jpeg {
        return Err(Unfit::Unsupported);
    }
    if source.width().max(source.height()) > u32::from(PHOTO_SIDE_MAX) {
        return Err(Unfit::ImageTooLarge);
    }
    let whole = source.picture().len() == bytes.len();
    if whole && source.is_bare() { Ok(()) } else { Err(Unfit::NotPlain) }
}

impl Examine for Pool {
    fn examine(&self, look: Look) -> BoxFuture<'_, Result<Seen, PictureFault>> {
        Box::pin(async move {
            let head = Job::picture_head(look.kind, look.bytes);
            let message = Message { head, file: Some((&look.path, look.bytes)) };
            // A worker may die of something else than its job, so one death is no proof.
            for _ in 0..2 {
                match self.ask(&message).await {
                    Asked::Answered(answer) => return answer.seen().ok_or(PictureFault::Later),
                    Asked::Died => {}
                    Asked::Nothing => return Err(PictureFault::Later),
                }
            }
            Err(PictureFault::TooMuch)
        })
    }
}

impl Examine for InProcess {
    fn examine(&self, picture: Look) -> BoxFuture<'_, Result<Seen, PictureFault>> {
        let seen = std::fs::read(&picture.path).map(|bytes| look(picture.kind, &bytes));
        Box::pin(std::future::ready(seen.map_err(|_| PictureFault::Later)))
    }
}
