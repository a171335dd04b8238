//! What an office says in text about an upload: a code, an address. Strangers' bytes, taken only where they have the form
//! of ours; anything else is nothing.

/// Where uploads begin, and where every upload must lie.
pub(super) const UPLOADS: &str = "/api/v1/uploads";
/// Longest address of an upload that is kept.
const ADDRESS_CHARS_MAX: usize = 256;

/// The code of a problem body, where it is one of ours: short, small letters and underscores.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let code = problem.get("code")?.as_str()?;
    let ours = code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    ours.then(|| code.to_owned())
}

/// The path of an upload at the office, whatever the office is mounted under; an address elsewhere is none of the
/// office's, and the token does not go there.
pub(super) fn address(location: &str) -> Option<String> {
    let path = &location[location.rfind(UPLOADS).filter(|_| !location.starts_with("//"))?..];
    let name = path.strip_prefix(UPLOADS)?.strip_prefix('/')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let fits = !name.is_empty() && name.bytes().all(plain) && path.len() <= ADDRESS_CHARS_MAX;
    fits.then(|| path.to_owned())
}
