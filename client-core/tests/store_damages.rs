//! Stores damaged by chance, the same chance in every run: none brings the phone down, none is thrown away.

mod support;

use std::path::{Path, PathBuf};

use louan_client_core::view::{Edit, OutboxView};
use louan_client_core::{OpenError, Phone, StorePlace};
use louan_schema::code::Outcome;
use sha2::{Digest, Sha256};
use support::*;

/// So many stores, each damaged in its own way.
const SEEDS: u64 = 200;

fn filled(path: &Path) -> Vec<OutboxView> {
    let mut desk = Desk::at(StorePlace::File(path.to_owned()));
    desk.hazard(ANNA, "已上传");
    desk.sync();
    let a = desk.acting(ANNA);
    let round = desk.phone.start_round(&a, SITE, vec![HOUSE]).expect("starts");
    for answer in sixteen(Outcome::Fail, Some(1)) {
        let a = desk.acting(ANNA);
        desk.phone.answer(&a, round, answer).expect("saves");
    }
    for n in 0..40 {
        desk.hazard(BERT, &format!("未上传{n}"));
    }
    desk.phone.outbox().expect("reads")
}

fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut rolled = 0_u64;
    move |below| {
        rolled += 1;
        let digest = Sha256::digest([seed.to_be_bytes(), rolled.to_be_bytes()].concat());
        let roll = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
        usize::try_from(roll % u64::try_from(below).expect("small")).expect("small")
    }
}

/// Cut short, a page of rubbish, a few bits flipped, or a stretch of zeros.
fn damaged(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut roll = dice(seed);
    let mut bytes = whole.to_vec();
    match seed % 4 {
        0 => bytes.truncate(roll(whole.len())),
        1 => {
            let page = roll(whole.len() / 4_096) * 4_096;
            bytes[page..page + 4_096]
                .iter_mut()
                .for_each(|byte| *byte = u8::try_from(roll(256)).expect("a byte"));
        }
        2 => (0..=roll(8)).for_each(|_| bytes[roll(whole.len())] ^= 1 << roll(8)),
        _ => {
            let from = roll(whole.len());
            let to = whole.len().min(from + 1 + roll(2_048));
            bytes[from..to].fill(0);
        }
    }
    bytes
}

#[test]
fn whatever_happens_to_a_store_it_opens_whole_or_is_put_aside_and_what_is_readable_is_carried_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model.sqlite");
    let before = filled(&model);
    let whole = std::fs::read(&model).expect("reads");
    let records: Vec<&Edit> = before.iter().map(|edit| &edit.edit).collect();
    let (mut put_aside, mut carried) = (0, 0);
    for seed in 0..SEEDS {
        let path = folder.path().join(format!("{seed}.sqlite"));
        let bytes = damaged(&whole, seed);
        std::fs::write(&path, &bytes).expect("writes");
        let phone = match Phone::open(StorePlace::File(path.clone()), [7; 16]) {
            Ok(phone) => phone,
            // The two numbers that say whose a file is were hit: refused, and left as it was.
            Err(OpenError::Foreign | OpenError::NewerStore { .. }) => {
                assert_eq!(std::fs::read(&path).expect("reads"), bytes, "seed {seed}");
                continue;
            }
            Err(other) => panic!("seed {seed}: {other}"),
        };
        let told = phone.salvage().cloned();
        // A value that rotted unnoticed may be told when it is read; it does not bring anything down.
        let outbox = phone.outbox();
        if let Some(salvage) = told {
            put_aside += 1;
            assert_eq!(salvage.aside, PathBuf::from(format!("{}.damaged-1", path.display())), "seed {seed}");
            assert_eq!(
                std::fs::read(&salvage.aside).expect("is kept"),
                bytes,
                "seed {seed}: not a byte less"
            );
            let outbox = outbox.expect("what was carried over was proven readable");
            carried += usize::from(!outbox.is_empty());
            let known = |edit: &&OutboxView| matches!(edit.edit, Edit::Record { .. });
            for edit in outbox.iter().filter(known) {
                assert!(records.contains(&&edit.edit), "seed {seed}: nothing is made up");
            }
        }
        drop(phone);
        let again = Phone::open(StorePlace::File(path), [8; 16]).expect("opens again");
        assert!(again.salvage().is_none(), "seed {seed}: told once");
    }
    assert!(put_aside > SEEDS / 4 && carried > 20, "{put_aside} put aside, {carried} with work carried over");
}
