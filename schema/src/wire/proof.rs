//! What a device signs so that a request is known to be its own (A03).
//!
//! A token can be copied out of a log or a backup; the key cannot leave the device. Both ends make the message here. It
//! holds no time: a phone's clock may be years off, and the token named in it lives a quarter of an hour. How the
//! message is signed, and how often one is believed, is not decided here.

use sha2::{Digest, Sha256};

/// The header that carries a proof: the nonce and the signature, each base64url without padding, with a dot between.
pub const PROOF_HEADER: &str = "louan-proof";
/// Bytes of a nonce; each is used once.
pub const NONCE_BYTES: usize = 16;

/// A request as its proof speaks of it (请求证明).
#[derive(Debug, Clone, Copy)]
pub struct ProvenRequest<'a> {
    /// In capitals, as HTTP has it.
    pub method: &'a str,
    /// Path and query as the office knows them, from `/api` on, whatever it is mounted under.
    pub target: &'a str,
    /// The whole body; empty where there is none.
    pub body: &'a [u8],
    /// The access token that goes with the request, as text.
    pub token: &'a str,
}

impl ProvenRequest<'_> {
    /// What the device signs, ECDSA P-256 with SHA-256 over these 32 bytes as the message. The parts of text end
    /// where no method, target or token can go on; the rest is of fixed length.
    #[must_use]
    pub fn message(&self, nonce: &[u8; NONCE_BYTES]) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"louan/request/1\0");
        for text in [self.method, self.target, self.token] {
            hash.update(text);
            hash.update(b"\n");
        }
        hash.chain_update(nonce).chain_update(Sha256::digest(self.body)).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: ProvenRequest<'_> =
        ProvenRequest { method: "POST", target: "/api/v1/sync", body: b"body", token: "token" };

    #[test]
    fn the_message_is_the_same_in_every_language() {
        // printf 'louan/request/1\0POST\n/api/v1/sync\ntoken\n' plus sixteen bytes of 1 plus the hash of `body`, by sha256sum.
        let message = ASKED.message(&[1; NONCE_BYTES]);
        let text = message.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(text, "b7ff84954b70d34a496e84a8564f3308470b9f16375e3cd61124c9393bba8ecf");
    }

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let nonce = [1; NONCE_BYTES];
        let others = [
            ProvenRequest { method: "PATCH", ..ASKED },
            ProvenRequest { target: "/api/v1/syncs", ..ASKED },
            ProvenRequest { target: "/api/v1/sync?", ..ASKED },
            ProvenRequest { body: b"", ..ASKED },
            ProvenRequest { token: "tokem", ..ASKED },
            ProvenRequest { method: "POST/api", target: "/v1/sync", ..ASKED },
        ];
        for other in others {
            assert_ne!(other.message(&nonce), ASKED.message(&nonce), "{other:?}");
        }
        assert_ne!(ASKED.message(&[2; NONCE_BYTES]), ASKED.message(&nonce));
    }
}
