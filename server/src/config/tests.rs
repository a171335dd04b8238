//! The configuration as a table: who beats whom, what is refused, what is shown.

use std::path::PathBuf;

use figment::value::{Dict, Value};

use super::{Config, ConfigError, ConfigFault, KEYS, Sources, TlsMode};

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str) -> Option<(PathBuf, String)> {
    Some((PathBuf::from("config.toml"), text.to_owned()))
}

#[test]
fn the_list_of_keys_is_the_list_of_fields() {
    let full = Config {
        auth: super::AuthSection {
            pepper: Some("p".to_owned()),
            pepper_file: Some(PathBuf::from("f")),
            hashes_at_once: 0,
        },
        backup: super::BackupSection { to: Some(PathBuf::from("f")), ..super::BackupSection::default() },
        clock: super::ClockSection { business_now: Some("t".to_owned()) },
        ..Config::default()
    };
    let value = Value::serialize(&full).expect("plain values");
    let dict: Dict = value.into_dict().expect("sections");
    let mut fields = super::key::names(&dict, "");
    let mut keys: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    fields.sort();
    keys.sort();
    assert_eq!(fields, keys);
}

#[test]
fn flags_beat_the_environment_beats_the_file_beats_the_defaults() {
    let mut sources = Sources::default();
    assert_eq!(Config::load(&sources).expect("defaults").edge.listen.port(), 8443);
    sources.file = file("[edge]\nlisten = \"127.0.0.1:1\"\n[limits]\nidle_ms = 1\nheader_read_ms = 1\n");
    assert_eq!(Config::load(&sources).expect("file").edge.listen.port(), 1);
    sources.env =
        env(&[("LOUAN__EDGE__LISTEN", "127.0.0.1:2"), ("LOUAN__LIMITS__IDLE_MS", "2"), ("PATH", "/bin")]);
    assert_eq!(Config::load(&sources).expect("environment").edge.listen.port(), 2);
    sources.flags = vec![("edge.listen", "127.0.0.1:3".to_owned())];
    let config = Config::load(&sources).expect("flags");
    let limits = (config.limits.idle_ms, config.limits.header_read_ms, config.limits.handshake_ms);
    assert_eq!((config.edge.listen.port(), limits), (3, (2, 1, 5_000)));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    let from_file = Sources { file: file("[limits]\nidel_ms = 5\n"), ..Sources::default() };
    let from_env = Sources { env: env(&[("LOUAN__STOR__PATH", "x")]), ..Sources::default() };
    let whole = Sources { file: file("listen = \"127.0.0.1:1\"\n"), ..Sources::default() };
    for (sources, place, nearest) in [
        (from_file, "config.toml", "limits.idle_ms"),
        (from_env, "LOUAN__STOR__PATH", "store.path"),
        (whole, "config.toml", "edge.listen"),
    ] {
        match Config::load(&sources) {
            Err(ConfigError::UnknownKey { place: p, nearest: n, .. }) => {
                assert_eq!((p.as_str(), n), (place, nearest))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    for (name, text) in [
        ("LOUAN__LIMITS__IDLE_MS", "soon"),
        ("LOUAN__EDGE__FORWARDED_FOR", "maybe"),
        ("LOUAN__EDGE__TLS", "perhaps"),
        ("LOUAN__METRICS__ALLOW", "10.0.0.1,everybody"),
    ] {
        let sources = Sources { env: env(&[(name, text)]), ..Sources::default() };
        assert!(matches!(Config::load(&sources), Err(ConfigError::Value(_))), "{name}");
    }
    let sources = Sources { file: file("[edge\n"), ..Sources::default() };
    assert!(matches!(Config::load(&sources), Err(ConfigError::Syntax(..))));
}

#[test]
fn all_faults_of_the_values_are_named_at_once() {
    let sources = Sources {
        env: env(&[
            ("LOUAN__EDGE__TLS", "off"),
            ("LOUAN__LIMITS__CONNECTIONS_MAX", "0"),
            ("LOUAN__CLOCK__BUSINESS_NOW", "yesterday"),
            ("LOUAN__LOG__FILTER", "a=b=c"),
            ("LOUAN__AUTH__PEPPER", "123"),
            ("LOUAN__BACKUP__AT", "2:30"),
            ("LOUAN__BACKUP__KEEP", "0"),
            ("LOUAN__EDGE__BASE_PATH", "louan/"),
        ]),
        ..Sources::default()
    };
    let Err(ConfigError::Faults(faults)) = Config::load(&sources) else { panic!("must be refused") };
    assert_eq!(
        faults,
        [
            ConfigFault::PlainBeyondLoopback,
            ConfigFault::ZeroLimit("limits.connections_max"),
            ConfigFault::ZeroLimit("backup.keep"),
            ConfigFault::BasePath,
            ConfigFault::BackupAt,
            ConfigFault::BusinessNow,
            ConfigFault::LogFilter,
            ConfigFault::PepperShort,
        ]
    );
}

#[test]
fn a_forwarded_address_is_believed_from_a_proxy_on_this_machine_only() {
    let on = Sources { env: env(&[("LOUAN__EDGE__FORWARDED_FOR", "true")]), ..Sources::default() };
    assert!(
        matches!(Config::load(&on), Err(ConfigError::Faults(f)) if f == [ConfigFault::ForwardedForDirect])
    );
    let mut off = on;
    off.env.extend(env(&[("LOUAN__EDGE__TLS", "off"), ("LOUAN__EDGE__LISTEN", "127.0.0.1:8080")]));
    let config = Config::load(&off).expect("behind a proxy");
    assert_eq!(config.edge.tls, TlsMode::Off);
    let limits = config.limits.edge(TlsMode::Off);
    assert_eq!(limits.connections_per_peer, limits.connections_max, "the proxy is the only peer");
}

#[test]
fn a_secret_comes_from_its_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pepper");
    std::fs::write(&path, "0123456789abcdef0123\n").expect("a file");
    let name = path.to_str().expect("a plain name");
    let mut sources = Sources { env: env(&[("LOUAN__AUTH__PEPPER_FILE", name)]), ..Sources::default() };
    let config = Config::load(&sources).expect("a secret in a file");
    assert_eq!(config.auth.pepper.as_deref(), Some("0123456789abcdef0123"));
    let shown = config.redacted();
    assert!(shown.contains("pepper = \"***\"") && !shown.contains("0123456789abcdef"), "{shown}");

    sources.env.extend(env(&[("LOUAN__AUTH__PEPPER", "another secret text")]));
    assert!(matches!(Config::load(&sources), Err(ConfigError::Faults(f)) if f == [ConfigFault::SecretTwice]));
    let absent = Sources { env: env(&[("LOUAN__AUTH__PEPPER_FILE", "no/such/file")]), ..Sources::default() };
    assert!(matches!(Config::load(&absent), Err(ConfigError::Read(..))));
}

#[test]
fn what_is_shown_reads_back_as_the_same_configuration() {
    let sources =
        Sources { env: env(&[("LOUAN__METRICS__ALLOW", "10.0.0.1, 10.0.0.2")]), ..Sources::default() };
    let config = Config::load(&sources).expect("a list");
    let again = Config::load(&Sources { file: file(&config.redacted()), ..Sources::default() });
    assert_eq!(again.expect("its own print"), config);
}

#[test]
fn a_time_of_day_has_two_digits_on_both_sides() {
    let minutes = |text: &str| super::BackupSection { at: text.to_owned(), ..Default::default() }.minutes();
    assert_eq!((minutes("02:30"), minutes("23:59")), (Some(150), Some(23 * 60 + 59)));
    for bad in ["24:00", "2:30", "02:60", "0230", "02:30:00", "-1:30", "+2:30", "0+:30", ""] {
        assert_eq!(minutes(bad), None, "{bad}");
    }
}

#[test]
fn a_base_path_is_empty_or_whole_plain_segments() {
    let fits =
        |text: &str| super::EdgeSection { base_path: text.to_owned(), ..Default::default() }.has_base_path();
    for good in ["", "/louan", "/fire/louan-2.x_y"] {
        assert!(fits(good), "{good}");
    }
    for bad in
        ["/", "louan", "/louan/", "//louan", "/a//b", "/a b", "/楼安", "/a?b", "/../x", "/a;b", "/a%20"]
    {
        assert!(!fits(bad), "{bad}");
    }
}
