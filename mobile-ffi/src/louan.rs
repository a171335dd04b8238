//! The phone, as foreign code holds it: every call of the desk behind one lock.
//!
//! Calls from several threads queue, each for as long as it works on the store; nobody
//! waits for the network behind somebody else's lock.

use std::sync::{Arc, Mutex, MutexGuard};

use louan_facade::{
    AnswerDraft, BuildingRow, CorrectionDraft, Desk, EditRow, Failure, FixDraft, HazardDraft, HazardFilter,
    HazardRow, PersonRow, PhotoCountRow, PhotoRow, PhotoSettingsRow, Place, RecheckDraft, RoundRow,
    RoundSheet, ShotDraft, StopDraft, TripRow, held,
};

use crate::host::{DeviceHost, Foreign};
use crate::office::Office;

/// A field worker's phone.
#[derive(uniffi::Object)]
pub struct Louan(Mutex<Desk<Foreign>>);

impl Louan {
    fn desk(&self) -> MutexGuard<'_, Desk<Foreign>> {
        held(&self.0)
    }
}

#[uniffi::export]
#[allow(
    clippy::missing_errors_doc,
    reason = "each call answers a Failure, whose variants say what to do next"
)]
#[allow(clippy::needless_pass_by_value, reason = "foreign values come owned")]
impl Louan {
    /// Opens the store at a path, or makes a new one.
    #[uniffi::constructor]
    pub fn open(path: String, host: Arc<dyn DeviceHost>) -> Result<Self, Failure> {
        Ok(Self(Mutex::new(Desk::open(Place::File(path), Foreign(host))?)))
    }

    /// Where a damaged store was put aside at opening, if one was found.
    pub fn salvaged(&self) -> Option<String> {
        self.desk().salvaged()
    }

    /// Takes the office's reply to an enrolment code, as it came.
    pub fn enrol(&self, reply: String) -> Result<Vec<PersonRow>, Failure> {
        self.desk().enrol(&reply)
    }

    /// The people enrolled on this phone.
    pub fn people(&self) -> Result<Vec<PersonRow>, Failure> {
        self.desk().people()
    }

    /// Whether the phone may only send what it holds and shows nothing.
    pub fn is_sealed(&self) -> Result<bool, Failure> {
        self.desk().is_sealed()
    }

    /// Buildings whose name, compound, address or code fits the text.
    pub fn search_buildings(&self, text: String, limit: u32) -> Result<Vec<BuildingRow>, Failure> {
        self.desk().search_buildings(&text, limit)
    }

    /// Rounds of a compound still being filled.
    pub fn open_rounds(&self, site: String) -> Result<Vec<RoundRow>, Failure> {
        self.desk().open_rounds(&site)
    }

    /// Starts a round; its id.
    pub fn start_round(
        &self,
        person: String,
        site: String,
        buildings: Vec<String>,
    ) -> Result<String, Failure> {
        self.desk().start_round(&person, &site, &buildings)
    }

    /// Joins a colleague's round.
    pub fn join_round(&self, person: String, round: String) -> Result<(), Failure> {
        self.desk().join_round(&person, &round)
    }

    /// Answers one item; saved when the call returns.
    pub fn answer(&self, person: String, round: String, answer: AnswerDraft) -> Result<(), Failure> {
        self.desk().answer(&person, &round, answer)
    }

    /// A round as it stands: answers, contradictions, what is missing; nothing when it is not known here.
    pub fn round(&self, round: String) -> Result<Option<RoundSheet>, Failure> {
        self.desk().round(&round)
    }

    /// Submits a round as one record; its id.
    pub fn submit_round(&self, person: String, round: String) -> Result<String, Failure> {
        self.desk().submit_round(&person, &round)
    }

    /// Reports a hazard; its id.
    pub fn report_hazard(
        &self,
        person: String,
        site: String,
        hazard: HazardDraft,
    ) -> Result<String, Failure> {
        self.desk().report_hazard(&person, &site, hazard)
    }

    /// Records that work was stopped and reported.
    pub fn stop_and_report(&self, person: String, report: StopDraft) -> Result<String, Failure> {
        self.desk().stop_and_report(&person, report)
    }

    /// Reports a fix.
    pub fn report_fix(&self, person: String, fix: FixDraft) -> Result<String, Failure> {
        self.desk().report_fix(&person, fix)
    }

    /// Records a recheck.
    pub fn recheck(&self, person: String, recheck: RecheckDraft) -> Result<String, Failure> {
        self.desk().recheck(&person, recheck)
    }

    /// Corrects a record of the same organisation; both stay visible.
    pub fn correct(
        &self,
        person: String,
        record: String,
        correction: CorrectionDraft,
    ) -> Result<String, Failure> {
        self.desk().correct(&person, &record, correction)
    }

    /// Takes a record back.
    pub fn withdraw(&self, person: String, record: String, reason: String) -> Result<String, Failure> {
        self.desk().withdraw(&person, &record, &reason)
    }

    /// Enters a returned record again, as it was.
    pub fn reissue(&self, person: String, seq: i64) -> Result<String, Failure> {
        self.desk().reissue(&person, seq)
    }

    /// Hazards with everything this phone knows, as they stand now.
    pub fn hazards(&self, filter: HazardFilter) -> Result<Vec<HazardRow>, Failure> {
        self.desk().hazards(filter)
    }

    /// What waits to be sent.
    pub fn outbox(&self) -> Result<Vec<EditRow>, Failure> {
        self.desk().outbox()
    }

    /// What the office holds for a human to decide.
    pub fn held(&self) -> Result<Vec<EditRow>, Failure> {
        self.desk().held()
    }

    /// What the office returned, with the reason.
    pub fn returned(&self) -> Result<Vec<EditRow>, Failure> {
        self.desk().returned()
    }

    /// What the office has, with its position in the log.
    pub fn receipts(&self) -> Result<Vec<EditRow>, Failure> {
        self.desk().receipts()
    }

    /// Takes a font file for watermarks; `index` counts the fonts in a collection.
    pub fn use_font(&self, file: Vec<u8>, index: u32) -> Result<(), Failure> {
        self.desk().use_font(file, index)
    }

    /// Takes a photo; saved when the call returns. It takes a second on a slow phone.
    pub fn attach_photo(&self, person: String, shot: ShotDraft) -> Result<PhotoRow, Failure> {
        self.desk().attach_photo(&person, &shot)
    }

    /// Photos that no record and no answer cites.
    pub fn draft_photos(&self) -> Result<Vec<PhotoRow>, Failure> {
        self.desk().draft_photos()
    }

    /// Every photo of this phone, with what became of it.
    pub fn photos(&self) -> Result<Vec<PhotoRow>, Failure> {
        self.desk().photos()
    }

    /// The bytes of a photo or its thumbnail; nothing when they do not lie here.
    pub fn photo_file(&self, photo: String, thumbnail: bool) -> Result<Option<Vec<u8>>, Failure> {
        self.desk().photo_file(&photo, thumbnail)
    }

    /// Takes a photo out of a draft; `false` when something cites it and it stays.
    pub fn discard_photo(&self, person: String, photo: String) -> Result<bool, Failure> {
        self.desk().discard_photo(&person, &photo)
    }

    /// How many photos wait to be sent, and how many were refused.
    pub fn photo_count(&self) -> Result<PhotoCountRow, Failure> {
        self.desk().photo_count()
    }

    /// Sends a photo again that the office refused.
    pub fn retry_photo(&self, photo: String) -> Result<(), Failure> {
        self.desk().retry_photo(&photo)
    }

    /// What is done with originals.
    pub fn photo_settings(&self) -> Result<PhotoSettingsRow, Failure> {
        self.desk().photo_settings()
    }

    /// Says what is done with originals from now on.
    pub fn set_photo_settings(&self, settings: PhotoSettingsRow) -> Result<(), Failure> {
        self.desk().set_photo_settings(settings)
    }

    /// For an app with its own transport: prepares the next request; the digests to sign.
    pub fn prepare(&self) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.desk().prepare()?.iter().map(|digest| digest.to_vec()).collect())
    }

    /// The request's bytes, once every digest is signed.
    pub fn seal(&self, signatures: Vec<Vec<u8>>) -> Result<Vec<u8>, Failure> {
        self.desk().seal(&signatures)
    }

    /// Begins a file of what was not sent; its first bytes. It is not encrypted: say so before it is handed out.
    pub fn begin_unsent(&self) -> Vec<u8> {
        self.desk().begin_unsent()
    }

    /// The digests to sign for the next part of the file; nothing when all that was not sent is in it.
    pub fn prepare_unsent(&self) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let digests = self.desk().prepare_unsent()?;
        Ok(digests.map(|digests| digests.iter().map(|digest| digest.to_vec()).collect()))
    }

    /// The part's bytes, once every digest is signed, to be put behind those before.
    pub fn seal_unsent(&self, signatures: Vec<Vec<u8>>) -> Result<Vec<u8>, Failure> {
        self.desk().seal_unsent(&signatures)
    }

    /// Tells that a request or its reply was lost: the next one is smaller.
    pub fn lost(&self) {
        self.desk().lost();
    }

    /// Takes the office's reply to the last request.
    pub fn absorb(&self, reply: Vec<u8>) -> Result<TripRow, Failure> {
        self.desk().absorb(&reply)
    }

    /// Redeems an enrolment code at the office. Blocks; call it off the screen's thread.
    pub fn enrol_by_code(&self, office: Arc<Office>, code: String) -> Result<Vec<PersonRow>, Failure> {
        office.link().enrol(&self.0, &code)
    }

    /// Sends and fetches until there is nothing more. Blocks; call it off the screen's thread. Other calls
    /// are answered meanwhile.
    pub fn sync_native(&self, office: Arc<Office>) -> Result<TripRow, Failure> {
        office.link().sync(&self.0)
    }

    /// Sends photos until all that may go is at the office; how many it has now that it had not before. Blocks;
    /// call it after `sync_native`, off the screen's thread.
    pub fn send_photos_native(&self, office: Arc<Office>, unmetered: bool) -> Result<u32, Failure> {
        office.link().send_photos(&self.0, unmetered)
    }
}
