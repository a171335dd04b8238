//! Calls that go over the network by themselves, for native hosts: enrol and sync.
//!
//! Each blocks its thread until it is done and keeps the phone for that time; an app calls
//! them off its screen's thread. Tokens stay in the [`Office`] and are read back by the
//! host after every call, a failed one too: a refresh may have happened before it failed.

use std::future::Future;

use louan_client_core::driver::{self, Link, Tokens};
use louan_client_core::schema::time::Timestamp;

use crate::desk::Desk;
use crate::failure::Failure;
use crate::host::{Host, Signer, chance, now};
use crate::receipt::TripRow;
use crate::row::PersonRow;

/// A device's session: opaque, changed with every refresh, kept by the host in its key store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct SessionRow {
    /// Goes with every request.
    pub access_token: String,
    /// Is exchanged for the next pair.
    pub refresh_token: String,
}

/// The way to one office.
#[derive(Debug)]
pub struct Office(Link);

impl Office {
    /// A way to `https://…`, trusting these root certificates (PEM), or the platform's when there are none.
    ///
    /// # Errors
    /// [`Failure::Bug`] when a certificate cannot be read.
    pub fn open(url: &str, roots: &[Vec<u8>], session: Option<SessionRow>) -> Result<Self, Failure> {
        let tokens = session.map(|s| Tokens { access_token: s.access_token, refresh_token: s.refresh_token });
        Ok(Self(Link::new(url, roots, tokens)?))
    }

    /// The session as it is now, for the host to keep.
    #[must_use]
    pub fn session(&self) -> Option<SessionRow> {
        let keep = |tokens: &Tokens| SessionRow {
            access_token: tokens.access_token.clone(),
            refresh_token: tokens.refresh_token.clone(),
        };
        self.0.tokens().map(keep)
    }
}

impl<H: Host + Signer + Clone + Send + Sync> Desk<H> {
    /// Redeems an enrolment code at the office.
    ///
    /// # Errors
    /// [`Failure`] by what to do next; asking again with the same code and key is safe.
    pub fn enrol_by_code(&mut self, office: &mut Office, code: &str) -> Result<Vec<PersonRow>, Failure> {
        let lent = Lent::of(&self.host)?;
        blocking(office.0.enrol(&mut self.phone, &lent, code))??;
        self.people()
    }

    /// Sends and fetches until there is nothing more.
    ///
    /// # Errors
    /// [`Failure`] by what to do next; what earlier trips brought is stored.
    pub fn sync_native(&mut self, office: &mut Office) -> Result<TripRow, Failure> {
        let lent = Lent::of(&self.host)?;
        let absorbed = blocking(office.0.sync(&mut self.phone, &lent))??;
        Ok(TripRow::from(&absorbed))
    }
}

/// The host, as the driver takes it. What the driver cannot be refused is asked for once before.
struct Lent<H> {
    host: H,
    public_key: Vec<u8>,
    chance: [u8; 16],
}

impl<H: Host + Signer + Clone> Lent<H> {
    fn of(host: &H) -> Result<Self, Failure> {
        let public_key = host.public_key().map_err(|detail| Failure::SignInAgain { detail })?;
        Ok(Self { host: host.clone(), public_key, chance: chance(host)? })
    }
}

impl<H: Host + Signer + Send + Sync> driver::Host for Lent<H> {
    fn now(&self) -> Timestamp {
        now(&self.host)
    }

    fn random(&self) -> [u8; 16] {
        // A source that fell silent since the call began leaves the bytes it gave then.
        chance(&self.host).unwrap_or(self.chance)
    }

    fn public_key(&self) -> Vec<u8> {
        self.public_key.clone()
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], String> {
        let signature = Signer::sign(&self.host, message)?;
        signature.try_into().map_err(|_| "the signature is not 64 bytes long".to_owned())
    }
}

fn blocking<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::misused(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(future))
}
