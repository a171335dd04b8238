//! The file of what was not sent, from a phone with photos: each once, with its card, signed; and none that is sent.

use louan_client_core::view::PhotoState;
use louan_client_core::{StorePlace, UnsentMark};
use louan_schema::code::Role;
use louan_schema::id::{BlobHash, CommandId};
use louan_schema::photo::PhotoCard;
use louan_schema::registry::Person;
use louan_schema::ruling::Act;
use louan_schema::unsent::{LENGTH_BYTES, UnsentPart, photo_digest};
use louan_schema::wire::{Item, Row};
use sha2::{Digest, Sha256};

use crate::office::Office;
use crate::sending::send;
use crate::support::*;

/// What stands in the file, with the digests that were signed.
fn parts(desk: &mut Desk) -> Vec<(UnsentPart, Vec<[u8; 32]>)> {
    let (mut parts, mut mark) = (Vec::new(), UnsentMark::default());
    while let Some(draft) = desk.phone.next_unsent(mark, START).expect("plans") {
        mark = draft.next();
        let digests = draft.digests().to_vec();
        assert!(draft.clone().seal(&[]).is_err(), "not without its signatures");
        let bytes = draft.seal(&vec![[7; 64]; digests.len()]).expect("makes");
        parts.push((UnsentPart::read(&bytes[LENGTH_BYTES..]).expect("a part"), digests));
    }
    parts
}

fn photos(parts: &[(UnsentPart, Vec<[u8; 32]>)]) -> Vec<BlobHash> {
    let mut found = Vec::new();
    for (part, digests) in parts {
        let UnsentPart::Photo { device, card, bytes, signature } = part else { continue };
        let hash = BlobHash(Sha256::digest(&**bytes).into());
        assert_eq!(PhotoCard::from_bytes(card).expect("a card").hash, hash);
        assert_eq!(
            (digests.as_slice(), signature.as_slice()),
            (&[photo_digest(*device, card, hash)][..], &[7; 64][..])
        );
        found.push(hash);
    }
    found
}

fn changes(parts: &[(UnsentPart, Vec<[u8; 32]>)]) -> usize {
    let of = |part: &UnsentPart| match part {
        UnsentPart::Changes { batches, .. } => batches.iter().map(|batch| batch.changes.len()).sum(),
        UnsentPart::Photo { .. } => 0,
    };
    parts.iter().map(|(part, _)| of(part)).sum()
}

#[test]
fn what_was_written_and_the_photos_it_cites_are_in_it_and_drafts_are_not() {
    let mut desk = Desk::new();
    let cited = [desk.photo(1), desk.photo(2)];
    let draft = desk.photo(3);
    desk.hazard_with(&cited);
    let found = parts(&mut desk);
    assert_eq!(changes(&found), 1);
    let mut wanted = cited.to_vec();
    wanted.sort_unstable();
    assert_eq!(photos(&found), wanted, "each once; no record cites {draft}");
    assert_eq!(photos(&parts(&mut desk)), wanted, "making the file settles nothing");
    desk.sync();
    let after = parts(&mut desk);
    assert_eq!((changes(&after), photos(&after)), (0, wanted), "photos go after their records");
}

/// A disk alters bytes without telling. The office would refuse the whole file for them, and the next one too.
#[test]
fn a_photo_that_rotted_on_the_shelf_is_left_out_told_and_keeps_no_other_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("phone.sqlite");
    let mut desk = Desk::at(StorePlace::File(path));
    let cited = [desk.photo(1), desk.photo(2)];
    desk.hazard_with(&cited);
    let rotten = folder.path().join("phone.sqlite.photos").join(cited[0].to_string());
    let mut bytes = std::fs::read(&rotten).expect("lies there");
    *bytes.last_mut().expect("has bytes") ^= 1;
    std::fs::write(&rotten, bytes).expect("is altered");
    assert_eq!(photos(&parts(&mut desk)), [cited[1]]);
    desk.sync();
    let mut office = Office::new();
    send(&mut desk, &mut office, &[]);
    assert_eq!(desk.view(cited[0]).state, PhotoState::Refused("bytes_damaged".to_owned()));
    assert!(matches!(desk.view(cited[1]).state, PhotoState::Confirmed(_)));
    assert!(!office.files.contains_key(&cited[0]) && office.files.contains_key(&cited[1]));
}

#[test]
fn more_than_a_part_holds_goes_into_the_next() {
    let mut desk = Desk::new();
    for n in 0..2_050 {
        desk.hazard(ANNA, &format!("堵塞{n}"));
    }
    let found = parts(&mut desk);
    assert!(found.len() >= 2);
    assert_eq!(changes(&found), 2_050);
}

#[test]
fn more_requests_than_a_part_holds_are_all_in_it_each_once_and_in_order() {
    let mut desk = Desk::new();
    let clerk = Person { role: Role::Street, ..person(ANNA, "经办") };
    desk.fetch(vec![Item::Row(Row::Person(clerk))]);
    let id = desk.hazard(ANNA, "堵塞");
    desk.sync();
    let asked: Vec<CommandId> = (0..450)
        .map(|_| {
            let a = desk.acting(ANNA);
            desk.phone.request(&a, Act::CloseHazard { hazard: id }).expect("asks")
        })
        .collect();
    let found = parts(&mut desk);
    let of = |(part, _): &(UnsentPart, _)| -> Vec<CommandId> {
        let UnsentPart::Changes { batches, .. } = part else { return Vec::new() };
        batches.iter().flat_map(|batch| &batch.commands).map(|command| command.id).collect()
    };
    let each: Vec<Vec<CommandId>> = found.iter().map(of).collect();
    assert!(each.iter().all(|part| part.len() <= 200), "what the office takes at once");
    assert_eq!(each.concat(), asked);
}

#[test]
fn a_phone_with_nothing_unsent_makes_an_empty_file() {
    assert!(parts(&mut Desk::new()).is_empty());
}
