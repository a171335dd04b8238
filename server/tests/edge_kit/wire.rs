//! Real sockets on loopback: a server of any routes, and clients that misbehave on purpose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use louan_server::edge::{Edge, Gate, Limits, Served, tls_config_from_pem};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use warp::filters::BoxedFilter;
use warp::reply::Response;

/// Longer than any test: a limit that is not the one being looked at.
pub(crate) const NEVER: Duration = Duration::from_secs(86_400);
/// Short: the limit being looked at.
pub(crate) const SOON: Duration = Duration::from_millis(30);

/// A server listening on loopback.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Gate,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) served: JoinHandle<Served>,
    trust: Arc<ClientConfig>,
}

/// Limits that never end anything.
pub(crate) fn patient() -> Limits {
    Limits {
        handshake: NEVER,
        header_read: NEVER,
        idle: NEVER,
        body_grace: NEVER,
        body_longest: NEVER,
        write_stall: NEVER,
        drain: NEVER,
        ..Limits::default()
    }
}

/// Serves routes with TLS, or without.
pub(crate) async fn serve(routes: BoxedFilter<(Response,)>, limits: Limits, tls: bool) -> Serving {
    let pair = rcgen::generate_simple_self_signed(vec!["louan.test".to_owned()]).expect("a certificate");
    let (pem, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let config = tls.then(|| tls_config_from_pem(pem.as_bytes(), key.as_bytes()).expect("a configuration"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let edge = Edge::new(listener, config, limits, warp::service(routes)).expect("loopback");
    let (address, gate) = (edge.local_addr().expect("an address"), edge.gate());
    let (stop, stopping) = watch::channel(false);
    let served = tokio::spawn(edge.serve(stopping));
    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Serving { address, gate, stop, served, trust: Arc::new(trust) }
}

impl Serving {
    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// A connection after its handshake, speaking `protocol`.
    pub(crate) async fn tls(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        self.try_tls(protocol).await.expect("a handshake")
    }

    /// Whether a new connection gets nowhere.
    pub(crate) async fn try_tls_refused(&self) -> bool {
        TcpStream::connect(self.address).await.is_err()
    }

    pub(crate) async fn try_tls(&self, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::clone(&self.trust);
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("louan.test").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.tcp().await).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        Ok(stream)
    }
}

/// Reads until the server closes, in good order or not; what came before.
pub(crate) async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends text as it stands.
pub(crate) async fn say(stream: &mut (impl AsyncWriteExt + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.expect("the server listens");
    stream.flush().await.expect("the server listens");
}

/// Reads the head of one HTTP/1.1 reply, and nothing behind it.
pub(crate) async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.expect("a head");
        head.push(char::from(byte[0]));
    }
    head
}

/// Reads one HTTP/1.1 reply with a `content-length`, and leaves the connection open.
pub(crate) async fn one_reply(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = String::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.expect("a reply");
        all.push(char::from(byte[0]));
        if let Some((head, body)) = all.split_once("\r\n\r\n") {
            let lower = head.to_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            // One character a byte, whatever the text says.
            if body.chars().count() == length.expect("a length").parse::<usize>().expect("a number") {
                return all;
            }
        }
    }
}
