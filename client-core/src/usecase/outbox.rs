//! What became of every local edit: pending, held, returned or acknowledged.
//!
//! Four lists; every edit is in exactly one of them, for ever. Each entry carries a
//! readable copy, so that what was returned can be entered again.

use louan_schema::doc::Descriptor;
use louan_schema::doc::scan::record_put;
use louan_schema::doc::write::Tap;
use louan_schema::id::{PersonId, RoundId};
use louan_schema::record::Record;

use crate::error::Error;
use crate::phone::Phone;
use crate::store::{CommandRow, EditState, OutboxRow, Reader, TapRow};
use crate::sync::fold;
use crate::view::{Edit, OutboxView};

impl Phone {
    /// What waits to be sent (待上传), in the order made: records, answers, commands.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn outbox(&self) -> Result<Vec<OutboxView>, Error> {
        let r = self.showing("listing what waits to be sent")?;
        let mut list = edits(&r, EditState::Pending)?;
        for (round, person) in r.list_tapped()? {
            list.push(open_taps(&r, round, person)?);
        }
        list.sort_by_key(|edit| edit.made_at);
        Ok(list)
    }

    /// What the office holds for a human to decide (暂存待审).
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn held(&self) -> Result<Vec<OutboxView>, Error> {
        edits(&self.showing("listing what is held")?, EditState::Held)
    }

    /// What was not accepted (退回), with the reason.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn returned(&self) -> Result<Vec<OutboxView>, Error> {
        edits(&self.showing("listing what was returned")?, EditState::Returned)
    }

    /// What the office has received (已接收), with its position in the log.
    ///
    /// # Errors
    /// [`Error`] when the phone is sealed or the store cannot be read.
    pub fn receipts(&self) -> Result<Vec<OutboxView>, Error> {
        edits(&self.showing("listing receipts")?, EditState::Acknowledged)
    }

    /// How many signed lists this phone still keeps because what they cover is in no verified backup yet.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn signed_lists_kept(&self) -> Result<u64, Error> {
        Ok(self.store.read().signed_count()?)
    }
}

fn edits(r: &Reader<'_>, state: EditState) -> Result<Vec<OutboxView>, Error> {
    let mut list = Vec::new();
    for row in r.list_outbox(state)? {
        list.push(change(r, row)?);
    }
    if state != EditState::Held {
        list.extend(r.list_commands(state)?.into_iter().map(command));
    }
    Ok(list)
}

fn change(r: &Reader<'_>, row: OutboxRow) -> Result<OutboxView, Error> {
    let edit = match (row.record, row.descriptor) {
        (Some(id), _) => {
            let sent = row.raw.as_deref().and_then(|raw| record_put(raw).ok());
            let record = sent.and_then(|put| Record::from_bytes(&put.bytes).ok());
            let record = match record {
                Some(record) => Some(record),
                None => r.find_record(id, Some(row.descriptor.org()))?.map(|row| row.record),
            };
            Edit::Record { id, record: record.map(Box::new) }
        }
        (None, Descriptor::Sheet { round, .. }) => {
            Edit::Taps { round, values: values(&r.list_taps_of(row.local_seq)?) }
        }
        (None, Descriptor::Book { .. }) => {
            return Err(Error::bug("listing edits", "a book's change without a record"));
        }
    };
    Ok(OutboxView {
        seq: Some(row.local_seq),
        person: row.person,
        site: Some(row.site),
        edit,
        state: row.state,
        code: row.code,
        pos: row.pos,
        unverified: row.unverified && row.state == EditState::Acknowledged,
        made_at: row.written_at,
        settled_at: row.settled_at,
        reissued: row.reissued,
    })
}

fn command(row: CommandRow) -> OutboxView {
    let edit = Edit::Command { id: row.command.id, command: Box::new(row.command), version: row.version };
    OutboxView {
        seq: None,
        person: row.person,
        site: None,
        edit,
        state: row.state,
        code: row.code,
        pos: None,
        unverified: false,
        made_at: row.asked_at,
        settled_at: row.settled_at,
        reissued: None,
    }
}

fn open_taps(r: &Reader<'_>, round: RoundId, person: PersonId) -> Result<OutboxView, Error> {
    let mut taps = r.list_open_taps(round)?;
    taps.retain(|tap| tap.person == person);
    let made_at = taps.first().map(|tap| tap.tapped_at);
    let row = r.find_round(round)?;
    let code = row.as_ref().map(|row| fold::obstacle(r, row)).transpose()?.flatten();
    Ok(OutboxView {
        seq: None,
        person,
        site: row.map(|row| row.site),
        edit: Edit::Taps { round, values: values(&taps) },
        state: EditState::Pending,
        code,
        pos: None,
        unverified: false,
        made_at: made_at.ok_or_else(|| Error::bug("listing edits", "a group of taps without a tap"))?,
        settled_at: None,
        reissued: None,
    })
}

fn values(taps: &[TapRow]) -> Vec<(String, String)> {
    taps.iter()
        .filter_map(|row| match &row.tap {
            Tap::Template(_) | Tap::Opened(_) => None,
            Tap::Number(key, n) => Some((key.to_string(), n.to_string())),
            Tap::Signed(key, n) => Some((key.to_string(), n.to_string())),
            Tap::Text(key, text) => Some((key.to_string(), text.clone())),
            Tap::Bytes(key, bytes) => {
                Some((key.to_string(), bytes.iter().map(|b| format!("{b:02x}")).collect()))
            }
        })
        .collect()
}
