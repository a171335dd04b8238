//! Ingest: a change's bytes through the scanner and the judge, as the server and its worker run them.
//!
//! The first byte says what is attacked: bytes from nothing, or an honest change of a book or a sheet with the
//! rest of the input as edits of its body. Length and checksum are made true, because a mutated checksum would
//! hide everything behind it. Panics inside automerge are expected and caught by the judge; a crash here is a
//! panic elsewhere, memory beyond the limit, an honest change beside it that was lost, or a document that was
//! called sound and does not load.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use louan_schema::code::Outcome;
use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::write::{Tap, record_change, sheet_change};
use louan_schema::doc::{Descriptor, Document, Field, Kind, SheetKey};
use louan_schema::id::{ActorId, OrgId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::record::{Answer, Body, RECORD_LAYOUT, Record, Round};
use louan_schema::time::Timestamp;
use sha2::{Digest, Sha256};

const BOOK: Descriptor = Descriptor::Book { site: SiteId([1; 16]), org: OrgId([2; 16]), year: 2020 };
const SHEET: Descriptor =
    Descriptor::Sheet { site: SiteId([1; 16]), org: OrgId([2; 16]), round: RoundId([3; 16]) };

/// An honest change, and one that an honest phone would send next to it.
struct Honest {
    descriptor: Descriptor,
    before: Vec<u8>,
    after: Vec<u8>,
}

fn book() -> Option<Honest> {
    let record = |n: u8| {
        let answers = vec![Answer::plain("Q1-01".parse().ok()?, Outcome::Pass, None)];
        let opened_at = Timestamp::from_ms(1_580_000_000_000);
        let round = RoundId([n; 16]);
        let visit = Round { round, opened_at, buildings: Vec::new(), answers, seen: Vec::new(), synthetic: false };
        let record = Record {
            layout: RECORD_LAYOUT,
            author: PersonId([4; 16]),
            written_at: opened_at,
            catalogue: 1,
            replaces: None,
            photos: Vec::new(),
            body: Body::Round(visit),
        };
        let key = (Kind::Round, RecordId([n; 16]));
        record_change(&BOOK, ActorId([n; 16]), None, key, record.to_bytes()).ok()
    };
    Some(Honest { descriptor: BOOK, before: record(1)?.raw, after: record(2)?.raw })
}

fn sheet() -> Option<Honest> {
    let key = |floor: &str, field| SheetKey {
        place: None,
        item: "Q1-11".parse().expect("an item of the catalogue"),
        floor: Some(floor.to_owned()),
        field,
    };
    let mut document = Document::fresh(SHEET.doc_id());
    let taps = [Tap::Template(1), Tap::Opened(5), Tap::Number(key("1", Field::Outcome), 1)];
    let before = sheet_change(&mut document, ActorId([1; 16]), &taps).ok()??;
    let taps = [
        Tap::Number(key("1", Field::Outcome), 2),
        Tap::Text(key("1", Field::Note), "说明".to_owned()),
        Tap::Bytes(key("2", Field::Counts), vec![0x80]),
        Tap::Signed(key("2", Field::Measure), -5),
    ];
    let after = sheet_change(&mut document, ActorId([2; 16]), &taps).ok()??;
    Some(Honest { descriptor: SHEET, before: before.raw, after: after.raw })
}

static HONEST: LazyLock<[Honest; 2]> = LazyLock::new(|| [book().expect("writes"), sheet().expect("writes")]);

/// The content of a chunk: what stands behind magic, checksum, type and length.
fn body(raw: &[u8]) -> &[u8] {
    let length = raw[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    &raw[9 + length..]
}

/// Edits of three bytes each: what to do and where, and with which byte.
fn edited(honest: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for edit in edits.chunks_exact(3) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([edit[0] & 0x3f, edit[1]])) % bytes.len();
        match edit[0] >> 6 {
            0 => bytes[at] = edit[2],
            1 => bytes.insert(at, edit[2]),
            2 => drop(bytes.remove(at)),
            _ => bytes[at] = bytes[at].wrapping_add(edit[2]),
        }
    }
    bytes
}

fn framed(data: &[u8]) -> Vec<u8> {
    let mut len = Vec::new();
    let mut rest = data.len();
    while rest >= 0x80 {
        len.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    len.push(rest.to_le_bytes()[0]);
    let hash = Sha256::new().chain_update([1]).chain_update(&len).chain_update(data).finalize();
    [&[0x85, 0x6f, 0x4a, 0x83][..], &hash[..4], &[1], &len, data].concat()
}

fuzz_target!(
    // libfuzzer aborts on any panic; the judge's are caught where they happen.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let Some((choice, data)) = data.split_first() else { return };
        let honest = &HONEST[usize::from(*choice & 1)];
        let _ = scan(data);
        let raw = framed(&match choice & 2 {
            0 => edited(body(&honest.after), data),
            _ => data.to_vec(),
        });
        let Ok(scanned) = scan(&raw) else { return };
        assert!(scanned.ops <= 4_096 && scanned.deps.len() <= 16);
        let _ = record_put(&raw);
        let changes = [honest.before.clone(), raw, honest.after.clone()];
        let judged = judge(&Case { descriptor: honest.descriptor, snapshot: None, changes: &changes });
        let sound = judged.is_ok_and(|judged| {
            // A change of the attacked one's own actor may follow it; the other's is kept whatever happens.
            judged.verdicts[0].is_ok() && Document::load(&judged.snapshot).is_ok()
        });
        if !sound {
            std::process::abort();
        }
    }
);
