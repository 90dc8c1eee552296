//! Durable message queues: visibility, order, deduplication, redrive. Knows nothing of the AWS API.
//!
//! A queue has one owner: this process. What it must know to hand the next message out (its head) is in memory, bounded,
//! and made from the store when a queue is first used; the messages themselves are in the store, and every answer follows
//! the commit of what it says.

mod agenda;
mod alarm;
mod attempts;
mod counting;
mod delete;
mod entry;
mod expiry;
mod fifo;
mod handing;
mod hash;
mod head;
mod loading;
mod message;
mod moving;
mod order;
mod queue;
mod queues;
mod receipt;
mod receive;
mod record;
mod removal;
mod rows;
mod send;
mod settings;
mod settling;
mod standard;
mod tokens;
mod visibility;
mod waiters;
mod window;

pub use message::{Counters, Message, NewMessage, Receipt, Receive, Sent};
pub use moving::{FindQueue, MoveTo, Moved};
pub use queue::Queue;
pub use queues::Queues;
pub use settings::{DeadLetter, DeduplicationScope, Fifo, QueueError, QueueId, Settings, ThroughputLimit};
