//! Asynchronous events: the durable queue, retries, dead letters and destinations.
//!
//! An event is on disk before its caller hears of it, and leaves the disk in the same commit that hands it to its dead-letter
//! queue or destination. What a function is and how it runs is asked of [`Functions`].

mod event;
mod functions;

pub use event::Event;
pub use functions::{Attempt, EventSettings, FunctionResult, Functions};
