//! The hostile rows: what a stranger's phone may send, how the bytes are made, and the one verdict each gets.
//!
//! "T" numbers are the design's traps (sync 5.3), "C" numbers its abuse cases; a row's name begins
//! with those it stands for. Books and sheets are flat maps, so nested objects, lists, counters and
//! deletes (T8, T8b, T11, T15, T17, T18, T19, C06, C08) cannot come from an honest phone at all;
//! their bytes can, and stand here too.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub(crate) mod header;
pub(crate) mod operation;
pub(crate) mod sheet;

use louan_schema::wire::Code;

use crate::kit::craft::{Parts, leb, run};

/// What a bad change is made of: the change an honest phone would have sent in its place, the
/// victim's last change in the same document, and its actor.
pub(crate) struct Stuff {
    pub(crate) honest: Parts,
    pub(crate) raw: Vec<u8>,
    pub(crate) victim_actor: Vec<u8>,
    pub(crate) victim_hash: [u8; 32],
    /// Counter of the victim's last operation.
    pub(crate) victim_op: u8,
    /// Actor and raw bytes of the document's first change, which nobody sends.
    pub(crate) first: Vec<u8>,
}

/// How the bytes are made.
pub(crate) type Make = fn(Stuff) -> Vec<u8>;

/// Its name, its verdict, its making.
pub(crate) type Row = (&'static str, Code, Make);

/// A column of one text.
pub(crate) fn literal(text: &[u8]) -> Vec<u8> {
    run(-1, &[leb(text.len() as u64), text.to_vec()].concat())
}

/// A change with one predecessor: the operation `counter` of the actor at `index` of the change's own list.
pub(crate) fn with_pred(parts: Parts, index: u8, counter: u8) -> Parts {
    parts.column(0x70, run(-1, &[1])).column(0x71, run(-1, &[index])).column(0x73, run(-1, &[counter]))
}
