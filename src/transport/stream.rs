//! Byte streams: counted, acknowledged at once, and fed from a channel's messages.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

/// Both directions of a byte stream.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A byte stream of any kind.
pub(super) type Stream = Box<dyn Duplex>;

/// What went over the connections of one host.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) connections: AtomicU64,
    pub(super) exchanges: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
}

impl Tally {
    /// Adds to one of the counters.
    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// A stream whose bytes are counted, and whose first bytes may be waited for without taking them.
pub(super) struct Metered<S> {
    inner: S,
    tally: Arc<Tally>,
    first: VecDeque<u8>,
}

impl<S> Metered<S> {
    pub(super) fn new(inner: S, tally: Arc<Tally>) -> Self {
        Self { inner, tally, first: VecDeque::new() }
    }
}

impl<S: AsyncRead + Unpin> Metered<S> {
    /// Waits until the other side has said something; `false` when it closes instead.
    pub(super) async fn first_bytes(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 256];
        let count = self.inner.read(&mut buffer).await?;
        Tally::add(&self.tally.received, count);
        self.first.extend(buffer.get(..count).unwrap_or_default());
        Ok(count > 0)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let count = self.first.len().min(buffer.remaining());
            let bytes: Vec<u8> = self.first.drain(..count).collect();
            buffer.put_slice(&bytes);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        Tally::add(&self.tally.received, buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        Tally::add(&self.tally.sent, count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A TCP stream that acknowledges what it reads at once: a delayed acknowledgement costs 40 ms in a handshake.
pub(super) struct QuickAck(TcpStream);

impl QuickAck {
    pub(super) fn new(stream: TcpStream) -> Self {
        let quick = Self(stream);
        quick.acknowledge();
        quick
    }

    fn acknowledge(&self) {
        // The kernel falls back by itself, so this is said again after each read. It is no loss where it fails.
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.0).poll_read(cx, buffer));
        self.acknowledge();
        Poll::Ready(result)
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Reads the pieces that another task puts into a queue; the end of the queue is the end of the stream.
pub(super) struct Queue {
    pieces: UnboundedReceiver<Vec<u8>>,
    current: Vec<u8>,
    taken: usize,
}

impl Queue {
    pub(super) fn new(pieces: UnboundedReceiver<Vec<u8>>) -> Self {
        Self { pieces, current: Vec::new(), taken: 0 }
    }
}

impl AsyncRead for Queue {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.taken >= self.current.len() {
            match ready!(self.pieces.poll_recv(cx)) {
                Some(piece) => (self.current, self.taken) = (piece, 0),
                None => return Poll::Ready(Ok(())),
            }
        }
        let rest = self.current.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        self.taken += count;
        Poll::Ready(Ok(()))
    }
}
