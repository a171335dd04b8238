//! Ingest: a change's bytes through the scanner and the judge, as the server and its worker run them.
//!
//! The length and checksum are made true first, because a mutated checksum would hide
//! everything behind it. Panics inside automerge are expected and caught by the judge; a
//! crash here is a panic elsewhere, memory beyond the limit, or a document that was called
//! sound and does not load.
#![no_main]

use libfuzzer_sys::fuzz_target;
use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::{Descriptor, Document};
use louan_schema::id::{OrgId, RoundId, SiteId};
use sha2::{Digest, Sha256};

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
        let raw = framed(data);
        let _ = scan(data);
        let Ok(scanned) = scan(&raw) else { return };
        assert!(scanned.ops <= 4_096 && scanned.deps.len() <= 16);
        let _ = record_put(&raw);
        let site = SiteId([1; 16]);
        let org = OrgId([2; 16]);
        for descriptor in [
            Descriptor::Book { site, org, year: 2020 },
            Descriptor::Sheet { site, org, round: RoundId([3; 16]) },
        ] {
            let changes = [raw.clone()];
            if let Ok(judged) = judge(&Case { descriptor, snapshot: None, changes: &changes }) {
                let loaded = Document::load(&judged.snapshot);
                if loaded.is_err() {
                    std::process::abort();
                }
            }
        }
    }
);
