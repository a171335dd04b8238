//! The service as an operator meets it: told to stop, told to read its certificate again, mounted under a path, and
//! what it writes into its log.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::wire::frame;
use louan_schema::wire::proof::ProvenRequest;
use p256::ecdsa::SigningKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::commands::{Serving, finished, founded, louan, office, plain, run};
use super::kit::{COMPANY, MANAGER, Phone};
use super::proof::proof;

pub(super) fn tell(serving: &Serving, signal: &str) {
    let told = Command::new("kill").arg(signal).arg(serving.child.id().to_string()).status().expect("kill");
    assert!(told.success());
}

/// A phone's request as it goes over the wire, and the word for it that it bears.
fn sync_request(mount: &str, access: &str, key: &SigningKey, body: &[u8]) -> (Vec<u8>, String) {
    let said = ProvenRequest { method: "POST", target: "/api/v1/sync", body, token: access };
    let proof = proof(key, &said);
    let head = format!(
        "POST {mount}/api/v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {access}\r\nLouan-Proof: {proof}\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        louan_schema::wire::MEDIA_TYPE,
        body.len()
    );
    ([head.as_bytes(), body].concat(), proof)
}

/// The reply to a request that is no text.
fn carried(serving: &Serving, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&serving.address).expect("it listens");
    stream.write_all(request).expect("it reads");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("it answers");
    String::from_utf8_lossy(&reply).into_owned()
}

fn json_request(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn audit_acts(folder: &Path) -> i64 {
    let connection = rusqlite::Connection::open(folder.join("louan.sqlite")).expect("a database");
    connection.query_row("SELECT COUNT(*) FROM audit", [], |row| row.get(0)).expect("counts")
}

#[test]
fn told_to_stop_it_finishes_what_is_under_way_takes_nothing_new_and_closes_its_store() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let mut serving = Serving::start(plain(here));
    let lines = audit_acts(here);
    // A request that is half sent: the server has its header and waits for the rest.
    let body = r#"{"account":"office01","password":"not the one"}"#;
    let request = json_request("/api/v1/session", body);
    let (first, rest) = request.split_at(request.len() - 10);
    let mut under_way = TcpStream::connect(&serving.address).expect("it listens");
    under_way.write_all(first.as_bytes()).expect("it reads");
    // Another connection is answered, so the first has surely been taken.
    assert!(serving.ask("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("ok\n"));
    tell(&serving, "-TERM");
    serving.wait_for("told to stop; requests under way may finish");
    // The listener is closed right after that line; until then the system still takes connections.
    let refused = (0..100_000).any(|_| TcpStream::connect(&serving.address).is_err());
    assert!(refused, "nothing new is taken");
    under_way.write_all(rest.as_bytes()).expect("it still reads");
    let mut reply = String::new();
    under_way.read_to_string(&mut reply).expect("it answers");
    assert!(reply.starts_with("HTTP/1.1 401") && reply.contains("bad_credentials"), "{reply}");
    let stopped = serving.wait_for("stopped");
    assert_eq!(stopped["cut"], 0);
    assert!(serving.child.wait().expect("it ends").success());
    assert_eq!(audit_acts(here), lines + 1, "what it did stands in the audit");
    assert!(!here.join("louan.sqlite-wal").exists(), "the log is in the file, and the file is closed");
}

/// A client that trusts one certificate only.
struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    fn connect(address: &str, trusted: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(trusted).expect("a certificate");
        roots.add(CertificateDer::from_pem_slice(&pem).expect("PEM")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("louan.test").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
        let mut client = Self(StreamOwned::new(connection, TcpStream::connect(address).expect("it listens")));
        client.ask().map(|_| client)
    }

    fn ask(&mut self) -> Result<String, String> {
        let request = "GET /healthz HTTP/1.1\r\nHost: louan.test\r\n\r\n";
        self.0.write_all(request.as_bytes()).map_err(|e| e.to_string())?;
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\nok\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).map_err(|e| e.to_string())?;
            reply.push(byte[0]);
        }
        String::from_utf8(reply).map_err(|e| e.to_string())
    }
}

#[test]
fn a_new_certificate_is_used_at_a_signal_and_a_bad_one_changes_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    for name in ["old", "new"] {
        let dir = here.join(name);
        let init = ["tls", "init", "--dir", dir.to_str().expect("plain"), "--name", "louan.test"];
        assert_eq!(run(here, &init).0, 0);
    }
    let tls = here.join("tls");
    std::fs::create_dir(&tls).expect("a folder");
    let put = |from: &str| {
        for file in ["server.pem", "server.key"] {
            std::fs::copy(here.join(from).join(file), tls.join(file)).expect("a copy");
        }
    };
    let configured = |arguments: &[&str]| {
        let mut command = louan(here, arguments);
        command.env("LOUAN__EDGE__CERTIFICATE", tls.join("server.pem"));
        command.env("LOUAN__EDGE__KEY", tls.join("server.key"));
        command
    };
    put("old");
    assert_eq!(run(here, &["migrate"]).0, 0);
    let mut serving = Serving::start(configured(&["serve", "--listen", "127.0.0.1:0"]));
    let address = serving.address.clone();
    let (old, new) = (here.join("old/root.pem"), here.join("new/root.pem"));
    let mut connected = Client::connect(&address, &old).expect("the old one");
    put("new");
    assert!(Client::connect(&address, &new).is_err(), "nothing changes by itself");
    tell(&serving, "-HUP");
    assert!(
        serving.wait_for("certificate renewed")["advice"].as_str().expect("a text").contains("新证书已启用")
    );
    Client::connect(&address, &new).expect("the new one");
    assert!(Client::connect(&address, &old).is_err(), "the old one is not in use any more");
    connected.ask().expect("who was connected stays connected");

    std::fs::copy(here.join("old/server.key"), tls.join("server.key")).expect("the wrong key");
    let (code, said) = finished(&configured(&["tls", "check"]).output().expect("the executable"));
    assert!(code == 5 && said.contains("证书或私钥无法使用"), "{said}");
    tell(&serving, "-HUP");
    let line = serving.wait_for("certificate not renewed");
    let advice = line["advice"].as_str().expect("a text");
    assert!(advice.contains("仍在使用原证书") && line["level"] == "ERROR", "{line}");
    Client::connect(&address, &new).expect("the one in use stays");
    connected.ask().expect("and so do connections");
    put("new");
    let (code, said) = finished(&configured(&["tls", "check"]).output().expect("the executable"));
    assert!(code == 0 && said.contains("可以使用"), "{said}");
}

#[test]
fn a_certificate_renewed_by_the_old_root_is_accepted_where_one_of_a_new_root_is_not() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    let [tls, other] = ["tls", "other"].map(|name| here.join(name));
    let on = |verb: &str, dir: &Path| {
        run(here, &["tls", verb, "--dir", dir.to_str().expect("plain"), "--name", "louan.test"])
    };
    assert_eq!((on("init", &tls).0, on("init", &other).0, run(here, &["migrate"]).0), (0, 0, 0));
    let mut command = louan(here, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("LOUAN__EDGE__CERTIFICATE", tls.join("server.pem"));
    command.env("LOUAN__EDGE__KEY", tls.join("server.key"));
    let mut serving = Serving::start(command);
    let (address, trusted) = (serving.address.clone(), here.join("trusted.pem"));
    std::fs::copy(tls.join("root.pem"), &trusted).expect("what a phone has");
    let shown = |client: &Client| client.0.conn.peer_certificates().expect("a certificate")[0].clone();
    let before = shown(&Client::connect(&address, &trusted).expect("the first one"));

    let (code, said) = on("renew", &tls);
    assert!(
        code == 0 && said.contains("不用重新安装根证书") && said.contains("systemctl reload louan"),
        "{said}"
    );
    tell(&serving, "-HUP");
    serving.wait_for("certificate renewed");
    let after = shown(&Client::connect(&address, &trusted).expect("who trusts the root trusts the next one"));
    assert_ne!(before, after, "it is another certificate");

    // What the doctor used to advise: a root of which no phone knows.
    for file in ["server.pem", "server.key"] {
        std::fs::copy(other.join(file), tls.join(file)).expect("a copy");
    }
    tell(&serving, "-HUP");
    serving.wait_for("certificate renewed");
    assert!(Client::connect(&address, &trusted).is_err(), "every phone is cut off");
    std::fs::remove_file(tls.join("root.key")).expect("kept elsewhere");
    let (code, said) = on("renew", &tls);
    assert!(code == 1 && said.contains("没有根证书的私钥") && said.contains("未作任何改动"), "{said}");
}

#[test]
fn a_hang_up_does_not_end_a_server_behind_a_proxy() {
    let home = tempfile::tempdir().expect("a folder");
    let mut serving = Serving::start(founded(home.path()));
    tell(&serving, "-HUP");
    serving.wait_for("no certificate to renew: a proxy speaks TLS");
    assert!(serving.ask("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("ok\n"));
}

fn mounted(here: &Path) -> Serving {
    let mut command = founded(here);
    command.env("LOUAN__EDGE__BASE_PATH", "/louan");
    Serving::start(command)
}

fn get(serving: &Serving, path: &str, cookie: &str) -> String {
    serving.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"))
}

#[test]
fn mounted_under_a_path_everything_answers_there_whichever_way_the_proxy_hands_it_on() {
    let home = tempfile::tempdir().expect("a folder");
    let serving = mounted(home.path());
    let get = |path: &str| get(&serving, path, "");
    for path in [
        "/louan/healthz",
        "/louan/readyz",
        "/louan/version",
        "/healthz",
        "/louan/login",
        "/louan/assets/plain.css",
    ] {
        assert!(get(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    for path in ["/louanx/healthz", "/other/healthz", "/louan/louan/healthz"] {
        assert!(get(path).starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(get("/louan/api/v1/hazards").starts_with("HTTP/1.1 401"));
    for path in ["/louan", "/louan/", "/"] {
        let reply = get(path);
        assert!(
            reply.starts_with("HTTP/1.1 303") && reply.contains("location: /louan/login"),
            "{path}: {reply}"
        );
    }
    let page = get("/louan/login");
    assert!(
        page.contains("action=\"/louan/login\"") && page.contains("href=\"/louan/assets/plain.css\""),
        "{page}"
    );
}

#[test]
fn mounted_under_a_path_a_browser_signs_in_and_its_cookie_is_this_installations_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let (_, made) = run(here, &["user", "password", "office01"]);
    let password = made.lines().last().and_then(|line| line.split('：').next_back()).expect("a password");
    let serving = mounted(here);
    let form = format!("account=office01&password={password}");
    let reply = serving.ask(&format!(
        "POST /louan/login HTTP/1.1\r\nHost: x\r\nOrigin: https://x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    ));
    assert!(reply.starts_with("HTTP/1.1 303") && reply.contains("location: /louan/\r\n"), "{reply}");
    let cookie = reply.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    assert!(
        cookie.starts_with("__Host-louan.louan=") && cookie.contains("Path=/;") && cookie.contains("Secure")
    );
    let pair = cookie.split(';').next().expect("a pair");
    let overview = get(&serving, "/louan/", pair);
    assert!(
        overview.starts_with("HTTP/1.1 200") && overview.contains("action=\"/louan/logout\""),
        "{overview}"
    );
    assert!(!overview.contains("action=\"/\"") && !overview.contains("href=\"/\""), "{overview}");
    let other = pair.replace("__Host-louan.louan", "__Host-louan");
    assert!(
        get(&serving, "/louan/", &other).starts_with("HTTP/1.1 303"),
        "another installation's cookie is none of ours"
    );
}

#[test]
fn mounted_under_a_path_a_phone_is_known_by_what_it_signed_whichever_way_the_proxy_hands_it_on() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let (_, made) = run(here, &["enrol", "new", "office01"]);
    let code = made.split('：').nth(1).and_then(|rest| rest.lines().next()).expect("a code");
    let serving = mounted(here);
    let key = SigningKey::from_slice(&[41; 32]).expect("a key");
    let public_key = Base64UrlUnpadded::encode_string(&key.verifying_key().to_sec1_bytes());
    let said = format!(r#"{{"code":"{code}","public_key":"{public_key}"}}"#);
    let reply = serving.ask(&json_request("/louan/api/v1/enrol", &said));
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let access = field(&reply, "access_token");
    let body = frame::encode(Phone::unknown(41, MANAGER, COMPANY).request(Vec::new())).expect("a request");
    for mount in ["/louan", ""] {
        let reply = carried(&serving, &sync_request(mount, &access, &key, &body).0);
        assert!(reply.starts_with("HTTP/1.1 200"), "{mount}: {reply}");
    }
}

/// Everything said so far and until the end, a line each.
fn said_until_the_end(mut serving: Serving) -> Vec<String> {
    tell(&serving, "-TERM");
    let mut said = Vec::new();
    for line in serving.lines.by_ref() {
        said.push(line.expect("a text"));
    }
    assert!(serving.child.wait().expect("it ends").success());
    said
}

/// The value of a field in a JSON reply.
fn field(reply: &str, name: &str) -> String {
    let body = reply.split("\r\n\r\n").nth(1).expect("a body");
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {reply}"));
    value[name].as_str().expect("a text").to_owned()
}

#[test]
fn a_sync_a_sign_in_and_a_failing_request_leave_nothing_personal_in_the_log() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    office(here);
    let (_, made) = run(here, &["user", "password", "office01"]);
    let password =
        made.lines().last().and_then(|line| line.split('：').next_back()).expect("a password").to_owned();
    let (_, made) = run(here, &["enrol", "new", "office01"]);
    let code = made.split('：').nth(1).and_then(|rest| rest.lines().next()).expect("a code").to_owned();
    let mut command = plain(here);
    command.env("LOUAN__LOG__FILTER", "info,louan_server=trace");
    let serving = Serving::start(command);

    let session =
        json_request("/api/v1/session", &format!(r#"{{"account":"office01","password":"{password}"}}"#));
    let reply = serving.ask(&session);
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let mut secrets = vec![field(&reply, "access_token"), field(&reply, "refresh_token")];
    serving.ask(&json_request("/api/v1/session", r#"{"account":"10000000000","password":"Wrong-word 1"}"#));
    serving.ask("GET /no/such/10000000001?name=%E6%B5%8B HTTP/1.1\r\nHost: x\r\nUser-Agent: 10000000002\r\nConnection: close\r\n\r\n");

    let key = SigningKey::from_slice(&[41; 32]).expect("a key");
    let public_key = Base64UrlUnpadded::encode_string(&key.verifying_key().to_sec1_bytes());
    let enrol = json_request("/api/v1/enrol", &format!(r#"{{"code":"{code}","public_key":"{public_key}"}}"#));
    let reply = serving.ask(&enrol);
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let access = field(&reply, "access_token");
    secrets.extend([access.clone(), field(&reply, "refresh_token")]);
    let body = frame::encode(Phone::unknown(41, MANAGER, COMPANY).request(Vec::new())).expect("a request");
    let (sync, proof) = sync_request("", &access, &key, &body);
    secrets.push(proof);
    let reply = carried(&serving, &sync);
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");

    // The store fails under a request.
    let connection = rusqlite::Connection::open(here.join("louan.sqlite")).expect("a database");
    connection.execute_batch("ALTER TABLE account RENAME TO gone").expect("gone");
    drop(connection);
    let reply = serving.ask(&session);
    assert!(reply.starts_with("HTTP/1.1 5"), "{reply}");

    let said = said_until_the_end(serving);
    let message = |wanted: &str| said.iter().filter(|line| line.contains(wanted)).count();
    assert!(message("\"answered\"") >= 6 && message("a request failed") == 1, "{said:#?}");
    secrets.extend([password, code, public_key]);
    for word in ["office01", "测试员甲", "办公室", "1000000000", "Wrong-word", "no/such", "127.0.0.1"]
    {
        secrets.push(word.to_owned());
    }
    for line in &said {
        let parsed: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(parsed["level"].is_string() && parsed["timestamp"].is_string(), "{line}");
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "`{secret}` in {line}");
        }
    }
}
