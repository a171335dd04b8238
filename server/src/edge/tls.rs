//! TLS: certificate and key from PEM files, TLS 1.2 and 1.3 by ring, HTTP/2 preferred.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use louan_schema::time::Timestamp;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Certificate or key cannot be used; nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("could not read `{}`", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// The certificate file is not PEM.
    #[error("could not read a certificate chain from the PEM text")]
    Certificate(#[source] rustls_pki_types::pem::Error),
    /// There is no certificate in the file.
    #[error("there is no certificate in the PEM text")]
    NoCertificate,
    /// What the PEM text holds is no certificate.
    #[error("could not read what the PEM text holds as a certificate")]
    Unreadable,
    /// The key file is not PEM or holds no key.
    #[error("could not read a private key from the PEM text")]
    Key(#[source] rustls_pki_types::pem::Error),
    /// Key and certificate do not go together, or are of no use.
    #[error("could not use certificate and key together")]
    Pair(#[source] rustls::Error),
}

/// Reads certificate chain and key from two files.
///
/// # Errors
/// [`TlsError`], naming the file or what is wrong in it.
pub fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| TlsError::Read(path.to_owned(), e));
    tls_config_from_pem(&read(certificate)?, &read(key)?)
}

/// The same from PEM texts.
///
/// # Errors
/// [`TlsError`].
pub fn tls_config_from_pem(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// From when until when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub from: Timestamp,
    /// The last instant.
    pub until: Timestamp,
}

/// How long the chain in a file is good: as long as the certificate that ends first.
///
/// # Errors
/// [`TlsError`].
pub fn validity(certificate: &Path) -> Result<Validity, TlsError> {
    let text = std::fs::read(certificate).map_err(|e| TlsError::Read(certificate.to_owned(), e))?;
    let mut found: Option<Validity> = None;
    for der in CertificateDer::pem_slice_iter(&text) {
        let der = der.map_err(TlsError::Certificate)?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| TlsError::Unreadable)?;
        let at = |time: ASN1Time| Timestamp::from_ms(time.timestamp().saturating_mul(1_000));
        let (from, until) = (at(parsed.validity().not_before), at(parsed.validity().not_after));
        let so_far = found.unwrap_or(Validity { from, until });
        found = Some(Validity { from: from.max(so_far.from), until: until.min(so_far.until) });
    }
    found.ok_or(TlsError::NoCertificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_certificate_is_refused_before_anything_is_served() {
        let names = vec!["louan.test".to_owned()];
        let one = rcgen::generate_simple_self_signed(names.clone()).expect("a pair");
        let other = rcgen::generate_simple_self_signed(names).expect("a pair");
        let fits = tls_config_from_pem(one.cert.pem().as_bytes(), one.signing_key.serialize_pem().as_bytes());
        assert_eq!(fits.expect("a config").alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        let mixed =
            tls_config_from_pem(one.cert.pem().as_bytes(), other.signing_key.serialize_pem().as_bytes());
        assert!(matches!(mixed, Err(TlsError::Pair(_))));
    }

    #[test]
    fn an_empty_or_missing_file_says_which_half_is_wrong() {
        let one = rcgen::generate_simple_self_signed(vec!["louan.test".to_owned()]).expect("a pair");
        let key = one.signing_key.serialize_pem();
        assert!(matches!(tls_config_from_pem(b"", key.as_bytes()), Err(TlsError::NoCertificate)));
        assert!(matches!(tls_config_from_pem(one.cert.pem().as_bytes(), b""), Err(TlsError::Key(_))));
        let absent = Path::new("no/such/file.pem");
        assert!(matches!(tls_config(absent, absent), Err(TlsError::Read(path, _)) if path == absent));
    }
}
