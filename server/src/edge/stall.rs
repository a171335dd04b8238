//! The socket as the HTTP machinery sees it: reads feed the pulse, writes may not stall.
//!
//! A peer that asks and then reads nothing would hold its reply for ever; after
//! [`super::Limits::write_stall`] without a byte taken the write fails.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::pulse::Pulse;

#[derive(Debug)]
pub(super) struct Stalling<I> {
    inner: I,
    pulse: Pulse,
    longest: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<I> Stalling<I> {
    pub(super) const fn new(inner: I, pulse: Pulse, longest: Duration) -> Self {
        Self { inner, pulse, longest, alarm: None }
    }

    /// Passes a finished write on and forgets the alarm; sets the alarm at the first refusal.
    fn watched<T>(&mut self, cx: &mut Context<'_>, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.alarm = None;
            return write;
        }
        let longest = self.longest;
        let alarm =
            self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + longest)));
        match alarm.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Stalling<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.bytes_arrived();
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Stalling<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watched(cx, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watched(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.inner).poll_flush(cx);
        self.watched(cx, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watched(cx, shutdown)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::edge::Limits;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_makes_the_write_fail() {
        let (here, _there) = tokio::io::duplex(16);
        let limits = Limits::default();
        let mut socket = Stalling::new(here, Pulse::new(limits.clone(), false), limits.write_stall);
        let from = Instant::now();
        let error = socket.write_all(&[0; 64]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(from.elapsed(), limits.write_stall);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_slowly_gets_everything() {
        let (here, mut there) = tokio::io::duplex(16);
        let limits = Limits::default();
        let mut socket = Stalling::new(here, Pulse::new(limits.clone(), false), limits.write_stall);
        let reader = tokio::spawn(async move {
            let mut piece = [0; 16];
            for _ in 0..4 {
                tokio::time::sleep_until(Instant::now() + Duration::from_secs(20)).await;
                there.read_exact(&mut piece).await.expect("a piece");
            }
        });
        socket.write_all(&[0; 64]).await.expect("all of it, slowly");
        reader.await.expect("the reader");
    }
}
