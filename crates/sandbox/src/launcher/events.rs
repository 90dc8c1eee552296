//! Waiting for whoever has something to say.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// Names a jail or a zygote; never given twice.
pub(crate) type Number = u64;

/// Who has something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The server.
    Server,
    /// A child process has ended.
    Children,
    /// The init of a jail.
    Init(Number),
    /// The process that was started in a jail ahead of need.
    Occupant(Number),
    /// A zygote.
    Zygote(Number),
}

impl Source {
    const KINDS: u64 = 8;

    fn encode(self) -> u64 {
        match self {
            Self::Server => 0,
            Self::Children => 1,
            Self::Init(number) => number * Self::KINDS + 2,
            Self::Occupant(number) => number * Self::KINDS + 3,
            Self::Zygote(number) => number * Self::KINDS + 4,
        }
    }

    fn decode(value: u64) -> Option<Self> {
        let number = value / Self::KINDS;
        match value % Self::KINDS {
            0 => Some(Self::Server),
            1 => Some(Self::Children),
            2 => Some(Self::Init(number)),
            3 => Some(Self::Occupant(number)),
            4 => Some(Self::Zygote(number)),
            _ => None,
        }
    }
}

/// Everyone that is listened to.
#[derive(Debug)]
pub(crate) struct Events {
    epoll: OwnedFd,
}

impl Events {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Listens to `descriptor` until it is closed or removed.
    pub(crate) fn add(&self, descriptor: impl AsFd, source: Source) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.encode());
        Ok(epoll::add(&self.epoll, descriptor, data, epoll::EventFlags::IN)?)
    }

    /// Listens to it no longer.
    pub(crate) fn remove(&self, descriptor: impl AsFd) {
        // One that was not listened to needs no removing.
        epoll::delete(&self.epoll, descriptor).unwrap_or_default();
    }

    /// Waits until somebody speaks or `timeout` has passed.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<Vec<Source>> {
        const AT_ONCE: usize = 64;
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut events = Vec::with_capacity(AT_ONCE);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(events.iter().filter_map(|event| Source::decode(event.data.u64())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_its_encoding() {
        for source in
            [Source::Server, Source::Children, Source::Init(7), Source::Occupant(0), Source::Zygote(1 << 40)]
        {
            assert_eq!(Source::decode(source.encode()), Some(source));
        }
    }
}
