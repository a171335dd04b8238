//! The edge: sockets become requests here, and nowhere else.
//!
//! An accept loop of our own, because the router has neither TLS nor timeouts (M17): TLS by
//! rustls, then HTTP/1.1 or HTTP/2 over whatever service it is given. Every peer is bounded in
//! time, in connections and in bytes ([`Limits`]); who exceeds a bound loses his connection and
//! nobody else's. This room knows no route, no session and no rule of the product; it waits by
//! the clock because that is its whole business, and it hands the peer's address on in a
//! request extension ([`Peer`]).

mod body;
mod connection;
mod gate;
mod pulse;
mod serve;
mod stall;
mod tls;

pub use crate::config::ConnectionLimits as Limits;
pub use crate::http::{Peer, SlowBody};
pub use body::GuardedBody;
pub use gate::{Gate, Place, Refusal};
pub use serve::{Edge, Served, listen};
pub use tls::{TlsError, Validity, tls_config, tls_config_from_pem, validity};
