//! Where configuration comes from, as values: the caller has read file and environment, so
//! that a test can hand in both.

use std::path::PathBuf;

use figment::providers::{Format, Serialized, Toml};
use figment::value::Dict;
use figment::{Figment, Provider};

use super::key::{self, Key};
use super::{Config, ConfigError};

/// Variables that belong to the configuration begin with this.
const PREFIX: &str = "LOUAN__";

/// Keys set by flags, with their texts.
pub type Flags = Vec<(&'static str, String)>;

/// Everything a configuration is made of (配置来源).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The file's path and text, when there is one.
    pub file: Option<(PathBuf, String)>,
    /// The environment; variables of others are passed over.
    pub env: Vec<(String, String)>,
    /// What flags say.
    pub flags: Flags,
}

impl Sources {
    /// Merges the sources, later over earlier.
    pub(super) fn merge(&self) -> Result<Config, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some((path, text)) = &self.file {
            let provider = Toml::string(text);
            let dict = dict_of(&provider).map_err(|e| ConfigError::Syntax(path.clone(), e))?;
            for name in key::names(&dict, "") {
                known(&name, &path.display().to_string())?;
            }
            figment = figment.merge(Serialized::globals(dict));
        }
        let from_env =
            self.env.iter().filter_map(|(name, text)| Some((env_key(name)?, name.clone(), text.as_str())));
        let from_flags =
            self.flags.iter().map(|(key, text)| ((*key).to_owned(), format!("--{key}"), text.as_str()));
        let mut over = Dict::new();
        for (name, place, text) in from_env.chain(from_flags) {
            let key = known(&name, &place)?;
            key::put(&mut over, &name, key.read(text));
        }
        figment.merge(Serialized::globals(over)).extract().map_err(|e| ConfigError::Value(Box::new(e)))
    }
}

/// `LOUAN__EDGE__LISTEN` is `edge.listen`.
fn env_key(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix(PREFIX)?;
    Some(rest.to_lowercase().replace("__", "."))
}

fn known(name: &str, place: &str) -> Result<&'static Key, ConfigError> {
    Key::find(name).ok_or_else(|| ConfigError::UnknownKey {
        key: name.to_owned(),
        place: place.to_owned(),
        nearest: Key::nearest(name),
    })
}

fn dict_of(provider: &impl Provider) -> Result<Dict, Box<figment::Error>> {
    Ok(provider.data().map_err(Box::new)?.into_values().next().unwrap_or_default())
}
