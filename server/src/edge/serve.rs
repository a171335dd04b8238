//! The accept loop: takes connections while there is room, stops when told to, and lets
//! what is under way finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::Service;

use super::body::GuardedBody;
use super::connection::{Terms, attend, told};
use super::{Gate, Limits, Peer};

/// Wait after the system refused a socket for want of descriptors: others must end first.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// How much of a reply the system holds for a connection; it takes twice as much for its own needs. At 64 kbit/s more
/// of it would stand in front of a ping for longer than a ping is waited for, and the reply would never arrive.
const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 1_024;

/// Listens at an address, with buffers that suit slow links.
///
/// # Errors
/// When the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A listener with everything its connections need.
#[derive(Debug)]
pub struct Edge<S> {
    listener: TcpListener,
    tls: watch::Receiver<Option<Arc<ServerConfig>>>,
    limits: Limits,
    gate: Gate,
    service: S,
}

/// How a listener's service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections cut because they outlasted the drain.
    pub cut_count: usize,
}

impl<S, R> Edge<S>
where
    S: Service<Request<GuardedBody<Incoming>>, Response = Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// A listener ready to serve. Without TLS only the machine itself may connect.
    ///
    /// # Errors
    /// `PermissionDenied` when plain HTTP is asked for on an address that is not loopback.
    pub fn new(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        limits: Limits,
        service: S,
    ) -> io::Result<Self> {
        if tls.is_none() && !listener.local_addr()?.ip().is_loopback() {
            let why = "plain HTTP is served on loopback addresses only";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let gate = Gate::new(limits.connections_per_peer, limits.connections_max);
        // Nobody renews it unless `renewed` says who.
        let (_, tls) = watch::channel(tls);
        Ok(Self { listener, tls, limits, gate, service })
    }

    /// The same, with certificates that may be renewed: each connection takes what is in force when it begins. Whoever
    /// holds the other end never takes TLS away.
    #[must_use]
    pub fn renewed(mut self, tls: watch::Receiver<Option<Arc<ServerConfig>>>) -> Self {
        self.tls = tls;
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The gate, to count connections.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Serves until `stop` turns true (or its sender is gone), then lets requests under way finish for as
    /// long as [`Limits::drain`].
    pub async fn serve(self, mut stop: watch::Receiver<bool>) -> Served {
        let Self { listener, tls, limits, gate, service } = self;
        let drain = limits.drain;
        let terms = Terms { tls, limits, service, stop: stop.clone() };
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = told(&mut stop) => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, from)) => admit(socket, from, &gate, &terms, &mut connections),
                    Err(error) => pause_after(&error).await,
                },
            }
        }
        drop(listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(drain, finished).await.is_ok();
        let cut_count = if in_time { 0 } else { connections.len() };
        connections.shutdown().await;
        Served { cut_count }
    }
}

fn admit<S, R>(
    socket: TcpStream,
    from: SocketAddr,
    gate: &Gate,
    terms: &Terms<S>,
    connections: &mut JoinSet<()>,
) where
    S: Service<Request<GuardedBody<Incoming>>, Response = Response<R>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let place = match gate.enter(from.ip()) {
        Ok(place) => place,
        Err(refusal) => {
            metrics::counter!("louan_connections_refused_total", "why" => refusal.name()).increment(1);
            return;
        }
    };
    // Small replies must not wait for each other; failing to say so costs 40 ms, not the connection.
    let _ = socket.set_nodelay(true);
    let peer = Peer { ip: from.ip(), encrypted: terms.tls.borrow().is_some() };
    let terms = terms.clone();
    connections.spawn(async move {
        let _place = place;
        let ending = attend(socket, peer, terms).await;
        metrics::counter!("louan_connections_total", "ending" => ending.name()).increment(1);
    });
}

/// A peer that went away while being accepted is nothing; a process out of descriptors must wait.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind as K;
    if !matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted
    ) {
        tracing::error!(error = %error, "could not accept a connection; trying again");
        tokio::time::sleep_until(Instant::now() + OUT_OF_DESCRIPTORS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn little_of_a_reply_waits_in_the_system_for_a_peer_that_reads_nothing() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let phone = TcpSocket::new_v4().expect("a socket");
        phone.set_recv_buffer_size(4 * 1024).expect("sets it");
        let connecting = phone.connect(listener.local_addr().expect("an address"));
        let (_phone, accepted) = tokio::join!(connecting, listener.accept());
        let (socket, _) = accepted.expect("accepts");
        socket.writable().await.expect("is writable");
        let (reply, mut held) = ([0; 16 * 1024], 0);
        while let Ok(written) = socket.try_write(&reply) {
            held += written;
        }
        assert!(held > 0 && held < 256 * 1024, "{held}");
    }
}
