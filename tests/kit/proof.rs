//! A device's word that a request over HTTPS is its own, for phones that do not use the core's own driver.

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::wire::proof::{NONCE_BYTES, ProvenRequest};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// The value of the header `Louan-Proof`. A nonce is used once.
#[must_use]
pub fn proof(key: &SigningKey, request: &ProvenRequest<'_>, nonce: [u8; NONCE_BYTES]) -> String {
    let signature: Signature = key.sign(&request.message(&nonce));
    let text = Base64UrlUnpadded::encode_string;
    format!("{}.{}", text(&nonce), text(&signature.to_bytes()))
}
