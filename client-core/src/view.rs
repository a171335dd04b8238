//! What a screen prints: plain rows, everything already decided.
//!
//! Views are made from SQLite rows alone; automerge is opened only for a round that is
//! being filled. Nothing here is stored, and nothing here is a promise: what is on the
//! phone and not yet received says so ([`EditState`]).

use louan_schema::code::{HazardState, Outcome, Severity};
use louan_schema::fold::before_after::BeforeAfter;
use louan_schema::fold::hazard::HazardReading;
use louan_schema::fold::round::{RoundReading, Unanswered};
use louan_schema::id::{
    BlobHash, BuildingId, CommandId, HazardId, OrgId, PersonId, RecordId, RoundId, SiteId,
};
use louan_schema::photo::PhotoCard;
use louan_schema::policy::{HazardCode, HeightClass, ItemCode};
use louan_schema::record::{Place, Record};
use louan_schema::registry::{Building, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::Code;

pub use crate::store::EditState;

/// A building in a list (楼栋条目).
#[derive(Debug, Clone, PartialEq)]
pub struct BuildingView {
    /// The building's row.
    pub building: Building,
    /// Its compound's row.
    pub site: Site,
    /// Its class by height; whether it is a high-rise is never stored.
    pub height_class: HeightClass,
}

/// A compound with its buildings (小区条目).
#[derive(Debug, Clone, PartialEq)]
pub struct SiteView {
    /// The compound's row.
    pub site: Site,
    /// Its buildings, by code.
    pub buildings: Vec<Building>,
}

/// Which hazards to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HazardFilter {
    /// All the phone knows.
    All,
    /// Those not closed and not void.
    Open,
    /// Those due and not disposed of.
    Overdue,
    /// Those in one state.
    InState(HazardState),
    /// Those of one compound.
    AtSite(SiteId),
    /// Those of one building, also through a shared place that affects it.
    AtBuilding(BuildingId),
}

/// A hazard in a list (隐患条目): the office's row with this phone's own facts on top.
#[derive(Debug, Clone, PartialEq)]
pub struct HazardView {
    /// Identity.
    pub id: HazardId,
    /// The compound.
    pub site: SiteId,
    /// The organisation that reported it.
    pub org: OrgId,
    /// Leaf of the taxonomy.
    pub code: HazardCode,
    /// Where.
    pub place: Place,
    /// In words.
    pub text: String,
    /// The supervisor's grade once confirmed, the finder's until then.
    pub severity: Severity,
    /// When it was found.
    pub found_at: Timestamp,
    /// Its state with everything this phone knows.
    pub state: HazardState,
    /// The last day on which it may stand open.
    pub due_on: Option<Day>,
    /// Due, and the danger not gone (逾期).
    pub overdue: bool,
    /// When the danger was gone.
    pub disposed_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What a command must expect; 0 while the office has no row of it.
    pub version: u64,
    /// Who removed the danger, as far as known: they may not recheck.
    pub fixed_by: Vec<PersonId>,
    /// Its photos before and after, as far as records on this phone cite them.
    pub photos: BeforeAfter,
    /// Facts about it on this phone that the office has not received.
    pub unsent: usize,
    /// What was requested and not yet answered.
    pub requested: Vec<Act>,
    /// Every step so far.
    pub reading: HazardReading,
}

/// How a round stands on this phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundState {
    /// Being filled.
    Open,
    /// Submitted from another phone; what was tapped here since can still be submitted beside it.
    SubmittedElsewhere,
    /// Submitted from this phone.
    Submitted(RecordId),
}

/// A round in a list (检查条目).
#[derive(Debug, Clone, PartialEq)]
pub struct RoundSummary {
    /// The visit.
    pub id: RoundId,
    /// The compound.
    pub site: SiteId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Who opened or joined it on this phone.
    pub opened_by: Option<PersonId>,
    /// How it stands.
    pub state: RoundState,
    /// Its submissions read together; nothing before the first.
    pub reading: Option<RoundReading>,
}

/// A round being filled, or as submitted (检查表视图).
#[derive(Debug, Clone, PartialEq)]
pub struct RoundView {
    /// The line of the list.
    pub summary: RoundSummary,
    /// The buildings gone through; answers refer to them by position, from 1.
    pub buildings: Vec<BuildingId>,
    /// The answers, own and colleagues', by place, item and floor.
    pub answers: Vec<AnswerView>,
    /// The sub-items of 三查三清 nobody has answered yet, building by building.
    pub missing: Vec<Unanswered>,
}

impl RoundView {
    /// The answers on which writers disagree (填报不一致).
    pub fn contested(&self) -> impl Iterator<Item = &AnswerView> {
        self.answers.iter().filter(|answer| answer.contested)
    }
}

/// One answer of a round (检查项作答).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerView {
    /// The building; nothing for a shared place.
    pub building: Option<BuildingId>,
    /// The check item.
    pub item: ItemCode,
    /// The floor's local name.
    pub floor: Option<String>,
    /// What was found; the worst, where writers disagree.
    pub outcome: Option<Outcome>,
    /// Why the item does not apply.
    pub reason: Option<String>,
    /// A remark.
    pub note: Option<String>,
    /// Counts in the order of the item's labels.
    pub counts: Option<Vec<u32>>,
    /// A measured value in thousandths of the item's unit.
    pub measure_milli: Option<i64>,
    /// Photos by hash.
    pub photos: Vec<BlobHash>,
    /// Writers disagree on one of its fields, until somebody answers once more.
    pub contested: bool,
    /// Part of it was tapped here and is in no change yet.
    pub unsent: bool,
}

/// A local edit with what became of it (上传条目).
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxView {
    /// Its number on this phone; nothing for commands and for taps that are in no change yet.
    pub seq: Option<i64>,
    /// Who made it.
    pub person: PersonId,
    /// The compound, where it belongs to one.
    pub site: Option<SiteId>,
    /// What it is, readable, so that it can be entered again.
    pub edit: Edit,
    /// What became of it.
    pub state: EditState,
    /// Why it is held or was returned; of pending answers, why they cannot be put on their sheet and are not sent.
    /// They are kept, and tried again with every request.
    pub code: Option<Code>,
    /// Its position in the office's log, of one that was put back the last that it can have there; nothing when the
    /// office took it without telling one.
    pub pos: Option<u64>,
    /// Acknowledged before the office restored its log, and not yet asked about.
    pub unverified: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// When its state last changed.
    pub settled_at: Option<Timestamp>,
    /// The record entered in its stead.
    pub reissued: Option<RecordId>,
}

/// What a local edit is.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// A record; its content is gone only when it is in a verified backup and its compound out of scope.
    Record {
        /// Its id.
        id: RecordId,
        /// What it says.
        record: Option<Box<Record>>,
    },
    /// Answers put on a round's sheet, as pairs of key and value.
    Taps {
        /// The round.
        round: RoundId,
        /// What was put where.
        values: Vec<(String, String)>,
    },
    /// A command.
    Command {
        /// Its id.
        id: CommandId,
        /// What was asked.
        command: Box<Command>,
        /// The target's version, once told.
        version: Option<u64>,
    },
}

/// How far a photo has come (照片状态).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhotoState {
    /// On this phone; no record cites it, or only one that was returned.
    Kept,
    /// A record cites it; it goes up after that record.
    Queued,
    /// On its way.
    Uploading {
        /// Bytes the office has, as far as known.
        reached: u32,
        /// Bytes of the photo.
        of: u32,
    },
    /// The office has it; at this position of its log, once told.
    Confirmed(Option<u64>),
    /// The office refused one of its files, with this code; the bytes are still here.
    Refused(String),
}

/// A photo of this phone (照片条目).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoView {
    /// Its name.
    pub hash: BlobHash,
    /// What is known of it; the record is left out.
    pub card: PhotoCard,
    /// Who took it.
    pub person: PersonId,
    /// When it was handed in.
    pub attached_at: Timestamp,
    /// The records that cite it.
    pub records: Vec<RecordId>,
    /// How far it has come.
    pub state: PhotoState,
    /// Its bytes lie on this phone; the thumbnail always does.
    pub here: bool,
    /// The file it was developed from lies here too.
    pub original_here: bool,
}

/// What there is still to do for photos (待传照片).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotoCount {
    /// Photos cited by a record and not yet confirmed.
    pub waiting: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Photos of which the office refused a file.
    pub refused: u64,
}
