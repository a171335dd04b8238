//! The file of what a phone has not sent: made when it cannot send and may never be able to, carried by hand,
//! read in by the office.
//!
//! Magic, then parts, each with its length before it, so that neither end holds more than one of them. A part is worth
//! what its device signed and no more: who carries the file adds nothing and changes nothing, and it may be read in any
//! number of times. It is not encrypted; who has it can read it, and the app says so.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::id::{BlobHash, DeviceId};
use crate::photo::{CARD_BYTES_MAX, PHOTO_BYTES_MAX};
use crate::wire::{Batch, frame};

/// What the file begins with; the last digit is its layout.
pub const MAGIC: [u8; 16] = *b"LOUAN-UNSENT-01\n";
/// The media type of one part, as it is read in over HTTP.
pub const PART_MEDIA_TYPE: &str = "application/vnd.louan.unsent1";
/// Most bytes of a part, its length left out: a photo with its card, or as many changes as a request may carry.
pub const PART_BYTES_MAX: usize = {
    let photo = PHOTO_BYTES_MAX as usize + CARD_BYTES_MAX;
    let around = 1_024;
    if photo > frame::PLAIN_BYTES_MAX { photo + around } else { frame::PLAIN_BYTES_MAX + around }
};
/// Bytes of a part's length, most significant first.
pub const LENGTH_BYTES: usize = 4;

/// A part of the file (未上传数据包).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum UnsentPart {
    /// What people wrote; each batch is signed as for a request.
    #[n(0)]
    Changes {
        /// The device that signed.
        #[n(0)]
        device: DeviceId,
        /// The protocol the batches are of.
        #[n(1)]
        protocol: u16,
        /// The batches, in the order they were written.
        #[n(2)]
        batches: Vec<Batch>,
    },
    /// A photo that a record cites.
    #[n(1)]
    Photo {
        /// The device that signed.
        #[n(0)]
        device: DeviceId,
        /// The photo's card, encoded.
        #[n(1)]
        card: ByteVec,
        /// Its bytes.
        #[n(2)]
        bytes: ByteVec,
        /// ECDSA P-256 with SHA-256 over the 32 bytes of [`photo_digest`] as the message, r‖s.
        #[n(3)]
        signature: ByteVec,
    },
}

/// Why bytes are no part of such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsentFault {
    /// It does not begin as such a file does, or is of a later layout.
    #[error("not a file of unsent data of this layout")]
    Magic,
    /// A part is longer than any of ours.
    #[error("a part is longer than any of ours")]
    TooLong,
    /// It ends within a part; what came before is whole.
    #[error("the file ends within a part")]
    Cut,
    /// A part cannot be read.
    #[error("a part cannot be read")]
    Damaged,
}

/// What the device signs so that a photo and what is said about it are known to be its own.
#[must_use]
pub fn photo_digest(device: DeviceId, card: &[u8], photo: BlobHash) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"louan/unsent/photo/1\0");
    hash.update(device.as_bytes());
    hash.update((card.len() as u64).to_be_bytes());
    hash.update(card);
    hash.chain_update(photo.as_bytes()).finalize().into()
}

impl UnsentPart {
    /// The part as it stands in the file, its length before it.
    ///
    /// # Errors
    /// [`UnsentFault::TooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, UnsentFault> {
        let mut bytes = vec![0; LENGTH_BYTES];
        minicbor::encode(self, &mut bytes).map_err(|_| UnsentFault::Damaged)?;
        let length = bytes.len() - LENGTH_BYTES;
        if length > PART_BYTES_MAX {
            return Err(UnsentFault::TooLong);
        }
        let length = u32::try_from(length).map_err(|_| UnsentFault::TooLong)?;
        bytes[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(bytes)
    }

    /// Reads a part without its length.
    ///
    /// # Errors
    /// [`UnsentFault::TooLong`], [`UnsentFault::Damaged`].
    pub fn read(bytes: &[u8]) -> Result<Self, UnsentFault> {
        if bytes.len() > PART_BYTES_MAX {
            return Err(UnsentFault::TooLong);
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let part = decoder.decode().map_err(|_| UnsentFault::Damaged)?;
        if decoder.position() == bytes.len() { Ok(part) } else { Err(UnsentFault::Damaged) }
    }
}

/// The length of the next part, from the bytes before it; nothing where the file ends.
///
/// # Errors
/// [`UnsentFault::TooLong`], [`UnsentFault::Cut`].
pub fn next_length(bytes: &[u8]) -> Result<Option<usize>, UnsentFault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let length: [u8; LENGTH_BYTES] = bytes.try_into().map_err(|_| UnsentFault::Cut)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > PART_BYTES_MAX { Err(UnsentFault::TooLong) } else { Ok(Some(length)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn photo() -> UnsentPart {
        UnsentPart::Photo {
            device: DeviceId([1; 16]),
            card: vec![2; 9].into(),
            bytes: vec![3; 99].into(),
            signature: vec![4; 64].into(),
        }
    }

    #[test]
    fn a_part_reads_back_and_its_length_is_told_before_it() {
        let bytes = photo().to_bytes().expect("fits");
        let (length, part) = bytes.split_at(LENGTH_BYTES);
        assert_eq!(next_length(length), Ok(Some(part.len())));
        assert_eq!(UnsentPart::read(part), Ok(photo()));
        for cut in 0..part.len() {
            assert_eq!(UnsentPart::read(&part[..cut]), Err(UnsentFault::Damaged), "{cut}");
        }
        assert_eq!(
            UnsentPart::read(&[part, &[0]].concat()),
            Err(UnsentFault::Damaged),
            "and nothing behind it"
        );
        assert_eq!((next_length(&[]), next_length(&[0, 0])), (Ok(None), Err(UnsentFault::Cut)));
        assert_eq!(next_length(&[0xff; 4]), Err(UnsentFault::TooLong));
    }

    #[test]
    fn what_is_signed_of_a_photo_is_all_of_it() {
        let digest =
            |device, card: &[u8], photo| photo_digest(DeviceId([device; 16]), card, BlobHash([photo; 32]));
        let all = [
            digest(1, b"a", 1),
            digest(2, b"a", 1),
            digest(1, b"b", 1),
            digest(1, b"a", 2),
            digest(1, b"aa", 1),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = UnsentPart::read(&bytes);
            let _ = next_length(&bytes);
        }
    }
}
