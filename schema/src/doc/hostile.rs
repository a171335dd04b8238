//! The hostile table: every known way to harm automerge, each refused with its own verdict,
//! the honest changes beside it kept, the victim's next edit possible.
//!
//! Trap numbers are those of the design's sync page; "C" numbers its abuse cases. The
//! table goes past [`super::scan`] on purpose: what the scanner already stops must not be
//! fatal to the judge either.

use core::num::NonZeroU64;

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{Change, ExpandedChange, ObjType, ScalarValue};

use super::judge::{Case, judge};
use super::key::record_key;
use super::scan::{ScanFault, record_put, scan};
use super::write::{Tap, record_change, sheet_change};
use super::{ActorLife, Descriptor, Document, Field, Kind, SheetKey, first_change};
use crate::code::Outcome;
use crate::id::{ActorId, DeviceId, Incarnation, OrgId, PersonId, RecordId, RoundId, SiteId};
use crate::record::{Answer, Body, RECORD_LAYOUT, Record, Round};
use crate::time::Timestamp;
use crate::wire::Code;

pub(super) const BOOK: Descriptor =
    Descriptor::Book { site: SiteId([1; 16]), org: OrgId([2; 16]), year: 2020 };
pub(super) const SHEET: Descriptor =
    Descriptor::Sheet { site: SiteId([1; 16]), org: OrgId([2; 16]), round: RoundId([3; 16]) };

pub(super) fn actor(doc: &Descriptor, device: u8) -> ActorId {
    let life = ActorLife { device: DeviceId([device; 16]), incarnation: Incarnation([9; 16]), n: 0 };
    life.actor(doc.doc_id())
}

pub(super) fn record(n: u8) -> Vec<u8> {
    let round = Round {
        round: RoundId([n; 16]),
        opened_at: Timestamp::from_ms(1_580_000_000_000),
        buildings: Vec::new(),
        answers: vec![Answer::plain("Q1-01".parse().expect("an item"), Outcome::Pass, None)],
        seen: Vec::new(),
        synthetic: false,
    };
    let record = Record {
        layout: RECORD_LAYOUT,
        author: PersonId([4; 16]),
        written_at: Timestamp::from_ms(1_580_000_000_000),
        catalogue: 1,
        replaces: None,
        photos: Vec::new(),
        body: Body::Round(round),
    };
    record.to_bytes()
}

pub(super) fn key(n: u8) -> String {
    record_key(Kind::Round, RecordId([n; 16]))
}

/// The change a stranger would write: one record put, by an actor of his own, right after the first change.
fn stranger(doc: &Descriptor) -> ExpandedChange {
    let first = first_change(doc.doc_id());
    ExpandedChange {
        operations: vec![op(Key::Map(key(50).into()), OpType::Put(ScalarValue::Bytes(record(50))))],
        actor_id: automerge::ActorId::from(actor(doc, 66).as_bytes()),
        hash: None,
        seq: 1,
        start_op: NonZeroU64::MIN.saturating_add(first.max_op),
        time: 0,
        message: None,
        deps: vec![automerge::ChangeHash(first.hash.0)],
        extra_bytes: Vec::new(),
        author: None,
    }
}

fn op(key: Key, action: OpType) -> Op {
    Op { action, obj: ObjectId::Root, key, pred: Vec::new().into(), insert: false }
}

fn with(doc: &Descriptor, alter: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut change = stranger(doc);
    alter(&mut change);
    Change::from(change).raw_bytes().to_vec()
}

pub(super) fn honest(doc: &Descriptor) -> Vec<u8> {
    match doc {
        Descriptor::Book { .. } => {
            record_change(doc, actor(doc, 1), None, (Kind::Round, RecordId([1; 16])), record(1))
                .expect("fits")
                .raw
        }
        Descriptor::Sheet { .. } => {
            let mut document = Document::fresh(doc.doc_id());
            let taps = [Tap::Template(1), Tap::Number(sheet_key(), 1)];
            sheet_change(&mut document, actor(doc, 1), &taps).expect("writes").expect("changed").raw
        }
    }
}

/// A sheet change whose predecessor, an operation of its own actor, is nowhere (T9).
pub(super) fn nowhere() -> Vec<u8> {
    with(&SHEET, |c| {
        let unknown = OpId::new(1, &c.actor_id);
        let at = Key::Map(sheet_key().to_string().into());
        c.operations = vec![Op { pred: vec![unknown].into(), ..op(at, OpType::Put(ScalarValue::Uint(1))) }];
    })
}

fn sheet_key() -> SheetKey {
    SheetKey { place: None, item: "Q1-01".parse().expect("an item"), floor: None, field: Field::Outcome }
}

fn unknown(counter: u64) -> OpId {
    OpId::new(counter, &automerge::ActorId::from([0xee_u8; 16].as_slice()))
}

/// Judges an honest change, the hostile one, and another honest one; returns the hostile one's verdict.
fn verdict(doc: &Descriptor, hostile: Vec<u8>) -> Result<(), Code> {
    let changes = vec![honest(doc), hostile];
    let judged =
        judge(&Case { descriptor: *doc, snapshot: None, changes: &changes }).expect("the document is sound");
    assert_eq!(judged.verdicts[0], Ok(()), "the honest change beside it is kept");
    let mut document = Document::load(&judged.snapshot).expect("what is kept loads");
    let next = match doc {
        Descriptor::Book { .. } => {
            let tip = scan(&changes[0]).expect("honest");
            let tip = super::Tip { seq: 1, hash: tip.hash, max_op: tip.max_op() };
            record_change(doc, actor(doc, 1), Some(tip), (Kind::Round, RecordId([2; 16])), record(2))
                .expect("fits")
                .raw
        }
        Descriptor::Sheet { .. } => {
            let tap = [Tap::Number(sheet_key(), 2)];
            let change = sheet_change(&mut document, actor(doc, 1), &tap);
            change.expect("the victim's next edit is possible").expect("changed").raw
        }
    };
    let after = judge(&Case { descriptor: *doc, snapshot: Some(&judged.snapshot), changes: &[next] });
    assert_eq!(after.expect("judged").verdicts, vec![Ok(())], "the victim's next edit is accepted");
    judged.verdicts[1]
}

type Alteration = (&'static str, Box<dyn FnOnce(&mut ExpandedChange)>, &'static [Code]);

fn row(
    name: &'static str,
    codes: &'static [Code],
    alter: impl FnOnce(&mut ExpandedChange) + 'static,
) -> Alteration {
    (name, Box::new(alter), codes)
}

#[test]
fn every_hostile_book_change_gets_its_verdict() {
    let put = || OpType::Put(ScalarValue::Bytes(record(50)));
    let table = [
        row("T2 a gap in the sequence", &[Code::Panicked, Code::NotCanonical], |c| c.seq = 5),
        row("T1 an author footer", &[Code::NotCanonical, Code::Panicked], |c| c.extra_bytes = vec![1, 2, 3]),
        row(
            "T6b a counter near the end",
            &[Code::Malformed, Code::NotCanonical, Code::Panicked, Code::ReloadFailed],
            |c| {
                c.start_op = NonZeroU64::new(u64::from(u32::MAX)).expect("not zero");
            },
        ),
        row("T7 an unknown dependency", &[Code::MissingDep], |c| {
            c.deps = vec![automerge::ChangeHash([7; 32])]
        }),
        row("C10 a message", &[Code::NotCanonical], |c| c.message = Some("x".repeat(1_000))),
        row("C15 a header time", &[Code::NotCanonical], |c| c.time = i64::MIN),
        row("T8 an unknown object", &[Code::UnknownObject], |c| {
            c.operations[0].obj = ObjectId::Id(unknown(9))
        }),
        row("T9 a predecessor that is not there", &[Code::BadPred], |c| {
            c.operations[0].pred = vec![unknown(9)].into()
        }),
        row("T10 a list key on a map", &[Code::Schema], |c| c.operations[0].key = Key::Seq(ElementId::Head)),
        row("T15 an increment", &[Code::Schema], |c| c.operations[0].action = OpType::Increment(1)),
        row("C12 a delete", &[Code::Schema], |c| c.operations[0].action = OpType::Delete),
        row("C06 a nested object", &[Code::Schema], |c| c.operations[0].action = OpType::Make(ObjType::Map)),
        row("T11 an insertion", &[Code::Schema], |c| c.operations[0].insert = true),
        row("two records in one change", &[Code::Schema], move |c| {
            c.operations.push(op(Key::Map(key(51).into()), put()))
        }),
        row("text where bytes belong", &[Code::Schema], |c| {
            c.operations[0].action = OpType::Put("text".into())
        }),
        row("C13 a key that is no record's", &[Code::Schema], |c| {
            c.operations[0].key = Key::Map("round/x".into())
        }),
        row("C13 bytes that are no record", &[Code::Schema], |c| {
            c.operations[0].action = OpType::Put(ScalarValue::Bytes(vec![0xff; 40]));
        }),
        row("a fix's key over a round's record", &[Code::Schema], |c| {
            c.operations[0].key = Key::Map(record_key(Kind::Fix, RecordId([50; 16])).into());
        }),
        row("C13 a record that breaks the draft's rules", &[Code::Schema], |c| {
            let mut spoilt = Record::from_bytes(&record(50)).expect("a record");
            if let Body::Round(round) = &mut spoilt.body {
                round.answers.clear();
            }
            c.operations[0].action = OpType::Put(ScalarValue::Bytes(spoilt.to_bytes()));
        }),
        row("a record in another spelling", &[Code::Schema], |c| {
            let mut bytes = record(50);
            bytes.push(0xf6);
            c.operations[0].action = OpType::Put(ScalarValue::Bytes(bytes));
        }),
    ];
    for (name, alter, codes) in table {
        let code = verdict(&BOOK, with(&BOOK, alter)).expect_err(name);
        assert!(codes.contains(&code), "{name}: {code:?}");
    }
}

#[test]
fn every_hostile_sheet_change_gets_its_verdict() {
    let victim = OpId::new(2, &automerge::ActorId::from(actor(&SHEET, 1).as_bytes()));
    let number = |n| OpType::Put(ScalarValue::Uint(n));
    let at = |key: &str| Key::Map(key.into());
    let own = sheet_key().to_string();
    let table = [
        row("T9b a predecessor of an unknown actor", &[Code::BadPred], {
            let own = own.clone();
            move |c| c.operations = vec![Op { pred: vec![unknown(2)].into(), ..op(at(&own), number(1)) }]
        }),
        row("T9c C09 a predecessor under another key", &[Code::BadPred, Code::Panicked], {
            let own = own.clone();
            move |c| c.operations = vec![Op { pred: vec![victim].into(), ..op(at(&own), number(1)) }]
        }),
        row("T18 a delete", &[Code::Schema], {
            let own = own.clone();
            move |c| c.operations = vec![op(at(&own), OpType::Delete)]
        }),
        row("an outcome that is none", &[Code::Schema], {
            let own = own.clone();
            move |c| c.operations = vec![op(at(&own), number(9))]
        }),
        row("text for an outcome", &[Code::Schema], {
            let own = own.clone();
            move |c| c.operations = vec![op(at(&own), OpType::Put("ok".into()))]
        }),
        row("an unknown key", &[Code::Schema], move |c| c.operations = vec![op(at("admin/role"), number(1))]),
        row("an item that is none", &[Code::Schema], move |c| {
            c.operations = vec![op(at("-/Q9-99/-/outcome"), number(1))]
        }),
        row("a catalogue that is none", &[Code::Schema], move |c| {
            c.operations = vec![op(at("-/-/-/template"), number(7))]
        }),
        row("C06 an object", &[Code::Schema], {
            let own = own.clone();
            move |c| c.operations = vec![op(at(&own), OpType::Make(ObjType::List))]
        }),
        row("C19 one key twice in one change", &[Code::BadPred], {
            let own = "-/Q1-12/-/outcome".to_owned();
            move |c| c.operations = vec![op(at(&own), number(1)), op(at(&own), number(2))]
        }),
        row("T8 an unknown object", &[Code::UnknownObject], move |c| {
            c.operations = vec![Op { obj: ObjectId::Id(unknown(3)), ..op(at(&own), number(1)) }];
        }),
    ];
    for (name, alter, codes) in table {
        let code = verdict(&SHEET, with(&SHEET, alter)).expect_err(name);
        assert!(codes.contains(&code), "{name}: {code:?}");
    }
}

#[test]
fn every_hostile_sheet_value_is_one_that_may_not_stand() {
    let long = "长".repeat(crate::record::text::NOTE_CHARS_MAX + 1);
    for (key, value) in [
        ("-/-/-/opened", ScalarValue::Uint(1)),
        ("-/-/-/template", ScalarValue::Int(1)),
        ("-/Q1-99/-/outcome", ScalarValue::Uint(1)),
        ("-/Q1-12/-/note", long.as_str().into()),
        ("-/Q1-12/-/reason", "\u{202e}".into()),
        ("-/Q1-12/-/counts", ScalarValue::Bytes(vec![0; 257])),
        ("-/Q1-12/-/photos", ScalarValue::Bytes(vec![0; 257])),
    ] {
        let change = with(&SHEET, |c| c.operations = vec![op(Key::Map(key.into()), OpType::Put(value))]);
        assert_eq!(verdict(&SHEET, change), Err(Code::Schema), "{key}");
    }
}

#[test]
fn the_sixty_fifth_concurrent_value_under_one_key_is_refused() {
    let first = first_change(SHEET.doc_id());
    let changes: Vec<Vec<u8>> = (0..66_u8)
        .map(|device| {
            with(&SHEET, |c| {
                c.actor_id = automerge::ActorId::from(actor(&SHEET, device).as_bytes());
                c.deps = vec![automerge::ChangeHash(first.hash.0)];
                c.operations = vec![op(
                    Key::Map(sheet_key().to_string().into()),
                    OpType::Put(ScalarValue::Uint(u64::from(device % 3))),
                )];
            })
        })
        .collect();
    let judged = judge(&Case { descriptor: SHEET, snapshot: None, changes: &changes }).expect("judged");
    let refused: Vec<_> = judged.verdicts.iter().filter(|v| v.is_err()).collect();
    assert_eq!(refused, vec![&Err(Code::ConflictFlood); 2]);
}

#[test]
fn sixty_nine_bytes_that_claim_ten_million_operations_are_counted_not_expanded() {
    let bytes = 7_usize;
    let raw = with(&BOOK, |c| c.operations[0].action = OpType::Put(ScalarValue::Bytes(vec![0; bytes])));
    let mut data = raw[10..].to_vec();
    // The action column's length and its one literal value become a run of ten million.
    let spec = data.windows(2).position(|w| w == [0x42, 0x02]).expect("the action column is two bytes long");
    // Behind it stand the value column with its metadata and the empty predecessor groups.
    let action = data.len() - bytes - 2 - 2 - 2;
    assert_eq!(data[action..action + 2], [0x7f, 0x01], "a literal run of one: put");
    data.splice(action..action + 2, [0x80, 0xad, 0xe2, 0x04, 0x01]);
    data[spec + 1] = 5;
    assert_eq!(scan(&framed(1, &data)), Err(ScanFault::TooManyOps));
}

#[test]
fn only_plain_change_chunks_pass_the_scanner() {
    let raw = honest(&BOOK);
    for kind in [0, 2, 3, 7, 255] {
        assert_eq!(scan(&framed(kind, &raw[10..])), Err(ScanFault::ChunkType), "chunk type {kind}");
    }
    let mut cut = raw.clone();
    cut.pop();
    assert_eq!(scan(&cut), Err(ScanFault::Malformed));
    let mut longer = raw.clone();
    longer.push(0);
    assert_eq!(scan(&longer), Err(ScanFault::Malformed));
    for at in [0, 3, 4, 7, raw.len() - 1] {
        let mut flipped = raw.clone();
        flipped[at] ^= 1;
        assert_eq!(scan(&flipped), Err(ScanFault::Checksum), "byte {at}");
    }
}

#[test]
fn a_header_s_claims_are_bounded() {
    let start = with(&BOOK, |c| c.start_op = NonZeroU64::new(1 << 31).expect("not zero"));
    assert_eq!(scan(&start), Err(ScanFault::BadStartOp));
    let deps = with(&BOOK, |c| c.deps = (0..17).map(|i| automerge::ChangeHash([i; 32])).collect());
    assert_eq!(scan(&deps), Err(ScanFault::TooManyDeps));
    for len in [0_usize, 15, 17, 4_096] {
        let raw = with(&BOOK, |c| c.actor_id = automerge::ActorId::from(vec![7_u8; len]));
        assert_eq!(scan(&raw), Err(ScanFault::Actor), "an actor of {len} bytes");
    }
    assert_eq!(scan(&with(&BOOK, |c| c.time = 1)), Err(ScanFault::Extra));
    assert_eq!(scan(&with(&BOOK, |c| c.message = Some("hi".into()))), Err(ScanFault::Extra));
    assert_eq!(scan(&with(&BOOK, |c| c.extra_bytes = vec![0])), Err(ScanFault::Extra));
    let big = with(&BOOK, |c| c.operations[0].action = OpType::Put(ScalarValue::Bytes(vec![0; 65_536])));
    assert_eq!(scan(&big), Err(ScanFault::TooLarge));
    let many = with(&SHEET, |c| {
        let one = c.operations[0].clone();
        c.operations = (0..4_097_u32)
            .map(|i| Op {
                key: Key::Map(format!("{i}").into()),
                action: OpType::Put(ScalarValue::Null),
                ..one.clone()
            })
            .collect();
    });
    assert_eq!(scan(&many), Err(ScanFault::TooManyOps));
}

#[test]
fn a_book_change_with_two_values_does_not_come_apart() {
    let two = with(&BOOK, |c| {
        let mut second = c.operations[0].clone();
        second.key = Key::Map(key(51).into());
        c.operations.push(second);
    });
    assert!(record_put(&two).is_err());
    assert!(record_put(&honest(&BOOK)).is_ok());
}

/// A chunk with a true length and a true checksum around any content.
pub(super) fn framed(kind: u8, data: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut len = Vec::new();
    let mut rest = data.len();
    while rest >= 0x80 {
        len.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    len.push(rest.to_le_bytes()[0]);
    let hash = Sha256::new().chain_update([kind]).chain_update(&len).chain_update(data).finalize();
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83];
    out.extend_from_slice(&hash[..4]);
    out.push(kind);
    out.extend_from_slice(&len);
    out.extend_from_slice(data);
    out
}
