//! Asynchronous events: the durable queue, retries, dead letters and destinations.
//!
//! An event is on disk before its caller hears of it, and leaves the disk in the same commit that hands it to its dead-letter
//! queue or destination. What a function is and how it runs is asked of [`Functions`].

mod agenda;
mod attempt;
mod condition;
mod delivery;
mod engine;
mod event;
mod functions;
mod hand_over;
mod head;
mod keeper;
mod next_step;
mod record;
mod report;
mod row;
mod work;

use condition::Condition;
pub use delivery::{Backlog, Delivery, DeliveryParts};
pub use event::Event;
pub use functions::{Attempt, EventSettings, FunctionResult, Functions};
