//! What stage 1 stops in the serving process: frames, headers, counts, a record's envelope.

use louan_schema::wire::Code;

use super::{Row, Stuff, literal};
use crate::kit::craft::{Parts, chunk, leb, run};

pub(crate) const HEADERS: &[Row] = &[
    ("C01 the victim's actor", Code::ActorMismatch, |s| Parts { actor: s.victim_actor, ..s.honest }.raw()),
    ("C01 an actor nobody has", Code::ActorMismatch, |s| Parts { actor: vec![9; 16], ..s.honest }.raw()),
    ("C02 T2 a gap in the sequence", Code::SeqGap, |s| Parts { seq: 5, ..s.honest }.raw()),
    ("C02 the end of the sequence", Code::SeqGap, |s| Parts { seq: u64::MAX, ..s.honest }.raw()),
    ("C02 T4 a sequence number used before", Code::CloneDetected, |s| Parts { seq: 1, ..s.honest }.raw()),
    ("C02 the sequence number zero", Code::Malformed, |s| Parts { seq: 0, ..s.honest }.raw()),
    ("C03 T6b a counter near the end", Code::BadStartOp, |s| {
        Parts { start_op: u64::from(u32::MAX), ..s.honest }.raw()
    }),
    ("C03 a counter beyond 2^31", Code::BadStartOp, |s| Parts { start_op: 1 << 31, ..s.honest }.raw()),
    ("C03 the last counter there is", Code::BadStartOp, |s| Parts { start_op: u64::MAX, ..s.honest }.raw()),
    ("C03 T6c a counter that falls", Code::BadStartOp, |s| Parts { start_op: 1, ..s.honest }.raw()),
    ("C03 a counter that jumps by one", Code::BadStartOp, |s| {
        Parts { start_op: s.honest.start_op + 1, ..s.honest }.raw()
    }),
    ("C03 no counter", Code::BadStartOp, |s| Parts { start_op: 0, ..s.honest }.raw()),
    ("C04 ten million operations", Code::TooManyOps, |s| s.honest.column(0x42, run(10_000_000, &[1])).raw()),
    ("C04 a thousand million operations", Code::TooManyOps, |s| {
        s.honest.column(0x42, run(1_000_000_000, &[1])).raw()
    }),
    ("C04 one operation more than allowed", Code::TooManyOps, |s| {
        s.honest.column(0x42, run(4_097, &[1])).raw()
    }),
    ("C04 no operation", Code::TooManyOps, |s| s.honest.column(0x42, Vec::new()).raw()),
    ("C04 ten million keys", Code::TooManyOps, |s| s.honest.column(0x15, run(10_000_000, b"\x01a")).raw()),
    ("C04 ten million insertions", Code::TooManyOps, |s| s.honest.column(0x34, leb(10_000_000)).raw()),
    ("C04 ten million predecessors", Code::TooManyOps, |s| {
        s.honest.column(0x71, run(10_000_000, &[0])).raw()
    }),
    ("C05 C16 a document", Code::ChunkType, |s| chunk(0, &s.raw[12..])),
    ("C05 T5 a compressed change", Code::ChunkType, |s| chunk(2, &s.raw[12..])),
    ("C05 a bundle", Code::ChunkType, |s| chunk(3, &s.raw[12..])),
    ("C05 a compressed column", Code::ChunkType, |s| s.honest.column(0x5f, vec![0x78, 0x9c]).raw()),
    ("C07 T7 an unknown dependency", Code::MissingDep, |s| Parts { deps: vec![[7; 32]], ..s.honest }.raw()),
    ("C07 no dependency", Code::NotCanonical, |s| Parts { deps: Vec::new(), ..s.honest }.raw()),
    ("C07 the victim's change as dependency", Code::NotCanonical, |s| {
        Parts { deps: vec![s.victim_hash], ..s.honest }.raw()
    }),
    ("C10 seventeen dependencies", Code::TooManyDeps, |s| {
        Parts { deps: vec![[7; 32]; 17], ..s.honest }.raw()
    }),
    ("C10 ten thousand dependencies", Code::TooLarge, |s| {
        Parts { deps: vec![[7; 32]; 10_000], ..s.honest }.raw()
    }),
    ("C10 an empty actor", Code::ActorMismatch, |s| Parts { actor: Vec::new(), ..s.honest }.raw()),
    ("C10 an actor of 15 bytes", Code::ActorMismatch, |s| Parts { actor: vec![1; 15], ..s.honest }.raw()),
    ("C10 an actor of 17 bytes", Code::ActorMismatch, |s| Parts { actor: vec![1; 17], ..s.honest }.raw()),
    ("C10 an actor of a megabyte", Code::TooLarge, |s| Parts { actor: vec![1; 1 << 20], ..s.honest }.raw()),
    ("C10 a message", Code::NotCanonical, |s| Parts { message: b"x".to_vec(), ..s.honest }.raw()),
    ("C10 a message of a megabyte", Code::TooLarge, |s| {
        Parts { message: vec![b'x'; 1 << 20], ..s.honest }.raw()
    }),
    ("C15 the oldest time", Code::NotCanonical, |s| Parts { time: i64::MIN, ..s.honest }.raw()),
    ("C15 the year 2099", Code::NotCanonical, |s| Parts { time: 4_070_880_000, ..s.honest }.raw()),
    ("C16 the first change in other words", Code::NotCanonical, |s| {
        Parts { message: b"another beginning".to_vec(), ..Parts::of(&s.first) }.raw()
    }),
    ("T1 an author footer", Code::NotCanonical, |s| Parts { extra: vec![1, 2, 3], ..s.honest }.raw()),
    ("an unknown column", Code::NotCanonical, |s| s.honest.column(0xa3, run(1, &[1])).raw()),
    ("C21 another magic", Code::Checksum, |s| altered(s, 0)),
    ("C21 a wrong checksum", Code::Checksum, |s| altered(s, 4)),
    ("C21 T3b a flipped bit of the content", Code::Checksum, |s| altered(s, 60)),
    ("C21 T3 a cut change", Code::Malformed, |s| s.raw[..s.raw.len() - 1].to_vec()),
    ("C21 bytes behind it", Code::Malformed, |s| [s.raw, vec![0]].concat()),
    ("C21 no bytes", Code::Malformed, |_| Vec::new()),
    ("C13 a key that is no record's", Code::Schema, |s| s.honest.column(0x15, literal(b"round/x")).raw()),
    ("C14 a key with a path in it", Code::Schema, |s| s.honest.column(0x15, literal(b"../../x")).raw()),
    ("C13 bytes that are no record", Code::Schema, |s| record(s, vec![0xff; 40])),
    ("C06 a record of lists nested sixty thousand deep", Code::Schema, |s| record(s, vec![0x81; 60_000])),
    ("C06 a record with a field nobody knows, nested as deep", Code::Schema, |s| {
        let (_, honest) = s.honest.columns.iter().find(|(spec, _)| *spec == 0x57).expect("a record");
        // One field more in the record's map, under the number 99, and in it lists within lists.
        let mut bytes = vec![honest[0] + 1];
        bytes.extend_from_slice(&honest[1..]);
        bytes.extend([0x18, 99]);
        bytes.resize(60_000, 0x81);
        bytes.push(0x80);
        record(s, bytes)
    }),
    ("C13 ten megabytes of text", Code::TooLarge, |s| s.honest.column(0x57, vec![b'x'; 10 << 20]).raw()),
    ("C13 T10 a list's key", Code::Schema, |s| {
        s.honest.column(0x13, run(-1, &[0])).column(0x15, vec![]).raw()
    }),
];

/// The honest change with other bytes where its record stood.
fn record(s: Stuff, bytes: Vec<u8>) -> Vec<u8> {
    let meta = leb((bytes.len() as u64) << 4 | 7);
    s.honest.column(0x56, run(-1, &meta)).column(0x57, bytes).raw()
}

fn altered(s: Stuff, at: usize) -> Vec<u8> {
    let mut raw = s.raw;
    raw[at] ^= 1;
    raw
}
