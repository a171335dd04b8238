//! The hostile table against the real thing: `louan serve` over HTTPS, its own workers, limits as delivered.
//!
//! A phone sends row after row between good changes of its own, several to a request; another goes on working at the
//! same time. Every row gets its verdict, every honest call its answer, and the processes are at the end those that
//! they were. What each row means is told where the table stands, not here.

mod edge_kit;
mod gauge;
mod kit;
mod served_kit;
mod traps;

use std::path::Path;
use std::sync::Arc;

use kit::craft::Parts;
use kit::{COLLEAGUE, COMPANY, EPOCH, MANAGER, OFFICER, POLICE, SITE, STREAM, accepted, record, round, tap};
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document, first_change};
use louan_schema::id::{RecordId, RoundId};
use louan_schema::record::Body;
use louan_schema::wire::{Batch, Verdict, frame};
use louan_server::storage::log::LogStore;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::sync::batch::hash_of;
use served_kit::{Device, Office, children, started};
use tokio::runtime::{Builder, Runtime};
use traps::header::HEADERS;
use traps::operation::OPERATIONS;
use traps::sheet::SHEETS;
use traps::{Row, Stuff};

/// Rows sent in one request.
const TOGETHER: usize = 8;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn store(folder: &Path) -> Arc<Sqlite> {
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };
    Arc::new(Sqlite::open(&folder.join("louan.sqlite"), options).expect("opens"))
}

/// What a row is tried on, as its victim left it.
struct Target {
    doc: Descriptor,
    /// The victim's copy.
    ours: Document,
    /// The victim's last change in it.
    mark: Vec<u8>,
    row: &'static Row,
}

/// Who stands before the office.
struct Court {
    victim: Device,
    hostile: Device,
    ids: u32,
}

impl Court {
    /// A record of a round nobody else speaks of.
    fn write(&mut self, hostile: bool) -> Vec<u8> {
        self.ids += 1;
        let mut id = [0x77; 16];
        id[..4].copy_from_slice(&self.ids.to_be_bytes());
        let mut body = round(1);
        let Body::Round(visit) = &mut body else { panic!("a round") };
        visit.round = RoundId(id);
        let phone = if hostile { &mut self.hostile.phone } else { &mut self.victim.phone };
        phone.write_in(phone.book(), RecordId(id), &record(phone.person, body))
    }

    /// The documents that these rows are tried on, with something of the victim's in each.
    fn targets(&mut self, rows: &[(bool, &'static Row)]) -> Vec<Target> {
        let mut targets = Vec::new();
        for (is_sheet, row) in rows {
            self.ids += 1;
            let mut id = [0x55; 16];
            id[..4].copy_from_slice(&self.ids.to_be_bytes());
            let book = self.victim.phone.book();
            let sheet = Descriptor::Sheet { site: SITE, org: COMPANY, round: RoundId(id) };
            let doc = if *is_sheet { sheet } else { book };
            let mut ours = Document::fresh(doc.doc_id());
            let mark = match is_sheet {
                true => self.victim.phone.tap(&doc, &mut ours, &[Tap::Template(1), tap("1", 1)]),
                false => self.write(false),
            };
            targets.push(Target { doc, ours, mark, row });
        }
        let batches = targets.iter().map(|t| self.victim.phone.batch(t.doc, std::slice::from_ref(&t.mark)));
        let taken = self.victim.sync(batches.collect()).expect("answered");
        assert!(accepted(&taken.changes.concat()), "{:?}", taken.changes);
        targets
    }

    /// The hostile phone's batch for a row: a good change, the bad one behind it, and a good one of its next actor.
    fn batch(&mut self, target: &Target) -> (Batch, usize) {
        let (_, _, make) = target.row;
        let n = self.hostile.phone.n;
        let mut theirs = Document::fresh(target.doc.doc_id());
        let is_book = target.doc.is_book();
        let next = |court: &mut Self, theirs: &mut Document, floor: &str| match is_book {
            true => court.write(true),
            false => court.hostile.phone.tap(&target.doc, theirs, &[tap(floor, 1)]),
        };
        if !is_book {
            theirs.add(&target.mark).expect("the victim's change applies");
        }
        let good = next(self, &mut theirs, "2");
        let mut aside = theirs.clone();
        let raw = next(self, &mut theirs, "3");
        let parts = Parts::of(&target.mark);
        let bad = make(Stuff {
            honest: Parts::of(&raw),
            raw,
            // The victim's last operation: on a sheet an outcome, behind the catalogue.
            victim_op: u8::try_from((parts.start_op + u64::from(!is_book)) % 64).expect("small"),
            victim_actor: parts.actor,
            victim_hash: hash_of(&target.mark).0,
            first: first_change(target.doc.doc_id()).raw,
        });
        let bytes = bad.len();
        self.hostile.phone.n += 1;
        let other = next(self, &mut aside, "4");
        self.hostile.phone.n += 1;
        let changes = vec![(0, n, good), (0, n, bad), (0, n + 1, other)];
        (self.hostile.phone.batch_of(vec![target.doc], changes, Vec::new()), bytes)
    }

    /// Sends the rows in one request, as far as they fit into one; says what went otherwise than it should.
    fn send(&mut self, targets: &[Target], wrong: &mut Vec<String>) {
        let mut together = Vec::new();
        for target in targets {
            let (batch, bytes) = self.batch(target);
            if bytes <= frame::PLAIN_BYTES_MAX {
                together.push((target.row, batch));
                continue;
            }
            // Larger than any request: it is the request that is refused, and its good changes come in another.
            self.send_together(std::mem::take(&mut together), wrong);
            assert_eq!(self.hostile.sync(vec![batch.clone()]).err(), Some(413), "{}", target.row.0);
            let good = [0, 2].map(|at: usize| {
                let change = &batch.changes[at];
                (0, change.n, change.raw.to_vec())
            });
            let again = self.hostile.phone.batch_of(batch.docs, good.into(), Vec::new());
            let taken = self.hostile.sync(vec![again]).expect("answered");
            assert!(accepted(&taken.changes.concat()), "{}: {:?}", target.row.0, taken.changes);
        }
        self.send_together(together, wrong);
    }

    fn send_together(&mut self, rows: Vec<(&Row, Batch)>, wrong: &mut Vec<String>) {
        let (rows, batches): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let taken = self.hostile.sync(batches).expect("answered");
        assert_eq!(taken.changes.len(), rows.len());
        for (&(name, code, _), verdicts) in rows.into_iter().zip(&taken.changes) {
            let [Verdict::Accepted(_), bad, Verdict::Accepted(_)] = verdicts[..] else {
                wrong.push(format!("{name}: {verdicts:?}, good ones beside it"));
                continue;
            };
            if bad != Verdict::NotTaken(code) {
                wrong.push(format!("{name}: {bad:?}, not {code:?}"));
            }
        }
    }

    /// The victim's next edit in each of the documents.
    fn go_on(&mut self, targets: &mut [Target]) {
        let mut batches = Vec::new();
        for target in targets {
            let next = match target.doc.is_book() {
                true => self.write(false),
                false => self.victim.phone.tap(&target.doc, &mut target.ours, &[tap("1", 2)]),
            };
            batches.push(self.victim.phone.batch(target.doc, &[next]));
        }
        let taken = self.victim.sync(batches).expect("answered");
        assert!(accepted(&taken.changes.concat()), "the victim's next edits: {:?}", taken.changes);
    }
}

/// C18 every row among good changes, sent to the program as it is installed.
#[test]
fn the_real_server_gives_every_row_its_verdict_and_answers_everybody_else() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    runtime().block_on(async { drop(kit::district(store(here)).await) });
    let office = Office::open(here);
    let device = |seed, who| Device::enrolled(here, &office, seed, who);
    let (victim, hostile) = (device(41, (MANAGER, COMPANY)), device(42, (COLLEAGUE, COMPANY)));
    let mut honest = device(43, (OFFICER, POLICE));
    let mut court = Court { victim, hostile, ids: 0 };
    let start = started(office.pid()).expect("it runs");

    let of = |is_sheet: bool| move |row: &'static Row| (is_sheet, row);
    let books = HEADERS.iter().chain(OPERATIONS).map(of(false));
    let rows: Vec<_> = books.chain(SHEETS.iter().map(of(true))).collect();
    let (mut wrong, mut sheets, mut id) = (Vec::new(), Vec::new(), 0);
    let mut workers = children(office.pid());
    for rows in rows.chunks(TOGETHER) {
        let mut targets = court.targets(rows);
        std::thread::scope(|scope| {
            let at_work = scope.spawn(|| {
                for _ in 0..3 {
                    id += 1;
                    let raw = honest.phone.write(id, round(id));
                    let batch = honest.phone.batch(honest.phone.book(), &[raw]);
                    let taken = honest.sync(vec![batch]).expect("answered");
                    assert!(accepted(&taken.changes[0]), "somebody else's: {:?}", taken.changes);
                }
            });
            court.send(&targets, &mut wrong);
            at_work.join().expect("every honest call is answered");
        });
        court.go_on(&mut targets);
        let now = children(office.pid());
        assert!(
            workers.keys().all(|worker| now.contains_key(worker)),
            "a worker ended: {workers:?}, {now:?}"
        );
        workers = now;
        sheets.extend(targets.iter().filter(|t| !t.doc.is_book()).map(|t| t.doc));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(!workers.is_empty() && workers.values().all(|peak| *peak <= gauge::LIMIT_KIB), "{workers:?}");
    assert!(office.line().is_well());
    assert_eq!(started(office.pid()), Some(start), "the same process");
    office.stop();

    let stored = store(here);
    let read = |doc: Descriptor| {
        let bytes = runtime().block_on(stored.snapshot(doc.doc_id())).expect("reads").expect("stored");
        Document::load(&bytes).expect("what is stored loads")
    };
    let books = rows.len() - SHEETS.len();
    assert_eq!(read(court.victim.phone.book()).read_book().len(), 4 * books, "two of each, and nothing else");
    assert_eq!(read(honest.phone.book()).read_book().len(), usize::from(id));
    for sheet in sheets {
        let reading = read(sheet).read_sheet();
        let floors: Vec<_> = reading.fields.keys().filter_map(|key| key.floor.as_deref()).collect();
        assert_eq!(floors, ["1", "2", "4"]);
        assert!(reading.contested().next().is_none(), "no contradiction");
    }
}

/// Bytes as they are.
struct Raw(Vec<u8>);

impl<C> minicbor::Encode<C> for Raw {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.writer_mut().write_all(&self.0).map_err(minicbor::encode::Error::write)
    }
}

/// C06 the request itself, nested as deep as a request has bytes, in a field that nobody knows.
#[test]
fn a_request_nested_a_million_deep_is_read_and_its_server_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    runtime().block_on(async { drop(kit::district(store(here)).await) });
    let office = Office::open(here);
    let mut phone = Device::enrolled(here, &office, 41, (MANAGER, COMPANY));
    let start = started(office.pid());
    let mut bytes = minicbor::to_vec(phone.phone.request(Vec::new())).expect("encodes");
    assert_eq!(bytes[0] & 0xe0, 0xa0, "a map with few fields");
    bytes[0] += 1;
    bytes.extend([0x18, 99]);
    bytes.resize(frame::PLAIN_BYTES_MAX - 1, 0x81);
    bytes.push(0x80);
    let (status, _) = phone.post(&frame::encode(Raw(bytes)).expect("a body"));
    assert_eq!(status, 200);
    assert!(phone.sync(Vec::new()).is_ok() && office.line().is_well());
    assert_eq!(started(office.pid()), start, "the same process");
}
