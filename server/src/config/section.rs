//! The sections of the configuration, one struct each, with their defaults.
//!
//! Durations are milliseconds, sizes bytes, and say so in their names. Nothing here is read
//! from anywhere; see `source`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Allowances, ConnectionLimits};

/// Whether this process speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// Yes, with the certificate of `edge.certificate`.
    On,
    /// No: a reverse proxy on this machine does; only loopback is listened on.
    Off,
}

/// Where and how connections are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeSection {
    /// Address and port.
    pub listen: SocketAddr,
    /// TLS here or at a proxy.
    pub tls: TlsMode,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM, mode 0600.
    pub key: PathBuf,
    /// The path everything stands under, such as `/louan`; empty at the root of the host.
    pub base_path: String,
    /// Believe the last address of `X-Forwarded-For`; only with `tls = "off"`.
    pub forwarded_for: bool,
}

impl Default for EdgeSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8443),
            tls: TlsMode::On,
            certificate: PathBuf::from("/etc/louan/tls/server.pem"),
            key: PathBuf::from("/etc/louan/tls/server.key"),
            base_path: String::new(),
            forwarded_for: false,
        }
    }
}

impl EdgeSection {
    /// Whether `base_path` is empty, or a path that can stand in a link and in the name of a cookie as it is.
    pub(super) fn has_base_path(&self) -> bool {
        let plain = |segment: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(allowed)
        };
        let path = self.base_path.strip_prefix('/');
        self.base_path.is_empty() || path.is_some_and(|path| path.split('/').all(plain))
    }
}

/// What one peer may cost; the reasons stand with [`ConnectionLimits`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSection {
    /// Longest TLS handshake.
    pub handshake_ms: u64,
    /// Longest request header.
    pub header_read_ms: u64,
    /// Longest silence on a connection kept alive.
    pub idle_ms: u64,
    /// Time before a body's rate is looked at.
    pub body_grace_ms: u64,
    /// Least bytes a second of a body.
    pub body_rate_bytes: u32,
    /// Longest time of a body.
    pub body_longest_ms: u64,
    /// Longest wait for a peer to read its reply.
    pub write_stall_ms: u64,
    /// HTTP/2 streams on one connection.
    pub streams_max: u32,
    /// Largest header list.
    pub header_list_bytes: u32,
    /// Connections from one address.
    pub connections_per_peer: usize,
    /// Connections in all.
    pub connections_max: usize,
    /// Time for requests under way when the server stops.
    pub drain_ms: u64,
    /// Requests worked on at once; the next is told to come back (503).
    pub requests_max: usize,
    /// Sync requests of one device in a minute.
    pub sync_per_minute: u32,
    /// Photos a device may begin to send in a minute.
    pub photos_per_minute: u32,
    /// Photos a device may begin to send at once.
    pub photos_at_once: u32,
    /// Commands of one person in a minute.
    pub commands_per_minute: u32,
    /// Pages of ledgers and figures of one person in a minute.
    pub reads_per_minute: u32,
    /// Pictures one person or device may look at in a minute.
    pub pictures_per_minute: u32,
    /// Steps of imports of one person in an hour.
    pub imports_per_hour: u32,
    /// Parts of files of unsent data of one person in a minute.
    pub parts_per_minute: u32,
    /// Files a person may take out in an hour.
    pub exports_per_hour: u32,
    /// Enrolment codes an administrator may make in an hour.
    pub codes_per_hour: u32,
    /// Uploads of photos a device may begin in a day.
    pub photos_per_day: u64,
    /// Bytes of photos a device may announce in a day.
    pub photo_bytes_per_day: u64,
    /// Sign-ins and enrolments from one address in a minute.
    pub sign_in_per_minute: u32,
}

impl Default for LimitSection {
    fn default() -> Self {
        let (limits, often) = (ConnectionLimits::default(), Allowances::default());
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            handshake_ms: ms(limits.handshake),
            header_read_ms: ms(limits.header_read),
            idle_ms: ms(limits.idle),
            body_grace_ms: ms(limits.body_grace),
            body_rate_bytes: limits.body_rate_bytes,
            body_longest_ms: ms(limits.body_longest),
            write_stall_ms: ms(limits.write_stall),
            streams_max: limits.streams_max,
            header_list_bytes: limits.header_list_bytes,
            connections_per_peer: limits.connections_per_peer,
            connections_max: limits.connections_max,
            drain_ms: ms(limits.drain),
            requests_max: 200,
            sync_per_minute: often.sync_per_minute,
            photos_per_minute: often.photos_per_minute,
            photos_at_once: often.photos_at_once,
            commands_per_minute: often.commands_per_minute,
            reads_per_minute: often.reads_per_minute,
            pictures_per_minute: often.pictures_per_minute,
            imports_per_hour: often.imports_per_hour,
            parts_per_minute: often.parts_per_minute,
            exports_per_hour: often.exports_per_hour,
            // A phone enrolled in six minutes, its owner beside it.
            codes_per_hour: 10,
            photos_per_day: 500,
            photo_bytes_per_day: 2 * 1024 * 1024 * 1024,
            sign_in_per_minute: 30,
        }
    }
}

impl LimitSection {
    /// The limits of connections. Behind a proxy every connection comes from one address, so only the total counts.
    #[must_use]
    pub fn edge(&self, tls: TlsMode) -> ConnectionLimits {
        ConnectionLimits {
            handshake: Duration::from_millis(self.handshake_ms),
            header_read: Duration::from_millis(self.header_read_ms),
            idle: Duration::from_millis(self.idle_ms),
            body_grace: Duration::from_millis(self.body_grace_ms),
            body_rate_bytes: self.body_rate_bytes,
            body_longest: Duration::from_millis(self.body_longest_ms),
            write_stall: Duration::from_millis(self.write_stall_ms),
            streams_max: self.streams_max,
            header_list_bytes: self.header_list_bytes,
            connections_per_peer: match tls {
                TlsMode::On => self.connections_per_peer,
                TlsMode::Off => self.connections_max,
            },
            connections_max: self.connections_max,
            drain: Duration::from_millis(self.drain_ms),
        }
    }

    /// How often one may ask.
    #[must_use]
    pub const fn allowances(&self) -> Allowances {
        Allowances {
            sync_per_minute: self.sync_per_minute,
            photos_per_minute: self.photos_per_minute,
            photos_at_once: self.photos_at_once,
            commands_per_minute: self.commands_per_minute,
            reads_per_minute: self.reads_per_minute,
            pictures_per_minute: self.pictures_per_minute,
            imports_per_hour: self.imports_per_hour,
            parts_per_minute: self.parts_per_minute,
            exports_per_hour: self.exports_per_hour,
        }
    }

    /// Keys of limits that are zero: nothing could be served with them. Only the grace and the drain may be.
    pub(super) fn zeroes(&self) -> Vec<&'static str> {
        [
            ("limits.handshake_ms", self.handshake_ms),
            ("limits.header_read_ms", self.header_read_ms),
            ("limits.idle_ms", self.idle_ms),
            ("limits.body_rate_bytes", self.body_rate_bytes.into()),
            ("limits.body_longest_ms", self.body_longest_ms),
            ("limits.write_stall_ms", self.write_stall_ms),
            ("limits.streams_max", self.streams_max.into()),
            ("limits.header_list_bytes", self.header_list_bytes.into()),
            ("limits.connections_per_peer", self.connections_per_peer as u64),
            ("limits.connections_max", self.connections_max as u64),
            ("limits.requests_max", self.requests_max as u64),
            ("limits.sync_per_minute", self.sync_per_minute.into()),
            ("limits.photos_per_minute", self.photos_per_minute.into()),
            ("limits.photos_at_once", self.photos_at_once.into()),
            ("limits.commands_per_minute", self.commands_per_minute.into()),
            ("limits.reads_per_minute", self.reads_per_minute.into()),
            ("limits.pictures_per_minute", self.pictures_per_minute.into()),
            ("limits.imports_per_hour", self.imports_per_hour.into()),
            ("limits.parts_per_minute", self.parts_per_minute.into()),
            ("limits.exports_per_hour", self.exports_per_hour.into()),
            ("limits.codes_per_hour", self.codes_per_hour.into()),
            ("limits.photos_per_day", self.photos_per_day),
            ("limits.photo_bytes_per_day", self.photo_bytes_per_day),
            ("limits.sign_in_per_minute", self.sign_in_per_minute.into()),
        ]
        .into_iter()
        .filter_map(|(key, value)| (value == 0).then_some(key))
        .collect()
    }
}

/// Where data lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// The database file; its folder must be writable.
    pub path: PathBuf,
    /// The photos' folder; must be writable. Not set: `photos` beside the database.
    pub photos: Option<PathBuf>,
    /// The stream: the district's code.
    pub stream: u32,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/louan/louan.sqlite"), photos: None, stream: 500_110 }
    }
}

impl StoreSection {
    /// Where photos lie.
    #[must_use]
    pub fn photos_folder(&self) -> PathBuf {
        self.photos.clone().unwrap_or_else(|| self.path.with_file_name("photos"))
    }
}

/// The nightly backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSection {
    /// The folder for backups, on another disk or machine; without one the server makes none by itself.
    pub to: Option<PathBuf>,
    /// At what time of day, `HH:MM` in Asia/Shanghai.
    pub at: String,
    /// How many stay.
    pub keep: usize,
}

impl Default for BackupSection {
    fn default() -> Self {
        // Two weeks of nights: a mistake found after a holiday can still be undone.
        Self { to: None, at: "02:30".to_owned(), keep: 14 }
    }
}

impl BackupSection {
    /// `at` in minutes since midnight; nothing when it is no time of day.
    #[must_use]
    pub fn minutes(&self) -> Option<i64> {
        let (hours, minutes) = self.at.split_once(':')?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let two = |part: &str| part.parse::<u8>().ok().filter(|_| digits(part));
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (hours < 24 && minutes < 60).then(|| i64::from(hours) * 60 + i64::from(minutes))
    }
}

/// The audit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// The file that signed checkpoints are appended to every ten minutes; best on another machine, and such that it
    /// can only grow.
    pub checkpoints: Option<PathBuf>,
}

/// The processes that read phones' bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerSection {
    /// How many; 0 = one for each core.
    pub count: usize,
}

/// Passwords and sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSection {
    /// A secret mixed into every password hash; a stolen database alone cannot be guessed at.
    pub pepper: Option<String>,
    /// The file it stands in, instead.
    pub pepper_file: Option<PathBuf>,
    /// Password hashes computed at once (19 MiB each); 0 = one for each core.
    pub hashes_at_once: usize,
}

/// Who may read figures about the process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSection {
    /// Addresses besides loopback.
    pub allow: Vec<IpAddr>,
}

/// The business clock; the system clock cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockSection {
    /// For demonstrations: the instant (RFC 3339) it is for business at start; it goes on from there.
    pub business_now: Option<String>,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Levels by room, such as `info` or `info,louan_server::edge=debug`.
    pub filter: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info".to_owned() }
    }
}
