//! Telemetry: logs as JSON lines on standard output, figures for Prometheus.
//!
//! A line can be read alone and carries ids and numbers only: no name, no telephone number,
//! no address, no token, no body. What is written is escaped by the JSON writer, so nobody
//! can forge a line (X09).

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be understood.
    #[error("could not understand the log filter")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Somebody has installed a log already.
    #[error("could not install the log")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Somebody has installed a recorder already.
    #[error("could not install the metrics recorder")]
    Recorder(#[source] metrics_exporter_prometheus::BuildError),
}

/// Installs log and recorder for the process; the handle prints the figures.
///
/// # Errors
/// [`TelemetryError`] when called twice or with a bad filter.
pub fn install(filter: &str) -> Result<PrometheusHandle, TelemetryError> {
    let filter: EnvFilter = filter.parse().map_err(TelemetryError::Filter)?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .try_init()
        .map_err(TelemetryError::Log)?;
    let handle = PrometheusBuilder::new().install_recorder().map_err(TelemetryError::Recorder)?;
    describe();
    Ok(handle)
}

/// The figures there are, for whoever reads `/metrics`.
fn describe() {
    use metrics::describe_counter as counter;
    counter!("louan_connections_total", "Connections ended, by how they ended");
    counter!("louan_connections_refused_total", "Connections not taken: peer or total at its limit");
    counter!("louan_requests_total", "Requests answered, by route, method and status");
    counter!("louan_refused_total", "Problems answered, by code");
    counter!("louan_sign_in_total", "Sign-ins, by outcome");
    counter!("louan_enrolment_total", "Enrolments, by outcome");
    counter!("louan_backup_total", "Nightly backups, by outcome");
    counter!("louan_refresh_stolen_total", "Families of tokens ended because a token was copied");
}
