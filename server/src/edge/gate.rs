//! The gate: how many connections there are, in all and from each address.
//!
//! It only counts. A place is taken before the handshake and given back when the
//! connection is dropped, however it ends; there is no other way to give one back.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections.
#[derive(Debug, Clone)]
pub struct Gate {
    counts: Arc<Mutex<Counts>>,
    per_peer_max: usize,
    total_max: usize,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// This address has its share.
    Peer,
    /// The server is full.
    Total,
}

impl Refusal {
    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Total => "total",
        }
    }
}

/// A place among the connections, given back on drop.
#[derive(Debug)]
pub struct Place {
    counts: Arc<Mutex<Counts>>,
    peer: IpAddr,
}

impl Gate {
    /// A gate with nobody in it.
    #[must_use]
    pub fn new(per_peer_max: usize, total_max: usize) -> Self {
        Self { counts: Arc::default(), per_peer_max, total_max }
    }

    /// Takes a place for a peer.
    ///
    /// # Errors
    /// [`Refusal`] when the address or the server has as many connections as it may.
    pub fn enter(&self, ip: IpAddr) -> Result<Place, Refusal> {
        let peer = counted_as(ip);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.total_max {
            return Err(Refusal::Total);
        }
        let own = counts.by_peer.entry(peer).or_default();
        if *own >= self.per_peer_max {
            return Err(Refusal::Peer);
        }
        *own += 1;
        counts.total += 1;
        Ok(Place { counts: Arc::clone(&self.counts), peer })
    }

    /// Connections just now.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        if let Some(own) = counts.by_peer.get_mut(&self.peer) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_peer.remove(&self.peer);
            }
        }
    }
}

/// One subscriber usually holds a whole IPv6 /64, so the /64 is what is counted; an IPv4
/// address written as IPv6 counts as what it is.
#[must_use]
pub(crate) fn counted_as(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_gets_its_share_and_no_more_and_gets_it_back() {
        let gate = Gate::new(2, 10);
        let first = gate.enter(ip("10.0.0.1")).expect("a place");
        let _second = gate.enter(ip("10.0.0.1")).expect("a place");
        assert_eq!(gate.enter(ip("10.0.0.1")).err(), Some(Refusal::Peer));
        assert!(gate.enter(ip("10.0.0.2")).is_ok(), "another address is not concerned");
        drop(first);
        assert!(gate.enter(ip("10.0.0.1")).is_ok());
    }

    #[test]
    fn a_full_server_takes_nobody() {
        let gate = Gate::new(2, 2);
        let places = [gate.enter(ip("10.0.0.1")), gate.enter(ip("10.0.0.2"))];
        assert_eq!(gate.enter(ip("10.0.0.3")).err(), Some(Refusal::Total));
        drop(places);
        assert_eq!(gate.open_count(), 0);
        let counts = gate.counts.lock().expect("nobody panicked");
        assert!(counts.by_peer.is_empty(), "an address that left is not remembered");
    }

    #[test]
    fn a_whole_slash_64_is_one_peer_and_a_mapped_address_is_itself() {
        for (a, b, same) in [
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.2", false),
        ] {
            assert_eq!(counted_as(ip(a)) == counted_as(ip(b)), same, "{a} {b}");
        }
    }
}
