//! What the office answered instead of a result, as what to do next.
//!
//! The decision is by the problem's code, a closed list, never by prose and never by a
//! number; an answer that is not the office's at all (a portal's page) counts as offline.

use serde::Deserialize;

use crate::error::{Error, ErrorKind};

/// The media type of a refusal.
pub(super) const PROBLEM: &str = "application/problem+json";

#[derive(Deserialize)]
struct Problem {
    code: String,
}

/// What to do about a refusal with this body.
pub(super) fn read(doing: &'static str, body: &[u8]) -> Error {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return Error::new(ErrorKind::Offline, doing, "what came back is not the office's answer");
    };
    Error::new(kind(&problem.code), doing, format!("the office answered `{}`", problem.code))
}

fn kind(code: &str) -> ErrorKind {
    match code {
        "sign_in_again" | "bad_credentials" => ErrorKind::SignInAgain,
        "update_app" => ErrorKind::UpdateApp,
        "not_permitted" | "not_found" | "code_unknown" | "code_spent" => ErrorKind::AskAdmin,
        "malformed" | "invalid" | "method_not_allowed" | "length_required" | "unsupported_media_type" => {
            ErrorKind::Bug
        }
        // Too often, too slow, too much at once, out of order: all of it passes.
        _ => ErrorKind::Offline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_do_next() {
        for (body, expected) in [
            (r#"{"code":"sign_in_again","title":"x"}"#, ErrorKind::SignInAgain),
            (r#"{"code":"update_app"}"#, ErrorKind::UpdateApp),
            (r#"{"code":"code_spent"}"#, ErrorKind::AskAdmin),
            (r#"{"code":"malformed"}"#, ErrorKind::Bug),
            (r#"{"code":"overloaded"}"#, ErrorKind::Offline),
            (r#"{"code":"a_code_of_next_year"}"#, ErrorKind::Offline),
            ("<html>sign in to the wireless network</html>", ErrorKind::Offline),
        ] {
            assert_eq!(read("testing", body.as_bytes()).kind, expected, "{body}");
        }
    }
}
