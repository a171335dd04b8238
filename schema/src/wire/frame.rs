//! Bodies on the wire: one zstd frame around CBOR, with a bound on what it may become.
//!
//! A kilobyte can claim to be a gigabyte; decoding stops at [`PLAIN_BYTES_MAX`] whatever
//! the frame's header says (R03).

use std::io::{Read, Write};

use minicbor::{Decode, Encode};
use zstd::zstd_safe::CParameter;

/// Most bytes a body may become.
pub const PLAIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes of a body as sent up.
pub const SENT_BYTES_MAX: usize = 1024 * 1024;
/// zstd level: 9 costs a phone about 10 ms per 100 kB and saves a tenth against the default.
const LEVEL: i32 = 9;
/// From so many bytes on a frame is made with the bounds below: level 9 left to itself takes 50 MB of tables for a
/// body of some megabytes, more than a server or a cheap phone should spend on one.
const BOUNDED_FROM: usize = 256 * 1024;
/// How far back a bounded frame refers, as a power of two: a mebibyte.
const WINDOW_LOG: u32 = 20;
/// Entries of a bounded frame's tables, as a power of two; four bytes each.
const TABLE_LOG: u32 = 18;
/// The farthest a frame may refer back to be read here, as a power of two: no farther than a body is long.
const WINDOW_LOG_MAX: u32 = PLAIN_BYTES_MAX.ilog2();
/// zstd level for a guess: the quickest.
const GUESS_LEVEL: i32 = 1;

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

/// Encodes and compresses a message. One that is handed over, not lent, is gone before it is compressed.
///
/// # Errors
/// [`FrameError::Compression`] when memory runs out.
pub fn encode<T: Encode<()>>(message: T) -> Result<Vec<u8>, FrameError> {
    let plain = minicbor::to_vec(&message).unwrap_or_default();
    drop(message);
    compressed(&plain).map_err(FrameError::Compression)
}

fn compressed(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    // Told how much comes, it takes no larger tables than that needs.
    encoder.set_pledged_src_size(Some(plain.len() as u64))?;
    if plain.len() > BOUNDED_FROM {
        encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        encoder.set_parameter(CParameter::HashLog(TABLE_LOG))?;
        encoder.set_parameter(CParameter::ChainLog(TABLE_LOG))?;
    }
    encoder.write_all(plain)?;
    encoder.finish()
}

/// About how many bytes these would be if sent in one body, without what stands around them there.
pub fn guess<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut encoder = match zstd::stream::write::Encoder::new(Counter(0), GUESS_LEVEL) {
        Ok(encoder) => encoder,
        Err(_) => return usize::MAX,
    };
    let written = parts.into_iter().try_for_each(|part| encoder.write_all(part));
    written.and_then(|()| encoder.finish()).map_or(usize::MAX, |counter| counter.0)
}

/// Counts what is written to it.
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Decompresses, within bounds, and decodes a message.
///
/// # Errors
/// [`FrameError`]; reading stops as soon as the bound is passed.
pub fn decode<T: for<'b> Decode<'b, ()>>(body: &[u8]) -> Result<T, FrameError> {
    let mut decoder = zstd::stream::read::Decoder::new(body).map_err(FrameError::Compression)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(FrameError::Compression)?;
    let mut plain = Vec::new();
    let bound = PLAIN_BYTES_MAX as u64 + 1;
    decoder.take(bound).read_to_end(&mut plain).map_err(FrameError::Compression)?;
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(FrameError::TooLarge);
    }
    minicbor::decode(&plain).map_err(FrameError::Cbor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_near_what_is_sent_and_not_much_below_it() {
        let mut chance = 1_u64;
        let parts: Vec<minicbor::bytes::ByteVec> = (0..500_u32)
            .map(|n| {
                let noise = (0..40).map(|_| {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    chance.to_be_bytes()[0]
                });
                let text = format!("常闭式防火门用木块顶住，第{}处，已通知业主。", n % 7);
                noise.chain(text.into_bytes()).collect::<Vec<u8>>().into()
            })
            .collect();
        let sent = encode(&parts).expect("encodes").len();
        let guessed = guess(parts.iter().map(|part| part.as_slice()));
        assert!(guessed * 100 >= sent * 95 && guessed * 100 <= sent * 150, "{guessed} for {sent}");
        let plain: usize = parts.iter().map(|part| part.len()).sum();
        assert!(sent * 2 < plain, "{sent} of {plain}: this says nothing about compression");
    }
}
