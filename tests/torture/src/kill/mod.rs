//! Kill points: a child process dies at one write of a fixed story, and its files must hold
//! what it had promised by then; started again it finishes the story, and must end where an
//! undisturbed run ends.
//!
//! A point is one write, sync, truncation, creation or removal of a file of phone or
//! office, taken *before* it happens or *after*: between two of them a process holds
//! nothing that a kill could lose, so these are all the moments there are. Taken below
//! SQLite, they need no hook in the code under test. What the child promises it says on its
//! standard output at once, so the promises outlive it. Whoever runs it says how it starts.

pub mod script;
pub mod victim;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::check::sqlite::phone::Known;
use crate::check::sqlite::{office, phone};
use crate::check::{Document, Fate, RowKey};
use crate::cut::phone::Kept;
use crate::cut::promise::Promise;
use crate::cut::{self, Finding, scratch};
use crate::oracle::Edit;
use crate::vfs::platter;
use louan_schema::id::DocId;
use script::Story;

/// Whose process dies: the other side's files are left alone, both are started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At a write of the phone's.
    Phone,
    /// At a write of the office's.
    Office,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Office];

    /// The word on the child's command line, and the folder's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Office => "office",
        }
    }

    /// The side of that name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == word)
    }
}

/// When a child says what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// When the call that makes it true has returned.
    Honest,
    /// When that call begins: wrong on purpose, to see that it is seen.
    Hasty,
}

/// How a child is started: a program and its first words.
#[derive(Debug, Clone)]
pub struct Victim {
    /// The program.
    pub program: PathBuf,
    /// What comes first on its command line.
    pub words: Vec<String>,
}

/// A moment in the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Whose write.
    pub side: Side,
    /// Before or after it.
    pub before: bool,
    /// Which write, counted from 1.
    pub write: usize,
}

/// What a run of kill points came to.
#[derive(Debug, Clone, Default)]
pub struct Toll {
    /// Writes in the undisturbed story.
    pub writes: usize,
    /// Points at which a child was killed.
    pub points: usize,
    /// Promises made by all children before they died.
    pub promised: usize,
    /// What was wrong, by point.
    pub wrong: Vec<(Point, String)>,
}

/// Where a story ended: what both sides have, without positions and instants of receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    edits: BTreeMap<Edit, Fate>,
    at_office: Vec<Edit>,
    phone_rows: BTreeMap<RowKey, Vec<u8>>,
    office_rows: BTreeMap<RowKey, Vec<u8>>,
    phone_documents: BTreeMap<DocId, Document>,
    office_documents: BTreeMap<DocId, Document>,
}

/// A story set up, told once undisturbed, and ready to be told to children that die.
#[derive(Debug)]
pub struct Scaffold {
    victim: Victim,
    side: Side,
    home: tempfile::TempDir,
    names: Vec<String>,
    expected: End,
    phone: RefCell<cut::phone::Examiner>,
    office: RefCell<cut::office::Examiner>,
}

impl Scaffold {
    /// Sets the story up and tells it once.
    ///
    /// # Panics
    /// When the child cannot be started, or the undisturbed story fails.
    #[must_use]
    pub fn new(victim: Victim, side: Side) -> Self {
        let home = scratch();
        let template = home.path().join("template");
        Story::set_up(&template);
        let reference = home.path().join("reference");
        copy(&template, &reference);
        let told = start(&victim, &reference, &["list", side.name()]);
        assert!(told.status.success(), "the undisturbed story fails: {told:?}");
        let names = String::from_utf8_lossy(&told.stdout).lines().map(str::to_owned).collect();
        let expected = end(&reference);
        let phone = RefCell::new(cut::phone::Examiner::new(Kept::InAFile));
        let office = RefCell::new(cut::office::Examiner::new());
        Self { victim, side, home, names, expected, phone, office }
    }

    /// Writes in the undisturbed story.
    #[must_use]
    pub const fn writes(&self) -> usize {
        self.names.len()
    }

    /// This many points, evenly spread over the story, half of them before a write and half after one.
    #[must_use]
    pub fn points(&self, count: usize) -> Vec<Point> {
        let pairs = count.div_ceil(2).max(1);
        let point = |n: usize| {
            let write = n / 2 * self.names.len() / pairs + 1;
            Point { side: self.side, before: n.is_multiple_of(2), write }
        };
        (0..count).map(point).collect()
    }

    /// What the write of a point is done to.
    #[must_use]
    pub fn name(&self, point: &Point) -> &str {
        self.names.get(point.write.saturating_sub(1)).map_or("no such write", String::as_str)
    }

    /// Kills a child at a point, looks at what it left, lets another finish, and looks again.
    /// Answers how much had been promised when it died.
    ///
    /// # Errors
    /// What was wrong, in words.
    pub fn kill(&self, point: &Point, manner: Manner) -> Result<usize, String> {
        let folder = self.home.path().join("victim");
        copy(&self.home.path().join("template"), &folder);
        let when = if point.before { "before" } else { "after" };
        let manner = if manner == Manner::Hasty { "hasty" } else { "honest" };
        let words = ["die", self.side.name(), when, &point.write.to_string(), manner];
        let killed = start(&self.victim, &folder, &words);
        if killed.status.code().is_some() {
            return Err(format!("was to die and ended with {}", killed.status));
        }
        let mut promised = promises(&killed)?;
        let promised_when_killed = promised.len();
        self.examine(&folder, &promised).map_err(|why| format!("when killed: {why}"))?;
        let finished = start(&self.victim, &folder, &["finish"]);
        if !finished.status.success() {
            return Err(format!("does not finish: {}", String::from_utf8_lossy(&finished.stderr)));
        }
        promised.extend(promises(&finished)?);
        self.examine(&folder, &promised).map_err(|why| format!("when finished: {why}"))?;
        let end = end(&folder);
        if end == self.expected { Ok(promised_when_killed) } else { Err(difference(&end, &self.expected)) }
    }

    /// Opens copies of both sides' files and holds them against what was promised.
    fn examine(&self, folder: &Path, promised: &[Promise]) -> Result<(), String> {
        let looked_at = self.home.path().join("looked-at");
        copy(folder, &looked_at);
        for side in Side::ALL {
            let folder = looked_at.join(side.name());
            let finding = match side {
                Side::Phone => self.phone.borrow_mut().examine(&folder, promised),
                Side::Office => self.office.borrow_mut().examine(&folder, promised),
            };
            match finding {
                Finding::Whole => {}
                Finding::Lost(lost) => return Err(format!("{lost} promises of the {} broken", side.name())),
                Finding::Damaged(why) => return Err(format!("the {}: {why}", side.name())),
            }
        }
        Ok(())
    }
}

/// Kills a child at `points` points of one side; `told` hears of each.
///
/// # Panics
/// When the child cannot be started, or the undisturbed story fails.
#[must_use]
pub fn toll(
    victim: Victim,
    side: Side,
    points: usize,
    manner: Manner,
    mut told: impl FnMut(&Point, &Result<usize, String>),
) -> Toll {
    let stage = Scaffold::new(victim, side);
    let mut toll = Toll { writes: stage.writes(), ..Toll::default() };
    for point in stage.points(points) {
        let came_to = stage.kill(&point, manner);
        toll.points += 1;
        told(&point, &came_to);
        match came_to {
            Ok(promised) => toll.promised += promised,
            Err(why) => {
                let why = format!("{}: {why}", stage.name(&point));
                toll.wrong.push((point, why));
            }
        }
    }
    toll
}

fn difference(end: &End, expected: &End) -> String {
    let mut said = Vec::new();
    said.extend(differing("edit", &end.edits, &expected.edits));
    if end.at_office != expected.at_office {
        let (is, was) = (end.at_office.len(), expected.at_office.len());
        said.push(format!("{is} edits at the office instead of {was}"));
    }
    said.extend(differing("row on the phone", &end.phone_rows, &expected.phone_rows));
    said.extend(differing("row at the office", &end.office_rows, &expected.office_rows));
    said.extend(differing("document on the phone", &end.phone_documents, &expected.phone_documents));
    said.extend(differing("document at the office", &end.office_documents, &expected.office_documents));
    said.join("; ")
}

/// The first thing that two maps do not have in common, and how many there are.
fn differing<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    is: &BTreeMap<K, V>,
    was: &BTreeMap<K, V>,
) -> Option<String> {
    let keys: BTreeSet<&K> = is.keys().chain(was.keys()).filter(|key| is.get(key) != was.get(key)).collect();
    let first = keys.first()?;
    let (is, was) = (is.get(first), was.get(first));
    Some(format!("{} × {what}, first {first:?}: {is:?} instead of {was:?}", keys.len()))
}

fn start(victim: &Victim, folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(&victim.program);
    command.args(&victim.words).arg(folder).args(words).output().expect("the child starts")
}

/// What a child said it promised; a line cut off by its death was not said.
fn promises(child: &Output) -> Result<Vec<Promise>, String> {
    let said = String::from_utf8_lossy(&child.stdout);
    said.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::parse).collect()
}

fn end(folder: &Path) -> End {
    let story = Story::cast();
    let known = Known { name: "phone".into(), life: 0, orgs: story.orgs(), visible: story.visible() };
    let phone = phone::read(&folder.join(Side::Phone.name()).join(crate::world::life::FILE), known);
    let office = office::read(&folder.join(Side::Office.name()).join(crate::world::office::FILE));
    End {
        edits: phone.edits,
        at_office: office.edits.into_iter().collect(),
        phone_rows: phone.rows,
        office_rows: office.rows,
        phone_documents: phone.documents,
        office_documents: office.documents,
    }
}

fn copy(from: &Path, to: &Path) {
    for side in Side::ALL {
        let (from, to): (PathBuf, PathBuf) = (from.join(side.name()), to.join(side.name()));
        let files = platter::read_folder(&from).expect("a folder that was just made");
        platter::write_folder(&to, &files).expect("room for a copy");
    }
}
