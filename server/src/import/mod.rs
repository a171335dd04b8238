//! Importing buildings: what a list says, what of it is new, what would change, what is wrong.
//!
//! Nothing is written before a person has seen what would be: a list becomes a [`Plan`], a plan becomes rulings under
//! his name, and all of them can be taken back together as long as nobody has decided otherwise since. What is wrong
//! with a line is said with row, column and reason; the lines beside it are not held up by it.

pub mod datum;
mod draft;
pub mod header;
mod plan;
pub mod value;

pub use draft::Draft;
pub use plan::{Entry, Outcome, Plan, Registry, plan, plan_id};

use std::collections::BTreeSet;

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum};
use minicbor::{Decode, Encode};

use crate::table::{Line, Table};

/// What holds for every line that does not say it itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The 街镇.
    pub street: Option<StreetCode>,
    /// What the buildings are used for.
    pub building_use: Option<BuildingUse>,
    /// The datum of positions.
    pub datum: Option<Datum>,
}

/// Something said about a line (导入提示).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Remark {
    /// Number of the line or feature in the file, from 1.
    #[n(0)]
    pub number: u32,
    /// Letters of the column, where there is one.
    #[n(1)]
    pub column: Option<String>,
    /// What is to be said, in Chinese, without a full stop.
    #[n(2)]
    pub reason: String,
}

/// A list read: its buildings, and what is wrong with the other lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// Buildings to be entered.
    pub drafts: Vec<Draft>,
    /// Why lines are not taken; several for one line.
    pub faults: Vec<Remark>,
    /// What should be looked at in lines that are taken.
    pub notices: Vec<Remark>,
    /// The header, in one line.
    pub header: Line,
    /// Titles of columns nobody knows, or that come twice; they are left alone.
    pub left_alone: Vec<String>,
}

/// A table without a header that names a building (找不到表头).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no header names a building or its compound")]
pub struct NoHeader;

impl NoHeader {
    /// What is said about it, in Chinese.
    pub const TEXT: &'static str =
        "找不到表头。表头须有“小区名称”或“建筑名称”，并至少再有一列，如“街镇”“建筑高度”。";
}

/// Reads a table as a list of buildings.
///
/// # Errors
/// [`NoHeader`].
pub fn read(table: &Table, defaults: &Defaults) -> Result<Read, NoHeader> {
    let found = header::find(&table.lines).ok_or(NoHeader)?;
    let mut read = Read {
        left_alone: found.unknown.iter().chain(&found.repeated).cloned().collect(),
        header: Line { number: table.lines[found.body_from - 1].number, cells: found.titles.clone() },
        ..Read::default()
    };
    // A line that says nothing in any column that is known is no building: numbered blanks, the small print of an export.
    let says = |line: &&Line| found.columns.iter().any(|(_, column)| !line.cell(*column).is_empty());
    for line in table.lines[found.body_from..].iter().filter(says) {
        let reading = draft::read(line, &found, defaults);
        read.drafts.extend(reading.draft);
        read.faults.extend(reading.faults);
        read.notices.extend(reading.notices);
    }
    if table.features {
        // A feature has no columns that anybody could look at.
        read.faults.iter_mut().chain(&mut read.notices).for_each(|remark| remark.column = None);
    }
    Ok(read)
}

/// The header and the lines of a table that a plan does not take, as they came; whoever refused them.
#[must_use]
pub fn refused(header: &Line, table: &Table, plan: &Plan) -> Vec<Line> {
    let faulty: BTreeSet<u32> = plan.faults.iter().map(|fault| fault.number).collect();
    let body = table.lines.iter().filter(|line| line.number > header.number);
    let refused = body.filter(|line| faulty.contains(&line.number)).cloned();
    std::iter::once(header.clone()).chain(refused).collect()
}

#[cfg(test)]
mod tests;
