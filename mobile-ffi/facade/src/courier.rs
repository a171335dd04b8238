//! Photos sent by a host whose network is its own, as a browser's is: one request at a time, planned here and carried
//! out there.
//!
//! Between a request and its answer the desk keeps what was planned, since the host comes back with an answer only.
//! Native hosts have a driver for this and need none of it.

use louan_client_core::schema::photo::UploadKind;
use louan_client_core::{Method, PhotoReply, PhotoStep};

use crate::desk::Desk;
use crate::failure::Failure;
use crate::host::Host;

/// A request about a photo, to be sent with the device's token and signed with its key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PhotoErrand {
    /// `HEAD`, `POST` or `PATCH`.
    pub method: &'static str,
    /// The path at the office.
    pub path: String,
    /// Headers besides the token, the device's word for the request and the length of the body: name and value.
    pub headers: Vec<(&'static str, String)>,
    /// The body; as plain bytes beside the rest.
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// The office's answer as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
pub struct PhotoAnswer {
    /// The number of its status line.
    pub status: u16,
    /// The header `Location`.
    #[serde(default)]
    pub location: Option<String>,
    /// The header `Upload-Offset`.
    #[serde(default)]
    pub upload_offset: Option<u64>,
    /// The header `Louan-Position`.
    #[serde(default)]
    pub position: Option<u64>,
    /// The body, where it is a problem's.
    #[serde(default)]
    pub body: String,
}

#[allow(
    clippy::missing_errors_doc,
    reason = "each call answers a Failure, whose variants say what to do next"
)]
impl<H: Host> Desk<H> {
    /// The next request for photos; nothing when all that may be sent now is sent. `unmetered`: the network costs
    /// nothing.
    pub fn next_photo(&mut self, unmetered: bool) -> Result<Option<PhotoErrand>, Failure> {
        self.errand = self.phone.next_photo(unmetered)?;
        Ok(self.errand.as_ref().map(|request| PhotoErrand {
            method: match request.method {
                Method::Head => "HEAD",
                Method::Post => "POST",
                Method::Patch => "PATCH",
            },
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }))
    }

    /// Takes the answer to the last request; what it led to: `onward`, `again`, `confirmed` for a photo the office has
    /// now, `refused`, `later` when the office takes no more of the kind just now, or `stale`.
    pub fn photo_answered(&mut self, answer: PhotoAnswer) -> Result<&'static str, Failure> {
        let request =
            self.errand.take().ok_or_else(|| Failure::misused("an answer without a request for a photo"))?;
        let PhotoAnswer { status, location, upload_offset, position, body } = answer;
        let reply = PhotoReply { status, location, upload_offset, position, body: body.into_bytes() };
        Ok(match self.phone.photo_answered(&request, &reply)? {
            PhotoStep::Again => "again",
            PhotoStep::Confirmed(UploadKind::Photo) => "confirmed",
            PhotoStep::Onward | PhotoStep::Confirmed(_) => "onward",
            PhotoStep::Refused(_) => "refused",
            PhotoStep::Later(_) => "later",
            PhotoStep::Stale => "stale",
        })
    }

    /// Tells that no answer came: how much the office has is asked before anything is sent again.
    pub fn photo_lost(&mut self) -> Result<(), Failure> {
        match self.errand.take() {
            Some(request) => Ok(self.phone.photo_lost(&request)?),
            None => Ok(()),
        }
    }

    /// Gives back the room of photos that a verified backup covers; how many.
    pub fn free_photos(&mut self) -> Result<u32, Failure> {
        Ok(crate::row::count(self.phone.free_photos()?))
    }
}
