//! The file of what was not sent, part by part: for a phone that cannot send, and whose work shall not be lost with it.
//!
//! Sans-IO like a request: a part is planned here, signed by the host, and made here; the host appends it to a file.
//! Nothing is settled by it. What the file carries stays pending until the office answers for it, and is sent as well.

use louan_schema::id::{BlobHash, DeviceId, Incarnation};
use louan_schema::photo::UploadKind;
use louan_schema::time::Timestamp;
use louan_schema::unsent::{UnsentPart, photo_digest};
use louan_schema::wire::{CHANGES_MAX, PROTOCOL};

use super::{fold, prepare};
use crate::error::Error;
use crate::phone::Phone;
use crate::store::{EditState, Meta, Writer};

const DOING: &str = "making the file of unsent data";

/// How far such a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnsentMark {
    /// The last edit in it.
    edit: i64,
    /// Whether edits are done, and the last photo.
    photos: Option<Option<BlobHash>>,
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
        if mark.photos.is_none()
            && let Some(draft) = self.store.write(|w| changes(w, mark.edit, now))?
        {
            return Ok(Some(draft));
        }
        self.unsent_photo(mark.photos.flatten(), mark.edit)
    }

    fn unsent_photo(&self, mut after: Option<BlobHash>, edit: i64) -> Result<Option<UnsentDraft>, Error> {
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
            let card = row.card.to_bytes();
            let digests = vec![photo_digest(device, &card, photo)];
            let signature = Vec::new().into();
            let part = UnsentPart::Photo { device, card: card.into(), bytes: bytes.into(), signature };
            return Ok(Some(UnsentDraft { part, digests, next: UnsentMark { edit, photos: Some(after) } }));
        }
        Ok(None)
    }
}

fn not_enrolled() -> Error {
    Error::ask_admin(DOING, "this phone is not enrolled")
}

/// The next edits and, with the first of them, the commands; nothing when there are none.
fn changes(w: &Writer<'_>, after: i64, now: Timestamp) -> Result<Option<UnsentDraft>, Error> {
    let device: DeviceId = w.meta(Meta::Device)?.ok_or_else(not_enrolled)?;
    let incarnation: Incarnation =
        w.meta(Meta::Incarnation)?.ok_or_else(|| Error::bug(DOING, "the store has no life of its own"))?;
    let mut commands = Vec::new();
    if after == 0 {
        fold::open_rounds(w, now)?;
        commands = w.list_commands(EditState::Pending)?;
    }
    let rows = prepare::affordable(w.list_pending_after(after, CHANGES_MAX)?, usize::MAX);
    let order: Vec<_> = rows.iter().map(|row| (row.hash, row.local_seq)).collect();
    let mut drafts = prepare::batches(rows);
    for row in &commands {
        if !drafts.iter().any(|draft| draft.person == row.person && draft.incarnation == incarnation) {
            drafts.push(prepare::Drafted::of_commands(row.person, incarnation));
        }
    }
    if drafts.is_empty() {
        return Ok(None);
    }
    let (mut batches, mut digests, mut edit) = (Vec::new(), Vec::new(), after);
    for (_, _, hash) in drafts.iter().flat_map(|draft| &draft.list) {
        // It may reach the office by this file: from now on it is never written anew under its old number.
        w.set_sent(*hash)?;
        edit = order.iter().find(|(known, _)| known == hash).map_or(edit, |(_, seq)| edit.max(*seq));
    }
    let last_of =
        |person| drafts.iter().rposition(|draft| draft.person == person && draft.incarnation == incarnation);
    let asked: Vec<Vec<_>> = (0..drafts.len())
        .map(|i| {
            let own = commands.iter().filter(|row| last_of(row.person) == Some(i));
            own.map(|row| row.command.clone()).collect()
        })
        .collect();
    for (draft, commands) in drafts.into_iter().zip(asked) {
        let (batch, digest, _) = draft.unsigned(device, commands);
        batches.push(batch);
        digests.push(digest);
    }
    let part = UnsentPart::Changes { device, protocol: PROTOCOL, batches };
    // Nothing but commands: there is nothing behind them to go on with.
    let photos = (edit == after).then_some(None);
    Ok(Some(UnsentDraft { part, digests, next: UnsentMark { edit, photos } }))
}
