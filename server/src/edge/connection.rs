//! One connection from its first byte to its last.
//!
//! Handshake, then HTTP/1.1 or HTTP/2 by what the peer speaks, until the peer leaves, the
//! pulse stops or the server is told to stop. What goes wrong here concerns one peer; it is
//! counted, not reported to anybody.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use super::body::{GuardedBody, SentBody};
use super::pulse::Pulse;
use super::stall::Stalling;
use super::{Limits, Peer};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a connection ended, as counted in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The peer or the server closed it in good order.
    Closed,
    /// Something broke the protocol or the socket.
    Broken,
    /// No handshake, or none in time.
    NoHandshake,
    /// Silent, or stuck in a header, for too long.
    Stopped,
}

impl Ending {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::NoHandshake => "no_handshake",
            Self::Stopped => "stopped",
        }
    }
}

/// What every connection of a listener shares.
#[derive(Debug, Clone)]
pub(super) struct Terms<S> {
    pub(super) tls: watch::Receiver<Option<Arc<ServerConfig>>>,
    pub(super) limits: Limits,
    pub(super) service: S,
    pub(super) stop: watch::Receiver<bool>,
}

/// Shakes hands where TLS is spoken, then talks HTTP until the end.
pub(super) async fn attend<S, R>(socket: TcpStream, peer: Peer, terms: Terms<S>) -> Ending
where
    S: Service<Request<GuardedBody<Incoming>>, Response = Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Into<BoxError>,
{
    // What is in force now; who is connected keeps what he began with.
    let config = terms.tls.borrow().clone();
    let Some(config) = config else {
        return talk(socket, false, peer, terms).await;
    };
    let handshake = TlsAcceptor::from(config).accept(socket);
    match tokio::time::timeout(terms.limits.handshake, handshake).await {
        Ok(Ok(stream)) => {
            let multiplexed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            talk(stream, multiplexed, peer, terms).await
        }
        Ok(Err(_)) | Err(_) => Ending::NoHandshake,
    }
}

async fn talk<I, S, R>(io: I, multiplexed: bool, peer: Peer, terms: Terms<S>) -> Ending
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<GuardedBody<Incoming>>, Response = Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Into<BoxError>,
{
    let Terms { limits, service, mut stop, .. } = terms;
    let pulse = Pulse::new(limits.clone(), multiplexed);
    let io = TokioIo::new(Stalling::new(io, pulse.clone(), limits.write_stall));
    let beating = pulse.clone();
    let guarded = limits.clone();
    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
        let under_way = beating.request_begins();
        let mut request = request.map(|body| GuardedBody::new(body, &guarded));
        request.extensions_mut().insert(peer);
        let measured = multiplexed && request.method() == Method::HEAD;
        let reply = service.clone().oneshot(request);
        async move { reply.await.map(|reply| reply.map(|body| SentBody::new(body, measured, under_way))) }
    });
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(io, answer));
    let mut stopping = false;
    loop {
        tokio::select! {
            end = connection.as_mut() => return if end.is_ok() { Ending::Closed } else { Ending::Broken },
            () = pulse.stopped() => {
                // A polite end (GOAWAY, close_notify) for a peer that still listens; it gets no second grace.
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(FAREWELL, connection.as_mut()).await;
                return Ending::Stopped;
            }
            () = told(&mut stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Returns once the server is told to stop, or nobody is left who could tell it.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Time to say goodbye to a peer that was silent already.
const FAREWELL: std::time::Duration = std::time::Duration::from_millis(500);
/// Bytes of a reply that HTTP/2 takes before the socket does.
const SEND_BUFFER_BYTES: usize = 32 * 1024;
/// HTTP/2 pings find a phone that left its network without a word.
const PING_EVERY: std::time::Duration = std::time::Duration::from_secs(20);

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The pulse is stricter; this is the fence behind it.
        .header_read_timeout(limits.header_read + limits.idle)
        .max_buf_size((limits.header_list_bytes as usize).max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_header_list_size(limits.header_list_bytes)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(limits.idle);
    builder
}
