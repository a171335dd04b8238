//! Chunks laid out by hand, byte by byte: each claim of a chunk that lies, one at a time.
//!
//! The honest layout is proven against [`record_change`] first, so that every refusal is the lie's.

use super::hostile::{BOOK, SHEET, actor, framed, honest, key, record};
use super::judge::{guarded, survives};
use super::scan::{ScanFault, record_put, scan};
use super::{Document, first_change};
use crate::wire::Code;

/// A change in parts, as bytes.
#[derive(Clone)]
struct Parts {
    actor: Vec<u8>,
    seq: Vec<u8>,
    start_op: Vec<u8>,
    time: Vec<u8>,
    message: Vec<u8>,
    others: Vec<u8>,
    columns: Vec<(u8, Vec<u8>)>,
}

/// A literal run of one.
fn one(value: &[u8]) -> Vec<u8> {
    [&[0x7f], value].concat()
}

fn leb(mut n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
    out
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len()), bytes.to_vec()].concat()
}

fn parts() -> Parts {
    let value = record(1);
    Parts {
        actor: prefixed(actor(&BOOK, 1).as_bytes()),
        seq: vec![1],
        start_op: vec![2],
        time: vec![0],
        message: vec![0],
        others: vec![0],
        columns: vec![
            (0x15, one(&prefixed(key(1).as_bytes()))),
            (0x34, vec![1]),
            (0x42, one(&[1])),
            (0x56, one(&leb(value.len() << 4 | 7))),
            (0x57, value),
            (0x70, one(&[0])),
        ],
    }
}

fn raw(alter: impl FnOnce(&mut Parts)) -> Vec<u8> {
    let mut parts = parts();
    alter(&mut parts);
    let mut body = vec![1];
    body.extend(first_change(BOOK.doc_id()).hash.0);
    for part in [parts.actor, parts.seq, parts.start_op, parts.time, parts.message, parts.others] {
        body.extend(part);
    }
    body.extend(leb(parts.columns.len()));
    for (spec, bytes) in &parts.columns {
        body.push(*spec);
        body.extend(leb(bytes.len()));
    }
    parts.columns.iter().for_each(|(_, bytes)| body.extend(bytes));
    framed(1, &body)
}

fn column(spec: u8, bytes: Vec<u8>) -> impl FnOnce(&mut Parts) {
    move |parts| match parts.columns.iter_mut().find(|(s, _)| *s == spec) {
        Some((_, old)) => *old = bytes,
        None => parts.columns.push((spec, bytes)),
    }
}

#[test]
fn every_claim_of_a_chunk_is_held_against_it() {
    assert_eq!(raw(|_| {}), honest(&BOOK), "the layout is the honest writer's");
    let overlong = [vec![0x80; 9], vec![2]].concat();
    let endless = [vec![0x80; 10], vec![1]].concat();
    let table: [(&str, Vec<u8>, ScanFault); 11] = [
        ("C03 no counter", raw(|p| p.start_op = vec![0]), ScanFault::BadStartOp),
        ("C15 a time", raw(|p| p.time = vec![1]), ScanFault::Extra),
        ("C10 a message", raw(|p| p.message = vec![1, b'x']), ScanFault::Extra),
        (
            "C10 another's actor of 15 bytes",
            raw(|p| p.others = [vec![1], prefixed(&[7; 15])].concat()),
            ScanFault::Actor,
        ),
        (
            "one column more than there are",
            raw(|p| p.columns.extend(vec![(0x01, vec![]); 8])),
            ScanFault::Column,
        ),
        ("C05 a compressed column", raw(column(0x5f, vec![0x78])), ScanFault::ChunkType),
        ("a column nobody knows", raw(column(0x23, vec![])), ScanFault::Column),
        ("C04 no operation", raw(column(0x42, vec![])), ScanFault::TooManyOps),
        ("a number spelled longer than needed", raw(|p| p.seq = vec![0x81, 0]), ScanFault::Malformed),
        ("a number beyond 64 bits", raw(|p| p.start_op = overlong), ScanFault::Malformed),
        ("a number of eleven bytes", raw(column(0x42, one(&endless))), ScanFault::Malformed),
    ];
    for (name, raw, fault) in table {
        assert_eq!(scan(&raw), Err(fault), "{name}");
    }
}

#[test]
fn a_book_change_comes_apart_in_one_spelling_only() {
    let put = record_put(&raw(|_| {})).expect("the honest one comes apart");
    assert_eq!(put.bytes, record(1));
    let name = prefixed(key(1).as_bytes());
    let length = leb(record(1).len() << 4 | 7);
    let table = [
        ("a run of one", column(0x15, [vec![1], name.clone()].concat())),
        ("a second key behind the first", column(0x15, [one(&name), one(&name)].concat())),
    ];
    for (what, lie) in table {
        assert_eq!(record_put(&raw(lie)), Err(ScanFault::Column), "{what}");
    }
    let text = leb(record(1).len() << 4 | 6);
    assert_eq!(record_put(&raw(column(0x56, one(&text)))), Err(ScanFault::Column), "a text");
    let two = [one(&length), one(&length)].concat();
    assert_eq!(record_put(&raw(column(0x56, two))), Err(ScanFault::Column), "a second value's length");
    let shorter = leb((record(1).len() - 1) << 4 | 7);
    assert_eq!(record_put(&raw(column(0x56, one(&shorter)))), Err(ScanFault::Column), "a byte left over");
}

/// The last line: what every rule before it let pass is loaded again, and a panic is a verdict.
#[test]
fn a_document_that_does_not_come_back_is_seen_and_a_panic_is_caught() {
    let mut document = Document::fresh(SHEET.doc_id());
    assert!(survives(&document).is_some());
    document.add(&super::hostile::nowhere()).expect("automerge takes a predecessor that is not there (T9)");
    assert!(survives(&document).is_none(), "and the saved document does not load");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = guarded(|| -> Result<(), Code> { panic!("as automerge does (T2, T8, T11)") });
    std::panic::set_hook(hook);
    assert_eq!(caught, Err(Code::Panicked));
}
