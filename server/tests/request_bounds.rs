//! How much one request may carry: what stands exactly at a bound is taken, one more is refused whole.
//!
//! A refusal for size stores nothing and spends nothing, so a phone that sends the same in two requests gets all of it
//! in. The numbers stand here a second time on purpose: a phone in the field counts on them.

mod kit;

use std::ops::Range;
use std::sync::Arc;

use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, Phone, SITE, STREAM, accepted, clocks, record, round, site};
use louan_schema::doc::Descriptor;
use louan_schema::id::{ChangeHash, CommandId, RecordId, SiteId};
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::{Batch, Cursor, PROTOCOL, Proof, SyncReply, SyncRequest, Verdict};
use louan_server::hub::{Hub, Limits, SyncError};
use louan_server::storage::sqlite::Sqlite;
use louan_server::sync::batch::signed_list;
use louan_server::worker::InProcess;

/// Most changes of a request, documents of a batch and entries of a colleague's list.
const CHANGES: usize = 2_000;
const COMMANDS: usize = 500;
const BATCHES: usize = 64;
const VERIFIED: usize = 500;
const ANSWERED_AT: usize = 8;

/// An office, a phone in it, and a colleague's whose work it may carry.
struct World {
    hub: Hub,
    phone: Phone,
    colleague: Phone,
    here: Cursor,
    /// Changes of the phone and of the colleague, each on the one before it.
    own: Vec<Vec<u8>>,
    others: Vec<Vec<u8>>,
}

impl World {
    async fn new() -> Self {
        let storage = Arc::new(Sqlite::in_memory(STREAM, EPOCH).expect("memory opens"));
        let limits = Limits { changes_per_day: u32::MAX, ..Limits::default() };
        let hub = Hub::open(storage, Arc::new(InProcess), limits).await.expect("opens");
        kit::introduce(&hub).await;
        let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
        let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
        let head = hub.head().await.expect("a head");
        let here = Cursor { stream: head.stream, epoch: head.epoch, pos: head.pos, chain: head.chain };
        let (own, others) = (written(&mut phone, 0), written(&mut colleague, 1));
        Self { hub, phone, colleague, here, own, others }
    }

    /// The phone's changes at these places, in a batch with these commands.
    fn batch(&self, places: Range<usize>, commands: Vec<Command>) -> Batch {
        let changes = self.own[places].iter().map(|raw| (0, 0, raw.clone())).collect();
        self.phone.batch_of(vec![self.phone.book()], changes, commands)
    }

    /// A request with the one change by which it is seen whether anything of it was stored.
    fn marked(&self, place: usize) -> SyncRequest {
        let mark = usize::from(place > 0);
        self.phone.request(vec![self.batch(mark..mark + 1, Vec::new())])
    }

    /// What a phone has to say, as far as it stands at these places.
    fn request(&self, what: What, places: Range<usize>) -> SyncRequest {
        let first = places.start;
        let mark = usize::from(first > 0);
        let halves = |whole: Range<usize>| {
            let middle = whole.start + whole.len() / 2;
            [whole.start..middle, middle..whole.end]
        };
        match what {
            What::Changes => self.phone.request(vec![self.batch(places, Vec::new())]),
            What::ChangesOfTwo => {
                self.phone.request(halves(places).map(|half| self.batch(half, Vec::new())).into())
            }
            What::Batches => {
                self.phone.request(places.map(|at| self.batch(at..at + 1, Vec::new())).collect())
            }
            What::Commands => {
                self.phone.request(vec![self.batch(mark..mark + 1, places.map(command).collect())])
            }
            What::CommandsOfTwo => {
                let [one, two] = halves(places).map(|half| half.map(command).collect());
                self.phone.request(vec![self.batch(mark..mark + 1, one), self.batch(0..0, two)])
            }
            What::Documents => {
                let docs = places.map(|at| match at {
                    0 | CHANGES => self.phone.book(),
                    _ => Descriptor::Book { site: SiteId(id(at, 2)), org: COMPANY, year: 2020 },
                });
                let mark = vec![(0, 0, self.own[mark].clone())];
                self.phone.request(vec![self.phone.batch_of(docs.collect(), mark, Vec::new())])
            }
            What::Listed => {
                // The second change stands at the end: split or not, what is carried comes in order.
                let place = |at| match at {
                    0 => 0,
                    CHANGES => 1,
                    at => at + 1,
                };
                let raws: Vec<_> = places.map(|at| self.others[place(at)].clone()).collect();
                let signed = self.colleague.batch(self.colleague.book(), &raws);
                let proof =
                    Proof { list: signed_list(&signed), commands: Batch::digest_of_commands(&[]).into() };
                let carried = Batch {
                    relayed_for: Some(self.colleague.device),
                    changes: signed.changes[..1].to_vec(),
                    proof: Some(proof),
                    ..signed
                };
                self.phone.request(vec![carried])
            }
            What::Verified => {
                let verify = places.map(|at| ChangeHash([u8::try_from(at % 256).expect("a byte"); 32]));
                SyncRequest { verify: verify.collect(), ..self.marked(first) }
            }
            What::AnsweredAt => {
                SyncRequest { answered_at: vec![self.here; places.len()], ..self.marked(first) }
            }
        }
    }

    /// Sends it, or has it brought by hand; what became of its changes.
    async fn send(&self, request: SyncRequest, by_hand: bool) -> Result<Vec<Vec<Verdict>>, SyncError> {
        if by_hand {
            let carried = self.hub.take_carried(self.phone.device, PROTOCOL, &request.batches, clocks());
            return Ok(carried.await?.0);
        }
        match self.hub.sync(self.phone.device, request, clocks()).await? {
            SyncReply::Taken(taken) => Ok(taken.changes),
            other => panic!("{other:?}"),
        }
    }
}

/// What there is a bound on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Changes,
    ChangesOfTwo,
    Batches,
    Commands,
    CommandsOfTwo,
    Documents,
    /// Entries of the list that a colleague's change is proven with.
    Listed,
    Verified,
    AnsweredAt,
}

fn id(n: usize, whose: u8) -> [u8; 16] {
    let mut id = [whose; 16];
    id[..8].copy_from_slice(&(n as u64).to_be_bytes());
    id
}

/// One change more than a request may carry.
fn written(phone: &mut Phone, whose: u8) -> Vec<Vec<u8>> {
    let content = record(phone.person, round(1));
    let write = |n| phone.write_in(phone.book(), RecordId(id(n, whose)), &content);
    (0..=CHANGES).map(write).collect()
}

/// A command that the phone's person may not give: it is answered, and nothing comes of it.
fn command(n: usize) -> Command {
    let (row, _) = site(SITE, COMPANY, 500_110_001);
    let act = Act::RegisterSite(row, Vec::new());
    Command { id: CommandId(id(n, 3)), expected_version: 1, at: kit::noon(), act }
}

#[tokio::test]
async fn what_stands_at_a_bound_is_taken_and_one_more_is_refused_whole_until_it_is_split() {
    for (what, most) in [
        (What::Changes, CHANGES),
        (What::ChangesOfTwo, CHANGES),
        (What::Batches, BATCHES),
        (What::Commands, COMMANDS),
        (What::CommandsOfTwo, COMMANDS),
        (What::Documents, CHANGES),
        (What::Listed, CHANGES),
        (What::Verified, VERIFIED),
        (What::AnsweredAt, ANSWERED_AT),
    ] {
        for by_hand in [false, true] {
            // Only batches are brought by hand.
            if by_hand && matches!(what, What::Verified | What::AnsweredAt) {
                continue;
            }
            let case = format!("{what:?}, by hand: {by_hand}");
            let world = World::new().await;
            let refused = world.send(world.request(what, 0..most + 1), by_hand).await;
            assert!(matches!(refused, Err(SyncError::TooMuch)), "{case}: one above is refused");
            let head = world.hub.head().await.expect("a head");
            assert_eq!(
                (head.pos, head.chain),
                (world.here.pos, world.here.chain),
                "{case}: nothing is stored"
            );
            for part in [0..most, most..most + 1] {
                let taken = world.send(world.request(what, part), by_hand).await.expect(&case);
                assert!(
                    !taken.concat().is_empty() && accepted(&taken.concat()),
                    "{case}: split, it is taken"
                );
            }
        }
    }
}
