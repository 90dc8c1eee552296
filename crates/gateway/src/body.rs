//! Bodies: reading one within its limits, and handing one to hyper.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clock::execution_timeout;
use futures::FutureExt;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// A body that did not come whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Larger than allowed.
    TooLarge,
    /// The client stopped sending.
    TimedOut,
    /// The connection broke, or its framing was wrong.
    Broken,
}

/// Buffers grow by what arrives, not by what `Content-Length` promises, beyond this.
const RESERVE_BYTES_MAX: u64 = 1 << 20;

/// The whole body. One that arrives in one piece is not copied.
pub(crate) async fn read<B>(mut body: B, bytes_max: usize, pause_max: Duration) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let expected = body.size_hint().lower();
    if expected > bytes_max as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while !body.is_end_stream() {
        // Most often the body came along with its head: then there is no timer to set.
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => execution_timeout(pause_max, body.frame()).await.map_err(|_| ReadError::TimedOut)?,
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| ReadError::Broken)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > bytes_max {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let reserve = expected.min(RESERVE_BYTES_MAX);
            rest.reserve(usize::try_from(reserve).unwrap_or(0).max(first.len() + data.len()));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// A response's body as hyper takes it.
pub(crate) struct Outgoing(pub(crate) wire::Body);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().0 {
            wire::Body::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            wire::Body::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            wire::Body::Stream(parts) => {
                parts.as_mut().poll_next(context).map(|part| part.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, wire::Body::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            wire::Body::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            wire::Body::Stream(_) => SizeHint::default(),
        }
    }
}
