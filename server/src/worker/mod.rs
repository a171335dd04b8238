//! Workers: the only place of the server where automerge runs, and where pictures are decoded.
//!
//! A phone's bytes may panic, exhaust memory or overflow the stack of whoever applies or decodes them.
//! In service that is a child process with limits of its own ([`Pool`]); the simulator calls
//! the same function in process ([`InProcess`]). Nothing here knows storage or verdict policy:
//! a case goes in, a verdict a change and the saved document come out.

mod frame;
mod picture;
mod pool;
mod process;
mod sheet;

use futures_util::future::BoxFuture;
use louan_schema::doc::Descriptor;
use louan_schema::doc::judge::{Case, Judged, judge};
use louan_schema::wire::Code;

pub use picture::{Examine, Look, Picture, PictureFault, PictureKind, Seen, Unfit};
pub use pool::{Pool, Program};
pub use process::worker_main;

/// One document's changes to be judged together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeCase {
    /// What the document is about.
    pub descriptor: Descriptor,
    /// The document as last saved; nothing for one that has only its first change.
    pub snapshot: Option<Vec<u8>>,
    /// Changes that passed the scan and fit the log, in order of arrival.
    pub changes: Vec<Vec<u8>>,
}

/// Judges documents, each apart from the others.
pub trait Judge: Send + Sync {
    /// One answer a case, in the order given. An error means that the server's own copy
    /// cannot be read just now; nothing is known about the changes then.
    fn judge(&self, cases: Vec<JudgeCase>) -> BoxFuture<'_, Vec<Result<Judged, Code>>>;
}

/// Judges in the calling thread: for the simulator and for tests, where the bytes are ours.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Judge for InProcess {
    fn judge(&self, cases: Vec<JudgeCase>) -> BoxFuture<'_, Vec<Result<Judged, Code>>> {
        Box::pin(std::future::ready(cases.iter().map(judged).collect()))
    }
}

fn judged(case: &JudgeCase) -> Result<Judged, Code> {
    judge(&Case { descriptor: case.descriptor, snapshot: case.snapshot.as_deref(), changes: &case.changes })
}
