//! The body of a request, piece by piece, so that nothing of it need be held that is not wanted.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use crate::answer::CONTINUE;
use crate::head::{Framing, Head, HeadError, Trailers, take_head, take_trailers};
use crate::socket::Socket;

/// The least room a read is given.
const READ_BYTES: usize = 4096;

/// The longest line that announces a chunk.
const CHUNK_LINE_MAX_BYTES: usize = 1024;

/// A body that is larger than this and not wanted is not read to its end: the connection is closed instead.
const DRAIN_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why a body did not arrive whole.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The client stopped in the middle of it, or does not speak HTTP.
    Truncated,
    /// It is larger than the caller wants.
    TooLarge,
}

impl From<io::Error> for BodyError {
    fn from(_: io::Error) -> Self {
        Self::Truncated
    }
}

#[derive(Debug, Clone, Copy)]
enum Rest {
    /// This many bytes are left.
    Length(u64),
    /// The line that announces the next chunk comes next.
    ChunkLine,
    /// This many bytes of the chunk are left, then its line end.
    Chunk(u64),
    Trailers,
    Done,
}

/// Reads requests off one socket.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) socket: Arc<Socket>,
    buffer: BytesMut,
    rest: Rest,
    awaits_continue: bool,
    pub(crate) trailers: Trailers,
}

impl Reader {
    pub(crate) fn new(socket: Arc<Socket>) -> Self {
        Self {
            socket,
            buffer: BytesMut::with_capacity(READ_BYTES),
            rest: Rest::Done,
            awaits_continue: false,
            trailers: Trailers::default(),
        }
    }

    /// The next request's head; `None` when the client is gone.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>, HeadError> {
        loop {
            if let Some(head) = take_head(&mut self.buffer)? {
                self.rest = match head.framing {
                    None | Some(Framing::Length(0)) => Rest::Done,
                    Some(Framing::Length(length)) => Rest::Length(length),
                    Some(Framing::Chunked) => Rest::ChunkLine,
                };
                self.awaits_continue = head.expects_continue;
                self.trailers = Trailers::default();
                return Ok(Some(head));
            }
            match self.fill().await {
                Ok(()) => {}
                Err(_) => return Ok(None),
            }
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        if std::mem::take(&mut self.awaits_continue) && !matches!(self.rest, Rest::Done) {
            self.socket.write(CONTINUE).await?;
        }
        loop {
            match self.rest {
                Rest::Done => return Ok(None),
                Rest::Length(left) => {
                    let piece = self.take(left).await?;
                    let left = left - piece.len() as u64;
                    self.rest = if left == 0 { Rest::Done } else { Rest::Length(left) };
                    return Ok(Some(piece));
                }
                Rest::Chunk(0) => {
                    while self.buffer.len() < 2 {
                        self.fill().await?;
                    }
                    if !self.buffer.starts_with(b"\r\n") {
                        return Err(BodyError::Truncated);
                    }
                    self.buffer.advance(2);
                    self.rest = Rest::ChunkLine;
                }
                Rest::Chunk(left) => {
                    let piece = self.take(left).await?;
                    self.rest = Rest::Chunk(left - piece.len() as u64);
                    return Ok(Some(piece));
                }
                Rest::ChunkLine => self.chunk_line().await?,
                Rest::Trailers => match take_trailers(&mut self.buffer) {
                    Ok(Some(trailers)) => {
                        self.trailers = trailers;
                        self.rest = Rest::Done;
                    }
                    Ok(None) => self.fill().await?,
                    Err(_) => return Err(BodyError::Truncated),
                },
            }
        }
    }

    /// The whole body, when it has at most `max_bytes`.
    pub(crate) async fn whole(&mut self, max_bytes: usize) -> Result<Bytes, BodyError> {
        if let Rest::Length(length) = self.rest {
            let length = usize::try_from(length).map_err(|_| BodyError::TooLarge)?;
            if length > max_bytes {
                return Err(BodyError::TooLarge);
            }
            if std::mem::take(&mut self.awaits_continue) {
                self.socket.write(CONTINUE).await?;
            }
            // One allocation of the announced size: it is bounded, and only touched as bytes arrive.
            self.buffer.reserve((length + READ_BYTES).saturating_sub(self.buffer.len()));
            while self.buffer.len() < length {
                self.fill().await?;
            }
            self.rest = Rest::Done;
            return Ok(self.buffer.split_to(length).freeze());
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if whole.len() + piece.len() > max_bytes {
                return Err(BodyError::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Reads past what is left of the body, so that the client gets to read our answer. False when the
    /// connection must be closed instead.
    pub(crate) async fn skip_rest(&mut self) -> bool {
        // The client waits for our word and, having got another answer, does not send the body.
        if self.awaits_continue && !matches!(self.rest, Rest::Done) {
            return false;
        }
        let mut skipped = 0;
        while skipped <= DRAIN_MAX_BYTES {
            match self.piece().await {
                Ok(Some(piece)) => skipped += piece.len() as u64,
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    /// At least one and at most `max` bytes.
    async fn take(&mut self, max: u64) -> io::Result<Bytes> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let size = usize::try_from(max).unwrap_or(usize::MAX).min(self.buffer.len());
        Ok(self.buffer.split_to(size).freeze())
    }

    async fn chunk_line(&mut self) -> Result<(), BodyError> {
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((line, size))) => {
                    self.buffer.advance(line);
                    self.rest = if size == 0 { Rest::Trailers } else { Rest::Chunk(size) };
                    return Ok(());
                }
                Ok(httparse::Status::Partial) if self.buffer.len() <= CHUNK_LINE_MAX_BYTES => {
                    self.fill().await?
                }
                _ => return Err(BodyError::Truncated),
            }
        }
    }

    /// Reads more into the buffer; the end of the stream is an error.
    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(READ_BYTES);
        match self.socket.read(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
