//! Abuse by number: the same attack a thousand times, at every bit, on every edge of a value.
//!
//! What one row of the hostile table shows once holds however often it is tried: nothing is stored,
//! nothing is queued, nothing comes down that is not the asker's, and others go on.

mod kit;

use std::sync::Arc;

use kit::craft::Parts;
use kit::{
    COLLEAGUE, COMPANY, ELSEWHERE, EPOCH, MANAGER, OTHER_COMPANY, Phone, SITE, STRANGER, STREAM, accepted,
    clocks, hazard, hub, record, round, sheet, tap,
};
use louan_schema::doc::{ActorLife, Descriptor, Document};
use louan_schema::id::{Chain, Epoch, Incarnation, OrgId, RecordId, RoundId, SiteId};
use louan_schema::record::Body;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Batch, Code, Cursor, SyncReply, SyncRequest, Verdict};
use louan_server::hub::{Hub, Limits, SyncError};
use louan_server::storage::log::LogStore;
use louan_server::storage::sqlite::Sqlite;
use louan_server::sync::bootstrap::{Part, Token};
use louan_server::worker::InProcess;
use sha2::{Digest, Sha256};

/// A hub whose day's quota is not what is tested.
async fn patient() -> Hub {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let limits = Limits { changes_per_day: u32::MAX, ..Limits::default() };
    let hub = Hub::open(storage, Arc::new(InProcess), limits).await.expect("opens");
    kit::introduce(&hub).await;
    hub
}

async fn rounds(hub: &Hub) -> u64 {
    hub.list_rounds(Default::default()).await.expect("reads").total
}

/// The same dice for every run.
fn dice() -> impl FnMut() -> u64 {
    let mut rolled = 0_u64;
    move || {
        rolled += 1;
        let digest = Sha256::digest(rolled.to_be_bytes());
        u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"))
    }
}

/// C07 changes on dependencies that nobody has: refused one by one, none is queued.
#[tokio::test]
async fn twenty_thousand_changes_on_unknown_dependencies_leave_no_trace() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let honest = Parts::of(&phone.clone().write(1, round(1)));
    let head = hub.head().await.expect("reads");
    for request in 0..10_u8 {
        let orphan = |n: u16| {
            let mut dep = [request; 32];
            dep[..2].copy_from_slice(&n.to_be_bytes());
            Parts { deps: vec![dep], ..honest.clone() }.raw()
        };
        let orphans: Vec<Vec<u8>> = (0..2_000).map(orphan).collect();
        let verdicts = phone.push(&hub, &orphans).await;
        assert!(verdicts.iter().all(|v| *v == Verdict::NotTaken(Code::MissingDep)), "{:?}", verdicts[0]);
    }
    assert_eq!(hub.head().await.expect("reads"), head);
    let raw = phone.write(1, round(1));
    assert!(accepted(&phone.push(&hub, &[raw]).await), "the quota is whole and the actor unharmed");
}

/// C14 a change for one document sent for fifty others.
#[tokio::test]
async fn a_change_fits_its_own_document_and_no_other() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, round(1));
    let mut docs: Vec<Descriptor> = (2000..2020_u16)
        .map(|year| Descriptor::Book { site: SITE, org: COMPANY, year })
        .chain((0..14).map(|n| Descriptor::Book { site: SiteId([n; 16]), org: COMPANY, year: 2020 }))
        .chain((0..8).map(|n| Descriptor::Book { site: SITE, org: OrgId([100 + n; 16]), year: 2020 }))
        .chain((0..8).map(|n| Descriptor::Sheet { site: SITE, org: COMPANY, round: RoundId([n; 16]) }))
        .collect();
    assert_eq!(docs.len(), 50);
    docs.push(phone.book());
    let changes = (0..51).map(|doc| (doc, 0, raw.clone())).collect();
    let batch = phone.batch_of(docs, changes, Vec::new());
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert!(verdicts[..50].iter().all(|v| *v == Verdict::NotTaken(Code::ActorMismatch)), "{verdicts:?}");
    assert!(accepted(&verdicts[50..]));
    assert_eq!(rounds(&hub).await, 1);
}

/// C15 a clock that stands at either end of time, inside a record.
#[tokio::test]
async fn absurd_instants_are_claims_and_break_neither_the_gate_nor_the_figures() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX, 4_070_880_000_000];
    for (n, at) in (0_u8..).zip(edges.map(Timestamp::from_ms)) {
        let mut written = record(MANAGER, round(10 + n));
        written.written_at = at;
        let raw = phone.write_in(phone.book(), RecordId([10 + n; 16]), &written);
        let verdict = phone.push(&hub, &[raw]).await;
        assert_eq!(verdict, [Verdict::NotTaken(Code::Schema)], "another year's book: {}", at.ms());
        phone.n += 1;
        let Body::Round(mut opened) = round(50 + n) else { panic!("a round") };
        opened.opened_at = at;
        let mut found = hazard("甲");
        found.found_at = at;
        let raws = [
            phone.write_in(phone.book(), RecordId([50 + n; 16]), &record(MANAGER, Body::Round(opened))),
            phone.write_in(phone.book(), RecordId([100 + n; 16]), &record(MANAGER, Body::Hazard(found))),
        ];
        let verdicts = phone.push(&hub, &raws).await;
        assert!(accepted(&verdicts), "a claim about an instant is kept as one: {} {verdicts:?}", at.ms());
        phone.n += 1;
    }
    for cut_off in edges {
        hub.month(Timestamp::from_ms(cut_off)).await.expect("folds");
    }
    hub.rebuild().await.expect("rebuilds");
    assert_eq!(rounds(&hub).await, 8);
}

/// C19 contradictions without end, each naming the one value its writer saw as replaced.
#[tokio::test]
async fn a_value_seen_and_replaced_by_hundreds_stays_under_the_bound() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut opened = Document::fresh(sheet().doc_id());
    let first = phone.tap(&sheet(), &mut opened, &[tap("1", 0)]);
    let mut changes = vec![(0, 0, first)];
    for n in 1..=66 {
        phone.n = n;
        changes.push((0, n, phone.tap(&sheet(), &mut opened.clone(), &[tap("1", u64::from(1 + n % 2))])));
    }
    let batch = phone.batch_of(vec![sheet()], changes, Vec::new());
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert!(accepted(&verdicts[..65]), "the first and the 64 that stand beside each other: {verdicts:?}");
    assert_eq!(verdicts[65..], [Verdict::NotTaken(Code::ConflictFlood); 2]);
    // Sixty-four heads are more than a change may name, and yet whoever has seen them all goes on.
    let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let items = colleague.pull(&hub, 0).await;
    let standing = items.iter().find_map(|item| match item {
        louan_schema::wire::Item::Snapshot { doc, bytes } if *doc == sheet() => Document::load(bytes).ok(),
        _ => None,
    });
    let settling = colleague.tap(&sheet(), &mut standing.expect("the sheet came"), &[tap("1", 0)]);
    let batch = colleague.batch(sheet(), &[settling]);
    assert!(accepted(&colleague.send(&hub, vec![batch]).await.changes[0]));
}

#[tokio::test]
async fn the_same_bytes_twice_in_one_batch_are_one_change() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, round(1));
    let next = phone.write(2, round(2));
    let verdicts = phone.push(&hub, &[raw.clone(), raw, next]).await;
    let [Verdict::Accepted(first), Verdict::Duplicate(again), Verdict::Accepted(_)] = verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(first, again);
}

/// C16 an actor's history told anew: other content under numbers already taken, and more behind it.
#[tokio::test]
async fn a_history_told_otherwise_replaces_nothing() {
    let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
    let hub = kit::district(storage.clone()).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let (fresh, book) = (phone.clone(), phone.book().doc_id());
    let told: Vec<_> = (1..=3).map(|n| phone.write(n, round(n))).collect();
    assert!(accepted(&phone.push(&hub, &told).await));
    let before = storage.snapshot(book).await.expect("reads");
    // From its first change, from its second, from its last: each goes on past the end of the true one.
    for (kept, id) in [(0, 20), (1, 30), (2, 40)] {
        let mut liar = fresh.clone();
        for n in 1..=kept {
            liar.write(n, round(n));
        }
        let otherwise: Vec<_> = (id..id + 6 - kept).map(|n| liar.write(n, round(n))).collect();
        // What stands behind the end of the true one, alone: on changes that nobody has.
        let beyond = usize::from(3 - kept);
        let tail = liar.push(&hub, &otherwise[beyond..=beyond]).await;
        assert_eq!(tail, [Verdict::NotTaken(Code::MissingDep)], "from {kept}");
        let verdicts = liar.push(&hub, &otherwise).await;
        assert_eq!(verdicts[0], Verdict::NotTaken(Code::CloneDetected), "from {kept}");
        let follow = |v: &Verdict| *v == Verdict::NotTaken(Code::Follows);
        assert!(verdicts[1..].iter().all(follow), "from {kept}: {verdicts:?}");
        let repeated = liar.push(&hub, &told).await;
        assert!(repeated.iter().all(|v| matches!(v, Verdict::Duplicate(_))), "{repeated:?}");
    }
    // What was refused is kept as evidence beside the document, never in it.
    assert!(storage.snapshot(book).await.expect("reads") == before, "the document is what it was");
    assert_eq!(rounds(&hub).await, 3);
    let next = [phone.write(4, round(4)), phone.write(5, round(5))];
    assert!(accepted(&phone.push(&hub, &next).await), "the true one goes on");
    assert_eq!(rounds(&hub).await, 5);
}

/// C20 a signed envelope replayed, by its device and by another.
#[tokio::test]
async fn ten_thousand_replays_change_nothing() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut other = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let batch = phone.batch(phone.book(), &[phone.clone().write(1, round(1))]);
    assert!(accepted(&phone.send(&hub, vec![batch.clone()]).await.changes[0]));
    let head = hub.head().await.expect("reads");
    for n in 0..10_000 {
        let verdicts = phone.send(&hub, vec![batch.clone()]).await.changes.remove(0);
        assert!(matches!(verdicts[..], [Verdict::Duplicate(_)]), "{n}: {verdicts:?}");
        if n % 20 == 0 {
            let verdicts = other.send(&hub, vec![batch.clone()]).await.changes.remove(0);
            assert_eq!(verdicts, [Verdict::NotTaken(Code::BadSignature)], "{n}: in another's session");
        }
    }
    assert_eq!(hub.head().await.expect("reads"), head, "position and running hash");
    assert_eq!(rounds(&hub).await, 1);
}

/// C20 every bit of a signed batch flipped, one after the other: envelope, documents, changes, signature.
#[tokio::test]
async fn no_flipped_bit_of_a_signed_batch_gets_in() {
    let hub = patient().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, round(1));
    let batch = phone.batch(phone.book(), &[raw]);
    let bytes = minicbor::to_vec(&batch).expect("encodes");
    let mut tried = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Most bits are content; one that breaks the frame around it is refused before the hub is asked.
        let Ok(flipped) = minicbor::decode::<Batch>(&flipped) else { continue };
        if flipped == batch {
            continue;
        }
        tried += 1;
        let verdicts = phone.send(&hub, vec![flipped]).await.changes.remove(0);
        assert!(verdicts.iter().all(|v| matches!(v, Verdict::NotTaken(_))), "bit {bit}: {verdicts:?}");
    }
    assert!(tried > bytes.len() * 7, "{tried} of {} bits were tried", bytes.len() * 8);
    assert_eq!(rounds(&hub).await, 0);
    assert!(accepted(&phone.send(&hub, vec![batch]).await.changes[0]), "the honest one still gets in");
}

/// C21 every bit of a change flipped, one after the other.
#[tokio::test]
async fn no_flipped_bit_of_a_change_gets_in() {
    let hub = patient().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, round(1));
    let flipped: Vec<Vec<u8>> = (0..raw.len() * 8)
        .map(|bit| {
            let mut copy = raw.clone();
            copy[bit / 8] ^= 1 << (bit % 8);
            copy
        })
        .collect();
    for part in flipped.chunks(500) {
        let verdicts = phone.push(&hub, part).await;
        let refused = |v: &Verdict| {
            use Code::{Checksum, ChunkType, Malformed};
            matches!(v, Verdict::NotTaken(Checksum | ChunkType | Malformed))
        };
        assert!(verdicts.iter().all(refused), "{verdicts:?}");
    }
    assert_eq!(rounds(&hub).await, 0);
    assert!(accepted(&phone.push(&hub, &[raw]).await), "the honest one still gets in");
}

/// C22 ten thousand forged cursors: none is believed.
#[tokio::test]
async fn ten_thousand_forged_cursors_are_refused() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.pull(&hub, 0).await;
    let good = phone.cursor.expect("bootstrapped");
    let mut roll = dice();
    for n in 0..10_000_u32 {
        let (bit, forged) = (roll(), roll());
        let mut epoch = good.epoch.0;
        let mut chain = good.chain.0;
        let cursor = match n % 5 {
            0 => {
                epoch[usize::try_from(bit % 16).expect("small")] ^= 1 << (forged % 8);
                Cursor { epoch: Epoch(epoch), ..good }
            }
            1 => {
                chain[usize::try_from(bit % 16).expect("small")] ^= 1 << (forged % 8);
                Cursor { chain: Chain(chain), ..good }
            }
            // A position of the log with the running hash of another, or one beyond its end.
            2 => Cursor { pos: forged % good.pos, ..good },
            3 => Cursor { pos: good.pos + 1 + forged % (u64::MAX - good.pos - 1), ..good },
            _ => Cursor { stream: STREAM ^ (1 + u32::try_from(forged % 1_000_000).expect("small")), ..good },
        };
        let request = SyncRequest { cursor: Some(cursor), ..phone.request(Vec::new()) };
        match hub.sync(phone.device, request, clocks()).await {
            Ok(SyncReply::EpochChanged { .. }) | Err(SyncError::WrongStream(_)) => {}
            other => panic!("{cursor:?}: {other:?}"),
        }
    }
}

/// C22 C23 forged page tokens: what they bring belongs to the asker's scope, byte for byte.
#[tokio::test]
async fn no_forged_page_token_widens_a_scope() {
    let hub = hub().await;
    let mut writer = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = writer.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&writer.push(&hub, &[raw]).await));
    let stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let head = hub.head().await.expect("reads");
    let parts =
        [Part::All, Part::Org(COMPANY), Part::Site(SITE), Part::Org(OTHER_COMPANY), Part::Site(ELSEWHERE)];
    let mut roll = dice();
    let mut brought = 0;
    for n in 0..2_000_usize {
        let mut token = Token::start(head.epoch, (head.pos, head.chain), parts[n % parts.len()]).to_bytes();
        for _ in 0..n % 4 {
            let at = usize::try_from(roll()).unwrap_or(usize::MAX) % token.len();
            token[at] = roll().to_le_bytes()[0];
        }
        let request = SyncRequest { page: Some(token.clone().into()), ..stranger.request(Vec::new()) };
        let reply = hub.sync(stranger.device, request, clocks()).await.expect("answers");
        // A token altered in position, epoch or running hash speaks of another log, and brings nothing.
        let SyncReply::Taken(taken) = reply else { continue };
        let bytes = minicbor::to_vec(&taken.items).expect("encodes");
        let leaked = bytes.windows(16).any(|w| w == SITE.0 || w == COMPANY.0 || w == MANAGER.0);
        assert!(!leaked, "{token:?}");
        brought += taken.items.len();
    }
    assert!(brought > 0, "what is the stranger's own came");
}

/// C02 a life of which another number was spent: numbers only rise, whoever signs.
#[tokio::test]
async fn an_actor_of_a_lower_number_is_refused_and_one_of_another_life_is_not_the_phones() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    phone.n = 3;
    let third = phone.write(1, round(1));
    assert!(accepted(&phone.push(&hub, &[third]).await));
    phone.n = 2;
    let second = phone.write(2, round(2));
    assert_eq!(phone.push(&hub, &[second]).await, [Verdict::NotTaken(Code::ActorNumber)]);
    phone.n = 3;
    let next = phone.write(3, round(3));
    let life = ActorLife { incarnation: Incarnation([99; 16]), ..phone.life() };
    let foreign = Parts { actor: life.actor(phone.book().doc_id()).0.to_vec(), ..Parts::of(&next) }.raw();
    assert_eq!(phone.push(&hub, &[foreign]).await, [Verdict::NotTaken(Code::ActorMismatch)]);
    assert!(accepted(&phone.push(&hub, &[next]).await), "somebody else's name burns nothing of his");
}
