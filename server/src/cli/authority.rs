//! A root of one's own and the server certificates that it signs, as PEM texts. Touches no file.
//!
//! What is signed is looked at as a client looks at it, with the root alone, before it is handed out: a key of another
//! root, or a root that somebody else's program made, ends here and not on the phones.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use louan_schema::time::{Day, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Ten years: phones carry the root.
const ROOT_DAYS: i32 = 3_650;
/// What browsers accept at most.
pub(super) const SERVER_DAYS: i32 = 397;
/// A root that ends sooner signs nothing more: the doctor would ask for the next certificate at once.
const LEAST_DAYS: i32 = 30;

/// A certificate with its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    /// What should be a certificate is none.
    #[error("could not read the certificate")]
    Certificate,
    /// The key cannot be read, a name is none, or signing failed.
    #[error("could not sign")]
    Sign(#[from] rcgen::Error),
    /// The key is another root's.
    #[error("the key does not go with the root")]
    OtherKey,
    /// The root ends too soon.
    #[error("the root ends on {0}")]
    Ends(Day),
    /// No client that trusts the root would accept what was signed.
    #[error("a client that trusts the root would refuse the certificate")]
    Refused(#[source] rustls::Error),
}

/// Makes a root.
pub(super) fn found(today: Day) -> Result<Pair, rcgen::Error> {
    let mut root = root_params()?;
    // From yesterday, for clocks that are behind.
    let yesterday = today.plus_days(-1);
    good(&mut root, yesterday, yesterday.plus_days(ROOT_DAYS));
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: root.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A certificate for a server of these names, and the day it ends on: never later than its root.
pub(super) fn sign(root: &Pair, names: Vec<String>, today: Day) -> Result<(Pair, Day), AuthorityError> {
    let der = first(root.certificate.as_bytes())?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| AuthorityError::Certificate)?;
    let root_key = KeyPair::from_pem(&root.key)?;
    if parsed.public_key().subject_public_key.data.as_ref() != root_key.public_key_raw() {
        return Err(AuthorityError::OtherKey);
    }
    let ends = Timestamp::from_ms(parsed.validity().not_after.timestamp().saturating_mul(1_000)).day();
    if ends < today.plus_days(LEAST_DAYS) {
        return Err(AuthorityError::Ends(ends));
    }
    let yesterday = today.plus_days(-1);
    let until = ends.min(yesterday.plus_days(SERVER_DAYS));

    let name = names.first().cloned().unwrap_or_default();
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, name.clone());
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    good(&mut server, yesterday, until);
    let key = KeyPair::generate()?;
    let signed = server.signed_by(&key, &Issuer::from_params(&root_params()?, &root_key))?;
    accepted(&der, signed.der(), &name, today).map_err(AuthorityError::Refused)?;
    // The root behind it, so that a phone that lacks it can be told which one to install.
    Ok((Pair { certificate: signed.pem() + &root.certificate, key: key.serialize_pem() }, until))
}

/// The names and addresses that the first certificate of a chain is for.
pub(super) fn names(chain: &[u8]) -> Result<Vec<String>, AuthorityError> {
    let der = first(chain)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| AuthorityError::Certificate)?;
    let named = parsed.subject_alternative_name().map_err(|_| AuthorityError::Certificate)?;
    let names = named.iter().flat_map(|named| &named.value.general_names);
    Ok(names.filter_map(text).collect())
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn first(pem: &[u8]) -> Result<CertificateDer<'static>, AuthorityError> {
    CertificateDer::from_pem_slice(pem).map_err(|_| AuthorityError::Certificate)
}

/// What every root of ours says of itself; whoever signs for one has to say the same of it.
fn root_params() -> Result<CertificateParams, rcgen::Error> {
    let mut root = CertificateParams::new(Vec::new())?;
    root.distinguished_name.push(DnType::CommonName, "Louan Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(root)
}

/// Asks what a client asks that trusts this root and nothing else.
fn accepted(
    root: &CertificateDer<'static>,
    server: &CertificateDer<'_>,
    name: &str,
    today: Day,
) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    // Of what stands under a wildcard, any one.
    let name = name.strip_prefix("*.").map_or_else(|| name.to_owned(), |below| format!("any.{below}"));
    let name = ServerName::try_from(name).map_err(|error| rustls::Error::General(error.to_string()))?;
    let seconds = u64::try_from(today.start().ms() / 1_000).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    client.verify_server_cert(server, &[], &name, &[], now).map(drop)
}

fn good(params: &mut CertificateParams, from: Day, until: Day) {
    let date = |day: Day| {
        rcgen::date_time_ymd(day.year().into(), day.month().month.unsigned_abs(), day_of_month(day))
    };
    (params.not_before, params.not_after) = (date(from), date(until));
}

fn day_of_month(day: Day) -> u8 {
    day.to_string().rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(1)
}
