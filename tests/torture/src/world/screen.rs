//! What a phone shows, against what was tapped on it.
//!
//! It looks through the same calls a screen makes, and at the phone's file only where no screen can show what it has.

use louan_client_core::view::{self, RoundState};
use louan_schema::doc::SheetKey;
use louan_schema::id::RoundId;
use louan_schema::policy::ItemCode;
use louan_schema::record::Body;
use rusqlite::Connection;

use super::World;
use crate::check::sqlite::phone::went_with_its_organisation;
use crate::oracle::LifeId;

impl World {
    /// What was tapped here before a kill is still on the screen after it, and so it is whenever the phone is at rest.
    pub fn taps_are_there(&mut self, life: LifeId) {
        for (site, round, mut items) in self.oracle.taps_of(life) {
            let phone = self.lives[life].phone();
            // What the office returned or holds is in a list of its own, readable, to be entered again.
            let mut not_taken = phone.returned().unwrap_or_default();
            not_taken.extend(phone.held().unwrap_or_default());
            items.retain(|item| !not_taken.iter().any(|edit| says(&edit.edit, round, *item)));
            // A sealed phone shows nothing, a compound that left its scope takes its rounds along.
            if !matches!(phone.site(site), Ok(Some(_))) {
                continue;
            }
            let missing = match phone.round(round) {
                Ok(Some(view)) if view.summary.state != RoundState::Open => 0,
                Ok(Some(view)) => {
                    items.iter().filter(|item| !view.answers.iter().any(|a| a.item == **item)).count()
                }
                Ok(None) => {
                    let file = self.lives[life].folder.join(super::life::FILE);
                    let file = Connection::open(file).expect("opened a moment ago");
                    if went_with_its_organisation(&file, round, &items) { 0 } else { items.len() }
                }
                Err(error) => return self.breach(format!("{}: {error}", self.lives[life].name)),
            };
            if missing > 0 {
                self.breach(format!(
                    "{}: {missing} answers of round {round} are gone",
                    self.lives[life].name
                ));
            }
        }
    }
}

/// Whether an edit, as it is listed, shows an answer of a round: put on its sheet, or submitted.
fn says(edit: &view::Edit, round: RoundId, item: ItemCode) -> bool {
    match edit {
        view::Edit::Taps { round: of, values } => {
            let named = |key: &str| key.parse::<SheetKey>().is_ok_and(|key| key.item == item);
            *of == round && values.iter().any(|(key, _)| named(key))
        }
        view::Edit::Record { record: Some(record), .. } => match &record.body {
            Body::Round(submitted) => {
                submitted.round == round && submitted.answers.iter().any(|answer| answer.item == item)
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use louan_schema::code::Outcome;
    use louan_schema::doc::Field;
    use louan_schema::id::{PersonId, RecordId};
    use louan_schema::record::{Answer, RECORD_LAYOUT, Record, Round};
    use louan_schema::time::Timestamp;

    use super::*;

    #[test]
    fn an_answer_is_listed_with_its_round_and_item_only_on_a_sheet_or_submitted() {
        let (round, other) = (RoundId([7; 16]), RoundId([8; 16]));
        let item = |code: &str| code.parse::<ItemCode>().expect("an item");
        let key = SheetKey { place: None, item: item("L2-02"), floor: None, field: Field::Note };
        let at = Timestamp::from_ms(0);
        let visit = Round {
            round,
            opened_at: at,
            buildings: Vec::new(),
            answers: vec![Answer::plain(item("L2-02"), Outcome::Pass, None)],
            seen: Vec::new(),
            synthetic: true,
        };
        let record = Record {
            layout: RECORD_LAYOUT,
            author: PersonId([1; 16]),
            written_at: at,
            catalogue: 1,
            replaces: None,
            photos: Vec::new(),
            body: Body::Round(visit),
        };
        let id = RecordId([2; 16]);
        for edit in [
            view::Edit::Taps { round, values: vec![(key.to_string(), "示例备注".to_owned())] },
            view::Edit::Record { id, record: Some(Box::new(record)) },
        ] {
            assert!(says(&edit, round, item("L2-02")), "{edit:?}");
            assert!(!says(&edit, other, item("L2-02")), "{edit:?}");
            assert!(!says(&edit, round, item("L3-01")), "{edit:?}");
        }
        assert!(!says(&view::Edit::Record { id, record: None }, round, item("L2-02")));
    }
}
