//! What parent and worker say to each other: length-prefixed CBOR over pipes.
//!
//! The parent believes nothing a worker answers beyond its shape: a worker that was taken
//! over can only spoil the document it was given.

use louan_schema::doc::Descriptor;
use louan_schema::doc::judge::Judged;
use louan_schema::wire::Code;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::JudgeCase;
use super::picture::{Picture, PictureKind, Seen, Unfit};
use crate::table::{Table, TableFault};

/// Longest message either way, in bytes.
pub(super) const MESSAGE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// A job.
#[derive(Debug, Encode, Decode)]
pub(super) enum Job {
    /// Judge changes.
    #[n(0)]
    Judge(#[n(0)] JudgeJob),
    /// Look at a picture.
    #[n(1)]
    Picture(#[n(0)] PictureKind, #[n(1)] ByteVec),
    /// Read a file as a table.
    #[n(2)]
    Table(#[n(0)] ByteVec),
}

impl Job {
    /// The beginning of a job about a picture of so many bytes; the bytes themselves follow it. A picture is
    /// never held in the serving process's memory.
    pub(super) fn picture_head(kind: PictureKind, bytes: u64) -> Vec<u8> {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        let head = encoder.array(2).and_then(|e| e.u32(1)).and_then(|e| e.array(2));
        let head = head.and_then(|e| e.encode(kind)).and_then(|e| e.bytes_len(bytes)).map(|_| ());
        // Writing to a Vec cannot fail.
        debug_assert!(head.is_ok());
        encoder.into_writer()
    }
}

/// A job about a document.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct JudgeJob {
    #[n(0)]
    descriptor: Descriptor,
    #[n(1)]
    snapshot: Option<ByteVec>,
    #[n(2)]
    changes: Vec<ByteVec>,
}

impl From<&JudgeCase> for JudgeJob {
    fn from(case: &JudgeCase) -> Self {
        Self {
            descriptor: case.descriptor,
            snapshot: case.snapshot.clone().map(Into::into),
            changes: case.changes.iter().cloned().map(Into::into).collect(),
        }
    }
}

impl From<JudgeJob> for JudgeCase {
    fn from(job: JudgeJob) -> Self {
        Self {
            descriptor: job.descriptor,
            snapshot: job.snapshot.map(Into::into),
            changes: job.changes.into_iter().map(Into::into).collect(),
        }
    }
}

/// An answer.
#[derive(Debug, Encode, Decode)]
pub(super) enum Answer {
    /// The verdicts, nothing for an accepted change, and the document saved.
    #[n(0)]
    Judged(#[n(0)] Vec<Option<Code>>, #[n(1)] ByteVec),
    /// The document given could not be read.
    #[n(1)]
    Failed(#[n(0)] Code),
    /// What was seen of a picture.
    #[n(2)]
    Seen(#[n(0)] Picture),
    /// A picture is not taken.
    #[n(3)]
    Refused(#[n(0)] Unfit),
    /// A table read.
    #[n(4)]
    Table(#[n(0)] Table),
    /// A file that is no table.
    #[n(5)]
    NoTable(#[n(0)] TableFault),
}

impl From<Result<Judged, Code>> for Answer {
    fn from(result: Result<Judged, Code>) -> Self {
        match result {
            Ok(judged) => {
                Self::Judged(judged.verdicts.into_iter().map(Result::err).collect(), judged.snapshot.into())
            }
            Err(code) => Self::Failed(code),
        }
    }
}

impl Answer {
    /// The answer as a judgement of `changes` changes; nothing when it does not fit them.
    pub(super) fn judged(self, changes: usize) -> Option<Result<Judged, Code>> {
        match self {
            Self::Judged(verdicts, snapshot) if verdicts.len() == changes => {
                let verdicts = verdicts.into_iter().map(|code| code.map_or(Ok(()), Err)).collect();
                Some(Ok(Judged { verdicts, snapshot: snapshot.into() }))
            }
            Self::Failed(code) => Some(Err(code)),
            _ => None,
        }
    }

    /// The answer as what was seen of a picture; nothing when it is about something else.
    pub(super) fn seen(self) -> Option<Seen> {
        match self {
            Self::Seen(picture) => Some(Ok(picture)),
            Self::Refused(unfit) => Some(Err(unfit)),
            _ => None,
        }
    }

    /// The answer as a table; nothing when it is about something else.
    pub(super) fn table(self) -> Option<Result<Table, TableFault>> {
        match self {
            Self::Table(table) => Some(Ok(table)),
            Self::NoTable(fault) => Some(Err(fault)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pictures_head_and_its_bytes_are_the_whole_job() {
        for kind in [PictureKind::Photo, PictureKind::Original] {
            for length in [0, 1, 23, 24, 255, 256, 70_000] {
                let bytes = vec![7; length];
                let mut told = Job::picture_head(kind, length as u64);
                told.extend_from_slice(&bytes);
                assert_eq!(told, minicbor::to_vec(Job::Picture(kind, bytes.into())).expect("encodes"));
            }
        }
    }
}
