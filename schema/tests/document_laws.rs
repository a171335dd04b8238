//! Laws of documents: what is written reads back, in any order of arrival; the first
//! change is the same for everyone for ever; honest changes pass the judge.

use louan_schema::code::Outcome;
use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::key::{Field, SheetKey};
use louan_schema::doc::read::FieldValue;
use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::write::{Tap, record_change, sheet_change};
use louan_schema::doc::{ActorLife, Descriptor, Document, Kind, Tip, first_change};
use louan_schema::id::{DeviceId, Incarnation, OrgId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::policy::ItemCode;
use louan_schema::record::{Answer, Body, RECORD_LAYOUT, Record, Round};
use louan_schema::time::Timestamp;
use proptest::prelude::*;

fn book() -> Descriptor {
    Descriptor::Book { site: SiteId([1; 16]), org: OrgId([2; 16]), year: 2020 }
}

fn sheet() -> Descriptor {
    Descriptor::Sheet { site: SiteId([1; 16]), org: OrgId([2; 16]), round: RoundId([3; 16]) }
}

fn life(device: u8) -> ActorLife {
    ActorLife { device: DeviceId([device; 16]), incarnation: Incarnation([9; 16]), n: 0 }
}

fn item(text: &str) -> ItemCode {
    text.parse().expect("a check item")
}

fn record(seed: u8) -> Record {
    let at = Timestamp::from_ms(1_580_000_000_000 + i64::from(seed));
    Record {
        layout: RECORD_LAYOUT,
        author: PersonId([4; 16]),
        written_at: at,
        catalogue: 1,
        replaces: None,
        photos: Vec::new(),
        body: Body::Round(Round {
            round: RoundId([seed; 16]),
            opened_at: at,
            buildings: Vec::new(),
            answers: vec![Answer::plain(item("Q1-01"), Outcome::Pass, None)],
            seen: Vec::new(),
            synthetic: false,
        }),
    }
}

/// `count` record changes by one device in the book.
fn chain(device: u8, count: u8) -> Vec<Vec<u8>> {
    let actor = life(device).actor(book().doc_id());
    let mut tip: Option<Tip> = None;
    (0..count)
        .map(|i| {
            let id = RecordId([device.wrapping_mul(16).wrapping_add(i); 16]);
            let written =
                record_change(&book(), actor, tip, (Kind::Round, id), record(i).to_bytes()).expect("fits");
            tip = Some(written.tip);
            written.raw
        })
        .collect()
}

fn outcome_key(floor: &str) -> SheetKey {
    SheetKey { place: None, item: item("Q1-11"), floor: Some(floor.to_owned()), field: Field::Outcome }
}

#[test]
fn the_first_change_of_a_document_is_a_golden() {
    for (descriptor, file) in [(book(), "first_book"), (sheet(), "first_sheet")] {
        let path = format!("{}/fixtures/documents/v1/{file}.change", env!("CARGO_MANIFEST_DIR"));
        let golden = std::fs::read(&path).expect("the fixture is committed and never regenerated");
        assert_eq!(
            first_change(descriptor.doc_id()).raw,
            golden,
            "{file}: every phone in the field computes these bytes"
        );
    }
}

#[test]
fn a_book_saved_by_the_first_layout_still_reads() {
    let path = format!("{}/fixtures/documents/v1/book.automerge", env!("CARGO_MANIFEST_DIR"));
    let document = Document::load(&std::fs::read(path).expect("committed")).expect("loads");
    let records = document.read_book();
    assert_eq!(records.len(), 3);
    for (kind, _, bytes) in records {
        assert_eq!(Record::from_bytes(&bytes).expect("reads").body.kind(), kind);
    }
}

#[test]
fn a_record_change_scans_and_comes_apart_without_automerge() {
    let raws = chain(1, 3);
    let first = first_change(book().doc_id());
    let mut before = (first.hash, first.max_op);
    for (i, raw) in raws.iter().enumerate() {
        let scanned = scan(raw).expect("honest bytes scan");
        assert_eq!(scanned.actor, life(1).actor(book().doc_id()));
        assert_eq!((scanned.seq, scanned.ops), (i as u64 + 1, 1));
        assert_eq!((scanned.deps.as_slice(), scanned.start_op), ([before.0].as_slice(), before.1 + 1));
        let put = record_put(raw).expect("comes apart");
        assert_eq!(put.bytes, record(u8::try_from(i).expect("small")).to_bytes());
        before = (scanned.hash, scanned.max_op());
    }
}

#[test]
fn two_honest_devices_pass_the_judge_and_all_records_read_back() {
    let changes: Vec<_> = chain(1, 3).into_iter().chain(chain(2, 3)).collect();
    let judged = judge(&Case { descriptor: book(), snapshot: None, changes: &changes }).expect("judged");
    assert!(judged.verdicts.iter().all(Result::is_ok), "{:?}", judged.verdicts);
    assert_eq!(Document::load(&judged.snapshot).expect("loads").read_book().len(), 6);
}

#[test]
fn colleagues_on_different_floors_both_stay_and_the_same_floor_is_contested() {
    let mut ours = Document::fresh(sheet().doc_id());
    let start = sheet_change(
        &mut ours,
        life(1).actor(sheet().doc_id()),
        &[
            Tap::Template(1),
            Tap::Opened(5),
            Tap::Number(outcome_key("1"), 0),
            Tap::Number(outcome_key("3"), 0),
        ],
    );
    let start = start.expect("writes").expect("something changed");
    let mut theirs = Document::fresh(sheet().doc_id());
    theirs.add(&start.raw).expect("applies");
    let a = sheet_change(&mut ours, life(1).actor(sheet().doc_id()), &[Tap::Number(outcome_key("1"), 1)]);
    let b = sheet_change(
        &mut theirs,
        life(2).actor(sheet().doc_id()),
        &[
            Tap::Number(outcome_key("1"), 2),
            Tap::Number(outcome_key("2"), 1),
            Tap::Number(outcome_key("3"), 1),
        ],
    );
    let (a, b) = (a.expect("writes").expect("changed"), b.expect("writes").expect("changed"));
    ours.add(&b.raw).expect("merges");
    theirs.add(&a.raw).expect("merges");
    assert_eq!(ours.read_sheet(), theirs.read_sheet());
    let reading = ours.read_sheet();
    let contested: Vec<_> = reading.contested().map(|(key, s)| (key.clone(), s.others.len())).collect();
    assert_eq!(contested, vec![(outcome_key("1"), 1)], "floor 3 was changed by one only");
    assert_eq!(reading.fields[&outcome_key("2")].value, FieldValue::Number(1));
    let changes = [start.raw, a.raw, b.raw];
    let judged = judge(&Case { descriptor: sheet(), snapshot: None, changes: &changes }).expect("judged");
    assert!(judged.verdicts.iter().all(Result::is_ok), "{:?}", judged.verdicts);
    let settled =
        sheet_change(&mut ours, life(1).actor(sheet().doc_id()), &[Tap::Number(outcome_key("1"), 2)]);
    assert!(settled.expect("writes").is_some());
    assert_eq!(ours.read_sheet().contested().count(), 0, "a later write settles it");
}

/// Forty phones that never saw each other, and one that sees them all: a change may name sixteen.
#[test]
fn however_many_contradict_each_other_an_honest_tap_passes_and_a_few_settle_it() {
    let mut ours = Document::fresh(sheet().doc_id());
    let mut changes = Vec::new();
    for device in 10..50 {
        let mut alone = Document::fresh(sheet().doc_id());
        let tap = [Tap::Number(outcome_key("1"), u64::from(device % 3))];
        let change = sheet_change(&mut alone, life(device).actor(sheet().doc_id()), &tap);
        changes.push(change.expect("writes").expect("changed").raw);
    }
    let tapped = |ours: &mut Document, floor: &str, value| {
        let tap = [Tap::Number(outcome_key(floor), value)];
        let change = sheet_change(ours, life(1).actor(sheet().doc_id()), &tap).expect("writes");
        let raw = change.expect("changed").raw;
        assert!(scan(&raw).expect("scans").deps.len() <= louan_schema::doc::CHANGE_DEPS_MAX);
        raw
    };
    let own = tapped(&mut ours, "2", 1);
    for change in &changes {
        ours.add(change).expect("merges");
    }
    changes.push(own);
    for value in [1, 2, 1, 2] {
        changes.push(tapped(&mut ours, "1", value));
    }
    assert_eq!(ours.read_sheet().contested().count(), 0, "settled, a part with each tap");
    let judged = judge(&Case { descriptor: sheet(), snapshot: None, changes: &changes }).expect("judged");
    assert!(judged.verdicts.iter().all(Result::is_ok), "{:?}", judged.verdicts);
    assert_eq!(Document::load(&judged.snapshot).expect("loads").heads(), ours.heads());
}

/// Whichever of the values that stand beside each other is meant: choosing it writes it, and replaces them all.
#[test]
fn a_contradiction_is_settled_by_any_of_its_values() {
    for chosen in 0..3 {
        let mut ours = Document::fresh(sheet().doc_id());
        let mut changes = Vec::new();
        for device in 10..13 {
            let mut alone = Document::fresh(sheet().doc_id());
            let tap = [Tap::Number(outcome_key("1"), u64::from(device) % 3)];
            let change = sheet_change(&mut alone, life(device).actor(sheet().doc_id()), &tap);
            changes.push(change.expect("writes").expect("changed").raw);
        }
        changes.iter().for_each(|change| ours.add(change).expect("merges"));
        let tap = [Tap::Number(outcome_key("1"), chosen)];
        let settling = sheet_change(&mut ours, life(1).actor(sheet().doc_id()), &tap);
        changes.push(settling.expect("writes").expect("changed").raw);
        let standing = &ours.read_sheet().fields[&outcome_key("1")];
        assert_eq!((&standing.value, standing.others.len()), (&FieldValue::Number(chosen), 0));
        let judged = judge(&Case { descriptor: sheet(), snapshot: None, changes: &changes }).expect("judged");
        assert!(judged.verdicts.iter().all(Result::is_ok), "{chosen}: {:?}", judged.verdicts);
    }
}

#[test]
fn equal_values_of_two_writers_are_no_disagreement() {
    let mut ours = Document::fresh(sheet().doc_id());
    let mut theirs = ours.clone();
    let tap = [Tap::Number(outcome_key("1"), 1)];
    let a = sheet_change(&mut ours, life(1).actor(sheet().doc_id()), &tap).expect("writes").expect("changed");
    sheet_change(&mut theirs, life(2).actor(sheet().doc_id()), &tap).expect("writes").expect("changed");
    theirs.add(&a.raw).expect("merges");
    assert_eq!(theirs.read_sheet().contested().count(), 0);
}

#[test]
fn what_stands_stands_by_the_change_that_wrote_it_last_and_alone() {
    let mut document = Document::fresh(sheet().doc_id());
    let mut beside = document.clone();
    let (mine, other) = (life(1).actor(sheet().doc_id()), life(2).actor(sheet().doc_id()));
    let taps = [Tap::Number(outcome_key("1"), 1)];
    let wrote = |document: &mut Document, actor, taps: &[Tap]| {
        sheet_change(document, actor, taps).expect("writes").expect("changed")
    };
    assert_eq!(document.stands_by(&taps[0]), None);
    let first = wrote(&mut document, mine, &taps);
    assert_eq!(document.stands_by(&taps[0]), Some(first.tip.hash));
    assert_eq!(document.stands_by(&Tap::Number(outcome_key("1"), 2)), None, "something else stands there");
    let repeated = wrote(&mut document, other, &taps);
    assert_eq!(document.stands_by(&taps[0]), Some(repeated.tip.hash), "the same said again is said again");
    document.add(&wrote(&mut beside, life(3).actor(sheet().doc_id()), &taps).raw).expect("merges");
    assert_eq!(document.stands_by(&taps[0]), None, "beside another, though an equal one");
    assert!(sheet_change(&mut document, mine, &[]).expect("writes").is_none());
}

proptest! {
    #[test]
    fn a_book_does_not_depend_on_the_order_of_arrival(turns in proptest::collection::vec(0_usize..3, 0..24)) {
        let chains = [chain(1, 4), chain(2, 4), chain(3, 4)];
        let mut at = [0; 3];
        let mut document = Document::fresh(book().doc_id());
        let mut deliver = |who: usize, at: &mut [usize; 3]| {
            if let Some(raw) = chains[who].get(at[who]) {
                document.add(raw).expect("in its actor's order");
                document.add(raw).expect("a repeat changes nothing");
                at[who] += 1;
            }
        };
        turns.iter().for_each(|who| deliver(*who, &mut at));
        (0..3).for_each(|who| (0..4).for_each(|_| deliver(who, &mut at)));
        let mut straight = Document::fresh(book().doc_id());
        chains.iter().flatten().for_each(|raw| straight.add(raw).expect("applies"));
        prop_assert_eq!(document.heads(), straight.heads());
        prop_assert_eq!(document.read_book(), straight.read_book());
    }

    #[test]
    fn no_bytes_make_the_scanner_panic(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = scan(&raw);
        let _ = record_put(&raw);
    }

    #[test]
    fn a_flipped_bit_never_scans_as_the_same_change(at in 0_usize..2_000, bit in 0_u8..8) {
        let raw = chain(1, 1).remove(0);
        let mut bad = raw.clone();
        let at = at % bad.len();
        bad[at] ^= 1 << bit;
        match scan(&bad) {
            Err(_) => {}
            Ok(scanned) => prop_assert_ne!(scanned.hash, scan(&raw).expect("honest").hash),
        }
    }
}
