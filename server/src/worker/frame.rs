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

/// Longest message either way, in bytes.
pub(super) const MESSAGE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// A job.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub(super) struct Job {
    #[n(0)]
    descriptor: Descriptor,
    #[n(1)]
    snapshot: Option<ByteVec>,
    #[n(2)]
    changes: Vec<ByteVec>,
}

impl From<&JudgeCase> for Job {
    fn from(case: &JudgeCase) -> Self {
        Self {
            descriptor: case.descriptor,
            snapshot: case.snapshot.clone().map(Into::into),
            changes: case.changes.iter().cloned().map(Into::into).collect(),
        }
    }
}

impl From<Job> for JudgeCase {
    fn from(job: Job) -> Self {
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
            Self::Judged(..) => None,
            Self::Failed(code) => Some(Err(code)),
        }
    }
}
