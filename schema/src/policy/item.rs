//! A check item and the form its answer takes.
//!
//! The catalogue asks; what was found is a record. The outcome marked on a status value or a yes/no only
//! preselects what the inspector then states himself, and no hazard is ever inferred from it.

use serde::{Deserialize, Serialize};

use super::{HazardCode, ItemCode};
use crate::code::{Disposition, ItemGroup, Outcome, Role, Severity};
use crate::time::Day;

/// A check item (检查项目): one row of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// Its code, `Q1-01`.
    pub code: ItemCode,
    /// The question, as the form prints it.
    pub name_zh: String,
    /// The question in English, for developers.
    pub gloss: String,
    /// What to look at, for the inspector.
    pub guide: String,
    /// What the answer consists of.
    pub answer: AnswerForm,
    /// What has to be photographed or filed with it.
    pub evidence: Evidence,
    /// How, where the kind of evidence does not say enough.
    pub evidence_note: Option<String>,
    /// The leaves a failing answer usually means, the likeliest first.
    pub hazards: Vec<HazardCode>,
    /// The usual severity of a failing answer.
    pub severity: Severity,
    /// The usual disposition.
    pub disposition: Disposition,
    /// Others that may follow it or stand in its place, in the order of the source.
    pub further_dispositions: Vec<Disposition>,
    /// To which buildings the item applies, in words.
    pub applies: String,
    /// The clauses and rules it rests on, separated by semicolons.
    pub source: String,
    /// A remark for whoever maintains the catalogue.
    pub note: Option<String>,
    /// Which of the sixteen sub-items of 三查三清 this is, from 1; nothing for the others.
    pub completes_round: Option<u8>,
    /// The only role that may answer it (仅支队); nothing: whoever submits rounds.
    pub reserved_for: Option<Role>,
    /// First day in force, when a later or general rule is its only basis.
    pub valid_from: Option<Day>,
    /// Last day in force, when it was retired.
    pub valid_to: Option<Day>,
}

impl CheckItem {
    /// The group the item belongs to.
    #[must_use]
    pub const fn group(&self) -> ItemGroup {
        self.code.group()
    }

    /// Whether the item may be asked about `day`: a record of January 2020 is not judged by a rule of 2021.
    #[must_use]
    pub fn is_in_force(&self, day: Day) -> bool {
        super::in_force(self.valid_from, self.valid_to, day)
    }
}

/// What has to be shown with an answer (佐证要求).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Nothing.
    None,
    /// A photo.
    Photo,
    /// A photo or a video.
    PhotoOrVideo,
    /// A video.
    Video,
    /// A photo before and one after.
    BeforeAfter,
    /// A photo of a document; numbers of persons are masked.
    Document,
    /// A file.
    File,
}

/// What an answer consists of (作答形式): the question proper first, refinements after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AnswerForm(pub Vec<AnswerKind>);

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerKind {
    /// One of the words of the official form.
    Status {
        /// The words, in the order of the form.
        values: Vec<StatusValue>,
    },
    /// Yes or no, once per label.
    Bool {
        /// What is asked.
        labels: Vec<String>,
        /// The reply that is in order: some items ask for a merit, some for a fault.
        pass_when: bool,
    },
    /// Whole numbers, one per label.
    Counts {
        /// What is counted.
        labels: Vec<String>,
        /// The label no other may exceed; nothing where there is no total.
        total: Option<String>,
        /// Labels that may exceed the total, as what is missing from it.
        #[serde(default)]
        outside: Vec<String>,
    },
    /// Measured values, in thousandths of their units.
    Measure {
        /// What is measured.
        quantities: Vec<Quantity>,
    },
    /// A civil date.
    Date {
        /// Which date.
        label: String,
    },
    /// Words.
    Text {
        /// What to write, one text each.
        labels: Vec<String>,
    },
    /// Files.
    File {
        /// What to attach.
        labels: Vec<String>,
    },
    /// A table filled row by row.
    Rows {
        /// Its columns.
        columns: Vec<String>,
    },
}

/// One word of a status answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusValue {
    /// The word of the form.
    pub label: String,
    /// The outcome it preselects.
    pub outcome: Outcome,
}

/// One measured quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// What is measured.
    pub label: String,
    /// In which unit.
    pub unit: String,
    /// The least value that is in order, in thousandths of the unit.
    pub at_least_milli: Option<i64>,
}

impl AnswerForm {
    /// The labels that take a whole number, in the order in which a record lists them: counts as they are, a
    /// yes/no as 1 or 0.
    #[must_use]
    pub fn number_labels(&self) -> Vec<&str> {
        let labels = self.0.iter().filter_map(|part| match part {
            AnswerKind::Counts { labels, .. } | AnswerKind::Bool { labels, .. } => Some(labels),
            _ => None,
        });
        labels.flatten().map(String::as_str).collect()
    }

    /// Whether `counts` fits [`Self::number_labels`]: as many numbers, yes/no as 1 or 0, no part above its total.
    #[must_use]
    pub fn accepts_counts(&self, counts: &[u32]) -> bool {
        let mut rest = counts;
        for part in &self.0 {
            let (AnswerKind::Counts { labels, .. } | AnswerKind::Bool { labels, .. }) = part else {
                continue;
            };
            let Some((mine, after)) = rest.split_at_checked(labels.len()) else { return false };
            rest = after;
            let fits = match part {
                AnswerKind::Counts { labels, total, outside } => {
                    parts_fit(labels, total.as_deref(), outside, mine)
                }
                _ => mine.iter().all(|yes| *yes <= 1),
            };
            if !fits {
                return false;
            }
        }
        rest.is_empty()
    }
}

fn parts_fit(labels: &[String], total: Option<&str>, outside: &[String], counts: &[u32]) -> bool {
    let Some(whole) = labels.iter().position(|label| Some(label.as_str()) == total) else {
        return total.is_none();
    };
    let bounded = labels.iter().zip(counts).filter(|(label, _)| !outside.contains(label));
    bounded.map(|(_, count)| count).all(|count| *count <= counts[whole])
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;

    fn form(code: &str) -> &'static AnswerForm {
        let code = code.parse().expect("a code");
        &Policy::qijiang_2020().check_item(code).expect("an item").answer
    }

    #[test]
    fn no_part_exceeds_its_total() {
        assert!(form("Q1-11").accepts_counts(&[4, 1, 0, 4]));
        assert!(!form("Q1-11").accepts_counts(&[4, 5, 0, 0]), "five of four stairs are blocked");
        assert!(form("L2-01").accepts_counts(&[10, 12, 12, 3]));
        assert!(!form("L2-01").accepts_counts(&[10, 12, 13, 0]), "more awnings removed than found");
    }

    #[test]
    fn what_is_missing_may_exceed_what_is_there() {
        assert!(form("Q2-08").accepts_counts(&[2, 2, 30]));
        assert!(!form("Q2-08").accepts_counts(&[2, 3, 0]));
        assert!(form("Q2-03").accepts_counts(&[8, 5, 5]), "eight extinguishers due, five there");
        assert!(!form("Q2-03").accepts_counts(&[8, 5, 6]));
    }

    #[test]
    fn a_yes_or_no_is_one_or_nought_and_every_label_is_answered() {
        assert!(form("Q1-06").accepts_counts(&[1, 1, 0]));
        assert!(!form("Q1-06").accepts_counts(&[1, 1, 2]));
        assert!(!form("Q1-06").accepts_counts(&[1, 1]));
        assert!(!form("Q1-06").accepts_counts(&[1, 1, 0, 0]));
        assert!(form("E-08").accepts_counts(&[1, 1, 1, 40]), "three yes/no and a number of spaces");
        assert!(!form("E-08").accepts_counts(&[1, 1, 40, 1]));
    }

    #[test]
    fn a_status_item_takes_no_counts() {
        assert!(form("Q1-01").accepts_counts(&[]));
        assert!(!form("Q1-01").accepts_counts(&[1]));
        assert!(form("Q1-02").accepts_counts(&[9, 0, 3, 1]), "without a total every number is its own");
    }
}
