//! What phone and office promise, and how a child that is about to die says so.
//!
//! A promise is made outside the cores: *saved* when a call returned `Ok`, *received* when a
//! reply with the verdict was taken in. As a line of text it can be told to another process
//! before it is needed. Whether it is kept is asked elsewhere.

use std::fmt;
use std::str::FromStr;

use louan_schema::id::{ChangeHash, CommandId, RecordId, RoundId, SiteId};
use louan_schema::policy::ItemCode;
use louan_schema::wire::{CommandVerdict, SyncReply, SyncRequest, Verdict, frame};

use crate::oracle::Edit;
use crate::world::link::judged;

/// Something that must hold from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// The phone has this edit.
    Saved(Edit),
    /// The office has this edit, and the phone says so.
    Received(Edit),
    /// The office has this change of a sheet.
    Sheet(ChangeHash),
    /// The phone shows an answer to this item.
    Answered(SiteId, RoundId, ItemCode),
}

/// What a phone that took this reply to this request may call received.
#[must_use]
pub fn received(request: &[u8], reply: &[u8]) -> Vec<Promise> {
    let (Ok(request), Ok(SyncReply::Taken(taken))) =
        (frame::decode::<SyncRequest>(request), frame::decode(reply))
    else {
        return Vec::new();
    };
    let changes = judged(&request, &taken).into_iter();
    let changes = changes.filter(|judged| !matches!(judged.verdict, Verdict::NotTaken(_)));
    let changes = changes.map(|judged| judged.edit.map_or(Promise::Sheet(judged.hash), Promise::Received));
    let batches = request.batches.iter().zip(&taken.commands);
    let commands = batches.flat_map(|(batch, verdicts)| batch.commands.iter().zip(verdicts));
    let commands = commands.filter(|(_, verdict)| !matches!(verdict, CommandVerdict::Refused(..)));
    changes.chain(commands.map(|(command, _)| Promise::Received(Edit::Command(command.id)))).collect()
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Saved(edit) => write!(f, "saved {edit}"),
            Self::Received(edit) => write!(f, "received {edit}"),
            Self::Sheet(hash) => write!(f, "sheet {hash}"),
            Self::Answered(site, round, item) => write!(f, "answered {site} {round} {item}"),
        }
    }
}

impl FromStr for Promise {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let read = || match line.split(' ').collect::<Vec<_>>()[..] {
            ["saved", kind, id] => edit(kind, id).map(Self::Saved),
            ["received", kind, id] => edit(kind, id).map(Self::Received),
            ["sheet", hash] => hash.parse::<ChangeHash>().ok().map(Self::Sheet),
            ["answered", site, round, item] => {
                Some(Self::Answered(site.parse().ok()?, round.parse().ok()?, item.parse().ok()?))
            }
            _ => None,
        };
        read().ok_or_else(|| format!("no promise: `{line}`"))
    }
}

fn edit(kind: &str, id: &str) -> Option<Edit> {
    match kind {
        "record" => id.parse::<RecordId>().ok().map(Edit::Record),
        "command" => id.parse::<CommandId>().ok().map(Edit::Command),
        _ => None,
    }
}
