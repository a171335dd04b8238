//! Sync, sans-IO: what to send, and what came back.
//!
//! Three steps, and the driver performs the network between them: [`Phone::prepare`]
//! plans a request and says what to sign, [`Phone::seal`] makes the body,
//! [`Phone::absorb`] takes the reply in one transaction. Any request may be sent any
//! number of times and any reply taken twice. No edit ever leaves the outbox.

mod absorb;
pub(crate) mod allowance;
mod answered;
pub(crate) mod backoff;
mod catch_up;
mod colleague;
mod compact;
pub(crate) mod fold;
mod item;
pub(crate) mod photo;
mod prepare;
mod purge;
pub(crate) mod reauthor;
mod restored;
mod said;
pub(crate) mod unsent;
mod verdict;

use std::sync::OnceLock;

use louan_schema::id::ChangeHash;
use louan_schema::wire::{SyncRequest, frame};

use crate::error::Error;
use crate::phone::Phone;

/// A request planned (同步请求): what is to be signed, and what it will be matched with.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(crate) request: SyncRequest,
    pub(crate) digests: Vec<[u8; 32]>,
    /// By batch, the hash of every change.
    pub(crate) hashes: Vec<Vec<ChangeHash>>,
    pub(crate) signatures: OnceLock<Vec<[u8; 64]>>,
}

impl Prepared {
    /// What the device key signs, one digest a batch, in order: ECDSA P-256 with SHA-256, the digest's
    /// 32 bytes as the message.
    #[must_use]
    pub fn digests(&self) -> &[[u8; 32]] {
        &self.digests
    }

    /// How many changes and commands the request carries.
    #[must_use]
    pub fn pushes(&self) -> usize {
        self.request.batches.iter().map(|batch| batch.changes.len() + batch.commands.len()).sum()
    }
}

/// What a reply brought (同步结果).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Absorbed {
    /// There is more to send or to fetch: prepare again at once.
    pub more: bool,
    /// Edits and commands received by the office.
    pub accepted: usize,
    /// Edits the office holds for a human.
    pub held: usize,
    /// Edits and commands not accepted, with a reason in [`Phone::returned`].
    pub returned: usize,
    /// Edits written anew under another actor, to be sent again.
    pub rewritten: usize,
    /// Things new to this phone.
    pub received: usize,
    /// Things that came down and this build cannot read; they are kept for a later one.
    pub unread: usize,
    /// Acknowledged edits found missing in a restored log, to be sent again.
    pub missing: usize,
    /// Colleagues' changes that a restored log lacked and for which the office has answered.
    pub relayed: usize,
    /// The office's log is not the one this phone knew; what was acknowledged is being asked about.
    pub epoch_changed: bool,
    /// The app is too old to push: the least build accepted.
    pub update_app: Option<u32>,
    /// The phone has sealed itself: nothing unsent is left and it shows nothing any more.
    pub sealed: bool,
}

impl Phone {
    /// Makes the request's body from the signatures over [`Prepared::digests`], in their order.
    ///
    /// # Errors
    /// [`Error`] when there are more or fewer signatures than digests.
    pub fn seal(&self, prepared: &Prepared, signatures: Vec<[u8; 64]>) -> Result<Vec<u8>, Error> {
        let doing = "sealing a request";
        if signatures.len() != prepared.digests.len() {
            return Err(Error::bug(doing, "as many signatures as digests are needed"));
        }
        let mut request = prepared.request.clone();
        for (batch, signature) in request.batches.iter_mut().zip(&signatures) {
            batch.signature = signature.to_vec().into();
        }
        // The first signatures are as good as any later ones over the same digests.
        let _ = prepared.signatures.set(signatures);
        frame::encode(&request).map_err(|e| Error::bug(doing, e.to_string()).because(e))
    }

    /// Tells that a request or its reply was lost on its way: the next one is smaller. A request that never
    /// left the phone, because there was no link at all, is not lost.
    pub fn lost(&mut self) {
        self.allowance.lost();
    }
}
