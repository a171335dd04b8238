//! What may be done to a sheet: the one kind of document with predecessors.

use louan_schema::wire::Code;

use super::{Make, Row, Stuff, literal, with_pred};
use crate::kit::craft::{Parts, leb, run, signed_leb};

/// Kinds of values, as a change spells them.
const UINT: u64 = 3;
const INT: u64 = 4;
const TEXT: u64 = 6;
const BYTES: u64 = 7;

const OUTCOME: &str = "-/Q1-11/9/outcome";
const REASON: &str = "-/Q1-11/9/reason";
const NOTE: &str = "-/Q1-11/9/note";
const COUNTS: &str = "-/Q1-11/9/counts";
const MEASURE: &str = "-/Q1-11/9/measure";
const PHOTOS: &str = "-/Q1-11/9/photos";
const TEMPLATE: &str = "-/-/-/template";
const OPENED: &str = "-/-/-/opened";

/// The honest change with another value under another key.
fn put(s: Stuff, key: &str, kind: u64, value: &[u8]) -> Vec<u8> {
    let meta = leb((value.len() as u64) << 4 | kind);
    let parts = s.honest.column(0x15, literal(key.as_bytes())).column(0x56, run(-1, &meta));
    parts.column(0x57, value.to_vec()).raw()
}

/// What stands exactly at a bound, and is taken: without it a rule that refuses everything would pass for one.
pub(crate) const TAKEN: &[(&str, Make)] = &[
    ("a note of 100 characters", |s| put(s, NOTE, TEXT, "楼".repeat(100).as_bytes())),
    ("a reason of 100 characters", |s| put(s, REASON, TEXT, "楼".repeat(100).as_bytes())),
    ("a note of two lines", |s| put(s, NOTE, TEXT, "三楼\n四楼".as_bytes())),
    ("counts of 256 bytes", |s| put(s, COUNTS, BYTES, &[0; 256])),
    ("photos of 256 bytes", |s| put(s, PHOTOS, BYTES, &[0; 256])),
    ("the least measure there is", |s| put(s, MEASURE, INT, &signed_leb(i64::MIN))),
    ("a round opened at the end of time", |s| put(s, OPENED, INT, &signed_leb(i64::MAX))),
    ("the last outcome", |s| put(s, OUTCOME, UINT, &[2])),
    ("the catalogue in force", |s| put(s, TEMPLATE, UINT, &[1])),
    ("a floor of twelve characters", |s| put(s, &OUTCOME.replace('9', &"层".repeat(12)), UINT, &[1])),
];

pub(crate) const SHEETS: &[Row] = &[
    ("C01 the victim's actor on a sheet", Code::ActorMismatch, |s| {
        Parts { actor: s.victim_actor, ..s.honest }.raw()
    }),
    ("C07 T7 an unknown dependency on a sheet", Code::MissingDep, |s| {
        Parts { deps: vec![[7; 32]], ..s.honest }.raw()
    }),
    ("C07 no dependency on a sheet", Code::NotCanonical, |s| Parts { deps: Vec::new(), ..s.honest }.raw()),
    ("C03 T6b a counter near the end on a sheet", Code::BadStartOp, |s| {
        Parts { start_op: u64::from(u32::MAX), ..s.honest }.raw()
    }),
    ("C03 T6c a counter that falls on a sheet", Code::BadStartOp, |s| {
        Parts { start_op: 1, ..s.honest }.raw()
    }),
    ("C09 T9 a predecessor that is not there", Code::BadPred, |s| with_pred(s.honest, 0, 60).raw()),
    ("C09 T9b a predecessor of an actor nobody knows", Code::BadPred, |s| {
        with_pred(Parts { others: vec![vec![0xee; 16]], ..s.honest }, 1, 2).raw()
    }),
    ("C09 T9c the victim's value under another key", Code::BadPred, |s| {
        with_pred(Parts { others: vec![s.victim_actor], ..s.honest }, 1, s.victim_op).raw()
    }),
    ("C12 T18 a delete of the victim's value", Code::Schema, |s| {
        let parts = with_pred(Parts { others: vec![s.victim_actor], ..s.honest }, 1, s.victim_op);
        parts.column(0x42, run(-1, &[3])).column(0x56, run(-1, &[0])).column(0x57, vec![]).raw()
    }),
    ("T15 an increment of the victim's value", Code::Schema, |s| {
        let parts = with_pred(Parts { others: vec![s.victim_actor], ..s.honest }, 1, s.victim_op);
        parts.column(0x42, run(-1, &[5])).raw()
    }),
    ("C06 C08 T8 an object of an actor nobody knows", Code::UnknownObject, |s| {
        let parts = Parts { others: vec![vec![0xee; 16]], ..s.honest };
        parts.column(0x01, run(-1, &[1])).column(0x02, run(-1, &[9])).raw()
    }),
    ("C08 T8b an object that is the victim's value", Code::UnknownObject, |s| {
        let parts = Parts { others: vec![s.victim_actor], ..s.honest };
        parts.column(0x01, run(-1, &[1])).column(0x02, run(-1, &[s.victim_op])).raw()
    }),
    ("C06 a nested list on a sheet", Code::Schema, |s| {
        s.honest.column(0x42, run(-1, &[2])).column(0x56, run(-1, &[0])).column(0x57, vec![]).raw()
    }),
    ("T10 a list's key on a sheet", Code::Schema, |s| {
        s.honest.column(0x13, run(-1, &[0])).column(0x15, vec![]).raw()
    }),
    ("T11 T17 T19 an insertion on a sheet", Code::Schema, |s| s.honest.column(0x34, vec![0, 1]).raw()),
    ("C13 a key that is no answer's", Code::Schema, |s| s.honest.column(0x15, literal(b"admin/role")).raw()),
    ("C13 an item that is none", Code::Schema, |s| put(s, "-/Q9-99/-/outcome", UINT, &[1])),
    ("C13 an outcome that is none", Code::Schema, |s| put(s, OUTCOME, UINT, &[3])),
    ("C13 an outcome with a sign", Code::Schema, |s| put(s, OUTCOME, INT, &[1])),
    ("C13 an outcome that is a text", Code::Schema, |s| put(s, OUTCOME, TEXT, b"1")),
    ("C13 an outcome that is nothing", Code::Schema, |s| put(s, OUTCOME, 0, &[])),
    ("C13 another catalogue", Code::Schema, |s| put(s, TEMPLATE, UINT, &[7])),
    ("C13 a catalogue with a sign", Code::Schema, |s| put(s, TEMPLATE, INT, &[1])),
    ("C13 a catalogue that is a text", Code::Schema, |s| put(s, TEMPLATE, TEXT, b"1")),
    ("C13 a round opened at a number without a sign", Code::Schema, |s| put(s, OPENED, UINT, &[1])),
    ("C13 a round opened at a text", Code::Schema, |s| put(s, OPENED, TEXT, b"2020-01-22")),
    ("C13 a measure without a sign", Code::Schema, |s| put(s, MEASURE, UINT, &[1])),
    ("C13 a measure that is a text", Code::Schema, |s| put(s, MEASURE, TEXT, b"1")),
    ("C13 a measure that is a fraction", Code::Schema, |s| put(s, MEASURE, 5, &1.5_f64.to_le_bytes())),
    ("C13 a note of 101 characters", Code::Schema, |s| put(s, NOTE, TEXT, "楼".repeat(101).as_bytes())),
    ("C13 a reason of 101 characters", Code::Schema, |s| put(s, REASON, TEXT, "楼".repeat(101).as_bytes())),
    ("C13 a note that turns its reader around", Code::Schema, |s| {
        put(s, NOTE, TEXT, "a\u{202e}b".as_bytes())
    }),
    ("C13 a note with a sign nobody sees", Code::Schema, |s| put(s, NOTE, TEXT, "a\u{200b}b".as_bytes())),
    ("C13 a reason that turns its reader around", Code::Schema, |s| {
        put(s, REASON, TEXT, "a\u{2067}b".as_bytes())
    }),
    ("C13 a reason with a sign nobody sees", Code::Schema, |s| put(s, REASON, TEXT, "\u{feff}a".as_bytes())),
    ("C13 a reason with colours in it", Code::Schema, |s| put(s, REASON, TEXT, b"a\x1b[31m")),
    ("C13 a note of bytes", Code::Schema, |s| put(s, NOTE, BYTES, b"a")),
    ("C13 a reason that is a number", Code::Schema, |s| put(s, REASON, UINT, &[1])),
    ("C13 counts of 257 bytes", Code::Schema, |s| put(s, COUNTS, BYTES, &[0; 257])),
    ("C13 photos of 257 bytes", Code::Schema, |s| put(s, PHOTOS, BYTES, &[0; 257])),
    ("C13 counts that are a text", Code::Schema, |s| put(s, COUNTS, TEXT, b"1")),
    ("C13 photos that are a text", Code::Schema, |s| put(s, PHOTOS, TEXT, b"1")),
    ("C13 a floor of thirteen characters", Code::Schema, |s| {
        put(s, &OUTCOME.replace('9', &"层".repeat(13)), UINT, &[1])
    }),
    ("C13 a floor that turns its reader around", Code::Schema, |s| {
        put(s, &OUTCOME.replace('9', "\u{202e}9"), UINT, &[1])
    }),
    ("C13 a field that is none", Code::Schema, |s| put(s, "-/Q1-11/9/verdict", UINT, &[1])),
    ("C13 a building that is none", Code::Schema, |s| put(s, "1栋/Q1-11/9/outcome", UINT, &[1])),
    ("C13 a key with a part too many", Code::Schema, |s| put(s, "-/Q1-11/9/outcome/x", UINT, &[1])),
    ("C13 a key in another spelling", Code::Schema, |s| put(s, "-/q1-11/9/outcome", UINT, &[1])),
    ("C06 maps nested nine deep", Code::Schema, |s| nested(s.honest, 9)),
    ("C06 maps nested five hundred deep", Code::Schema, |s| nested(s.honest, 500)),
    ("C06 maps nested as deep as a change has operations", Code::Schema, |s| nested(s.honest, 4_096)),
    ("C06 maps nested as deep as a change has bytes", Code::TooManyOps, |s| nested(s.honest, 20_000)),
    ("C06 maps nested a hundred thousand deep", Code::TooLarge, |s| nested(s.honest, 100_000)),
    ("C19 a thousand values under one key in one change", Code::BadPred, |s| {
        let count: i64 = 1_000;
        let values = vec![0; 1_000];
        let key = s.honest.columns.iter().find(|(spec, _)| *spec == 0x15).expect("a key").1[1..].to_vec();
        s.honest
            .column(0x15, run(count, &key))
            .column(0x34, leb(1_000))
            .column(0x42, run(count, &[1]))
            .column(0x56, run(count, &[0x13]))
            .column(0x57, values)
            .column(0x70, run(count, &[0]))
            .raw()
    }),
];

/// Maps within maps: each operation makes one inside what the operation before it made.
fn nested(parts: Parts, depth: u32) -> Vec<u8> {
    let count = i64::from(depth);
    let within: Vec<u8> = (0..u64::from(depth) - 1).flat_map(|n| leb(parts.start_op + n)).collect();
    let after_the_root = |rest: Vec<u8>| [vec![0, 1], rest].concat();
    parts
        .column(0x01, after_the_root(run(count - 1, &[0])))
        .column(0x02, after_the_root(run(1 - count, &within)))
        .column(0x15, run(count, &literal(b"-/Q1-11/9/outcome")[1..]))
        .column(0x34, leb(u64::from(depth)))
        .column(0x42, run(count, &[0]))
        .column(0x56, run(count, &[0]))
        .column(0x57, Vec::new())
        .column(0x70, run(count, &[0]))
        .raw()
}
