//! Amazon SQS through its typed trait, over a store in memory and a clock that is told the time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batches;
mod dead_letters;
mod durable;
mod fifo;
mod messages;
mod move_tasks;
mod permissions;
mod ports;
mod queues;
mod world;
