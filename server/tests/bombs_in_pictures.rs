//! Bombs in pictures inside the worker that looks at them: what each may cost at most (P01).
//!
//! The darkroom's own bombs, and the largest honest picture there may be: it shows that the gauge sees what decoding
//! costs.

#[allow(dead_code, reason = "the darkroom's tests use more of it")]
#[path = "../../schema/photo/tests/darkroom/bombs.rs"]
mod bombs;
mod gauge;
#[allow(dead_code, reason = "the darkroom's tests use more of it")]
#[path = "../../schema/photo/tests/darkroom/make.rs"]
mod make;

mod hostile {
    //! What the bombs are counted as there.
    pub(crate) type Case = (String, Vec<u8>, Option<&'static str>);
}

use image::RgbImage;
use minicbor::bytes::ByteVec;

/// Kinds of pictures, as jobs count them.
const ORIGINAL: u32 = 1;
/// Number of the job that looks at a picture, and of the answer that it may be kept.
const LOOK: u32 = 1;
const SEEN: u32 = 2;

fn looked_at(file: Vec<u8>) -> (u64, u32) {
    let job = (LOOK, (ORIGINAL, ByteVec::from(file)));
    let (peak, answer) = gauge::gauged(&minicbor::to_vec(job).expect("encodes"));
    // An answer is its length in four bytes, then an array that begins with its number.
    let mut decoder = minicbor::Decoder::new(answer.get(4..).expect("an answer: the worker lives"));
    decoder.array().expect("an array");
    (peak, decoder.u32().expect("a number"))
}

#[test]
fn no_picture_gets_more_than_half_a_gibibyte_out_of_a_worker() {
    let (calm, kept) = looked_at(make::jpeg(&make::pattern(640, 480, 1), 90));
    assert_eq!(kept, SEEN, "an honest photo");
    let (peak, kept) = looked_at(make::png(&RgbImage::new(7_000, 7_000)));
    assert_eq!(kept, SEEN, "49 megapixels, honest");
    assert!(peak > calm + 100 * 1024, "the gauge sees nothing: {calm} and {peak} KiB");
    assert!(peak <= gauge::LIMIT_KIB, "49 megapixels, honest: {peak} KiB");
    let cases = bombs::cases();
    assert!(cases.len() >= 10, "too few bombs to show anything");
    for (name, file, expected) in cases {
        let (peak, answer) = looked_at(file);
        assert!(peak <= gauge::LIMIT_KIB, "{name}: {peak} KiB");
        assert_eq!(answer == SEEN, expected.is_none(), "{name}");
    }
}
