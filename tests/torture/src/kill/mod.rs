//! Kill points: a child process dies at one write of a fixed story, is started again,
//! finishes the story, and must end where an undisturbed run ends.
//!
//! A point is one write, sync, truncation, creation or removal of a file of phone or
//! office, taken *before* it happens or *after*: between two of them a process holds
//! nothing that a kill could lose, so these are all the moments there are. Taken below
//! SQLite, they need no hook in the code under test. Whoever runs the child gives its path.

pub mod script;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::check::sqlite::phone::Known;
use crate::check::sqlite::{office, phone};
use crate::check::{Document, Fate, RowKey};
use crate::cut::scratch;
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
    /// The word on the child's command line, and the folder's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Office => "office",
        }
    }
}

/// What a run of kill points came to.
#[derive(Debug, Clone, Default)]
pub struct Toll {
    /// Writes in the undisturbed story.
    pub writes: usize,
    /// Points at which a child was killed.
    pub points: usize,
    /// What was wrong, by point.
    pub wrong: Vec<String>,
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

/// Kills a child at `points` points of one side, evenly spread over the story, half of them
/// before a write and half after one.
///
/// # Panics
/// When the child cannot be started, or the undisturbed story fails.
#[must_use]
pub fn toll(victim: &Path, side: Side, points: usize) -> Toll {
    let home = scratch();
    let template = home.path().join("template");
    Story::set_up(&template);
    let reference = home.path().join("reference");
    copy(&template, &reference);
    let told = start(victim, &reference, &["list", side.name()]);
    assert!(told.status.success(), "the undisturbed story fails: {told:?}");
    let names: Vec<String> = String::from_utf8_lossy(&told.stdout).lines().map(str::to_owned).collect();
    let expected = end(&reference);
    let mut toll = Toll { writes: names.len(), ..Toll::default() };
    let folder = home.path().join("victim");
    for point in 0..points {
        let write = point / 2 * names.len() / points.div_ceil(2).max(1);
        let when = if point % 2 == 0 { "before" } else { "after" };
        copy(&template, &folder);
        toll.points += 1;
        if let Err(why) = kill_and_finish(victim, &folder, side, when, write + 1, &expected) {
            toll.wrong.push(format!("{when} write {} ({}): {why}", write + 1, names[write]));
        }
    }
    toll
}

fn kill_and_finish(
    victim: &Path,
    folder: &Path,
    side: Side,
    when: &str,
    write: usize,
    expected: &End,
) -> Result<(), String> {
    let killed = start(victim, folder, &["die", side.name(), when, &write.to_string()]);
    if killed.status.code().is_some() {
        return Err(format!("was to die and ended with {}", killed.status));
    }
    let finished = start(victim, folder, &["finish"]);
    if !finished.status.success() {
        return Err(format!("does not finish: {}", String::from_utf8_lossy(&finished.stderr)));
    }
    let end = end(folder);
    if end == *expected { Ok(()) } else { Err(difference(&end, expected)) }
}

fn difference(end: &End, expected: &End) -> String {
    let mut said = Vec::new();
    if end.edits != expected.edits {
        said.push(format!("edits {:?} instead of {:?}", end.edits, expected.edits));
    }
    if end.at_office != expected.at_office {
        said.push(format!(
            "{} edits at the office instead of {}",
            end.at_office.len(),
            expected.at_office.len()
        ));
    }
    if (&end.phone_rows, &end.office_rows) != (&expected.phone_rows, &expected.office_rows) {
        said.push("other rows".to_owned());
    }
    if (&end.phone_documents, &end.office_documents)
        != (&expected.phone_documents, &expected.office_documents)
    {
        said.push("other documents".to_owned());
    }
    said.join("; ")
}

fn start(victim: &Path, folder: &Path, words: &[&str]) -> std::process::Output {
    Command::new(victim).arg(folder).args(words).output().expect("the child starts")
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
    for side in [Side::Phone, Side::Office] {
        let (from, to): (PathBuf, PathBuf) = (from.join(side.name()), to.join(side.name()));
        let files = platter::read_folder(&from).expect("a folder that was just made");
        platter::write_folder(&to, &files).expect("room for a copy");
    }
}
