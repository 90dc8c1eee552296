//! The causal story of events and messages: what happened to each, where it came from and where it went.
//!
//! [`Trace`] implements the `RecordTrace` port. A step costs a place in a bounded queue and is in the store some ten
//! milliseconds later, under load perhaps seconds; nothing waits for it, and a `kill -9` loses what was still in the
//! queue. What is kept is bounded: the last [`STEPS_MAX`] steps in at most [`STEPS_BYTES_MAX`], the oldest going first,
//! and apart from them the last [`FAILED_MAX`] failed events in at most [`FAILED_BYTES_MAX`]. Payloads are kept of failed
//! events only.

mod bounds;
mod failed;
mod queue;
mod steps;
mod story;
mod tables;
mod trace;
mod watch;
mod writer;

pub use bounds::{FAILED_BYTES_MAX, FAILED_MAX, STEPS_BYTES_MAX, STEPS_MAX};
pub use failed::{Failed, FailedFilter};
pub use story::Story;
pub use trace::{Trace, TraceError, TraceParts};
pub use watch::{Happened, Watch};
