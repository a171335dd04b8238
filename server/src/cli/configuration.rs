//! `louan config`: is it in order, and what is in force.

use std::path::{Path, PathBuf};

use super::args::ConfigCommand;
use super::failure::Failure;
use super::say;
use crate::config::{Config, ConfigError, Sources};

/// Where the file is looked for when nothing is said; it need not exist.
const DEFAULT: &str = "/etc/louan/config.toml";

pub(super) fn run(command: &ConfigCommand, sources: &Sources) -> Result<(), Failure> {
    let config = Config::load(sources)?;
    match command {
        ConfigCommand::Check => {
            let place = sources
                .file
                .as_ref()
                .map_or_else(|| "（无配置文件）".to_owned(), |(p, _)| p.display().to_string());
            say(&format!("配置正确：{place}"))
        }
        ConfigCommand::Show => say(config.redacted().trim_end()),
    }
}

/// The file's text. A file that was named must exist, the default one may be absent.
pub(super) fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::Read(path.to_owned(), error).into()),
    }
}
