//! Event source mappings: Lambda polls a queue or a stream and invokes a function synchronously, batch by batch.
//!
//! Owns the mappings (what the API says of them is `lambda`'s), their states, and the pollers: what is read, how it
//! is filtered, gathered into batches and handed to the function, and what follows from how that ended. What a
//! function is and how it runs is asked of [`Functions`]; queues and streams are found through [`FindQueue`] and
//! [`FindStream`].
//!
//! Nothing is deleted from a queue, and no checkpoint moves on, before the function has succeeded or the batch was given
//! up and, where there is a destination, its record was accepted there in the same commit.
//!
//! # The parts
//!
//! `engine.rs` keeps all mappings in memory over their rows and is the only one that writes them; `slot.rs` is one of them.
//! For each that is not disabled a task of `supervisor.rs` does what follows from its state, whatever it was when the last
//! process ended, and begins a run when it is to poll: a `Poller` is given to `queue_poller.rs` or
//! `stream_poller.rs`, and a change of the mapping ends it. An idle mapping is one task of each that waits, and no timer.

mod agenda;
mod engine;
mod event_sources;
mod figures;
mod filter;
mod functions;
mod mapping;
mod pauses;
mod poller;
mod queue_poller;
mod slot;
mod sources;
mod stop;
mod stream_poller;
mod supervisor;
mod tables;
mod waiting;

pub use event_sources::{EventSources, EventSourcesParts, MappingError, Page};
pub use functions::{Batch, FunctionInfo, Functions, Invoked, Ran};
pub use mapping::{Mapping, Polling, ProvisionedPollers, QueuePolling, Start, State, StreamPolling};
pub use sources::{FindQueue, FindStream};
