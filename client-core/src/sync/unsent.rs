//! The file of what was not sent, part by part: for a phone that cannot send, and whose work shall not be lost with it.
//!
//! Sans-IO like a request: a part is planned here, signed by the host, and made here; the host appends it to a file.
//! Nothing is settled by it. What the file carries stays pending until the office answers for it, and is sent as well.

use louan_schema::id::{BlobHash, DeviceId, Incarnation};
use louan_schema::photo::UploadKind;
use louan_schema::time::Timestamp;
use louan_schema::unsent::{UnsentPart, photo_digest};
use louan_schema::wire::{CHANGES_MAX, PROTOCOL};
use sha2::{Digest, Sha256};

use super::{fold, prepare};
use crate::error::Error;
use crate::phone::Phone;
use crate::store::{EditState, Meta, Writer};

const DOING: &str = "making the file of unsent data";

/// How far such a file has come: what was written first, then photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsentMark {
    /// Edits up to with this one, and so many commands, are in it.
    Written {
        /// Place of the last edit in the order written.
        edit: i64,
        /// Commands, in the order asked.
        commands: usize,
    },
    /// All that was written is, and photos up to with this one.
    Photos(Option<BlobHash>),
}

impl Default for UnsentMark {
    fn default() -> Self {
        Self::Written { edit: 0, commands: 0 }
    }
}

/// A part planned (未上传数据包的一份): what is to be signed, and what comes behind it.
#[derive(Debug, Clone)]
pub struct UnsentDraft {
    part: UnsentPart,
    digests: Vec<[u8; 32]>,
    next: UnsentMark,
}

impl UnsentDraft {
    /// What the device key signs, in order.
    #[must_use]
    pub fn digests(&self) -> &[[u8; 32]] {
        &self.digests
    }

    /// Where the file goes on behind this part.
    #[must_use]
    pub const fn next(&self) -> UnsentMark {
        self.next
    }

    /// The part's bytes, from the signatures over [`Self::digests`].
    ///
    /// # Errors
    /// [`Error`] when there are more or fewer signatures than digests.
    pub fn seal(mut self, signatures: &[[u8; 64]]) -> Result<Vec<u8>, Error> {
        if signatures.len() != self.digests.len() {
            return Err(Error::bug(DOING, "as many signatures as digests are needed"));
        }
        match &mut self.part {
            UnsentPart::Changes { batches, .. } => {
                for (batch, signed) in batches.iter_mut().zip(signatures) {
                    batch.signature = signed.to_vec().into();
                }
            }
            UnsentPart::Photo { signature, .. } => {
                *signature = signatures.first().map(|signed| signed.to_vec()).unwrap_or_default().into();
            }
        }
        self.part.to_bytes().map_err(|e| Error::bug(DOING, e.to_string()).because(e))
    }
}

impl Phone {
    /// The next part of the file, behind this mark; nothing when all that was not sent is in it. A new file begins with
    /// [`louan_schema::unsent::MAGIC`] and the default mark.
    ///
    /// # Errors
    /// [`Error`] when the phone is not enrolled, or the store or the shelf refuses.
    pub fn next_unsent(&mut self, mark: UnsentMark, now: Timestamp) -> Result<Option<UnsentDraft>, Error> {
        let photos = match mark {
            UnsentMark::Photos(photos) => photos,
            UnsentMark::Written { edit, commands } => {
                if let Some(draft) = self.store.write(|w| written(w, edit, commands, now))? {
                    return Ok(Some(draft));
                }
                None
            }
        };
        self.unsent_photo(photos)
    }

    fn unsent_photo(&self, mut after: Option<BlobHash>) -> Result<Option<UnsentDraft>, Error> {
        let r = self.store.read();
        let device: DeviceId = r.meta(Meta::Device)?.ok_or_else(not_enrolled)?;
        while let Some(photo) = r.next_unsent_photo(after)? {
            after = Some(photo);
            // A file that is gone is told where the photo is shown; the others shall not wait for it.
            let (Some(row), Ok(Some(bytes))) =
                (r.find_photo(photo)?, self.photo_file(photo, UploadKind::Photo))
            else {
                continue;
            };
            // What rotted on the shelf would make the office refuse the file, today and every time.
            if BlobHash(Sha256::digest(&bytes).into()) != photo {
                continue;
            }
            let card = row.card.to_bytes();
            let digests = vec![photo_digest(device, &card, photo)];
            let signature = Vec::new().into();
            let part = UnsentPart::Photo { device, card: card.into(), bytes: bytes.into(), signature };
            return Ok(Some(UnsentDraft { part, digests, next: UnsentMark::Photos(after) }));
        }
        Ok(None)
    }
}

fn not_enrolled() -> Error {
    Error::ask_admin(DOING, "this phone is not enrolled")
}

/// The next edits and commands; nothing when there are none.
fn written(w: &Writer<'_>, edit: i64, commands: usize, now: Timestamp) -> Result<Option<UnsentDraft>, Error> {
    let device: DeviceId = w.meta(Meta::Device)?.ok_or_else(not_enrolled)?;
    let incarnation: Incarnation =
        w.meta(Meta::Incarnation)?.ok_or_else(|| Error::bug(DOING, "the store has no life of its own"))?;
    if (edit, commands) == (0, 0) {
        fold::open_rounds(w, now)?;
    }
    let asked = w.list_commands(EditState::Pending)?;
    let asked: Vec<_> = asked.into_iter().skip(commands).take(prepare::COMMANDS_MAX).collect();
    let rows = prepare::affordable(w.list_pending_after(edit, CHANGES_MAX)?, usize::MAX);
    let places: Vec<i64> = rows.iter().map(|row| row.local_seq).collect();
    let drafts = prepare::batches(rows);
    // Batches take rows from the front, as many as there is room for.
    let taken: usize = drafts.iter().map(|draft| draft.list.len()).sum();
    if taken == 0 && asked.is_empty() {
        return Ok(None);
    }
    for (_, _, hash) in drafts.iter().flat_map(|draft| &draft.list) {
        // It may reach the office by this file: from now on it is never written anew under its old number.
        w.set_sent(*hash)?;
    }
    let edit = places[..taken].last().copied().unwrap_or(edit);
    let next = UnsentMark::Written { edit, commands: commands + asked.len() };
    let (mut batches, mut digests) = (Vec::new(), Vec::new());
    for (draft, commands) in prepare::with_commands(drafts, &asked, incarnation) {
        let (batch, digest, _) = draft.unsigned(device, commands);
        batches.push(batch);
        digests.push(digest);
    }
    let part = UnsentPart::Changes { device, protocol: PROTOCOL, batches };
    Ok(Some(UnsentDraft { part, digests, next }))
}
