//! What only the worker can tell of a book's change: what its one operation does.

use louan_schema::wire::Code;

use super::{Row, with_pred};
use crate::kit::craft::{Parts, run};

pub(crate) const OPERATIONS: &[Row] = &[
    ("C06 C08 T8 an object of an actor nobody knows", Code::UnknownObject, |s| {
        let parts = Parts { others: vec![vec![0xee; 16]], ..s.honest };
        parts.column(0x01, run(-1, &[1])).column(0x02, run(-1, &[9])).raw()
    }),
    ("C08 T8b an object the victim never made", Code::UnknownObject, |s| {
        let parts = Parts { others: vec![s.victim_actor], ..s.honest };
        parts.column(0x01, run(-1, &[1])).column(0x02, run(-1, &[9])).raw()
    }),
    ("C09 T9 a predecessor that is not there", Code::BadPred, |s| with_pred(s.honest, 0, 9).raw()),
    ("C09 T9b a predecessor of an actor nobody knows", Code::BadPred, |s| {
        with_pred(Parts { others: vec![vec![0xee; 16]], ..s.honest }, 1, 9).raw()
    }),
    ("C09 T9c C12 the victim's record as predecessor", Code::BadPred, |s| {
        with_pred(Parts { others: vec![s.victim_actor], ..s.honest }, 1, s.victim_op).raw()
    }),
    ("C12 T18 a delete", Code::Schema, |s| s.honest.column(0x42, run(-1, &[3])).raw()),
    ("C12 T18 a delete of what is not there", Code::BadPred, |s| {
        with_pred(s.honest, 0, 9).column(0x42, run(-1, &[3])).raw()
    }),
    ("T15 an increment", Code::Malformed, |s| s.honest.column(0x42, run(-1, &[5])).raw()),
    ("C06 a nested map", Code::Schema, |s| s.honest.column(0x42, run(-1, &[0])).raw()),
    ("C06 a nested list", Code::Schema, |s| s.honest.column(0x42, run(-1, &[2])).raw()),
    ("C06 a nested text", Code::Schema, |s| s.honest.column(0x42, run(-1, &[4])).raw()),
    ("an action that does not exist", Code::Malformed, |s| s.honest.column(0x42, run(-1, &[99])).raw()),
    ("T11 an insertion", Code::Schema, |s| s.honest.column(0x34, vec![0, 1]).raw()),
    ("T17 T19 C08 an element of a list nobody made", Code::UnknownObject, |s| {
        let parts = s.honest.column(0x01, run(-1, &[0])).column(0x02, run(-1, &[9]));
        parts.column(0x34, vec![0, 1]).raw()
    }),
    ("the same in another spelling", Code::NotCanonical, |s| s.honest.column(0x42, run(1, &[1])).raw()),
    ("an actor more than needed", Code::NotCanonical, |s| {
        Parts { others: vec![vec![9; 16]], ..s.honest }.raw()
    }),
];
