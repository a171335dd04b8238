//! Enrolment codes: 128 random bits as people can read them out and type them.
//!
//! Twenty-eight characters in seven groups, Crockford's base32 without I, L, O and U. The last two
//! characters check the others, so a slip of the finger is told from a wrong code.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::storage::sessions::SecretHash;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 128 bits and 12 bits of check are 140 = 28 × 5.
const CHARS: usize = 28;
const GROUP: usize = 4;

/// An enrolment code in the clear; never stored, printed once.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; 16]);

/// A typed text that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFault {
    /// Too short, too long, or with characters no code has.
    Shape,
    /// The check does not fit: something was mistyped.
    Mistyped,
}

impl Code {
    /// A code of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// The text to read out, in groups of four.
    #[must_use]
    pub fn text(&self) -> String {
        let bits = u128::from_be_bytes(self.0);
        let check = u128::from(self.check());
        let symbol = |i: usize| {
            // 140 bits do not fit 128: the first 25 symbols come from the random bits, the last
            // three from their last three bits and the check.
            let value =
                if i < 25 { bits >> (123 - 5 * i) } else { (((bits & 7) << 12) | check) >> (5 * (27 - i)) };
            char::from(ALPHABET[usize::try_from(value & 31).unwrap_or(0)])
        };
        (0..CHARS).fold(String::with_capacity(CHARS + CHARS / GROUP), |mut text, i| {
            if i > 0 && i % GROUP == 0 {
                text.push('-');
            }
            text.push(symbol(i));
            text
        })
    }

    /// Reads a code as typed: any case, spaces and hyphens anywhere, O for 0, I and L for 1.
    ///
    /// # Errors
    /// [`CodeFault`].
    pub fn read(text: &str) -> Result<Self, CodeFault> {
        let mut symbols = [0_u8; CHARS];
        let mut count = 0;
        for c in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
            let slot = symbols.get_mut(count).ok_or(CodeFault::Shape)?;
            *slot = value_of(c).ok_or(CodeFault::Shape)?;
            count += 1;
        }
        if count != CHARS {
            return Err(CodeFault::Shape);
        }
        let high = symbols[..25].iter().fold(0_u128, |bits, s| (bits << 5) | u128::from(*s));
        let low = symbols[25..].iter().fold(0_u16, |bits, s| (bits << 5) | u16::from(*s));
        let code = Self(((high << 3) | u128::from(low >> 12)).to_be_bytes());
        if low & 0xfff == code.check() { Ok(code) } else { Err(CodeFault::Mistyped) }
    }

    /// What the server knows it by.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        Sha256::new_with_prefix(b"louan/enrolment/1\0").chain_update(self.0).finalize().into()
    }

    fn check(&self) -> u16 {
        let digest = Sha256::new_with_prefix(b"louan/check/1\0").chain_update(self.0).finalize();
        u16::from_be_bytes([digest[0], digest[1]]) & 0xfff
    }
}

fn value_of(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|symbol| char::from(*symbol) == c).and_then(|i| u8::try_from(i).ok())
}

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_seven_groups_of_four() {
        let text = Code::new([0; 16]).text();
        let groups: Vec<&str> = text.split('-').collect();
        assert_eq!(groups.len(), 7);
        assert!(groups.iter().all(|group| group.len() == 4), "{text}");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::new([0x10; 16]);
        let text = code.text();
        for typed in
            [text.to_lowercase(), text.replace('-', ""), text.replace('-', " "), text.replace('0', "o")]
        {
            assert_eq!(Code::read(&typed), Ok(code.clone()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_says_whether_it_was_mistyped() {
        let text = Code::new([3; 16]).text();
        let swapped = text.replacen(&text[..1], if text.starts_with('7') { "8" } else { "7" }, 1);
        assert_eq!(Code::read(&swapped), Err(CodeFault::Mistyped));
        for bad in ["", &text[1..], &format!("{text}0"), &text.replace('-', "/"), "é"] {
            assert_eq!(Code::read(bad), Err(CodeFault::Shape), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_code_reads_back(random in any::<[u8; 16]>()) {
            let code = Code::new(random);
            prop_assert_eq!(Code::read(&code.text()), Ok(code));
        }
    }
}
