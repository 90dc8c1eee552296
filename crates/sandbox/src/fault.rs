//! What went wrong, and at which step.

use std::fmt;
use std::io;

/// A step that failed.
#[derive(Debug)]
pub(crate) struct Fault {
    step: String,
    source: io::Error,
}

impl Fault {
    pub(crate) fn new(step: impl fmt::Display, source: io::Error) -> Self {
        Self { step: step.to_string(), source }
    }

    /// Whether the host has run out of something that it may have again later.
    pub(crate) fn is_want_of_room(&self) -> bool {
        use io::ErrorKind::{OutOfMemory, QuotaExceeded, StorageFull};
        let short = [libc::EAGAIN, libc::ENFILE, libc::EMFILE, libc::EUSERS];
        matches!(self.source.kind(), OutOfMemory | QuotaExceeded | StorageFull)
            || self.source.raw_os_error().is_some_and(|number| short.contains(&number))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl std::error::Error for Fault {}

/// Names the step that a result belongs to.
pub(crate) trait Step<T> {
    /// The error says `step`.
    fn step(self, step: impl fmt::Display) -> Result<T, Fault>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl fmt::Display) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(step, error.into()))
    }
}
