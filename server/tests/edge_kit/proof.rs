//! A device's word that a request is its own, written as an outside client would write it.

use std::sync::atomic::{AtomicU64, Ordering};

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::wire::proof::{NONCE_BYTES, ProvenRequest};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

static ASKED: AtomicU64 = AtomicU64::new(1);

/// The header's value, with a nonce that no other proof of this process has.
pub(crate) fn proof(key: &SigningKey, request: &ProvenRequest<'_>) -> String {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&ASKED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let signature: Signature = key.sign(&request.message(&nonce));
    let text = Base64UrlUnpadded::encode_string;
    format!("{}.{}", text(&nonce), text(&signature.to_bytes()))
}
