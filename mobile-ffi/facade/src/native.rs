//! Calls that go over the network by themselves, for native hosts: enrol, sync, photos.
//!
//! Each blocks its thread until it is done; an app calls them off its screen's thread. The
//! desk is taken for each step and let go while a request is under way, so a screen goes on
//! answering and saving meanwhile. Tokens stay in the [`Office`] and are read back by the
//! host after every call, a failed one too: a refresh may have happened before it failed.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use louan_client_core::Phone;
use louan_client_core::darkroom::watermark::FontFile;
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

    /// Redeems an enrolment code for the phone of this desk.
    ///
    /// # Errors
    /// [`Failure`] by what to do next; asking again with the same code and key is safe.
    pub fn enrol<H>(&mut self, desk: &Mutex<Desk<H>>, code: &str) -> Result<Vec<PersonRow>, Failure>
    where
        H: Host + Signer + Clone + Send + Sync,
    {
        let lent = Lent::of(desk)?;
        blocking(self.0.enrol(&mut Shared(desk), &lent, code))??;
        held(desk).people()
    }

    /// Sends and fetches for the phone of this desk until there is nothing more. The desk is free while a
    /// request is under way.
    ///
    /// # Errors
    /// [`Failure`] by what to do next; what earlier trips brought is stored.
    pub fn sync<H>(&mut self, desk: &Mutex<Desk<H>>) -> Result<TripRow, Failure>
    where
        H: Host + Signer + Clone + Send + Sync,
    {
        let lent = Lent::of(desk)?;
        let absorbed = blocking(self.0.sync(&mut Shared(desk), &lent))??;
        Ok(TripRow::from(&absorbed))
    }
}

impl Office {
    /// Sends photos for the phone of this desk until all that may go is at the office; how many it has now that it
    /// had not before. Call it after [`Office::sync`]. `unmetered`: the network costs nothing.
    ///
    /// # Errors
    /// [`Failure`] by what to do next; what was reached is kept.
    pub fn send_photos<H>(&mut self, desk: &Mutex<Desk<H>>, unmetered: bool) -> Result<u32, Failure>
    where
        H: Host + Signer + Clone + Send + Sync,
    {
        let lent = Lent::of(desk)?;
        let sent = blocking(self.0.send_photos(&mut Shared(desk), &lent, unmetered))??;
        Ok(crate::row::count(sent.confirmed))
    }
}

impl<H: Host> Desk<H> {
    /// Takes a font file for watermarks; `index` counts the fonts in a collection.
    ///
    /// # Errors
    /// [`Failure::Bug`] when it is no font.
    pub fn use_font(&mut self, file: Vec<u8>, index: u32) -> Result<(), Failure> {
        let font = FontFile::open(file, index).map_err(|error| Failure::misused(error.to_string()))?;
        self.lettering = Some(Box::new(font));
        Ok(())
    }
}

/// The desk, now. A call that panicked left the lock poisoned; the store is transactional, so the next call
/// goes on with what was committed.
pub fn held<H>(desk: &Mutex<Desk<H>>) -> MutexGuard<'_, Desk<H>> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A desk several threads share, as the driver takes it.
struct Shared<'a, H>(&'a Mutex<Desk<H>>);

impl<H> driver::AtHand for Shared<'_, H> {
    fn with<T>(&mut self, step: impl FnOnce(&mut Phone) -> T) -> T {
        step(&mut held(self.0).phone)
    }
}

/// The host, as the driver takes it. What the driver cannot be refused is asked for once before.
struct Lent<H> {
    host: H,
    public_key: Vec<u8>,
    chance: [u8; 16],
    silences: AtomicU64,
}

impl<H: Host + Signer + Clone> Lent<H> {
    fn of(desk: &Mutex<Desk<H>>) -> Result<Self, Failure> {
        let host = held(desk).host.clone();
        let public_key = host.public_key().map_err(|detail| Failure::SignInAgain { detail })?;
        let chance = chance(&host)?;
        Ok(Self { host, public_key, chance, silences: AtomicU64::new(0) })
    }
}

impl<H: Host + Signer + Send + Sync> driver::Host for Lent<H> {
    fn now(&self) -> Timestamp {
        now(&self.host)
    }

    fn random(&self) -> [u8; 16] {
        // A source that fell silent since the call began leaves the bytes it gave then, made others each time: the
        // office believes nothing that is said twice.
        chance(&self.host).unwrap_or_else(|_| {
            let silence = self.silences.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let mut bytes = self.chance;
            bytes.iter_mut().zip(silence).for_each(|(byte, other)| *byte ^= other);
            bytes
        })
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
