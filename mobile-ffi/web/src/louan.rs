//! The phone, as the worker holds it: every call of the desk as a method.
//!
//! Names are the facade's in camel case; fields of objects keep their names.

use js_sys::{Array, Reflect, Uint8Array};
use louan_facade::{Desk, ShotDraft};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::convert::{bug, given, taken, thrown};
use crate::host::JsHost;
use crate::opfs;

/// A field worker's phone in a browser.
#[wasm_bindgen]
pub struct Louan {
    desk: Desk<JsHost>,
    /// Draws the letters of watermarks.
    host: JsHost,
}

type Given = Result<JsValue, JsValue>;

/// Signatures as bytes.
fn listed(signatures: &Array) -> Result<Vec<Vec<u8>>, JsValue> {
    let bytes = |signature: JsValue| -> Result<Vec<u8>, JsValue> {
        let bytes: Uint8Array = signature.dyn_into().map_err(|_| bug("a signature is no Uint8Array"))?;
        Ok(bytes.to_vec())
    };
    signatures.iter().map(bytes).collect()
}

#[wasm_bindgen]
#[allow(
    clippy::missing_errors_doc,
    reason = "each call throws a failure object, whose kind says what to do next"
)]
#[allow(clippy::needless_pass_by_value, reason = "JavaScript values come owned")]
impl Louan {
    /// Opens the store of that name on OPFS, or makes a new one. Only in a dedicated worker.
    pub async fn open(name: String, host: JsHost) -> Result<Louan, JsValue> {
        let place = opfs::place(name).await?;
        let desk = Desk::open(place, host.clone()).map_err(|failure| thrown(&failure))?;
        Ok(Self { desk, host })
    }

    /// Where a damaged store was put aside at opening, if one was found.
    pub fn salvaged(&self) -> Option<String> {
        self.desk.salvaged()
    }

    /// Takes the office's reply to an enrolment code, as it came.
    pub fn enrol(&mut self, reply: &str) -> Given {
        given(self.desk.enrol(reply))
    }

    /// The people enrolled on this phone.
    pub fn people(&self) -> Given {
        given(self.desk.people())
    }

    /// Whether the phone may only send what it holds and shows nothing.
    #[wasm_bindgen(js_name = isSealed)]
    pub fn is_sealed(&self) -> Given {
        given(self.desk.is_sealed())
    }

    /// Buildings whose name, compound, address or code fits the text.
    #[wasm_bindgen(js_name = searchBuildings)]
    pub fn search_buildings(&self, text: &str, limit: u32) -> Given {
        given(self.desk.search_buildings(text, limit))
    }

    /// Rounds of a compound still being filled.
    #[wasm_bindgen(js_name = openRounds)]
    pub fn open_rounds(&self, site: &str) -> Given {
        given(self.desk.open_rounds(site))
    }

    /// Starts a round; its id.
    #[wasm_bindgen(js_name = startRound)]
    pub fn start_round(&mut self, person: &str, site: &str, buildings: Vec<String>) -> Given {
        given(self.desk.start_round(person, site, &buildings))
    }

    /// Joins a colleague's round.
    #[wasm_bindgen(js_name = joinRound)]
    pub fn join_round(&mut self, person: &str, round: &str) -> Given {
        given(self.desk.join_round(person, round))
    }

    /// Answers one item; saved when the call returns.
    pub fn answer(&mut self, person: &str, round: &str, answer: JsValue) -> Given {
        given(self.desk.answer(person, round, taken(&answer)?))
    }

    /// A round as it stands: answers, contradictions, what is missing; nothing when it is not known here.
    pub fn round(&self, round: &str) -> Given {
        given(self.desk.round(round))
    }

    /// Submits a round as one record; its id.
    #[wasm_bindgen(js_name = submitRound)]
    pub fn submit_round(&mut self, person: &str, round: &str) -> Given {
        given(self.desk.submit_round(person, round))
    }

    /// Reports a hazard; its id.
    #[wasm_bindgen(js_name = reportHazard)]
    pub fn report_hazard(&mut self, person: &str, site: &str, hazard: JsValue) -> Given {
        given(self.desk.report_hazard(person, site, taken(&hazard)?))
    }

    /// Records that work was stopped and reported.
    #[wasm_bindgen(js_name = stopAndReport)]
    pub fn stop_and_report(&mut self, person: &str, report: JsValue) -> Given {
        given(self.desk.stop_and_report(person, taken(&report)?))
    }

    /// Reports a fix.
    #[wasm_bindgen(js_name = reportFix)]
    pub fn report_fix(&mut self, person: &str, fix: JsValue) -> Given {
        given(self.desk.report_fix(person, taken(&fix)?))
    }

    /// Records a recheck.
    pub fn recheck(&mut self, person: &str, recheck: JsValue) -> Given {
        given(self.desk.recheck(person, taken(&recheck)?))
    }

    /// Corrects a record of the same organisation; both stay visible.
    pub fn correct(&mut self, person: &str, record: &str, correction: JsValue) -> Given {
        given(self.desk.correct(person, record, taken(&correction)?))
    }

    /// Takes a record back.
    pub fn withdraw(&mut self, person: &str, record: &str, reason: &str) -> Given {
        given(self.desk.withdraw(person, record, reason))
    }

    /// Enters a returned record again, as it was.
    pub fn reissue(&mut self, person: &str, seq: f64) -> Given {
        #[allow(clippy::cast_possible_truncation, reason = "a row's number, given to JavaScript before")]
        given(self.desk.reissue(person, seq as i64))
    }

    /// Hazards with everything this phone knows, as they stand now.
    pub fn hazards(&self, filter: JsValue) -> Given {
        given(self.desk.hazards(taken(&filter)?))
    }

    /// What waits to be sent.
    pub fn outbox(&self) -> Given {
        given(self.desk.outbox())
    }

    /// What the office holds for a human to decide.
    pub fn held(&self) -> Given {
        given(self.desk.held())
    }

    /// What the office returned, with the reason.
    pub fn returned(&self) -> Given {
        given(self.desk.returned())
    }

    /// What the office has, with its position in the log.
    pub fn receipts(&self) -> Given {
        given(self.desk.receipts())
    }

    /// Prepares the next request; the digests to sign, in order, as `Uint8Array`s.
    pub fn prepare(&mut self) -> Result<Array, JsValue> {
        let digests = self.desk.prepare().map_err(|failure| thrown(&failure))?;
        Ok(digests.iter().map(|digest| JsValue::from(Uint8Array::from(digest.as_slice()))).collect())
    }

    /// The request's bytes, once every digest is signed.
    pub fn seal(&self, signatures: Array) -> Result<Vec<u8>, JsValue> {
        self.desk.seal(&listed(&signatures)?).map_err(|failure| thrown(&failure))
    }

    /// Begins a file of what was not sent; its first bytes. It is not encrypted.
    #[wasm_bindgen(js_name = beginUnsent)]
    pub fn begin_unsent(&mut self) -> Vec<u8> {
        self.desk.begin_unsent()
    }

    /// The digests to sign for the next part of the file, as `Uint8Array`s; undefined when all is in it.
    #[wasm_bindgen(js_name = prepareUnsent)]
    pub fn prepare_unsent(&mut self) -> Result<Option<Array>, JsValue> {
        let digests = self.desk.prepare_unsent().map_err(|failure| thrown(&failure))?;
        let array = |digest: &[u8; 32]| JsValue::from(Uint8Array::from(digest.as_slice()));
        Ok(digests.map(|digests| digests.iter().map(array).collect()))
    }

    /// The part's bytes, once every digest is signed.
    #[wasm_bindgen(js_name = sealUnsent)]
    pub fn seal_unsent(&mut self, signatures: Array) -> Result<Vec<u8>, JsValue> {
        self.desk.seal_unsent(&listed(&signatures)?).map_err(|failure| thrown(&failure))
    }

    /// Tells that a request or its reply was lost: the next one is smaller.
    pub fn lost(&mut self) {
        self.desk.lost();
    }

    /// Takes the office's reply to the last request.
    pub fn absorb(&mut self, reply: &[u8]) -> Given {
        given(self.desk.absorb(reply))
    }

    /// Takes a photo, its file beside the rest; saved when the call returns.
    #[wasm_bindgen(js_name = attachPhoto)]
    pub fn attach_photo(&mut self, person: &str, shot: JsValue, file: &[u8]) -> Given {
        let shot: ShotDraft = taken(&shot)?;
        given(self.desk.attach_lettered(person, file, &shot, Some(&self.host)))
    }

    /// Photos that no record and no answer cites.
    #[wasm_bindgen(js_name = draftPhotos)]
    pub fn draft_photos(&self) -> Given {
        given(self.desk.draft_photos())
    }

    /// Every photo of this phone, with what became of it.
    pub fn photos(&self) -> Given {
        given(self.desk.photos())
    }

    /// The bytes of a photo or its thumbnail; nothing when they do not lie here.
    #[wasm_bindgen(js_name = photoFile)]
    pub fn photo_file(&self, photo: &str, thumbnail: bool) -> Result<Option<Vec<u8>>, JsValue> {
        self.desk.photo_file(photo, thumbnail).map_err(|failure| thrown(&failure))
    }

    /// Takes a photo out of a draft; `false` when something cites it and it stays.
    #[wasm_bindgen(js_name = discardPhoto)]
    pub fn discard_photo(&mut self, person: &str, photo: &str) -> Given {
        given(self.desk.discard_photo(person, photo))
    }

    /// How many photos wait to be sent, and how many were refused.
    #[wasm_bindgen(js_name = photoCount)]
    pub fn photo_count(&self) -> Given {
        given(self.desk.photo_count())
    }

    /// Sends a photo again that the office refused.
    #[wasm_bindgen(js_name = retryPhoto)]
    pub fn retry_photo(&mut self, photo: &str) -> Given {
        given(self.desk.retry_photo(photo))
    }

    /// What is done with originals, `{keep_originals, send_originals}`.
    #[wasm_bindgen(js_name = photoSettings)]
    pub fn photo_settings(&self) -> Given {
        given(self.desk.photo_settings())
    }

    /// Says what is done with originals from now on.
    #[wasm_bindgen(js_name = setPhotoSettings)]
    pub fn set_photo_settings(&mut self, settings: JsValue) -> Given {
        given(self.desk.set_photo_settings(taken(&settings)?))
    }

    /// The next request for photos, `{method, path, headers, body}` with the body as a `Uint8Array`; null when all
    /// that may be sent now is sent.
    #[wasm_bindgen(js_name = nextPhoto)]
    pub fn next_photo(&mut self, unmetered: bool) -> Given {
        let errand = self.desk.next_photo(unmetered).map_err(|failure| thrown(&failure))?;
        let object = given(Ok(&errand))?;
        if let Some(errand) = &errand {
            Reflect::set(&object, &"body".into(), &Uint8Array::from(errand.body.as_slice()))?;
        }
        Ok(object)
    }

    /// Takes the answer to that request, `{status, location?, upload_offset?, position?, body?}`; what it led to.
    #[wasm_bindgen(js_name = photoAnswered)]
    pub fn photo_answered(&mut self, answer: JsValue) -> Given {
        given(self.desk.photo_answered(taken(&answer)?))
    }

    /// Tells that no answer came.
    #[wasm_bindgen(js_name = photoLost)]
    pub fn photo_lost(&mut self) -> Given {
        given(self.desk.photo_lost())
    }

    /// Gives back the room of photos that a verified backup covers; how many.
    #[wasm_bindgen(js_name = freePhotos)]
    pub fn free_photos(&mut self) -> Given {
        given(self.desk.free_photos())
    }
}
