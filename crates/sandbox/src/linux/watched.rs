//! Descriptors that tokio waits for.
#![expect(unsafe_code, reason = "tokio cannot see that these types own their descriptor")]

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::channel::Channel;

/// A channel to send to and receive from.
pub(super) fn channel(channel: Channel) -> io::Result<AsyncFd<Channel>> {
    // SAFETY: a channel owns its socket and keeps it open, and the same, until it is dropped.
    unsafe { AsyncFd::register_with_interest(channel, Interest::READABLE | Interest::WRITABLE) }
        .map_err(Into::into)
}

/// A process descriptor, which becomes readable when the process has ended.
pub(super) fn pidfd(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an owned descriptor stays open, and the same, until it is dropped.
    unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }.map_err(Into::into)
}
