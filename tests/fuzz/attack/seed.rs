//! The inputs that fuzzing begins with, made anew each time: by the phones' writers, and by the hostile rows of the
//! server's tests. No file of unknown origin is kept.
//!
//! Each says what must become of its change, so that the same inputs are tests, too, in a profile with assertions.

use std::path::Path;

use louan_schema::doc::first_change;
use louan_schema::wire::Code;
use louan_server::sync::batch::hash_of;

use super::scene::{SCENES, Scene};
use super::{
    BODY, CHUNK, DECIDED, EDITS, EDITS_BEHIND_HEADER, Fate, NOWHERE, RELAYED, SIGNED, TAKEN_BEFORE, TWICE,
};
use crate::kit::craft::{Parts, chunk};
use crate::kit::tap;
use crate::traps::header::HEADERS;
use crate::traps::operation::OPERATIONS;
use crate::traps::sheet::{SHEETS, TAKEN};
use crate::traps::{Row, Stuff};

/// Longest input, as `tests/setup/fuzz.sh` has it: a change of 64 KiB, and a little that makes it too long.
pub(crate) const INPUT_MAX: usize = 70_000;
/// The scenes in which the rows' verdicts are the ones their table names.
const BOOK: u8 = 1;
const SHEET: u8 = 7;
/// Where what is taken at a bound replaces nothing.
const FRESH_SHEET: u8 = 6;

/// An input and what becomes of its change.
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) input: Vec<u8>,
    pub(crate) fate: Fate,
}

/// Every seed.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = honest();
    for (which, rows) in [(BOOK, HEADERS), (BOOK, OPERATIONS), (SHEET, SHEETS)] {
        seeds.extend(rows.iter().map(|row| hostile(which, row)));
    }
    for (name, make) in TAKEN {
        let raw = make(stuff(&SCENES[usize::from(FRESH_SHEET)]));
        seeds.push(Seed {
            name: (*name).to_owned(),
            input: as_it_is(FRESH_SHEET, &raw),
            fate: Fate::Accepted,
        });
    }
    seeds.push(large());
    seeds.retain(|seed| seed.input.len() <= INPUT_MAX);
    seeds
}

/// Writes every seed into a folder, which is made if need be.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write_into(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (n, seed) in seeds().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{n:03}")), &seed.input)?;
    }
    Ok(())
}

/// In every scene the honest change itself, under every claim.
fn honest() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (which, scene) in (0_u8..).zip(SCENES.iter()) {
        let own = scene.expected[0].map_or_else(Fate::NotTaken, |()| Fate::Accepted);
        let mut seed = |said: &str, how: u8, claims: u8, data: &[u8], fate: Fate| {
            let input = [&[which, how, claims], data].concat();
            seeds.push(Seed { name: format!("{}: {said}", scene.name), input, fate });
        };
        seed("honest", EDITS, 0, &[], own);
        // The first byte is the number of dependencies; that much is added to it.
        seed("an edit of nothing", EDITS_BEHIND_HEADER, 0, &[0xc0, 0, 0], own);
        seed("signed", EDITS | SIGNED, 0, &[], own);
        seed("carried by a colleague", EDITS | SIGNED | RELAYED, TAKEN_BEFORE, &[], own);
        seed("decided by the office", EDITS | DECIDED, 0, &[], Fate::Accepted);
        seed("twice", EDITS | TWICE, 0, &[], own);
        seed("of no document", EDITS | NOWHERE, 0, &[], Fate::Nowhere);
        for claims in 1..=3 {
            seed("under another number", EDITS, claims, &[], Fate::NotTaken(Code::ActorMismatch));
        }
        if own == Fate::Accepted {
            seed("what stands before it, again", CHUNK, 0, &scene.before, Fate::Known);
        }
        if scene.state.snapshot.is_some() {
            seed("what the log has", CHUNK, 0, &scene.victim, Fate::Known);
        }
    }
    seeds
}

fn stuff(scene: &Scene) -> Stuff {
    let victim = Parts::of(&scene.victim);
    Stuff {
        honest: Parts::of(&scene.honest),
        raw: scene.honest.clone(),
        // Of a sheet's change the second operation, an outcome.
        victim_op: u8::try_from(victim.start_op + u64::from(!scene.doc.is_book())).expect("small"),
        victim_actor: victim.actor,
        victim_hash: hash_of(&scene.victim).0,
        first: first_change(scene.doc.doc_id()).raw,
    }
}

fn hostile(which: u8, (name, code, make): &Row) -> Seed {
    let raw = make(stuff(&SCENES[usize::from(which)]));
    Seed { name: (*name).to_owned(), input: as_it_is(which, &raw), fate: Fate::NotTaken(*code) }
}

/// Bytes as an input: as a body where their frame is a true one, so that what is mutated keeps a true checksum.
fn as_it_is(which: u8, raw: &[u8]) -> Vec<u8> {
    let behind = raw.get(9..).unwrap_or_default();
    let length = behind.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    match behind.get(length..) {
        Some(body) if chunk(1, body) == raw => [&[which, BODY, 0], body].concat(),
        _ => [&[which, CHUNK, 0], raw].concat(),
    }
}

/// A sheet's change of two thousand outcomes, the most that a phone folds into one.
fn large() -> Seed {
    let scene = &SCENES[usize::from(SHEET)];
    let snapshot = scene.state.snapshot.as_ref().expect("a sheet in dispute");
    let mut open = louan_schema::doc::Document::load(snapshot).expect("judged");
    open.add(&scene.before).expect("fits");
    let taps: Vec<_> = (0..2_000).map(|floor| tap(&format!("B{floor}"), 1)).collect();
    let mut phone = scene.phone.clone();
    phone.n = 0;
    let raw = phone.tap(&scene.doc, &mut open, &taps);
    Seed { name: "two thousand outcomes".to_owned(), input: as_it_is(SHEET, &raw), fate: Fate::Accepted }
}

#[cfg(test)]
mod tests {
    use louan_server::sync::settle::Outcome;
    use louan_server::sync::{Gate, Rights, Stage1};

    use super::*;
    use crate::attack::{BEHIND_HEADER, attack, batch, change, claims_true, expected, goes_on, sender_of};

    #[test]
    fn every_seed_gets_its_verdict_and_harms_nobody() {
        let seeds = seeds();
        assert!(seeds.len() > 150 && seeds.iter().any(|seed| seed.input.len() > 40_000), "{}", seeds.len());
        let mut wrong = Vec::new();
        for seed in seeds {
            match attack(&seed.input) {
                Ok(fate) if fate == seed.fate => {}
                other => wrong.push(format!("{}: {other:?}, not {:?}", seed.name, seed.fate)),
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn seeds_are_the_same_bytes_in_every_run() {
        let folder = tempfile::tempdir().expect("a folder");
        write_into(&folder.path().join("ingest")).expect("writes");
        for (n, seed) in seeds().iter().enumerate() {
            let path = folder.path().join(format!("ingest/seed-{n:03}"));
            assert_eq!(std::fs::read(path).expect("written"), seed.input, "{}", seed.name);
        }
    }

    #[test]
    fn bytes_become_a_change_as_the_input_says() {
        let scene = &SCENES[usize::from(BOOK)];
        let body = &as_it_is(BOOK, &scene.honest)[3..];
        assert_eq!(change(&scene.honest, EDITS, &[]), scene.honest);
        assert_eq!(change(&scene.honest, EDITS_BEHIND_HEADER, &[]), scene.honest);
        assert_eq!(change(&scene.honest, BODY, body), scene.honest);
        assert_eq!(change(&scene.honest, CHUNK, &scene.honest), scene.honest);
        let bare = Parts::of(&change(&scene.honest, BEHIND_HEADER, &[0, 0]));
        let honest = Parts::of(&scene.honest);
        assert_eq!((bare.seq, bare.start_op, bare.actor), (honest.seq, honest.start_op, honest.actor));
        assert!(bare.columns.is_empty() && !honest.columns.is_empty());
        let header = as_it_is(BOOK, &change(&scene.honest, BEHIND_HEADER, &[])).len() - 3;
        let edited = change(&scene.honest, EDITS_BEHIND_HEADER, &[0xc0, 0, 1]);
        let edited = &as_it_is(BOOK, &edited)[3..];
        let places = body.iter().zip(edited).enumerate().filter(|(_, (a, b))| a != b);
        assert_eq!(
            places.map(|(at, _)| at).collect::<Vec<_>>(),
            [header],
            "the first byte behind the header"
        );
    }

    #[test]
    fn a_finding_is_told() {
        let scene = &SCENES[usize::from(BOOK)];
        let whole = batch(scene, scene.honest.clone(), (0, 0));
        let sender = sender_of(scene, &mut whole.clone(), true).expect("signed");
        let mut signed = scene.phone.signed(whole.clone());
        assert!(sender_of(scene, &mut signed, false).is_err(), "a batch that nobody signed, and that opens");
        let group = louan_server::sync::batch::portions(&whole)[0].measured(&whole);
        let rights =
            Rights { person: sender.person, role: Some(scene.role), own_book: true, barred: scene.barred };
        let mut gate = Gate::new(scene.doc, &sender, rights, scene.state.clone());
        let stage1 = gate.judge(&group.pushed, &mut 9);
        assert_eq!(claims_true(&sender, scene, &group, &stage1), Ok(()));
        assert!(claims_true(&sender, scene, &group, &stage1[1..]).is_err(), "a change without a verdict");
        let lies: [fn(&mut louan_server::sync::Candidate); 6] = [
            |c| c.scanned.seq += 1,
            |c| c.scanned.ops = 4_097,
            |c| c.scanned.start_op = 0,
            |c| c.scanned.deps = vec![c.scanned.hash; 17],
            |c| c.actor = louan_schema::id::ActorId([9; 16]),
            |c| c.record = None,
        ];
        for (n, lie) in lies.iter().enumerate() {
            let mut stage1 = stage1.clone();
            let Stage1::Candidate(candidate) = &mut stage1[1] else { panic!("a candidate") };
            lie(candidate);
            assert!(claims_true(&sender, scene, &group, &stage1).is_err(), "lie {n}");
        }
        let Stage1::Candidate(candidate) = stage1[0].clone() else { panic!("a candidate") };
        let taken = Outcome::Accepted(candidate);
        assert_eq!(expected("before", &taken, Ok(()), false), Ok(()));
        assert!(expected("before", &taken, Err(Code::Frozen), true).is_err());
        let said = |code| Outcome::Said(louan_schema::wire::Verdict::NotTaken(code));
        assert!(expected("behind", &said(Code::KeyExists), Ok(()), false).is_err());
        assert_eq!(expected("behind", &said(Code::KeyExists), Ok(()), true), Ok(()));
        assert!(expected("behind", &said(Code::Panicked), Ok(()), true).is_err());
        let snapshot = scene.state.snapshot.as_ref().expect("a book with history");
        assert_eq!(goes_on(scene, snapshot), Ok(()));
        assert!(goes_on(scene, &snapshot[..snapshot.len() - 1]).is_err(), "does not load");
    }
}
