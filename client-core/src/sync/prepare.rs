//! Planning a request.
//!
//! Pending taps become sheet changes first. Then edits go in the order written, one batch
//! a person, within the size the link has earned. A person's edits are split over two
//! batches only where a colleague wrote in the same document in between: the office
//! takes batches in order, and an actor's changes must arrive in theirs.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::doc::Descriptor;
use louan_schema::id::{ChangeHash, DeviceId, DocId, Incarnation, PersonId};
use louan_schema::ruling::Command;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Batch, CHANGES_MAX, PROTOCOL, PushedChange, Scope, SignedList, SyncRequest, frame};

use super::allowance::Allowance;
use super::{Prepared, answered, catch_up, colleague, fold};
use crate::BUILD;
use crate::error::Error;
use crate::phone::Phone;
use crate::store::{CommandRow, EditState, Meta, OutboxRow, Writer};

/// Most commands of one request.
pub(super) const COMMANDS_MAX: usize = 200;
/// Most batches of one request that carry changes; those that carry only commands come on top.
const BATCHES_MAX: usize = 48;
/// Most hashes asked about in one request after the office's log was restored.
const VERIFY_MAX: usize = 500;
/// Most bytes of changes in one request before compression: half of what the office unpacks.
const PLAIN_BYTES_MAX: usize = frame::PLAIN_BYTES_MAX / 2;
/// Bytes a change needs besides its own before compression: its document, its place, its number.
const ENVELOPE_BYTES: usize = 64;
/// The same as sent, but for the document.
const AROUND_BYTES: usize = 4;

impl Phone {
    /// Plans the next request.
    ///
    /// # Errors
    /// [`Error`] when the phone is not enrolled or the store refuses.
    pub fn prepare(&mut self, now: Timestamp) -> Result<Prepared, Error> {
        let allowance = self.allowance;
        self.store.write(|w| {
            let mut prepared = plan(w, now, allowance)?;
            prepared.request.waiting = waits(w, &prepared)?;
            Ok(prepared)
        })
    }
}

pub(super) struct Drafted {
    person: PersonId,
    incarnation: Incarnation,
    docs: Vec<Descriptor>,
    pub(super) changes: Vec<PushedChange>,
    pub(super) list: SignedList,
}

fn plan(w: &Writer<'_>, now: Timestamp, allowance: Allowance) -> Result<Prepared, Error> {
    let doing = "planning a request";
    let device: Option<DeviceId> = w.meta(Meta::Device)?;
    let device = device.ok_or_else(|| Error::ask_admin(doing, "this phone is not enrolled"))?;
    let incarnation: Option<Incarnation> = w.meta(Meta::Incarnation)?;
    let incarnation = incarnation.ok_or_else(|| Error::bug(doing, "the store has no life of its own"))?;
    let verify = in_doubt(w)?;
    let mut drafts = Vec::new();
    let mut commands = Vec::new();
    // Until it is known what a restored log has lost, nothing may be put behind it.
    if verify.is_empty() {
        let mut rows = w.list_pending(CHANGES_MAX)?;
        if catch_up::is_on(w)? {
            rows.retain(|row| row.descriptor.is_book());
        } else {
            fold::open_rounds(w, now)?;
            rows = w.list_pending(CHANGES_MAX)?;
        }
        drafts = batches(affordable(rows, allowance.up_bytes));
        for (_, _, hash) in drafts.iter().flat_map(|draft| &draft.list) {
            w.set_sent(*hash)?;
        }
        commands = w.list_commands(EditState::Pending)?;
        commands.truncate(COMMANDS_MAX);
    }
    let mut prepared = Prepared {
        request: SyncRequest {
            protocol: PROTOCOL,
            build: BUILD,
            cursor: w.meta(Meta::Cursor)?,
            scope_version: w.meta::<Scope>(Meta::Scope)?.map_or(0, |scope| scope.version),
            page: w.meta(Meta::Page)?,
            batches: Vec::new(),
            down_bytes_max: allowance.down_bytes,
            now,
            verify,
            waiting: false,
            answered_at: answered::shown(w)?,
        },
        digests: Vec::new(),
        hashes: Vec::new(),
        signatures: std::sync::OnceLock::new(),
    };
    for (draft, asked) in with_commands(drafts, &commands, incarnation) {
        let (batch, digest, hashes) = draft.unsigned(device, asked);
        prepared.digests.push(digest);
        prepared.hashes.push(hashes);
        prepared.request.batches.push(batch);
    }
    if prepared.request.verify.is_empty() {
        let own: usize = prepared.request.batches.iter().flat_map(|b| &b.changes).map(|c| c.raw.len()).sum();
        // Behind the own ones, whose digests are the first: these were signed by others.
        for (batch, hashes) in colleague::batches(w, allowance.up_bytes.saturating_sub(own))? {
            prepared.request.batches.push(batch);
            prepared.hashes.push(hashes);
        }
    }
    Ok(prepared)
}

/// Batches with the commands of who wrote them, each person's in his last one of this life; one more for who wrote
/// nothing and asks for something.
pub(super) fn with_commands(
    mut drafts: Vec<Drafted>,
    commands: &[CommandRow],
    incarnation: Incarnation,
) -> Vec<(Drafted, Vec<Command>)> {
    for row in commands {
        if !drafts.iter().any(|d| d.person == row.person && d.incarnation == incarnation) {
            drafts.push(Drafted::of_commands(row.person, incarnation));
        }
    }
    let last_of: BTreeMap<PersonId, usize> = drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.incarnation == incarnation)
        .map(|(i, draft)| (draft.person, i))
        .collect();
    let mut asked = vec![Vec::new(); drafts.len()];
    for row in commands {
        if let Some(i) = last_of.get(&row.person) {
            asked[*i].push(row.command.clone());
        }
    }
    drafts.into_iter().zip(asked).collect()
}

/// What has to be asked about after the office's log was restored: own edits, then colleagues'.
fn in_doubt(w: &Writer<'_>) -> Result<Vec<ChangeHash>, Error> {
    let mut verify = w.list_unverified(VERIFY_MAX)?;
    verify.extend(w.list_doubted(VERIFY_MAX - verify.len())?);
    Ok(verify)
}

/// Whether more of what was written here waits than this request carries.
fn waits(w: &Writer<'_>, prepared: &Prepared) -> Result<bool, Error> {
    let carried: usize = prepared.hashes.iter().take(prepared.digests.len()).map(Vec::len).sum();
    let written = w.pending_count(None)? + w.open_tap_count(None)?;
    Ok(usize::try_from(written).is_ok_and(|written| written > carried))
}

/// The first rows that fit, one at least: within `up_bytes` as sent, and within what the office unpacks.
pub(super) fn affordable(mut rows: Vec<OutboxRow>, up_bytes: usize) -> Vec<OutboxRow> {
    let mut plain = 0;
    let unpacked = rows.iter().take_while(|row| {
        plain += row.raw.as_ref().map_or(0, Vec::len) + ENVELOPE_BYTES;
        plain <= PLAIN_BYTES_MAX
    });
    let unpacked = unpacked.count().max(1);
    rows.truncate(unpacked);
    while rows.len() > 1 {
        let sent = sent_bytes(&rows);
        if sent <= up_bytes {
            break;
        }
        // Fewer rows compress worse, so this comes near from above; rows differ, so it may take a few steps.
        rows.truncate((rows.len() * up_bytes / sent).clamp(1, rows.len() - 1));
    }
    rows
}

/// About how many bytes these rows are in a request.
fn sent_bytes(rows: &[OutboxRow]) -> usize {
    let raws = rows.iter().filter_map(|row| row.raw.as_deref());
    let docs: BTreeSet<DocId> = rows.iter().map(|row| row.doc).collect();
    // A descriptor's ids are chance and do not compress; a document's id is as long as one of them. What stands
    // around a change, its place and its number, compresses to little.
    rows.len() * AROUND_BYTES + frame::guess(raws.chain(docs.iter().map(|doc| doc.as_bytes())))
}

/// Rows as batches, in the order written; those beyond the last batch of a request are left out.
pub(super) fn batches(rows: Vec<OutboxRow>) -> Vec<Drafted> {
    let mut drafts: Vec<Drafted> = Vec::new();
    let mut last_of_doc: BTreeMap<DocId, usize> = BTreeMap::new();
    for row in rows {
        let own = drafts.iter().rposition(|d| d.person == row.person && d.incarnation == row.incarnation);
        let behind = last_of_doc.get(&row.doc).copied().unwrap_or(0);
        let at = match own {
            Some(at) if at >= behind => at,
            _ if drafts.len() == BATCHES_MAX => break,
            _ => {
                drafts.push(Drafted::of_commands(row.person, row.incarnation));
                drafts.len() - 1
            }
        };
        last_of_doc.insert(row.doc, at);
        let draft = &mut drafts[at];
        let doc = draft.docs.iter().position(|d| *d == row.descriptor).unwrap_or_else(|| {
            draft.docs.push(row.descriptor);
            draft.docs.len() - 1
        });
        let doc = u32::try_from(doc).unwrap_or(u32::MAX);
        draft.changes.push(PushedChange {
            doc,
            n: row.n,
            raw: row.raw.unwrap_or_default().into(),
            taken_before: row.first_pos,
        });
        draft.list.push((row.doc, row.n, row.hash));
    }
    drafts
}

impl Drafted {
    /// A batch of somebody who wrote nothing and asked for something.
    const fn of_commands(person: PersonId, incarnation: Incarnation) -> Self {
        Self { person, incarnation, docs: Vec::new(), changes: Vec::new(), list: Vec::new() }
    }

    /// The batch as it is signed, what is signed, and the hashes of its changes.
    pub(super) fn unsigned(
        self,
        device: DeviceId,
        commands: Vec<Command>,
    ) -> (Batch, [u8; 32], Vec<ChangeHash>) {
        let Self { person, incarnation, docs, changes, list } = self;
        let digest = Batch::digest(device, incarnation, person, &list, &commands);
        let hashes = list.into_iter().map(|(_, _, hash)| hash).collect();
        let signature = Vec::new().into();
        let batch =
            Batch { person, relayed_for: None, incarnation, docs, changes, commands, signature, proof: None };
        (batch, digest, hashes)
    }
}
