//! A slow link: a TCP proxy on the loopback that lets bytes through at a rate, late.
//!
//! Each direction is one queue shared by all connections, as in a phone's modem: a byte waits
//! its turn, takes its time on the line and arrives half a round trip later. A new connection
//! costs one round trip before its first byte. Loss, slow start and header bytes below TCP are
//! not imitated. It counts every byte it carries, which is also its use without a limit.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// Most bytes taken at once: about a packet, so that directions and connections interleave as on a line.
const PIECE_BYTES: usize = 1_400;
/// Most bytes under way in one direction of one connection; more wait at their sender.
const UNDER_WAY_BYTES_MAX: usize = 64 * 1024;
/// Bytes the system keeps at the far end of a slow line.
const END_BUFFER_BYTES: u32 = 8 * 1024;

/// A link's quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// Bytes a second each way; nothing for as fast as it goes.
    pub bytes_per_s: Option<u64>,
    /// Round trip in milliseconds.
    pub rtt_ms: u64,
}

impl Quality {
    /// No limit: the proxy only counts.
    pub const LOOPBACK: Self = Self { bytes_per_s: None, rtt_ms: 0 };
    /// A phone in a basement: 64 kbit/s, 600 ms.
    pub const BASEMENT: Self = Self { bytes_per_s: Some(8_000), rtt_ms: 600 };

    /// The link's name in results.
    #[must_use]
    pub fn name(&self) -> String {
        match self.bytes_per_s {
            None => "loopback".to_owned(),
            Some(rate) => format!("{}kbit/s_{}ms", rate * 8 / 1_000, self.rtt_ms),
        }
    }
}

/// What went over a link so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes towards the server.
    pub up_bytes: u64,
    /// Bytes towards the phone.
    pub down_bytes: u64,
    /// Connections opened.
    pub connections: u64,
}

/// A running link. It ends with the runtime it was started in.
#[derive(Debug, Clone)]
pub struct Link {
    /// Where phones connect.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    quality: Quality,
    up: Direction,
    down: Direction,
    connections: AtomicU64,
}

#[derive(Debug, Default)]
struct Direction {
    bytes: AtomicU64,
    /// When the line is free again.
    free_at: Mutex<Option<Instant>>,
}

impl Link {
    /// Opens a link to `server` on a free port of the loopback.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open(server: SocketAddr, quality: Quality) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            quality,
            up: Direction::default(),
            down: Direction::default(),
            connections: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                tokio::spawn(carry(phone, server, Arc::clone(&accepting)));
            }
        });
        Ok(Self { address, shared })
    }

    /// What went over it so far.
    #[must_use]
    pub fn carried(&self) -> Carried {
        Carried {
            up_bytes: self.shared.up.bytes.load(Ordering::Relaxed),
            down_bytes: self.shared.down.bytes.load(Ordering::Relaxed),
            connections: self.shared.connections.load(Ordering::Relaxed),
        }
    }
}

async fn carry(phone: TcpStream, server: SocketAddr, shared: Arc<Shared>) {
    shared.connections.fetch_add(1, Ordering::Relaxed);
    let Ok(far) = far_end(server, shared.quality).await else { return };
    if phone.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    if shared.quality.rtt_ms > 0 {
        sleep(Duration::from_millis(shared.quality.rtt_ms)).await;
    }
    let (from_phone, to_phone) = phone.into_split();
    let (from_far, to_far) = far.into_split();
    let up = pump(from_phone, to_far, &shared.up, shared.quality);
    let down = pump(from_far, to_phone, &shared.down, shared.quality);
    tokio::join!(up, down);
}

/// On a slow line little stands in the system's buffers at its ends: what is not on the line waits at its sender.
async fn far_end(server: SocketAddr, quality: Quality) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if quality.bytes_per_s.is_some() {
        socket.set_recv_buffer_size(END_BUFFER_BYTES)?;
    }
    socket.connect(server).await
}

type Pieces = VecDeque<(Instant, Vec<u8>)>;

/// Pieces under way, each with the instant it arrives; an empty piece is the end.
#[derive(Debug, Default)]
struct Way {
    pieces: Mutex<(Pieces, usize)>,
    changed: Notify,
}

async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, line: &Direction, quality: Quality) {
    let way = Way::default();
    tokio::join!(take_in(from, &way, line, quality), give_out(to, &way));
}

async fn take_in(mut from: OwnedReadHalf, way: &Way, line: &Direction, quality: Quality) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        while way.pieces.lock().unwrap_or_else(PoisonError::into_inner).1 >= UNDER_WAY_BYTES_MAX {
            way.changed.notified().await;
        }
        let read = from.read(&mut buffer).await.unwrap_or(0);
        line.bytes.fetch_add(read as u64, Ordering::Relaxed);
        let arrives = line.arrival(Instant::now(), read, quality);
        let mut pieces = way.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.0.push_back((arrives, buffer[..read].to_vec()));
        pieces.1 += read;
        drop(pieces);
        way.changed.notify_one();
        if read == 0 {
            return;
        }
    }
}

async fn give_out(mut to: OwnedWriteHalf, way: &Way) {
    loop {
        let next = way.pieces.lock().unwrap_or_else(PoisonError::into_inner).0.pop_front();
        let Some((arrives, piece)) = next else {
            way.changed.notified().await;
            continue;
        };
        sleep_until(arrives).await;
        if piece.is_empty() || to.write_all(&piece).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
        way.pieces.lock().unwrap_or_else(PoisonError::into_inner).1 -= piece.len();
        way.changed.notify_one();
    }
}

impl Direction {
    /// When `bytes` handed to the line at `now` arrive at its other end.
    fn arrival(&self, now: Instant, bytes: usize, quality: Quality) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let start = free_at.map_or(now, |free| free.max(now));
        let on_the_line = quality
            .bytes_per_s
            .map_or(Duration::ZERO, |rate| Duration::from_micros(bytes as u64 * 1_000_000 / rate.max(1)));
        let sent = start + on_the_line;
        *free_at = Some(sent);
        sent + Duration::from_millis(quality.rtt_ms / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilobyte_takes_its_time_on_the_line_and_half_a_round_trip() {
        let (line, now) = (Direction::default(), Instant::now());
        let first = line.arrival(now, 800, Quality::BASEMENT);
        let second = line.arrival(now, 800, Quality::BASEMENT);
        assert_eq!(first - now, Duration::from_millis(100 + 300));
        assert_eq!(second - now, Duration::from_millis(200 + 300), "the line is used in turns");
        assert_eq!(line.arrival(now, 800, Quality::LOOPBACK) - now, Duration::from_millis(200));
    }

    #[tokio::test]
    async fn every_byte_arrives_in_order_and_is_counted() {
        let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = server.local_addr().expect("bound");
        let link = Link::open(address, Quality::LOOPBACK).await.expect("a port");
        let echo = tokio::spawn(async move {
            let (mut socket, _) = server.accept().await.expect("a connection");
            let mut all = Vec::new();
            socket.read_to_end(&mut all).await.expect("reads");
            socket.write_all(&all).await.expect("writes");
        });
        let sent: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let mut phone = TcpStream::connect(link.address).await.expect("connects");
        phone.write_all(&sent).await.expect("writes");
        phone.shutdown().await.expect("ends");
        let mut back = Vec::new();
        phone.read_to_end(&mut back).await.expect("reads");
        echo.await.expect("no panic");
        assert!(back == sent);
        let expected = Carried { up_bytes: 300_000, down_bytes: 300_000, connections: 1 };
        assert_eq!(link.carried(), expected);
    }
}
