//! What may be done to a sheet: the one kind of document with predecessors.

use louan_schema::wire::Code;

use super::{Row, literal, with_pred};
use crate::kit::craft::{Parts, leb, run};

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
    ("C13 an item that is none", Code::Schema, |s| {
        s.honest.column(0x15, literal(b"-/Q9-99/-/outcome")).raw()
    }),
    ("C13 an outcome that is none", Code::Schema, |s| s.honest.column(0x57, vec![9]).raw()),
    ("C13 another catalogue", Code::Schema, |s| {
        s.honest.column(0x15, literal(b"-/-/-/template")).column(0x57, vec![7]).raw()
    }),
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
