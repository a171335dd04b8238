//! Sending photos over HTTPS: performs what `sync::photo` plans, one request after the other.
//!
//! It decides nothing about photos. A refused token is exchanged once; a request without an answer is told to the
//! phone, which asks before it sends again. Acts may happen while a request is under way.

use louan_schema::photo::UploadKind;
use reqwest::header::CONTENT_LENGTH;

use super::http::{Link, offline};
use super::{AtHand, Host};
use crate::error::{Error, ErrorKind};
use crate::sync::photo::{Method, PhotoReply, PhotoRequest, PhotoStep};

const DOING: &str = "sending photos";
/// Most requests of one call: a day's 500 photos of two pieces each, with their beginnings and thumbnails; a phone
/// that needs more goes on with the next call.
const STEPS_MAX: usize = 4_000;
/// How often one call does something again: a link that spoils sixteen pieces is not one to send on now.
const AGAIN_MAX: usize = 16;
/// Most bytes of an answer that are read: a problem body has a few hundred.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// What a call sent (照片上传结果).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhotosSent {
    /// Photos the office has now, durably; thumbnails and originals are not counted.
    pub confirmed: usize,
    /// Files the office refused; each photo's row says why.
    pub refused: usize,
}

impl Link {
    /// Sends photos until all that may go now is at the office or it takes no more, then gives back the room of what a
    /// verified backup covers. Call it after [`Link::sync`]: records go first. `unmetered`: the network costs nothing.
    ///
    /// # Errors
    /// [`Error`] by what to do next; what was reached is kept and the next call goes on from there. `Offline` also when
    /// the office takes no more of some kind just now, though everything else went.
    pub async fn send_photos(
        &mut self,
        phone: &mut impl AtHand,
        host: &dyn Host,
        unmetered: bool,
    ) -> Result<PhotosSent, Error> {
        let mut sent = PhotosSent::default();
        let went = self.send_what_goes(&mut sent, phone, host, unmetered).await;
        // Whatever the link or the office stopped: room that may be given back is given back.
        let freed = phone.with(|phone| phone.free_photos());
        went?;
        freed?;
        Ok(sent)
    }

    /// One request after the other, until nothing is left or something stops it.
    async fn send_what_goes(
        &mut self,
        sent: &mut PhotosSent,
        phone: &mut impl AtHand,
        host: &dyn Host,
        unmetered: bool,
    ) -> Result<(), Error> {
        let (mut again, mut later) = (0, false);
        for _ in 0..STEPS_MAX {
            let Some(request) = phone.with(|phone| phone.next_photo(unmetered))? else { break };
            let out = self.outgoing(&request, host)?;
            let reply = match self.perform(out, &request, host).await {
                Ok(reply) => reply,
                Err(error) => {
                    phone.with(|phone| phone.photo_lost(&request))?;
                    return Err(error);
                }
            };
            match phone.with(|phone| phone.photo_answered(&request, &reply))? {
                PhotoStep::Confirmed(UploadKind::Photo) => sent.confirmed += 1,
                PhotoStep::Refused(_) => sent.refused += 1,
                PhotoStep::Again if again == AGAIN_MAX => {
                    return Err(Error::new(
                        ErrorKind::Offline,
                        DOING,
                        "what is sent does not arrive as it was",
                    ));
                }
                PhotoStep::Again => again += 1,
                PhotoStep::Later(_) => later = true,
                PhotoStep::Confirmed(_) | PhotoStep::Onward | PhotoStep::Stale => {}
            }
        }
        if later {
            let why = "the office takes no more photos just now; the rest go with the next call";
            return Err(Error::new(ErrorKind::Offline, DOING, why));
        }
        Ok(())
    }

    /// One request with its answer; a session that has ended is renewed once.
    async fn perform(
        &mut self,
        out: reqwest::RequestBuilder,
        request: &PhotoRequest,
        host: &dyn Host,
    ) -> Result<PhotoReply, Error> {
        let reply = answer(out).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        self.refresh(host).await?;
        answer(self.outgoing(request, host)?).await
    }

    /// A request as it goes out, signed. Where that fails nothing was sent, and there is nothing to ask about.
    fn outgoing(&self, request: &PhotoRequest, host: &dyn Host) -> Result<reqwest::RequestBuilder, Error> {
        let method = match request.method {
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
        };
        let mut out = self.signed(DOING, (method, &request.path), &request.body, host)?;
        for (name, value) in &request.headers {
            out = out.header(*name, value);
        }
        if request.method != Method::Head {
            // The office asks for a length, and an empty body would go without.
            out = out.header(CONTENT_LENGTH, request.body.len()).body(request.body.clone());
        }
        Ok(out)
    }
}

/// The office's answer to a request, whatever it is.
async fn answer(out: reqwest::RequestBuilder) -> Result<PhotoReply, Error> {
    let mut response = out.send().await.map_err(|e| offline(DOING, e))?;
    let text = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let number = |name: &str| text(name).and_then(|value| value.parse().ok());
    let mut reply = PhotoReply {
        status: response.status().as_u16(),
        location: text("location"),
        upload_offset: number("upload-offset"),
        position: number("louan-position"),
        body: Vec::new(),
    };
    while let Some(piece) = response.chunk().await.map_err(|e| offline(DOING, e))? {
        reply.body.extend_from_slice(&piece);
        if reply.body.len() > ANSWER_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::Offline,
                DOING,
                "the answer is larger than any of the office's",
            ));
        }
    }
    Ok(reply)
}
