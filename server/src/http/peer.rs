//! What the edge tells the routes about a connection.
//!
//! Two values and nothing else pass from sockets to routes: who is at the other end, and that a
//! body came too slowly.

use std::net::IpAddr;

/// Who is at the other end of a connection, as the socket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address; behind a reverse proxy the proxy's own.
    pub ip: IpAddr,
    /// Whether the connection is encrypted up to this process.
    pub encrypted: bool,
}

/// The body came slower than the limit, or took longer than any may; nothing of it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body came slower than {0} bytes a second, or too long")]
pub struct SlowBody(
    /// The rate that was asked.
    pub u32,
);
