//! Asynchronous events: the durable queue, retries, dead letters and destinations.
//!
//! An event is on disk before its caller hears of it, and leaves the disk in the same commit that hands it to its dead-letter
//! queue or destination. What a function is and how it runs is asked of [`Functions`].

mod condition;
mod delivery;
mod event;
mod functions;
mod next_step;
mod row;

use condition::Condition;
pub use delivery::{Backlog, Delivery, DeliveryParts};
pub use event::Event;
pub use functions::{Attempt, EventSettings, FunctionResult, Functions};
