//! The server asks nobody (X08): nothing it is built of opens a connection of its own, and no line of it does.
//!
//! Whoever needs an outgoing request first writes down here to whom, and how addresses of inside are kept out.

use serde_json::Value;

use crate::crates::{Manifest, lock_graph};
use crate::rust::{line_of, production};
use crate::{Finding, SourceFile};

/// Libraries that ask others over a network: HTTP, mail, names, brokers, object stores.
const CLIENTS: &[&str] = &[
    "reqwest",
    "ureq",
    "isahc",
    "curl",
    "surf",
    "attohttpc",
    "minreq",
    "awc",
    "hyper-rustls",
    "hyper-tls",
    "hyper-proxy",
    "native-tls",
    "tokio-native-tls",
    "openssl",
    "tonic",
    "quinn",
    "tungstenite",
    "tokio-tungstenite",
    "lettre",
    "hickory-resolver",
    "hickory-client",
    "trust-dns-resolver",
    "object_store",
    "opendal",
    "aws-config",
    "lapin",
    "rdkafka",
    "redis",
    "rumqttc",
    "ssh2",
    "russh",
    "ftp",
    "suppaftp",
    "oauth2",
    "openidconnect",
    "opentelemetry-otlp",
    "sentry",
];

/// Ways out that need no library, and programs started for it.
const WAYS_OUT: &[&str] = &[
    "TcpStream::connect",
    "UnixStream::connect",
    "UdpSocket",
    "UnixDatagram",
    ".connect(",
    "lookup_host",
    "to_socket_addrs",
    "ToSocketAddrs",
    "client::conn",
    "client::legacy",
    "Command::new",
];

/// The one place that starts a program: the server's own workers.
const STARTS_WORKERS: &str = "server/src/worker/pool.rs";

/// Every library that could ask somebody, by the way it came in, at any depth.
#[must_use]
pub fn libraries(manifests: &[Manifest], lock: &str) -> Vec<Finding> {
    let graph = lock_graph(lock);
    let server = manifests.iter().filter(|manifest| manifest.name == "louan-server");
    let mut todo: Vec<(String, String)> =
        server.flat_map(|manifest| manifest.uses.iter().map(|name| (name.clone(), name.clone()))).collect();
    let (mut seen, mut findings) = (std::collections::BTreeSet::new(), Vec::new());
    while let Some((name, way)) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if CLIENTS.contains(&name.as_str()) {
            findings.push(Finding::new(
                "louan-server",
                0,
                format!("could ask others with {name}, by way of {way}"),
            ));
        }
        let below = graph.get(&name).into_iter().flatten();
        todo.extend(below.map(|next| (next.clone(), format!("{way} → {next}"))));
    }
    findings
}

/// Every client half of a library that has two, in the answer of `cargo metadata`.
#[must_use]
pub fn halves(metadata: &Value) -> Vec<Finding> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let server = packages.iter().filter(|package| package["name"] == "louan-server");
    let uses = server.flat_map(|package| list(&package["dependencies"]));
    uses.filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .flat_map(|dependency| {
            let features = list(&dependency["features"]);
            let client = |feature: &Value| feature.as_str().is_some_and(|name| name.contains("client"));
            let wanted: Vec<Value> = features.into_iter().filter(client).collect();
            wanted.into_iter().map(move |feature| {
                Finding::new("louan-server", 0, format!("takes {feature} of {}", dependency["name"]))
            })
        })
        .collect()
}

/// Every line of the server that opens a connection or starts a program.
#[must_use]
pub fn lines(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in
        files.iter().filter(|file| file.path.starts_with("server/src/") && file.has_extension(&["rs"]))
    {
        let code = production(&file.text).code;
        for way in WAYS_OUT {
            if file.path == STARTS_WORKERS && *way == "Command::new" {
                continue;
            }
            for (at, _) in code.match_indices(way) {
                let what = format!("`{way}` leads out of the server");
                findings.push(Finding::new(file.path.as_str(), line_of(&code, at), what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;
    use crate::{crates, listed, tree};

    #[test]
    fn nothing_this_server_is_built_of_asks_anybody() {
        let lock = std::fs::read_to_string(tree::root().join("Cargo.lock")).expect("a lock file");
        let mut found = libraries(&crates::manifests(), &lock);
        found.extend(halves(&crates::metadata()));
        found.extend(lines(&Tree::read().texts));
        assert!(found.is_empty(), "{}", listed(&found));
    }

    #[test]
    fn a_client_is_found_however_deep_and_only_below_the_server() {
        let uses = |name: &str, used: &str| Manifest {
            name: name.to_owned(),
            uses: std::iter::once(used.to_owned()).collect(),
            ..Manifest::default()
        };
        let lock = "[[package]]\nname = \"a\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\ndependencies = [\n \"reqwest 0.13.1\",\n]\n";
        let found = libraries(&[uses("louan-server", "a")], lock);
        assert_eq!(
            found,
            [Finding::new("louan-server", 0, "could ask others with reqwest, by way of a → b → reqwest")]
        );
        assert_eq!(libraries(&[uses("louan-client-core", "a")], lock), []);
        for client in ["ureq", "hyper-rustls", "lettre", "hickory-resolver"] {
            assert_eq!(libraries(&[uses("louan-server", client)], "").len(), 1, "{client}");
        }
    }

    #[test]
    fn a_client_half_is_found_but_not_in_tests() {
        let metadata = |kind: Value| {
            serde_json::json!({"packages": [{"name": "louan-server", "dependencies": [
                {"name": "hyper", "kind": kind, "features": ["server", "client"]}]}]})
        };
        assert_eq!(halves(&metadata(Value::Null)).len(), 1);
        assert_eq!(halves(&metadata("build".into())).len(), 1);
        assert_eq!(halves(&metadata("dev".into())), []);
    }

    #[test]
    fn a_line_that_leads_out_is_found_but_not_in_a_test_or_a_text() {
        let count = |path: &str, text: &str| lines(&[SourceFile::new(path, text)]).len();
        for line in [
            "let s = TcpStream::connect(url).await?;",
            "let s = socket.connect(address).await?;",
            "tokio::net::lookup_host(name).await?;",
            "std::process::Command::new(\"curl\");",
            "hyper::client::conn::http1::handshake(io)",
        ] {
            assert_eq!(count("server/src/hub/mod.rs", &format!("fn f() {{\n{line}\n}}\n")), 1, "{line}");
        }
        assert_eq!(count("server/src/worker/pool.rs", "fn f() { Command::new(path); }\n"), 0);
        assert_eq!(count("client-core/src/driver/http.rs", "fn f() { TcpStream::connect(url); }\n"), 0);
        assert_eq!(
            count("server/src/a.rs", "#[cfg(test)]\nmod tests {\nfn f() { TcpStream::connect(a); }\n}\n"),
            0
        );
        assert_eq!(
            count("server/src/a.rs", "// TcpStream::connect\nconst A: &str = \"TcpStream::connect\";\n"),
            0
        );
    }
}
