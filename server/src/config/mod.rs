//! Configuration: read once at start, checked as a whole, passed in; nothing is global.
//!
//! Later beats earlier: built-in defaults, then one TOML file, then the environment
//! (`LOUAN__SECTION__KEY`), then flags. An unknown key is refused with the name of the
//! nearest known one: a misspelt limit must not quietly be no limit. Secrets may stand in a
//! file of their own (`…_file`) and are never printed. There is no second, written-back file.

mod allowance;
mod key;
mod limit;
mod section;
mod source;
#[cfg(test)]
mod tests;

pub use allowance::Allowances;
pub use key::{KEYS, Key, Kind};
pub use limit::ConnectionLimits;
pub use section::{
    AuditSection, AuthSection, BackupSection, ClockSection, EdgeSection, LimitSection, LogSection,
    MetricsSection, StoreSection, TlsMode, WorkerSection,
};
pub use source::{Flags, Sources};

use std::path::PathBuf;

use louan_schema::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The server's configuration (服务端配置).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where and how connections are taken.
    pub edge: EdgeSection,
    /// What one peer may cost.
    pub limits: LimitSection,
    /// Where data lives.
    pub store: StoreSection,
    /// The nightly backup.
    pub backup: BackupSection,
    /// The audit.
    pub audit: AuditSection,
    /// The processes that read phones' bytes.
    pub worker: WorkerSection,
    /// Passwords and sessions.
    pub auth: AuthSection,
    /// Who may read figures about the process.
    pub metrics: MetricsSection,
    /// The business clock.
    pub clock: ClockSection,
    /// What is logged.
    pub log: LogSection,
}

/// Why there is no configuration; the server does not start, data is not touched.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("could not read `{}`", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is not TOML.
    #[error("`{}` is not TOML", .0.display())]
    Syntax(PathBuf, #[source] Box<figment::Error>),
    /// There is no such key.
    #[error("unknown key `{key}` in {place}; the nearest known key is `{nearest}`")]
    UnknownKey {
        /// The key as found.
        key: String,
        /// Where: the file's path or the variable's name.
        place: String,
        /// What was probably meant.
        nearest: &'static str,
    },
    /// A value has the wrong type.
    #[error("could not read a value")]
    Value(#[source] Box<figment::Error>),
    /// Values that cannot be, alone or together.
    #[error("the configuration has {} faults", .0.len())]
    Faults(Vec<ConfigFault>),
}

/// One thing wrong with the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigFault {
    /// `edge.tls = "off"` with an address others can reach.
    PlainBeyondLoopback,
    /// TLS without certificate or key.
    CertificateMissing,
    /// A limit of zero, by its key.
    ZeroLimit(&'static str),
    /// A secret and a file for it, both given.
    SecretTwice,
    /// The pepper is shorter than 16 bytes.
    PepperShort,
    /// `clock.business_now` is no instant.
    BusinessNow,
    /// `log.filter` cannot be understood.
    LogFilter,
    /// `edge.base_path` is no path such as `/louan`.
    BasePath,
    /// `backup.at` is no time of day.
    BackupAt,
    /// `edge.forwarded_for` without `edge.tls = "off"`: only a proxy on this machine is believed.
    ForwardedForDirect,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`ConfigError`]: the first file, key or type that is wrong, or else every fault of the values at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = sources.merge()?;
        let mut faults = config.faults();
        if let Err(fault) = config.read_pepper()? {
            faults.push(fault);
        }
        if faults.is_empty() { Ok(config) } else { Err(ConfigError::Faults(faults)) }
    }

    /// Everything wrong with the values.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        match self.edge.tls {
            TlsMode::Off if !self.edge.listen.ip().is_loopback() => {
                faults.push(ConfigFault::PlainBeyondLoopback)
            }
            TlsMode::On
                if self.edge.certificate.as_os_str().is_empty() || self.edge.key.as_os_str().is_empty() =>
            {
                faults.push(ConfigFault::CertificateMissing);
            }
            TlsMode::On if self.edge.forwarded_for => faults.push(ConfigFault::ForwardedForDirect),
            _ => {}
        }
        faults.extend(self.limits.zeroes().into_iter().map(ConfigFault::ZeroLimit));
        faults.extend((self.backup.keep == 0).then_some(ConfigFault::ZeroLimit("backup.keep")));
        if !self.edge.has_base_path() {
            faults.push(ConfigFault::BasePath);
        }
        if self.backup.minutes().is_none() {
            faults.push(ConfigFault::BackupAt);
        }
        if self.clock.business_now.as_deref().is_some_and(|text| text.parse::<Timestamp>().is_err()) {
            faults.push(ConfigFault::BusinessNow);
        }
        if self.log.filter.parse::<tracing_subscriber::EnvFilter>().is_err() {
            faults.push(ConfigFault::LogFilter);
        }
        faults
    }

    /// Takes the pepper out of its file; afterwards `auth.pepper` is all there is to look at.
    fn read_pepper(&mut self) -> Result<Result<(), ConfigFault>, ConfigError> {
        if let Some(path) = self.auth.pepper_file.clone() {
            if self.auth.pepper.is_some() {
                return Ok(Err(ConfigFault::SecretTwice));
            }
            let text = std::fs::read_to_string(&path).map_err(|e| ConfigError::Read(path, e))?;
            self.auth.pepper = Some(text.trim_end().to_owned());
        }
        match &self.auth.pepper {
            Some(pepper) if pepper.len() < PEPPER_BYTES_MIN => Ok(Err(ConfigFault::PepperShort)),
            _ => Ok(Ok(())),
        }
    }

    /// The configuration as TOML, for people to read: every key with its value, secrets blacked out.
    #[must_use]
    pub fn redacted(&self) -> String {
        let mut shown = self.clone();
        if shown.auth.pepper.is_some() {
            shown.auth.pepper = Some(REDACTED.to_owned());
        }
        KEYS.iter()
            .fold((String::new(), ""), |(mut text, section), key| {
                let (own, name) = key.name.split_once('.').unwrap_or(("", key.name));
                if own != section {
                    text.push_str(if section.is_empty() { "" } else { "\n" });
                    text.push_str(&format!("[{own}]\n"));
                }
                match key.value_of(&shown) {
                    Some(value) => text.push_str(&format!("{name} = {value}\n")),
                    None => text.push_str(&format!("# {name} =\n")),
                }
                (text, own)
            })
            .0
    }
}

/// Least length of a pepper: 16 random bytes cannot be guessed.
const PEPPER_BYTES_MIN: usize = 16;
/// What stands where a secret would.
const REDACTED: &str = "***";
