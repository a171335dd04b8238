//! A new certificate without a restart: read again at SIGHUP, used from the next connection on.
//!
//! Connections that are open keep what they began with. A certificate that cannot be used changes nothing: the one in
//! use stays, and the operator is told in the log.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::edge::tls_config;

/// Where certificate and key are read from.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// From now on SIGHUP does not end the process.
pub(super) fn hang_up() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads the pair again at each signal and hands it on, until nobody listens any more.
pub(super) async fn renew(
    mut signals: Signal,
    pair: Option<Pair>,
    tls: watch::Sender<Option<Arc<ServerConfig>>>,
) {
    while let Some(()) = signals.recv().await {
        if tls.is_closed() {
            return;
        }
        let Some(pair) = &pair else {
            tracing::info!("no certificate to renew: a proxy speaks TLS");
            continue;
        };
        match tls_config(&pair.certificate, &pair.key) {
            Ok(config) => {
                tls.send_replace(Some(config));
                tracing::info!(advice = "新证书已启用，原有连接不受影响。", "certificate renewed");
            }
            Err(error) => {
                let advice = "新证书或私钥无法使用，仍在使用原证书；数据和连接不受影响。\
                    请检查 edge.certificate 与 edge.key（louan tls check），改正后再次执行 systemctl reload louan。";
                tracing::error!(advice, error = %super::night::causes(&error), "certificate not renewed");
            }
        }
    }
}
