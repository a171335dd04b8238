//! The command line: reads arguments and environment, calls the composition root, tells the
//! operator what happened, whether data is safe and what to do next. In Chinese.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong arguments, 3 configuration, 4 database,
//! 5 certificate or address. Nothing below this room prints.

mod args;
mod authority;
mod backup;
mod configuration;
mod doctor;
mod failure;
mod list;
mod people;
mod restore;
mod service;
mod tls;
mod unsent;
mod usage;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, Sources};
use crate::restore::is_unfinished;
use args::{Arguments, Command, TlsCommand};
use failure::Failure;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match usage::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return usage::told(&error),
    };
    // A worker reads bytes from phones: it gets neither configuration nor runtime.
    if matches!(arguments.command, Command::Worker) {
        return crate::worker::worker_main();
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Command::Doctor { json, quick, backups } = &arguments.command {
        return doctor::run(&sources(arguments)?, *json, *quick, backups.clone());
    }
    obey(arguments).map(|()| ExitCode::SUCCESS)
}

fn obey(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Worker => Ok(()),
        Command::Version => say(&format!("louan {}", env!("CARGO_PKG_VERSION"))),
        Command::Tls(TlsCommand::Check) => tls::check(&Config::load(&sources(arguments)?)?),
        Command::Tls(TlsCommand::Init { dir, name, ip }) => tls::init(dir, name, ip),
        Command::Tls(TlsCommand::Renew { dir, name, ip }) => tls::renew(dir, name, ip),
        Command::Config(command) => configuration::run(command, &sources(arguments)?),
        command => {
            let config = Config::load(&sources(arguments)?)?;
            // These two make one; a backup has more to ask for before.
            if !matches!(command, Command::Migrate | Command::Restore { .. } | Command::Backup { .. }) {
                store_there(&config.store.path)?;
            }
            runtime()?.block_on(act(command, &config))
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|e| Failure::new("无法启动运行环境", &e, "未作任何改动。请检查系统资源后重试。"))
}

/// Only `migrate` makes a store: behind a mistyped path or a disk that is not mounted everything would seem to be gone,
/// and what is entered next would stand in the wrong file.
fn store_there(store: &Path) -> Result<(), Failure> {
    let empty = store.metadata().map_or_else(|e| e.kind() == ErrorKind::NotFound, |file| file.len() == 0);
    // A restore that was broken off has the store in its hands; whoever comes next finishes it.
    if empty && !is_unfinished(store) {
        return Err(Failure::refused(
            &format!("没有找到数据库 {}", store.display()),
            "未作任何改动。请检查 store.path，以及数据盘是否已挂载；首次安装请先执行 louan migrate。",
        )
        .with(4));
    }
    Ok(())
}

async fn act(command: &Command, config: &Config) -> Result<(), Failure> {
    match command {
        Command::Serve => service::serve(config).await,
        Command::Migrate => service::migrate(config).await,
        Command::Rebuild => service::rebuild(config).await,
        Command::Backup { verify: Some(backup), .. } => backup::verify(backup, config),
        Command::Backup { to, keep, .. } => backup::back_up(to.as_deref(), *keep, config).await,
        Command::Restore { from, older } => restore::run(from, *older, config).await,
        Command::Org(command) => people::org(command, config).await,
        Command::User(command) => people::user(command, config).await,
        Command::Enrol(command) => people::enrol(command, config).await,
        Command::Import(command) => list::import(command, config).await,
        Command::Unsent { file, who } => unsent::read_in(file, who, config).await,
        Command::Export { what, who, to, street, state, until, datum } => {
            let filters = [street, state, until, datum].map(Option::as_deref);
            list::export(*what, (who, to), filters, config).await
        }
        Command::Worker
        | Command::Version
        | Command::Tls(_)
        | Command::Config(_)
        | Command::Doctor { .. } => Ok(()),
    }
}

/// File, environment and flags, as given.
fn sources(arguments: &Arguments) -> Result<Sources, Failure> {
    let file = configuration::read_file(arguments.config.as_deref())?;
    // A variable that is not text can be none of ours.
    let env = std::env::vars_os()
        .filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)))
        .collect();
    Ok(Sources { file, env, flags: arguments.flags() })
}

/// A line to the operator.
fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").map_err(|e| Failure::new("无法写出结果", &e, "操作已执行。请检查输出位置。"))
}
