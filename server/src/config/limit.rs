//! What one peer may cost (R01, R02, R04), as values so that a test can make them small.
//!
//! The defaults come with their arithmetic. None of them is a promise to a client: whoever
//! meets one is told by a closed connection or a status and tries again.

use std::time::Duration;

/// Bounds on connections (连接限制), in time, number and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Longest TLS handshake. A 2G phone needs under two seconds.
    pub handshake: Duration,
    /// From the first byte of a request to the end of its header; also from the end of the handshake to the first request.
    pub header_read: Duration,
    /// A connection on which nothing is asked.
    pub idle: Duration,
    /// Time a body may take before its rate is looked at.
    pub body_grace: Duration,
    /// Least bytes a second of a body after the grace: 1 MiB, the most a phone sends at once, may take 17 minutes.
    pub body_rate_bytes: u32,
    /// Longest that any body may take: the 17 minutes of a phone's, and no more. A list of 16 MiB would have four hours and
    /// a half at the least rate; it comes from a desk, which sends 14 KiB a second.
    pub body_longest: Duration,
    /// A reply of which the peer reads nothing.
    pub write_stall: Duration,
    /// HTTP/2 streams at once on a connection; a browser opens about ten.
    pub streams_max: u32,
    /// Largest header list, decoded.
    pub header_list_bytes: u32,
    /// Connections from one address (an IPv6 /64 counts as one): a street office behind one
    /// address has some twenty phones.
    pub connections_per_peer: usize,
    /// Connections in all: 2,000 × about 60 KiB of buffers = 120 MiB.
    pub connections_max: usize,
    /// How long requests under way may go on once the server is told to stop.
    pub drain: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            header_read: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            body_grace: Duration::from_secs(10),
            body_rate_bytes: 1024,
            body_longest: Duration::from_secs(20 * 60),
            write_stall: Duration::from_secs(30),
            streams_max: 64,
            header_list_bytes: 16 * 1024,
            connections_per_peer: 50,
            connections_max: 2_000,
            drain: Duration::from_secs(20),
        }
    }
}
