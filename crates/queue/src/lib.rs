//! Durable message queues: visibility, order, deduplication, redrive. Knows nothing of the AWS API.
//!
//! A queue has one owner: this process. What it must know to hand the next message out (its head) is in memory, bounded,
//! and made from the store when a queue is first used; the messages themselves are in the store, and every answer follows
//! the commit of what it says.
//!
//! # Rows
//!
//! A message is a record by the time it was sent and its number; what is too old is always at the start. A small row
//! beside it says when it can be received: `line` rows for those that were neither received nor delayed, `waiting` rows
//! by the moment from which they can be received (again). So a visibility timeout or a delay that ends is nothing that
//! must be written, and a restart reads no more than what is in flight: a queue with a million messages is there within
//! a millisecond. A send writes two rows and a counter, a receive moves the small row, a deletion removes both. Records
//! and rows are compact forms of their own instead of tables of JSON: a body is most often JSON that would be escaped,
//! and the small rows are what is scanned.
//!
//! # The head
//!
//! `head.rs` is the only state. Whoever is about to change messages takes them out of it, commits without any lock, and
//! settles: what was committed is put back as it is now, what failed as it was, and after an unknown outcome the whole
//! head is read anew. What a read of rows must not see twice is whatever is busy meanwhile. `standard.rs` and `fifo.rs` say in
//! which order messages come; both are windows over their rows.
//!
//! A message that is sent to a standard queue by itself while a receiver waits and nothing else is to be had is written as
//! received: that receiver is kept for it, and has it once the commit of the send returns. What was received for somebody
//! who has gone meanwhile (`given.rs`) can be received again at once.
//!
//! Fair queues: when a group has more than a quarter of the messages in flight (and at least ten), the next 64 messages
//! of the window are looked through for one of a quieter group. The rates that AWS limits FIFO queues to are not
//! enforced.
//!
//! `examples/throughput.rs` measures all this.

mod agenda;
mod alarm;
mod attempts;
mod counting;
mod delete;
mod digest;
mod entry;
mod expiry;
mod fifo;
mod given;
mod giving_up;
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

pub use digest::{md5_of_attributes, md5_of_body};
pub use message::{Counters, Message, NewMessage, Poll, Receipt, Receive, Sent};
pub use moving::{FindQueue, MoveTo, Moved};
pub use queue::Queue;
pub use queues::Queues;
pub use settings::{DeadLetter, DeduplicationScope, Fifo, QueueError, QueueId, Settings, ThroughputLimit};
