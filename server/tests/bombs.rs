//! Bombs inside the workers: what a worker may cost at most, and that only the bomb pays.
//!
//! The scanner stops every one of these before a worker is asked; here they are smuggled past it on
//! purpose.

mod gauge;
mod kit;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use kit::craft::{Parts, chunk, leb, run};
use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, OFFICER, POLICE, Phone, SITE, STREAM, accepted, round};
use louan_schema::doc::Descriptor;
use louan_schema::doc::judge::Judged;
use louan_schema::wire::{Code, Verdict};
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::Sqlite;
use louan_server::worker::{Judge, JudgeCase, Pool};
use minicbor::bytes::ByteVec;

/// The peak memory, in KiB, of a worker that was given this change, and whether it lived to answer.
fn peak_kib(change: Vec<u8>) -> (u64, bool) {
    let book = Descriptor::Book { site: SITE, org: COMPANY, year: 2020 };
    // A job to judge: number 0, with one field.
    let job = (0_u32, ((book, None::<ByteVec>, vec![ByteVec::from(change)]),));
    let (peak, answer) = gauge::gauged(&minicbor::to_vec(job).expect("encodes"));
    (peak, !answer.is_empty())
}

/// Millions of operations in about a hundred bytes (M6).
fn operations(honest: Parts, count: i64) -> Vec<u8> {
    honest
        .column(0x15, run(count, &[1, b'a']))
        .column(0x34, leb(count.unsigned_abs()))
        .column(0x42, run(count, &[1]))
        .column(0x56, run(count, &[0]))
        .column(0x57, Vec::new())
        .column(0x70, run(count, &[0]))
        .raw()
}

/// A compressed change that becomes 400 MB of zeros (M5): a literal zero, then "the last byte 258 times".
fn inflating() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b011, 3);
    bits.put_code(0x30, 8);
    for _ in 0..400_000_000 / 258 {
        bits.put_code(0xc5, 8);
        bits.put_code(0, 5);
    }
    bits.put_code(0, 7);
    chunk(2, &bits.bytes)
}

/// A stream of bits, as DEFLATE packs them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Bits of a number, the lowest first.
    fn put(&mut self, value: u32, count: u32) {
        for at in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> at & 1 == 1 {
                *self.bytes.last_mut().expect("just pushed") |= 1 << (self.used % 8);
            }
            self.used = self.used.wrapping_add(1);
        }
    }

    /// Bits of a Huffman code, the highest first.
    fn put_code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|at| self.put(code >> at & 1, 1));
    }
}

/// Puts a bomb in the place of a change that passed the gate.
struct Smuggler {
    pool: Pool,
    mark: Vec<u8>,
    bomb: Vec<u8>,
}

impl Judge for Smuggler {
    fn judge(&self, mut cases: Vec<JudgeCase>) -> BoxFuture<'_, Vec<Result<Judged, Code>>> {
        for change in cases.iter_mut().flat_map(|case| &mut case.changes) {
            if *change == self.mark {
                change.clone_from(&self.bomb);
            }
        }
        self.pool.judge(cases)
    }
}

#[test]
fn no_bomb_gets_more_than_half_a_gibibyte_out_of_a_worker() {
    let honest = Parts::of(&Phone::unknown(41, MANAGER, COMPANY).write(1, round(1)));
    let table = [
        ("three million operations", operations(honest.clone(), 3_000_000), false),
        ("ten million operations", operations(honest.clone(), 10_000_000), false),
        // Growing the buffer fails inside the reader, which says so: the worker lives and answers.
        ("400 MB out of 2 MB", inflating(), true),
    ];
    let (calm, answered) = peak_kib(honest.raw());
    assert!(answered);
    for (name, bomb, answers) in table {
        let (peak, answered) = peak_kib(bomb);
        assert!(peak > 4 * calm, "{name}: {peak} KiB, it did not go off and nothing is shown");
        assert!(peak <= gauge::LIMIT_KIB, "{name}: {peak} KiB");
        assert_eq!(answered, answers, "{name}: {peak} KiB");
    }
}

#[tokio::test]
async fn a_bomb_kills_its_worker_and_nobody_else_notices() {
    let mut hostile = Phone::unknown(42, COLLEAGUE, COMPANY);
    hostile.n = 1;
    let mark = hostile.write(1, round(1));
    let bomb = operations(Parts::of(&mark), 3_000_000);
    let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 2);
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let judge = Arc::new(Smuggler { pool, mark: mark.clone(), bomb });
    let hub = Hub::open(storage, judge, Limits::default()).await.expect("opens");
    kit::introduce(&hub).await;
    hostile.enrol(&hub).await;
    let mut victim = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut other = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let before = victim.write(50, round(50));
    assert!(accepted(&victim.push(&hub, &[before]).await));

    hostile.n = 2;
    let good = hostile.write(2, round(2));
    let batch = hostile.batch_of(vec![hostile.book()], vec![(0, 1, mark), (0, 2, good)], Vec::new());
    let others = async {
        // The same server, another document: answered again and again while workers die.
        for n in 100..120 {
            let raw = other.write(n, round(n));
            assert!(accepted(&other.push(&hub, &[raw]).await), "record {n} of somebody else");
        }
    };
    let (bad, ()) = tokio::join!(hostile.send(&hub, vec![batch]), others);
    assert_eq!(bad.changes[0][0], Verdict::NotTaken(Code::WorkerLimit));
    assert!(accepted(&bad.changes[0][1..]), "the good one beside it: {bad:?}");
    let next = victim.write(51, round(51));
    assert!(accepted(&victim.push(&hub, &[next]).await), "the victim's next edit, in the same document");
    let honest = hostile.write(3, round(3));
    assert!(accepted(&hostile.push(&hub, &[honest]).await), "and the phone's own");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 24);
}
