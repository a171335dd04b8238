//! The hostile table over the whole gate: every known way to harm automerge or the log, sent
//! by an enrolled phone with a true signature. Each gets its verdict, the good changes in the
//! same batch are stored, the victim's next honest edit works.
//!
//! "T" numbers are the design's traps, "C" numbers its abuse cases.

mod kit;

use kit::craft::{Parts, chunk, leb, run};
use kit::{COLLEAGUE, COMPANY, MANAGER, Phone, accepted, hub, round};
use louan_schema::doc::first_change;
use louan_schema::wire::{Code, Verdict};

/// What a bad change is made of: the change an honest phone would have sent in its place,
/// the victim's last change, and its actor.
struct Stuff {
    honest: Parts,
    raw: Vec<u8>,
    victim_actor: Vec<u8>,
    victim_hash: [u8; 32],
}

type Row = (&'static str, &'static [Code], fn(Stuff) -> Vec<u8>);

/// What stage 1 stops in the serving process.
const HEADERS: &[Row] = &[
    ("C01 the victim's actor", &[Code::ActorMismatch], |s| Parts { actor: s.victim_actor, ..s.honest }.raw()),
    ("C01 an actor nobody has", &[Code::ActorMismatch], |s| Parts { actor: vec![9; 16], ..s.honest }.raw()),
    ("C02 T2 a gap in the sequence", &[Code::SeqGap], |s| Parts { seq: 5, ..s.honest }.raw()),
    ("C02 the end of the sequence", &[Code::SeqGap], |s| Parts { seq: u64::MAX, ..s.honest }.raw()),
    ("C02 T4 a sequence number used before", &[Code::CloneDetected], |s| Parts { seq: 1, ..s.honest }.raw()),
    ("C02 the sequence number zero", &[Code::Malformed], |s| Parts { seq: 0, ..s.honest }.raw()),
    ("C03 T6b a counter near the end", &[Code::BadStartOp], |s| {
        Parts { start_op: u64::from(u32::MAX), ..s.honest }.raw()
    }),
    ("C03 a counter beyond 2^31", &[Code::BadStartOp], |s| Parts { start_op: 1 << 31, ..s.honest }.raw()),
    ("C03 T6c a counter that falls", &[Code::BadStartOp], |s| Parts { start_op: 1, ..s.honest }.raw()),
    ("C03 a counter that jumps by one", &[Code::BadStartOp], |s| {
        Parts { start_op: s.honest.start_op + 1, ..s.honest }.raw()
    }),
    ("C03 no counter", &[Code::BadStartOp], |s| Parts { start_op: 0, ..s.honest }.raw()),
    ("C04 ten million operations", &[Code::TooManyOps], |s| {
        s.honest.column(0x42, run(10_000_000, &[1])).raw()
    }),
    ("C04 a thousand million operations", &[Code::TooManyOps], |s| {
        s.honest.column(0x42, run(1_000_000_000, &[1])).raw()
    }),
    ("C04 no operation", &[Code::TooManyOps], |s| s.honest.column(0x42, Vec::new()).raw()),
    ("C05 a document", &[Code::ChunkType], |s| chunk(0, &s.raw[12..])),
    ("C05 T5 a compressed change", &[Code::ChunkType], |s| chunk(2, &s.raw[12..])),
    ("C05 a bundle", &[Code::ChunkType], |s| chunk(3, &s.raw[12..])),
    ("C05 a compressed column", &[Code::ChunkType], |s| s.honest.column(0x5f, vec![0x78, 0x9c]).raw()),
    ("C07 T7 an unknown dependency", &[Code::MissingDep], |s| {
        Parts { deps: vec![[7; 32]], ..s.honest }.raw()
    }),
    ("C07 no dependency", &[Code::NotCanonical], |s| Parts { deps: Vec::new(), ..s.honest }.raw()),
    ("C07 the victim's change as dependency", &[Code::NotCanonical], |s| {
        Parts { deps: vec![s.victim_hash], ..s.honest }.raw()
    }),
    ("C10 seventeen dependencies", &[Code::TooManyDeps], |s| {
        Parts { deps: vec![[7; 32]; 17], ..s.honest }.raw()
    }),
    ("C10 ten thousand dependencies", &[Code::TooLarge], |s| {
        Parts { deps: vec![[7; 32]; 10_000], ..s.honest }.raw()
    }),
    ("C10 an empty actor", &[Code::ActorMismatch], |s| Parts { actor: Vec::new(), ..s.honest }.raw()),
    ("C10 an actor of 15 bytes", &[Code::ActorMismatch], |s| Parts { actor: vec![1; 15], ..s.honest }.raw()),
    ("C10 an actor of 17 bytes", &[Code::ActorMismatch], |s| Parts { actor: vec![1; 17], ..s.honest }.raw()),
    ("C10 an actor of a megabyte", &[Code::TooLarge], |s| {
        Parts { actor: vec![1; 1 << 20], ..s.honest }.raw()
    }),
    ("C10 a message", &[Code::NotCanonical], |s| Parts { message: b"x".to_vec(), ..s.honest }.raw()),
    ("C15 the oldest time", &[Code::NotCanonical], |s| Parts { time: i64::MIN, ..s.honest }.raw()),
    ("C15 the year 2099", &[Code::NotCanonical], |s| Parts { time: 4_070_880_000, ..s.honest }.raw()),
    ("T1 an author footer", &[Code::NotCanonical], |s| Parts { extra: vec![1, 2, 3], ..s.honest }.raw()),
    ("an unknown column", &[Code::NotCanonical], |s| s.honest.column(0xa3, run(1, &[1])).raw()),
    ("C21 a wrong checksum", &[Code::Checksum], |s| altered(s.raw, 4)),
    ("C21 a flipped bit of the content", &[Code::Checksum], |s| altered(s.raw, 60)),
    ("C21 a cut change", &[Code::Malformed], |s| s.raw[..s.raw.len() - 1].to_vec()),
    ("C21 bytes behind it", &[Code::Malformed], |s| [s.raw, vec![0]].concat()),
    ("C21 no bytes", &[Code::Malformed], |_| Vec::new()),
    ("C13 a key that is no record's", &[Code::Schema], |s| s.honest.column(0x15, literal(b"round/x")).raw()),
    ("C14 a key with a path in it", &[Code::Schema], |s| s.honest.column(0x15, literal(b"../../x")).raw()),
    ("C13 bytes that are no record", &[Code::Schema], |s| {
        let parts = s.honest.column(0x57, vec![0xff; 40]);
        parts.column(0x56, run(-1, &leb(40 << 4 | 7))).raw()
    }),
    ("C13 T10 a list's key", &[Code::Schema], |s| {
        s.honest.column(0x13, run(-1, &[0])).column(0x15, vec![]).raw()
    }),
];

/// What only the worker can tell.
const OPERATIONS: &[Row] = &[
    ("C06 C08 T8 an object that is not the root", &[Code::UnknownObject, Code::Malformed], |s| {
        s.honest.column(0x01, run(-1, &[0])).column(0x02, run(-1, &[9])).raw()
    }),
    ("C09 T9 T9b T9c a predecessor", &[Code::BadPred, Code::Malformed], |s| {
        s.honest.column(0x70, run(-1, &[1])).column(0x71, run(-1, &[0])).column(0x73, run(-1, &[9])).raw()
    }),
    ("C12 T18 a delete", &[Code::Schema, Code::Malformed, Code::NotCanonical], |s| {
        s.honest.column(0x42, run(-1, &[3])).raw()
    }),
    ("T15 an increment", &[Code::Schema, Code::Malformed, Code::NotCanonical], |s| {
        s.honest.column(0x42, run(-1, &[5])).raw()
    }),
    ("C06 a nested map", &[Code::Schema, Code::Malformed, Code::NotCanonical], |s| {
        s.honest.column(0x42, run(-1, &[0])).raw()
    }),
    (
        "an action that does not exist",
        &[Code::Schema, Code::Malformed, Code::NotCanonical, Code::Panicked],
        |s| s.honest.column(0x42, run(-1, &[99])).raw(),
    ),
    ("T11 T17 an insertion", &[Code::Schema, Code::Malformed], |s| s.honest.column(0x34, vec![0, 1]).raw()),
    ("the same in another spelling", &[Code::NotCanonical, Code::Malformed], |s| {
        s.honest.column(0x42, run(1, &[1])).raw()
    }),
    ("an actor more than needed", &[Code::NotCanonical, Code::Malformed], |s| {
        Parts { others: vec![vec![9; 16]], ..s.honest }.raw()
    }),
];

fn altered(mut raw: Vec<u8>, at: usize) -> Vec<u8> {
    raw[at] ^= 1;
    raw
}

fn literal(text: &[u8]) -> Vec<u8> {
    run(-1, &[leb(text.len() as u64), text.to_vec()].concat())
}

async fn holds(name: &str, codes: &[Code], make: fn(Stuff) -> Vec<u8>) {
    let hub = hub().await;
    let mut victim = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut hostile = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let first = victim.write(1, round(1));
    assert!(accepted(&victim.push(&hub, std::slice::from_ref(&first)).await));
    let good = hostile.write(50, round(50));
    let raw = hostile.write(51, round(51));
    let victim_actor = Parts::of(&first).actor;
    let victim_hash = louan_server::sync::batch::hash_of(&first).0;
    let bad = make(Stuff { honest: Parts::of(&raw), raw, victim_actor, victim_hash });
    // The next actor of the same phone is not touched by what the one before did.
    hostile.n = 1;
    let other = hostile.write(52, round(52));
    let changes = vec![(0, 0, good), (0, 0, bad.clone()), (0, 1, other)];
    let batch = hostile.batch_of(vec![hostile.book()], changes, Vec::new());
    let verdicts = hostile.send(&hub, vec![batch]).await.changes.remove(0);
    let Verdict::NotTaken(code) = verdicts[1] else { panic!("{name}: {verdicts:?}") };
    assert!(codes.contains(&code), "{name}: {code:?}");
    assert!(accepted(&verdicts[..1]) && accepted(&verdicts[2..]), "{name}: {verdicts:?}");
    let next = victim.write(2, round(2));
    assert!(accepted(&victim.push(&hub, &[next]).await), "{name}: the victim's next edit");
    let again = hostile.batch_of(vec![hostile.book()], vec![(0, 0, bad)], Vec::new());
    let again = hostile.send(&hub, vec![again]).await.changes.remove(0);
    assert!(matches!(again[..], [Verdict::NotTaken(_)]), "{name}: {again:?} at the second try");
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 4, "{name}");
}

#[tokio::test]
async fn every_hostile_header_gets_its_verdict_and_harms_nobody() {
    for (name, codes, make) in HEADERS {
        holds(name, codes, *make).await;
    }
}

#[tokio::test]
async fn every_hostile_operation_gets_its_verdict_and_harms_nobody() {
    for (name, codes, make) in OPERATIONS {
        holds(name, codes, *make).await;
    }
}

#[tokio::test]
async fn the_first_change_of_a_document_is_known_and_nobody_can_upload_it() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let first = first_change(phone.book().doc_id());
    let verdicts = phone.push(&hub, &[first.raw]).await;
    assert_eq!(verdicts, [Verdict::Duplicate(0)]);
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 0);
}

#[tokio::test]
async fn what_stands_behind_a_refused_change_of_the_same_actor_follows_it() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let bad = {
        let mut copy = phone.clone();
        Parts { message: b"x".to_vec(), ..Parts::of(&copy.write(1, round(1))) }.raw()
    };
    let mut stranger = kit::record(COLLEAGUE, round(1));
    stranger.written_at = kit::noon();
    let refused = phone.write_in(phone.book(), louan_schema::id::RecordId([2; 16]), &stranger);
    let behind = phone.write(3, round(3));
    let verdicts = phone.push(&hub, &[bad, refused, behind.clone()]).await;
    let expected = [Code::NotCanonical, Code::Follows, Code::Follows].map(Verdict::NotTaken);
    assert_eq!(verdicts, expected);
    assert_eq!(phone.push(&hub, &[behind]).await, [Verdict::NotTaken(Code::Follows)], "asked again alone");
    phone.n = 1;
    let anew = phone.write(3, round(3));
    assert!(accepted(&phone.push(&hub, &[anew]).await), "a new actor goes on");
    phone.n = 0;
    let old = phone.write(4, round(4));
    assert_eq!(phone.push(&hub, &[old]).await, [Verdict::NotTaken(Code::ActorNumber)]);
}

#[tokio::test]
async fn ninety_nine_good_changes_are_stored_beside_a_poisoned_one() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut raws: Vec<Vec<u8>> = (1..=99).map(|id| phone.write(id, round(id))).collect();
    raws.push(Parts::of(&phone.write(100, round(100))).column(0x42, run(10_000_000, &[1])).raw());
    let verdicts = phone.push(&hub, &raws).await;
    assert!(accepted(&verdicts[..99]));
    assert_eq!(verdicts[99], Verdict::NotTaken(Code::TooManyOps));
    assert_eq!(hub.list_rounds(Default::default()).await.expect("reads").total, 99);
}
