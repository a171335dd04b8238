//! Tokens: 256 random bits that open a session, known to the server by their hash only.
//!
//! A refresh token's successor is derived from it and from a salt stored with it: whoever
//! presents the token again because the reply was lost gets the *same* successor, and a
//! stolen table yields none, because the token itself is nowhere in it.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::storage::sessions::SecretHash;

/// A token (令牌) in the clear; wiped from memory when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// A token of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads a token's text; only the one spelling of [`Self::text`] is read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let length = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// The text a client sends: 43 characters of base64url.
    #[must_use]
    pub fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }

    /// What the server knows it by.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        Sha256::digest(self.0).into()
    }

    /// The token that follows this one.
    #[must_use]
    pub fn successor(&self, salt: &[u8; 32]) -> Self {
        Self(
            Sha256::new_with_prefix(b"louan/successor/1\0")
                .chain_update(salt)
                .chain_update(self.0)
                .finalize()
                .into(),
        )
    }

    /// What a device signs to exchange a refresh token: ECDSA P-256 with SHA-256 over these 32 bytes as the message.
    #[must_use]
    pub fn proof_message(&self) -> [u8; 32] {
        Sha256::new_with_prefix(b"louan/refresh/1\0").chain_update(self.0).finalize().into()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_from_its_text_and_prints_nothing_of_itself() {
        let token = Token::new([7; 32]);
        assert_eq!(Token::read(&token.text()), Some(token.clone()));
        assert_eq!(format!("{token:?}"), "Token(***)");
    }

    #[test]
    fn what_is_no_token_is_none() {
        let text = Token::new([255; 32]).text();
        let padded = format!("{text}=");
        let spaced = format!(" {text}");
        // The last character carries two unused bits: another spelling of the same bytes is refused.
        let respelt = format!("{}9", &text[..42]);
        for bad in ["", "a", &text[..42], &padded, &spaced, &respelt, &text.replace('_', "/")] {
            assert_eq!(Token::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_successor_needs_both_token_and_salt() {
        let token = Token::new([1; 32]);
        assert_eq!(token.successor(&[2; 32]), token.successor(&[2; 32]));
        assert_ne!(token.successor(&[2; 32]), token.successor(&[3; 32]));
        assert_ne!(token.successor(&[2; 32]), Token::new([9; 32]).successor(&[2; 32]));
    }
}
