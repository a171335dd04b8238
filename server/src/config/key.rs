//! Every key there is, with its kind: what a text from the environment means, what
//! `config show` prints, what a misspelt key is compared with.

use figment::value::{Dict, Value};

use super::Config;

/// What a key's value is; a text from the environment is read accordingly, so that a
/// password of digits stays a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, a path, an address.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Several texts, separated by commas in the environment.
    List,
}

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// `section.key`.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
}

/// Every key, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    text("edge.listen"),
    text("edge.tls"),
    text("edge.certificate"),
    text("edge.key"),
    text("edge.base_path"),
    Key { name: "edge.forwarded_for", kind: Kind::Switch },
    number("limits.handshake_ms"),
    number("limits.header_read_ms"),
    number("limits.idle_ms"),
    number("limits.body_grace_ms"),
    number("limits.body_rate_bytes"),
    number("limits.body_longest_ms"),
    number("limits.write_stall_ms"),
    number("limits.streams_max"),
    number("limits.header_list_bytes"),
    number("limits.connections_per_peer"),
    number("limits.connections_max"),
    number("limits.drain_ms"),
    number("limits.requests_max"),
    number("limits.sync_per_minute"),
    number("limits.photos_per_minute"),
    number("limits.photos_at_once"),
    number("limits.commands_per_minute"),
    number("limits.reads_per_minute"),
    number("limits.pictures_per_minute"),
    number("limits.imports_per_hour"),
    number("limits.parts_per_minute"),
    number("limits.exports_per_hour"),
    number("limits.codes_per_hour"),
    number("limits.photos_per_day"),
    number("limits.photo_bytes_per_day"),
    number("limits.sign_in_per_minute"),
    text("store.path"),
    text("store.photos"),
    number("store.stream"),
    text("backup.to"),
    text("backup.at"),
    number("backup.keep"),
    text("audit.checkpoints"),
    number("worker.count"),
    text("auth.pepper"),
    text("auth.pepper_file"),
    number("auth.hashes_at_once"),
    Key { name: "metrics.allow", kind: Kind::List },
    text("clock.business_now"),
    text("log.filter"),
];

const fn text(name: &'static str) -> Key {
    Key { name, kind: Kind::Text }
}

const fn number(name: &'static str) -> Key {
    Key { name, kind: Kind::Number }
}

impl Key {
    /// The key of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The known key that looks most like `name`.
    #[must_use]
    pub fn nearest(name: &str) -> &'static str {
        let distance = |key: &&Self| strsim::damerau_levenshtein(key.name, name);
        KEYS.iter().min_by_key(distance).map_or("", |key| key.name)
    }

    /// What a text from the environment or a flag means for this key. What cannot be read as the
    /// key's kind stays a text, and is refused later with the key's name.
    #[must_use]
    pub fn read(&self, text: &str) -> Value {
        let as_text = || Value::from(text);
        match self.kind {
            Kind::Text => as_text(),
            Kind::Number => text.trim().parse::<u64>().map_or_else(|_| as_text(), Value::from),
            Kind::Switch => text.trim().parse::<bool>().map_or_else(|_| as_text(), Value::from),
            Kind::List => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::from(parts.map(Value::from).collect::<Vec<_>>())
            }
        }
    }

    /// The key's value as TOML, nothing when it has none.
    #[must_use]
    pub fn value_of(&self, config: &Config) -> Option<String> {
        // A JSON text, number, switch or list of texts is spelt the same in TOML.
        let value = serde_json::to_value(config).ok()?;
        let (section, name) = self.name.split_once('.')?;
        value.get(section)?.get(name).filter(|value| !value.is_null()).map(serde_json::Value::to_string)
    }
}

/// Puts a value under `section.key` of nested dictionaries.
pub(super) fn put(into: &mut Dict, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            into.insert(name.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = into.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                put(inner, rest, value);
            }
        }
    }
}

/// The names of all values in nested dictionaries, as `section.key`.
pub(super) fn names(of: &Dict, prefix: &str) -> Vec<String> {
    of.iter()
        .flat_map(|(name, value)| {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                // An empty section sets nothing, provided there is such a section.
                Value::Dict(_, inner) if inner.is_empty() && is_section(&name) => Vec::new(),
                Value::Dict(_, inner) if !inner.is_empty() => names(inner, &name),
                _ => vec![name],
            }
        })
        .collect()
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.split_once('.').is_some_and(|(section, _)| section == name))
}
