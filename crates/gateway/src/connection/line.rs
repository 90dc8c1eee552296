//! Whether the client at the other end is still there.
//!
//! HTTP/2 tells: the stream is reset, or the connection ends. HTTP/1.1 does not while a request is being answered: hyper
//! reads nothing then, because a client may have closed its sending side and still wait for the answer. So the socket is
//! shared, and read ahead a little in the meantime: what comes is kept for hyper, and an end is told to the handler.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use futures::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire::{Body, Client};

/// What a client that sends the next request early is read ahead.
const AHEAD_BYTES: usize = 512;

/// A connection's two ends in one place.
#[derive(Debug)]
pub(super) struct Line<I>(Arc<Mutex<Shared<I>>>);

#[derive(Debug)]
struct Shared<I> {
    io: I,
    ahead: Vec<u8>,
    /// The client sends nothing more: it is gone, or has closed that side only.
    ended: bool,
}

impl<I> Line<I> {
    pub(super) fn new(io: I) -> Self {
        Self(Arc::new(Mutex::new(Shared { io, ahead: Vec::new(), ended: false })))
    }

    /// Sees whether it has ended, and does not keep it open.
    pub(super) fn watch(&self) -> Arc<dyn Watch>
    where
        I: AsyncRead + Unpin + Send + 'static,
    {
        Arc::new(Watcher(Arc::downgrade(&self.0)))
    }

    fn lock(&self) -> MutexGuard<'_, Shared<I>> {
        lock(&self.0)
    }
}

fn lock<I>(shared: &Mutex<Shared<I>>) -> MutexGuard<'_, Shared<I>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watcher<I>(Weak<Mutex<Shared<I>>>);

/// Tells when nothing more can come from a client. Polled by the task that serves the connection, and only by it.
pub(crate) trait Watch: Send + Sync {
    /// Ready when nothing more comes. Pending for good when something has come instead.
    fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()>;
}

impl<I: AsyncRead + Unpin + Send> Watch for Watcher<I> {
    fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(line) = self.0.upgrade() else { return Poll::Ready(()) };
        let mut shared = lock(&line);
        let Shared { io, ahead, ended } = &mut *shared;
        if !*ended && ahead.is_empty() {
            let mut space = [0; AHEAD_BYTES];
            let mut buffer = ReadBuf::new(&mut space);
            let result = ready!(Pin::new(io).poll_read(context, &mut buffer));
            *ended = result.is_err() || buffer.filled().is_empty();
            ahead.extend_from_slice(buffer.filled());
        }
        if *ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Line<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut shared = self.lock();
        let count = shared.ahead.len().min(buffer.remaining());
        if count > 0 {
            buffer.put_slice(&shared.ahead[..count]);
            shared.ahead.drain(..count);
            return Poll::Ready(Ok(()));
        }
        if shared.ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut shared.io).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Line<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().io).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().io.is_write_vectored()
    }
}

/// A client and, where it has to be asked, how to find out that it is gone.
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) watch: Option<Arc<dyn Watch>>,
}

impl Caller {
    /// Runs `work`, and tells the client's handler when the client is gone meanwhile. The request must have been read.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|context| {
            let result = work.as_mut().poll(context);
            // Most are answered at once, and nobody has to look.
            if result.is_pending() && self.look(context) {
                // What waits for this is to hear of it now.
                return work.as_mut().poll(context);
            }
            result
        })
        .await
    }

    /// An answer that is written while it comes is written to somebody.
    pub(crate) fn keep_watching(self, body: Body) -> Body {
        match body {
            Body::Stream(mut parts) if self.watch.is_some() => {
                Body::Stream(Box::pin(stream::poll_fn(move |context| {
                    let part = parts.as_mut().poll_next(context);
                    if part.is_pending() && self.look(context) {
                        return parts.poll_next_unpin(context);
                    }
                    part
                })))
            }
            body => body,
        }
    }

    /// Whether the client was found to be gone just now.
    fn look(&self, context: &mut Context<'_>) -> bool {
        let Some(watch) = &self.watch else { return false };
        let found = !self.client.is_gone() && watch.poll_ended(context).is_ready();
        if found {
            self.client.hang_up();
        }
        found
    }
}
