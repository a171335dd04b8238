//! Checkpoints: how far the audit was, signed, one line of text each, kept where the server cannot take them back.
//!
//! A chain whose end was cut off still follows from its beginning (A22): only who knew more can tell. The lines go to a
//! file that can only grow, best on another machine. Each stands by itself and names the key it is signed with, so that
//! whoever keeps the file can check it without asking the server. This room makes and reads lines; when one is due,
//! and what it is compared with, is not its business.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::id::{BlobHash, Epoch};
use louan_schema::time::Timestamp;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// What a line begins with: the format and its number.
const FORMAT: &str = "louan-audit-1";
/// The key's file, beside the store; not part of a backup.
const KEY_FILE: &str = "audit-checkpoint.key";
/// Its name before it is whole.
const PASSING: &str = "audit-checkpoint.key.part";

/// How far the audit was (审计检查点).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// System clock.
    pub at: Timestamp,
    /// The life of the log; a restore begins another one, in which the audit is shorter.
    pub epoch: Epoch,
    /// How many lines the audit had.
    pub lines: u64,
    /// Its running hash there.
    pub chain: [u8; 32],
}

/// A line that is no checkpoint, or is not signed by the key it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint of an audit, or its signature does not fit")]
pub struct NotACheckpoint;

/// What checkpoints are signed with (检查点签名密钥).
pub struct CheckpointKey(SigningKey);

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckpointKey")
    }
}

impl CheckpointKey {
    /// The key of the store at this path, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn of(store: &Path) -> io::Result<Option<Self>> {
        match fs::read(store.with_file_name(KEY_FILE)) {
            Ok(bytes) => Self::read(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same; made of these random bytes when there is none.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn of_or_new(store: &Path, fresh: [u8; 32]) -> io::Result<Self> {
        if let Some(key) = Self::of(store)? {
            return Ok(key);
        }
        let key = Self::read(&fresh)?;
        // Whole or not there: a key half written would stop every checkpoint from then on.
        let (path, passing) = (store.with_file_name(KEY_FILE), store.with_file_name(PASSING));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&passing)?;
        file.write_all(&fresh)?;
        file.sync_all()?;
        fs::rename(&passing, &path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())?;
        Ok(key)
    }

    fn read(bytes: &[u8]) -> io::Result<Self> {
        SigningKey::from_slice(bytes).map(Self).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }

    /// Its public half, as lines name it.
    #[must_use]
    pub fn public(&self) -> String {
        Base64UrlUnpadded::encode_string(self.0.verifying_key().to_sec1_point(true).as_bytes())
    }

    /// A checkpoint as a signed line, without its end.
    #[must_use]
    pub fn line(&self, checkpoint: &Checkpoint) -> String {
        let said = said_by(checkpoint, &self.public());
        let signature: Signature = self.0.sign(said.as_bytes());
        format!("{said} {}", Base64UrlUnpadded::encode_string(&signature.to_bytes()))
    }
}

/// A line read and found to be signed by the key it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The public half of the key.
    pub key: String,
}

impl FromStr for SignedCheckpoint {
    type Err = NotACheckpoint;

    fn from_str(line: &str) -> Result<Self, NotACheckpoint> {
        let read = || {
            let (said, signature) = line.rsplit_once(' ')?;
            let [FORMAT, at, epoch, lines, chain, key] = said.split(' ').collect::<Vec<_>>()[..] else {
                return None;
            };
            let checkpoint = Checkpoint {
                at: at.parse().ok()?,
                epoch: epoch.parse().ok()?,
                lines: lines.parse().ok()?,
                chain: chain_of(chain)?,
            };
            let point = Base64UrlUnpadded::decode_vec(key).ok()?;
            let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
            let signature = Signature::from_slice(&signature).ok()?;
            let signed = VerifyingKey::from_sec1_bytes(&point).ok()?.verify(said.as_bytes(), &signature);
            // One spelling: what was signed is what is said.
            let spelt = said == said_by(&checkpoint, key);
            (signed.is_ok() && spelt).then(|| Self { checkpoint, key: key.to_owned() })
        };
        read().ok_or(NotACheckpoint)
    }
}

/// Appends a line to a file that is made when there is none; durable when this returns. A line that was cut short
/// before, by a full disk or a power cut, is ended first and stays as it is.
///
/// # Errors
/// The device's; [`io::ErrorKind::InvalidInput`] for what is no plain file, such as a pipe that nobody reads.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    if !is_plain(path)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if let Some(at) = length.checked_sub(1) {
        file.read_exact_at(&mut last, at)?;
    }
    let end = if last == *b"\n" { "" } else { "\n" };
    // One write: lines of two servers in one file stay lines.
    file.write_all(format!("{end}{line}\n").as_bytes())?;
    file.sync_all()
}

/// The text of a file of checkpoints; nothing when there is none.
///
/// # Errors
/// As for [`append`].
pub fn text(path: &Path) -> io::Result<Option<String>> {
    if !is_plain(path)? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    match fs::read(path) {
        // Rot makes a line no checkpoint; the others are read.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file is a plain one, or not there.
fn is_plain(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whether a line may be one that was cut short: it begins like a checkpoint and is shorter than any.
#[must_use]
pub fn is_unfinished(line: &str) -> bool {
    let begins = line.starts_with(FORMAT) || FORMAT.starts_with(line);
    let fields: Vec<&str> = line.split(' ').collect();
    // A signature has 64 bytes, 86 characters.
    begins && (fields.len() < 7 || fields.len() == 7 && fields[6].len() < 86)
}

/// What is signed.
fn said_by(checkpoint: &Checkpoint, key: &str) -> String {
    let Checkpoint { at, epoch, lines, chain } = checkpoint;
    let chain: String = chain.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{FORMAT} {at} {epoch} {lines} {chain} {key}")
}

fn chain_of(text: &str) -> Option<[u8; 32]> {
    text.parse::<BlobHash>().ok().map(|hash| hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let at = Timestamp::from_ms(1_584_669_600_000);
        Checkpoint { at, epoch: Epoch([9; 16]), lines: 1_234, chain: [0xab; 32] }
    }

    fn key(secret: u8) -> CheckpointKey {
        CheckpointKey::read(&[secret; 32]).expect("a key")
    }

    #[test]
    fn a_line_reads_back_and_names_its_key() {
        let line = key(1).line(&checkpoint());
        let read: SignedCheckpoint = line.parse().expect("signed");
        assert_eq!((read.checkpoint, read.key), (checkpoint(), key(1).public()));
        assert_ne!(key(1).public(), key(2).public());
        assert!(line.starts_with("louan-audit-1 2020-03-20T10:00:00"), "{line}");
    }

    #[test]
    fn no_character_of_a_line_can_be_another() {
        let line = key(1).line(&checkpoint());
        for at in 0..line.len() {
            for other in ["0", "1", "a", "Z", " "] {
                let forged = format!("{}{other}{}", &line[..at], &line[at + 1..]);
                assert!(forged == line || forged.parse::<SignedCheckpoint>().is_err(), "{forged}");
            }
        }
        for not_one in ["", "louan-audit-1", &line[1..], &format!("{line} "), &line.replace(' ', "  ")] {
            assert_eq!(not_one.parse::<SignedCheckpoint>(), Err(NotACheckpoint), "{not_one}");
        }
    }

    #[test]
    fn a_line_cut_short_is_ended_and_told_from_one_that_was_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoints");
        let line = key(1).line(&checkpoint());
        assert_eq!(text(&path).expect("looks"), None);
        for cut in 1..line.len() {
            assert!(is_unfinished(&line[..cut]), "{}", &line[..cut]);
            fs::write(&path, &line[..cut]).expect("writes");
            append(&path, &line).expect("appends");
            let said = text(&path).expect("reads").expect("is there");
            assert_eq!(said, format!("{}\n{line}\n", &line[..cut]));
        }
        append(&path, &line).expect("appends");
        assert!(text(&path).expect("reads").expect("is there").ends_with(&format!("{line}\n{line}\n")));
        for whole in [line.as_str(), &line.replacen('2', "3", 1), "something else", &format!("{line}x")] {
            assert!(!is_unfinished(whole), "{whole}");
        }
        fs::remove_file(&path).expect("gone");
        fs::create_dir(&path).expect("a folder");
        assert_eq!(append(&path, &line).expect_err("no file").kind(), io::ErrorKind::InvalidInput);
        assert_eq!(text(&path).expect_err("no file").kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_key_is_made_once_closed_to_others_and_one_that_is_damaged_is_not_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("louan.sqlite");
        assert!(CheckpointKey::of(&store).expect("looks").is_none());
        let first = CheckpointKey::of_or_new(&store, [1; 32]).expect("is made").public();
        assert_eq!(CheckpointKey::of_or_new(&store, [2; 32]).expect("is there").public(), first);
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").expect("writes");
        assert!(CheckpointKey::of_or_new(&store, [3; 32]).is_err());
        assert_eq!(fs::read(&path).expect("there"), b"short");
    }
}
