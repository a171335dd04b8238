//! How large a change on a sheet becomes is others' doing: it names what it replaces. A writer knows what the office
//! takes, leaves the sheet as it was when that is exceeded, and a single answer never does.

use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::key::{FLOOR_CHARS_MAX, Field, SheetKey};
use louan_schema::doc::scan::scan;
use louan_schema::doc::write::{Tap, sheet_change};
use louan_schema::doc::{
    ActorLife, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_PREDS_MAX, Descriptor, Document, DocumentError,
    LIVE_CONFLICTS_MAX,
};
use louan_schema::id::{ActorId, BuildingId, DeviceId, Incarnation, OrgId, RoundId, SiteId};
use louan_schema::record::text::NOTE_CHARS_MAX;

const SHEET: Descriptor =
    Descriptor::Sheet { site: SiteId([1; 16]), org: OrgId([2; 16]), round: RoundId([3; 16]) };

fn actor(device: u8, n: u32) -> ActorId {
    ActorLife { device: DeviceId([device; 16]), incarnation: Incarnation([9; 16]), n }.actor(SHEET.doc_id())
}

fn key(n: usize, field: Field) -> SheetKey {
    let floor = format!("{n:0>FLOOR_CHARS_MAX$}");
    let item = "Q1-11".parse().expect("an item");
    SheetKey { place: Some(BuildingId([0xfe; 16])), item, floor: Some(floor), field }
}

/// A sheet with as many values beside each other as may stand, under so many keys; and the changes that made it so.
fn flooded(keys: usize, tap: impl Fn(usize, usize) -> Tap) -> (Document, Vec<Vec<u8>>) {
    let before = Document::fresh(SHEET.doc_id());
    let mut all = before.clone();
    let mut changes = Vec::new();
    for n in 0..LIVE_CONFLICTS_MAX {
        let taps: Vec<Tap> = (0..keys).map(|at| tap(at, n)).collect();
        let hostile = actor(66, u32::try_from(n).expect("small"));
        let change = sheet_change(&mut before.clone(), hostile, &taps).expect("writes").expect("changed");
        all.add(&change.raw).expect("merges");
        changes.push(change.raw);
    }
    let hostile = actor(66, u32::try_from(LIVE_CONFLICTS_MAX).expect("small"));
    let mut value = 0;
    while all.heads().len() >= CHANGE_DEPS_MAX {
        let note = [Tap::Number(key(keys + 1, Field::Outcome), value)];
        changes.push(sheet_change(&mut all, hostile, &note).expect("writes").expect("changed").raw);
        value = 1 - value;
    }
    (all, changes)
}

#[test]
fn a_change_beyond_what_the_office_takes_is_not_written_and_the_sheet_stays_as_it_was() {
    let keys = 500;
    let outcome = |at, n| Tap::Number(key(at, Field::Outcome), u64::try_from(n % 2).expect("small"));
    let (mut document, mut changes) = flooded(keys, outcome);
    let before = document.heads();
    let taps: Vec<Tap> = (0..keys).map(|at| Tap::Number(key(at, Field::Outcome), 2)).collect();
    let whole = sheet_change(&mut document, actor(1, 0), &taps);
    assert!(matches!(&whole, Err(DocumentError::TooMany)), "{whole:?}");
    let named = usize::try_from(CHANGE_PREDS_MAX).expect("small") / LIVE_CONFLICTS_MAX;
    let beyond = sheet_change(&mut document, actor(1, 0), &taps[..=named]);
    assert!(matches!(&beyond, Err(DocumentError::TooMany)), "{beyond:?}");
    let notes: Vec<Tap> = (0..keys).map(|at| Tap::Text(key(at, Field::Note), "长".repeat(50))).collect();
    let large = sheet_change(&mut document, actor(1, 0), &notes);
    assert!(matches!(&large, Err(DocumentError::TooLarge(bytes)) if *bytes > CHANGE_BYTES_MAX), "{large:?}");
    for refused in [whole, beyond, large] {
        assert!(refused.expect_err("refused").is_too_much());
    }
    assert_eq!(document.heads(), before);
    for part in taps.chunks(named) {
        let written = sheet_change(&mut document, actor(1, 0), part).expect("fits").expect("changed");
        changes.push(written.raw);
    }
    let judged = judge(&Case { descriptor: SHEET, snapshot: None, changes: &changes }).expect("judged");
    assert!(judged.verdicts.iter().all(Result::is_ok), "{:?}", judged.verdicts);
    let reading = Document::load(&judged.snapshot).expect("loads").read_sheet();
    assert_eq!((reading.fields.len(), reading.contested().count()), (keys + 1, 0));
}

#[test]
fn the_largest_single_answer_fits_wherever_as_much_stands_as_may() {
    let text = |n: usize| format!("{n:𠀀>NOTE_CHARS_MAX$}");
    let (mut document, _) = flooded(1, |at, n| Tap::Text(key(at, Field::Note), text(n)));
    let answer = [Tap::Text(key(0, Field::Note), text(999))];
    let written = sheet_change(&mut document, actor(1, 0), &answer).expect("fits").expect("changed");
    assert!(scan(&written.raw).is_ok());
    assert!(written.raw.len() * 10 < CHANGE_BYTES_MAX, "with room to spare: {} bytes", written.raw.len());
    assert_eq!(document.read_sheet().contested().count(), 0, "all that stood there is named");
}
