//! The composition root: the one place that knows everyone and puts them together.
//!
//! Here the configuration becomes a store, workers, a core, identity, routes and a listener.
//! Nothing is decided here that is not in the configuration.

mod checkpoint;
mod night;
mod renew;
mod sweep;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use louan_schema::id::Epoch;
use louan_schema::time::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::auth::{Ground, Identity};
use crate::blob::{BlobError, Blobs, Folder};
use crate::clock::{Clock, MachineClock, Random, SystemRandom};
use crate::config::{Config, TlsMode};
use crate::edge::{Edge, Served, TlsError, listen, tls_config};
use crate::http::{Desk, Furnishing, Mount, routes};
use crate::hub::{Clocks, Hub, Limits};
use crate::photo::{self, PhotoLimits, Photos};
use crate::restore::{self, RestoreError};
use crate::storage::sqlite::{Mode, Options, Sqlite, Tenancy, TenancyError, is_older};
use crate::storage::{Storage, StorageError};
use crate::table::ReadTable;
use crate::worker::{Examine, InProcess, Judge, Pool};

/// Why the server cannot be put together, or cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store cannot be opened.
    #[error("could not open the store")]
    Storage(#[from] StorageError),
    /// The photos' folder cannot be used.
    #[error("could not open the photos' folder")]
    Photos(#[from] BlobError),
    /// The store is used by somebody else just now, or cannot be held.
    #[error("could not hold the store")]
    Tenancy(#[from] TenancyError),
    /// A restore that was broken off cannot be finished.
    #[error("could not finish the restore that was broken off")]
    Restore(#[from] RestoreError),
    /// Certificate or key cannot be used.
    #[error("could not prepare TLS")]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("could not listen on `{0}`")]
    Listen(SocketAddr, #[source] io::Error),
    /// Signals cannot be received.
    #[error("could not receive signals")]
    Signal(#[source] io::Error),
    /// The server does not know where its own executable is.
    #[error("could not find this executable, which the workers run")]
    Executable(#[source] io::Error),
}

/// Who reads phones' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workers {
    /// Processes of this executable.
    Processes(PathBuf),
    /// Nobody: this command takes no bytes from phones.
    None,
}

/// Who else may have the store open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Others, who do the same.
    Others,
    /// Nobody.
    Nobody,
}

/// The server put together, before it listens.
pub struct App {
    /// The core.
    pub hub: Hub,
    /// Accounts, sessions, codes.
    pub identity: Identity,
    /// Photos.
    pub photos: Photos,
    tables: Arc<dyn ReadTable>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    _tenancy: Tenancy,
}

/// Holds the store. A restore that was broken off is finished first, alone.
///
/// # Errors
/// [`AppError::Tenancy`], [`AppError::Restore`].
pub fn hold(store: &Path, company: Company) -> Result<Tenancy, AppError> {
    if restore::is_unfinished(store) {
        let _alone = Tenancy::sole(store)?;
        restore::settle(store, &mut |_| {})?;
    }
    Ok(match company {
        Company::Others => Tenancy::shared(store)?,
        Company::Nobody => Tenancy::sole(store)?,
    })
}

impl App {
    /// Opens the store, bringing it to this build's version, and puts the rest around it.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Tenancy`], [`AppError::Restore`].
    pub async fn open(config: &Config, workers: Workers) -> Result<Self, AppError> {
        Self::open_among(Company::Others, config, workers).await
    }

    /// The same, beside others or alone. To bring an older store to this build's version one is alone with it, too.
    ///
    /// # Errors
    /// As for [`App::open`].
    pub async fn open_among(company: Company, config: &Config, workers: Workers) -> Result<Self, AppError> {
        let store = &config.store.path;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let options = Options {
            stream: config.store.stream,
            fresh_epoch: Epoch(random.array()),
            mode: Mode::Service { readers: cores },
        };
        if company == Company::Others && is_older(store)? {
            let _alone = hold(store, Company::Nobody)?;
            drop(Sqlite::open(store, Options { mode: Mode::Inline, ..options })?);
        }
        let tenancy = hold(store, company)?;
        let storage: Arc<dyn Storage> = Arc::new(Sqlite::open(store, options)?);
        let (judge, examine, tables): (Arc<dyn Judge>, Arc<dyn Examine>, Arc<dyn ReadTable>) = match workers {
            Workers::Processes(path) => {
                let pool = Arc::new(Pool::new(path, or_cores(config.worker.count, cores)));
                (Arc::<Pool>::clone(&pool), Arc::<Pool>::clone(&pool), pool)
            }
            Workers::None => (Arc::new(InProcess), Arc::new(InProcess), Arc::new(InProcess)),
        };
        let hub = Hub::open(Arc::clone(&storage), judge, Limits::default()).await?;
        let blobs: Arc<dyn Blobs> = Arc::new(Folder::open(config.store.photos_folder())?);
        let limits = PhotoLimits {
            photos_per_day: config.limits.photos_per_day,
            bytes_per_day: config.limits.photo_bytes_per_day,
        };
        let ground =
            photo::Ground { hub: hub.clone(), storage: Arc::clone(&storage), blobs, examine, limits };
        let photos = Photos::new(ground);
        let identity = Identity::new(Ground {
            storage,
            random: Arc::clone(&random),
            pepper: config.auth.pepper.clone().unwrap_or_default().into_bytes(),
            hashes_at_once: or_cores(config.auth.hashes_at_once, cores),
            sign_in_per_minute: config.limits.sign_in_per_minute,
            codes_per_hour: config.limits.codes_per_hour,
        });
        let business_now: Option<Timestamp> =
            config.clock.business_now.as_deref().and_then(|text| text.parse().ok());
        let clock = Arc::new(MachineClock::new(business_now));
        Ok(Self { hub, identity, photos, tables, clock, random, _tenancy: tenancy })
    }

    /// Who reads spreadsheets.
    #[must_use]
    pub fn tables(&self) -> &dyn ReadTable {
        self.tables.as_ref()
    }

    /// Both clocks, now.
    #[must_use]
    pub fn now(&self) -> Clocks {
        Clocks { business: self.clock.business(), system: self.clock.system() }
    }

    /// The dice, for ids and first passwords.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        self.random.as_ref()
    }

    /// Listens, says where, and serves until `stop` turns true.
    ///
    /// # Errors
    /// [`AppError::Tenancy`] while another one serves the store, [`AppError::Tls`], [`AppError::Listen`]; nothing was
    /// served then.
    pub async fn serve(
        self,
        config: &Config,
        metrics: PrometheusHandle,
        stop: watch::Receiver<bool>,
        listening: impl FnOnce(SocketAddr),
    ) -> Result<Served, AppError> {
        let _serving = Tenancy::serving(&config.store.path)?;
        let tls = match config.edge.tls {
            TlsMode::On => Some(tls_config(&config.edge.certificate, &config.edge.key)?),
            TlsMode::Off => None,
        };
        let mount = Mount::at(&config.edge.base_path);
        let hang_up = renew::hang_up().map_err(AppError::Signal)?;
        night::start(config, &self.hub, &self.clock, stop.clone());
        checkpoint::start(config, &self.hub, &self.clock, &self.random, stop.clone());
        sweep::start(&self.photos, &self.clock, stop.clone());
        let desk = Desk::new(Furnishing {
            hub: self.hub,
            identity: self.identity,
            photos: self.photos,
            tables: self.tables,
            clock: self.clock,
            random: self.random,
            metrics,
            metrics_allow: config.metrics.allow.clone(),
            believes_proxy: config.edge.forwarded_for,
            requests_max: config.limits.requests_max,
            allowances: config.limits.allowances(),
            mount: mount.clone(),
            stop: stop.clone(),
        });
        let address = config.edge.listen;
        let failed = |error| AppError::Listen(address, error);
        let listener = listen(address).map_err(failed)?;
        let limits = config.limits.edge(config.edge.tls);
        let pair = tls.is_some().then(|| renew::Pair {
            certificate: config.edge.certificate.clone(),
            key: config.edge.key.clone(),
        });
        let (renewing, renewed) = watch::channel(tls.clone());
        tokio::spawn(renew::renew(hang_up, pair, renewing));
        let service = warp::service(routes(&desk)).map_request(move |request| mount.unmounted(request));
        let edge = Edge::new(listener, tls, limits, service).map_err(failed)?.renewed(renewed);
        listening(edge.local_addr().map_err(failed)?);
        Ok(edge.serve(stop).await)
    }
}

/// Zero means one for each core.
const fn or_cores(count: usize, cores: usize) -> usize {
    if count == 0 { cores } else { count }
}
