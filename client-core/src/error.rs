//! Errors by what to do next, not by what went wrong inside.
//!
//! A screen shows one sentence per [`ErrorKind`]; the text here is for support. Every text
//! says what happened and whether the data is safe. Nothing here is ever matched by its words.

use std::fmt;
use std::path::PathBuf;

use louan_schema::doc::DocumentError;
use louan_schema::record::Fault;

use crate::shelf::ShelfError;
use crate::store::StoreError;

/// What the user, or somebody he can ask, does next (错误处理).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// No answer from the office, or not one of ours; try again later. Nothing is lost.
    Offline,
    /// The session has ended; sign in again. Saved work stays and will be sent.
    SignInAgain,
    /// The input cannot stand; every fault at once, each with a pointer to its field.
    FixInput(Vec<Fault>),
    /// A right is missing, or this phone has been told to stop; only the office can change it.
    AskAdmin,
    /// No room on the device; what was saved before is safe, this act was not saved.
    StorageFull,
    /// The office or the store speaks a newer version; install the current app.
    UpdateApp,
    /// A fault of this program; saved work is untouched.
    Bug,
}

/// What went wrong, while doing what.
#[derive(Debug)]
pub struct Error {
    /// What to do next.
    pub kind: ErrorKind,
    /// What was being done, for support.
    pub doing: &'static str,
    /// Why, for support.
    pub why: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, doing: &'static str, why: impl Into<String>) -> Self {
        Self { kind, doing, why: why.into(), source: None }
    }

    pub(crate) fn ask_admin(doing: &'static str, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::AskAdmin, doing, why)
    }

    pub(crate) fn bug(doing: &'static str, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, doing, why)
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error that carries every fault.
    pub(crate) fn faulty(doing: &'static str, faults: Vec<Fault>) -> Self {
        let why = faults.iter().map(|f| format!("{} {:?}", f.pointer, f.rule)).collect::<Vec<_>>().join(", ");
        Self::new(ErrorKind::FixInput(faults), doing, why)
    }

    /// What is wrong with one document, when the error is about nothing else: others are to go on without it.
    pub(crate) fn document_fault(&self) -> Option<&DocumentError> {
        self.source.as_ref()?.downcast_ref()
    }

    /// `Ok` when there is no fault, the error with all of them otherwise.
    pub(crate) fn unless_faulty(doing: &'static str, faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::faulty(doing, faults)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = match &self.kind {
            ErrorKind::Offline => "nothing is lost, it will be tried again",
            ErrorKind::SignInAgain => "saved work is safe; sign in again",
            ErrorKind::FixInput(_) => "nothing was saved; correct the marked fields",
            ErrorKind::AskAdmin => "saved work is safe; ask the office",
            ErrorKind::StorageFull => "this was not saved, earlier work is safe; free some space",
            ErrorKind::UpdateApp => "saved work is safe; install the current app",
            ErrorKind::Bug => "saved work is safe; tell support",
        };
        write!(f, "{}: {}; {next}", self.doing, self.why)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = if matches!(error, StoreError::Full) { ErrorKind::StorageFull } else { ErrorKind::Bug };
        Self::new(kind, "using the store", error.to_string()).because(error)
    }
}

impl From<ShelfError> for Error {
    fn from(error: ShelfError) -> Self {
        let kind = if matches!(error, ShelfError::Full) { ErrorKind::StorageFull } else { ErrorKind::Bug };
        Self::new(kind, "keeping a photo", error.to_string()).because(error)
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        Self::bug("writing a document", error.to_string()).because(error)
    }
}

/// Why a store cannot be opened. Nothing was changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Written by a newer app.
    #[error(
        "the store has layout {found}, this app knows {known}; nothing was changed; install the current app"
    )]
    NewerStore {
        /// Layout of the store.
        found: i64,
        /// Newest layout this app knows.
        known: i64,
    },
    /// A database, but not one of this app's.
    #[error("the file is some other program's database; nothing was changed; choose another place")]
    Foreign,
    /// Another process holds it.
    #[error("the store is in use by another process; nothing was changed; close the other one")]
    InUse,
    /// No room on the device.
    #[error("no room to open the store; what was saved is safe; free some space")]
    StorageFull,
    /// Damaged, and it could not be put aside.
    #[error(
        "the store is damaged and could not be put aside to {aside:?}; nothing was deleted; tell support"
    )]
    Damaged {
        /// Where it was to be put.
        aside: PathBuf,
        /// Why that failed.
        #[source]
        source: std::io::Error,
    },
    /// Anything else the store answered.
    #[error("the store cannot be opened; nothing was deleted; tell support")]
    Store(#[source] StoreError),
}
