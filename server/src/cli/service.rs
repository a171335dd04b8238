//! `louan serve`, `migrate`, `rebuild`.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::failure::Failure;
use super::say;
use crate::app::{App, AppError, Company, Workers};
use crate::config::{Config, TlsMode};
use crate::telemetry;

pub(super) async fn serve(config: &Config) -> Result<(), Failure> {
    let unstarted = "服务未启动，数据未作任何改动。请重试；如仍失败，请联系技术支持。";
    let metrics =
        telemetry::install(&config.log.filter).map_err(|e| Failure::new("无法启动日志", &e, unstarted))?;
    let stop = stop_signal().map_err(|e| Failure::new("无法接收停止信号", &e, unstarted))?;
    let app = App::open(config, Workers::Processes(executable()?)).await?;
    let scheme = match config.edge.tls {
        TlsMode::On => "https",
        TlsMode::Off => "http",
    };
    let served = app
        .serve(config, metrics, stop, |address| tracing::info!(address = %address, scheme, "listening"))
        .await?;
    tracing::info!(cut = served.cut_count, "stopped");
    Ok(())
}

pub(super) fn executable() -> Result<std::path::PathBuf, AppError> {
    std::env::current_exe().map_err(AppError::Executable)
}

/// Turns true at the first SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop; requests under way may finish");
        stop.send_replace(true);
    });
    Ok(stopping)
}

pub(super) async fn migrate(config: &Config) -> Result<(), Failure> {
    let app = App::open(config, Workers::None).await?;
    let head = app.hub.head().await?;
    say(&format!("数据库已是本版本：{}，日志位置 {}。", config.store.path.display(), head.pos))
}

pub(super) async fn rebuild(config: &Config) -> Result<(), Failure> {
    let app = App::open_among(Company::Nobody, config, Workers::Processes(executable()?)).await?;
    let made = app.hub.rebuild().await?;
    say(&format!("台账已由变更日志重建，共 {made} 份文档；变更和办理决定未作任何改动。"))
}
