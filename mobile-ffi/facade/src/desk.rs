//! The desk: one method a call, for one phone and its host.
//!
//! Each reads its texts, hands them to the core with the host's instant and chance, and
//! prints what came back. Between `prepare` and `absorb` it keeps what was prepared, since
//! a foreign transport comes back with bytes only.

use louan_client_core::darkroom::watermark::Lettering;
use louan_client_core::schema::id::{RecordId, RoundId};
use louan_client_core::schema::unsent::MAGIC;
use louan_client_core::{Phone, PhotoRequest, Prepared, StorePlace, UnsentDraft, UnsentMark};

use crate::building::BuildingRow;
use crate::draft::{
    AnswerDraft, CorrectionDraft, FixDraft, HazardDraft, HazardFilter, RecheckDraft, StopDraft,
};
use crate::enrolment;
use crate::failure::Failure;
use crate::host::{Host, acting, chance, now};
use crate::read::{id, ids};
use crate::receipt::{EditRow, TripRow};
use crate::row::{HazardRow, PersonRow, RoundRow, RoundSheet};

/// Where the store lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File(String),
    /// A name in a virtual file system the host registered.
    Named {
        /// The virtual file system.
        vfs: String,
        /// The name in it.
        name: String,
    },
}

/// A phone with its host (前台): everything a screen can ask for.
#[derive(Debug)]
pub struct Desk<H> {
    pub(crate) phone: Phone,
    pub(crate) host: H,
    prepared: Option<Prepared>,
    /// The request about a photo whose answer is awaited.
    pub(crate) errand: Option<PhotoRequest>,
    /// How far the file of unsent data has come, and the part of it that is to be signed.
    pub(crate) unsent: (UnsentMark, Option<UnsentDraft>),
    /// Who draws the letters of watermarks, when the host has a font.
    pub(crate) lettering: Option<Box<dyn Letterer>>,
}

/// Draws a watermark's letters, from any thread.
pub(crate) trait Letterer: Lettering + std::fmt::Debug + Send + Sync {}

impl<T: Lettering + std::fmt::Debug + Send + Sync> Letterer for T {}

type Answered<T> = Result<T, Failure>;

/// Signatures as they are of a fixed size.
fn fixed(signatures: &[Vec<u8>]) -> Answered<Vec<[u8; 64]>> {
    let signatures: Result<_, _> =
        signatures.iter().map(|signature| signature.as_slice().try_into()).collect();
    signatures.map_err(|_| Failure::misused("a signature is not 64 bytes long"))
}

fn rows<T, R: From<T>>(list: Vec<T>) -> Vec<R> {
    list.into_iter().map(R::from).collect()
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each call answers a Failure, whose variants say what to do next"
)]
impl<H: Host> Desk<H> {
    /// Opens the store, or makes a new one.
    pub fn open(place: Place, host: H) -> Answered<Self> {
        let place = match place {
            Place::File(path) => StorePlace::File(path.into()),
            Place::Named { vfs, name } => StorePlace::Named { vfs, name },
        };
        let phone = Phone::open(place, chance(&host)?)?;
        let unsent = (UnsentMark::default(), None);
        Ok(Self { phone, host, prepared: None, errand: None, unsent, lettering: None })
    }

    /// Where a damaged store was put aside at opening, if one was found.
    pub fn salvaged(&self) -> Option<String> {
        self.phone.salvage().map(|salvage| salvage.aside.display().to_string())
    }

    /// Takes the office's reply to an enrolment code, as it came.
    pub fn enrol(&mut self, reply: &str) -> Answered<Vec<PersonRow>> {
        self.phone.enrol(enrolment::read(reply)?)?;
        self.people()
    }

    /// The people enrolled on this phone.
    pub fn people(&self) -> Answered<Vec<PersonRow>> {
        Ok(rows(self.phone.people()?))
    }

    /// Whether the phone may only send what it holds and shows nothing.
    pub fn is_sealed(&self) -> Answered<bool> {
        Ok(self.phone.is_sealed()?)
    }

    /// Buildings whose name, compound, address or code fits the text.
    pub fn search_buildings(&self, text: &str, limit: u32) -> Answered<Vec<BuildingRow>> {
        Ok(rows(self.phone.search_buildings(text, limit as usize)?))
    }

    /// Rounds of a compound still being filled.
    pub fn open_rounds(&self, site: &str) -> Answered<Vec<RoundRow>> {
        Ok(rows(self.phone.open_rounds(id(site)?)?))
    }

    /// Starts a round; its id.
    pub fn start_round(&mut self, person: &str, site: &str, buildings: &[String]) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let round = self.phone.start_round(&a, id(site)?, ids(buildings)?)?;
        Ok(round.to_string())
    }

    /// Joins a colleague's round.
    pub fn join_round(&mut self, person: &str, round: &str) -> Answered<()> {
        let a = acting(&self.host, id(person)?)?;
        Ok(self.phone.join_round(&a, id(round)?)?)
    }

    /// Answers one item; saved when the call returns.
    pub fn answer(&mut self, person: &str, round: &str, answer: AnswerDraft) -> Answered<()> {
        let a = acting(&self.host, id(person)?)?;
        self.phone.answer(&a, id(round)?, answer.read()?)?;
        Ok(())
    }

    /// A round as it stands: answers, contradictions, what is missing; nothing when it is not known here.
    pub fn round(&self, round: &str) -> Answered<Option<RoundSheet>> {
        Ok(self.phone.round(id::<RoundId>(round)?)?.map(RoundSheet::from))
    }

    /// Submits a round as one record; its id.
    pub fn submit_round(&mut self, person: &str, round: &str) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        Ok(self.phone.submit_round(&a, id(round)?)?.to_string())
    }

    /// Reports a hazard; its id.
    pub fn report_hazard(&mut self, person: &str, site: &str, hazard: HazardDraft) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let (hazard, photos) = hazard.read()?;
        Ok(self.phone.report_hazard(&a, id(site)?, hazard, photos)?.to_string())
    }

    /// Records that work was stopped and reported.
    pub fn stop_and_report(&mut self, person: &str, report: StopDraft) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let (report, photos) = report.read()?;
        Ok(self.phone.stop_and_report(&a, report, photos)?.to_string())
    }

    /// Reports a fix.
    pub fn report_fix(&mut self, person: &str, fix: FixDraft) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let (fix, photos) = fix.read()?;
        Ok(self.phone.report_fix(&a, fix, photos)?.to_string())
    }

    /// Records a recheck.
    pub fn recheck(&mut self, person: &str, recheck: RecheckDraft) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let (recheck, photos) = recheck.read()?;
        Ok(self.phone.recheck(&a, recheck, photos)?.to_string())
    }

    /// Corrects a record of the same organisation; both stay visible.
    pub fn correct(&mut self, person: &str, record: &str, correction: CorrectionDraft) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        let (body, photos) = correction.read()?;
        Ok(self.phone.correct(&a, id(record)?, body, photos)?.to_string())
    }

    /// Takes a record back.
    pub fn withdraw(&mut self, person: &str, record: &str, reason: &str) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        Ok(self.phone.withdraw(&a, id::<RecordId>(record)?, reason)?.to_string())
    }

    /// Enters a returned record again, as it was.
    pub fn reissue(&mut self, person: &str, seq: i64) -> Answered<String> {
        let a = acting(&self.host, id(person)?)?;
        Ok(self.phone.reissue(&a, seq, None)?.to_string())
    }

    /// Hazards with everything this phone knows, as they stand now.
    pub fn hazards(&self, filter: HazardFilter) -> Answered<Vec<HazardRow>> {
        Ok(rows(self.phone.hazards(filter.read()?, now(&self.host))?))
    }

    /// What waits to be sent.
    pub fn outbox(&self) -> Answered<Vec<EditRow>> {
        Ok(rows(self.phone.outbox()?))
    }

    /// What the office holds for a human to decide.
    pub fn held(&self) -> Answered<Vec<EditRow>> {
        Ok(rows(self.phone.held()?))
    }

    /// What the office returned, with the reason.
    pub fn returned(&self) -> Answered<Vec<EditRow>> {
        Ok(rows(self.phone.returned()?))
    }

    /// What the office has, with its position in the log.
    pub fn receipts(&self) -> Answered<Vec<EditRow>> {
        Ok(rows(self.phone.receipts()?))
    }

    /// Prepares the next request; the digests to sign, in order.
    pub fn prepare(&mut self) -> Answered<Vec<[u8; 32]>> {
        let prepared = self.phone.prepare(now(&self.host))?;
        let digests = prepared.digests().to_vec();
        self.prepared = Some(prepared);
        Ok(digests)
    }

    /// The request's bytes, once every digest is signed.
    pub fn seal(&self, signatures: &[Vec<u8>]) -> Answered<Vec<u8>> {
        let prepared = self.prepared.as_ref().ok_or_else(|| Failure::misused("seal without prepare"))?;
        Ok(self.phone.seal(prepared, fixed(signatures)?)?)
    }

    /// Begins a file of what was not sent; its first bytes. It is not encrypted: the app says so before it hands it out.
    pub fn begin_unsent(&mut self) -> Vec<u8> {
        self.unsent = (UnsentMark::default(), None);
        MAGIC.to_vec()
    }

    /// The digests to sign for the next part of the file; nothing when all that was not sent is in it.
    pub fn prepare_unsent(&mut self) -> Answered<Option<Vec<[u8; 32]>>> {
        let draft = self.phone.next_unsent(self.unsent.0, now(&self.host))?;
        let digests = draft.as_ref().map(|draft| draft.digests().to_vec());
        self.unsent.1 = draft;
        Ok(digests)
    }

    /// The part's bytes, once every digest is signed, to be put behind those before.
    pub fn seal_unsent(&mut self, signatures: &[Vec<u8>]) -> Answered<Vec<u8>> {
        let draft =
            self.unsent.1.take().ok_or_else(|| Failure::misused("seal_unsent without prepare_unsent"))?;
        let next = draft.next();
        let bytes = draft.seal(&fixed(signatures)?)?;
        self.unsent.0 = next;
        Ok(bytes)
    }

    /// Tells that a request or its reply was lost: the next one is smaller.
    pub fn lost(&mut self) {
        self.prepared = None;
        self.phone.lost();
    }

    /// Takes the office's reply to the last request.
    pub fn absorb(&mut self, reply: &[u8]) -> Answered<TripRow> {
        let prepared = self.prepared.take().ok_or_else(|| Failure::misused("absorb without prepare"))?;
        let absorbed = self.phone.absorb(prepared, reply, now(&self.host), chance(&self.host)?)?;
        Ok(TripRow::from(&absorbed))
    }
}
