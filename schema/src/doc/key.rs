//! The keys of the two flat maps, and what may stand under each.
//!
//! A key that does not parse here does not exist: the gate refuses it, the reader
//! ignores it. Kinds and fields are never renamed or re-typed, only added to.

use core::fmt;
use core::str::FromStr;

use crate::id::{BuildingId, RecordId};
use crate::policy::ItemCode;

/// A key of a sheet's header: which catalogue the round answers.
pub const SHEET_TEMPLATE: &str = "-/-/-/template";
/// A key of a sheet's header: when the round was opened, milliseconds since 1970.
pub const SHEET_OPENED: &str = "-/-/-/opened";
/// The only key of a document's first change: the layout version.
pub const LAYOUT: &str = "-";
/// Longest floor label, in characters (`吊1`, `平街层`, `负3`).
pub const FLOOR_CHARS_MAX: usize = 12;

/// The kind of a record (记录种类), the first half of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A submitted round (检查).
    Round,
    /// A hazard found (隐患).
    Hazard,
    /// Work stopped and reported (立即制止并报告).
    StopReport,
    /// A fix reported (整改完成).
    Fix,
    /// A recheck (复查).
    Recheck,
    /// A withdrawal of one's own organisation's record (撤回).
    Withdrawal,
}

impl Kind {
    /// Every kind, in key order.
    pub const ALL: [Self; 6] =
        [Self::Fix, Self::Hazard, Self::Recheck, Self::Round, Self::StopReport, Self::Withdrawal];

    /// The text before the slash of a record's key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Hazard => "hazard",
            Self::StopReport => "stop",
            Self::Fix => "fix",
            Self::Recheck => "recheck",
            Self::Withdrawal => "withdrawal",
        }
    }
}

/// The key of a record in a book: `<kind>/<ULID>`.
#[must_use]
pub fn record_key(kind: Kind, id: RecordId) -> String {
    format!("{}/{id}", kind.name())
}

/// Reads a record's key; `None` for anything that is not exactly one.
#[must_use]
pub fn parse_record_key(key: &str) -> Option<(Kind, RecordId)> {
    let (kind, id) = key.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|k| k.name() == kind)?;
    Some((kind, id.parse().ok()?))
}

/// A field of one answer on a sheet (检查表字段).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Pass, fail or not applicable: an unsigned number.
    Outcome,
    /// Why it does not apply: text.
    Reason,
    /// A remark: text.
    Note,
    /// Counts in the order of the item's labels: CBOR bytes.
    Counts,
    /// A measured value in thousandths of the item's unit: a signed number.
    Measure,
    /// Hashes of photos: CBOR bytes.
    Photos,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Outcome, Self::Reason, Self::Note, Self::Counts, Self::Measure, Self::Photos];

    const fn name(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Reason => "reason",
            Self::Note => "note",
            Self::Counts => "counts",
            Self::Measure => "measure",
            Self::Photos => "photos",
        }
    }
}

/// The key of one field of one answer: `<place>/<item>/<floor or ->/<field>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetKey {
    /// The building, or nothing for a place the compound shares.
    pub place: Option<BuildingId>,
    /// The check item.
    pub item: ItemCode,
    /// The floor's local name, when the answer is for one floor only.
    pub floor: Option<String>,
    /// Which field of the answer.
    pub field: Field,
}

impl fmt::Display for SheetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}")?,
            None => f.write_str("-")?,
        }
        let floor = self.floor.as_deref().unwrap_or("-");
        write!(f, "/{}/{floor}/{}", self.item, self.field.name())
    }
}

impl FromStr for SheetKey {
    type Err = ();

    fn from_str(key: &str) -> Result<Self, ()> {
        let mut parts = key.split('/');
        let mut next = || parts.next().ok_or(());
        let (place, item, floor, field) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(());
        }
        let read = Self {
            place: if place == "-" { None } else { Some(place.parse().map_err(|_| ())?) },
            item: item.parse().map_err(|_| ())?,
            floor: if floor == "-" { None } else { Some(floor.to_owned()) },
            field: Field::ALL.into_iter().find(|f| f.name() == field).ok_or(())?,
        };
        let floor_ok = read.floor.as_deref().is_none_or(is_floor_label);
        if floor_ok && read.to_string() == key { Ok(read) } else { Err(()) }
    }
}

/// Whether a text can be the local name of a floor: short, printable, without a slash.
#[must_use]
pub fn is_floor_label(text: &str) -> bool {
    let chars = text.chars().count();
    chars > 0
        && chars <= FLOOR_CHARS_MAX
        && text != "-"
        && text.chars().all(|c| c != '/' && crate::record::text::is_plain(c) && c != '\n')
}
