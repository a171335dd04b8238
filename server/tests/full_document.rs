//! A document that is as large as one may become: what is too much is held, nobody else is
//! kept from writing, and every phone can still take it whole.

mod kit;

use kit::{COLLEAGUE, COMPANY, ELSEWHERE, MANAGER, OFFICER, Phone, SITE, accepted, clocks, hub, noon};
use louan_schema::code::Outcome;
use louan_schema::doc::{DOCUMENT_BYTES_DECIDED_MAX, DOCUMENT_BYTES_MAX, Descriptor, Document};
use louan_schema::id::{BuildingId, ChangeHash, RecordId, RoundId};
use louan_schema::record::text::NOTE_CHARS_MAX;
use louan_schema::record::{Answer, Body, Round};
use louan_schema::wire::{Code, Item, REPLY_BYTES_MAX, SyncReply, SyncRequest, Verdict, frame};
use louan_server::hub::{Hub, OfficeError, OfficeFault};
use louan_server::sync::batch::hash_of;
use sha2::{Digest, Sha256};

/// Answers of one submission; with their notes they are nearly all that one change may carry.
const ANSWERS: u16 = 180;

/// A note that compresses badly.
fn note(seed: (u32, u16)) -> String {
    let signs = (0..7u8).flat_map(|n| Sha256::digest(format!("{seed:?} {n}")).0);
    let signs: Vec<u8> = signs.collect();
    let sign = |pair: &[u8]| 0x4E00 + u32::from(u16::from_be_bytes([pair[0], pair[1]])) % 20_000;
    signs.chunks_exact(2).filter_map(|pair| char::from_u32(sign(pair))).take(NOTE_CHARS_MAX - 2).collect()
}

/// A submission with as many notes as fit; each a visit of its own.
fn long_round(n: u32) -> Body {
    let mut round = [0xA0; 16];
    round[..4].copy_from_slice(&n.to_be_bytes());
    let answers = (0..ANSWERS).map(|floor| Answer {
        floor: Some(format!("{floor:03}")),
        note: Some(note((n, floor))),
        ..Answer::plain("Q1-11".parse().expect("an item"), Outcome::Pass, Some(1))
    });
    Body::Round(Round {
        round: RoundId(round),
        opened_at: noon(),
        buildings: vec![BuildingId(SITE.0)],
        answers: answers.collect(),
        seen: Vec::new(),
        synthetic: false,
    })
}

struct Writer {
    phone: Phone,
    next: u32,
}

impl Writer {
    fn write(&mut self) -> Vec<u8> {
        self.next += 1;
        let mut id = [0xB0; 16];
        id[..4].copy_from_slice(&self.next.to_be_bytes());
        let record = kit::record(self.phone.person, long_round(self.next));
        self.phone.write_in(self.phone.book(), RecordId(id), &record)
    }

    /// Fills the book until a change is too much; what was taken, in bytes, and what was not.
    async fn fill(&mut self, hub: &Hub) -> (u64, Vec<Vec<u8>>) {
        let mut taken = 0;
        for _ in 0..10 {
            let raws: Vec<_> = (0..16).map(|_| self.write()).collect();
            let verdicts = self.phone.push(hub, &raws).await;
            let fits = verdicts.iter().take_while(|verdict| matches!(verdict, Verdict::Accepted(_))).count();
            taken += raws[..fits].iter().map(|raw| raw.len() as u64).sum::<u64>();
            if fits < raws.len() {
                let behind = &verdicts[fits..];
                assert!(behind.iter().all(|v| *v == Verdict::NotTaken(Code::DocumentFull)), "{behind:?}");
                return (taken, raws[fits..].to_vec());
            }
        }
        panic!("{taken} bytes and no end")
    }
}

/// Everything a new phone of the organisation gets, each reply through the very frame it is sent in.
async fn bootstrapped(hub: &Hub, seed: u8) -> Document {
    let phone = Phone::enrolled(hub, seed, COLLEAGUE, COMPANY).await;
    let book = phone.book();
    let mut page = None;
    loop {
        let request = SyncRequest { page, down_bytes_max: REPLY_BYTES_MAX, ..phone.request(Vec::new()) };
        let reply = hub.sync(phone.device, request, clocks()).await.expect("answers");
        let sent = frame::encode(&reply).expect("a reply has room for a whole document");
        let SyncReply::Taken(taken) = frame::decode(&sent).expect("a phone can unpack it") else {
            panic!("not taken")
        };
        for item in &taken.items {
            if let Item::Snapshot { doc, bytes } = item
                && *doc == book
            {
                return Document::load(bytes).expect("a phone can read it");
            }
        }
        page = Some(taken.page.expect("the book comes before the last page ends"));
    }
}

#[tokio::test]
async fn what_is_too_much_for_a_document_is_held_until_a_supervisor_decides_and_then_there_is_an_end() {
    let hub = hub().await;
    let mut writer = Writer { phone: Phone::enrolled(&hub, 41, MANAGER, COMPANY).await, next: 0 };
    let (mut size, mut held) = writer.fill(&hub).await;
    assert!(size <= DOCUMENT_BYTES_MAX && size + 64 * 1024 > DOCUMENT_BYTES_MAX, "{size}");

    // Held for good reasons of one book; every other takes what its people write.
    let elsewhere = Descriptor::book_at(ELSEWHERE, COMPANY, noon());
    assert_ne!(elsewhere, writer.phone.book());
    let mut neighbour = Phone::enrolled(&hub, 43, kit::STRANGER, kit::OTHER_COMPANY).await;
    let other = Descriptor::book_at(ELSEWHERE, kit::OTHER_COMPANY, noon());
    let raw = neighbour.write_in(other, RecordId([9; 16]), &kit::record(kit::STRANGER, kit::round(9)));
    let batch = neighbour.batch(other, &[raw]);
    assert!(accepted(&neighbour.send(&hub, vec![batch]).await.changes[0]));

    let mut colleague = Phone::enrolled(&hub, 44, COLLEAGUE, COMPANY).await;
    let short = colleague.write(99, kit::round(99));
    let verdict = colleague.push(&hub, std::slice::from_ref(&short)).await;
    let room = DOCUMENT_BYTES_MAX - size;
    if (short.len() as u64) <= room {
        assert!(accepted(&verdict), "what is short enough still goes in: {verdict:?}");
        size += short.len() as u64;
    }

    let before = bootstrapped(&hub, 45).await;
    let mut decided = 0;
    let refused = loop {
        if held.is_empty() {
            let raw = writer.write();
            let verdict = writer.phone.push(&hub, std::slice::from_ref(&raw)).await;
            assert_eq!(verdict, [Verdict::NotTaken(Code::DocumentFull)]);
            held.push(raw);
        }
        let raw = held.remove(0);
        let change: ChangeHash = hash_of(&raw);
        match hub.decide_held(OFFICER, (change, writer.phone.device), true, clocks()).await {
            Ok(()) => {
                decided += 1;
                size += raw.len() as u64;
            }
            Err(refused) => break (refused, raw.len() as u64),
        }
    };
    assert!(decided > 10, "{decided}");
    assert!(matches!(refused.0, OfficeError::Fault(OfficeFault::DoesNotFit("document_full"))), "{refused:?}");
    assert!(size <= DOCUMENT_BYTES_DECIDED_MAX && size + refused.1 > DOCUMENT_BYTES_DECIDED_MAX, "{size}");
    let after = bootstrapped(&hub, 46).await;
    assert_ne!(before.heads(), after.heads());
}
