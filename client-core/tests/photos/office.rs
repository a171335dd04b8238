//! An office that takes photos by tus 1.0.0, as strict as the real one, on a link that loses what the test says.
//!
//! It keeps every byte it was sent, refuses gaps and overlaps, checks pieces and the whole, and takes a file once.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use louan_client_core::{Method, PhotoReply, PhotoRequest};
use louan_schema::id::BlobHash;
use louan_schema::photo::PhotoCard;
use sha2::{Digest, Sha256};

#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) hash: BlobHash,
    length: usize,
    bytes: Vec<u8>,
    kind: String,
}

/// What happens to one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The request does not arrive.
    RequestLost,
    /// It arrives and is done; the answer does not come.
    ReplyLost,
    /// It arrives twice; the second answer comes.
    Twice,
    /// Half of a piece arrives and is kept, then the link is cut.
    HalfArrives,
    /// A bit of a piece turns on its way.
    Damaged,
    /// The office has forgotten its unfinished uploads.
    Forgotten,
    /// The office is busy.
    Busy,
}

/// Takes photos.
#[derive(Debug, Default)]
pub(crate) struct Office {
    pub(crate) uploads: BTreeMap<u32, Upload>,
    /// What it has, with position, kind and card.
    pub(crate) files: BTreeMap<BlobHash, (u64, Vec<u8>, String, PhotoCard)>,
    pub(crate) cards: BTreeMap<u32, PhotoCard>,
    pub(crate) stored: usize,
    pub(crate) log: Vec<(Method, String)>,
    /// A code with which every beginning is refused.
    pub(crate) refuses: Option<&'static str>,
    /// A kind of which it takes no more just now, and how many of it it still takes.
    pub(crate) enough: Option<(&'static str, usize)>,
    /// Positions are told with the last piece.
    pub(crate) tells_position: bool,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self { tells_position: true, ..Self::default() }
    }

    /// One exchange over a link with a fault; nothing when no answer came.
    pub(crate) fn exchange(&mut self, request: &PhotoRequest, fault: Fault) -> Option<PhotoReply> {
        match fault {
            Fault::None => Some(self.answer(request)),
            Fault::RequestLost => None,
            Fault::ReplyLost => {
                self.answer(request);
                None
            }
            Fault::Twice => {
                self.answer(request);
                Some(self.answer(request))
            }
            Fault::HalfArrives => {
                if let (Some(upload), true) = (self.upload(&request.path), request.method == Method::Patch) {
                    let half = request.body.len() / 2;
                    let from: usize = header(request, "Upload-Offset").parse().expect("a number");
                    if upload.bytes.len() == from {
                        upload.bytes.extend_from_slice(&request.body[..half]);
                    }
                }
                None
            }
            Fault::Damaged => {
                let mut damaged = request.clone();
                if let Some(byte) = damaged.body.last_mut() {
                    *byte ^= 1;
                }
                Some(self.answer(&damaged))
            }
            Fault::Forgotten => {
                self.uploads.clear();
                Some(self.answer(request))
            }
            Fault::Busy => Some(PhotoReply { status: 503, ..PhotoReply::default() }),
        }
    }

    fn upload(&mut self, path: &str) -> Option<&mut Upload> {
        let number = path.strip_prefix("/api/v1/uploads/")?.parse().ok()?;
        self.uploads.get_mut(&number)
    }

    pub(crate) fn answer(&mut self, request: &PhotoRequest) -> PhotoReply {
        self.log.push((request.method, request.path.clone()));
        assert_eq!(header(request, "Tus-Resumable"), "1.0.0");
        match (request.method, request.path.strip_prefix("/api/v1/blobs/")) {
            (Method::Head, Some(hash)) => {
                let known = self.files.get(&hash.parse().expect("a hash"));
                let tells = self.tells_position;
                known.map_or_else(
                    || status(404),
                    |file| PhotoReply { position: tells.then_some(file.0), ..status(200) },
                )
            }
            (Method::Post, _) => self.begin(request),
            (Method::Head, None) => match self.upload(&request.path) {
                Some(upload) => PhotoReply { upload_offset: Some(upload.bytes.len() as u64), ..status(200) },
                None => status(404),
            },
            (Method::Patch, _) => self.take(request),
        }
    }

    fn begin(&mut self, request: &PhotoRequest) -> PhotoReply {
        assert_eq!((request.path.as_str(), request.body.len()), ("/api/v1/uploads", 0));
        if let Some(code) = self.refuses {
            let body = format!(r#"{{"code":"{code}","title":"x"}}"#).into_bytes();
            return PhotoReply { body, ..status(422) };
        }
        let metadata: BTreeMap<String, Vec<u8>> = header(request, "Upload-Metadata")
            .split(',')
            .map(|pair| pair.split_once(' ').expect("a name and a value"))
            .map(|(name, value)| (name.to_owned(), Base64::decode_vec(value).expect("base64")))
            .collect();
        let text = |name: &str| String::from_utf8(metadata[name].clone()).expect("text");
        let card = PhotoCard::from_bytes(&metadata["card"]).expect("a card");
        let hash: BlobHash = text("sha256").parse().expect("a hash");
        let kind = text("kind");
        assert_eq!(card.kind_of(hash).map(|k| k.as_str().to_owned()), Some(kind.clone()));
        assert!(card.record.is_some(), "a photo comes with the record that cites it");
        if let Some((_, left)) = self.enough.as_mut().filter(|(enough, _)| *enough == kind) {
            if *left == 0 {
                return status(429);
            }
            *left -= 1;
        }
        let number = u32::try_from(self.log.len()).expect("few");
        let length = header(request, "Upload-Length").parse().expect("a number");
        self.cards.insert(number, card);
        self.uploads.insert(number, Upload { hash, length, bytes: Vec::new(), kind });
        PhotoReply {
            location: Some(format!("https://office.example/api/v1/uploads/{number}")),
            ..status(201)
        }
    }

    fn take(&mut self, request: &PhotoRequest) -> PhotoReply {
        let sum =
            Base64::decode_vec(header(request, "Upload-Checksum").strip_prefix("sha256 ").expect("its kind"));
        let from: usize = header(request, "Upload-Offset").parse().expect("a number");
        assert!(request.body.len() <= 256 * 1024 && !request.body.is_empty());
        let tells = self.tells_position;
        let Some(upload) = self.upload(&request.path) else { return status(404) };
        if upload.bytes.len() != from {
            return status(409);
        }
        if sum.expect("base64") != Sha256::digest(&request.body).to_vec() {
            return status(460);
        }
        upload.bytes.extend_from_slice(&request.body);
        assert!(upload.bytes.len() <= upload.length, "beyond the end");
        let mut reply = PhotoReply { upload_offset: Some(upload.bytes.len() as u64), ..status(204) };
        if upload.bytes.len() == upload.length {
            let (hash, bytes, kind) = (upload.hash, std::mem::take(&mut upload.bytes), upload.kind.clone());
            assert_eq!(BlobHash(Sha256::digest(&bytes).into()), hash, "the whole is what it was called");
            let number: u32 = request.path.rsplit('/').next().and_then(|n| n.parse().ok()).expect("a number");
            self.uploads.remove(&number);
            let card = self.cards[&number].clone();
            if !self.files.contains_key(&hash) {
                self.stored += 1;
                let pos = 1_000 + self.stored as u64;
                self.files.insert(hash, (pos, bytes, kind, card));
            }
            reply.position = tells.then(|| self.files[&hash].0);
        }
        reply
    }
}

fn status(status: u16) -> PhotoReply {
    PhotoReply { status, ..PhotoReply::default() }
}

fn header<'a>(request: &'a PhotoRequest, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str()).unwrap_or_default()
}
