//! A connection that is given up when its client takes nothing of what it is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream with a limit to its patience, and what is kept while it is open. It goes with an upgrade.
#[derive(Debug)]
pub(super) struct Patient<T, K> {
    stream: T,
    /// How long the other side may take nothing.
    patience: Duration,
    /// There while it takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _kept: K,
}

impl<T, K> Patient<T, K> {
    /// Keeps something while the stream is open.
    pub(super) fn new(stream: T, patience: Duration, kept: K) -> Self {
        Self {
            stream,
            patience,
            stalled: None,
            _kept: kept,
        }
    }

    fn limit<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if let Poll::Ready(written) = written {
            self.stalled = None;
            return Poll::Ready(written);
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        let error = "the client takes nothing of what it is sent";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, error)))
    }
}

impl<T: AsyncRead + Unpin, K: Unpin> AsyncRead for Patient<T, K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin, K: Unpin> AsyncWrite for Patient<T, K> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.limit(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.limit(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.limit(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut_and_its_place_is_free() {
        let (_client, server) = duplex(16);
        let place = Arc::new(());
        let mut stream = Patient::new(server, PATIENCE, Arc::clone(&place));
        let begun = Instant::now();
        let cut = stream.write_all(&[0; 17]).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
        drop(stream);
        assert_eq!(Arc::strong_count(&place), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_slow_but_takes_something_goes_on() {
        let (mut client, server) = duplex(16);
        let mut stream = Patient::new(server, PATIENCE, ());
        let slow = async {
            let mut bytes = [0; 16];
            for _ in 0..8 {
                sleep(PATIENCE - Duration::from_secs(1)).await;
                client.read_exact(&mut bytes).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(&[0; 128]), slow);
        written.unwrap();
    }
}
