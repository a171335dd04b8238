//! A submitted round and its answers.

use minicbor::{Decode, Encode};

use crate::code::Outcome;
use crate::id::{BuildingId, RecordId, RoundId};
use crate::policy::ItemCode;
use crate::time::Timestamp;

/// One submission of a round (检查提交): 三查三清 or another check of a compound and some of its buildings.
///
/// A visit is one round however many submissions it has; a submission names those it saw,
/// so that later readers know which are superseded and which stand beside it, contested.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Round {
    /// The visit.
    #[n(0)]
    pub round: RoundId,
    /// When the visit began: the visit counts in figures at this instant.
    #[n(1)]
    pub opened_at: Timestamp,
    /// The buildings gone through; answers refer to them by position, from 1. Empty for shared places only.
    #[n(2)]
    pub buildings: Vec<BuildingId>,
    /// The answers, ordered by place, item and floor, none twice.
    #[n(3)]
    pub answers: Vec<Answer>,
    /// The submissions of this round that the author had before him.
    #[n(4)]
    pub seen: Vec<RecordId>,
    /// Made up from real inspections of another city, never by a person on site.
    #[n(5)]
    pub synthetic: bool,
}

/// One answer to one check item (检查项答案). Written as an array whose absent tail is left out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Answer {
    /// The check item.
    #[n(0)]
    pub item: ItemCode,
    /// What was found.
    #[n(1)]
    pub outcome: Outcome,
    /// Position of the building in [`Round::buildings`], from 1; nothing for a shared place.
    #[n(2)]
    pub place: Option<u8>,
    /// The floor's local name, when the answer is for one floor only.
    #[n(3)]
    pub floor: Option<String>,
    /// Counts in the order of the item's labels; parts never exceed the total.
    #[n(4)]
    pub counts: Option<Vec<u32>>,
    /// Why the item does not apply; mandatory then.
    #[n(5)]
    pub reason: Option<String>,
    /// A remark.
    #[n(6)]
    pub note: Option<String>,
    /// A measured value in thousandths of the item's unit.
    #[n(7)]
    pub measure_milli: Option<i64>,
    /// Positions in [`super::Record::photos`].
    #[n(8)]
    pub photos: Option<Vec<u8>>,
}

impl Answer {
    /// An answer with nothing but its outcome.
    #[must_use]
    pub const fn plain(item: ItemCode, outcome: Outcome, place: Option<u8>) -> Self {
        Self {
            item,
            outcome,
            place,
            floor: None,
            counts: None,
            reason: None,
            note: None,
            measure_milli: None,
            photos: None,
        }
    }

    /// What an answer is about; two answers about the same contradict each other.
    #[must_use]
    pub fn about(&self) -> (Option<u8>, ItemCode, Option<&str>) {
        (self.place, self.item, self.floor.as_deref())
    }
}
