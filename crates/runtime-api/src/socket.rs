//! One connection's socket, written to by whoever has something to say.

use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tasks::Tasks;
use tokio::net::TcpStream;

/// A connected socket. Its own task reads it; an invoke writes into it from outside while a `/next` waits.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Reads what is there into `buffer`; 0 at the end of the stream.
    pub(crate) async fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        loop {
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.readable().await?,
                read => return read,
            }
        }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends head and payload in one system call without waiting; what does not fit into the socket's buffer
    /// follows in the background. A connection that has died is not an error here: its client asks again.
    pub(crate) fn send(self: Arc<Self>, tasks: &Tasks, mut head: Bytes, mut payload: Bytes) {
        loop {
            match self.stream.try_write_vectored(&[IoSlice::new(&head), IoSlice::new(&payload)]) {
                Ok(0) => return,
                Ok(written) => {
                    let of_head = written.min(head.len());
                    head.advance(of_head);
                    payload.advance(written - of_head);
                    if head.is_empty() && payload.is_empty() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::debug!(%error, "a waiting connection has died");
                    return;
                }
            }
        }
        tasks.spawn("runtime-api send", async move {
            for part in [head, payload] {
                if let Err(error) = self.write(&part).await {
                    tracing::debug!(%error, "a waiting connection has died");
                    return;
                }
            }
        });
    }
}
