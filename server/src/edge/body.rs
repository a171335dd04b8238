//! Bodies under guard: a request's body must keep up a rate, a reply's body keeps its
//! connection alive until its last byte.
//!
//! A body of n bytes may take the grace and n divided by the rate, whatever pauses it makes, and no body longer than the
//! longest; a phone in a stairwell passes, a peer that sends a byte a second does not (R01).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::pulse::UnderWay;
use super::{Limits, SlowBody};

/// Why a guarded body ended early.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body that must keep up a rate.
pub struct GuardedBody<B> {
    inner: B,
    grace: Duration,
    longest: Duration,
    rate_bytes: u32,
    began_at: Option<Instant>,
    received_bytes: u64,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<B> GuardedBody<B> {
    pub(super) fn new(inner: B, limits: &Limits) -> Self {
        Self {
            inner,
            grace: limits.body_grace,
            longest: limits.body_longest,
            rate_bytes: limits.body_rate_bytes.max(1),
            began_at: None,
            received_bytes: 0,
            alarm: None,
        }
    }

    fn deadline(&mut self) -> Instant {
        let began_at = *self.began_at.get_or_insert_with(Instant::now);
        let earned_ms = self.received_bytes.saturating_mul(1000) / u64::from(self.rate_bytes);
        began_at + self.longest.min(self.grace + Duration::from_millis(earned_ms))
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline();
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(cx)
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").field("received_bytes", &self.received_bytes).finish_non_exhaustive()
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The clock starts with the first look, not with the first byte.
        let _ = self.deadline();
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let came = frame.data_ref().map_or(0, Buf::remaining);
                self.received_bytes = self.received_bytes.saturating_add(came as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.poll_alarm(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(SlowBody(self.rate_bytes).into()))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Most bytes of a reply handed over at once.
const PIECE_BYTES: usize = 16 * 1024;

/// A reply's body that keeps its request under way until it is sent or dropped.
///
/// It is handed over in pieces, as fast as they are taken: a megabyte given away whole would count as sent while a
/// phone in a stairwell still reads its beginning, and its connection as silent. In reply to HEAD it is only measured:
/// over HTTP/2 nobody else keeps it back, and bytes there break the stream.
#[derive(Debug)]
pub(super) struct SentBody<B> {
    inner: B,
    rest: Bytes,
    kept_back: bool,
    _under_way: UnderWay,
}

impl<B> SentBody<B> {
    pub(super) const fn new(inner: B, kept_back: bool, under_way: UnderWay) -> Self {
        Self { inner, rest: Bytes::new(), kept_back, _under_way: under_way }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for SentBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.kept_back {
            return Poll::Ready(None);
        }
        if self.rest.is_empty() {
            match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let piece = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.kept_back || (self.rest.is_empty() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{FutureExt, StreamExt};
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::super::pulse::Pulse;
    use super::*;

    /// A body that sends a piece of `bytes` every `every`, `times` times.
    fn drip(
        bytes: usize,
        every: Duration,
        times: usize,
    ) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let ticks = futures_util::stream::unfold(0, move |sent| async move {
            if sent == times {
                return None;
            }
            tokio::time::sleep_until(Instant::now() + every).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; bytes]))), sent + 1))
        });
        StreamBody::new(ticks.boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_slower_than_the_rate_is_cut_after_the_grace() {
        let limits = Limits::default();
        let body = GuardedBody::new(drip(1, Duration::from_secs(1), 1_000), &limits);
        let from = Instant::now();
        let error = body.collect().await.expect_err("too slow");
        assert_eq!(error.downcast_ref::<SlowBody>(), Some(&SlowBody(1024)));
        assert_eq!(from.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_rate_may_take_its_time() {
        let limits = Limits::default();
        let body = GuardedBody::new(drip(2_048, Duration::from_secs(2), 60), &limits);
        assert_eq!(body.collect().await.expect("fast enough").to_bytes().len(), 60 * 2_048);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_up_the_rate_for_ever_is_cut_at_the_longest() {
        let limits = Limits::default();
        let body = GuardedBody::new(drip(2_048, Duration::from_secs(1), 8_192), &limits);
        let from = Instant::now();
        let error = body.collect().await.map(drop).expect_err("too long");
        assert_eq!(error.downcast_ref::<SlowBody>(), Some(&SlowBody(1024)));
        assert_eq!(from.elapsed(), limits.body_longest);
    }

    #[tokio::test(start_paused = true)]
    async fn the_largest_body_of_a_phone_passes_at_the_least_rate() {
        let limits = Limits::default();
        let body = GuardedBody::new(drip(1_024, Duration::from_secs(1), 1_024), &limits);
        assert_eq!(body.collect().await.expect("in time").to_bytes().len(), 1 << 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_within_the_grace_is_forgiven_and_a_longer_one_is_not() {
        let limits = Limits::default();
        for (pause_secs, whole) in [(9, true), (11, false)] {
            let body = GuardedBody::new(drip(1, Duration::from_secs(pause_secs), 1), &limits);
            assert_eq!(body.collect().await.is_ok(), whole, "{pause_secs}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_is_under_way_until_its_last_piece_is_taken() {
        let limits = Limits::default();
        let pulse = Pulse::new(limits.clone(), true);
        let whole = Bytes::from(vec![7; 100_000]);
        let mut body = SentBody::new(Full::new(whole.clone()), false, pulse.request_begins());
        let mut taken = Vec::new();
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((whole.len() - taken.len()) as u64));
            tokio::time::advance(Duration::from_secs(3_600)).await;
            assert!(pulse.stopped().now_or_never().is_none(), "after {} bytes", taken.len());
            let piece = body.frame().await.expect("there is more").expect("without fault");
            let piece = piece.into_data().expect("data");
            assert!(piece.len() <= PIECE_BYTES, "{}", piece.len());
            taken.extend(piece);
        }
        assert_eq!(taken, whole);
        drop(body);
        tokio::time::advance(limits.idle).await;
        assert!(pulse.stopped().now_or_never().is_some(), "and silent when it is taken");
    }
}
