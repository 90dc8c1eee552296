//! Two kinds of time, kept apart.
//!
//! *Platform time* is what AWS timestamps, retries and expiries run on. It comes from a [`Clock`] and can be
//! virtual: a test advances it, and everything that is due fires in order.
//!
//! *Execution time* is how long a sandboxed function really burns. It is always real: [`Stopwatch`],
//! [`execution_sleep`] and [`execution_timeout`].
//!
//! This crate is the only one that asks the operating system for the time; the raw calls are clippy errors
//! everywhere else.

mod execution;
mod hold;
mod system;
mod timestamp;
mod r#virtual;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use execution::{ExecutionTimeout, Stopwatch, execution_sleep, execution_timeout};
pub use hold::Hold;
pub use system::SystemClock;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use r#virtual::VirtualClock;

/// A wait on a [`Clock`]. Virtual time stands still until the [`Hold`] that it ends with is dropped: keep it until
/// what was due has been done.
pub type Sleep = Pin<Box<dyn Future<Output = Hold> + Send>>;

/// Platform time.
pub trait Clock: Send + Sync + Debug {
    /// The current platform time.
    fn now(&self) -> Timestamp;

    /// Completes once [`Clock::now`] has reached `due`; at once if it already has.
    fn sleep_until(&self, due: Timestamp) -> Sleep;

    /// Keeps virtual time from moving on while something that is due now is being done: a message is on its way, a
    /// function runs. Nothing holds real time.
    fn hold(&self) -> Hold {
        Hold::none()
    }
}

/// The clock as every part of the server holds it.
pub type SharedClock = Arc<dyn Clock>;
