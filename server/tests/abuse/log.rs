//! Lines and signs that callers would like to write into the log (X09), sent to the real program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json as value};

/// A line end, a line of its own, colours, and what turns a reader around.
const FORGED: &str = "\r\n{\"timestamp\":\"2020-01-01T00:00:00Z\",\"level\":\"ERROR\",\"message\":\"forged\"}\n\u{1b}[2J\u{1b}[31m\u{202e}\u{7}";

fn louan(folder: &Path, arguments: &[&str]) -> Command {
    let config = folder.join("config.toml");
    std::fs::write(&config, "").expect("an empty configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_louan"));
    command.arg("--config").arg(config).args(arguments).env_clear();
    command.env("LOUAN__STORE__PATH", folder.join("louan.sqlite"));
    command.env("LOUAN__STORE__PHOTOS", folder.join("photos"));
    command.env("LOUAN__LOG__FILTER", "trace");
    command
}

/// What is answered to bytes sent as they are.
fn ask(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    // A header that cannot be read is answered before the rest is.
    let _ = stream.write_all(bytes);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Requests with the forged line everywhere a caller can write.
fn requests() -> Vec<Vec<u8>> {
    let percent: String = FORGED.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let line = r#"{"level":"ERROR","message":"forged"}"#;
    let get = |target: &str, fields: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n").into_bytes()
    };
    let mut all = vec![
        post("/api/v1/session", &value!({ "account": FORGED, "password": FORGED })),
        post("/api/v1/session", &value!({ FORGED: FORGED })),
        post("/api/v1/session/refresh", &value!({ "refresh_token": FORGED, "signature": FORGED })),
        post("/api/v1/enrol", &value!({ "code": FORGED, "public_key": FORGED })),
        get(&format!("/{percent}"), ""),
        get(&format!("/api/v1/hazards?{percent}={percent}"), ""),
        get(&format!("/api/v1/photos/{percent}"), ""),
    ];
    for name in
        ["X-Request-Id", "User-Agent", "Authorization", "Cookie", "X-Forwarded-For", "Referer", "Accept"]
    {
        all.push(get("/api/v1/hazards", &format!("{name}: {line}\r\n")));
        all.push(get("/api/v1/hazards", &format!("{name}: a\u{1b}[31mforged\r\n")));
        all.push(get("/api/v1/hazards", &format!("{name}: a\nforged: 1\r\n")));
    }
    all.push(b"forged \x1b[31m\r\n\r\n".to_vec());
    all.push(format!("{FORGED} / HTTP/1.1\r\n\r\n").into_bytes());
    all
}

/// The server; killed when dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn no_caller_writes_a_line_or_a_control_sign_into_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(louan(folder.path(), &["migrate"]).status().expect("the executable").success());
    let child = louan(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--tls", "off"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the executable");
    let mut serving = Serving(child);
    let mut lines = BufReader::new(serving.0.stdout.take().expect("a pipe")).lines();
    let address = loop {
        let line = lines.next().expect("a line").expect("a text");
        let log: Value = serde_json::from_str(&line).expect("JSON");
        if log["message"] == "listening" {
            break log["address"].as_str().expect("an address").to_owned();
        }
    };
    let requests = requests();
    for request in &requests {
        let reply = ask(&address, request);
        assert!(!reply.starts_with("HTTP/1.1 2") && !reply.starts_with("HTTP/1.1 5"), "{reply}");
    }
    // The store fails under a request whose caller chose the words.
    let connection = rusqlite::Connection::open(folder.path().join("louan.sqlite")).expect("a database");
    connection.execute_batch("ALTER TABLE account RENAME TO gone").expect("gone");
    drop(connection);
    let reply = ask(
        &address,
        &post("/api/v1/session", &value!({ "account": format!("once more {FORGED}"), "password": "x" })),
    );
    assert!(reply.starts_with("HTTP/1.1 5"), "{reply}");

    let told = Command::new("kill").arg("-TERM").arg(serving.0.id().to_string()).status().expect("kill");
    assert!(told.success());
    let said: Vec<String> = lines.map(|line| line.expect("a text")).collect();
    assert!(serving.0.wait().expect("it ends").success());
    let answered = said.iter().filter(|line| line.contains("\"answered\"")).count();
    assert!(
        answered >= requests.len() / 2 && said.iter().any(|line| line.contains("a request failed")),
        "{said:#?}"
    );
    for line in &said {
        let log: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(log["timestamp"].is_string() && log["level"].is_string(), "{line}");
        assert!(!line.contains("forged"), "a caller's text in {line}");
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
    }
}
