//! What a call can answer instead of its result: one variant per next action.
//!
//! A screen shows one sentence per variant and never matches `detail`, which is for
//! support. Nothing is decided here: the kind is the core's, word for word.

use louan_client_core::schema::record::{Fault, Rule};
use louan_client_core::{Error, ErrorKind, OpenError};

/// Something in the input that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct InputFault {
    /// JSON pointer to the field, `/answers/3/reason`.
    pub pointer: String,
    /// Which rule, as a word of the list in `mobile-ffi/README.md`.
    pub rule: String,
}

/// Why a call failed, by what to do next (下一步). What was saved before is safe in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum Failure {
    /// No answer from the office; try again later.
    #[error("offline: {detail}")]
    Offline {
        /// For support.
        detail: String,
    },
    /// The session has ended; sign in again.
    #[error("sign in again: {detail}")]
    SignInAgain {
        /// For support.
        detail: String,
    },
    /// The input cannot stand; every fault at once.
    #[error("fix the input: {detail}")]
    FixInput {
        /// Every fault.
        faults: Vec<InputFault>,
        /// For support.
        detail: String,
    },
    /// Only the office can change it.
    #[error("ask the office: {detail}")]
    AskAdmin {
        /// For support.
        detail: String,
    },
    /// No room on the device; this act was not saved.
    #[error("storage full: {detail}")]
    StorageFull {
        /// For support.
        detail: String,
    },
    /// Install the current app.
    #[error("update the app: {detail}")]
    UpdateApp {
        /// For support.
        detail: String,
    },
    /// A fault of this program or of the screen that called it.
    #[error("bug: {detail}")]
    Bug {
        /// For support.
        detail: String,
    },
}

impl Failure {
    /// One fault at a field whose text names nothing in its list.
    pub(crate) fn unknown_code(pointer: &str, found: &str) -> Self {
        let fault = InputFault { pointer: pointer.to_owned(), rule: word(Rule::UnknownCode).to_owned() };
        Self::FixInput { faults: vec![fault], detail: format!("`{found}` at {pointer} is in no list") }
    }

    /// The screen handed in what no screen can show, as a text that is no id.
    pub(crate) fn misused(detail: impl Into<String>) -> Self {
        Self::Bug { detail: detail.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error.kind {
            ErrorKind::Offline => Self::Offline { detail },
            ErrorKind::SignInAgain => Self::SignInAgain { detail },
            ErrorKind::FixInput(faults) => {
                Self::FixInput { faults: faults.into_iter().map(InputFault::from).collect(), detail }
            }
            ErrorKind::AskAdmin => Self::AskAdmin { detail },
            ErrorKind::StorageFull => Self::StorageFull { detail },
            ErrorKind::UpdateApp => Self::UpdateApp { detail },
            ErrorKind::Bug => Self::Bug { detail },
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let detail = error.to_string();
        match error {
            OpenError::NewerStore { .. } => Self::UpdateApp { detail },
            OpenError::StorageFull => Self::StorageFull { detail },
            OpenError::Foreign | OpenError::InUse | OpenError::Damaged { .. } | OpenError::Store(_) => {
                Self::Bug { detail }
            }
        }
    }
}

impl From<Fault> for InputFault {
    fn from(fault: Fault) -> Self {
        Self { pointer: fault.pointer, rule: word(fault.rule).to_owned() }
    }
}

/// The word for a rule, stable for ever: screens look their sentence up by it.
const fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::Missing => "missing",
        Rule::TooMuch => "too_much",
        Rule::NotPlain => "not_plain",
        Rule::UnknownCode => "unknown_code",
        Rule::Counts => "counts",
        Rule::Twice => "twice",
        Rule::Order => "order",
        Rule::Reference => "reference",
        Rule::Contradiction => "contradiction",
        Rule::OnTheSpot => "on_the_spot",
        Rule::Layout => "layout",
        Rule::Reserved => "reserved",
        Rule::NotOurs => "not_ours",
        Rule::PhotoFormat => "photo_format",
        Rule::PhotoSize => "photo_size",
        Rule::PhotoDamaged => "photo_damaged",
    }
}
