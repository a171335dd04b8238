//! Bodies on the wire: one zstd frame around CBOR, with a bound on what it may become.
//!
//! A kilobyte can claim to be a gigabyte; decoding stops at [`PLAIN_BYTES_MAX`] whatever
//! the frame's header says (R03).

use std::io::Read;

use minicbor::{Decode, Encode};

/// Most bytes a body may become.
pub const PLAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes of a body as sent up; a phone starts at 64 KiB and doubles on success.
pub const SENT_BYTES_MAX: usize = 1024 * 1024;
/// zstd level: 9 costs a phone about 10 ms per 100 kB and saves a tenth against the default.
const LEVEL: i32 = 9;

/// A body that could not be read. Nothing was taken from it.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not a zstd frame, or cut short.
    #[error("the body is not one whole zstd frame")]
    Compression(#[source] std::io::Error),
    /// Would become larger than allowed.
    #[error("the body would become larger than {PLAIN_BYTES_MAX} bytes")]
    TooLarge,
    /// Not what was expected.
    #[error("the body is not the expected message")]
    Cbor(#[source] minicbor::decode::Error),
}

/// Encodes and compresses a message.
///
/// # Errors
/// [`FrameError::Compression`] when memory runs out.
pub fn encode<T: Encode<()>>(message: &T) -> Result<Vec<u8>, FrameError> {
    let plain = minicbor::to_vec(message).unwrap_or_default();
    zstd::stream::encode_all(plain.as_slice(), LEVEL).map_err(FrameError::Compression)
}

/// Decompresses, within bounds, and decodes a message.
///
/// # Errors
/// [`FrameError`]; reading stops as soon as the bound is passed.
pub fn decode<T: for<'b> Decode<'b, ()>>(body: &[u8]) -> Result<T, FrameError> {
    let decoder = zstd::stream::read::Decoder::new(body).map_err(FrameError::Compression)?;
    let mut plain = Vec::new();
    let bound = PLAIN_BYTES_MAX as u64 + 1;
    decoder.take(bound).read_to_end(&mut plain).map_err(FrameError::Compression)?;
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(FrameError::TooLarge);
    }
    minicbor::decode(&plain).map_err(FrameError::Cbor)
}
