//! Why bytes are not taken as a photo: a closed list with stable codes.
//!
//! The codes are the same on the phone and in the server's problem bodies. Words for people stand where people
//! read; here is only what went wrong.

use crate::sniff::Format;

/// Why bytes are not taken as a photo (照片拒收原因). Nothing was made of them and nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something else than JPEG, PNG or still WebP (P04).
    #[error("{} is not taken", .0.name())]
    Unsupported(Format),
    /// More bytes than a photo's file may have.
    #[error("the file is larger than a photo's")]
    FileTooLarge,
    /// Wider, higher or with more pixels than a photo, or needing more memory than a decoder gets (P01).
    #[error("the picture is larger than a photo's")]
    ImageTooLarge,
    /// Its end is missing (P02).
    #[error("the file is cut off")]
    Truncated,
    /// It contradicts itself or its own format.
    #[error("the file is damaged")]
    Damaged,
}

impl Refusal {
    /// The code in problem bodies, tables and logs; stable for ever.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported_image",
            Self::FileTooLarge => "file_too_large",
            Self::ImageTooLarge => "image_too_large",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged_image",
        }
    }
}
