//! Typed messages and descriptors between the server, the launcher and its children: JSON over a unix
//! `SOCK_SEQPACKET` socket, which keeps message boundaries and says when the other side is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message. The largest part of one are the function's variables (4 KiB on AWS).
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The most descriptors in one message: a zygote's fork takes three and one per cgroup controller.
const MAX_DESCRIPTORS: usize = 12;
/// Room for what the other side has not taken yet.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// A message with the descriptors that came with it.
pub(crate) type Received<T> = (T, Vec<OwnedFd>);

impl Channel {
    /// Two ends, closed on exec.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, two) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        for end in [&one, &two] {
            // The kernel caps it silently at what the host allows.
            rustix::net::sockopt::set_socket_send_buffer_size(end, BUFFER_BYTES)?;
        }
        Ok((Self(one), Self(two)))
    }

    /// Sends one message, waiting for room if the descriptor is blocking.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room, `BrokenPipe` when the other side is gone.
    pub(crate) fn send<T: Serialize>(&self, message: &T, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        if text.len() > MAX_MESSAGE_BYTES || descriptors.len() > MAX_DESCRIPTORS {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a message is too long"));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg(&self.0, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Sends `bytes` as they are, for a receiver that is no Rust program.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Takes the next message, waiting for it if the descriptor is blocking. `None`: the other side is gone.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, `InvalidData` when it is not what was expected.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<Received<T>>> {
        let mut bytes = vec![0; MAX_MESSAGE_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            match recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)
            {
                Ok(received) => received,
                Err(rustix::io::Errno::CONNRESET) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = message {
                descriptors.extend(fds);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        let message = serde_json::from_slice(&bytes[..received.bytes])?;
        Ok(Some((message, descriptors)))
    }

    /// Makes [`Channel::receive`] and [`Channel::send`] return `WouldBlock` instead of waiting.
    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        rustix::io::ioctl_fionbio(&self.0, true)?;
        Ok(())
    }

    /// The descriptor alone.
    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.0
    }
}

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl std::os::fd::AsRawFd for Channel {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}
