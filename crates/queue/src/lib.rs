//! Durable message queues: visibility, order, deduplication, redrive. Knows nothing of the AWS API.
//!
//! A queue has one owner: this process. What it must know to hand the next message out (its head) is in memory, bounded,
//! and made from the store when a queue is first used; the messages themselves are in the store, and every answer follows
//! the commit of what it says.

mod message;
mod queue;
mod queues;
mod settings;

pub use message::{Counters, Message, NewMessage, Receipt, Receive, Sent};
pub use queue::{FindQueue, MoveTo, Moved, Queue};
pub use queues::Queues;
pub use settings::{DeadLetter, DeduplicationScope, Fifo, QueueError, QueueId, Settings, ThroughputLimit};
