//! Sending photos, sans-IO: which request next, and what an answer means (tus 1.0.0, resumable).
//!
//! [`Phone::next_photo`] plans one request, the driver performs it, [`Phone::photo_answered`] takes the answer in
//! one transaction; [`Phone::photo_lost`] tells that none came. Everything needed to go on stands in the row of the
//! file, so a kill at any moment costs at most one piece. Any request may be sent twice and any answer come late.
//!
//! Order: a record before its photos, for the office takes a photo by the record that cites it. What was begun is
//! finished first. Thumbnails go before photos: after seconds on a weak link the office sees what there is. Photos
//! go in the order taken, not by size: theirs differ threefold at most, and a record counts when its last photo has
//! come. Originals go last, by setting, where sending costs nothing.
//!
//! A confirmation names a position and no hash: a log that was put back to before it answers as if nothing were
//! missing. And a disk loses files. So the office is asked once more when the phone's cursor has passed the position and
//! a verified backup is said to cover it, and only after that answer are the bytes given up (ADR 0016, 0020).

use base64ct::{Base64, Encoding};
use louan_schema::id::BlobHash;
use louan_schema::photo::{PhotoCard, UploadKind};
use louan_schema::wire::Cursor;
use sha2::{Digest, Sha256};

use super::said::{UPLOADS, address, code};
use crate::error::{Error, ErrorKind};
use crate::phone::Phone;
use crate::store::{FileState, Meta, PhotoFileRow, StoreError, Writer};

const DOING: &str = "sending a photo";
/// Bytes of one piece: half a minute at 64 kbit/s, and what a lost link costs at most (architecture §7).
const PIECE_BYTES: u32 = 256 * 1024;
const BLOBS: &str = "/api/v1/blobs";
/// The office has taken as many of a kind as it takes in so short a time.
const TOO_OFTEN: u16 = 429;

/// What is done with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Ask.
    Head,
    /// Begin.
    Post,
    /// Send a piece.
    Patch,
}

/// A request about one photo's file (照片请求), to be sent with the device's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoRequest {
    /// What is done.
    pub method: Method,
    /// The path at the office.
    pub path: String,
    /// Headers besides the token and the length of the body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    photo: BlobHash,
    kind: UploadKind,
    file: BlobHash,
    asks: Asks,
    /// Where the phone stood when it planned this.
    stood: Option<Stand>,
}

/// What an answer about a whole file is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    /// The phone's place in the log.
    cursor: Cursor,
    /// Up to this position the log is the phone's own, and in a backup it had heard of.
    covered: u64,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Does the office have the file?
    Whole,
    /// May an upload begin?
    Beginning,
    /// How much does the office have?
    Reached,
    /// Here is a piece, from one byte to another.
    Piece(u32, u32),
}

/// The office's answer as it came (照片应答).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PhotoReply {
    /// The number of its status line.
    pub status: u16,
    /// The address of a new upload.
    pub location: Option<String>,
    /// How many bytes the office has.
    pub upload_offset: Option<u64>,
    /// The position in its log that covers the file.
    pub position: Option<u64>,
    /// The body, where it says why something was refused.
    pub body: Vec<u8>,
}

/// What an answer led to (上传进展).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoStep {
    /// It goes on.
    Onward,
    /// Something went wrong on the way and is done again: worth a few times at once, not for ever.
    Again,
    /// The office has this file, durably.
    Confirmed(UploadKind),
    /// The office refused this file; its bytes are still here, and the row says why.
    Refused(UploadKind),
    /// The office takes no more of these just now: others go first, and these with the next call.
    Later(UploadKind),
    /// The answer is about something that has changed since; nothing was done.
    Stale,
}

/// Kinds of files of which the office takes no more just now, as bits by their number. Kept for one call of a
/// driver, which ends with giving room back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Later(u8);

impl Later {
    fn add(&mut self, kind: UploadKind) {
        self.0 |= 1 << kind.number();
    }
}

impl Phone {
    /// The next request for photos; nothing when all that may be sent now is sent. `unmetered`: the network costs
    /// nothing, so originals may go too, if that is set.
    ///
    /// # Errors
    /// [`Error`] when the store or the shelf cannot be read.
    pub fn next_photo(&mut self, unmetered: bool) -> Result<Option<PhotoRequest>, Error> {
        loop {
            let r = self.store.read();
            let originals = unmetered && r.meta(Meta::SendOriginals)?.unwrap_or(false);
            let Some(file) = r.next_file(originals, self.later.0)? else {
                let asked = self.next_asked()?;
                if asked.is_none() {
                    self.later = Later::default();
                }
                return Ok(asked);
            };
            if file.ask {
                return Ok(Some(PhotoRequest { stood: self.stand()?, ..request(&file, Asks::Whole) }));
            }
            match (&file.upload, file.reached) {
                (None, _) => {
                    let card = self.card_of(file.photo)?;
                    return Ok(Some(beginning(&file, &card)));
                }
                (Some(_), None) => return Ok(Some(request(&file, Asks::Reached))),
                (Some(_), Some(reached)) => match self.piece(&file, reached)? {
                    Some(piece) => return Ok(Some(piece)),
                    None => self.lost_bytes(&file)?,
                },
            }
        }
    }

    /// The next file that a backup covers since: does the office still have it?
    fn next_asked(&self) -> Result<Option<PhotoRequest>, Error> {
        let stood = self.stand()?;
        let Some(Stand { covered, .. }) = stood else { return Ok(None) };
        let file = self.store.read().next_unvouched(covered)?;
        Ok(file.map(|file| PhotoRequest { stood, ..request(&file, Asks::Whole) }))
    }

    fn stand(&self) -> Result<Option<Stand>, Error> {
        let r = self.store.read();
        let backed_up = r.meta(Meta::BackedUp)?.unwrap_or(0);
        let cursor: Option<Cursor> = r.meta(Meta::Cursor)?;
        Ok(cursor.map(|cursor| Stand { cursor, covered: cursor.pos.min(backed_up) }))
    }

    /// Takes the office's answer to a request.
    ///
    /// # Errors
    /// [`Error`] by what to do next: wait and try again, sign in again, ask the office. What was reached is kept.
    pub fn photo_answered(&mut self, request: &PhotoRequest, reply: &PhotoReply) -> Result<PhotoStep, Error> {
        let before = self.store.read().find_file(request.photo, request.kind)?;
        let Some(file) = before.filter(|file| is_about(file, request)) else { return Ok(PhotoStep::Stale) };
        // Thumbnails and photos are counted apart at the office: one kind must not keep the other waiting.
        if (request.asks, reply.status) == (Asks::Beginning, TOO_OFTEN) {
            self.later.add(file.kind);
            return Ok(PhotoStep::Later(file.kind));
        }
        // What was asked while the phone stood elsewhere is vouched for by nothing.
        let cursor: Option<Cursor> = self.store.read().meta(Meta::Cursor)?;
        let stood = request.stood.filter(|stood| cursor == Some(stood.cursor));
        let vouched = stood.map_or(0, |stood| stood.covered);
        let (after, outcome) = judge(file, (request, vouched), reply);
        self.store.write(|w| w.set_file(&after).map_err(Error::from))?;
        outcome
    }

    /// Tells that no answer came: how much the office has is asked before anything is sent again.
    ///
    /// # Errors
    /// [`Error`] when the store refuses.
    pub fn photo_lost(&mut self, request: &PhotoRequest) -> Result<(), Error> {
        let before = self.store.read().find_file(request.photo, request.kind)?;
        let Some(file) = before.filter(|file| is_about(file, request)) else { return Ok(()) };
        self.store.write(|w| w.set_file(&PhotoFileRow { reached: None, ..file }).map_err(Error::from))
    }

    /// The card that goes with a photo, with the first record that cites it.
    fn card_of(&self, photo: BlobHash) -> Result<PhotoCard, Error> {
        let r = self.store.read();
        let row = r.find_photo(photo)?;
        let row = row.ok_or_else(|| Error::bug(DOING, "a file of a photo that has no row"))?;
        Ok(PhotoCard { record: r.citing(photo)?.0.first().copied(), ..row.card })
    }

    /// A piece of the file; nothing when its bytes are not what they were.
    fn piece(&self, file: &PhotoFileRow, reached: u32) -> Result<Option<PhotoRequest>, Error> {
        let Some(shelf) = &self.shelf else {
            return Err(Error::bug(DOING, "this host gave no place for photos"));
        };
        let bytes = shelf.get(file.hash)?;
        let Some(bytes) = bytes.filter(|bytes| BlobHash(Sha256::digest(bytes).into()) == file.hash) else {
            return Ok(None);
        };
        let end = reached.saturating_add(PIECE_BYTES).min(file.bytes);
        let range = usize::try_from(reached).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(0);
        let Some(body) = bytes.get(range) else { return Ok(None) };
        let mut piece = request(file, Asks::Piece(reached, end));
        piece.headers.extend([
            ("Content-Type", "application/offset+octet-stream".to_owned()),
            ("Upload-Offset", reached.to_string()),
            ("Upload-Checksum", format!("sha256 {}", Base64::encode_string(&Sha256::digest(body)))),
        ]);
        piece.body = body.to_vec();
        Ok(Some(piece))
    }

    /// A file that rotted on the shelf is told, not sent, and does not keep the others waiting.
    fn lost_bytes(&mut self, file: &PhotoFileRow) -> Result<(), Error> {
        let refused = PhotoFileRow {
            state: FileState::Refused,
            code: Some("bytes_damaged".to_owned()),
            upload: None,
            reached: None,
            ..file.clone()
        };
        self.store.write(|w| w.set_file(&refused).map_err(Error::from))
    }
}

/// What a restored log had confirmed and no verified backup covers is queued again.
pub(super) fn doubt(w: &Writer<'_>) -> Result<(), StoreError> {
    w.doubt_photos(w.meta(Meta::BackedUp)?.unwrap_or(0))
}

fn request(file: &PhotoFileRow, asks: Asks) -> PhotoRequest {
    let upload = file.upload.clone().unwrap_or_default();
    let (method, path) = match asks {
        Asks::Whole => (Method::Head, format!("{BLOBS}/{}", file.hash)),
        Asks::Beginning => (Method::Post, UPLOADS.to_owned()),
        Asks::Reached => (Method::Head, upload),
        Asks::Piece(..) => (Method::Patch, upload),
    };
    PhotoRequest {
        method,
        path,
        headers: vec![("Tus-Resumable", "1.0.0".to_owned())],
        body: Vec::new(),
        photo: file.photo,
        kind: file.kind,
        file: file.hash,
        asks,
        stood: None,
    }
}

fn beginning(file: &PhotoFileRow, card: &PhotoCard) -> PhotoRequest {
    let value = Base64::encode_string;
    let metadata = format!(
        "sha256 {},card {},kind {}",
        value(file.hash.to_string().as_bytes()),
        value(&card.to_bytes()),
        value(file.kind.as_str().as_bytes()),
    );
    let mut request = request(file, Asks::Beginning);
    request.headers.extend([("Upload-Length", file.bytes.to_string()), ("Upload-Metadata", metadata)]);
    request
}

/// Whether the row still stands where the request was planned from; a late answer finds it elsewhere.
fn is_about(file: &PhotoFileRow, request: &PhotoRequest) -> bool {
    let whole = request.asks == Asks::Whole && file.state == FileState::Confirmed;
    let here = (whole || file.state == FileState::Kept) && file.hash == request.file;
    here && match request.asks {
        Asks::Whole => file.ask,
        Asks::Beginning => !file.ask && file.upload.is_none(),
        Asks::Reached => file.upload.as_ref() == Some(&request.path) && file.reached.is_none(),
        Asks::Piece(from, _) => file.upload.as_ref() == Some(&request.path) && file.reached == Some(from),
    }
}

/// What the answer makes of the row, and what it is to the host. Where the phone stands vouches for answers up to
/// `vouched`.
fn judge(
    file: PhotoFileRow,
    (request, vouched): (&PhotoRequest, u64),
    reply: &PhotoReply,
) -> (PhotoFileRow, Result<PhotoStep, Error>) {
    let (kind, before) = (file.kind, file.state);
    let onward = |file| (file, Ok(PhotoStep::Onward));
    let again = |file| (file, Ok(PhotoStep::Again));
    let confirmed = |file: PhotoFileRow, pos: Option<u64>| {
        // A thumbnail stays here for ever, and the office makes one of its own.
        let ask = kind != UploadKind::Thumbnail && pos.is_none_or(|pos| pos > vouched);
        let state = FileState::Confirmed;
        let done = PhotoFileRow { state, pos, upload: None, reached: None, ask, ..file };
        let again = before == FileState::Confirmed;
        (done, Ok(if again { PhotoStep::Onward } else { PhotoStep::Confirmed(kind) }))
    };
    match (request.asks, reply.status) {
        (Asks::Whole, 200..=299) => confirmed(file, reply.position),
        (Asks::Whole, 404 | 410) => {
            onward(PhotoFileRow { state: FileState::Kept, pos: None, ask: false, ..file })
        }
        (_, 200..=299) if reply.position.is_some() => confirmed(file, reply.position),
        (Asks::Beginning, 200..=299) => match reply.location.as_deref().and_then(address) {
            Some(upload) => onward(PhotoFileRow { upload: Some(upload), reached: Some(0), ..file }),
            None => (file, Err(strange())),
        },
        (Asks::Reached | Asks::Piece(..), 200..=299) => reached(file, request.asks, reply.upload_offset),
        // The upload is not there any more, perhaps because it is done: ask before beginning anew.
        (Asks::Reached | Asks::Piece(..), 404 | 410) => {
            again(PhotoFileRow { upload: None, reached: None, ask: true, ..file })
        }
        (Asks::Piece(..), 409) => again(PhotoFileRow { reached: None, ..file }),
        // Damaged on its way: the row stands where it stood and the same piece goes again.
        (Asks::Piece(..), 460) => again(file),
        (_, 413 | 415 | 422) => refused(file, reply),
        _ => (file, Err(answered(reply))),
    }
}

/// The office says how far it has come.
fn reached(file: PhotoFileRow, asks: Asks, told: Option<u64>) -> (PhotoFileRow, Result<PhotoStep, Error>) {
    let told = told.and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= file.bytes);
    let possible = match asks {
        Asks::Piece(from, _) => told.is_some_and(|n| n > from),
        _ => told.is_some(),
    };
    if !possible {
        // Not what was asked for: ask again another time.
        return (PhotoFileRow { reached: None, ..file }, Err(strange()));
    }
    // All of it is there and no position was told: the file is done, ask for it by its name.
    let done = told == Some(file.bytes);
    let after = if done {
        PhotoFileRow { upload: None, reached: None, ask: true, ..file }
    } else {
        PhotoFileRow { reached: told, ..file }
    };
    (after, Ok(PhotoStep::Onward))
}

fn refused(file: PhotoFileRow, reply: &PhotoReply) -> (PhotoFileRow, Result<PhotoStep, Error>) {
    let kind = file.kind;
    let code = code(&reply.body).unwrap_or_else(|| "refused".to_owned());
    let after =
        PhotoFileRow { state: FileState::Refused, code: Some(code), upload: None, reached: None, ..file };
    (after, Ok(PhotoStep::Refused(kind)))
}

fn strange() -> Error {
    Error::new(ErrorKind::Offline, DOING, "what came back is not the office's answer")
}

/// What to do about an answer that is about no photo in particular.
fn answered(reply: &PhotoReply) -> Error {
    let kind = match reply.status {
        401 => ErrorKind::SignInAgain,
        403 | 404 => ErrorKind::AskAdmin,
        426 => ErrorKind::UpdateApp,
        // Too often, too busy, no room just now: all of it passes.
        _ => ErrorKind::Offline,
    };
    let why = code(&reply.body).unwrap_or_else(|| format!("number {}", reply.status));
    Error::new(kind, DOING, format!("the office answered `{why}`"))
}
