//! The policy: what a plan demands, as data. Taxonomy, check catalogue, calendar, work items, units.
//!
//! The plan of 2020 is built in ([`Policy::qijiang_2020`]); another campaign is another set of files under
//! `schema/policy/`, read by [`Policy::load`], which refuses an inconsistent set and names every fault. This room
//! knows no building and no person, and reads no clock: every question about force takes the day it is asked of.

mod calendar;
mod code;
mod hazard_type;
mod height;
mod item;
mod load;
mod supervisor;
mod unit;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use calendar::{Filer, GoalDay, Phase, Report};
pub use code::{HazardCode, ItemCode};
pub use hazard_type::{DispositionRule, DueRule, HazardType};
pub use height::HeightClass;
pub use item::{AnswerForm, AnswerKind, CheckItem, Evidence, Quantity, StatusValue};
pub use load::{PolicyFault, PolicyFiles};
pub use supervisor::supervisor;
pub use unit::{Unit, WorkItem};

use crate::code::{BuildingUse, Disposition, Goal};
use crate::time::{Day, Month, Timestamp};

/// How many sub-items 三查三清 has, and a round therefore needs.
pub const COMPLETING_ITEMS: usize = 16;

static QIJIANG_2020: LazyLock<Policy> = LazyLock::new(|| {
    Policy::load(&PolicyFiles::QIJIANG_2020).expect("the built-in files are loaded by a test of this crate")
});

/// A plan and everything it prescribes (专项整治工作方案).
#[derive(Debug, Clone)]
pub struct Policy {
    plan: load::Plan,
    hazards: BTreeMap<HazardCode, HazardType>,
    items: BTreeMap<ItemCode, CheckItem>,
    completing: Vec<ItemCode>,
    dispositions: BTreeMap<Disposition, DispositionRule>,
    work_items: Vec<WorkItem>,
    phases: Vec<Phase>,
    goals: Vec<GoalDay>,
    reports: Vec<Report>,
    units: Vec<Unit>,
}

/// A code of the taxonomy or of the catalogue, for questions that both understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueCode {
    /// A leaf of the taxonomy.
    Hazard(HazardCode),
    /// A check item.
    Item(ItemCode),
}

impl From<HazardCode> for CatalogueCode {
    fn from(code: HazardCode) -> Self {
        Self::Hazard(code)
    }
}

impl From<ItemCode> for CatalogueCode {
    fn from(code: ItemCode) -> Self {
        Self::Item(code)
    }
}

impl Policy {
    /// The built-in plan, 綦江府办发〔2020〕4号.
    #[must_use]
    pub fn qijiang_2020() -> &'static Self {
        &QIJIANG_2020
    }

    /// Reads a plan from its files.
    ///
    /// # Errors
    /// Every [`PolicyFault`] found, when the files do not fit themselves or each other; nothing is half loaded.
    pub fn load(files: &PolicyFiles<'_>) -> Result<Self, Vec<PolicyFault>> {
        load::policy(files)
    }

    /// The name of the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The number under which the plan was issued (文号), with six-corner brackets.
    #[must_use]
    pub fn issuing_no(&self) -> &str {
        &self.plan.issuing_no
    }

    /// The number of the upper-level paper the plan carries out.
    #[must_use]
    pub fn parent_doc(&self) -> &str {
        &self.plan.parent_doc
    }

    /// The day on which the plan was issued and took effect.
    #[must_use]
    pub const fn issued_on(&self) -> Day {
        self.plan.issued_on
    }

    /// The version of taxonomy and catalogue together; records name the one they answer.
    #[must_use]
    pub const fn catalogue(&self) -> u16 {
        self.plan.catalogue
    }

    /// A leaf of the taxonomy, in force or not.
    #[must_use]
    pub fn hazard_type(&self, code: HazardCode) -> Option<&HazardType> {
        self.hazards.get(&code)
    }

    /// Every leaf, by code.
    pub fn hazard_types(&self) -> impl Iterator<Item = &HazardType> {
        self.hazards.values()
    }

    /// A check item, in force or not.
    #[must_use]
    pub fn check_item(&self, code: ItemCode) -> Option<&CheckItem> {
        self.items.get(&code)
    }

    /// Every check item, in the order of the form.
    pub fn check_items(&self) -> impl Iterator<Item = &CheckItem> {
        self.items.values()
    }

    /// The sub-items of 三查三清 in force on `on`, in their order: a round is complete when all are answered.
    pub fn completing_items(&self, on: Day) -> impl Iterator<Item = &CheckItem> {
        self.completing
            .iter()
            .filter_map(|code| self.items.get(code))
            .filter(move |item| item.is_in_force(on))
    }

    /// Whether a leaf or an item exists and is in force on `day`.
    #[must_use]
    pub fn is_in_force(&self, code: impl Into<CatalogueCode>, day: Day) -> bool {
        match code.into() {
            CatalogueCode::Hazard(code) => self.hazard_type(code).is_some_and(|leaf| leaf.is_in_force(day)),
            CatalogueCode::Item(code) => self.check_item(code).is_some_and(|item| item.is_in_force(day)),
        }
    }

    /// What is known about a disposition.
    #[must_use]
    pub fn disposition(&self, disposition: Disposition) -> Option<&DispositionRule> {
        self.dispositions.get(&disposition)
    }

    /// The day on which a hazard of this kind falls due by the text alone: the day it was found for D1–D5
    /// (AMB-05, correction 5), nothing for the others, whose day a person must enter.
    #[must_use]
    pub fn due_on(&self, code: HazardCode, found_at: Timestamp) -> Option<Day> {
        let leaf = self.hazard_type(code)?;
        leaf.disposition.is_immediate().then(|| found_at.day())
    }

    /// The last day a goal leaves to a hazard of a building of this use. A mixed building is
    /// no 住宅小区, so only the goal for every building binds it.
    #[must_use]
    pub fn goal_due_on(&self, goal: Goal, building_use: BuildingUse) -> Option<Day> {
        let code = match (goal, building_use) {
            (Goal::First, _) => "G1",
            (Goal::Second, _) | (Goal::ByClass, BuildingUse::Residential) => "G2",
            (Goal::ByClass, BuildingUse::Public | BuildingUse::Mixed) => "G3",
        };
        self.goals.iter().find(|goal| goal.code == code).map(|goal| goal.due_on)
    }

    /// The phase a day belongs to; nothing before the first and after the last.
    #[must_use]
    pub fn phase_on(&self, day: Day) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.contains(day))
    }

    /// The phases, in order.
    #[must_use]
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// The stage goals, in order.
    #[must_use]
    pub fn goals(&self) -> &[GoalDay] {
        &self.goals
    }

    /// The reports due, by day.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The work items of clause 五: campaigns and systems, an open list (AMB-01).
    #[must_use]
    pub fn work_items(&self) -> &[WorkItem] {
        &self.work_items
    }

    /// The units the plan names.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The unit a text names, by its name or one of the spellings seen for it; blanks and line breaks are ignored.
    #[must_use]
    pub fn find_unit(&self, text: &str) -> Option<&Unit> {
        unit::find(&self.units, text)
    }

    /// The last day counted in a month's figures (统计截止): until 24:00 of this day, and after the cut-off of the
    /// month before (correction 1).
    #[must_use]
    pub fn cut_off_on(&self, month: Month) -> Option<Day> {
        Day::new(month.year, month.month, self.plan.cut_off_day).ok()
    }
}

/// Whether `day` lies within two optional bounds, both included.
fn in_force(from: Option<Day>, to: Option<Day>, day: Day) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

#[cfg(test)]
mod tests;
